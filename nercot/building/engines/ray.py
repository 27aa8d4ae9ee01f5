"""Workers as tasks on a Ray cluster: `--engine ray [--address ...]`.

In: a Desk in this process.  Out: all partitions run.  One actor on this machine owns the ledger and the limits; it is
synchronous, so that writes of one worker keep their order.  A partition is one task; Ray starts it again where a worker
or a machine dies, and what it had asked is in the ledger.  The keys of models are read where the tasks run, and sent
nowhere.
"""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from nercot.building.engines.desk import DEATHS, Desk, Task
from nercot.building.engines.job import Job, Ran, SharedModels, run_part
from nercot.building.progress import Position
from nercot.errors import EndpointError, InputError, NercotError, ShortfallError
from nercot.llm.owner import Owner

if TYPE_CHECKING:
    from ray.actor import ActorHandle

_LOOK_SECONDS = 0.2
_LISTENING_SECONDS = 5.0


class Cluster:
    """A Ray cluster, for as long as a build lasts."""

    def __init__(self, address: str | None, ledger: Path, corpus: str, usd: float | None) -> None:
        self._ray = _ray()
        _look_for(address)
        try:
            self._ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR, configure_logging=False)
        except (ConnectionError, ValueError, RuntimeError) as error:
            raise EndpointError(
                f"--address {address or 'auto'}: no Ray cluster there ({error}); see `ray status`"
            ) from error
        here = self._ray.get_runtime_context().get_node_id()
        at = self._ray.util.scheduling_strategies.NodeAffinitySchedulingStrategy(here, soft=False)
        made = self._ray.remote(Owner).options(num_cpus=0, max_concurrency=1, scheduling_strategy=at)
        self._owner: ActorHandle[Owner] = made.remote(ledger.absolute(), corpus, usd)

    def __enter__(self) -> Cluster:
        return self

    def __exit__(self, *error: object) -> None:
        with suppress(self._ray.exceptions.RayError):
            # Asked to close: ray.kill would skip what is not yet committed.
            self._ray.get(self._owner.close.remote(), timeout=30)
        self._ray.shutdown()

    def told(self) -> Mapping[str, Position]:
        """How far every worker is."""
        return cast(Mapping[str, Position], self._ray.get(self._owner.told.remote()))

    def run(self, desk: Desk, workers: int | None, look: Callable[[], None]) -> None:
        """Runs the desk's partitions, so many at a time (None: as many as the cluster has processors)."""
        ray = self._ray
        job = ray.put(desk.job())
        remote = ray.remote(_run).options(max_retries=DEATHS - 1, num_cpus=1)
        most = workers or max(1, int(ray.cluster_resources().get("CPU", 1)))
        running: dict[Any, str] = {}
        try:
            while not desk.finished:
                while len(running) < most and (task := desk.take(name := _free(running, most))) is not None:
                    running[remote.remote(job, task, self._owner, name)] = name
                ready, _ = ray.wait(list(running), timeout=_LOOK_SECONDS)
                for reference in ready:
                    self._settle(desk, running.pop(reference), reference)
                look()
        finally:
            for reference in running:
                ray.cancel(reference)
        if desk.error is not None:
            raise desk.error

    def _settle(self, desk: Desk, name: str, reference: Any) -> None:
        errors = self._ray.exceptions
        try:
            desk.done(name, cast(Ran, self._ray.get(reference)))
        except errors.RayTaskError as error:
            cause = error.cause if isinstance(error.cause, NercotError) else None
            if cause is None:
                raise
            desk.fail(name, cause)
        except (errors.WorkerCrashedError, errors.OutOfMemoryError, errors.NodeDiedError) as error:
            what = str(error).splitlines()[0]
            desk.fail(name, ShortfallError(f"{DEATHS} workers died on a partition ({what}); the same command goes on"))


def _ray() -> Any:
    try:
        import ray
        import ray.util.scheduling_strategies
    except ImportError as error:
        raise InputError("--engine ray needs one more package: pip install 'nercot[ray]'") from error
    return ray


def _look_for(address: str | None) -> None:
    """Raises EndpointError where nobody listens at HOST:PORT: Ray itself tries on for a quarter of an hour."""
    host, colon, port = (address or "").rpartition(":")
    if address is None or "/" in address or not colon or not port.isdecimal():
        return
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=_LISTENING_SECONDS).close()
    except (OSError, OverflowError) as error:
        raise EndpointError(f"--address {address}: no Ray cluster there ({error}); see `ray status`") from error


def _free(running: Mapping[Any, str], most: int) -> str:
    taken = set(running.values())
    return next(name for number in range(1, most + 1) if (name := f"worker {number}") not in taken)


def _run(job: Job, task: Task, owner: ActorHandle[Owner], name: str) -> Ran:
    """The task: one partition."""
    ray = _ray()
    errors = ray.exceptions
    gone = (errors.RayActorError, errors.ActorUnavailableError, errors.ActorUnschedulableError)
    behind = cast(Owner, _Behind(owner))
    with ExitStack() as stack:
        ran = run_part(job, task.part, task.key, SharedModels(job.recipe, behind, name, gone, stack))
    behind.tell(name, None)
    return ran


class _Behind:
    """An actor's methods as plain calls."""

    def __init__(self, actor: ActorHandle[Owner]) -> None:
        self._actor = actor

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = getattr(self._actor, name)
        return lambda *arguments: _ray().get(method.remote(*arguments))
