"""The hybrid corpus, corpus steps: the draw for GRPO, and which traces stay.

In: records with gold, and what a policy answered.  Out: the guids of the draw (rows of each category and rows
without an entity, dataset by dataset), and for an answer whether it says what gold says.  Traces are kept only
there (the paper's supervised setting); every other row stays with gold alone.  Reads gold, which no model sees.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from heapq import heappush, heappushpop
from typing import Any

from nercot.corpus.labels import fold_label
from nercot.corpus.records import Entity, Record
from nercot.steps.stratify import Ranking, content_of

NOT_GOLD = "not_gold"
# The category of a row without an entity.
_NEGATIVE = ""


def mentions(entities: Sequence[Entity]) -> Counter[tuple[str, str]]:
    """The multiset of (mention, folded label)."""
    return Counter((entity.text, fold_label(entity.label)) for entity in entities)


def agrees(entities: Sequence[Entity], gold: Sequence[Entity]) -> bool:
    """Whether a prediction equals gold, wherever its mentions stand."""
    return mentions(entities) == mentions(gold)


def difference(entities: Sequence[Entity], gold: Sequence[Entity]) -> str:
    """What a prediction lacks and has too much against gold, on one line."""
    said, wanted = mentions(entities), mentions(gold)
    parts = (("lacks", wanted - said), ("adds", said - wanted))
    return "; ".join(
        f"{how} {', '.join(f'{text!r} ({label})' for text, label in sorted(found.elements()))}"
        for how, found in parts
        if found
    )


@dataclass(slots=True)
class _Dataset:
    rows: int = 0
    negatives: int = 0
    positives: Counter[str] = field(default_factory=Counter)
    best: dict[str, list[tuple[int, str, frozenset[str]]]] = field(default_factory=dict)


class CategoryDraw:
    """Draws `size` rows of each category, and as many negatives, from each dataset.

    Rows are ranked by a hash of (seed, content).  The rarest category goes first, and a row is drawn once: where a
    dataset has enough rows, it gives exactly `size` rows more for each category.
    """

    def __init__(self, size: int, seed: int) -> None:
        self._size, self._rank = size, Ranking(seed)
        self._datasets: dict[str, _Dataset] = {}

    def add(self, record: Record) -> None:
        """Takes a record with gold."""
        dataset = self._datasets.setdefault(record.dataset, _Dataset())
        gold = record.gold or ()
        labels = frozenset(entity.label for entity in gold)
        item = (-self._rank(content_of(record)), record.guid, labels)
        dataset.rows += 1
        dataset.negatives += not labels
        dataset.positives.update(labels)
        # Other categories can take at most so many of the rows of one.
        most = self._size * max(1, len(record.schema))
        for label in labels or {_NEGATIVE}:
            best = dataset.best.setdefault(label, [])
            if len(best) < most:
                heappush(best, item)
            else:
                heappushpop(best, item)

    def result(self) -> tuple[frozenset[str], list[dict[str, Any]]]:
        """The guids that are drawn, and a row for each dataset: name, rows, drawn, negatives, and by category."""
        drawn: set[str] = set()
        table = [
            {"name": name, "rows": dataset.rows, **self._draw(dataset, drawn)}
            for name, dataset in sorted(self._datasets.items())
        ]
        return frozenset(drawn), table

    def _draw(self, dataset: _Dataset, drawn: set[str]) -> dict[str, Any]:
        chosen: dict[str, frozenset[str]] = {}
        for label in sorted(dataset.best, key=lambda label: (dataset.positives[label] or dataset.rows, label)):
            ranked = sorted(dataset.best[label], reverse=True)
            new = [(guid, labels) for _, guid, labels in ranked if guid not in chosen]
            chosen.update(new[: self._size])
        drawn.update(chosen)
        categories = Counter(label for labels in chosen.values() for label in labels)
        return {
            "drawn": len(chosen),
            "negatives": sum(not labels for labels in chosen.values()),
            "categories": dict(sorted(categories.items())),
        }
