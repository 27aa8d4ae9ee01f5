"""Selection, a corpus step: which records are published, from which attempt, and what is said of each.

In: source rows, scored attempts.  Out: `6-selected/<partition>.parquet` with guid, attempt, drift, near_duplicate_of
and contaminated_by, drops (disputed, disagreed, below_threshold, contaminated, duplicate_record, near_duplicate, in
this order), and `6-selected/selection.json` with what was found over the whole corpus, written last.  The first
attempt whose score reaches the threshold is taken, of those that no person has called wrong and on which as many
teachers agree as the recipe asks (agreed.py).  A record repeats only records that were selected, the first of which by
guid it names.  Never changes a record.

The corpus is read in order of guid, four or five times.  Memory: that of duplicates.py, of conflicts.py, about 300
bytes for each record that has a like, and that of split.py where a split is asked for.
"""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from heapq import merge
from itertools import groupby, tee
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from nercot.corpus.disputed import REASON, WHY
from nercot.corpus.records import answer_hash
from nercot.corpus.streams import answers_of, beside
from nercot.corpus.tables import read_rows, table, to_record, write_json
from nercot.corpus.work import Report, Row, Tally, Work, done_before, place_of, step_meta
from nercot.steps.agreed import apart
from nercot.steps.conflicts import Conflicts, repeated, text_number
from nercot.steps.duplicates import Likes, duplicate_key, near_duplicates
from nercot.steps.split import Families
from nercot.validation.spans import drift

# How the detail of a contaminated row begins; the names of the benchmarks follow.
TOUCHES = "like a test sentence of "
# A record and the number of an attempt at it.
_Place = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Selection:
    """The recipe's choices; `validation`, `test`: rows of these splits.  `disputed`: (guid, answer) pairs, sorted.

    `agreement`: how many teachers have to give the entities of a row; `teachers`: whose each attempt is.
    """

    threshold: float
    duplicates: str = "drop"
    near_duplicates: str = "flag"
    contamination: str = "flag"
    validation: int = 0
    test: int = 0
    disputed: tuple[tuple[str, str], ...] = ()
    agreement: int = 1
    teachers: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Scored:
    """What is selected from: the partitions, the rounds of answers, the folders with the scores, and with what was
    read of each answer.
    """

    work: Work
    parts: Sequence[str]
    rounds: int
    scores: str
    answers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Selected:
    """What selection left: the key for what is made of it, what it found, and the split of guids not in train."""

    key: str
    findings: Mapping[str, Any]
    splits: Mapping[str, str]


class Checker(Protocol):
    """Says which benchmarks' test sets a row touches (contamination.py)."""

    def find(self, rows: Iterable[Row]) -> Iterator[tuple[str, ...]]:
        """For each row the names of benchmarks."""

    def describe(self) -> dict[str, Any]:
        """What was looked at."""


class _Fate(NamedTuple):
    """Why a record is dropped, or what is said of it."""

    reason: str | None = None
    detail: str = ""
    attempt: int = 0
    near_duplicate_of: str | None = None
    contaminated_by: str | None = None


class _Case(NamedTuple):
    """A scored record: the attempt that is taken, if one is; its attempts and their answers.

    `barred`: where none is, why those that reached the threshold are not, the gravest first.
    """

    row: Row
    chosen: Row | None
    attempts: list[Row]
    answers: list[Row]
    barred: Sequence[_Fate]


def selected_before(work: Work, parts: Sequence[str], key: str) -> Selected | None:
    """What an earlier run left, if it was made from the same things."""
    try:
        state = json.loads(_state_file(work).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    whole = state.get("key") == key and all(done_before(work.file("6-selected", part), key) for part in parts)
    return _selected(state) if whole else None


def select(scored: Scored, key: str, selection: Selection, checker: Checker | None, report: Report) -> Selected:
    """Selects over the whole corpus; without `checker` nothing is said about contamination."""
    spool = scored.work.root / ".spool"
    likes = Likes()
    if selection.near_duplicates != "off":
        likes = near_duplicates(lambda: (row["sentence"] for row in _passed(scored, selection)), spool)
    conflicts = Conflicts(repeated(map(text_number, _golden(scored.work, scored.parts)), spool / "texts"))
    keys = (_number(row["sentence"], row["schema"]) for row in _passed(scored, selection))
    twins = repeated(keys, spool / "keys") if selection.duplicates != "off" else frozenset()
    chooser = _Chooser(selection, likes, twins)
    shutil.rmtree(spool, ignore_errors=True)
    for number, part in enumerate(scored.parts, 1):
        _partition(scored, part, key, chooser, conflicts, checker)
        report("select", number, len(scored.parts))
    state = {"key": key, **chooser.findings(), "conflicting_gold": conflicts.summary()}
    if checker is not None:
        state["contamination"] = {**checker.describe(), "records": chooser.like_tests, "matrix": chooser.matrix()}
    write_json(_state_file(scored.work), state)
    return _selected(state)


def _state_file(work: Work) -> Path:
    return work.root / "6-selected" / "selection.json"


def _selected(state: Mapping[str, Any]) -> Selected:
    findings = {name: value for name, value in state.items() if name not in ("key", "splits")}
    splits = {guid: name for name, guids in state["splits"].items() for guid in guids}
    return Selected(state["key"], findings, splits)


# --- what is read ---------------------------------------------------------------------------------


def _passed(scored: Scored, selection: Selection) -> Iterator[Row]:
    """Guid, sentence and schema of the records with an attempt that can be taken."""
    for part in scored.parts:
        rows = read_rows(scored.work.file("1-source", part), ["guid", "sentence", "schema"])
        barred = _barred(scored, part, selection, _disputed(scored, part, selection))
        for row, (attempts,) in beside(rows, _scores(scored, part)):
            if _first(attempts, selection.threshold, barred):
                yield row


def _first(attempts: Iterable[Row], threshold: float, barred: Collection[_Place]) -> Row | None:
    """The first attempt that reaches the threshold and may be taken."""
    return next((item for item in _passed_at(attempts, threshold) if place_of(item) not in barred), None)


def _passed_at(attempts: Iterable[Row], threshold: float) -> Iterator[Row]:
    return (item for item in attempts if item["score"] >= threshold)


def _barred(scored: Scored, part: str, selection: Selection, disputed: Iterable[_Place]) -> dict[_Place, _Fate]:
    """The attempts that cannot be taken whatever their score: too few teachers agree, or a person said no."""
    no = _Fate(REASON, WHY)
    agreed = _disagreed(scored, part, selection) if selection.agreement > 1 else ()
    few = f"of the teachers gave these entities, {selection.agreement} asked"
    return {place: _Fate("disagreed", f"{count} {few}") for place, count in agreed} | dict.fromkeys(disputed, no)


def _disagreed(scored: Scored, part: str, selection: Selection) -> Iterator[tuple[_Place, int]]:
    """The answers on which too few teachers agree, and how many do."""
    columns = ["guid", "attempt", "entities"]
    refused = scored.work.drops(part, ("validate",), scored.rounds, columns)
    answers = merge(answers_of(scored.work, part, scored.rounds, scored.answers), refused, key=place_of)
    for guid, group in groupby(answers, key=lambda row: str(row["guid"])):
        alone = apart(group, selection.teachers, selection.agreement)
        yield from (((guid, attempt), count) for attempt, count in alone.items())


def _disputed(scored: Scored, part: str, selection: Selection) -> dict[_Place, str]:
    """(guid, attempt) -> answer of the attempts that a person called wrong; their answers are read only where asked."""
    pairs = frozenset(selection.disputed)
    guids = {guid for guid, _ in pairs if guid.startswith(part)}
    if not guids:
        return {}
    answers = answers_of(scored.work, part, scored.rounds, scored.answers)
    said = ((row, answer_hash(row["cot"], row["entities"])) for row in answers if row["guid"] in guids)
    return {(row["guid"], row["attempt"]): answer for row, answer in said if (row["guid"], answer) in pairs}


def _number(sentence: str, schema: Sequence[str]) -> int:
    """8 bytes of what exact duplicates have in common."""
    return int.from_bytes(duplicate_key(sentence, schema)[:8], "little")


def _golden(work: Work, parts: Sequence[str]) -> Iterator[str]:
    """The sentences of the source."""
    for part in parts:
        yield from (row["sentence"] for row in read_rows(work.file("1-source", part), ["sentence"]))


def _scores(scored: Scored, part: str) -> Iterator[Row]:
    return scored.work.attempts(scored.scores, part, scored.rounds, ["guid", "attempt", "score"])


def _cases(
    scored: Scored, part: str, threshold: float, conflicts: Conflicts, barred: Mapping[_Place, _Fate]
) -> Iterator[_Case]:
    """The scored records of a partition; every row of it is looked at for conflicts."""
    answered = answers_of(scored.work, part, scored.rounds, scored.answers)
    for row, (attempts, answers) in beside(scored.work.source(part), _scores(scored, part), answered):
        conflicts.add(row)
        if attempts:
            chosen = _first(attempts, threshold, barred)
            passed = () if chosen else _passed_at(attempts, threshold)
            why = (barred[place_of(item)] for item in passed)
            yield _Case(row, chosen, attempts, answers, sorted(why, key=lambda fate: fate.reason != REASON))


# --- what is decided ------------------------------------------------------------------------------


@dataclass(slots=True)
class _Chooser:
    """Decides about one record after the other, in order; `likes` are places among those at the threshold."""

    selection: Selection
    likes: Likes
    twins: frozenset[int] = frozenset()
    exact: int = 0
    near: int = 0
    like_tests: int = 0
    disputed: list[dict[str, str]] = field(default_factory=list)
    touched: Counter[tuple[str, str]] = field(default_factory=Counter)
    families: Families = field(default_factory=Families)
    _place: int = -1
    _names: dict[int, str] = field(default_factory=dict)
    _texts: dict[bytes, str] = field(default_factory=dict)
    _groups: dict[int, str] = field(default_factory=dict)

    def fate(self, case: _Case, benchmarks: Sequence[str]) -> _Fate:
        """What becomes of a record."""
        if case.chosen is None:
            best = max(item["score"] for item in case.attempts)
            low = _Fate("below_threshold", f"score {best:g}, {self.selection.threshold:g} asked")
            return next(iter(case.barred), low)
        self._place += 1
        self.like_tests += bool(benchmarks)
        self.touched.update((case.row["dataset"], name) for name in benchmarks)
        if benchmarks and self.selection.contamination == "drop":
            return _Fate("contaminated", f"{TOUCHES}{', '.join(benchmarks)}")
        key = duplicate_key(case.row["sentence"], case.row["schema"])
        twin = self._texts.get(key) if self.selection.duplicates != "off" else None
        likes = [self._names[place] for place in self.likes[self._place] if place in self._names]
        self.exact += twin is not None
        self.near += bool(likes) and twin is None
        if twin and self.selection.duplicates == "drop":
            return _Fate("duplicate_record", f"same text and types as {twin}")
        if likes and self.selection.near_duplicates == "drop":
            return _Fate("near_duplicate", f"almost the same words as {likes[0]}")
        self._keep(case.row, key, likes)
        first = min(filter(None, (twin, *likes)), default=None)
        return _Fate(None, "", case.chosen["attempt"], first, benchmarks[0] if benchmarks else None)

    def _keep(self, row: Row, key: bytes, likes: Sequence[str]) -> None:
        guid = row["guid"]
        if int.from_bytes(key[:8], "little") in self.twins:
            self._texts.setdefault(key, guid)
        if self.likes.is_earlier(self._place):
            self._names[self._place] = guid
        if self.selection.validation or self.selection.test:
            twin = self._groups.setdefault(text_number(row["sentence"]), guid)
            self.families.add(guid, [*likes, *([twin] if twin != guid else [])])

    def matrix(self) -> dict[str, dict[str, int]]:
        """dataset -> benchmark -> records at the threshold that touch its test set."""
        rows: dict[str, dict[str, int]] = {}
        for (dataset, name), count in sorted(self.touched.items()):
            rows.setdefault(dataset, {})[name] = count
        return rows

    def findings(self) -> dict[str, Any]:
        """What was found over the whole corpus; None: not looked for."""
        choice = self.selection
        return {
            "duplicates": {
                "exact": self.exact if choice.duplicates != "off" else None,
                "near": self.near if choice.near_duplicates != "off" else None,
            },
            **({"disputed": self.disputed} if self.disputed else {}),
            "splits": self.families.draw({"validation": choice.validation, "test": choice.test}),
        }


# --- what is written ------------------------------------------------------------------------------


def _partition(
    scored: Scored, part: str, key: str, chooser: _Chooser, conflicts: Conflicts, checker: Checker | None
) -> None:
    tally, work = Tally(), scored.work
    disputed = _disputed(scored, part, chooser.selection)
    barred = _barred(scored, part, chooser.selection, disputed)
    chooser.disputed += [{"guid": guid, "answer": answer} for (guid, _), answer in sorted(disputed.items())]
    cases, again = tee(_cases(scored, part, chooser.selection.threshold, conflicts, barred))
    found = checker.find(case.row for case in again) if checker is not None else (() for _ in again)
    with ExitStack() as stack:
        kept = stack.enter_context(table(work.file("6-selected", part), "6-selected", lambda: step_meta(key, tally)))
        dropped = stack.enter_context(table(work.dropped("select", part), "work-dropped"))
        for case, benchmarks in zip(cases, found, strict=True):
            tally.entered += 1
            fate = chooser.fate(case, benchmarks)
            if fate.reason is None:
                tally.kept += 1
                kept.add(_kept_row(case, fate))
            else:
                tally.dropped[fate.reason] += 1
                dropped.add(_dropped_row(case, fate))
        tally.check(f"select, partition {part}")


def _kept_row(case: _Case, fate: _Fate) -> Row:
    return {
        "guid": case.row["guid"],
        "attempt": fate.attempt,
        "drift": _drift(case, fate.attempt),
        "near_duplicate_of": fate.near_duplicate_of,
        "contaminated_by": fate.contaminated_by,
    }


def _drift(case: _Case, attempt: int) -> str | None:
    """How the entities differ from gold; None without gold."""
    if case.row["gold"] is None:
        return None
    record = to_record({**case.row, **_answer(case, attempt)})
    return drift(record.gold or (), record.entities or ())


def _answer(case: _Case, attempt: int) -> Row:
    return next(item for item in case.answers if item["attempt"] == attempt)


def _dropped_row(case: _Case, fate: _Fate) -> Row:
    """A drop, with the answer of the attempt that it speaks of: the chosen one, else the best."""
    spoken = case.chosen or max(case.attempts, key=lambda item: item["score"])
    answer = _answer(case, spoken["attempt"])
    return {**case.row, **answer, "step": "select", "reason": fate.reason, "detail": fate.detail}
