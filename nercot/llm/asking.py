"""What all ways of asking a model share: the body of a request, how far a run has come, what it came to.

In: a model's entry of the recipe and messages, or counts of calls.  Out: plain values.  Imports no client, so
that whoever only reads answers, or takes recorded ones, does not pay for one.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Protocol

from nercot.corpus.recipe import Model
from nercot.errors import RecipeError
from nercot.llm.messages import Reply, Request

# The step of a request, and who is asked.
ROLES = {"annotate": "teacher", "read": "reader", "score": "judge"}
_OURS = ("model", "messages", "stream", "n")


@dataclass(slots=True)
class Progress:
    """How far `ask_all` has come: requests with a final answer now, those found in the ledger, and so on.

    `failed` counts calls that will be tried again; `cost` is in USD, as far as known; `unpriced` counts
    replies of unknown cost; `recorded`: answers that came out of recorded files.
    """

    done: int = 0
    found: int = 0
    recorded: int = 0
    pending: int = 0
    calls: int = 0
    failed: int = 0
    in_flight: int = 0
    tokens_in: int = 0
    tokens_cached: int = 0
    tokens_out: int = 0
    cost: float = 0.0
    unpriced: int = 0

    def add(self, reply: Reply, cost: float | None) -> None:
        """Counts a call by what came of it."""
        if reply.kind == "error":
            self.failed += 1
            return
        self.calls += 1
        self.tokens_in += reply.tokens_in or 0
        self.tokens_cached += reply.tokens_cached or 0
        self.tokens_out += reply.tokens_out or 0
        self.cost += cost or 0.0
        self.unpriced += cost is None and reply.kind != "refused"


class AnswerStore(Protocol):
    """What asking needs of a ledger: this machine's own, or one that somebody else owns (llm/owner.py)."""

    @property
    def backlog(self) -> int:
        """How many entries wait to be written."""
        ...

    def final(self, keys: Collection[str]) -> set[str]:
        """Those of `keys` whose final answer is there."""
        ...

    def replies_to(self, requests: Sequence[Request]) -> list[Reply | None]:
        """The final reply to each request, None while there is none."""
        ...

    def empties(self, key: str) -> int:
        """How many empty replies this request has had."""
        ...

    def spent(self, corpus: str) -> float:
        """The USD that a corpus has cost."""
        ...

    def append(self, request: Request, reply: Reply, raw: bytes = b"", cost: float | None = None) -> Future[None]:
        """Adds an entry; the future is done when it is on disk."""
        ...


@dataclass(frozen=True, slots=True)
class Asked:
    """What `ask_all` did: its last Progress, and why it stopped early.

    `stopped`: None (every request is final or was tried for the whole time), `budget`, or one line about
    a server that no longer answers.  Requests that were not reached have no reply in the ledger.
    `missing`: how many requests no recorded file answers; `files`: the names of those that were looked at.
    """

    progress: Progress
    stopped: str | None = None
    missing: int = 0
    files: str = ""


def request_body(
    model: Model,
    messages: Sequence[Mapping[str, str]],
    response_format: Mapping[str, Any] | None = None,
    *,
    unasked: bool = True,
) -> dict[str, Any]:
    """The body of a chat completion: the recipe's `extra`, its sampling, the messages.

    `response_format` is the schema of the step's answer.  It is sent if the recipe says
    `extra.response_format = "json_schema"`, or says nothing and `unasked` is true; "text" sends none, and
    a table is sent as it is.
    """
    if wrong := [name for name in _OURS if name in model.extra]:
        raise RecipeError(f"extra.{wrong[0]} cannot be set: nercot sets it itself; remove it")
    body = dict(model.extra)
    asked = body.pop("response_format", "json_schema" if unasked else "text")
    asked = response_format if asked == "json_schema" else asked
    if asked is not None and asked != "text":
        body["response_format"] = asked
    for name, value in (("temperature", model.temperature), ("max_tokens", model.max_tokens)):
        if value is not None:
            body[name] = value
    return {**body, "model": model.model, "messages": [dict(message) for message in messages]}
