"""What every teacher, and every way of checking, made of the answers: counted while a candidate is written.

In: the answers to one record after the other, with what each stage made of them.  Out: a row a teacher (how many
records it answered, and what became of its best answer), and how many records each way of checking would have kept:
the paper's four rules, all rules, rules and reading, and those with the judge.  Selection's own drops (duplicates,
test sets) are no part of it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from nercot.corpus.records import PAPER_RULES, RULES
from nercot.corpus.work import Row

if TYPE_CHECKING:
    from nercot.building.stages import Made

# What can become of an answer, the worst first.
FATES = ("rules", "reading", "unscored", "below_threshold", "pending", "kept")
_AT = {"validate": "rules", "read": "reading", "score": "unscored"}
_UNFINISHED = ("truncated", "content_filter")


@dataclass(slots=True)
class Tallied:
    """The counts of a corpus that a judge selects."""

    made: Made
    teachers: dict[int, Counter[str]] = field(default_factory=dict)
    ways: Counter[str] = field(default_factory=Counter)

    def add(self, written: Sequence[list[Row]], drops: Sequence[Row], known: Mapping[int, Row]) -> None:
        """Takes the answers to one record: what each stage wrote, what was dropped, and all that is known of each."""
        fates = {attempt: self._fate(attempt, written, drops) for attempt in known}
        for teacher in {self.made.rounds[attempt - 1].turn.teacher for attempt in known}:
            own = [fate for attempt, fate in fates.items() if self._teacher(attempt) == teacher]
            self.teachers.setdefault(teacher, Counter())[max(own, key=FATES.index)] += 1
        broken = [set(row["broken"] or ()) for row in known.values() if row.get("broken") is not None]
        self.ways["paper_rules"] += any(rules.isdisjoint((*PAPER_RULES, *_UNFINISHED)) for rules in broken)
        self.ways["rules"] += any(rules.isdisjoint((*RULES, *_UNFINISHED)) for rules in broken)
        self.ways["reading"] += any(FATES.index(fate) > FATES.index("reading") for fate in fates.values())
        self.ways["judge"] += "kept" in fates.values()

    def _teacher(self, attempt: int) -> int:
        return self.made.rounds[attempt - 1].turn.teacher

    def _fate(self, attempt: int, written: Sequence[list[Row]], drops: Sequence[Row]) -> str:
        """What became of one answer: how far it came, and what its score is worth."""
        for drop in drops:
            if drop["attempt"] == attempt and drop["step"] in _AT:
                return _AT[drop["step"]]
        score = next((row["score"] for row in written[-1] if row["attempt"] == attempt), None)
        if score is None:
            return "pending"
        return "kept" if score >= self.made.threshold else "below_threshold"

    def teacher_rows(self, names: Sequence[str]) -> list[dict[str, Any]]:
        """A row a teacher, in order: the records that it answered, and what became of them."""
        return [
            {"teacher": name, "asked": self._count(place).total(), **{fate: self._count(place)[fate] for fate in FATES}}
            for place, name in enumerate(names)
        ]

    def _count(self, teacher: int) -> Counter[str]:
        return self.teachers.get(teacher, Counter())

    def way_counts(self, read: bool) -> dict[str, int | None]:
        """How many records each way would have kept; None for reading where nobody reads."""
        counts = {name: self.ways[name] for name in ("paper_rules", "rules", "reading", "judge")}
        return {**counts, **({} if read else {"reading": None})}
