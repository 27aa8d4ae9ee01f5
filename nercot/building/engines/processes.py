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
from contextlib import suppress
from multiprocessing.managers import BaseManager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

from nercot.building.engines.desk import Desk
from nercot.building.engines.job import run_part
from nercot.errors import NercotError
from nercot.llm.owner import Owner

# What a proxy raises when the process behind it is gone.
GONE = (ConnectionError, EOFError, OSError)
_LOOK_SECONDS = 0.2
_DRAIN_SECONDS = 15.0


class _Line(BaseManager):
    """The line between this process and its workers."""


_Line.register("owner", exposed=("final", "replies", "empties", "spent", "append", "join", "renew", "leave", "tell"))
_Line.register("desk", exposed=("job", "take", "done", "fail"))


def run_processes(workers: int, desk: Desk, owner: Owner, look: Callable[[], None]) -> None:
    """Runs the desk's partitions in so many processes; `look` is called several times a second."""
    with TemporaryDirectory(prefix="nercot-") as folder:
        address, key = str(Path(folder) / "line"), secrets.token_bytes(32)
        server = _served(address, key, desk, owner)
        running: dict[str, subprocess.Popen[bytes]] = {}
        number = 0
        try:
            while not desk.finished:
                for name, process in list(running.items()):
                    if process.poll() is not None:
                        del running[name]
                        desk.died(name)
                        owner.tell(name, None)
                while len(running) < workers and desk.has_waiting:
                    number += 1
                    running[f"worker {number}"] = _started(f"worker {number}", address, key)
                look()
                time.sleep(_LOOK_SECONDS)
        finally:
            _end(list(running.values()), desk)
            server.stop_event.set()
    if desk.error is not None:
        raise desk.error


def _served(address: str, key: bytes, desk: Desk, owner: Owner) -> Any:
    """The server of the line, in a thread of this process."""

    class Here(BaseManager):
        """The same line, with what is at its end."""

    Here.register("owner", callable=lambda: owner, exposed=_exposed("owner"))
    Here.register("desk", callable=lambda: desk, exposed=_exposed("desk"))
    server = Here(address=address, authkey=key).get_server()
    server.stop_event = threading.Event()  # type: ignore[attr-defined]
    threading.Thread(target=_serve, args=(server,), name="nercot-line", daemon=True).start()
    return server


def _exposed(name: str) -> tuple[str, ...]:
    names: tuple[str, ...] = cast(Any, _Line)._registry[name][1]
    return names


def _serve(server: Any) -> None:
    """Accepts workers until the line is closed (Server.serve_forever would end the process)."""
    accepting = threading.Thread(target=server.accepter, daemon=True)
    accepting.start()
    server.stop_event.wait()
    server.listener.close()


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
        if process.stdin:
            with suppress(BrokenPipeError):
                process.stdin.close()


def _work(name: str, address: str) -> None:
    """A worker: takes partitions until there are none."""
    line = _Line(address=address, authkey=sys.stdin.buffer.read(32))
    threading.Thread(target=_end_with_parent, daemon=True).start()
    line.connect()
    desk, owner = line.desk(), line.owner()  # type: ignore[attr-defined]
    job = desk.job()
    while (task := desk.take(name)) is not None:
        try:
            ran = run_part(job, task.part, task.key, owner, name, GONE)
        except NercotError as error:
            desk.fail(name, error)
            return
        owner.tell(name, None)
        desk.done(name, ran)


def _end_with_parent() -> None:
    """The pipe from the parent ends when it does; nobody is left to hand anything to."""
    sys.stdin.buffer.read(1)
    os._exit(1)


if __name__ == "__main__":
    try:
        _work(*sys.argv[1:])
    except (KeyboardInterrupt, *GONE):
        sys.exit(1)
