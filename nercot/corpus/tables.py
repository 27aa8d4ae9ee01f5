"""The one column table: which columns a row of each kind has, and rows <-> Parquet.

In: dicts, one a row.  Out: Parquet files with these columns and no other, written whole or not at all
(a reader never sees half a file).  `declared` gives the same columns to the datasets library.
Every type is explicit: an empty list is an empty list, never null.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from nercot.corpus.records import Answer, Entity, Judgement, Reading, Record, Taken
from nercot.errors import InputError, OutputError

# Rows of a row group: what a writer holds in memory, and what a reader reads at once.
GROUP_ROWS = 500
_KEY = b"nercot"

_STR, _INT, _FLOAT = pa.string(), pa.int32(), pa.float64()
_LABELS = pa.list_(pa.field("element", _STR))
ENTITY = pa.struct(
    [
        ("text", _STR),
        ("label", _STR),
        ("start", _INT),
        ("end", _INT),
        ("match", _STR),
        ("cot_start", _INT),
        ("cot_end", _INT),
    ]
)
_ENTITIES = pa.list_(pa.field("element", ENTITY))
_MESSAGES = pa.list_(pa.field("element", pa.struct([("role", _STR), ("content", _STR)])))
_SUBSCORES = ("grounding", "boundary", "type", "completeness", "coherence", "score")
_TAKEN = pa.struct([("mention", _STR), ("type", _STR), ("because", _STR)])
READING = pa.struct(
    [
        ("taken", pa.list_(pa.field("element", _TAKEN))),
        ("refused", _LABELS),
        ("given", pa.bool_()),
        ("sound", pa.bool_()),
    ]
)
_JUDGEMENT = pa.struct([*((name, _FLOAT) for name in _SUBSCORES), ("reason", _STR)])

_BASE = {
    "guid": _STR,
    "dataset": _STR,
    "source_id": _STR,
    "split": _STR,
    "license": _STR,
    "sentence": _STR,
    "schema": _LABELS,
    "schema_descriptions": _LABELS,
    "gold": _ENTITIES,
}
_ANSWERED = {"cot": _STR, "entities": _ENTITIES}
_ATTEMPT = {
    "attempt": _INT,
    "teacher": _STR,
    "request_key": _STR,
    "completion": _STR,
    "reasoning": _STR,
    "finish_reason": _STR,
    "tokens_in": _INT,
    "tokens_out": _INT,
}
# The rules of all that an answer breaks, whether the recipe asks for them or not.
_BROKEN = {"broken": _LABELS}
_READER = {"reader": _STR, "reader_key": _STR}
_READ = {"reading": READING, **_READER}
_SCORED = {"score": _FLOAT, "judge": _STR, "judgement": _JUDGEMENT, "judge_key": _STR}
_SELECTED = {"drift": _STR, "near_duplicate_of": _STR, "contaminated_by": _STR}
_DROPPED = {
    "step": _STR,
    "reason": _STR,
    "detail": _STR,
    "source_file": _STR,
    "source_row": _INT,
    "input": _STR,
}

# Columns of the configs of a corpus, and of the files of a build's work folder.
COLUMNS: dict[str, pa.Schema] = {
    "cot": pa.schema({**_BASE, **_ANSWERED, **_READER, **_SCORED, **_SELECTED}),
    "raw": pa.schema({**_BASE, **_ANSWERED, **_ATTEMPT, **_READ, **_SCORED}),
    "dropped": pa.schema({**_BASE, **_ANSWERED, **_DROPPED}),
    "sft": pa.schema({"guid": _STR, "dataset": _STR, "license": _STR, "prompt": _MESSAGES, "completion": _MESSAGES}),
    "preference": pa.schema(
        {
            **{"guid": _STR, "dataset": _STR, "license": _STR},
            **{"prompt": _MESSAGES, "chosen": _MESSAGES, "rejected": _MESSAGES},
            **{"rejected_step": _STR, "rejected_reason": _STR, "score_chosen": _FLOAT, "score_rejected": _FLOAT},
        }
    ),
    "re": pa.schema(_BASE),
    "grpo": pa.schema(
        {"guid": _STR, "dataset": _STR, "license": _STR, "schema": _LABELS, "prompt": _MESSAGES, "gold": _STR}
    ),
    "1-source": pa.schema({**_BASE, "source_file": _STR, "source_row": _INT}),
    "2-raw": pa.schema({"guid": _STR, **_ATTEMPT}),
    "3-valid": pa.schema({"guid": _STR, "attempt": _INT, **_ANSWERED, **_BROKEN}),
    "4-read": pa.schema({"guid": _STR, "attempt": _INT, **_ANSWERED, **_READ}),
    "5-scored": pa.schema({"guid": _STR, "attempt": _INT, **_SCORED}),
    "6-selected": pa.schema({"guid": _STR, "attempt": _INT, **_SELECTED}),
    "work-dropped": pa.schema({**_BASE, **_ANSWERED, **_READ, **_BROKEN, "attempt": _INT, **_DROPPED}),
}


# Columns that corpora of 0.1.0 do not have.
_SINCE_0_1 = frozenset(_READ)


def columns_known(config: str) -> tuple[pa.Schema, ...]:
    """The columns of a config: today's, and where they differ those of corpora made by 0.1.0."""
    now = COLUMNS[config]
    before = pa.schema([field for field in now if field.name not in _SINCE_0_1])
    return (now,) if before.equals(now) else (now, before)


def declared(columns: pa.Schema) -> list[dict[str, Any]]:
    """Columns as a card's `features` declares them to the datasets library, which takes 60 MB to say it itself."""
    return [{"name": field.name, **_declared(field.type)} for field in columns]


def _declared(kind: pa.DataType) -> dict[str, Any]:
    if pa.types.is_struct(kind):
        return {"struct": [{"name": field.name, **_declared(field.type)} for field in kind.fields]}
    if pa.types.is_list(kind):
        element = _declared(kind.value_type)
        return {"list": element.get("dtype") or element["struct"]}
    return {"dtype": {"double": "float64"}.get(str(kind), str(kind))}


# --- records <-> rows -----------------------------------------------------------------------------


def entity_rows(entities: Sequence[Entity] | None) -> list[dict[str, Any]] | None:
    """Entities as rows hold them; None stays None."""
    if entities is None:
        return None
    return [
        {
            "text": item.text,
            "label": item.label,
            "start": item.start,
            "end": item.end,
            "match": item.match,
            "cot_start": item.cot_start,
            "cot_end": item.cot_end,
        }
        for item in entities
    ]


def _entities(rows: Sequence[Mapping[str, Any]] | None) -> tuple[Entity, ...] | None:
    return None if rows is None else tuple(Entity(**row) for row in rows)


def record_row(record: Record) -> dict[str, Any]:
    """The columns that every row has."""
    descriptions = record.schema_descriptions
    return {
        "guid": record.guid,
        "dataset": record.dataset,
        "source_id": record.source_id,
        "split": record.split,
        "license": record.license,
        "sentence": record.sentence,
        "schema": list(record.schema),
        "schema_descriptions": None if descriptions is None else list(descriptions),
        "gold": entity_rows(record.gold),
    }


def answer_row(answer: Answer) -> dict[str, Any]:
    """The columns of one attempt."""
    return {name: getattr(answer, name) for name in _ATTEMPT}


def reading_row(reading: Reading) -> dict[str, Any]:
    """The columns that reading adds."""
    return {
        "reading": said_row(reading),
        "reader": reading.reader,
        "reader_key": reading.reader_key,
    }


def said_row(reading: Reading) -> dict[str, Any]:
    """What a reader said, as it said it."""
    return {
        "taken": [{"mention": item.mention, "type": item.type, "because": item.because} for item in reading.taken],
        "refused": list(reading.refused),
        "given": reading.given,
        "sound": reading.sound,
    }


def to_reading(said: Mapping[str, Any], reader: str | None = None, reader_key: str | None = None) -> Reading:
    """What `said_row` wrote, as a Reading."""
    return Reading(
        taken=tuple(Taken(item["mention"], item["type"], item["because"]) for item in said["taken"]),
        refused=tuple(said["refused"]),
        given=said["given"],
        sound=said["sound"],
        reader=reader or "unknown",
        reader_key=reader_key,
    )


def judgement_row(judgement: Judgement) -> dict[str, Any]:
    """The columns that scoring adds."""
    return {
        "score": judgement.score,
        "judge": judgement.judge,
        "judgement": {name: getattr(judgement, name) for name in (*_SUBSCORES, "reason")},
        "judge_key": judgement.judge_key,
    }


def to_record(row: Mapping[str, Any]) -> Record:
    """A row (of any kind, or of several joined) as a record."""
    descriptions = row.get("schema_descriptions")
    reading, judgement = row.get("reading"), row.get("judgement")
    return Record(
        guid=row["guid"],
        dataset=row["dataset"],
        sentence=row["sentence"] or "",
        schema=tuple(row["schema"]),
        schema_descriptions=None if descriptions is None else tuple(descriptions),
        gold=_entities(row.get("gold")),
        source_id=row.get("source_id"),
        split=row.get("split"),
        license=row["license"],
        cot=row.get("cot"),
        entities=_entities(row.get("entities")),
        answer=Answer(**{name: row[name] for name in _ATTEMPT}) if row.get("completion") is not None else None,
        reading=to_reading(reading, row.get("reader"), row.get("reader_key")) if reading else None,
        judgement=Judgement(**judgement, judge=row["judge"], judge_key=row["judge_key"]) if judgement else None,
    )


def own_process() -> None:
    """Has pyarrow take little memory, in a process that is all ours and holds nothing of pandas.

    Its own allocator keeps what was freed.  And it would import pandas, wherever that is installed, at the first list
    that becomes a column, to see whether it was handed one of its own: half a second and 40 MB.  It looks once;
    `to_pandas` still finds it.
    """
    pa.set_memory_pool(pa.system_memory_pool())
    if "pandas" in sys.modules:
        return
    sys.meta_path.insert(0, _NoPandas)
    try:
        pa.array([])
    finally:
        sys.meta_path.remove(_NoPandas)


class _NoPandas:
    """A finder that says there is no pandas."""

    @staticmethod
    def find_spec(name: str, *_: object) -> None:
        if name == "pandas":
            raise ModuleNotFoundError(name)


# --- files ----------------------------------------------------------------------------------------


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turns what a full or read-only disk says into one line."""
    try:
        yield
    except OSError as error:
        if error.errno == 28 or "No space left" in str(error):
            raise OutputError(f"{path}: the disk is full; free some space and run the same command again") from error
        raise OutputError(f"{path}: cannot be written ({error.strerror or error}); choose another folder") from error


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary name beside `path` that takes its place when all went well, and is gone otherwise.

    Where nothing was written (or it was taken away again) `path` stays as it is.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield temporary
            if temporary.exists():
                os.replace(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Writes a small file, whole or not at all."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, value: Any) -> None:
    """Writes JSON as a person would want to read it, whole or not at all."""
    write_text(path, json.dumps(value, ensure_ascii=False, indent=2) + "\n")


class Table:
    """A Parquet file being written; rows are collected into row groups of GROUP_ROWS."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self.rows = 0
        self._schema = schema
        self._batch: list[dict[str, Any]] = []
        self._writer = pq.ParquetWriter(path, schema, compression="zstd", use_dictionary=False, write_statistics=False)

    def add(self, row: dict[str, Any]) -> None:
        """Takes one row."""
        self._batch.append(row)
        self.rows += 1
        if len(self._batch) == GROUP_ROWS:
            self._flush()

    def _flush(self) -> None:
        if self._batch:
            self._writer.write_table(pa.Table.from_pylist(self._batch, schema=self._schema))
            self._batch = []

    def close(self, meta: Mapping[str, Any] | None = None) -> None:
        """Writes what is left, and `meta` into the file's own metadata."""
        self._flush()
        if meta is not None:
            self._writer.add_key_value_metadata({_KEY: json.dumps(meta, sort_keys=True).encode()})
        self._writer.close()

    def abandon(self) -> None:
        """Lets go of a file that is not going to be whole; what a full disk says to that was said before."""
        if self._writer.is_open:
            with suppress(OSError, pa.ArrowInvalid):
                self._writer.close()
            self._writer.is_open = False

    def __del__(self) -> None:
        # The writer would otherwise try to finish its file, and complain on stderr.
        if hasattr(self, "_writer"):
            self.abandon()


@contextmanager
def table(path: Path, kind: str, meta: Callable[[], Mapping[str, Any]] | None = None) -> Iterator[Table]:
    """Writes a table of COLUMNS[kind]; `meta` is asked at the end.  On an error nothing is left.

    Without `meta` a table of no rows is no file.
    """
    with replacing(path) as temporary:
        out = Table(temporary, COLUMNS[kind])
        try:
            yield out
        except BaseException:
            out.abandon()
            raise
        out.close(meta() if meta else None)
        if meta is None and not out.rows:
            temporary.unlink()
            path.unlink(missing_ok=True)


def meta_of(path: Path) -> dict[str, Any] | None:
    """What `table` wrote into the file's metadata; None where there is no such (whole) file."""
    try:
        found = pq.read_metadata(path).metadata or {}
    except (OSError, pa.ArrowInvalid):
        return None
    return json.loads(found[_KEY]) if _KEY in found else None


def read_rows(path: Path, columns: Iterable[str] | None = None) -> Iterator[dict[str, Any]]:
    """The rows of a Parquet file, a row group at a time."""
    wanted = None if columns is None else list(columns)
    try:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(GROUP_ROWS, columns=wanted, use_threads=False):
                yield from _dicts(batch)
    except (pa.ArrowInvalid, OSError) as error:
        raise InputError(f"{path}: damaged ({str(error).splitlines()[0]}); delete it and build again") from error


def _dicts(batch: pa.RecordBatch) -> list[dict[str, Any]]:
    names = batch.schema.names
    columns = [column.to_pylist() for column in batch.columns]
    return [dict(zip(names, values, strict=True)) for values in zip(*columns, strict=True)]
