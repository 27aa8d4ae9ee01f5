"""What the card and `nercot stats` say about a corpus.

In: rows, one at a time (any mapping with our column names).  Out: a Summary of counts.  Memory grows with
the number of different types, datasets and lengths, not with rows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from nercot.corpus.records import Entity
from nercot.validation.spans import compare, confusions

_CONFUSIONS = 100  # pairs of types that are listed one by one


@dataclass(slots=True)
class Lengths:
    """How many texts there are of each length in characters."""

    counts: Counter[int] = field(default_factory=Counter)

    def add(self, text: str) -> None:
        """Counts one text."""
        self.counts[len(text)] += 1

    def percentile(self, share: float) -> int:
        """The length that this share of the texts does not exceed; 0 without texts."""
        wanted, seen = share * self.counts.total(), 0
        for length in sorted(self.counts):
            seen += self.counts[length]
            if seen >= wanted:
                return length
        return 0

    def summary(self) -> dict[str, int]:
        """Mean, median, 90th and 99th percentile, in characters."""
        texts, characters = self.counts.total(), sum(length * times for length, times in self.counts.items())
        mean = round(characters / texts) if texts else 0
        return {"mean": mean, "p50": self.percentile(0.5), "p90": self.percentile(0.9), "p99": self.percentile(0.99)}


@dataclass(slots=True)
class Stats:
    """Counts over the rows of one config."""

    rows: int = 0
    entities: int = 0
    without_entities: int = 0
    with_trace: int = 0
    negative_types: int = 0
    evidence: int = 0
    types: Counter[str] = field(default_factory=Counter)
    asked: Counter[str] = field(default_factory=Counter)
    datasets: Counter[str] = field(default_factory=Counter)
    licenses: Counter[str] = field(default_factory=Counter)
    origins: Counter[tuple[str, str]] = field(default_factory=Counter)
    matches: Counter[str] = field(default_factory=Counter)
    scores: Counter[float] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    drift: Counter[str] = field(default_factory=Counter)
    drifted: Counter[str] = field(default_factory=Counter)
    confusions: Counter[tuple[str | None, str | None]] = field(default_factory=Counter)
    sentences: Lengths = field(default_factory=Lengths)
    traces: Lengths = field(default_factory=Lengths)

    def add(self, row: Mapping[str, Any]) -> None:
        """Counts one row; columns that it lacks are not counted."""
        self.rows += 1
        self.datasets[row.get("dataset") or "unknown"] += 1
        self.licenses[row.get("license") or "unknown"] += 1
        self.origins[row.get("dataset") or "unknown", row.get("license") or "unknown"] += 1
        if row.get("sentence") is not None:
            self.sentences.add(row["sentence"])
        if row.get("cot") is not None:
            self.with_trace += 1
            self.traces.add(row["cot"])
        if row.get("score") is not None:
            self.scores[row["score"]] += 1
        if row.get("reason") is not None:
            self.reasons[f"{row.get('step') or '?'}: {row['reason']}"] += 1
        if row.get("drift") is not None:
            self.drift[row["drift"]] += 1
        if row.get("gold") is not None and row.get("entities") is not None:
            self._add_drift(row)
        self._add_entities(row)

    def _add_drift(self, row: Mapping[str, Any]) -> None:
        pairs = compare([Entity(**item) for item in row["gold"]], [Entity(**item) for item in row["entities"]])
        self.drifted.update(pair.kind for pair in pairs)
        self.confusions.update(confusions(pair for pair in pairs if pair.kind != "same"))

    def _add_entities(self, row: Mapping[str, Any]) -> None:
        entities = row.get("entities")
        if entities is None:
            entities = row.get("gold")
        schema = row.get("schema") or ()
        self.asked.update(schema)
        if entities is None:
            return
        self.entities += len(entities)
        self.without_entities += not entities
        used = {entity["label"] for entity in entities}
        self.negative_types += sum(label not in used for label in schema)
        for entity in entities:
            self.types[entity["label"]] += 1
            self.evidence += entity.get("cot_start") is not None
            if entity.get("match"):
                self.matches[entity["match"]] += 1

    def summary(self) -> dict[str, Any]:
        """The counts as JSON; types by frequency, then by name."""
        return {
            "rows": self.rows,
            "entities": self.entities,
            "rows_without_entities": self.without_entities,
            "rows_with_trace": self.with_trace,
            "entities_with_evidence": self.evidence,
            "types": _ranked(self.types),
            "types_asked": len(self.asked),
            "negative_types": self.negative_types,
            "datasets": _ranked(self.datasets),
            "licenses": _ranked(self.licenses),
            "matches": _ranked(self.matches),
            "scores": {f"{score:g}": count for score, count in sorted(self.scores.items())},
            "reasons": _ranked(self.reasons),
            "drift": _ranked(self.drift),
            "drift_of_entities": _ranked(self.drifted),
            "confusions": {
                f"{item['gold'] or '(none)'} -> {item['found'] or '(none)'}": item["count"]
                for item in self.drift_summary()["confusions"]
            },
            "sentence_characters": self.sentences.summary(),
            "trace_characters": self.traces.summary(),
        }

    def drift_summary(self) -> dict[str, Any]:
        """How the entities differ from gold: records and entities by kind, and the commonest (gold, found) types.

        None stands for no entity: a gold one that was not found, a found one that is not in gold.
        """
        commonest = sorted(self.confusions.items(), key=lambda item: (-item[1], item[0][0] or "", item[0][1] or ""))
        return {
            "records": _ranked(self.drift),
            "entities": _ranked(self.drifted),
            "confusions": [
                {"gold": gold, "found": found, "count": count} for (gold, found), count in commonest[:_CONFUSIONS]
            ],
            "confusions_left": sum(count for _, count in commonest[_CONFUSIONS:]),
        }


def _ranked(counter: Counter[str]) -> dict[str, int]:
    return dict(sorted(counter.items(), key=lambda item: (-item[1], item[0])))
