"""The openai client for one address of a model, holding to our rules of what is sent where.

In: an address and its key.  Out: a client without retries of its own, without redirects, without a proxy for
this machine, and without OpenAI's own environment variables for servers of others.  Never sends anything.
"""

from __future__ import annotations

import os
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
    http_client = httpx2.AsyncClient(
        transport=Transport(connections, _proxy(url)),
        timeout=timeout(read_seconds),
        follow_redirects=False,
        trust_env=False,
    )
    return openai.AsyncOpenAI(base_url=url, api_key=key or "none", max_retries=0, http_client=http_client)


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
