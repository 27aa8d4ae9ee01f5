"""Figures of a calibration: what rules, reader and judge catch apart and together, and where the threshold may stand.

In: records, right and with faults, with the rules' verdict, the reading of their trace and the judge's scores.
Out: counts and shares with their intervals (Wilson), as JSON values.  Asks nobody.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from nercot.corpus.labels import fold_label
from nercot.corpus.recipe import Recipe
from nercot.corpus.records import Entity, Reading, Record
from nercot.llm.pacing import cost_of
from nercot.llm.prompts import judge_messages, reading_messages
from nercot.measure.intervals import proportion
from nercot.measure.perturb import FAULTS
from nercot.measure.variants import VARIANTS
from nercot.validation.folding import fold_mention
from nercot.validation.reading import compare
from nercot.validation.rules import Verdict, validate

Trace = tuple[str, str]

# The paper keeps 45,787 of about 45,889 rows at its threshold of 9.
PAPER_KEPT = 0.998
# Characters of a prompt for a token, and tokens of a reading and of a judgement: for what --plan says.
_CHARACTERS, _READING, _JUDGEMENT = 4, 250, 150


@dataclass(frozen=True, slots=True)
class Case:
    """A record, right or with a fault (`kind`), and what the rules say of it."""

    kind: str
    record: Record
    verdict: Verdict

    @property
    def trace(self) -> tuple[str, str]:
        """What a reading is of."""
        return self.record.guid, self.record.cot or ""

    @property
    def readable(self) -> bool:
        """Whether there is anything for a judge to read."""
        return self.verdict.entities is not None


@dataclass(frozen=True, slots=True)
class Seen:
    """A case with the reading of its trace (None: there is none) and the judge's scores (none: not judged)."""

    case: Case
    reading: Reading | None
    scores: Sequence[float]

    @property
    def refused_by_reader(self) -> bool:
        """Whether the reading speaks against the answer."""
        record = self.case.record
        read = self.reading is not None and record.entities is not None
        return read and self.reading is not None and bool(compare(record, self.reading).violations)

    def refused_by_judge(self, threshold: float) -> bool:
        """Whether the judge's first score is below the threshold."""
        return bool(self.scores) and self.scores[0] < threshold

    def refused_by_rules(self, reads: bool) -> bool:
        """Whether a rule is broken, of those that count beside a reader or without one."""
        if not reads or self.case.verdict.valid:
            return not self.case.verdict.valid
        return not validate(self.case.record, read=True).valid


def reader_figures(recipe: Recipe, seen: Sequence[Seen]) -> dict[str, Any]:
    """How many of each kind the reader read, and how many of these it refuses."""
    kinds = {kind: [item for item in seen if item.case.kind == kind] for kind in ("right", *FAULTS)}
    counts = {kind: _refused(items) for kind, items in kinds.items()}
    right = counts.pop("right")
    compared = [compare(item.case.record, item.reading) for item in seen if item.reading and item.case.readable]
    return {
        "model": recipe.reader.model,
        "right": {"read": right["read"], "lost": right["caught"]},
        "faults": counts,
        "unread": sum(item.reading is None and item.case.readable for item in seen),
        "boundary": sum(found.boundary for found in compared),
        "unquoted": sum(found.unquoted for found in compared),
    }


def _refused(items: Sequence[Seen]) -> dict[str, int]:
    read = [item for item in items if item.reading is not None and item.case.readable]
    return {"read": len(read), "caught": sum(item.refused_by_reader for item in read)}


def together(recipe: Recipe, seen: Sequence[Seen], reads: bool) -> dict[str, Any]:
    """For each kind the share that rules, reader, judge and all of them refuse, and what one adds to the other.

    Of right records that is the share that is lost; of the reader it is that of what was read.  `adds`: faults that
    went to reader and judge, and were caught by one of them alone, by both, or by neither.
    """
    kinds: dict[str, Any] = {}
    for kind in ("right", *FAULTS):
        items = [item for item in seen if item.case.kind == kind]
        parts = [
            (
                item.refused_by_rules(reads and item.reading is not None),
                item.refused_by_reader,
                item.refused_by_judge(recipe.threshold),
            )
            for item in items
        ]
        shares = {
            "rules": sum(rules for rules, _, _ in parts),
            "reader": sum(reader for _, reader, _ in parts) if reads else None,
            "judge": None if recipe.judge.absent else sum(judge for _, _, judge in parts),
            "all": sum(any(each) for each in parts),
        }
        looked = dict.fromkeys(shares, len(parts)) | {"reader": sum(item.reading is not None for item in items)}
        kinds[kind] = {name: None if count is None else _share(count, looked[name]) for name, count in shares.items()}
    both = [item for item in seen if item.case.kind in FAULTS and item.reading is not None and item.scores]
    adds = Counter((item.refused_by_reader, item.refused_by_judge(recipe.threshold)) for item in both)
    told = {
        "faults": len(both),
        "reader_alone": adds[True, False],
        "judge_alone": adds[False, True],
        "both": adds[True, True],
        "neither": adds[False, False],
    }
    return {"kinds": kinds, "adds": told if reads else None}


def _share(count: int, of: int) -> dict[str, Any]:
    estimate = proportion(count, of)
    return {"count": count, "of": of, "share": None if estimate is None else estimate.as_json()}


def invariance(known: Sequence[Seen], varied: Sequence[Seen]) -> dict[str, dict[str, int]]:
    """How often verdict and score move where only the form of an answer did."""
    right = {item.case.record.guid: item for item in known if item.case.kind == "right"}
    found = {kind: Counter(made=0, verdict_moved=0, judged=0, score_moved=0) for kind in VARIANTS}
    for item in varied:
        as_it_was, counts = right[item.case.record.guid], found[item.case.kind]
        counts["made"] += 1
        counts["verdict_moved"] += _verdict(item) != _verdict(as_it_was)
        if item.scores and as_it_was.scores:
            counts["judged"] += 1
            counts["score_moved"] += item.scores[0] != as_it_was.scores[0]
    return {kind: dict(counts) for kind, counts in found.items()}


def _verdict(item: Seen) -> tuple[bool, bool]:
    return item.case.verdict.valid, item.refused_by_reader


def curve(right: Sequence[Seen], reads: bool) -> dict[str, Any]:
    """What each threshold keeps of the records as they are, and how much of that equals gold.

    `proposed`: the lowest threshold at which the share equal to gold is not below the interval of the best one;
    None without gold.  With a reader only what it lets pass is looked at.
    """
    judged = [item for item in right if item.scores and not (reads and item.refused_by_reader)]
    points = []
    for step in range(21):
        kept = [item for item in judged if item.scores[0] >= step / 2]
        compared = [item for item in kept if item.case.record.gold is not None]
        equal = proportion(sum(map(_equals_gold, compared)), len(compared))
        points.append(
            {
                "threshold": step / 2,
                "kept": _share(len(kept), len(right)),
                "equal_to_gold": None if equal is None else equal.as_json(),
            }
        )
    return {"points": points, "paper_kept": PAPER_KEPT, "proposed": _proposed(points)}


def _proposed(points: Sequence[dict[str, Any]]) -> float | None:
    known = [point for point in points if point["equal_to_gold"] is not None]
    if not known:
        return None
    best = max(known, key=lambda point: point["equal_to_gold"]["value"])["equal_to_gold"]["low"]
    lowest: float = min(point["threshold"] for point in known if point["equal_to_gold"]["value"] >= best)
    return lowest


def _equals_gold(item: Seen) -> bool:
    record = item.case.record
    return _pairs(record.entities or ()) == _pairs(record.gold or ())


def _pairs(entities: Sequence[Entity]) -> Counter[tuple[str, str]]:
    return Counter((fold_label(entity.label), fold_mention(entity.text)) for entity in entities)


def planned(recipe: Recipe, records: Sequence[Record], repeats: int, reads: bool) -> dict[str, Any]:
    """Calls, tokens and cost of a calibration at most: nothing is in the ledger, every reading is asked for again."""
    judges = not recipe.judge.absent
    traces = {(record.guid, record.cot): record for record in records if record.cot}
    asks = range(recipe.reader.attempts if reads else 0)
    read = [_size(reading_messages(record)) for record in traces.values() for _ in asks]
    answers = {(record.guid, record.cot, record.entities): record for record in records}
    judged = [_size(judge_messages(record)) for record in answers.values() for _ in range(repeats)] if judges else []
    costs = [
        cost_of(recipe.reader.price, sum(read), 0, len(read) * _READING) if reads else 0.0,
        cost_of(recipe.judge.price, sum(judged), 0, len(judged) * _JUDGEMENT) if judges else 0.0,
    ]
    return {
        "calls": {"reader": len(read), "judge": len(judged)},
        "tokens": {"input": sum(read) + sum(judged), "output": len(read) * _READING + len(judged) * _JUDGEMENT},
        "cost": None if None in costs else round(sum(cost or 0.0 for cost in costs), 4),
    }


def _size(messages: Sequence[dict[str, str]]) -> int:
    return sum(len(message["content"]) for message in messages) // _CHARACTERS
