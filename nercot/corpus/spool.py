"""Numbers and hashes of a whole corpus, kept on disk so that memory does not grow with it.

In: 64-bit numbers in order, or hashes in any order.  Out: which numbers occur more than once and where, or the hash of
the sorted hashes.  Memory: 8 bytes a number while `repeated` looks at them, else that of a few thousand.  Files lie in
a folder of the caller's, who takes it away.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, TYPE_CHECKING

from nercot.corpus.tables import writing

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Numbers64 = NDArray[np.uint64]
    Places = NDArray[np.int64]

_CHUNK = 65_536
_HASH_BYTES = 32
# Hashes that wait in memory before they go to the files; 256 files, one for each first byte.
_WAITING_BYTES = 1 << 22


class Numbers:
    """A column of 64-bit numbers in a file at `path`, in the order in which they are added."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._size = 0
        with writing(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = path.open("w+b")

    def __len__(self) -> int:
        return self._size

    def add(self, numbers: Numbers64) -> None:
        """Adds some numbers."""
        with writing(self.path):
            self._file.write(numbers.astype("<u8", copy=False).tobytes())
        self._size += len(numbers)

    def close(self) -> None:
        """Takes the file away."""
        self._file.close()
        self.path.unlink(missing_ok=True)

    def repeated(self) -> Numbers64:
        """The numbers that occur more than once, ascending, each once.

        Sorted are the upper halves, which take half the memory; only numbers whose half repeats are looked at whole.
        """
        import numpy as np

        halves = np.empty(self._size, np.uint32)
        for start, chunk in self._chunks():
            halves[start : start + len(chunk)] = chunk >> np.uint64(32)
        halves.sort()
        twice = np.unique(halves[1:][halves[1:] == halves[:-1]])
        del halves
        suspected = [
            chunk[_among(twice, (chunk >> np.uint64(32)).astype(np.uint32))]
            for _, chunk in self._chunks()
            if len(twice)
        ]
        values, counts = np.unique(np.concatenate([np.empty(0, np.uint64), *suspected]), return_counts=True)
        return values[counts > 1]

    def holding(self, values: Numbers64) -> tuple[Places, Numbers64]:
        """The places of these values (which ascend), and the value at each, in order of place."""
        import numpy as np

        places, found = [np.empty(0, np.int64)], [np.empty(0, np.uint64)]
        for start, chunk in self._chunks() if len(values) else ():
            (where,) = np.nonzero(_among(values, chunk))
            places.append(where + start)
            found.append(chunk[where])
        return np.concatenate(places), np.concatenate(found)

    def _chunks(self) -> Iterator[tuple[int, Numbers64]]:
        import numpy as np

        self._file.flush()
        self._file.seek(0)
        for start in range(0, self._size, _CHUNK):
            yield start, np.frombuffer(self._file.read(8 * _CHUNK), "<u8")
        self._file.seek(0, 2)


def _among(ascending: NDArray[np.unsignedinteger], numbers: NDArray[np.unsignedinteger]) -> NDArray[np.bool_]:
    """For each number whether it is one of the ascending ones."""
    import numpy as np

    if not len(ascending):
        return np.zeros(len(numbers), bool)
    places = np.searchsorted(ascending, numbers)
    found: NDArray[np.bool_] = ascending[np.minimum(places, len(ascending) - 1)] == numbers
    return found


class Hashes:
    """32-byte hashes of rows in any order; `digest` is the hash of all of them, sorted."""

    def __init__(self) -> None:
        self._waiting: dict[int, bytearray] = {}
        self._bytes = 0
        self._files: dict[int, IO[bytes]] = {}

    def add(self, item: bytes) -> None:
        """Takes one hash."""
        self._waiting.setdefault(item[0], bytearray()).extend(item)
        self._bytes += _HASH_BYTES
        if self._bytes >= _WAITING_BYTES:
            self._spill()

    def _spill(self) -> None:
        with writing(Path("the folder for temporary files (TMPDIR)")):
            for first, some in self._waiting.items():
                if first not in self._files:
                    self._files[first] = TemporaryFile()  # noqa: SIM115
                self._files[first].write(some)
        self._waiting, self._bytes = {}, 0

    def digest(self) -> str:
        """The identity of what was added, in hex: the sha256 of the sorted hashes.  Asked once."""
        whole = hashlib.sha256()
        for first in range(256):
            some = bytes(self._waiting.get(first, b""))
            if first in self._files:
                with self._files.pop(first) as file:
                    file.seek(0)
                    some += file.read()
            for item in sorted(some[at : at + _HASH_BYTES] for at in range(0, len(some), _HASH_BYTES)):
                whole.update(item)
        return whole.hexdigest()


def fingerprint(rows: Iterable[bytes]) -> str:
    """The identity of a corpus, from the hashes of its rows (`row_hash`) in any order."""
    hashes = Hashes()
    for row in rows:
        hashes.add(row)
    return hashes.digest()
