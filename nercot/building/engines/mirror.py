"""A work folder that lies in object storage: each machine works in a copy of its own, and puts back what it made.

In: a storage, a work folder on this machine's disk.  Out: the same files on both sides.  What lies in the storage is
told by indexes (a small JSON object a unit, written after its files, with the sha256 of each), never by listings, and
nothing is renamed: a reader that finds other bytes than the index says is told to try again.  Units are the
source, each partition, the selection and the candidate.
"""

from __future__ import annotations

import json
import os
import secrets
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread

from nercot.corpus.storage import Storage, file_hash
from nercot.corpus.work import Work
from nercot.errors import BusyError

# A build's claim is renewed so often, and given up for dead after so long without, in seconds.
CLAIM_SECONDS, DEAD_SECONDS = 15.0, 60.0
_WHOLE = ("1-source", "6-selected")


@dataclass(frozen=True, slots=True)
class Mirror:
    """The work folder at `url`, and its copies; frozen, so that it can travel to a worker."""

    url: str

    # --- units ------------------------------------------------------------------------------------------

    def pull(self, work: Work, parts: Sequence[str] | None = None) -> None:
        """Brings everything that the storage has of this corpus: what an earlier run, or another machine, made."""
        for unit in ("source", "selected", "candidate"):
            self._pull(work, unit)
        for part in parts if parts is not None else _parts_here(work):
            self._pull(work, f"part-{part}")

    def pull_part(self, work: Work, part: str) -> None:
        """Brings what a worker needs of one partition: its source rows, and what was made of them before."""
        self._pull(work, "source", lambda name: name == f"1-source/{part}.parquet")
        self._pull(work, f"part-{part}")

    def push_part(self, work: Work, part: str) -> None:
        """Puts back what a worker made of one partition."""
        self._push(work, f"part-{part}", sorted(_files_of(work, part)))

    def push_source(self, work: Work) -> None:
        """Puts the source stage's files there."""
        files = [path for path in (work.root / "1-source").glob("*") if path.is_file()]
        self._push(work, "source", sorted([*files, *(work.root / "dropped").glob("source-*.parquet")]))

    def push_all(self, work: Work) -> None:
        """Puts everything there that a run made."""
        self.push_source(work)
        for part in _parts_here(work):
            self.push_part(work, part)
        self.push_result(work)

    def push_result(self, work: Work) -> None:
        """Puts the selection and the candidate there, the candidate's manifest last."""
        selected = [path for path in (work.root / "6-selected").glob("*") if path.is_file()]
        self._push(work, "selected", sorted([*selected, *(work.root / "dropped").glob("select-*.parquet")]))
        made = sorted(path for path in (work.root / "candidate").rglob("*") if path.is_file())
        self._push(work, "candidate", sorted(made, key=lambda path: (path.name == "manifest.json", path)))

    # --- files ------------------------------------------------------------------------------------------

    def _pull(self, work: Work, unit: str, wanted: object = None) -> None:
        storage = Storage(self.url)
        index = _read_index(storage.read(_index_name(unit)))
        for name, sha256 in index.items():
            path = work.root / name
            if callable(wanted) and not wanted(name):
                continue
            if not path.is_file() or file_hash(path) != sha256:
                storage.download(name, path, sha256)

    def _push(self, work: Work, unit: str, files: Sequence[Path]) -> None:
        storage = Storage(self.url)
        before = _read_index(storage.read(_index_name(unit)))
        index = {}
        for path in files:
            name = path.relative_to(work.root).as_posix()
            index[name] = file_hash(path)
            if before.get(name) != index[name]:
                storage.upload(path, name)
        if index != before:
            storage.write(_index_name(unit), json.dumps(index, indent=1, sort_keys=True).encode())
        for name in before.keys() - index.keys():
            storage.remove(name)

    # --- one build at a time ------------------------------------------------------------------------------

    @contextmanager
    def claimed(self) -> Iterator[None]:
        """Holds the corpus for one build, on whatever machine; a dead build's claim gives way after a minute.

        Claims are numbered and created only where none is, so of two builds that try at once one is refused.
        """
        storage, mine = Storage(self.url), secrets.token_hex(8)
        number = _next_claim(storage)
        if not storage.create(f".claims/{number}", f"{time.time()} {mine}".encode()):
            raise _taken(self.url)
        closing = Event()
        beat = Thread(target=_beat, args=(storage, number, closing), daemon=True)
        beat.start()
        try:
            yield
        finally:
            closing.set()
            beat.join()
            storage.write(f".claims/{number}.ended", b"ended")


def _next_claim(storage: Storage) -> int:
    """The number after the last claim, whose build has ended or is dead."""
    number = 1
    while storage.read(f".claims/{number}") is not None:
        number += 1
    last = number - 1
    if last and storage.read(f".claims/{last}.ended") is None:
        beat = storage.read(f".claims/{last}.beat") or storage.read(f".claims/{last}") or b"0"
        if time.time() - float(beat.split()[0]) < DEAD_SECONDS:
            raise _taken(storage.url)
    return number


def _taken(url: str) -> BusyError:
    return BusyError(
        f"{url}: another build of this corpus is running, or was killed within the last minute; wait for it, or give"
        " another --out"
    )


def _beat(storage: Storage, number: int, closing: Event) -> None:
    while True:
        storage.write(f".claims/{number}.beat", str(time.time()).encode())
        if closing.wait(CLAIM_SECONDS):
            return


def _index_name(unit: str) -> str:
    return f".index/{unit}.json"


def _read_index(data: bytes | None) -> dict[str, str]:
    if data is None:
        return {}
    index: dict[str, str] = json.loads(data)
    return {name: sha256 for name, sha256 in index.items() if _is_inside(name)}


def _is_inside(name: str) -> bool:
    """Whether a name stays in the work folder."""
    return not os.path.isabs(name) and ".." not in Path(name).parts


def _parts_here(work: Work) -> list[str]:
    try:
        state = json.loads((work.root / "1-source" / "source.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    return sorted(state["partitions"])


def _files_of(work: Work, part: str) -> Iterator[Path]:
    """The files that the rounds of a partition made."""
    for folder in sorted(path for path in work.root.iterdir() if path.is_dir() and path.name[:2].rstrip("-").isdigit()):
        if folder.name not in _WHOLE:
            yield from folder.glob(f"{part}-*.parquet")
    for path in (work.root / "dropped").glob(f"*-{part}-*.parquet"):
        if not path.name.startswith(("source-", "select-")):
            yield path
