"""Models that are asked outside of a build: the readers and judges of validate, score and calibrate.

In: a recipe, a role, and the requests of a step.  Out: their answers in the ledger, which costs nothing the
second time, and how many calls that took.  Never reads an answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

from nercot.corpus.recipe import Model, Recipe
from nercot.llm.ledger import Ledger
from nercot.llm.local import served
from nercot.llm.messages import Request
from nercot.llm.prompts import default_template, read_template


class Asker:
    """Whom a recipe names in some role, and the ledger that keeps what they say."""

    def __init__(self, recipe: Recipe, ledger: Path, stack: ExitStack) -> None:
        self.recipe = recipe
        self.calls: dict[str, int] = {}
        self.answers = stack.enter_context(Ledger(ledger))
        self._stack = stack

    def template(self, name: str) -> str:
        """The text of a prompt: the recipe's own file, or ours."""
        path = self.recipe.prompts.get(name)
        if path is None and name == "judge" and self.recipe.judge.rubric == "paper":
            return default_template("judge-paper")
        return default_template(name) if path is None else read_template(path)

    def ask(self, role: str, requests: Callable[[int], Iterator[Request]], asks: int) -> None:
        """Has the requests of each time answered: `requests` gives those of the first, the second, ... time."""
        model = served(getattr(self.recipe, role), self._stack)
        for ask in range(1, asks + 1):
            self.calls[role] = self.calls.get(role, 0) + self._ask(model, requests(ask))

    def _ask(self, model: Model, requests: Iterator[Request]) -> int:
        if model.is_recorded:
            from nercot.llm.recorded import ask_recorded

            ask_recorded(requests, model, self.answers)
            return 0
        from nercot.llm.endpoint import Patience, ask_all

        patience = Patience(max_seconds=self.recipe.retry_seconds)
        return ask_all(requests, model, self.answers, patience=patience).progress.calls
