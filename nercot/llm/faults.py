"""What is wrong with a call that brought no usable answer.

In: a client's exception, or a server's response.  Out: a Fault with one line of detail, how long the
server wants to be left alone, whether a reply is empty.  Never decides what is done about it.
"""

from __future__ import annotations

import email.utils
import json
import re
import socket
import ssl
import time
from collections.abc import Iterator, Mapping

import aiohttp

from nercot.llm.messages import Reply
from nercot.llm.transport import LARGEST_REPLY, TooLarge
from nercot.validation.thinking import split_thinking

_LONGEST_DETAIL, _LONGEST_TEXT = 300, 10_000
# DeepSeek's word for an overloaded server, that of SGLang and vLLM for a request they let go, that of gateways.
_BROKEN_OFF = ("insufficient_system_resource", "abort", "error")


class Fault(Exception):
    """A call without a usable answer, worth another try.

    `retry_after`: seconds that the server asks for.  `at_once`: another form can be tried now.
    `hopeless`: if the server has never answered, trying again is no use.
    """

    def __init__(self, detail: str, *, retry_after: float = 0.0, at_once: bool = False, hopeless: bool = False) -> None:
        super().__init__(detail)
        self.detail = detail
        self.retry_after = retry_after
        self.at_once = at_once
        self.hopeless = hopeless


class Throttled(Fault):
    """A 429: the server lives, and wants to be asked less."""


class Oversized(Fault):
    """A reply of several megabytes: read no further, and taken for one that says nothing."""


class TimedOut(Fault):
    """No answer, nor a sign of life, for as long as a try may take: hung, or only slow."""


def connection_fault(error: BaseException) -> Fault:
    """An exception of the client, or below it, as a Fault that names the cause and no address."""
    causes = list(_causes(error))
    if any(isinstance(cause, TooLarge) for cause in causes):
        return Oversized(f"reply larger than {LARGEST_REPLY >> 20} MB")
    # The deepest first: what is wrapped around it repeats it without its fields.
    for cause in reversed(causes):
        if isinstance(cause, ssl.SSLError):
            return Fault(f"TLS error: {cause.reason or 'handshake failed'}{_verify_message(cause)}", hopeless=True)
        if isinstance(cause, socket.gaierror):
            return Fault("its name is not known", hopeless=True)
    for cause in causes:
        if isinstance(cause, ConnectionRefusedError):
            return Fault("connection refused")
        if isinstance(cause, aiohttp.ClientPayloadError):
            return Fault("reply cut short")
        if isinstance(cause, aiohttp.ServerDisconnectedError | ConnectionResetError | BrokenPipeError):
            return Fault("connection dropped")
        if isinstance(cause, TimeoutError):
            return TimedOut("timed out")
    last = causes[-1]
    return Fault(f"{type(last).__name__}: {_one_line(str(last))}".rstrip(": "))


def _causes(error: BaseException) -> Iterator[BaseException]:
    current: BaseException | None = error
    while current is not None:
        yield current
        current = current.__cause__ or current.__context__


def _verify_message(error: ssl.SSLError) -> str:
    return f" ({error.verify_message})" if isinstance(error, ssl.SSLCertVerificationError) else ""


def server_says(raw: bytes) -> str:
    """The message of an error body, on one line: OpenAI's shape, others' shapes, or the start of the text."""
    text = raw.decode("utf-8-sig", "replace").strip()
    if text.startswith("<"):
        return "a web page"
    try:
        body = json.loads(text)
    except (ValueError, RecursionError):
        return _one_line(text) or "no text"
    for name in ("error", "message", "detail"):
        if isinstance(body, dict) and name in body:
            body = body[name]
    return _one_line(body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)) or "no text"


def shortened(text: str) -> str:
    """The start of a text, on one line, as a message quotes it."""
    return json.dumps(_one_line(text)[:80], ensure_ascii=False)


def _one_line(text: str) -> str:
    line = " ".join(re.sub(r"[\x00-\x1f\x7f]", " ", text[:_LONGEST_TEXT]).split())
    return line if len(line) <= _LONGEST_DETAIL else line[: _LONGEST_DETAIL - 1] + "…"


def retry_after(headers: Mapping[str, str]) -> float:
    """The seconds of a Retry-After header, in seconds, milliseconds or as a date; 0 without one."""
    try:
        if (milliseconds := headers.get("retry-after-ms")) is not None:
            return max(0.0, float(milliseconds) / 1000)
        value = headers.get("retry-after", "0")
        if value.strip().replace(".", "", 1).isdecimal():
            return float(value)
        return max(0.0, email.utils.parsedate_to_datetime(value).timestamp() - time.time())
    except (ValueError, OverflowError):
        return 0.0


def is_broken_off(reply: Reply) -> bool:
    """Whether the server says that it ended the answer for reasons of its own: another try may get all of it."""
    return reply.finish_reason in _BROKEN_OFF


def is_empty(reply: Reply) -> bool:
    """Whether a reply that claims to be whole says nothing: no content, or nothing after its trace."""
    if reply.finish_reason in ("length", "content_filter", "refusal"):
        return False
    thinking = split_thinking(reply.content)
    rest = thinking.rest if thinking is not None and thinking.closed else reply.content
    return not rest.rpartition("</think>")[2].strip()
