"""Where a model is asked, and with which key: addresses, providers, key rules.

In: a model's entry of the recipe and one of its addresses.  Out: the provider's name for the ledger, the
key or the one-line error that says what to change.  Never connects to anything.
"""

from __future__ import annotations

import ipaddress
import os
from typing import Any
from urllib.parse import urlsplit

from nercot.corpus.recipe import LOCAL, RECORDED, Model
from nercot.errors import EndpointError

OPENAI_HOST = "api.openai.com"


def setting(role: str, key: str) -> str:
    """How the user says it: `teacher.url` in a recipe, `--url` for `nercot evaluate`."""
    return f"{role}.{key}" if role in ("teacher", "reader", "judge") else f"--{key.replace('_', '-')}"


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
    """Who answers, as the ledger's keys say it: the recipe's word, the host, `local` (this machine) or `recorded`."""
    if model.provider is not None:
        return model.provider
    url = model.url[0]
    if url in (LOCAL, RECORDED):
        return url
    return "local" if is_loopback(url) else urlsplit(url).hostname or url


def content_of(model: Model) -> dict[str, Any]:
    """What of a model's settings decides its answers (not where it runs, how fast, or what it costs)."""
    if model.absent:
        return {"model": model.model}
    return {
        "provider": provider_of(model),
        "model": model.model,
        "temperature": model.temperature,
        "max_tokens": model.max_tokens,
        "extra": dict(model.extra),
        **({"rubric": model.rubric} if model.rubric != "strict" else {}),
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
    if name is None and (loopback or parts.hostname == OPENAI_HOST):
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
