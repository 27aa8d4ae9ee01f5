"""The datasets that a draw wants, and whether a source has them.

In: the datasets that a recipe lists, and a source's folder or the names in its rows.  Out: the files to draw from,
and what is missing, empty or doubled, all of it in one line with where to get it.  A tree may hold more: what is
not listed is left alone and named.  Reads no rows.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from nercot.corpus.benchmarks import find_benchmark
from nercot.errors import InputError
from nercot.formats import DataFile
from nercot.formats.files import magic, split_of
from nercot.formats.relabel import same_dataset
from nercot.formats.sources import is_data

_SAMPLE = re.compile(r"_sample_\d+$")
# A file of at most so many bytes is looked into: it may be an empty list.
_SMALL = 64


@dataclass(frozen=True, slots=True)
class Roster:
    """What a source has of the datasets that were wanted.

    `found`: name in the source by name in the recipe.  `not_listed`: what the source has beside them.
    """

    found: Mapping[str, str]
    missing: tuple[str, ...] = ()
    empty: tuple[str, ...] = ()
    doubled: Mapping[str, tuple[str, ...]] | None = None
    not_listed: tuple[str, ...] = ()

    def check(self, where: str, allow_missing: bool) -> None:
        """An InputError that lists everything that is wrong; with `allow_missing` only what is doubled is wrong."""
        doubled = (self.doubled or {}).items()
        wrong = [f"{name} is there more than once ({', '.join(places)})" for name, places in doubled]
        if not allow_missing:
            wrong += [f"{name} is empty ({_source(name)})" for name in self.empty]
            wrong += [f"{name} is missing ({self._advice(name)})" for name in self.missing]
        if not wrong and self.found:
            return
        asked = len(self.found) + len(self.missing) + len(self.empty) + len(self.doubled or {})
        hint = "" if allow_missing else "; or go on without what is missing: --set sample.allow_missing=true"
        if not self.found and self._tree(where):
            hint = f"; did you mean {Path(where) / 'NER'}?"
        listed = "; ".join(wrong) or "none of them is there"
        raise InputError(f"{where}: of the {asked} datasets to draw from {listed}{hint}")

    def without(self, rows: Mapping[str, int]) -> Roster:
        """The same, where datasets that turned out to have no rows are empty."""
        empty = tuple(name for name, other in self.found.items() if not rows.get(other))
        found = {name: other for name, other in self.found.items() if name not in empty}
        return replace(self, found=found, empty=(*self.empty, *empty))

    def _advice(self, name: str) -> str:
        from rapidfuzz import process

        near = process.extractOne(name, self.not_listed, score_cutoff=75)
        return f"{near[0]!r} is there: rename it if that is the one" if near else _source(name)

    def _tree(self, where: str) -> bool:
        return (Path(where).expanduser() / "NER").is_dir()


def _source(name: str) -> str:
    """Where to get a dataset."""
    known = find_benchmark(name)
    return f"get it from {known.source}" if known else "nothing is known of where to get it"


def roster(wanted: Sequence[str], rows: Mapping[str, int]) -> Roster:
    """Which of the datasets that are wanted have how many `rows` by name."""
    found: dict[str, str] = {}
    missing, empty, doubled = [], [], {}
    taken: set[str] = set()
    for name in wanted:
        alike = [other for other in rows if same_dataset(name, other)]
        taken.update(alike)
        if len(alike) > 1:
            doubled[name] = tuple(sorted(alike))
        elif not alike:
            missing.append(name)
        elif not rows[alike[0]]:
            empty.append(name)
        else:
            found[name] = alike[0]
    others = tuple(sorted(rows.keys() - taken))
    return Roster(found, tuple(missing), tuple(empty), doubled, others)


def tree_roster(wanted: Sequence[str], where: Path, split: str) -> tuple[Roster, tuple[DataFile, ...]]:
    """The same for a tree `<dataset>/{train,dev,test}.json`, before a row is read, and the files of what was found.

    A dataset without a file of the split that holds anything is empty.
    """
    folders: dict[str, list[Path]] = {}
    for folder in sorted(path for path in where.iterdir() if path.is_dir() and not path.name.startswith(".")):
        folders.setdefault(_SAMPLE.sub("", folder.name) or folder.name, []).append(folder)
    files = {name: [file for folder in listed for file in _files(folder)] for name, listed in folders.items()}
    seen = roster(wanted, {name: sum(_split(file) == split for file in listed) for name, listed in files.items()})
    twice = {
        name: tuple(str(folder) for other in others for folder in folders[other])
        for name, others in _doubled(seen, folders).items()
    }
    found = {name: other for name, other in seen.found.items() if name not in twice}
    listed = tuple(
        DataFile(path, path.relative_to(where).as_posix(), _split(path))
        for other in sorted(found.values())
        for path in files[other]
    )
    return Roster(found, seen.missing, seen.empty, twice, seen.not_listed), listed


def _doubled(seen: Roster, folders: Mapping[str, Sequence[Path]]) -> dict[str, Iterable[str]]:
    """The datasets with several folders: of several names, or of one name and several samples."""
    samples = {name: (other,) for name, other in seen.found.items() if len(folders[other]) > 1}
    return {**(seen.doubled or {}), **samples}


def _split(path: Path) -> str:
    """The split of a file; one that its name does not tell is for training, as everywhere."""
    return split_of(path.name) or "train"


def _files(folder: Path) -> list[Path]:
    """The data files of a dataset's folder that hold anything."""
    return sorted(path for path in folder.iterdir() if path.is_file() and is_data(path) and not _is_empty(path))


def _is_empty(path: Path) -> bool:
    """Whether a file has no rows: no bytes, white space, or an empty list."""
    size = path.stat().st_size
    if size > _SMALL or magic(path)[:1] not in (b"", b" ", b"\n", b"\r", b"\t", b"[", b"\xef"):
        return False
    text = path.read_bytes().decode("utf-8", "replace").removeprefix("\ufeff")
    return "".join(text.split()) in ("", "[]")
