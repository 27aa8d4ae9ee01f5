"""Opens what the user names: files plain, .gz or .zst, in UTF-8, and rows of JSON, JSON lines and Parquet.

Out: lines and rows with their numbers.  A file that cannot be opened or decoded is an InputError that
names it; a row that cannot be parsed is given as a RowError.  Memory is that of one row.
"""

from __future__ import annotations

import gzip
import io
import os
import re
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any

from nercot.errors import InputError
from nercot.formats.rows import ReadOptions

CHUNK = 1 << 20
_BOM = b"\xef\xbb\xbf"
_GZIP, _ZSTD, _PARQUET = b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"PAR1"
# Arrow's two kinds of files: with a table of contents, and the stream that `save_to_disk` writes.
ARROW_FILE, _ARROW_STREAM = b"ARRO", b"\xff\xff\xff\xff"


_HEAD_BYTES = 1 << 18

PACKED = (".gz", ".zst")

# How the files of a split are called, and the split that they hold.
_SPLITS = {
    "train": "train",
    "training": "train",
    "dev": "validation",
    "devel": "validation",
    "valid": "validation",
    "validation": "validation",
    "val": "validation",
    "testa": "validation",
    "test": "test",
    "testb": "test",
}
_REPO = "datasets--"
_SHARD = re.compile(r"-\d{5}-of-\d{5}$")


@dataclass(frozen=True, slots=True)
class DataFile:
    """A file to read: where it lies, its name within what the user named, and its split where the place says so.

    `dataset`, `schema`, `dialect`: what the survey of a format found out about it, None before that.
    """

    path: Path
    name: str
    split: str | None = None
    dataset: str | None = None
    schema: tuple[str, ...] | None = None
    dialect: Any = None

    def options(self, asked: ReadOptions) -> ReadOptions:
        """What the reader of this file is told: the user's word first, then the survey's."""
        return replace(
            asked, dataset=asked.dataset or self.dataset, schema=self.schema or asked.schema, dialect=self.dialect
        )


def is_split(name: str) -> bool:
    """Whether a name is that of a split and nothing more, as folders of splits have it."""
    return name.lower() in _SPLITS


def stem(name: str) -> str:
    """A file's name without the suffixes that say how it is packed and written."""
    for packed in PACKED:
        name = name.removesuffix(packed)
    head, dot, last = name.rpartition(".")
    return _SHARD.sub("", head if dot and head and last.lower() not in _SPLITS else name)


def split_named(name: str) -> str:
    """The split that is meant by one of its names: dev, valid and val are validation."""
    return _SPLITS.get(name.lower(), name)


def split_of(name: str) -> str | None:
    """The split that a file's name speaks of (`train.txt`, `eng.testa`, `en_ewt-ud-dev.iob2`), or None."""
    parts = re.split(r"[-._ ]", stem(name).lower())
    return _SPLITS.get(parts[0]) or _SPLITS.get(parts[-1])


def split_of_file(path: Path) -> str | None:
    """The split that a file's name speaks of; of Arrow's files, which are named alike, that of its folder."""
    return _SPLITS.get(folder_of(path).name.lower()) if path.suffix == ".arrow" else split_of(path.name)


def dataset_of(path: Path) -> str:
    """The dataset that a file belongs to: its own name without the split, else that of its folder."""
    if path.suffix == ".arrow":
        folder = folder_of(path)
        return _named(folder.parent if folder.name.lower() in _SPLITS else folder) or "data"
    parts = re.split(r"([-._ ]+)", stem(path.name))
    if parts[0].lower() in _SPLITS:
        parts = parts[2:]
    elif parts[-1].lower() in _SPLITS:
        parts = parts[:-2]
    return "".join(parts) or _named(folder_of(path)) or "data"


def folder_of(path: Path) -> Path:
    """The folder in which a file is named; what it links to (a cache's store of blobs) has no telling name."""
    return Path(os.path.abspath(path)).parent


def _named(folder: Path) -> str:
    """The dataset that a folder is named after; at the top of the Hub's cache, the repository."""
    commit = folder.parent if folder.name == "data" else folder
    if commit.parent.name == "snapshots" and commit.parent.parent.name.startswith(_REPO):
        return commit.parent.parent.name.rpartition("--")[2]
    return folder.name


def refuse_doubles(places: Iterable[tuple[Path, str]]) -> None:
    """Two folders of one dataset, given as (folder, dataset), are an InputError that lists them all."""
    folders: dict[str, set[str]] = {}
    for folder, name in places:
        folders.setdefault(name, set()).add(str(folder))
    doubled = [
        f"{name!r} in {' and '.join(sorted(found))}" for name, found in sorted(folders.items()) if len(found) > 1
    ]
    if doubled:
        raise InputError(f"two folders hold one dataset: {'; '.join(doubled)}; keep or name one of them")


def magic(path: Path) -> bytes:
    """The first bytes of a file."""
    try:
        with path.open("rb") as handle:
            return handle.read(4)
    except OSError as error:
        raise InputError(f"{path}: {_reason(error)}") from error


def is_parquet(path: Path) -> bool:
    """Whether the file says that it is Parquet."""
    return magic(path) == _PARQUET


def is_arrow(path: Path) -> bool:
    """Whether the file says that it is Arrow's, as `save_to_disk` of the Hub's library writes it."""
    return magic(path) in (ARROW_FILE, _ARROW_STREAM)


def arrow_schema(path: Path) -> Any:
    """The Arrow schema of a Parquet or Arrow file, with its metadata; None for another file."""
    if is_parquet(path):
        import pyarrow.parquet as pq

        return pq.read_schema(path)
    if not is_arrow(path):
        return None
    with arrow_reader(path) as reader:
        return reader.schema


@contextmanager
def arrow_reader(path: Path) -> Iterator[Any]:
    """A reader of an Arrow file, mapped into memory."""
    import pyarrow as pa

    try:
        with pa.memory_map(str(path)) as source:
            yield (pa.ipc.open_file if magic(path) == ARROW_FILE else pa.ipc.open_stream)(source)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise InputError(f"{path}: not a readable Arrow file ({str(error).splitlines()[0]})") from error


def _reason(error: OSError) -> str:
    if isinstance(error, FileNotFoundError):
        return "no such file; check the path"
    if isinstance(error, PermissionError):
        return "may not be read; check its permissions"
    return (error.strerror or str(error)).lower()


@contextmanager
def open_bytes(path: Path) -> Iterator[IO[bytes]]:
    """The file's bytes, decompressed; a cut or damaged archive is an InputError while reading."""
    start = magic(path)
    try:
        if start.startswith(_GZIP):
            with gzip.open(path, "rb") as handle:
                yield handle  # type: ignore[misc]
        elif start == _ZSTD:
            import pyarrow as pa

            with pa.input_stream(str(path), compression="zstd") as stream:
                yield io.BufferedReader(stream, CHUNK)
        else:
            with path.open("rb") as handle:
                yield handle
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise InputError(f"{path}: the archive is cut or damaged ({error}); fetch it again") from error
    except OSError as error:
        if isinstance(error, InputError):
            raise
        what = "the archive is cut or damaged" if start in (_ZSTD,) or start[:2] == _GZIP else _reason(error)
        raise InputError(f"{path}: {what}") from error


def lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """The lines of a text file with their numbers from 1, without line ends, without a BOM."""
    with open_bytes(path) as handle:
        for number, line in enumerate(handle, 1):
            if number == 1 and line.startswith(_BOM):
                line = line[len(_BOM) :]
            yield number, line.rstrip(b"\r\n")


def decode(path: Path, number: int, line: bytes) -> str:
    """A line as text; not UTF-8 is an InputError that names file and line."""
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path}: line {number} is not UTF-8 "
            f"(byte {error.start}: 0x{line[error.start]:02x}); convert the file to UTF-8"
        ) from error


def text_lines(path: Path) -> Iterator[tuple[int, str]]:
    """The lines of a UTF-8 text file with their numbers from 1."""
    for number, line in lines(path):
        yield number, decode(path, number, line)


def head_lines(path: Path) -> list[tuple[int, str]]:
    """The whole lines among the first 256 KB of a text file, with their numbers from 1."""
    with open_bytes(path) as handle:
        head = handle.read(_HEAD_BYTES)
    found = head.removeprefix(_BOM).split(b"\n")
    if len(head) == _HEAD_BYTES:
        found = found[:-1]
    return [(number, decode(path, number, line.rstrip(b"\r"))) for number, line in enumerate(found, 1)]


def first_character(path: Path) -> str:
    """The first character that is not white space; '' for an empty file."""
    with open_bytes(path) as handle:
        head = handle.read(_HEAD_BYTES).removeprefix(_BOM)
        while head and not head.strip():
            head = handle.read(_HEAD_BYTES)
    start = head.lstrip()
    for size in range(1, 4):
        with suppress(UnicodeDecodeError):
            return start[:size].decode()
    return decode(path, head[: len(head) - len(start)].count(b"\n") + 1, start[:4])
