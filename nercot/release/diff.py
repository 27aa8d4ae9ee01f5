"""What differs between two corpora: rows added, removed, changed, and counts by step and type.

In: two of folder, release, or Hub dataset at a revision (any of them with `:config`), whose Parquet files are
sorted by guid.  Out: a Diff with the guids.  A merge: of either side a few thousand rows are in memory, and
columns are compared where they lie; only rows of a column that differs become Python values.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from nercot.corpus.manifest import NAME, Manifest, read_manifest
from nercot.errors import InputError
from nercot.formats import DataFile
from nercot.formats.sources import find_files

_ROWS = 4000
# The split whose files hold a row; the column `split` is that of the source.
DATA_SPLIT = "data_split"
Key = tuple[str, int]


@dataclass(slots=True)
class Diff:
    """The difference between corpus `a` and corpus `b`.

    `rows`: how many either has.  `added`, `removed`: guids.  `changed`: guid -> the columns that differ.
    `columns`: column -> "added", "removed" or "retyped"; such columns are not compared.  `types`: type ->
    mentions in a and in b.  `steps`: step -> its row of the funnel in a and in b, where both have a manifest.
    """

    a: str
    b: str
    rows: tuple[int, int] = (0, 0)
    added: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    changed: dict[str, tuple[str, ...]] = field(default_factory=dict)
    columns: dict[str, str] = field(default_factory=dict)
    types: dict[str, tuple[int, int]] = field(default_factory=dict)
    steps: dict[str, tuple[Mapping[str, Any] | None, Mapping[str, Any] | None]] = field(default_factory=dict)
    # Rows that differ in the same columns share one tuple: there may be millions of them.
    _shared: dict[tuple[str, ...], tuple[str, ...]] = field(default_factory=dict, repr=False, compare=False)

    @property
    def differs(self) -> bool:
        """Whether any row or column differs."""
        return bool(self.added or self.removed or self.changed or self.columns)

    def change(self, key: Key, column: str) -> None:
        """Notes that a row differs in a column."""
        known = self.changed.get(key[0], ())
        if column not in known:
            columns = (*known, column)
            self.changed[key[0]] = self._shared.setdefault(columns, columns)

    def changed_columns(self) -> dict[str, int]:
        """Column -> rows in which it differs."""
        return dict(Counter(chain.from_iterable(self.changed.values())).most_common())

    def as_json(self) -> dict[str, Any]:
        """The difference as JSON; of types and steps what differs."""
        return {
            "a": self.a,
            "b": self.b,
            "rows": {"a": self.rows[0], "b": self.rows[1]},
            "added": {"count": len(self.added), "guids": self.added},
            "removed": {"count": len(self.removed), "guids": self.removed},
            "changed": {
                "count": len(self.changed),
                "guids": list(self.changed),
                "columns": self.changed_columns(),
            },
            "columns": self.columns,
            "types": {name: {"a": a, "b": b} for name, (a, b) in self.types.items() if a != b},
            "steps": {name: {"a": a, "b": b} for name, (a, b) in self.steps.items() if a != b},
        }


def diff(a: str, b: str) -> Diff:
    """Compares two corpora by guid (and attempt, where rows have one).

    Raises InputError for a side that is not there, or is no corpus of nercot.
    """
    left, right = _Side.open(a), _Side.open(b)
    found = compare(left.splits, right.splits, a, b)
    if left.manifest and right.manifest:
        mine, yours = ({step["step"]: step for step in side["steps"]} for side in (left.manifest, right.manifest))
        found.steps = {step: (mine.get(step), yours.get(step)) for step in {**mine, **yours}}
    return found


@dataclass(frozen=True, slots=True)
class _Side:
    """The files of one side, those of a split together, and its manifest where it has one."""

    splits: dict[str, list[Path]]
    manifest: Manifest | None

    @classmethod
    def open(cls, where: str) -> _Side:
        files = find_files(where)
        splits: dict[str, list[Path]] = {}
        for file in files:
            splits.setdefault(file.split or "train", []).append(file.path)
        root = _root(files[0])
        return cls(splits, read_manifest(root) if (root / NAME).is_file() else None)


def _root(file: DataFile) -> Path:
    """The folder that a file's name starts from."""
    return file.path.parents[file.name.count("/")]


def compare(
    a: Mapping[str, Sequence[Path]], b: Mapping[str, Sequence[Path]], name_a: str = "a", name_b: str = "b"
) -> Diff:
    """Compares two configs; either is given as split -> files that are sorted by guid, in order.

    A row that is in another split differs in `DATA_SPLIT`.
    """
    left, right = ([_Stream(split, files) for split, files in side.items()] for side in (a, b))
    found = Diff(name_a, name_b)
    shared = _shared_columns(left, right, found)
    counts, types = ([0, 0], (Counter[str](), Counter[str]()))
    for pieces in _windows([*left, *right]):
        sides = [_joined(pieces[: len(left)]), _joined(pieces[len(left) :])]
        for side, rows in enumerate(sides):
            counts[side] += len(rows.keys)
            types[side].update(_types(rows.tables))
        _compare(sides[0], sides[1], shared, found)
    found.rows = counts[0], counts[1]
    found.types = {name: (types[0][name], types[1][name]) for name in sorted(types[0].keys() | types[1].keys())}
    return found


# --- streams --------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Rows:
    """Some rows in order: their keys and splits, and tables that hold them one after the other."""

    keys: list[Key]
    splits: list[str]
    tables: list[pa.Table]


class _Stream:
    """Files read one after the other; the rows that were read and not yet given out wait here."""

    def __init__(self, split: str, paths: Sequence[Path]) -> None:
        self._split = split
        self._batches = _batches(paths)
        self._columns: dict[str, pa.DataType] = {}
        self._keys: list[Key] = []
        self._tables: list[pa.Table] = []
        self.ended = False
        for path in paths:
            self._columns |= {item.name: item.type for item in _schema(path)}

    @property
    def columns(self) -> dict[str, pa.DataType]:
        """Name -> type of all columns."""
        return self._columns

    def last(self) -> str | None:
        """The guid before which all rows are here; None: they all are.  Reads on until there is such a row."""
        while not self.ended and (not self._keys or self._keys[0][0] == self._keys[-1][0]):
            self._read()
        return None if self.ended else self._keys[-1][0]

    def _read(self) -> None:
        path, batch = next(self._batches, (None, None))
        if batch is None:
            self.ended = True
            return
        keys = _keys(batch)
        if keys != sorted(keys) or (self._keys and keys[0] < self._keys[-1]):
            raise InputError(f"{path}: not sorted by guid, so no corpus of nercot that can be compared")
        self._keys += keys
        self._tables.append(batch)

    def before(self, guid: str | None) -> _Rows:
        """Gives out the rows with smaller guids (None: all that are left)."""
        end = len(self._keys) if guid is None else bisect_left(self._keys, (guid, -1))
        given = _Rows(self._keys[:end], [self._split] * end, [])
        self._keys = self._keys[end:]
        while end:
            table = self._tables.pop(0)
            given.tables.append(table.slice(0, end))
            if end < table.num_rows:
                self._tables.insert(0, table.slice(end))
            end -= min(end, table.num_rows)
        return given


def _schema(path: Path) -> pa.Schema:
    try:
        schema = pq.read_schema(path)
    except (pa.ArrowInvalid, OSError) as error:
        raise InputError(f"{path}: not a readable Parquet file; only corpora of nercot can be compared") from error
    if "guid" not in schema.names:
        raise InputError(f"{path}: has no column guid; only corpora of nercot can be compared")
    return schema


def _batches(paths: Sequence[Path]) -> Iterator[tuple[Path, pa.Table]]:
    for path in paths:
        try:
            with pq.ParquetFile(path) as file:
                for batch in file.iter_batches(_ROWS):
                    yield path, pa.Table.from_batches([batch])
        except (pa.ArrowInvalid, OSError) as error:
            raise InputError(f"{path}: damaged ({str(error).splitlines()[0]}); fetch or release it again") from error


def _keys(table: pa.Table) -> list[Key]:
    guids = table.column("guid").to_pylist()
    if None in guids:
        raise InputError("a row without guid: only corpora of nercot can be compared")
    numbers = table.column("attempt").to_pylist() if "attempt" in table.column_names else [0] * len(guids)
    return list(zip(guids, (number or 0 for number in numbers), strict=True))


def _windows(streams: Sequence[_Stream]) -> Iterator[list[_Rows]]:
    """Pieces of all streams, each up to the same guid, until all are at their end."""
    while True:
        ends = [stream.last() for stream in streams]
        bounds = [end for end in ends if end is not None]
        yield [stream.before(min(bounds, default=None)) for stream in streams]
        if not bounds:
            return


def _joined(pieces: Sequence[_Rows]) -> _Rows:
    """The rows of several splits as one, in order."""
    keys, splits, tables = ([item for piece in pieces for item in getattr(piece, name)] for name in _Rows.__slots__)
    if len(pieces) < 2 or keys == sorted(keys):
        return _Rows(keys, splits, tables)
    order = sorted(range(len(keys)), key=keys.__getitem__)
    whole = pa.concat_tables(tables, promote_options="default")
    return _Rows([keys[place] for place in order], [splits[place] for place in order], [whole.take(order)])


# --- comparing ------------------------------------------------------------------------------------


def _shared_columns(left: Sequence[_Stream], right: Sequence[_Stream], found: Diff) -> list[str]:
    """The columns that can be compared; the others are noted."""
    a, b = _columns(left), _columns(right)
    if a and b and ("attempt" in a) != ("attempt" in b):
        raise InputError(f"{found.a} and {found.b} are different configs; compare the same one, for example with :raw")
    found.columns = {name: "removed" for name in a if name not in b} | {name: "added" for name in b if name not in a}
    found.columns |= {name: "retyped" for name in a if name in b and a[name] != b[name]}
    return [name for name in a if name not in found.columns and name not in ("guid", "attempt")]


def _columns(streams: Iterable[_Stream]) -> dict[str, pa.DataType]:
    found: dict[str, pa.DataType] = {}
    for stream in streams:
        found |= stream.columns
    return found


def _compare(left: _Rows, right: _Rows, columns: Sequence[str], found: Diff) -> None:
    """Adds what differs in one window."""
    places = {key: place for place, key in enumerate(right.keys)}
    known = set(left.keys)
    found.added += [key[0] for key in right.keys if key not in known]
    found.removed += [key[0] for key in left.keys if key not in places]
    both = [key for key in left.keys if key in places]
    if not both:
        return
    mine = [place for place, key in enumerate(left.keys) if key in places]
    yours = [places[key] for key in both]
    for key, before, after in zip(both, mine, yours, strict=True):
        if left.splits[before] != right.splits[after]:
            found.change(key, DATA_SPLIT)
    for name in columns:
        one, other = _column(left.tables, name, mine), _column(right.tables, name, yours)
        if not one.equals(other):
            values = zip(both, one.to_pylist(), other.to_pylist(), strict=True)
            for key in [key for key, before, after in values if before != after]:
                found.change(key, name)


def _column(tables: Sequence[pa.Table], name: str, places: Sequence[int]) -> pa.ChunkedArray:
    chunks = [chunk for table in tables for chunk in table.column(name).chunks]
    column = pa.chunked_array(chunks, type=tables[0].schema.field(name).type)
    return column if len(places) == len(column) else column.take(pa.array(places, pa.int64()))


def _types(tables: Sequence[pa.Table]) -> Counter[str]:
    """Mentions by type: of the entities, where there are none of the gold."""
    counts: Counter[str] = Counter()
    for table in tables:
        name = next((name for name in ("entities", "gold") if name in table.column_names), None)
        if name is None or not pa.types.is_list(table.schema.field(name).type):
            continue
        labels = pc.struct_field(pc.list_flatten(table.column(name)), "label")
        counts.update({item["values"]: item["counts"] for item in pc.value_counts(labels).to_pylist()})
    return counts
