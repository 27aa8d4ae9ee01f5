"""The openai client for one address of a model, holding to our rules of what is sent where.

In: an address and its key.  Out: a client without retries of its own, without redirects, without a proxy for
this machine, and without OpenAI's own environment variables for servers of others.  Never sends anything.
"""

from __future__ import annotations

import os
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import httpx2
import openai

from nercot.llm.address import OPENAI_HOST, is_loopback
from nercot.llm.transport import Transport

_CONNECT_SECONDS = 10.0


def timeout(read_seconds: float) -> httpx2.Timeout:
    """How long a connection may take to be made, and then be silent."""
    return httpx2.Timeout(read_seconds, connect=_CONNECT_SECONDS, pool=None)


def client(url: str, key: str | None, connections: int, read_seconds: float) -> openai.AsyncOpenAI:
    """A client over aiohttp for one address, with as many connections as asked (its own limit is 1,000)."""
    transport = Transport(connections, _proxy(url))
    http_client = _Straight(transport=transport, timeout=timeout(read_seconds), follow_redirects=False, trust_env=False)
    return _Alike(base_url=url, api_key=key or "none", max_retries=0, http_client=http_client)


class _Straight(httpx2.AsyncClient):
    """Hands requests to its transport as they are: no redirects, no cookies, no authentication, nothing to stream.

    Those layers do nothing here, and take a fifth of the time of a call.
    """

    def __init__(self, *, transport: Transport, **given: Any) -> None:
        super().__init__(transport=transport, **given)
        self._straight = transport

    async def send(self, request: httpx2.Request, **_: Any) -> httpx2.Response:
        """The response, read to the end."""
        return await self._straight.handle_async_request(request)


class _Alike(openai.AsyncOpenAI):
    """Builds one request of each kind as the client does, and the others like it with another body.

    Where a later client no longer builds its requests in this method, each is built anew.
    """

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self._kinds: dict[tuple[object, ...], httpx2.Request] = {}

    def _build_request(self, options: Any, **given: Any) -> httpx2.Request:
        if not isinstance(options.content, bytes):
            return super()._build_request(options, **given)
        seconds = tuple(options.timeout.as_dict().values()) if isinstance(options.timeout, httpx2.Timeout) else None
        kind = (options.method, options.url, tuple(options.headers.items()), seconds, *given.values())
        if (like := self._kinds.get(kind)) is None:
            like = self._kinds[kind] = super()._build_request(options, **given)
            del like.headers["content-length"]
        return httpx2.Request(
            like.method, like.url, headers=like.headers, content=options.content, extensions=like.extensions
        )


def _proxy(url: str) -> str | None:
    """The proxy that the environment names for another machine; None for this one."""
    parts = urlsplit(url)
    if is_loopback(url) or proxy_bypass(parts.hostname or ""):
        return None
    proxies = getproxies()
    return proxies.get(parts.scheme) or proxies.get("all")


def own_headers(url: str, key: str | None) -> dict[str, str | openai.Omit]:
    """What a request says of us, whatever OpenAI's own environment variables hold.

    The key or no Authorization at all; and for other hosts than OpenAI's none of what those variables add.
    """
    headers: dict[str, str | openai.Omit] = {}
    if urlsplit(url).hostname != OPENAI_HOST:
        custom = (line.partition(":")[0].strip() for line in os.environ.get("OPENAI_CUSTOM_HEADERS", "").splitlines())
        names = ("OpenAI-Organization", "OpenAI-Project", *custom)
        headers = {name: openai.Omit() for name in names if name and name.lower() != "authorization"}
    return {**headers, "Authorization": f"Bearer {key}" if key is not None else openai.Omit()}
