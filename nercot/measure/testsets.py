"""The test sets in a user's folder: which benchmarks are there, in which files, and the split that is measured.

In: a folder in any layout and format.  Out: datasets by the registry's names, what a suite lacks, and what could not
be read, with why.  Never picks silently: a dataset in two places is an error, a row that cannot be used is counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path

from nercot.corpus.benchmarks import benchmark_at, find_benchmark, suite
from nercot.corpus.records import Record
from nercot.errors import InputError
from nercot.formats.files import dataset_of, folder_of
from nercot.formats.sources import Item, Source, is_data, items, open_source

# Splits that may be measured on, in this order of preference; a file that names no split is taken as it is.
_SPLITS = ("test", None, "validation")


@dataclass(frozen=True, slots=True)
class Dataset:
    """One dataset as found in the folder: where, its files, and the split that is measured.

    `dropped`: rows of that split that cannot be used, by reason; `findings`: what is odd in it, by kind; `types`: all
    that its rows of that split are asked for.
    """

    name: str
    where: Path
    source: Source
    split: str | None
    dropped: Mapping[str, int]
    findings: Mapping[str, int]
    types: tuple[str, ...] = ()

    def records(self, limit: int | None) -> Iterator[Record]:
        """Its records with gold, the first `limit` of the split that is measured."""
        found = (item.outcome.record for item in items(self.source) if item.outcome.kept)
        return islice((record for record in found if record.gold is not None and record.split == self.split), limit)


@dataclass(frozen=True, slots=True)
class Found:
    """What a folder holds: datasets by name, what the suite lacks, and the files that could not be read, with why."""

    datasets: tuple[Dataset, ...]
    missing: tuple[str, ...]
    not_read: tuple[str, ...]


def find_datasets(folder: Path, only: str | None) -> Found:
    """The datasets in a folder: an InstructUIE tree, files, or a folder each.

    Raises InputError where there is none, or one of them in two places.
    """
    if not folder.exists():
        raise InputError(f"{folder}: no such folder; give the folder of your benchmark files with --benchmarks")
    wanted = suite(only) if only else None
    not_read: list[str] = []
    found: dict[str, Dataset] = {}
    for root, source in _sources(folder, not_read):
        for dataset in _datasets(root, source, not_read):
            if wanted is None or find_benchmark(dataset.name) in wanted:
                known = found.get(dataset.name)
                found[dataset.name] = dataset if known is None else _better(known, dataset)
    if not found:
        reasons = f" (not read: {'; '.join(not_read)})" if not_read else ""
        kind = only or "any kind"
        raise InputError(
            f"{folder}: no benchmark of {kind} with gold in a test or dev split; check the folder{reasons}"
        )
    names = {find_benchmark(name) for name in found}
    missing = tuple(f"{item.name} ({item.source})" for item in wanted or () if item not in names)
    return Found(tuple(found[name] for name in sorted(found)), missing, tuple(not_read))


def _better(one: Dataset, other: Dataset) -> Dataset:
    """The one of two files of a dataset whose split is preferred; two of the same split are an InputError."""
    if one.split == other.split:
        raise InputError(
            f"{one.name} is there more than once ({one.where}, {other.where}); keep one of them in the folder"
        )
    return min(one, other, key=lambda dataset: _SPLITS.index(dataset.split))


def _sources(folder: Path, not_read: list[str]) -> Iterator[tuple[Path, Source]]:
    """The folder as one source where it is one, else each file or folder in it; with the path of each."""
    try:
        yield folder, open_source(str(folder))
        return
    except InputError as error:
        if folder.is_file() or not any(folder.iterdir()):
            not_read.append(str(error))
            return
    for child in sorted(folder.iterdir()):
        if not child.name.startswith((".", "__MACOSX")) and (child.is_dir() or is_data(child)):
            yield from _sources(child, not_read)


def _datasets(root: Path, source: Source, not_read: list[str]) -> Iterator[Dataset]:
    """The datasets of a source, each with its files and the best split that it has."""
    if source.format.name == "text":
        not_read.append(f"{root}: plain text has no gold to compare with")
        return
    seen: dict[str, dict[str | None, _Seen]] = {}
    splits = {file.name: file.split for file in source.files}
    for item in items(source):
        record = item.outcome.record
        name = _name_of(record.dataset, root / item.file if root.is_dir() else root)
        split = record.split if item.outcome.kept else splits.get(item.file)
        seen.setdefault(name, {}).setdefault(split, _Seen()).add(item)
    for name, has in seen.items():
        best = next((split for split in _SPLITS if split in has and has[split].rows), "")
        if best in has:
            files = set().union(*(part.files for part in has.values()))
            mine = tuple(file for file in source.files if file.name in files)
            part = has[best]
            yield Dataset(
                name,
                root,
                replace(source, files=mine),
                best,
                dict(part.dropped),
                dict(part.findings),
                tuple(sorted(part.types)),
            )


@dataclass(slots=True)
class _Seen:
    """What was seen of one split of a dataset: rows with gold, the others by reason, findings, and in which files."""

    rows: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    findings: Counter[str] = field(default_factory=Counter)
    files: set[str] = field(default_factory=set)
    types: set[str] = field(default_factory=set)

    def add(self, item: Item) -> None:
        self.files.add(item.file)
        self.findings.update(item.findings)
        if not item.outcome.kept:
            self.dropped[item.outcome.reason or ""] += 1
        elif item.outcome.record.gold is None:
            self.dropped["no_gold"] += 1
        else:
            self.rows += 1
            self.types.update(item.outcome.record.schema)


def _name_of(dataset: str, path: Path) -> str:
    """The registry's name of a dataset, or of what its file is called after, else its own.

    UniversalNER's evaluation files are conversations that name no dataset; the file does.
    """
    known = benchmark_at(dataset, folder_of(path)) or find_benchmark(dataset_of(path))
    return known.name if known else dataset
