"""The head of a file, as detection looks at it: first bytes, first lines, first rows of JSON, and its neighbours.

In: a path.  Out: what is asked for, read when it is first asked for.  Never reads more than a part of the file,
but for a file that is one JSON value over many lines.
"""

from __future__ import annotations

from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any

from nercot.errors import InputError
from nercot.formats.delimited import table_of
from nercot.formats.files import first_character, folder_of, head_lines, is_arrow, is_parquet, magic
from nercot.formats.json_files import json_rows

# So many rows show the shape of a file.
HEAD_ROWS = 50
_MAX_ROWS = 5000
_BINARY = (b"PK\x03\x04", b"x\x01", b"x\x9c", b"x\xda")


class Head:
    """What can be seen of a file before it is read."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @cached_property
    def start(self) -> str:
        """The first character that is not white space; '' for an empty or binary file."""
        return "" if self.is_binary else first_character(self.path)

    @cached_property
    def magic(self) -> bytes:
        """The first four bytes."""
        return magic(self.path)

    @cached_property
    def is_binary(self) -> bool:
        """Whether this is no text, by its first bytes: Parquet, Arrow, zip, or zlib's data (spaCy's DocBin)."""
        return is_parquet(self.path) or is_arrow(self.path) or self.magic.startswith(_BINARY)

    @cached_property
    def lines(self) -> list[str]:
        """The whole lines among the first 256 KB of a text file; none of a binary one."""
        return [] if self.is_binary else [line for _, line in head_lines(self.path)]

    @cached_property
    def values(self) -> list[Any]:
        """The first rows of a JSON or Parquet file; a row that is no JSON is a RowError."""
        return [row.value for row in islice(json_rows(self.path), HEAD_ROWS)]

    @cached_property
    def many_values(self) -> list[Any]:
        """As many rows as it may take to tell two formats apart."""
        return [row.value for row in islice(json_rows(self.path), _MAX_ROWS)]

    @cached_property
    def is_json(self) -> bool:
        """Whether the file is rows of JSON; Parquet and tables with a header count as such."""
        if is_parquet(self.path) or is_arrow(self.path):
            return True
        if not self.start or self.start not in "[{":
            return bool(self.start) and table_of(self.path) is not None
        try:
            first = next(json_rows(self.path), None)
        except InputError:
            return False
        return first is not None and isinstance(first.value, dict | list)

    @cached_property
    def beside(self) -> frozenset[str]:
        """The names of the files in its folder, itself among them."""
        return frozenset(path.name for path in folder_of(self.path).iterdir())
