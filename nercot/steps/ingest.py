"""The source stage, a corpus step: items of a source -> sorted partitions with final guids.

In: the items of sources.py.  Out: `1-source/<partition>.parquet` sorted by guid, unreadable rows in
`dropped/`, and source.json, which is written last and says what was read.  Records with equal guids get
ordinals (`-2`, `-3`) in the order of (gold, split, source row).  Memory: a few thousand rows, then one
partition's rows without traces.
"""

from __future__ import annotations

import hashlib
import io
import json
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from itertools import groupby, islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from nercot.corpus.removed import Removal, sentence_hash, taken_down
from nercot.corpus.tables import COLUMNS, GROUP_ROWS, record_row, replacing, write_json, writing
from nercot.corpus.work import Report, Row, Work, content_key, dropped_row
from nercot.errors import InputError, RecipeError, ShortfallError
from nercot.formats.sources import MAX_INPUT, Item, Source, file_hashes, items
from nercot.steps.stratify import Draw, Drawn, draw

_SPOOL_ROWS = 10_000
_SPOOL = COLUMNS["work-dropped"]


@dataclass(frozen=True, slots=True)
class Ingested:
    """What the source stage left: the key of all that it read, a key for each partition, and what was read.

    `kept` of the `rows` came through, `dropped` were refused (by reason), `not_drawn` left out by a draw, which
    `sample` describes; what is missing then was dropped at the draw.
    """

    key: str
    partitions: dict[str, str]
    rows: int
    kept: int
    dropped: Counter[str]
    findings: dict[str, int]
    files: list[dict[str, str]]
    format: str
    partial: bool
    not_drawn: int = 0
    sample: dict[str, Any] | None = None


def partition_names(digits: int) -> list[str]:
    """All partitions: the hex numbers of that many digits."""
    return [f"{number:0{digits}x}" for number in range(16**digits)]


def ingest(
    work: Work,
    source: Source,
    digits: int,
    limit: int | None,
    strict: bool,
    report: Report,
    removed: Mapping[str, Removal] | None = None,
    asked: Draw | None = None,
) -> Ingested:
    """Reads the source, or what is `asked` of it, into partitions, unless nothing that decides them has changed.

    Of a row whose sentence was taken down (`removed`, by hash) nothing is written but that it was there.
    """
    files = file_hashes(source.files)
    removed = removed or {}
    key = _source_key(source, files, digits, limit, removed, asked)
    known = _before(work, key)
    if known:
        return known
    _refuse_other_partitions(work, digits)
    _refuse_renaming(work, source)
    spool = work.root / ".spool"
    shutil.rmtree(spool, ignore_errors=True)
    try:
        counts = _spool(spool, source, digits, limit, strict, report, removed, asked)
        if counts.kept == 0:
            raise ShortfallError(f"{_named(source)}: no usable row among {counts.rows}{_why(counts.dropped)}")
        partitions = {part: _partition(work, spool, part) for part in partition_names(digits)}
    finally:
        shutil.rmtree(spool, ignore_errors=True)
    state = {
        "key": key,
        "rows": counts.rows,
        "kept": counts.kept,
        "dropped": dict(counts.dropped),
        "findings": dict(sorted(counts.findings.items())),
        "files": files,
        "format": source.format.name,
        "partial": counts.partial,
        "partitions": partitions,
        "not_drawn": counts.drawn.not_drawn if counts.drawn else 0,
        "sample": counts.drawn.written(asked.sample) if counts.drawn and asked else None,
        "types": {name: list(types) for name, types in source.types.items()},
    }
    write_json(_state_file(work), state)
    return _ingested(state)


def _refuse_renaming(work: Work, source: Source) -> None:
    """Raises InputError where a source has grown by types, so that rows that were built would get other names.

    The schema of rows that bring none is that of their data set, and it is in their guid.
    """
    try:
        before: dict[str, list[str]] = json.loads(_state_file(work).read_text(encoding="utf-8")).get("types", {})
    except (OSError, ValueError):
        return
    grown = {name: types for name, types in source.types.items() if name in before and set(types) > set(before[name])}
    built = sum(_rows_with(work, name, before[name]) for name in grown) if grown and _is_asked(work) else 0
    if built:
        new = ", ".join(sorted({label for name, types in grown.items() for label in set(types) - set(before[name])}))
        every = ",".join(dict.fromkeys(label for types in grown.values() for label in types))
        raise InputError(
            f"{_named(source)}: the source has new types ({new}), so {built} rows that are built already would be "
            f"asked for other types and get other names; to do so say --schema {every} (source.labels)"
        )


def _is_asked(work: Work) -> bool:
    """Whether a model was asked about the rows of an earlier source."""
    return any((work.root / "2-raw").glob("*.parquet"))


def _rows_with(work: Work, dataset: str, types: Sequence[str]) -> int:
    """How many rows of the source as it was have exactly these types."""
    count = 0
    for path in sorted((work.root / "1-source").glob("*.parquet")):
        for row in pq.read_table(path, columns=["dataset", "schema"]).to_pylist():
            count += row["dataset"] == dataset and row["schema"] == types
    return count


def _named(source: Source) -> str:
    first = source.files[0].path
    return str(first) if len(source.files) == 1 else str(first.parent)


def _why(dropped: Counter[str]) -> str:
    return f" ({', '.join(f'{count} {reason}' for reason, count in dropped.most_common())})" if dropped else ""


def _source_key(
    source: Source,
    files: list[dict[str, str]],
    digits: int,
    limit: int | None,
    removed: Mapping[str, Removal],
    asked: Draw | None,
) -> str:
    options = source.options
    return content_key(
        "source",
        files,
        [file.split for file in source.files],
        source.format.name,
        options.schema,
        options.dataset,
        [options.join, options.column, options.sentences, options.names],
        source.license,
        source.split,
        digits,
        limit,
        sorted((item.sentence, item.reason) for item in removed.values()),
        source.relabel.key if source.relabel else None,
        None if asked is None else {**asdict(asked), "where": None},
    )


def _state_file(work: Work) -> Path:
    return work.root / "1-source" / "source.json"


def _before(work: Work, key: str) -> Ingested | None:
    try:
        state = json.loads(_state_file(work).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if state.get("key") != key:
        return None
    whole = all(work.file("1-source", part).exists() for part in state["partitions"])
    return _ingested(state) if whole else None


def _refuse_other_partitions(work: Work, digits: int) -> None:
    """What was built in some partitions cannot go on in others."""
    try:
        state = json.loads(_state_file(work).read_text(encoding="utf-8"))
        built = len(next(iter(state["partitions"])))
    except (OSError, ValueError, KeyError, StopIteration):
        return
    if built != digits:
        raise RecipeError(
            f"{work.root} was built in {16**built} partitions: set partition.digits = {built} again,"
            " or give another --out"
        )


def _ingested(state: dict[str, Any]) -> Ingested:
    return Ingested(
        state["key"],
        state["partitions"],
        state["rows"],
        state["kept"],
        Counter(state["dropped"]),
        state["findings"],
        state["files"],
        state["format"],
        state["partial"],
        state["not_drawn"],
        state["sample"],
    )


@dataclass(slots=True)
class _Counts:
    rows: int = 0
    kept: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    findings: Counter[str] = field(default_factory=Counter)
    partial: bool = False
    drawn: Drawn | None = None

    def add(self, item: Item) -> None:
        """Counts one item."""
        self.rows += 1
        self.findings.update(item.findings)
        if item.outcome.reason is None:
            self.kept += 1
        elif item.step == "source":
            self.dropped[item.outcome.reason] += 1


def _spool(
    folder: Path,
    source: Source,
    digits: int,
    limit: int | None,
    strict: bool,
    report: Report,
    removed: Mapping[str, Removal],
    asked: Draw | None,
) -> _Counts:
    """Sorts the rows into one file a partition, unsorted within."""
    counts = _Counts()
    stream = _items(source, asked, counts, removed, report)
    writer = _Spool(folder)
    for item in islice(stream, limit):
        item = _taken_down(item, source.license, removed) if removed else item
        _refuse(item, strict)
        counts.add(item)
        writer.add(item.outcome.record.guid[:digits], _spool_row(item))
        if counts.rows % 1000 == 0:
            report("source", counts.rows, None)
    counts.partial = limit is not None and next(stream, None) is not None
    if counts.drawn:
        counts.rows += counts.drawn.not_drawn
    writer.close()
    report("source", counts.rows, counts.rows)
    return counts


def _items(
    source: Source, asked: Draw | None, counts: _Counts, removed: Mapping[str, Removal], report: Report
) -> Iterator[Item]:
    """The items of the source, or those that a draw leaves."""
    if asked is None:
        return items(source)
    counts.drawn = Drawn()

    def gone(sentence: str) -> bool:
        return bool(removed) and sentence_hash(sentence) in removed

    return draw(source, asked, counts.drawn, gone, lambda rows: report("draw", rows, None))


def _taken_down(item: Item, license: str, removed: Mapping[str, Removal]) -> Item:
    """The item, or what is left of it if its sentence was taken down."""
    record = item.outcome.record
    removal = removed.get(sentence_hash(record.sentence or _start(item)))
    return replace(item, outcome=taken_down(record.guid, record.dataset, license, removal)) if removal else item


def _start(item: Item) -> str:
    """What a corpus shows of a row that cannot be read, and by which it is taken down."""
    return item.raw.decode("utf-8", "replace")[:MAX_INPUT]


def _refuse(item: Item, strict: bool) -> None:
    if strict and item.outcome.reason not in (None, "removed", "duplicate_record"):
        raise InputError(f"{item.file}: row {item.row}: {item.outcome.detail}; mend it, or build without --strict")


def _spool_row(item: Item) -> Row:
    if item.outcome.reason is None:
        row = record_row(item.outcome.record)
    else:
        row = dropped_row(item.outcome, item.step, None)
        if item.outcome.reason == "duplicate_record":
            return {**row, "source_file": item.file, "source_row": item.row}
        row |= {"sentence": None}
        if item.outcome.reason == "removed":
            return row  # where it stands in the source would lead to its text
        row |= {"input": _start(item)}
    return {**row, "source_file": item.file, "source_row": item.row}


class _Spool:
    """One Arrow stream a partition; rows wait in memory until there are _SPOOL_ROWS of them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._waiting: dict[str, list[Row]] = {}
        self._rows = 0
        self._writers: dict[str, Any] = {}

    def add(self, part: str, row: Row) -> None:
        self._waiting.setdefault(part, []).append(row)
        self._rows += 1
        if self._rows >= _SPOOL_ROWS:
            self._flush()

    def _flush(self) -> None:
        with writing(self._folder):
            self._folder.mkdir(parents=True, exist_ok=True)
            for part, rows in self._waiting.items():
                if part not in self._writers:
                    self._writers[part] = pa.ipc.new_stream(str(self._folder / f"{part}.arrow"), _SPOOL)
                self._writers[part].write_table(pa.Table.from_pylist(rows, schema=_SPOOL))
        self._waiting, self._rows = {}, 0

    def close(self) -> None:
        if self._rows:
            self._flush()
        for writer in self._writers.values():
            writer.close()


def _partition(work: Work, spool: Path, part: str) -> str:
    """Writes one partition sorted by guid; returns the hash of its records."""
    path = spool / f"{part}.arrow"
    if path.exists():
        with pa.memory_map(str(path)) as stored:
            rows = pa.ipc.open_stream(stored).read_all()
    else:
        rows = _SPOOL.empty_table()
    rows = _with_ordinals(rows.sort_by([("guid", "ascending")]))
    refused = pc.is_valid(rows["reason"])
    _write(work.dropped("source", part), rows.filter(refused), "work-dropped")
    kept = rows.filter(pc.invert(refused))
    _write(work.file("1-source", part), kept, "1-source")
    return _content_hash(kept)


# Where a row stands in its source decides nothing but what the candidate says of a dropped one.
_PLACE = ("source_file", "source_row")


class _Hashing(io.RawIOBase):
    """A file of which only the hash is kept."""

    def __init__(self) -> None:
        self.hash = hashlib.sha256()

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self.hash.update(data)
        return len(data)


def _content_hash(rows: pa.Table) -> str:
    """The hash of records, wherever they stand in their source: a row put before others leaves theirs as it is."""
    schema = pa.schema([field for field in COLUMNS["1-source"] if field.name not in _PLACE])
    sink = _Hashing()
    with pa.PythonFile(sink, "w") as out:
        pq.write_table(rows.select(schema.names).cast(schema), out, compression="none", use_dictionary=False)
    return sink.hash.hexdigest()[:32]


def _write(path: Path, rows: pa.Table, kind: str) -> None:
    schema = COLUMNS[kind]
    if kind == "work-dropped" and not rows.num_rows:
        path.unlink(missing_ok=True)
        return
    with replacing(path) as temporary:
        pq.write_table(
            rows.select(schema.names).cast(schema),
            temporary,
            row_group_size=GROUP_ROWS,
            compression="zstd",
            use_dictionary=False,
            write_statistics=False,
        )


def _with_ordinals(rows: pa.Table) -> pa.Table:
    """Rows of one guid in the order of (gold, split, source row), the second and later with an ordinal."""
    guids = rows["guid"].to_pylist()
    order = list(range(len(guids)))
    names = list(guids)
    for guid, group in groupby(range(len(guids)), key=guids.__getitem__):
        places = list(group)
        if len(places) == 1:
            continue
        ranked = sorted(places, key=lambda place: _rank(rows, place))
        for number, (place, chosen) in enumerate(zip(places, ranked, strict=True), 1):
            order[place] = chosen
            names[place] = guid if number == 1 else f"{guid}-{number}"
    if names == guids:
        return rows
    taken = rows.take(pa.array(order))
    taken = taken.set_column(taken.schema.get_field_index("guid"), "guid", pa.array(names, pa.string()))
    return taken.sort_by([("guid", "ascending")])


def _rank(rows: pa.Table, place: int) -> tuple[str, str, str, int]:
    row = rows.slice(place, 1).to_pylist()[0]
    gold = json.dumps(row["gold"], ensure_ascii=False, sort_keys=True)
    return gold, row["split"] or "", row["source_file"], row["source_row"]
