"""Rounds of steps over partitions: what is run, resumed and marked complete, and the conservation of records.

In: a Work folder whose source stage is done, and the steps.  Out: one Parquet file a step, partition and
round (`2-raw/3-1.parquet`: partition 3, round 1) with the guid and what the step adds, its drops beside it
in `dropped/`.  A file carries the key of everything that it was made from; a file whose key still holds
is never made again.  Knows nothing of models, prompts or rules: a step is a function from an iterator of
records to an iterator of outcomes.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from heapq import merge
from itertools import chain
from pathlib import Path
from typing import Any

from nercot import __version__
from nercot.corpus.records import Outcome, Record
from nercot.corpus.tables import (
    answer_row,
    entity_rows,
    judgement_row,
    meta_of,
    read_rows,
    record_row,
    table,
    to_record,
    write_json,
)
from nercot.errors import ConservationError, OutputError

Row = dict[str, Any]
RecordStep = Callable[[Iterator[Record]], Iterator[Outcome]]
Report = Callable[[str, int, int | None], None]

_POSITION = ".position.json"
STAGES = {"annotate": "2-raw", "validate": "3-valid", "score": "4-scored", "select": "5-selected"}


def content_key(*parts: Any) -> str:
    """A hash of JSON values and of the version of this tool: equal keys mean equal results."""
    text = json.dumps([__version__, *parts], ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


@dataclass(slots=True)
class Tally:
    """How many records went into a step and what became of them."""

    entered: int = 0
    kept: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    pending: int = 0

    def check(self, where: str) -> None:
        """Stops the build where a record vanished or came from nowhere."""
        out = self.kept + self.dropped.total() + self.pending
        if self.entered != out:
            raise ConservationError(
                f"{where}: {self.entered} records in, {out} out; this is a defect of nercot, please report it"
            )


@dataclass(frozen=True, slots=True)
class Done:
    """A finished file of one step, partition and round: the key for whoever reads it, and its tally."""

    key: str
    tally: Tally


@dataclass(frozen=True, slots=True)
class Position:
    """Where an unfinished run is: files of what comes before are its own, those of what comes after are older.

    `entered`, `done`, `kept`: records of the step in this round; `kept` is None while models are asked.
    `error`: what stopped the run.
    """

    step: str
    attempt: int
    entered: int
    done: int = 0
    kept: int | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Work:
    """The work folder of one corpus."""

    root: Path

    def note(self, position: Position | None) -> None:
        """Notes where the run is, for `nercot status`; None once it is through.  No reason to stop a build."""
        path = self.root / _POSITION
        with suppress(OutputError):
            if position is not None:
                write_json(path, asdict(position))
            elif path.exists():
                path.unlink()

    def position(self) -> Position | None:
        """Where the last run is, or was stopped; None if it got through."""
        try:
            return Position(**json.loads((self.root / _POSITION).read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return None

    def file(self, stage: str, part: str, attempt: int | None = None) -> Path:
        """Where a step's rows of a partition (and round) lie."""
        name = part if attempt is None else f"{part}-{attempt}"
        return self.root / stage / f"{name}.parquet"

    def dropped(self, step: str, part: str, attempt: int | None = None) -> Path:
        """Where the drops of a step, partition (and round) lie."""
        name = f"{step}-{part}" if attempt is None else f"{step}-{part}-{attempt}"
        return self.root / "dropped" / f"{name}.parquet"

    def source(self, part: str) -> Iterator[Row]:
        """The source rows of a partition."""
        return read_rows(self.file("1-source", part))

    def attempts(self, stage: str, part: str, rounds: int, columns: Sequence[str] | None = None) -> Iterator[Row]:
        """The rows of a stage over all rounds, sorted by guid and attempt."""
        files = (self.file(stage, part, attempt) for attempt in range(1, rounds + 1))
        return merge(*(read_rows(path, columns) for path in files if path.exists()), key=_place)

    def drops(
        self, part: str, steps: Sequence[str], rounds: int, columns: Sequence[str] | None = None
    ) -> Iterator[Row]:
        """The dropped rows of some steps over all rounds, sorted by guid and attempt."""
        files = [self.dropped(step, part, attempt) for step in steps for attempt in range(1, rounds + 1)]
        files += [self.dropped(step, part) for step in steps]
        return merge(*(read_rows(path, columns) for path in files if path.exists()), key=_place)


def _place(row: Row) -> tuple[str, int]:
    return row["guid"], row["attempt"] or 0


def beside(rows: Iterable[Row], *others: Iterable[Row]) -> Iterator[tuple[Row, list[list[Row]]]]:
    """Each row with the rows of the same guid from each other stream; all sorted by guid."""
    streams = [Groups(other) for other in others]
    for row in rows:
        yield row, [stream.take(row["guid"]) for stream in streams]


class Groups:
    """A stream sorted by guid, read guid by guid."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self._rows = iter(rows)
        self._head = next(self._rows, None)

    def take(self, guid: str) -> list[Row]:
        """The rows of this guid; those of smaller ones are passed over."""
        group = []
        while self._head is not None and self._head["guid"] <= guid:
            if self._head["guid"] == guid:
                group.append(self._head)
            self._head = next(self._rows, None)
        return group


def joined(rows: Iterable[Row], others: Iterable[Row]) -> Iterator[Row]:
    """Rows that have a partner of the same guid, put together with each partner."""
    for row, (group,) in beside(rows, others):
        for other in group:
            yield {**row, **other}


def run_step(
    work: Work, step: str, part: str, attempt: int, key: str, records: Iterator[Record], action: RecordStep
) -> Done:
    """Runs one step on one partition in one round, unless a file with this key is already there.

    The drops are written first: the step's own file, which carries the key, marks both complete.
    A file with pending records is made again by the next run.
    """
    path = work.file(STAGES[step], part, attempt)
    known = done_before(path, key)
    if known and known.tally.pending == 0:
        return known
    tally = Tally()
    with (
        table(path, STAGES[step], lambda: step_meta(key, tally)) as kept,
        table(work.dropped(step, part, attempt), "work-dropped") as dropped,
    ):
        for outcome in action(_counted(records, tally)):
            _settle(outcome, step, attempt, tally, kept.add, dropped.add)
        tally.check(f"{step}, partition {part}, round {attempt}")
    return Done(reader_key(key, tally), tally)


def _counted(records: Iterator[Record], tally: Tally) -> Iterator[Record]:
    for record in records:
        tally.entered += 1
        yield record


def _settle(
    outcome: Outcome, step: str, attempt: int, tally: Tally, keep: Callable[[Row], None], drop: Callable[[Row], None]
) -> None:
    if outcome.pending:
        tally.pending += 1
    elif outcome.reason is None:
        tally.kept += 1
        keep(STEP_ROWS[step](outcome.record, attempt))
    else:
        tally.dropped[outcome.reason] += 1
        drop(dropped_row(outcome, step, attempt))


def _annotated(record: Record, attempt: int) -> Row:
    assert record.answer, "annotate keeps only answered records: give the outcome a reason"
    return {"guid": record.guid, **answer_row(record.answer), "attempt": attempt}


def _validated(record: Record, attempt: int) -> Row:
    return {"guid": record.guid, "attempt": attempt, "cot": record.cot, "entities": entity_rows(record.entities)}


def _scored(record: Record, attempt: int) -> Row:
    assert record.judgement, "score keeps only judged records: give the outcome a reason"
    return {"guid": record.guid, "attempt": attempt, **judgement_row(record.judgement)}


STEP_ROWS: Mapping[str, Callable[[Record, int], Row]] = {
    "annotate": _annotated,
    "validate": _validated,
    "score": _scored,
}


def dropped_row(outcome: Outcome, step: str, attempt: int | None) -> Row:
    """The row of a dropped record, with what is known of its answer."""
    record = outcome.record
    return {
        **record_row(record),
        "cot": record.cot,
        "entities": entity_rows(record.entities),
        "attempt": attempt,
        "step": step,
        "reason": outcome.reason,
        "detail": outcome.detail,
    }


def step_meta(key: str, tally: Tally) -> Row:
    """What a step's file says of itself."""
    return {
        "key": key,
        "in": tally.entered,
        "kept": tally.kept,
        "dropped": dict(tally.dropped),
        "pending": tally.pending,
    }


def done_before(path: Path, key: str) -> Done | None:
    """What an earlier run left at `path`, if it was made from the same things."""
    meta = meta_of(path)
    if meta is None or meta.get("key") != key:
        return None
    tally = Tally(meta["in"], meta["kept"], Counter(meta["dropped"]), meta["pending"])
    return Done(reader_key(key, tally), tally)


def reader_key(key: str, tally: Tally) -> str:
    """The key for later steps: more answers to the same requests are another input."""
    return content_key(key, tally.pending)


# --- the records that a step reads --------------------------------------------------------------


def source_records(work: Work, part: str, without: frozenset[str]) -> Iterator[Record]:
    """The records of a partition that earlier rounds did not keep."""
    return (to_record(row) for row in work.source(part) if row["guid"] not in without)


def stage_records(work: Work, stage: str, part: str, attempt: int) -> Iterator[Record]:
    """The records of a partition that a stage kept in a round, with what it added."""
    return map(to_record, joined(work.source(part), read_rows(work.file(stage, part, attempt))))


def kept_guids(work: Work, stage: str, part: str, rounds: int, threshold: float | None) -> frozenset[str]:
    """The records that need no further attempt: valid ones, or those with a score of at least `threshold`."""
    columns = ["guid", "attempt"] if threshold is None else ["guid", "attempt", "score"]
    rows = work.attempts(stage, part, rounds, columns)
    return frozenset(row["guid"] for row in rows if threshold is None or row["score"] >= threshold)


# --- what became of each record ------------------------------------------------------------------

_ORDER = {step: place for place, step in enumerate(("source", "stratify", "annotate", "validate", "score", "select"))}


def fates(work: Work, part: str, rounds: int) -> dict[str, tuple[str, int, str]]:
    """For each dropped record of a partition: the step that its best attempt reached, that attempt, the reason.

    The best attempt is the one that came furthest, the first of those.  Records that were kept, or are
    pending, may stand here with attempts that failed; the caller knows them.
    """
    best: dict[str, tuple[str, int, str]] = {}
    for row in work.drops(part, tuple(_ORDER), rounds, ["guid", "attempt", "step", "reason"]):
        known = best.get(row["guid"])
        if known is None or _ORDER[row["step"]] > _ORDER[known[0]]:
            best[row["guid"]] = (row["step"], row["attempt"] or 0, row["reason"])
    return best


@dataclass(frozen=True, slots=True)
class Funnel:
    """One step of the funnel: records in = kept + dropped + not drawn + pending."""

    step: str
    entered: int
    kept: int
    dropped: dict[str, int]
    pending: int = 0
    not_drawn: int = 0

    def row(self) -> Row:
        """As `--json` and the manifest hold it."""
        return {
            "step": self.step,
            "in": self.entered,
            "kept": self.kept,
            "dropped": self.dropped,
            "not_drawn": self.not_drawn,
            "pending": self.pending,
        }


def funnel(
    steps: Sequence[str],
    read: int,
    dropped: Mapping[str, Counter[str]],
    pending: Mapping[str, int],
    not_drawn: Mapping[str, int] | None = None,
) -> list[Funnel]:
    """The funnel of a corpus from the number of rows read and what each step took away."""
    out = []
    left = read
    for step in steps:
        lost = dropped.get(step, Counter())
        waiting, left_out = pending.get(step, 0), (not_drawn or {}).get(step, 0)
        kept = left - lost.total() - waiting - left_out
        out.append(Funnel(step, left, kept, dict(lost.most_common()), waiting, left_out))
        left = kept
    return out


def clean(work: Work, parts: Sequence[str], rounds: int) -> None:
    """Removes files of partitions and rounds that this build does not have (a changed recipe leaves them)."""
    expected = {work.file("1-source", part) for part in parts}
    expected |= {work.file("5-selected", part) for part in parts}
    expected |= {work.dropped(step, part) for step in ("source", "select") for part in parts}
    for attempt in range(1, rounds + 1):
        for step, stage in STAGES.items():
            expected |= {work.file(stage, part, attempt) for part in parts}
            expected |= {work.dropped(step, part, attempt) for part in parts}
    folders = ("1-source", *STAGES.values(), "dropped")
    for path in chain.from_iterable((work.root / folder).glob("*.parquet") for folder in folders):
        if path not in expected:
            path.unlink()
