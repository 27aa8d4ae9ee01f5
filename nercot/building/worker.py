"""A process that runs stages beside the event loop: validation and table writing never keep a model waiting.

In: through its standard input, a setup (recipe, prompts, work folder, ledger) and then jobs, one at a time.  Out:
through its standard output, for each what `run_stage` gives, or the error.  It asks nobody, and only reads the ledger.
It ends with its parent: at the end of its input, and on Linux also where the parent is killed.

A process of its own, not a fork: forks of a process with threads can hang, and a fresh one needs no guard in the
user's main module.
"""

from __future__ import annotations

import asyncio
import os
import pickle
import signal
import struct
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from nercot.building.lists import stages_of
from nercot.building.runner import Job, run_stage
from nercot.corpus.recipe import Recipe
from nercot.corpus.tables import own_process
from nercot.corpus.work import Done, Work
from nercot.errors import NercotError

_LENGTH = struct.Struct("!Q")
_KILL_WITH_PARENT = 1  # PR_SET_PDEATHSIG


@dataclass(frozen=True, slots=True)
class Setup:
    """What a worker has to know of a build; its list of stages is made from that."""

    recipe: Recipe
    prompts: Mapping[str, str]
    root: Path
    ledger: Path


@dataclass(frozen=True, slots=True)
class _Order:
    """A job as it travels: its stage by round and name."""

    attempt: int
    step: str
    part: str
    key: str
    without: frozenset[str]


class Worker:
    """The process, seen from the event loop; it is started with the first job, which it takes one at a time."""

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._process: asyncio.subprocess.Process | None = None
        self._turn = asyncio.Lock()

    async def run(self, job: Job) -> Done:
        """What `run_stage` gives.  Raises what it raises."""
        stage = job.stage
        order = _Order(stage.turn.attempt, stage.name, job.part, job.key, job.without)
        async with self._turn:
            process = self._process or await self._start()
            found = await _exchange(process, order)
        if isinstance(found, Done):
            return found
        raise found

    async def _start(self) -> asyncio.subprocess.Process:
        pipe = asyncio.subprocess.PIPE
        command = (sys.executable, "-c", "from nercot.building.worker import main; main()")
        paths = os.pathsep.join(filter(None, sys.path))
        environment = {**os.environ, "PYTHONPATH": paths}
        process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe, env=environment)
        self._process = process
        await _send(process, self._setup)
        return process

    async def close(self) -> None:
        """Lets the process end; one that is at work is ended."""
        process, self._process = self._process, None
        if process is None:
            return
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def _exchange(process: asyncio.subprocess.Process, order: _Order) -> Any:
    assert process.stdout is not None
    try:
        await _send(process, order)
        length = _LENGTH.unpack(await process.stdout.readexactly(_LENGTH.size))[0]
        return pickle.loads(await process.stdout.readexactly(length))
    except (OSError, EOFError) as error:
        raise NercotError(
            f"the process that runs {order.step} for partition {order.part} ended ({error}); memory may be short: "
            "the same command goes on where this one ended"
        ) from error


async def _send(process: asyncio.subprocess.Process, value: object) -> None:
    assert process.stdin is not None
    packed = pickle.dumps(value)
    process.stdin.write(_LENGTH.pack(len(packed)) + packed)
    await process.stdin.drain()


# --- in the process -------------------------------------------------------------------------------


def main() -> None:
    """Runs jobs until the input ends."""
    _end_with_parent()
    own_process()
    source, sink = sys.stdin.buffer, sys.stdout.buffer
    # What anything prints must not stand between the answers.
    sys.stdout = sys.stderr
    setup: Setup = _receive(source)
    stages = {
        (stage.turn.attempt, stage.name): stage for stage in stages_of(setup.recipe, setup.prompts).record_stages()
    }
    from nercot.llm.ledger import Ledger

    with Ledger(setup.ledger) as answers:
        while (order := _receive(source)) is not None:
            job = Job(stages[order.attempt, order.step], order.part, order.key, order.without)
            try:
                found: Done | NercotError = run_stage(Work(setup.root), job, answers)
            except NercotError as error:
                found = error
            packed = pickle.dumps(found)
            sink.write(_LENGTH.pack(len(packed)) + packed)
            sink.flush()


def _end_with_parent() -> None:
    """Ctrl-C is the parent's to answer; where the parent dies, nothing more is written."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(_KILL_WITH_PARENT, signal.SIGKILL)


def _receive(source: IO[bytes]) -> Any:
    """The next value, None at the end of the input."""
    head = source.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    return pickle.loads(source.read(_LENGTH.unpack(head)[0]))
