"""Finds the files that ship with the package: schemas/, corpora/, cards/.

In a checkout they lie beside the package, in a wheel inside it.  Gives paths; never writes.
"""

from __future__ import annotations

from pathlib import Path

from nercot.errors import NercotError

_PACKAGE = Path(__file__).resolve().parents[1]


def resource(folder: str, name: str = "") -> Path:
    """The path of `folder/name`, wherever this installation keeps it."""
    for base in (_PACKAGE, _PACKAGE.parent):
        path = base / folder / name
        if path.exists():
            return path
    raise NercotError(f"{folder}/{name} is missing from this installation: install nercot again")
