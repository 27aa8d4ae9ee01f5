"""The candidates of corpora that no judge selects: a drawn subset, a draw for GRPO, traces merged with gold.

In: the work folder of a build.  Out: the configs of a candidate as Parquet, and what went into them:

subset   re (default), grpo, dropped                      the draw is what was read
draw     grpo, dropped                                    first stage of hybrid: what the policy trains on
merged   cot (default), sft, grpo, raw, dropped           every row; with a trace where the policy said what gold says

A merged row without a trace has gold as its entities.  The config `dropped` also has the answers that were
discarded, one for such a row, with the reason (not_gold, disputed, or the broken rule); their rows stay.  A record
whose gold a person has called wrong is dropped itself.  Streams.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from heapq import merge
from pathlib import Path
from typing import Any

from nercot.building.candidate import Contents, Shards, grpo_row, row_hash, sft_row
from nercot.building.stages import Made
from nercot.corpus.disputed import REASON, WHY, Disputed
from nercot.corpus.recipe import Sample
from nercot.corpus.records import answer_hash
from nercot.corpus.spool import Hashes
from nercot.corpus.streams import beside, fates
from nercot.corpus.tables import to_record
from nercot.corpus.work import Row, Work
from nercot.errors import InputError
from nercot.steps.merge import NOT_GOLD, CategoryDraw, agrees, difference

SUBSET = ("re", "grpo", "dropped")
DRAW = ("grpo", "dropped")
MERGED = ("cot", "sft", "grpo", "raw", "dropped")
# What becomes of the traces of a merged corpus: kept, against gold, refused by a rule or a server, none, awaited;
# and, where there are any, disputed.
FATES = ("traced", NOT_GOLD, "refused", "untraced", "pending")
_REFUSALS = ("annotate", "validate")
_DISPUTED = {"step": "merge", "reason": REASON, "detail": WHY}


class _Candidate:
    """The configs being written, and what is counted meanwhile; `disputed`: what people have called wrong."""

    def __init__(self, folder: Path, configs: Sequence[str], disputed: Disputed = frozenset()) -> None:
        self.contents = Contents()
        self.disputed = disputed
        self._shards = {config: Shards(folder, config) for config in configs}
        self._hashes = Hashes()

    def add(self, config: str, row: Row) -> None:
        self._shards[config].add(row)

    def keep(self, row: Row) -> None:
        """Counts a row of the default config."""
        self.contents.stats.add(row)
        self._hashes.add(row_hash(row))

    def drop(self, row: Row) -> None:
        """A record that is not there."""
        self.add("dropped", row)
        self.contents.dropped.setdefault(row["step"], Counter())[row["reason"]] += 1

    def leaves_out(self, guid: str, cot: str | None, entities: Sequence[Row] | None) -> bool:
        """Whether a person has called this answer wrong; it is noted as left out."""
        answer = answer_hash(cot, entities)
        if (guid, answer) not in self.disputed:
            return False
        self.contents.disputed.append({"guid": guid, "answer": answer})
        return True

    def done(self) -> Contents:
        for shards in self._shards.values():
            self.contents.files += shards.close()
        self.contents.fingerprint = self._hashes.digest()
        return self.contents


def write_subset(made: Made, folder: Path) -> Contents:
    """Writes a corpus that is what the source stage left, each row as it is and as a prompt with gold."""
    candidate = _Candidate(folder, SUBSET)
    for row in _rows(made, candidate):
        candidate.add("re", row)
        candidate.keep(row)
        if row["gold"] is not None:
            candidate.add("grpo", grpo_row(row, made.prompts))
    return candidate.done()


def write_draw(made: Made, folder: Path, sample: Sample) -> Contents:
    """Writes the draw for GRPO alone."""
    drawn, table = _drawn(made, sample)
    candidate = _Candidate(folder, DRAW)
    candidate.contents.draw = table
    for row in _rows(made, candidate):
        if row["guid"] in drawn:
            candidate.add("grpo", grpo_row(row, made.prompts))
            candidate.keep(row)
    return candidate.done()


def write_merged(made: Made, folder: Path, sample: Sample | None) -> Contents:
    """Writes every record, with its trace where one was kept; `sample`: the draw for GRPO, None without one."""
    prompts = made.prompts
    candidate = _Candidate(folder, MERGED, made.disputed)
    contents = candidate.contents
    drawn, contents.draw = _drawn(made, sample) if sample else (frozenset(), [])
    counts: dict[str, Counter[str]] = {}
    for row, answers in _answered(made, candidate):
        for attempt in answers.rows(row):
            candidate.add("raw", attempt)
            contents.teachers[attempt["teacher"]] += 1
        if candidate.leaves_out(row["guid"], None, _with_gold(row)["gold"]):
            candidate.drop({**row, **_DISPUTED})
            continue
        kept, fate = _merged(row, answers, candidate)
        counts.setdefault(row["dataset"], Counter())[fate] += 1
        if kept is None:
            contents.pending["annotate"] += 1
            continue
        candidate.add("cot", kept)
        candidate.add("sft", sft_row(kept, prompts))
        candidate.keep(kept)
        if row["guid"] in drawn:
            candidate.add("grpo", grpo_row(row, prompts))
    contents.traces = [_fates(name, count) for name, count in sorted(counts.items())]
    return candidate.done()


def _fates(dataset: str, count: Counter[str]) -> dict[str, Any]:
    disputed = {REASON: count[REASON]} if count[REASON] else {}
    return {"name": dataset, **{fate: count[fate] for fate in FATES}, **disputed}


def _rows(made: Made, candidate: _Candidate) -> Iterator[Row]:
    """The source rows by guid; dropped ones are put where they belong."""
    work = made.work
    for part in made.parts:
        yield from (row for row, _ in _with_drops(work, part, ((row, ()) for row in work.source(part)), candidate))


def _with_drops(
    work: Work, part: str, rows: Iterator[tuple[Row, Any]], candidate: _Candidate
) -> Iterator[tuple[Row, Any]]:
    """Rows in the order of guids together with those that the source stage dropped, which end here."""
    drops = ((row, None) for row in work.drops(part, ("source",), 0))
    for row, more in merge(rows, drops, key=lambda pair: str(pair[0]["guid"])):
        if more is None:
            candidate.drop(row)
        else:
            yield row, more


def _drawn(made: Made, sample: Sample) -> tuple[frozenset[str], list[dict[str, Any]]]:
    """The draw for GRPO, of the rows whose gold nobody has called wrong."""
    draw = CategoryDraw(int(sample.size), sample.seed)
    for part in made.parts:
        for row in map(_with_gold, made.work.source(part)):
            if (row["guid"], answer_hash(None, row["gold"])) not in made.disputed:
                draw.add(to_record(row))
    return draw.result()


def _with_gold(row: Row) -> Row:
    if row["gold"] is None:
        raise InputError(
            f"{row['source_file']}: row {row['source_row']} has no gold entities, "
            "and this corpus compares with gold; give a source that has them"
        )
    return row


@dataclass(frozen=True, slots=True)
class _Answers:
    """The answers to one record: as they came, those that are valid, those that were refused, the best of these.

    `asked`: whether anybody was asked.
    """

    raw: list[Row]
    valid: list[Row]
    drops: list[Row]
    best: tuple[str, int, str] | None
    asked: bool

    def rows(self, row: Row) -> Iterator[Row]:
        """The rows of the config raw."""
        read = {item["attempt"]: item for item in (*self.drops, *self.valid)}
        for item in self.raw:
            answer = read.get(item["attempt"], {})
            yield {**row, **item, "cot": answer.get("cot"), "entities": answer.get("entities")}

    def refused(self, row: Row) -> Row | None:
        """The discarded answer that came furthest, as a row of the config dropped."""
        place = {"source_file": row["source_file"], "source_row": row["source_row"]}
        if self.valid:
            item = self.valid[0]
            lacks = difference(to_record({**row, **item}).entities or (), to_record(row).gold or ())
            said = {"step": "merge", "reason": NOT_GOLD, "detail": lacks}
            return {**row, **item, **said} if lacks else None
        best = self.best and self.best[:2]
        drop = next((item for item in self.drops if (item["step"], item["attempt"]) == best), None)
        return drop and {**drop, **place}


def _answered(made: Made, candidate: _Candidate) -> Iterator[tuple[Row, _Answers]]:
    """The source rows by guid with their answers; dropped ones are put where they belong."""
    work, rounds = made.work, len(made.rounds)
    for part in made.parts:
        best = fates(work, part, rounds, ("source", *_REFUSALS))
        streams = (
            work.attempts("2-raw", part, rounds),
            work.attempts("3-valid", part, rounds),
            work.drops(part, _REFUSALS, rounds),
        )
        rows = (
            (row, _Answers(raw, valid, drops, best.get(row["guid"]), rounds > 0))
            for row, (raw, valid, drops) in beside(work.source(part), *streams)
        )
        yield from _with_drops(work, part, rows, candidate)


def _merged(row: Row, answers: _Answers, candidate: _Candidate) -> tuple[Row | None, str]:
    """The row of the default config (None: it waits for an answer), and what became of its trace."""
    gold = to_record(row).gold or ()
    wrong = None
    for item in answers.valid:
        if (item["cot"] or "").strip() and agrees(to_record({**row, **item}).entities or (), gold):
            if candidate.leaves_out(row["guid"], item["cot"], item["entities"]):
                wrong = wrong or item
                continue
            candidate.contents.attempts[item["attempt"]] += 1
            return {**row, "cot": item["cot"], "entities": item["entities"]}, "traced"
    if answers.asked and not answers.raw and not answers.drops:
        return None, "pending"
    if wrong is not None:
        candidate.add("dropped", {**row, **wrong, **_DISPUTED})
        return {**row, "cot": None, "entities": row["gold"]}, REASON
    refused = answers.refused(row)
    if refused is not None:
        candidate.add("dropped", refused)
    fate = "untraced" if refused is None else refused["reason"] if refused["reason"] == NOT_GOLD else "refused"
    return {**row, "cot": None, "entities": row["gold"]}, fate
