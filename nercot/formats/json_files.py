"""Rows of JSON, whatever file they lie in: lists, lines, objects over several lines, Parquet, Arrow, tables.

In: a path.  Out: rows with their number and bytes.  A row that is no JSON is a value of its own, never an exception; a
file is never in memory as a whole, but where it is one JSON object.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, NamedTuple

from nercot.errors import InputError
from nercot.formats.delimited import objects, table_of
from nercot.formats.files import (
    ARROW_FILE,
    CHUNK,
    arrow_reader,
    decode,
    first_character,
    is_arrow,
    is_parquet,
    lines,
    magic,
    open_bytes,
)
from nercot.formats.held import held_rows, json_values
from nercot.formats.rows import MAX_ROW_BYTES, RowError, raw_of

# A JSON value that is a whole file is read at once up to this size.
_MAX_WHOLE = 1 << 29
_SPACE = re.compile(r"[ \t\r\n]*")


class JsonRow(NamedTuple):
    """Row number from 1, its bytes (or text) as far as known, and its value or what is wrong with it."""

    row: int
    raw: bytes | str
    value: Any


def json_rows(path: Path) -> Iterator[JsonRow]:
    """The rows of a JSON list, of JSON lines, of JSON objects over several lines, of Parquet, Arrow or a table.

    An object that is a whole file and holds its rows in a list (`annotations`, `data`, `examples`, ...) gives those.
    A row that is no JSON has a RowError as value.
    """
    if is_parquet(path):
        return _parquet_rows(path)
    if is_arrow(path):
        return _arrow_rows(path)
    start = first_character(path)
    if start not in ("[", "{"):
        table = table_of(path)
        if table:
            return (JsonRow(number, b"", value) for number, value in objects(path, table))
    if start == "[" and not _is_lines(path):
        return _list_rows(path)
    whole = _whole(path) if start == "{" else None
    return _line_rows(path) if whole is None else _items(whole)


def _is_lines(path: Path) -> bool:
    """Whether a file that begins with a list has a row of its own, as a list, on each of its lines."""
    with open_bytes(path) as handle:
        first, second = handle.readline(MAX_ROW_BYTES), handle.read(1)
    if second not in (b"[", b""):
        return False
    value = _value(first.decode("utf-8-sig", "replace"), 0)
    return isinstance(value, list) and (second == b"[" or _is_pair(value))


def _is_pair(value: list[Any]) -> bool:
    """Whether a list is one row of spaCy's: a text and its entities."""
    return len(value) == 2 and isinstance(value[0], str) and isinstance(value[1], dict) and "entities" in value[1]


def _whole(path: Path) -> list[Any] | None:
    """The objects of a file whose first one is over several lines, or is the only one and holds rows; else None."""
    with open_bytes(path) as handle:
        first = handle.readline(_MAX_WHOLE)
        value = _value(first.decode("utf-8-sig", "replace"), 0)
        if not isinstance(value, RowError):
            # Lines of objects, unless the only one holds the rows.
            return None if held_rows(value) is None or handle.read(CHUNK).strip() else [value]
        if first.strip()[-1:] not in (b"{", b"[", b",", b":"):
            return None
        text = decode(path, 1, first + handle.read(_MAX_WHOLE)).removeprefix("\ufeff")
    return json_values(text)


def _items(values: list[Any]) -> Iterator[JsonRow]:
    """The rows of whole objects; what is null in a list of rows is none."""
    held = [held_rows(value) for value in values]
    rows = [item for value, found in zip(values, held, strict=True) for item in ([value] if found is None else found)]
    for number, value in enumerate(rows, 1):
        if value is not None:
            yield JsonRow(number, b"", value)


def _line_rows(path: Path) -> Iterator[JsonRow]:
    for number, line in lines(path):
        if not line.strip():
            continue
        yield JsonRow(number, line, _value(decode(path, number, line), len(line)))


def _value(text: str, size: int) -> Any:
    if size > MAX_ROW_BYTES:
        return RowError(f"the row has {size / 1e6:.0f} MB, more than {MAX_ROW_BYTES // 1_000_000} MB")
    try:
        return json.loads(text)
    except RecursionError:
        return RowError("the JSON is nested too deeply")
    except ValueError as error:
        return RowError(f"not JSON: {error}")


def _parquet_rows(path: Path) -> Iterator[JsonRow]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            number = 0
            for batch in file.iter_batches(1024):
                for value in batch.to_pylist():
                    number += 1
                    yield JsonRow(number, b"", value)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OSError) as error:
        raise InputError(f"{path}: not a readable Parquet file ({str(error).splitlines()[0]})") from error


def _arrow_rows(path: Path) -> Iterator[JsonRow]:
    number = 0
    with arrow_reader(path) as reader:
        whole = magic(path) == ARROW_FILE
        batches = map(reader.get_batch, range(reader.num_record_batches)) if whole else reader
        for batch in batches:
            for value in batch.to_pylist():
                number += 1
                yield JsonRow(number, b"", value)


def raw_bytes(row: JsonRow) -> bytes:
    """The bytes of a row, made anew where the file has none."""
    raw = row.raw if isinstance(row.raw, bytes) else row.raw.encode("utf-8", "surrogatepass")
    return raw or raw_of(row.value)


def _list_rows(path: Path) -> Iterator[JsonRow]:
    """Items of one JSON list, parsed one at a time."""
    decoder = json.JSONDecoder()
    with open_bytes(path) as handle:
        buffer = _Buffer(path, handle)
        buffer.skip("[")
        number = 0
        while buffer.peek() != "]":
            number += 1
            text, value = buffer.item(decoder, number)
            size = len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))
            if size > MAX_ROW_BYTES:
                value = _value("", size)
            yield JsonRow(number, text[:MAX_ROW_BYTES], value)
            after = buffer.peek()
            if after == ",":
                buffer.at += 1
            elif after != "]":
                raise InputError(f"{path}: after item {number} of the list a comma or ] is missing; mend the JSON")


class _Buffer:
    """A window on a JSON text that grows while an item needs it."""

    def __init__(self, path: Path, handle: IO[bytes]) -> None:
        self.path, self.handle = path, handle
        self.text, self.at, self.ended = "", 0, False
        self._decoder = _utf8_decoder()
        self._grow(CHUNK)
        self.text = self.text.removeprefix("\ufeff")

    def _grow(self, size: int) -> None:
        chunk = self.handle.read(size)
        self.ended = not chunk
        try:
            self.text = self.text[self.at :] + self._decoder.decode(chunk, final=self.ended)
        except UnicodeDecodeError as error:
            raise InputError(f"{self.path}: not UTF-8 ({error.reason}); convert the file to UTF-8") from error
        self.at = 0

    def peek(self) -> str:
        while True:
            self.at = _SPACE.match(self.text, self.at).end()  # type: ignore[union-attr]
            if self.at < len(self.text):
                return self.text[self.at]
            if self.ended:
                raise InputError(f"{self.path}: the JSON ends before its list does; the file seems cut off")
            self._grow(CHUNK)

    def skip(self, character: str) -> None:
        if self.peek() != character:
            raise InputError(f"{self.path}: {character} expected, {self.peek()!r} found; mend the JSON")
        self.at += 1

    def item(self, decoder: json.JSONDecoder, number: int) -> tuple[str, Any]:
        self.peek()
        size = CHUNK
        while True:
            try:
                value, end = decoder.raw_decode(self.text, self.at)
                if end < len(self.text) or self.ended:
                    text, self.at = self.text[self.at : end], end
                    return text, value
            except RecursionError as error:
                raise InputError(f"{self.path}: item {number} of the list is nested too deeply; take it out") from error
            except ValueError as error:
                if self.ended:
                    where = f"{self.path}: item {number} of the list"
                    raise InputError(f"{where} is not JSON ({error}); mend it") from error
            self._grow(size)
            size *= 2


def _utf8_decoder() -> Any:
    import codecs

    return codecs.getincrementaldecoder("utf-8")()
