"""The models of a build: how they are asked, and what this run asked of them.

In: requests of a stage.  Out: every answer in the ledger, as far as time and budget allow, and the bill.  The ledger
is opened, and a local model served, when a model is first needed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, cast

from nercot.building.options import BuildOptions
from nercot.corpus.recipe import LOCAL, Model, Recipe
from nercot.errors import EndpointError, RecipeError
from nercot.llm.asking import ROLES
from nercot.steps.stage import Asking

if TYPE_CHECKING:
    from nercot.llm.asking import AnswerStore, Asked, Progress
    from nercot.llm.ledger import Ledger
    from nercot.llm.messages import Request
    from nercot.llm.pacing import Pace

# Requests that a local model answers at a time: more share the same processors.
_LOCAL_SLOTS = 2


def check_models(recipe: Recipe, roles: Sequence[str] | None = None) -> None:
    """Finds out before anything is read whether the models can be asked at all (key, price).

    `roles`: the ones that matter (None: those that the recipe's steps ask).
    """
    named = recipe.models() if roles is None else [(role, getattr(recipe, role)) for role in roles]
    for place, model in named:
        if model.embedded or model.is_recorded:
            continue
        from nercot.llm.address import api_key

        for url in model.url:
            if url != LOCAL:
                api_key(model, url, place)
        if recipe.max_cost is not None and not model.price.known:
            raise RecipeError(
                f"--max-cost needs a price: set {place}.price.input and {place}.price.output (USD per million tokens)"
            )


def same_models(recipe: Recipe) -> list[str]:
    """Lines about a reader or judge that is a teacher's own model: it is asked about its own words."""
    teachers = {model.model: place for place, model in recipe.models() if place.startswith("teacher")}
    return [
        f"the {role} is {model.model}, as {teachers[model.model]} is: it checks its own words, and is seldom strict"
        for role, model in recipe.models()
        if role in ("reader", "judge") and model.model in teachers and not model.embedded
    ]


@dataclass(slots=True)
class Bill:
    """What this run asked of models.

    `stops`: why a model was asked no further, by its key in the recipe.  `unreached`: teachers of a cascade that
    could not be asked.
    """

    calls: Counter[str] = field(default_factory=lambda: Counter(dict.fromkeys(ROLES.values(), 0)))
    tokens: Counter[str] = field(default_factory=lambda: Counter(input=0, cached_input=0, output=0))
    cost: float = 0.0
    unpriced: int = 0
    stops: dict[str, str] = field(default_factory=dict)
    recorded: Counter[str] = field(default_factory=lambda: Counter(dict.fromkeys(ROLES.values(), 0)))
    missing: list[str] = field(default_factory=list)
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
        self.missing += [asked.missing] if asked.missing else []
        self.calls[role] += seen.calls
        self.tokens.update(input=seen.tokens_in, cached_input=seen.tokens_cached, output=seen.tokens_out)
        self.cost += seen.cost
        self.unpriced += seen.unpriced
        if asked.stopped:
            self.stops.setdefault(place, asked.stopped)

    def asks_no_more(self, place: str) -> bool:
        """Whether a model is not asked any further in this run."""
        return place in self.stops or place in self.unreached or self.stopped == "budget"

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
        self.missing += other.missing
        self.cost += other.cost
        self.unpriced += other.unpriced
        self.stops = {**other.stops, **self.stops}
        self.unreached = {**other.unreached, **self.unreached}


class Models:
    """The models of one run of a build."""

    def __init__(self, recipe: Recipe, options: BuildOptions, stack: ExitStack) -> None:
        self.bill = Bill()
        self._recipe, self._options, self._stack = recipe, options, stack
        self._ledger: AnswerStore | None = None
        self._servers: dict[str, str] = {}

    @property
    def ledger(self) -> AnswerStore:
        """The ledger of all corpora of the out folder."""
        if self._ledger is None:
            from nercot.llm.ledger import Ledger

            self._ledger = self._stack.enter_context(Ledger(self._options.ledger_path))
        return self._ledger

    def ask(self, asking: Asking, requests: Iterator[Request], progress: Callable[[Progress], None]) -> None:
        """Has every request answered in the ledger, as far as time and budget allow.

        Of a cascade a teacher that cannot be asked is noted, and the next one takes its place; EndpointError where
        there is none left.
        """
        place = asking.place or asking.role
        if self.bill.asks_no_more(place):
            return
        try:
            self.bill.add(asking.role, place, self._ask(asking, requests, progress))
        except EndpointError as error:
            self.bill.unreached[place] = error
            if asking.place is None or len(self.bill.unreached) == len(self._recipe.teachers):
                raise

    def _ask(self, asking: Asking, requests: Iterator[Request], progress: Callable[[Progress], None]) -> Asked:
        model = asking.model
        if model.is_recorded:
            from nercot.llm.recorded import ask_recorded

            return ask_recorded(requests, model, self.ledger, progress)
        from nercot.llm.batch import ask_batch
        from nercot.llm.endpoint import Patience, ask_all
        from nercot.llm.pacing import Budget

        budget = None if self._recipe.max_cost is None else Budget(self._recipe.max_cost)
        patience = Patience(max_seconds=self._recipe.retry_seconds)
        served = self._served(model) if model.file else model
        if self._options.batch and not model.file:
            ledger = cast("Ledger", self.ledger)
            return ask_batch(requests, served, ledger, budget=budget, patience=patience, progress=progress)
        hidden = asking.role == "teacher" and self._recipe.trace == "required"
        ask = partial(ask_all, wants_trace=hidden, pace=self.pace(asking))
        return ask(requests, served, self.ledger, budget=budget, patience=patience, progress=progress)

    def pace(self, asking: Asking) -> Pace | None:
        """How fast this process may ask a model, where others ask it too; None: as its entry in the recipe says."""
        return None

    def _served(self, model: Model) -> Model:
        """A local model behind an address of this machine, for as long as the build lasts."""
        from nercot.llm.local import serving

        assert model.file
        if model.file not in self._servers:
            self._servers[model.file] = self._stack.enter_context(serving(model.file, _LOCAL_SLOTS))
        return replace(model, url=(self._servers[model.file],), concurrency=_LOCAL_SLOTS)
