"""What a reply is to its request: an answer, an empty one, a refusal of this record or of everything.

In: replies, as they come.  Out: each handed on with its kind, at once or when it is known what it means; a Fault
where it is worth another try; EndpointError where the server cannot be used as asked.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from nercot.corpus.recipe import Model
from nercot.errors import EndpointError
from nercot.llm.address import setting
from nercot.llm.faults import Fault, shortened
from nercot.llm.messages import Reply, Request
from nercot.llm.server import RefusesAll, Server
from nercot.validation.answers import is_unmarked

# So many empty replies to one request, over all runs, drop its record.
EMPTY_REPLIES = 5
# So many refusals (400) in a row, with no answer between them, are no matter of single records.
REFUSALS_AT_FIRST, _REFUSALS_LATER = 3, 100
# So many first replies, and no other between them, that cannot be read for their shape are the server's way.
_ODD_AT_FIRST = 3


@dataclass(slots=True)
class Try:
    """A request on its way.

    `form`: what is sent, `request` itself or its plain form.  `since`: when it was first sent.
    `empties`: how many empty replies it has had, once that matters.  `timed_out`: whether a try was cut short.
    """

    request: Request
    form: Request
    since: float | None = None
    empties: int | None = None
    timed_out: bool = False


class Taking:
    """What has been seen of a model's replies in one run.

    `keep` takes each reply when its kind is known.  `found`: whether the ledger held answers to requests like these.
    `empties`: how many empty replies a request has had in earlier runs, by its key.  `wants_trace`: an answer
    without a trace is of no use.
    """

    def __init__(
        self,
        role: str,
        model: Model,
        names: str,
        wants_trace: bool,
        keep: Callable[[Try, Reply, bytes], None],
        found: Callable[[], bool],
        empties: Callable[[str], int],
    ) -> None:
        self._role, self._model, self._names, self._wants_trace = role, model, names, wants_trace
        self._keep, self._found, self._empties = keep, found, empties
        # Whether the server said anything, and whether that was ever a reply; when the last one came.
        self.heard = self.answered = False
        self.last_answer = time.monotonic()
        # Requests whose time was up since the last answer.
        self.given_up = 0
        # Whether the server takes response_format: None until the first answer to a request that has one.
        self.takes_format: bool | None = None
        self._undecided: list[tuple[Try, Reply, bytes]] = []
        # Whether an answer had the shape that is wanted, and how many of the first ones had not.
        self._readable, self._unread = False, 0
        self._hidden: list[tuple[Try, Reply, bytes]] = []

    def take(self, server: Server, trying: Try, reply: Reply, raw: bytes) -> None:
        """Hands a reply to the ledger, as what it is for this request."""
        self.heard = True
        if reply.kind == "refused":
            return self._take_refusal(trying, reply, raw)
        server.answered()
        self.answered, self.last_answer, self.given_up = True, time.monotonic(), 0
        self.decide("refused")
        if "response_format" in trying.form.body:
            self.takes_format = True
        elif trying.form is not trying.request and self.takes_format is None:
            self.takes_format = False
        if reply.kind == "answer":
            return self._take_answer(trying, reply, raw)
        trying.empties = (self._empties(trying.form.key) if trying.empties is None else trying.empties) + 1
        if trying.empties >= EMPTY_REPLIES:
            told = f"; the last: {reply.detail}" if reply.detail else ""
            reply = replace(reply, kind="empty_answer", detail=f"{trying.empties} empty replies{told}")
            return self._keep(trying, reply, raw)
        self._keep(trying, replace(reply, detail=reply.detail or "empty reply"), raw)
        self._look_at_empty(reply)
        raise Fault("empty reply")

    def _look_at_empty(self, reply: Reply) -> None:
        """Ends a run of replies that say everything in the reasoning field: each is paid for, none can be read."""
        if reply.reasoning is None or self._readable or self._found():
            return
        self._unread += 1
        if self._unread >= _ODD_AT_FIRST:
            raise EndpointError(
                f"{self._role}: {self._names} puts all its text into the reasoning field and none into the content"
                f" (it begins: {shortened(reply.reasoning)}): turn off the server's reasoning parser, or choose another"
                f" with {setting(self._role, 'extra')}"
            )

    def _take_answer(self, trying: Try, reply: Reply, raw: bytes) -> None:
        """Keeps an answer; the first ones wait, as long as they seem to hide their trace, since all of them may."""
        hidden = self._wants_trace and not self._readable and not self._found()
        if not (hidden and is_unmarked(reply.content, reply.reasoning)):
            self._readable = True
            self.decide_hidden("answer")
            return self._keep(trying, reply, raw)
        self._hidden.append((trying, reply, raw))
        if len(self._hidden) >= _ODD_AT_FIRST:
            raise EndpointError(
                f"{self._role}: {self._names} writes its reasoning before the answer with no mark that is known"
                f" (it begins: {shortened(reply.content)}): have the prompt ask for <think> and </think> around it"
                " (prompts.annotate), or choose a reasoning parser of the server"
            )

    def decide_hidden(self, kind: str) -> None:
        """Answers that had to wait are kept: as errors, which are asked for again, where the run ends for them."""
        hidden, self._hidden = self._hidden, []
        for trying, reply, raw in hidden:
            self._keep(trying, replace(reply, kind=kind, detail=None if kind == "answer" else "no known mark"), raw)

    def _take_refusal(self, trying: Try, reply: Reply, raw: bytes) -> None:
        """A refusal: first of response_format, perhaps; then of this record, if others are answered."""
        plain = trying.form.plain()
        if plain is not None:
            self._keep(trying, replace(reply, kind="error"), raw)
            trying.form = plain
            raise Fault(f"with response_format {reply.detail}", at_once=True)
        self._undecided.append((trying, reply, raw))
        # What the ledger held was asked in the same way: model and settings are part of the key.
        answered_before = self.answered or self._found()
        if len(self._undecided) >= (_REFUSALS_LATER if answered_before else REFUSALS_AT_FIRST):
            advice = self._advice(reply.detail or "")
            raise RefusesAll(f"{self._role}: {self._names} refuses every request ({reply.detail}): {advice}")

    def _advice(self, detail: str) -> str:
        """What to change, by what a refusal speaks of."""
        for name in ("max_tokens", "temperature"):
            if name in detail and getattr(self._model, name) is not None:
                return f"send none with --set {setting(self._role, name)}=none (others go into extra)"
        return f"change {setting(self._role, 'model')}, {setting(self._role, 'extra')} or the prompt"

    def decide(self, kind: str) -> None:
        """Refusals that had to wait are kept: `refused` once another request was answered, else an error."""
        undecided, self._undecided = self._undecided, []
        for trying, reply, raw in undecided:
            self._keep(trying, replace(reply, kind=kind), raw)
