"""The table `source` of a recipe: where sentences and schemas come from.

In: the table as TOML or a manifest gives it.  Out: a frozen SourceSpec, and the table of it again as a manifest holds
it, without folders.  Opens no file: formats/sources.py does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from nercot.corpus.labels import PAPER_IGNORED


@dataclass(frozen=True, slots=True)
class DatasetSpec:
    """One dataset of a source: `schema` for its rows that have none, `renamed` labels old -> new."""

    schema: tuple[str, ...] | None = None
    renamed: Mapping[str, str] = field(default_factory=dict)


# Keys of a source that say how files of tokens are read: how they become a sentence, the column of tags, what ends one.
READING = ("join", "column", "sentences")


@dataclass(frozen=True, slots=True)
class SourceSpec:
    """Where sentences and schemas come from: a path, or a Hub dataset at a revision.

    `labels`: the schema of rows that have none; `renamed`: labels old -> new; `ignore_labels`: labels that are
    left out; `datasets`: the same for single datasets by name, and for a draw the datasets that it wants.
    `descriptions`: what a type means, for rows that describe none.
    """

    path: str | None = None
    hub: str | None = None
    revision: str | None = None
    format: str | None = None
    split: str | None = None
    labels: tuple[str, ...] | None = None
    renamed: Mapping[str, str] = field(default_factory=dict)
    ignore_labels: tuple[str, ...] = ()
    datasets: Mapping[str, DatasetSpec] = field(default_factory=dict)
    join: str | None = None
    column: str | None = None
    sentences: str | None = None
    descriptions: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, table: Mapping[str, Any]) -> SourceSpec:
        """The table `source` of a recipe, or of a manifest: `labels` is a list (a schema) or a table (old -> new)."""
        schema, renamed = _labels(table.get("labels"))
        datasets = {name: DatasetSpec(*_labels(own.get("labels"))) for name, own in table.get("datasets", {}).items()}
        plain: dict[str, Any] = {
            key: table.get(key) for key in ("path", "hub", "revision", "format", "split", *READING)
        }
        if plain["column"] is not None:
            plain["column"] = str(plain["column"])
        beside: dict[str, Any] = {"ignore_labels": _ignored(table.get("ignore_labels", ())), "datasets": datasets}
        return cls(
            **plain, labels=schema, renamed=renamed, **beside, descriptions=dict(table.get("descriptions") or {})
        )

    def instead(self, where: str) -> SourceSpec:
        """The same for another source, a path or Hub dataset: files are known by name and hash, not by their folder."""
        base, colon, config = where.rpartition(":")
        if Path(where).expanduser().exists() or (colon and Path(base).is_dir()):
            return replace(self, path=None, hub=None, revision=None)
        name, _, revision = (base if colon else where).partition("@")
        return replace(self, path=None, hub=f"{name}{colon}{config if colon else ''}", revision=revision or None)

    def written(self) -> dict[str, Any]:
        """What `read` takes, without what is not set; of a path only its name."""
        labels = {name: own.renamed or own.schema for name, own in self.datasets.items()}
        table: dict[str, Any] = {
            "path": None if self.path is None else Path(self.path).name,
            "hub": self.hub,
            "revision": self.revision,
            "format": self.format,
            "split": self.split,
            "labels": dict(self.renamed) or (None if self.labels is None else list(self.labels)),
        }
        table |= {key: value for key in READING if (value := getattr(self, key)) is not None}
        if self.descriptions:
            table["descriptions"] = dict(self.descriptions)
        if self.ignore_labels:
            table["ignore_labels"] = list(self.ignore_labels)
        if self.datasets:
            table["datasets"] = {name: {"labels": listed} if listed else {} for name, listed in labels.items()}
        return table


def _ignored(value: Any) -> tuple[str, ...]:
    """A list of labels, or `paper` for those that the paper's code leaves out."""
    return PAPER_IGNORED if value == "paper" else tuple(value)


def _labels(value: Any) -> tuple[tuple[str, ...] | None, Mapping[str, str]]:
    """A list of labels is a schema, a table renames them."""
    return (None, dict(value)) if isinstance(value, Mapping) else (tuple(value) if value else None, {})
