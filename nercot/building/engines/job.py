"""One partition in one worker: what it is given, and what it gives back.

In: a Job, which can travel to another machine; a partition and the key of its source rows; a proxy of the owner of
answers and limits.  Out: the partition's files, in the work folder or its storage, and a Ran.  Reads no key but those
in this machine's environment, and holds none.
"""

from __future__ import annotations

import time
from collections.abc import Coroutine, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nercot.building.lists import stages_of
from nercot.building.models import Bill, Models
from nercot.building.options import BuildOptions
from nercot.building.progress import Position
from nercot.building.runner import Runner, Went
from nercot.corpus.recipe import Recipe
from nercot.corpus.work import Work, quiet
from nercot.errors import RecipeError
from nercot.llm.address import provider_of
from nercot.llm.leases import Limits
from nercot.llm.owner import Owner, RemoteLedger
from nercot.llm.pool import Pool
from nercot.steps.stage import Asking

if TYPE_CHECKING:
    from nercot.building.engines.mirror import Mirror
    from nercot.llm.asking import Asked

_TELL_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Job:
    """What every worker of a build is given.

    `root`: the corpus' work folder as this machine sees it; `mirror`: where it lies if that is a storage (then each
    machine works in a copy of its own).
    """

    recipe: Recipe
    prompts: Mapping[str, str]
    root: Path
    mirror: Mirror | None = None


@dataclass(frozen=True, slots=True)
class Ran:
    """What came of a partition; `position`: how far each step of it was in the end."""

    went: Went
    bill: Bill = field(default_factory=Bill)
    position: Position = field(default_factory=Position)


def check_shareable(recipe: Recipe, batch: bool) -> None:
    """Raises RecipeError for what several workers cannot do."""
    if batch:
        raise RecipeError("--batch hands everything to the provider at once: leave out --workers and --engine")
    for role, model in (
        *(("teacher", each) for each in recipe.teachers),
        ("reader", recipe.reader),
        ("judge", recipe.judge),
    ):
        if model.file:
            raise RecipeError(
                f"{role}: a local model runs in one process; serve it at a URL, or leave out --workers and --engine"
            )


def run_part(job: Job, part: str, key: str, models: SharedModels) -> Ran:
    """Runs all rounds of one partition."""
    work = Work(job.root)
    if job.mirror is not None:
        job.mirror.pull_part(work, part)
    models.bill = Bill(stops=dict(models.bill.stops), unreached=dict(models.bill.unreached))
    models.position = Position()
    stages = stages_of(job.recipe, job.prompts)
    runner = Runner(stages, work, models, quiet, models.tell, position=models.position)
    went = runner.rounds({part: key})[part]
    if job.mirror is not None:
        job.mirror.push_part(work, part)
    return Ran(went, models.bill, models.position)


class SharedModels(Models):
    """Models that other workers ask too: the ledger is the owner's, and so are the limits.

    `passing`: what the proxy of the owner raises where it cannot be reached.
    """

    def __init__(
        self, recipe: Recipe, owner: Owner, worker: str, passing: tuple[type[BaseException], ...], stack: ExitStack
    ) -> None:
        super().__init__(recipe, BuildOptions(), stack)
        self._owner, self._worker, self._passing, self._told = owner, worker, passing, 0.0
        self._ledger = stack.enter_context(closing(RemoteLedger(owner, passing)))
        self._pools: dict[str, Pool] = {}
        self.position = Position()

    async def _billed(self, asking: Asking, asking_all: Coroutine[Any, Any, Asked]) -> None:
        """Holds a share only while the model is asked."""
        with self.pace(asking).asking():
            await super()._billed(asking, asking_all)

    def pace(self, asking: Asking) -> Pool:
        """This worker's share of what the model allows."""
        model = asking.model
        name = f"{asking.place or asking.role} {provider_of(model)} {model.model}"
        if name not in self._pools:
            self._owner.join(name, Limits(model.concurrency, model.rpm, model.tpm))
            pool = Pool(self._owner, self._worker, name, self._passing)
            self._pools[name] = self._stack.enter_context(closing(pool))
        return self._pools[name]

    def tell(self, position: Position) -> None:
        """Tells the owner how far this worker is, but not all the time."""
        if time.monotonic() - self._told > _TELL_SECONDS:
            self._told = time.monotonic()
            self._owner.tell(self._worker, position)
