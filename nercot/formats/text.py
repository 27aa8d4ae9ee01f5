"""Plain text: one sentence a line, or JSON lines with `text`; the user gives the schema.

Such a source has no gold: what looks like annotation in a row is left out, and counted as a finding.  A JSON row
may bring a `schema` of its own, an id and a dataset.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from nercot.corpus.records import Record
from nercot.errors import InputError
from nercot.formats.files import text_lines
from nercot.formats.head import Head
from nercot.formats.json_files import JsonRow, json_rows, raw_bytes
from nercot.formats.rows import (
    MAX_ROW_BYTES,
    BadRow,
    ReadOptions,
    RowError,
    SourceRow,
    id_of,
    kind_of,
    labels_of,
    optional_text,
    text_of,
)
from nercot.formats.signs import signs_of

LEFT_OUT = "annotation_left_out"


def detect(value: Any) -> bool:
    """Whether a JSON value is an object with a text; what marks it would be lost, so detection asks signs.py too."""
    return (
        isinstance(value, dict) and isinstance(value.get("text"), str) and not isinstance(value.get("entities"), list)
    )


def read(path: Path, file: str, options: ReadOptions) -> Iterator[SourceRow | BadRow]:
    """The rows of one file: JSON where it begins like JSON, else its lines."""
    name = options.dataset or path.name.split(".")[0]
    if _is_rows(path):
        for row in json_rows(path):
            yield _json_row(row, file, name, options)
        return
    for number, line in text_lines(path):
        if line.strip():
            yield _line(number, line, file, name, options)


def _is_rows(path: Path) -> bool:
    """Whether a file is rows of JSON: it parses as such, or is called so; a line of text may begin with a bracket."""
    head = Head(path)
    return head.is_json or (head.start in ("[", "{") and ".json" in path.name)


def _line(number: int, line: str, file: str, name: str, options: ReadOptions) -> SourceRow | BadRow:
    raw = line.encode()
    if "\0" in line or len(raw) > MAX_ROW_BYTES:
        what = "the line holds NUL bytes" if "\0" in line else f"the line has {len(raw) / 1e6:.0f} MB"
        return BadRow(file, number, name, what, raw)
    return SourceRow(file, number, name, line.strip(), _schema(None, file, number, options))


def _json_row(row: JsonRow, file: str, name: str, options: ReadOptions) -> SourceRow | BadRow:
    try:
        value = row.value
        if isinstance(value, RowError):
            raise value
        if not isinstance(value, dict):
            raise RowError(f"the row is {kind_of(value)}, not an object")
        return SourceRow(
            file=file,
            row=row.row,
            dataset=optional_text(value.get("dataset"), "dataset") or name,
            sentence=text_of(value.get("text"), "text"),
            schema=_schema(labels_of(value.get("schema"), "schema"), file, row.row, options),
            source_id=id_of(value.get("id")),
            split=optional_text(value.get("split"), "split"),
            license=optional_text(value.get("license"), "license"),
            findings=(LEFT_OUT,) * bool(signs_of(value)),
        )
    except RowError as error:
        return BadRow(file, row.row, name, str(error), raw_bytes(row))


def _schema(own: tuple[str, ...] | None, file: str, number: int, options: ReadOptions) -> tuple[str, ...]:
    schema = own or options.schema
    if not schema:
        raise InputError(
            f"{file}: row {number}: plain text has no types; "
            'give them with --schema person,place (or --set source.labels=["person", "place"])'
        )
    return schema


def write(records: Iterable[Record]) -> Iterator[dict[str, Any]]:
    """One object with text and schema a record; entities cannot be held."""
    for record in records:
        yield {"id": record.source_id or record.guid, "text": record.sentence, "schema": list(record.schema)}
