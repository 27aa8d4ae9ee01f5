"""The models of a build: how they are asked, and what this run asked of them.

In: requests of a stage.  Out: every answer in the ledger, as far as time and budget allow, and the bill.  The ledger
is opened, and a local model served, when a model is first needed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from nercot.building.options import BuildOptions
from nercot.corpus.recipe import LOCAL, Model, Recipe
from nercot.errors import RecipeError

if TYPE_CHECKING:
    from nercot.llm.asking import Asked, Progress
    from nercot.llm.ledger import Ledger
    from nercot.llm.messages import Request

# Requests that a local model answers at a time: more share the same processors.
_LOCAL_SLOTS = 2


def check_models(recipe: Recipe, roles: Sequence[str] = ("teacher", "judge")) -> None:
    """Finds out before anything is read whether the models can be asked at all (key, price)."""
    for role in roles:
        model: Model = getattr(recipe, role)
        if model.embedded or model.is_recorded:
            continue
        from nercot.llm.address import api_key

        for url in model.url:
            if url != LOCAL:
                api_key(model, url, role)
        if recipe.max_cost is not None and not model.price.known:
            raise RecipeError(
                f"--max-cost needs a price: set {role}.price.input and {role}.price.output (USD per million tokens)"
            )


@dataclass(slots=True)
class Bill:
    """What this run asked of models."""

    calls: Counter[str] = field(default_factory=lambda: Counter(teacher=0, judge=0))
    tokens: Counter[str] = field(default_factory=lambda: Counter(input=0, cached_input=0, output=0))
    cost: float = 0.0
    unpriced: int = 0
    stopped: str | None = None
    recorded: Counter[str] = field(default_factory=lambda: Counter(teacher=0, judge=0))
    missing: list[str] = field(default_factory=list)

    def add(self, who: str, asked: Asked) -> None:
        """Counts what one stage asked."""
        seen = asked.progress
        self.recorded[who] += seen.recorded
        self.missing += [asked.missing] if asked.missing else []
        self.calls[who] += seen.calls
        self.tokens.update(input=seen.tokens_in, cached_input=seen.tokens_cached, output=seen.tokens_out)
        self.cost += seen.cost
        self.unpriced += seen.unpriced
        self.stopped = self.stopped or asked.stopped


class Models:
    """The models of one run of a build."""

    def __init__(self, recipe: Recipe, options: BuildOptions, stack: ExitStack) -> None:
        self.bill = Bill()
        self._recipe, self._options, self._stack = recipe, options, stack
        self._ledger: Ledger | None = None
        self._servers: dict[str, str] = {}

    @property
    def ledger(self) -> Ledger:
        """The ledger of all corpora of the out folder."""
        if self._ledger is None:
            from nercot.llm.ledger import Ledger

            self._ledger = self._stack.enter_context(Ledger(self._options.out / "ledger.sqlite"))
        return self._ledger

    def ask(self, who: str, model: Model, requests: Iterator[Request], progress: Callable[[Progress], None]) -> None:
        """Has every request answered in the ledger, as far as time and budget allow."""
        if self.bill.stopped:
            return
        if model.is_recorded:
            from nercot.llm.recorded import ask_recorded

            return self.bill.add(who, ask_recorded(requests, model, self.ledger, progress))
        from nercot.llm.batch import ask_batch
        from nercot.llm.endpoint import Patience, ask_all
        from nercot.llm.pacing import Budget

        budget = None if self._recipe.max_cost is None else Budget(self._recipe.max_cost)
        patience = Patience(max_seconds=self._recipe.retry_seconds)
        served = self._served(model) if model.file else model
        ask = ask_batch if self._options.batch and not model.file else ask_all
        self.bill.add(who, ask(requests, served, self.ledger, budget=budget, patience=patience, progress=progress))

    def _served(self, model: Model) -> Model:
        """A local model behind an address of this machine, for as long as the build lasts."""
        from nercot.llm.local import serving

        assert model.file
        if model.file not in self._servers:
            self._servers[model.file] = self._stack.enter_context(serving(model.file, _LOCAL_SLOTS))
        return replace(model, url=(self._servers[model.file],), concurrency=_LOCAL_SLOTS)
