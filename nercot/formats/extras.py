"""Parsers of other projects that some formats are read with: loaded when a file needs them, or one line that says how.

In: the name of a package of the extra `formats`.  Out: the module.  Never loads one that nobody asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from nercot.errors import InputError


def needed(package: str, what: str) -> Any:
    """The module of a package; InputError says what to install where it is missing."""
    try:
        return import_module(package)
    except ModuleNotFoundError as error:
        raise InputError(f'{what} are read and written with {package}: pip install "nercot[formats]"') from error
