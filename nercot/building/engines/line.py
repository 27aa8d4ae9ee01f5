"""Calls between processes of one machine, over a socket in a folder that only this user can open.

In: objects and the names of methods that may be called.  Out: at the other end, proxies whose calls run here, each
connection in a thread of its own.  Errors of ours travel as they are; nothing else is expected to.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from multiprocessing.connection import Client, Connection, Listener
from typing import Any

from nercot.errors import NercotError

# What a proxy raises when the process at the other end is gone.
GONE = (ConnectionError, EOFError, OSError)


class Line:
    """This end: `offered` is name -> (object, the methods that may be called)."""

    def __init__(self, address: str, key: bytes, offered: Mapping[str, tuple[object, tuple[str, ...]]]) -> None:
        self._address, self._key, self._offered = address, key, offered
        self._listener = Listener(address, "AF_UNIX", authkey=key)
        self._closing = False
        threading.Thread(target=self._accept, name="nercot-line", daemon=True).start()

    def close(self) -> None:
        """Takes no further connection; those that are open end with their processes."""
        self._closing = True
        with suppress(*GONE):
            Client(self._address, "AF_UNIX", authkey=self._key).close()
        self._listener.close()

    def _accept(self) -> None:
        while not self._closing:
            with suppress(*GONE):
                connection = self._listener.accept()
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: Connection) -> None:
        with connection, suppress(*GONE):
            while True:
                name, method, arguments = connection.recv()
                target, methods = self._offered[name]
                connection.send(_answer(target, method, arguments) if method in methods else (False, _none(method)))


def _answer(target: object, method: str, arguments: tuple[Any, ...]) -> tuple[bool, Any]:
    try:
        return True, getattr(target, method)(*arguments)
    except NercotError as error:
        return False, error


def _none(method: str) -> NercotError:
    return NercotError(f"{method} is not offered: all workers must have one version of nercot")


class Proxy:
    """The other end of one object; a thread that calls has a connection of its own."""

    def __init__(self, name: str, address: str, key: bytes) -> None:
        self._name, self._address, self._key = name, address, key
        self._mine = threading.local()

    def __getattr__(self, method: str) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:
            connection = self._connection()
            connection.send((self._name, method, arguments))
            fine, value = connection.recv()
            if not fine:
                raise value
            return value

        return call

    def _connection(self) -> Connection:
        found: Connection | None = getattr(self._mine, "connection", None)
        if found is None:
            found = self._mine.connection = Client(self._address, "AF_UNIX", authkey=self._key)
        return found
