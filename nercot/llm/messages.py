"""A question to a model and what came of it: Request, Reply, and the reading of a reply's JSON.

In: what is asked, or the bytes of a chat completion.  Out: frozen values, and the key under which the
ledger keeps them.  Never talks to a server, never reads a file.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

from nercot.validation.thinking import split_thinking

# What can come of a call; the first three are final: such a request is never sent again.
FINAL = ("answer", "refused", "empty_answer")
KINDS = (*FINAL, "empty", "error", "sent")
# Where servers put the trace apart from the content.
_compact = json.JSONEncoder(separators=(",", ":")).encode
_REASONING = ("reasoning_content", "reasoning", "thinking", "reasoning_details", "thinking_blocks")


@dataclass(frozen=True, slots=True)
class Request:
    """One question to one model.

    `step`: annotate, score or evaluate.  `model`: as asked for.  `body`: the JSON body of the call.
    `of`, `ask`: for recorded answers alone, what a reader or judge is asked about, and which time
    it is asked (None: as `attempt` says).
    `payload`: the bytes that are sent; top-level keys are sorted, inner ones stay in their order,
    because a strict server answers in the order of the JSON schema it is given.  `key`: 64 hex digits
    over (provider, model, attempt, payload); what the request is for (corpus, step, guid) is not in it.
    """

    corpus: str
    step: str
    guid: str
    provider: str
    model: str
    body: Mapping[str, Any]
    attempt: int = 1
    of: tuple[str, ...] = field(default=(), compare=False)
    ask: int | None = field(default=None, compare=False)
    payload: bytes = field(init=False, repr=False, compare=False)
    key: str = field(init=False, compare=False)

    def __post_init__(self) -> None:
        payload = _compact(dict(sorted(self.body.items()))).encode()
        object.__setattr__(self, "payload", payload)
        object.__setattr__(self, "key", request_key(self.provider, self.model, self.attempt, payload))

    def plain(self) -> Request | None:
        """The same question without `response_format`, for servers that refuse it; None if it has none."""
        if "response_format" not in self.body:
            return None
        return replace(self, body={name: value for name, value in self.body.items() if name != "response_format"})


def request_key(provider: str, model: str, attempt: int, payload: bytes) -> str:
    """The identity of a request: SHA-256 over who is asked, which attempt it is, and the bytes sent."""
    return hashlib.sha256(_asked(provider, model, attempt) + payload).hexdigest()


@lru_cache(maxsize=256)
def _asked(provider: str, model: str, attempt: int) -> bytes:
    """What stands before the payload in what a key is made of."""
    return _compact([provider, model, attempt]).encode() + b"\n"


@dataclass(frozen=True, slots=True)
class Reply:
    """What came of a request.

    `kind`: answer (finish_reason says if it was cut: length, content_filter), refused (by the server,
    for this record), empty_answer (five empty replies), empty, error or sent in a batch (not final).  `reasoning`: the
    trace where the server gives it apart; one inside `content` stays there.  `model`, `fingerprint`: as
    the reply names them.  `latency`: seconds.  `detail`: why there is no answer.
    """

    key: str
    kind: str
    content: str = ""
    reasoning: str | None = None
    finish_reason: str | None = None
    tokens_in: int | None = None
    tokens_cached: int | None = None
    tokens_out: int | None = None
    model: str | None = None
    fingerprint: str | None = None
    latency: float | None = None
    detail: str | None = None


def read_reply(raw: bytes, key: str = "", kind: str = "answer", latency: float | None = None) -> Reply:
    """The body of a chat completion as a Reply; ValueError says what it is instead.

    A model's refusal (`message.refusal`) is its content, with the finish_reason `refusal`.  Where all text stands in
    the reasoning field, and a mark in it says where the thinking ends, what follows is the content.
    """
    try:
        reply = json.loads(raw.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise ValueError("the reply is not JSON") from error
    try:
        choice = reply["choices"][0]
        message = choice["message"]
        finish_reason = _text(choice.get("finish_reason"))
        content, reasoning = _content(message)
    except (KeyError, IndexError, TypeError, AttributeError) as error:
        raise ValueError("the reply is JSON without choices[0].message") from error
    if not content.strip() and (refusal := _text(message.get("refusal"))):
        content, finish_reason = refusal, "refusal"
    usage = reply.get("usage")
    usage = usage if isinstance(usage, dict) else {}
    return Reply(
        key=key,
        kind=kind,
        content=content,
        reasoning=reasoning,
        finish_reason=finish_reason,
        tokens_in=_count(usage.get("prompt_tokens")),
        tokens_cached=_cached(usage),
        tokens_out=_count(usage.get("completion_tokens")),
        model=_text(reply.get("model")),
        fingerprint=_text(reply.get("system_fingerprint")),
        latency=latency,
    )


def _content(message: Mapping[str, Any]) -> tuple[str, str | None]:
    """The content of a message, and the reasoning that stands apart from it, wherever the server puts that."""
    said, thought = message.get("content"), None
    if isinstance(said, list):
        thought = "".join(map(_thought, said)) or None
        said = [part for part in said if not _is_thought(part)]
    for name in _REASONING:
        thought = _text(message.get(name)) or thought
        if thought is None and isinstance(message.get(name), list):
            thought = "".join(map(_thought, message[name])) or None
        if thought is not None:
            break
    content = _text(said) or ""
    if thought is not None and not content.strip() and (ended := _ended(thought)) is not None:
        return ended[1], ended[0]
    return content, thought


def _is_thought(part: object) -> bool:
    kind = str(part.get("type")) if isinstance(part, dict) else ""
    return "think" in kind or "reasoning" in kind


def _thought(part: Any) -> str:
    """The text of a thinking part of a content, or of a list of reasoning details; "" of any other part."""
    if not _is_thought(part):
        return ""
    inner = next((part[name] for name in ("thinking", "reasoning", "text", "summary") if part.get(name)), None)
    return _text(inner) or ""


def _ended(thought: str) -> tuple[str, str] | None:
    """(thinking, content) of a text that holds both, where a known mark parts them."""
    thinking = split_thinking(thought)
    if thinking is not None:
        return (thinking.cot, thinking.rest) if thinking.closed and thinking.rest.strip() else None
    before, closing, after = thought.rpartition("</think>")
    return (before.replace("<think>", "").strip("\n"), after) if closing and after.strip() else None


def _text(value: object) -> str | None:
    """A text of a reply, or the texts of its parts; a lone surrogate, which no file can hold, becomes U+FFFD."""
    if isinstance(value, list):
        value = "".join(part["text"] for part in value if isinstance(part, dict) and isinstance(part.get("text"), str))
    if not isinstance(value, str):
        return None
    try:
        value.encode()
    except UnicodeEncodeError:
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return value


def _count(value: object) -> int | None:
    """A number of tokens, where it is one that a reply can have (and a column hold)."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 31 else None


def _cached(usage: Mapping[str, Any]) -> int | None:
    """Input tokens served from the provider's cache: OpenAI's name, else DeepSeek's."""
    details = usage.get("prompt_tokens_details")
    found = _count(details.get("cached_tokens")) if isinstance(details, dict) else None
    return found if found is not None else _count(usage.get("prompt_cache_hit_tokens"))
