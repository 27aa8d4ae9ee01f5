"""One address of a model: the client that talks to it, and what has to be changed if it will not.

In: a model's entry of the recipe, one of its addresses, and whose it is (teacher, judge, evaluate).
Out: responses of whatever status, or a Fault; EndpointErrors of one line.  Never tries anything twice.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Mapping
from typing import TypeVar

import aiohttp
import httpx2
import openai
from rapidfuzz import process

from nercot.corpus.recipe import Model
from nercot.errors import EndpointError
from nercot.llm.address import api_key, check_url, server_name, setting
from nercot.llm.client import client, own_headers, timeout
from nercot.llm.faults import Fault, Throttled, connection_fault, retry_after, server_says
from nercot.llm.pacing import Replica

# A 400 and its like: what the server thinks of one request.
ABOUT_THE_REQUEST = (400, 413, 422)
# Keys of so many characters are secrets wherever they stand; shorter ones are dummies.
_SECRET = 16
_MOST_MODELS = 8
_LIST_SECONDS = 10.0

_log = logging.getLogger(__name__)
_Result = TypeVar("_Result")


class RefusesAll(EndpointError):
    """A server that will have none of our requests: perhaps it does not serve the model any more."""


class Server(Replica):
    """An address with its key and its client; `seconds` is how long one call may take."""

    def __init__(self, url: str, model: Model, role: str, seconds: float) -> None:
        super().__init__(url, model.concurrency)
        check_url(url, role)
        self.name = server_name(url)
        self._role, self._model, self._seconds = role, model, seconds
        self._key = api_key(model, url, role)
        if self._key is not None:
            variable = model.api_key_env or "OPENAI_API_KEY"
            _log.info("%s: the key in %s goes to %s", role, variable, self.name, extra={"once": True})
        # Silence for half of the time ends a try, so that there is time for a second one; which is given all of it,
        # since a server that is only slow would else be asked in vain, and paid, every time.
        self.client = client(url, self._key, model.concurrency, seconds / 2)
        self.headers = own_headers(url, self._key)
        # Whole, because the client takes longer over a path than over an address.
        self._chat = f"{url.rstrip('/')}/chat/completions"
        # All of them, because the client copies the default of each that is not given, for every call.
        self._options: openai.RequestOptions = {
            "headers": self.headers,
            "timeout": self.client.timeout,
            "max_retries": 0,
            "params": {},
            "idempotency_key": "",
            "follow_redirects": False,
        }
        self._patient: openai.RequestOptions = {**self._options, "timeout": timeout(seconds)}

    async def send(self, payload: bytes, patient: bool = False) -> httpx2.Response:
        """The response to a chat completion, of whatever status; Fault if there is none.

        `patient`: all of the time may pass in silence, not only half of it.
        """
        options = self._patient if patient else self._options
        asked = self.client.post(self._chat, cast_to=httpx2.Response, content=payload, options=options)
        try:
            return await self.call(asked)
        except openai.APIStatusError as error:
            return error.response

    async def call(self, doing: Awaitable[_Result]) -> _Result:
        """What comes of a call of the client; Fault for a connection that fails or takes too long."""
        try:
            async with asyncio.timeout(self._seconds):
                return await doing
        except (openai.APIConnectionError, httpx2.HTTPError, aiohttp.ClientError, OSError) as error:
            raise connection_fault(error) from error

    def hide_key(self, raw: bytes, status: int = 200) -> bytes:
        """`raw` with the key blotted out, where a server repeats it.

        A short key (`none`, `test`) is a dummy, and may be a word of an answer: it is blotted out of errors alone.
        """
        if not self._key or (status == 200 and len(self._key) < _SECRET):
            return raw
        return raw.replace(self._key.encode(), b"***")

    def problem(
        self, status: int, headers: Mapping[str, str], raw: bytes, longest_wait: float
    ) -> Fault | EndpointError:
        """What a response that is no answer means: a Fault if a later try may do, else what the user has to change."""
        if (wrong := self._wrong(status, headers, raw)) is not None:
            return RefusesAll(str(self.error(wrong))) if status == 404 else self.error(wrong)
        kind = Throttled if status == 429 else Fault
        return kind(f"{status}: {server_says(raw)}", retry_after=min(retry_after(headers), longest_wait))

    def error(self, wrong: str) -> EndpointError:
        """One line: whose server, which, and what is wrong with it."""
        return EndpointError(f"{self._role}: {self.name} {wrong}")

    def _wrong(self, status: int, headers: Mapping[str, str], raw: bytes) -> str | None:
        where = setting(self._role, "url")
        if status in (401, 403):
            return self._wrong_key(status, raw)
        if status == 402 or (status == 429 and b"insufficient_quota" in raw):
            return f"says the account has no credit left ({status}): top it up, then run the same command again"
        if 300 <= status < 400:
            target = server_name(headers.get("location", "")) or "another path"
            return f"sends on to {target} ({status}): put the right address into {where}; redirects are not followed"
        if status == 404:
            model = f"{setting(self._role, 'model')} ({self._model.model})"
            return f"does not know that (404: {server_says(raw)}): change {model} or {where}, which usually ends in /v1"
        if status in (405, 406, 410, 411, 415, 426, 501):
            return f"does not do that there ({status}: {server_says(raw)}): change {where}"
        return None

    def _wrong_key(self, status: int, raw: bytes) -> str:
        """A 401's own words are left out: providers repeat parts of the key in them."""
        if self._key is None:
            return f"wants a key ({status}): name the variable that holds it in {setting(self._role, 'api_key_env')}"
        name = self._model.api_key_env or "OPENAI_API_KEY"
        if status == 401:
            return f"refuses the key in {name} (401): put a valid key there"
        return f"refuses this (403: {server_says(raw)}): check the account of the key in {name}"


async def live_models(server: Server, model: Model, role: str) -> EndpointError | None:
    """One line that names the models that a server has (GET /models), if the one asked for is none of them."""
    try:
        async with asyncio.timeout(_LIST_SECONDS):
            listed = await server.client.get(
                f"{server.url.rstrip('/')}/models", cast_to=httpx2.Response, options={"headers": server.headers}
            )
        names = [each["id"] for each in json.loads(listed.content)["data"] if isinstance(each["id"], str)]
    except (openai.OpenAIError, httpx2.HTTPError, aiohttp.ClientError, OSError, ValueError, KeyError, TypeError):
        return None
    if not names or model.model in names:
        return None
    near = process.extract(model.model, names, limit=_MOST_MODELS)
    shown = ", ".join(name for name, _, _ in near) + (" and others" if len(names) > len(near) else "")
    return server.error(f"does not serve {model.model} (any more): it has {shown}: change {setting(role, 'model')}")
