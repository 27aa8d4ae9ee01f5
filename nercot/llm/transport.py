"""The way of a request over aiohttp, for the openai client: whole replies of bounded size.

In: a request of httpx2, as the client makes it.  Out: its response, read to the end, of whatever status; the
exceptions are aiohttp's own (faults.py knows them), or TooLarge.  A reply may have a few megabytes, also after
it is unpacked: a server that sends more, by mistake or not, costs no memory.  Never follows a redirect, keeps no
cookie, and looks into no .netrc.
"""

from __future__ import annotations

import zlib
from functools import lru_cache
from typing import Any

import aiohttp
import httpx2

LARGEST_REPLY = 4 << 20


class TooLarge(httpx2.TransportError):
    """A reply of more than LARGEST_REPLY bytes."""


class Transport(httpx2.AsyncBaseTransport):
    """One address: `connections` at a time, through `proxy` where there is one."""

    def __init__(self, connections: int, proxy: str | None) -> None:
        self._connections, self._proxy = connections, proxy
        self._session: aiohttp.ClientSession | None = None

    def _open(self) -> aiohttp.ClientSession:
        """The session, made where its loop runs."""
        if self._session is None:
            connector = aiohttp.TCPConnector(limit=self._connections, ssl=httpx2.create_ssl_context())
            self._session = aiohttp.ClientSession(
                connector=connector, auto_decompress=False, cookie_jar=aiohttp.DummyCookieJar()
            )
        return self._session

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Sends a request and reads its response.  Raises aiohttp's exceptions, and TooLarge."""
        async with self._open().request(
            request.method,
            str(request.url),
            headers=[(name.decode("latin-1"), value.decode("latin-1")) for name, value in request.headers.raw],
            data=await request.aread() or None,
            allow_redirects=False,
            timeout=_timeout(**request.extensions.get("timeout", {})),
            proxy=self._proxy,
        ) as response:
            body = await _read(response)
        headers = [(name, value) for name, value in response.raw_headers if name.lower() != b"content-encoding"]
        return httpx2.Response(response.status, headers=headers, content=body, request=request)

    async def aclose(self) -> None:
        """Closes all connections."""
        if self._session is not None:
            await self._session.close()


@lru_cache(maxsize=16)
def _timeout(
    connect: float | None = None, read: float | None = None, pool: float | None = None, **_: object
) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(connect=pool, sock_connect=connect, sock_read=read)


async def _read(response: aiohttp.ClientResponse) -> bytes:
    """The body, unpacked; TooLarge before more than a little beyond the limit is in memory."""
    packed = response.headers.get("Content-Encoding", "identity").strip().lower()
    unpack = _unpacker(packed)
    if unpack is None and response.content_length is not None and response.content_length <= LARGEST_REPLY:
        return await response.read()
    parts, size = [], 0
    async for chunk in response.content.iter_any():
        part = chunk if unpack is None else unpack.decompress(chunk, LARGEST_REPLY + 1 - size)
        size += len(part)
        if size > LARGEST_REPLY or (unpack is not None and unpack.unconsumed_tail):
            response.close()
            raise TooLarge("the reply is too large")
        parts.append(part)
    return b"".join(parts)


def _unpacker(packed: str) -> Any:
    """What undoes a content encoding, None for none; others than those that were asked for are left as they are."""
    if packed in ("gzip", "x-gzip"):
        return zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    return zlib.decompressobj() if packed == "deflate" else None
