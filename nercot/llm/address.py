"""Where a model is asked, and with which key: addresses, key rules, the client.

In: a model's entry of the recipe and one of its addresses.  Out: the provider's name for the ledger, the
key or the one-line error that says what to change, and an openai client that holds to it: no retries of
its own, no redirects, no proxy for this machine, and none of OpenAI's own environment variables for
servers of others.
"""

from __future__ import annotations

import ipaddress
import os
from typing import Any
from urllib.parse import urlsplit

import httpx2
import openai

from nercot.corpus.recipe import Model
from nercot.errors import EndpointError

_OPENAI_HOST = "api.openai.com"
_CONNECT_SECONDS = 10.0


def setting(role: str, key: str) -> str:
    """How the user says it: `teacher.url` in a recipe, `--url` for `nercot evaluate`."""
    return f"{role}.{key}" if role in ("teacher", "judge") else f"--{key.replace('_', '-')}"


def is_loopback(url: str) -> bool:
    """Whether the address is this machine's own."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def server_name(url: str) -> str:
    """Host and port, as messages name a server."""
    return urlsplit(url).netloc.rpartition("@")[2]


def provider_of(model: Model) -> str:
    """Who answers, as the ledger's keys say it: the recipe's word, else the host, `local` for this machine."""
    if model.provider is not None:
        return model.provider
    url = model.url[0]
    return "local" if url == "local" or is_loopback(url) else urlsplit(url).hostname or url


def content_of(model: Model) -> dict[str, Any]:
    """What of a model's settings decides its answers (not where it runs, how fast, or what it costs)."""
    if model.embedded:
        return {"model": model.model}
    return {
        "provider": provider_of(model),
        "model": model.model,
        "temperature": model.temperature,
        "max_tokens": model.max_tokens,
        "extra": dict(model.extra),
    }


def check_url(url: str, role: str) -> None:
    """Raises EndpointError for what is no address of a server, without repeating what may be a secret in it."""
    where = setting(role, "url")
    try:
        parts = urlsplit(url)
        port_fits = parts.port is None or parts.port > 0
    except ValueError:
        raise EndpointError(f"{role}: {where} is not an address: write it like https://host/v1") from None
    if parts.scheme not in ("http", "https") or not parts.hostname or not port_fits:
        raise EndpointError(f"{role}: {where} is not an address: write it like https://host/v1")
    if parts.username is not None or parts.password is not None or parts.query or parts.fragment:
        problem = "holds more than scheme, host, port and path"
        raise EndpointError(
            f"{role}: {where} {problem}: a key belongs in the variable of {setting(role, 'api_key_env')}"
        )


def api_key(model: Model, url: str, role: str) -> str | None:
    """The key for this address, None where none is sent.  Raises EndpointError where one is missing or unsafe."""
    parts, loopback = urlsplit(url), is_loopback(url)
    name = model.api_key_env
    if name is None and (loopback or parts.hostname == _OPENAI_HOST):
        name = "OPENAI_API_KEY"
    key = os.environ.get(name, "").strip() if name is not None else ""
    if not key and (parts.scheme != "https" or loopback):
        return None
    if not key:
        where = f"into {name}" if name else f"into a variable and name that in {setting(role, 'api_key_env')}"
        raise EndpointError(f"{role}: no key for {parts.hostname}: put it {where} (any word, if it wants none)")
    if parts.scheme != "https" and not loopback:
        raise EndpointError(
            f"{role}: a key is not sent over plain http to {parts.hostname}: use https, or unset {name}"
        )
    if not key.isascii() or not key.isprintable() or " " in key:
        raise EndpointError(f"{role}: {name} holds no key: it has spaces or signs that no header can carry")
    return key


def timeout(read_seconds: float) -> httpx2.Timeout:
    """How long a connection may take to be made, and then be silent."""
    return httpx2.Timeout(read_seconds, connect=_CONNECT_SECONDS, pool=None)


def client(url: str, key: str | None, connections: int, read_seconds: float) -> openai.AsyncOpenAI:
    """A client over aiohttp for one address, with as many connections as asked (its own limit is 1,000)."""
    http_client = openai.DefaultAioHttpClient(
        limits=httpx2.Limits(max_connections=connections, max_keepalive_connections=connections),
        timeout=timeout(read_seconds),
        follow_redirects=False,
        # A proxy from the environment is for other machines.
        trust_env=not is_loopback(url),
    )
    return openai.AsyncOpenAI(base_url=url, api_key=key or "none", max_retries=0, http_client=http_client)


def own_headers(url: str, key: str | None) -> dict[str, str | openai.Omit]:
    """What a request says of us, whatever OpenAI's own environment variables hold.

    The key or no Authorization at all; and for other hosts than OpenAI's none of what those variables add.
    """
    headers: dict[str, str | openai.Omit] = {}
    if urlsplit(url).hostname != _OPENAI_HOST:
        custom = (line.partition(":")[0].strip() for line in os.environ.get("OPENAI_CUSTOM_HEADERS", "").splitlines())
        names = ("OpenAI-Organization", "OpenAI-Project", *custom)
        headers = {name: openai.Omit() for name in names if name and name.lower() != "authorization"}
    return {**headers, "Authorization": f"Bearer {key}" if key is not None else openai.Omit()}
