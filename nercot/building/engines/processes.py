"""Workers as processes of this machine: `--workers N`.

In: a Desk and an Owner in this process.  Out: all partitions run.  Workers are processes of their own (not forks),
which talk to this one over a socket that only this user can open, with a key of this run's.  A worker that dies is
replaced, its partition run again; when this process dies, its workers notice and end.
"""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import cast

from nercot.building.engines.desk import Desk
from nercot.building.engines.job import SharedModels, run_part
from nercot.building.engines.line import GONE, Line, Proxy
from nercot.corpus.tables import own_process
from nercot.errors import NercotError
from nercot.llm.owner import Owner

_OWNER = ("final", "replies", "empties", "spent", "append", "join", "renew", "leave", "tell")
_DESK = ("job", "take", "done", "fail")
_LOOK_SECONDS = 0.2
_DRAIN_SECONDS = 15.0


def run_processes(workers: int, desk: Desk, owner: Owner, look: Callable[[], None]) -> None:
    """Runs the desk's partitions in so many processes, never more than there are; `look` is called again and again."""
    workers = min(workers, desk.wanted)
    with TemporaryDirectory(prefix="nercot-") as folder:
        address, key = str(Path(folder) / "line"), secrets.token_bytes(32)
        line = Line(address, key, {"owner": (owner, _OWNER), "desk": (desk, _DESK)})
        running: dict[str, subprocess.Popen[bytes]] = {}
        number = 0
        try:
            while not desk.finished:
                for name, process in list(running.items()):
                    if process.poll() is not None:
                        _close(running.pop(name))
                        desk.died(name)
                        owner.tell(name, None)
                while len(running) < workers and desk.has_waiting:
                    number += 1
                    running[f"worker {number}"] = _started(f"worker {number}", address, key)
                look()
                time.sleep(_LOOK_SECONDS)
        finally:
            _end(list(running.values()), desk)
            line.close()
    if desk.error is not None:
        raise desk.error


def _started(name: str, address: str, key: bytes) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "nercot.building.engines.processes", name, address]
    process = subprocess.Popen(command, stdin=subprocess.PIPE)
    assert process.stdin
    with suppress(BrokenPipeError):
        process.stdin.write(key)
        process.stdin.flush()
    # The pipe stays open: a worker that reads its end knows that this process is gone.
    return process


def _end(processes: list[subprocess.Popen[bytes]], desk: Desk) -> None:
    """Lets workers that are through end by themselves, and others finish what is paid for."""
    if not desk.finished:
        for process in processes:
            with suppress(ProcessLookupError):
                process.send_signal(signal.SIGINT)
    end = time.monotonic() + _DRAIN_SECONDS
    for process in processes:
        with suppress(subprocess.TimeoutExpired):
            process.wait(max(0.1, end - time.monotonic()))
        process.kill()
        process.wait()
        _close(process)


def _close(process: subprocess.Popen[bytes]) -> None:
    if process.stdin:
        with suppress(BrokenPipeError):
            process.stdin.close()


def _work(name: str, address: str) -> None:
    """A worker: takes partitions until there are none."""
    own_process()
    key = os.read(0, 32)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    desk, owner = cast(Desk, Proxy("desk", address, key)), cast(Owner, Proxy("owner", address, key))
    job = desk.job()
    try:
        with ExitStack() as stack:
            models = SharedModels(job.recipe, owner, name, GONE, stack)
            while (task := desk.take(name)) is not None:
                ran = run_part(job, task.part, task.key, models)
                owner.tell(name, None)
                desk.done(name, ran)
    except NercotError as error:
        desk.fail(name, error)


def _end_with_parent() -> None:
    """The pipe from the parent ends when it does; nobody is left to hand anything to."""
    os.read(0, 1)
    os._exit(1)


if __name__ == "__main__":
    try:
        _work(*sys.argv[1:])
    except (KeyboardInterrupt, *GONE):
        sys.exit(1)
