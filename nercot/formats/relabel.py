"""A source's labels as the recipe wants them: renamed, left out, or given where a row has none.

In: a row as its reader gives it, and the recipe's `source.labels`, `source.ignore_labels` and
`source.datasets.<name>.labels`.  Out: the row with other labels; every mention that this took away is one of its
findings.  Never touches a sentence, and never invents a mention.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from nercot.corpus.benchmarks import find_benchmark
from nercot.corpus.labels import fold_label, match_label
from nercot.corpus.recipe_source import DatasetSpec, SourceSpec
from nercot.corpus.records import Entity
from nercot.formats.rows import SourceRow, unique

IGNORED = "ignored_label"
MERGED = "same_mention_after_renaming"


def same_dataset(name: str, other: str) -> bool:
    """Whether two names are those of one dataset: spelled alike, or names of one benchmark."""
    known = find_benchmark(name)
    return fold_label(name) == fold_label(other) or (known is not None and known is find_benchmark(other))


@dataclass(frozen=True, slots=True)
class _Change:
    """What becomes of one schema: the new one, new label (None: left out) by old one, the places that are kept."""

    schema: tuple[str, ...]
    labels: Mapping[str, str | None]
    places: tuple[int, ...]


class Relabel:
    """Gives rows the labels that the recipe wants."""

    def __init__(self, spec: SourceSpec) -> None:
        self._spec = spec
        self._ignored = frozenset(map(fold_label, spec.ignore_labels))
        self._described = {fold_label(label): text for label, text in spec.descriptions.items()}
        self._datasets: dict[str, DatasetSpec] = {}
        self._changes: dict[tuple[str, tuple[str, ...]], _Change | None] = {}

    @property
    def key(self) -> dict[str, Any]:
        """What decides the labels, as JSON."""
        return self._spec.written()

    def __call__(self, row: SourceRow) -> SourceRow:
        """The row with its labels, and what they mean; itself where nothing is to be done."""
        changed = self._relabelled(row)
        if not self._described or changed.schema is None or changed.descriptions is not None:
            return changed
        meanings = tuple(self._described.get(fold_label(label), label) for label in changed.schema)
        return replace(changed, descriptions=meanings)

    def _relabelled(self, row: SourceRow) -> SourceRow:
        own = self._dataset(row.dataset)
        if not row.schema and own.schema:
            row = replace(row, schema=own.schema)
        if not row.schema:
            return row
        key = (row.dataset, row.schema)
        if key not in self._changes:
            self._changes[key] = self._change(row.schema, own)
        change = self._changes[key]
        return row if change is None else self._changed(row, row.schema, change)

    def schema_of(self, dataset: str | None) -> tuple[str, ...]:
        """The types that the recipe states for a dataset."""
        return (self._dataset(dataset).schema or ()) if dataset else ()

    def _dataset(self, name: str) -> DatasetSpec:
        if name not in self._datasets:
            listed = self._spec.datasets
            found = name if name in listed else next((other for other in listed if same_dataset(other, name)), None)
            self._datasets[name] = DatasetSpec() if found is None else listed[found]
        return self._datasets[name]

    def _change(self, schema: tuple[str, ...], own: DatasetSpec) -> _Change | None:
        labels = {label: self._new(label, own) for label in schema}
        if all(old == new for old, new in labels.items()):
            return None
        first: dict[str, int] = {}
        for place, label in enumerate(schema):
            new = labels[label]
            if new is not None:
                first.setdefault(new, place)
        return _Change(unique(filter(None, labels.values())), labels, tuple(first.values()))

    def _new(self, label: str, own: DatasetSpec) -> str | None:
        new = _renamed(label, own.renamed) or _renamed(label, self._spec.renamed) or label
        return None if self._ignored & {fold_label(label), fold_label(new)} else new

    def _changed(self, row: SourceRow, schema: tuple[str, ...], change: _Change) -> SourceRow:
        findings = list(row.findings)
        described = row.descriptions
        if described is not None and len(described) == len(schema):
            described = tuple(described[place] for place in change.places)
        return replace(
            row,
            schema=change.schema,
            descriptions=described,
            gold=self._entities(row.gold, schema, change, findings),
            entities=self._entities(row.entities, schema, change, findings),
            findings=tuple(findings),
        )

    def _entities(
        self, listed: Sequence[Entity] | None, schema: tuple[str, ...], change: _Change, findings: list[str]
    ) -> tuple[Entity, ...] | None:
        if listed is None:
            return None
        kept: list[Entity] = []
        for entity in listed:
            old = match_label(entity.label, schema)
            new = change.labels[old] if old is not None else entity.label
            if new is None:
                findings.append(IGNORED)
                continue
            item = entity if new == entity.label else replace(entity, label=new)
            if item.start is not None and item in kept:
                findings.append(MERGED)
            else:
                kept.append(item)
        return tuple(kept)


def _renamed(label: str, renamed: Mapping[str, str]) -> str | None:
    """The new name of a label: by its exact spelling, else by one that folds alike."""
    if label in renamed:
        return renamed[label]
    return next((new for old, new in renamed.items() if fold_label(old) == fold_label(label)), None)
