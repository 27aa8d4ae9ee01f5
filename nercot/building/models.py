"""The models of a build: how they are asked, and what this run asked of them.

In: requests of a stage.  Out: every answer in the ledger, as far as time and budget allow, and the bill.  The ledger
is opened, and a local model served, when a model is first needed.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from nercot.building.options import BuildOptions
from nercot.corpus.recipe import LOCAL, Model, Recipe
from nercot.errors import EndpointError, RecipeError
from nercot.llm.asking import ROLES
from nercot.llm.recorded import ask_recorded, said_of_missing
from nercot.steps.stage import Asking

if TYPE_CHECKING:
    from nercot.llm.asking import AnswerStore, Asked, Progress
    from nercot.llm.endpoint import Patience
    from nercot.llm.feed import Feed
    from nercot.llm.ledger import Ledger
    from nercot.llm.messages import Request
    from nercot.llm.pacing import Budget, Pace, Purse


def check_models(recipe: Recipe, roles: Sequence[str] | None = None) -> None:
    """Finds out before anything is read whether the models can be asked at all (key, price).

    `roles`: the ones that matter (None: those that the recipe's steps ask).
    """
    named = recipe.models() if roles is None else [(role, getattr(recipe, role)) for role in roles]
    for place, model in named:
        if model.absent:
            raise RecipeError(_who(place))
        if model.is_recorded:
            continue
        from nercot.llm.address import api_key

        for url in model.url:
            if url != LOCAL:
                api_key(model, url, place)
        if recipe.max_cost is not None and not model.price.known:
            raise RecipeError(
                f"--max-cost needs a price: set {place}.price.input and {place}.price.output (USD per million tokens)"
            )


def _who(place: str) -> str:
    """The ways to a model, where nobody is named."""
    role = place.partition(".")[0]
    return (
        f"{role}: no model is named; give --{role}-url URL --{role}-model NAME (any OpenAI-compatible server), or"
        f" --{role}-url local --{role}-model FILE.gguf, or a recipe with recorded answers ({role}.url, recorded.{role})"
    )


def same_models(recipe: Recipe) -> list[str]:
    """Lines about a reader or judge that is a teacher's own model: it is asked about its own words."""
    teachers = {model.model: place for place, model in recipe.models() if place.startswith("teacher")}
    return [
        f"the {role} is {model.model}, as {teachers[model.model]} is: it checks its own words, and is seldom strict"
        for role, model in recipe.models()
        if role in ("reader", "judge") and model.model in teachers
    ]


@dataclass(slots=True)
class Bill:
    """What this run asked of models.

    `stops`: why a model was asked no further, by its key in the recipe.  `unreached`: teachers of a cascade that
    could not be asked.  `missing`: (its key, files) of a model -> requests that these recorded files do not answer.
    """

    calls: Counter[str] = field(default_factory=lambda: Counter(dict.fromkeys(ROLES.values(), 0)))
    tokens: Counter[str] = field(default_factory=lambda: Counter(input=0, cached_input=0, output=0))
    cost: float = 0.0
    unpriced: int = 0
    stops: dict[str, str] = field(default_factory=dict)
    recorded: Counter[str] = field(default_factory=lambda: Counter(dict.fromkeys(ROLES.values(), 0)))
    missing: Counter[tuple[str, str]] = field(default_factory=Counter)
    unreached: dict[str, EndpointError] = field(default_factory=dict)

    @property
    def stopped(self) -> str | None:
        """Why not everything was asked: first of all because the budget is used up."""
        reasons = list(self.stops.values())
        return "budget" if "budget" in reasons else next(iter(reasons), None)

    def add(self, role: str, place: str, asked: Asked) -> None:
        """Counts what one stage asked."""
        seen = asked.progress
        self.recorded[role] += seen.recorded
        if asked.missing:
            self.missing[place, asked.files] += asked.missing
        self.calls[role] += seen.calls
        self.tokens.update(input=seen.tokens_in, cached_input=seen.tokens_cached, output=seen.tokens_out)
        self.cost += seen.cost
        self.unpriced += seen.unpriced
        if asked.stopped:
            self.stops.setdefault(place, asked.stopped)

    def asks_no_more(self, place: str) -> bool:
        """Whether a model is not asked any further in this run."""
        return place in self.stops or place in self.unreached or self.stopped == "budget"

    def absent(self) -> list[str]:
        """A line about each model of which something is not recorded."""
        return [said_of_missing(place, files, count) for (place, files), count in self.missing.items()]

    def notes(self) -> list[str]:
        """What the user should know, a line each."""
        return [
            f"{place} could not be asked, and its records went to the other teachers ({error}); "
            "the same command asks it again"
            for place, error in self.unreached.items()
        ]

    def merge(self, other: Bill) -> None:
        """Counts what a worker asked."""
        self.calls.update(other.calls)
        self.tokens.update(other.tokens)
        self.recorded.update(other.recorded)
        self.missing.update(other.missing)
        self.cost += other.cost
        self.unpriced += other.unpriced
        self.stops = {**other.stops, **self.stops}
        self.unreached = {**other.unreached, **self.unreached}


@dataclass(frozen=True, slots=True)
class _Channel:
    """A model that is being asked, and what it is given to answer."""

    asking: Asking
    feed: Feed
    task: asyncio.Task[None]


class Models:
    """The models of one run of a build."""

    def __init__(self, recipe: Recipe, options: BuildOptions, stack: ExitStack) -> None:
        self.bill = Bill()
        self._recipe, self._options, self._stack = recipe, options, stack
        self._ledger: AnswerStore | None = None
        self._servers: dict[str, str] = {}
        self._channels: dict[str, _Channel] = {}
        self._purse: Purse | None = None

    @property
    def ledger(self) -> AnswerStore:
        """The ledger of all corpora of the out folder."""
        if self._ledger is None:
            from nercot.llm.ledger import Ledger

            self._ledger = self._stack.enter_context(Ledger(self.ledger_path))
        return self._ledger

    @property
    def ledger_path(self) -> Path:
        """Where the ledger lies."""
        return self._options.ledger_path

    @property
    def in_batches(self) -> bool:
        """Whether models are asked by batch jobs of their provider."""
        return self._options.batch

    def is_live(self, asking: Asking) -> bool:
        """Whether a server is asked, in the event loop of the build."""
        return not asking.model.is_recorded

    def ask_now(self, asking: Asking, requests: Iterator[Request], progress: Callable[[Progress], None]) -> None:
        """Has every request answered in the ledger before it returns: recorded answers, and batch jobs."""
        place = asking.place or asking.role
        if self.bill.asks_no_more(place):
            return
        with self._others_go_on(asking):
            if asking.model.is_recorded:
                self.bill.add(asking.role, place, ask_recorded(requests, asking.model, self.ledger, progress))
                return
            from nercot.llm.batch import ask_batch
            from nercot.llm.endpoint import ask_all

            ask = ask_all if asking.model.file else ask_batch
            served, ledger = self._served(asking.model), cast("Ledger", self.ledger)
            budget, patience = self._budget(), self._patience()
            asked = ask(requests, served, ledger, budget=budget, patience=patience, progress=progress)
            self.bill.add(asking.role, place, asked)

    async def ask(self, asking: Asking, requests: Iterator[Request], progress: Callable[[Progress], None]) -> int:
        """Has requests answered while others of the same and of other models are; returns how many there were.

        When it returns, each has its answer in the ledger, or will have none in this run.
        """
        place = asking.place or asking.role
        first = next(requests, None)
        if first is None or self.bill.asks_no_more(place):
            return 0
        channel = self._channels.get(place)
        if channel is None:
            channel = self._channels[place] = self._open(asking, progress)
        portion = channel.feed.put(chain((first,), requests))
        over = asyncio.create_task(portion.over())
        await asyncio.wait((over, channel.task), return_when=asyncio.FIRST_COMPLETED)
        if channel.task.done():
            over.cancel()
            with self._others_go_on(asking):
                channel.task.result()
        return portion.asked

    def _open(self, asking: Asking, progress: Callable[[Progress], None]) -> _Channel:
        """Begins to ask a model, as fast as its own limits and the common purse allow."""
        from nercot.llm.endpoint import ask_feed
        from nercot.llm.feed import Feed

        feed, served = Feed(), self._served(asking.model)
        pace = self.pace(asking)
        hidden = asking.role == "teacher" and self._recipe.trace == "required"
        asked = ask_feed(asking.role, feed, served, self.ledger, pace, self._patience(), progress, wants_trace=hidden)
        return _Channel(asking, feed, asyncio.create_task(self._billed(asking, asked)))

    async def _billed(self, asking: Asking, asking_all: Coroutine[Any, Any, Asked]) -> None:
        self.bill.add(asking.role, asking.place or asking.role, await asking_all)

    async def close(self) -> None:
        """Nothing more is asked: waits for what is on its way.  Raises what a model that others waited for met."""
        channels, self._channels = list(self._channels.values()), {}
        for channel in channels:
            channel.feed.close()
        for channel in channels:
            with self._others_go_on(channel.asking):
                await channel.task

    async def cancel(self) -> None:
        """Ends all asking: waits a little for answers that are paid for."""
        channels, self._channels = list(self._channels.values()), {}
        for channel in channels:
            channel.task.cancel()
        await asyncio.gather(*(channel.task for channel in channels), return_exceptions=True)

    @contextmanager
    def _others_go_on(self, asking: Asking) -> Iterator[None]:
        """Of a cascade a teacher that cannot be asked is noted, unless there is none left to take its place."""
        try:
            yield
        except EndpointError as error:
            self.bill.unreached[asking.place or asking.role] = error
            if asking.place is None or len(self.bill.unreached) == len(self._recipe.teachers):
                raise

    def pace(self, asking: Asking) -> Pace:
        """How fast a model may be asked: its own limits, and one purse for all."""
        from nercot.llm.pacing import Pace, Purse

        if self._purse is None:
            budget = self._budget()
            self._purse = Purse(budget, self.ledger.spent(self._recipe.name) if budget is not None else 0.0)
        model = self._served(asking.model)
        pace = Pace(model.concurrency, model.rpm, model.tpm, self._purse)
        # What others give back to a common purse is seen by looking again.
        pace.shared = self._recipe.max_cost is not None
        return pace

    def _budget(self) -> Budget | None:
        from nercot.llm.pacing import Budget

        return None if self._recipe.max_cost is None else Budget(self._recipe.max_cost)

    def _patience(self) -> Patience:
        from nercot.llm.endpoint import Patience

        return Patience(max_seconds=self._recipe.retry_seconds)

    def _served(self, model: Model) -> Model:
        """A local model behind an address of this machine, for as long as the build lasts."""
        if not model.file:
            return model
        from nercot.llm.local import LOCAL_SLOTS, serving

        if model.file not in self._servers:
            self._servers[model.file] = self._stack.enter_context(serving(model.file, LOCAL_SLOTS))
        return replace(model, url=(self._servers[model.file],), concurrency=LOCAL_SLOTS)
