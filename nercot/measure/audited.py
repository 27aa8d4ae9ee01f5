"""What people's verdicts say of a corpus: precision, agreement, and how far its own checks can be trusted.

In: the answers that people judged, with what became of each and what the checks said, and how many answers there are
of each kind.  Out: JSON values.  Every share is weighted back from the stratified sample to the corpus and stands
with a 95 % interval and the number behind it (intervals.py); what is not defined is null, with its counts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import fmean, pvariance
from typing import Any

from nercot.measure.intervals import Estimate, Seen, auc, corrected, kappa, weighted
from nercot.measure.verdicts import Fault, Said

Layer = tuple[bool, str]
_SPOILS = ("entity", "extent", "type", "trace")
_LEAVES = ("entity", "extent", "type")


@dataclass(frozen=True, slots=True)
class Judged:
    """One answer that people judged: kept or not, its data set and entities, what the checks said, the verdicts.

    `passed`: rules, reading, judge -> whether it passed; a check that did not see it is missing.
    """

    guid: str
    answer: str
    kept: bool
    dataset: str
    entities: tuple[Mapping[str, Any], ...]
    passed: Mapping[str, bool]
    score: float | None
    said: tuple[Said, ...]

    @property
    def right(self) -> bool:
        """What most people say; where they are even, it is wrong."""
        return 2 * sum(one.right for one in self.said) > len(self.said)

    @property
    def layer(self) -> Layer:
        """The layer that it was drawn from."""
        return self.kept, self.dataset

    def faulty(self, number: int) -> bool | None:
        """Whether people object to one entity; None where somebody calls the answer wrong without saying what is."""
        entity = self.entities[number]
        told = [one for one in self.said if one.right or one.faults]
        if not told:
            return None
        return 2 * sum(_names(one.faults, entity) for one in told) >= len(told)


def _names(faults: Iterable[Fault], entity: Mapping[str, Any]) -> bool:
    return any(fault.kind in _SPOILS and fault.entity and _same(fault.entity, entity) for fault in faults)


def _same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    return all(one.get(name) == other.get(name) for name in ("text", "label", "start", "end"))


@dataclass(frozen=True, slots=True)
class Population:
    """All answers of the corpus: how many in each layer, and the scores (0-1) of those that were kept."""

    sizes: Mapping[Layer, int]
    predicted: Sequence[float]


def figures(judged: Sequence[Judged], population: Population) -> dict[str, Any]:
    """Everything that the card says about the audit."""
    weights = _weights(judged, population)
    kept = [item for item in judged if item.kept]
    dropped = [item for item in judged if not item.kept]
    people = sorted({one.person for item in judged for one in item.said})
    return {
        "answers": len(judged),
        "people": {person: sum(one.person == person for item in judged for one in item.said) for person in people},
        "kept": _rows(kept, weights),
        "dropped": _rows(dropped, weights),
        "entities": _json(weighted(_entity_values(kept, weights))),
        "datasets": {
            name: {
                "rows": _json(weighted(_row_values(part, weights))),
                "entities": _json(weighted(_entity_values(part, weights))),
            }
            for name, part in _grouped(kept).items()
        },
        "types": _types(kept, weights),
        "faults": dict(Counter(fault.kind for item in kept for one in item.said for fault in one.faults).most_common()),
        "corrected": _json(_corrected(kept, population)),
        "checks": {name: _check(judged, weights, name) for name in ("rules", "reading", "judge")},
        "agreement": [found for pair in combinations(people, 2) if (found := _agreement(judged, *pair))["n"]],
    }


def _weights(judged: Sequence[Judged], population: Population) -> dict[Layer, float]:
    seen = Counter(item.layer for item in judged)
    return {layer: population.sizes.get(layer, count) / count for layer, count in seen.items()}


def _json(estimate: Estimate | None) -> dict[str, Any] | None:
    return None if estimate is None else estimate.as_json()


def _rows(part: Sequence[Judged], weights: Mapping[Layer, float]) -> dict[str, Any]:
    right = sum(item.right for item in part)
    return {"answers": len(part), "right": right, "share": _json(weighted(_row_values(part, weights)))}


def _row_values(part: Iterable[Judged], weights: Mapping[Layer, float]) -> list[tuple[float, float]]:
    return [(float(item.right), weights[item.layer]) for item in part]


def _entity_values(
    part: Iterable[Judged], weights: Mapping[Layer, float], label: str | None = None
) -> list[tuple[float, float]]:
    found = []
    for item in part:
        for number, entity in enumerate(item.entities):
            faulty = item.faulty(number)
            if faulty is not None and label in (None, entity["label"]):
                found.append((float(not faulty), weights[item.layer]))
    return found


def _grouped(part: Iterable[Judged]) -> dict[str, list[Judged]]:
    groups: dict[str, list[Judged]] = {}
    for item in part:
        groups.setdefault(item.dataset, []).append(item)
    return dict(sorted(groups.items()))


def _types(kept: Sequence[Judged], weights: Mapping[Layer, float]) -> dict[str, Any]:
    counts = Counter(entity["label"] for item in kept for entity in item.entities)
    ranked = sorted(counts, key=lambda label: (-counts[label], label))
    found = {label: weighted(_entity_values(kept, weights, label)) for label in ranked}
    return {label: _json(estimate) for label, estimate in found.items() if estimate}


def _corrected(kept: Sequence[Judged], population: Population) -> Estimate | None:
    """The share of right answers among the kept ones, from what the checks say of all and people of some."""
    if not population.predicted:
        return None
    layers = [
        Seen(
            [float(item.right) for item in part],
            [_predicted(item.score) for item in part],
            population.sizes.get((True, name), len(part)),
        )
        for name, part in _grouped(kept).items()
    ]
    told = {"mean": fmean(population.predicted), "variance": pvariance(population.predicted)}
    return corrected(layers, told, len(population.predicted))


def _predicted(score: float | None) -> float:
    return 1.0 if score is None else score / 10


def _check(judged: Sequence[Judged], weights: Mapping[Layer, float], name: str) -> dict[str, Any] | None:
    """How one check stands against people: the share of wrong answers that it refuses, of right ones that it passes."""
    seen = [item for item in judged if name in item.passed]
    scored = [item for item in judged if item.score is not None] if name == "judge" else []
    if not seen and not scored:
        return None
    wrong = [(float(not item.passed[name]), weights[item.layer]) for item in seen if not item.right]
    right = [(float(item.passed[name]), weights[item.layer]) for item in seen if item.right]
    found = {
        "answers": len(seen),
        "sensitivity": _json(weighted(wrong)),
        "specificity": _json(weighted(right)),
    }
    if name != "judge":
        return found
    good, bad = ([item.score or 0.0 for item in scored if item.right is side] for side in (True, False))
    area = auc(good, bad)
    return {**found, "auc": None if area is None else round(area, 4)}


def _agreement(judged: Sequence[Judged], one: str, two: str) -> dict[str, Any]:
    """How far two people agree on the answers that both judged: right or wrong, and the entities that they leave."""
    pairs, shared, left, right = [], 0, 0, 0
    for item in judged:
        said = {verdict.person: verdict for verdict in item.said}
        if one in said and two in said:
            pairs.append(("right" if said[one].right else "wrong", "right" if said[two].right else "wrong"))
            mine, yours = _left(item, said[one]), _left(item, said[two])
            shared, left, right = shared + (mine & yours).total(), left + mine.total(), right + yours.total()
    f1 = round(2 * shared / (left + right), 4) if left + right else None
    return {"people": [one, two], **kappa(pairs), "span_f1": f1, "spans": [left, right]}


def _left(item: Judged, said: Said) -> Counter[tuple[Any, ...]]:
    """The entities that a person would have: those of the answer without what they object to, and the missing ones."""
    refused = [fault.entity for fault in said.faults if fault.kind in _LEAVES and fault.entity]
    added = [fault.entity for fault in said.faults if fault.kind == "missing" and fault.entity]
    mine = [entity for entity in item.entities if not any(_same(entity, other) for other in refused)]
    return Counter((entity.get("text"), entity.get("label"), entity.get("start")) for entity in (*mine, *added))
