"""What every teacher, and every way of checking, made of the answers: counted while a candidate is written.

In: the answers to one record after the other, with what each stage made of them.  Out: a row a teacher (how many
records it answered, and what became of its best answer), and how many records each way of checking would have kept:
the paper's four rules, all rules, rules and reading, and those with the judge; how far teachers agree that were asked
about the same record; how many answers of each score equal gold.  Selection's own drops (duplicates, test sets,
agreement) are no part of it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from nercot.corpus.records import PAPER_RULES, RULES
from nercot.corpus.work import Row
from nercot.steps.agreed import Names, agreeing, names, words

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
    same: Counter[int] = field(default_factory=Counter)
    mentions: Counter[int] = field(default_factory=Counter)
    silent: int = 0
    judged: Counter[float] = field(default_factory=Counter)
    golden: Counter[float] = field(default_factory=Counter)

    def add(
        self,
        gold: Sequence[Row] | None,
        written: Sequence[list[Row]],
        drops: Sequence[Row],
        known: Mapping[int, Row],
    ) -> None:
        """Takes the answers to one record: what each stage wrote, what was dropped, and all that is known of each."""
        self._compare(drops, known)
        if gold is not None:
            self._score(names(gold), known)
        fates = {attempt: self._fate(attempt, written, drops) for attempt in known}
        for teacher in {self.made.rounds[attempt - 1].turn.teacher for attempt in known}:
            own = [fate for attempt, fate in fates.items() if self._teacher(attempt) == teacher]
            self.teachers.setdefault(teacher, Counter())[max(own, key=FATES.index)] += 1
        broken = [set(row["broken"] or ()) for row in known.values() if row.get("broken") is not None]
        self.ways["paper_rules"] += any(rules.isdisjoint((*PAPER_RULES, *_UNFINISHED)) for rules in broken)
        self.ways["rules"] += any(rules.isdisjoint((*RULES, *_UNFINISHED)) for rules in broken)
        self.ways["reading"] += any(FATES.index(fate) > FATES.index("reading") for fate in fates.values())
        self.ways["judge"] += "kept" in fates.values()

    def _compare(self, drops: Sequence[Row], known: Mapping[int, Row]) -> None:
        """Counts how far the teachers agree that were asked about a record, if several were."""
        attempts = {*known, *(drop["attempt"] for drop in drops if drop["attempt"])}
        asked = {self._teacher(attempt) for attempt in attempts}
        if len(asked) < 2:
            return
        told = words(known.values(), [turn.turn.teacher for turn in self.made.rounds])
        self.silent += len(asked) - len(told)
        self.same[max((agreeing(said, told) for said in told.values()), default=0)] += 1
        for mention in set().union(*told.values()):
            counts = [said[mention] for said in told.values()]
            self.mentions.update(sum(count > nth for count in counts) for nth in range(max(counts)))

    def _score(self, gold: Names, known: Mapping[int, Row]) -> None:
        """Counts the judged answers to a record, and those that say what its gold says."""
        for row in known.values():
            if row.get("score") is not None:
                self.judged[row["score"]] += 1
                self.golden[row["score"]] += names(row["entities"]) == gold

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

    def agreement(self) -> dict[str, Any]:
        """How far teachers agree; empty where no record was given to several.

        `same`: how many teachers give the same entities -> records; `mentions`: how many took one -> mentions;
        `silent`: times that a teacher was asked and gave no answer that could be read.
        """
        if not self.same:
            return {}
        counts = {"same": self.same, "mentions": self.mentions}
        by_number = {name: {str(key): count[key] for key in sorted(count)} for name, count in counts.items()}
        return {"records": self.same.total(), **by_number, "silent": self.silent}

    def gold_by_score(self) -> dict[str, dict[str, int]]:
        """score -> judged answers to records with gold, and how many of them say what it says."""
        counts = sorted(self.judged.items())
        return {f"{score:g}": {"attempts": count, "equal": self.golden[score]} for score, count in counts}

    def way_counts(self, read: bool) -> dict[str, int | None]:
        """How many records each way would have kept; None for reading where nobody reads."""
        counts = {name: self.ways[name] for name in ("paper_rules", "rules", "reading", "judge")}
        return {**counts, **({} if read else {"reading": None})}
