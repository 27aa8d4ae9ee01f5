"""Validation and test rows, drawn from what was selected.

In: the selected records with the earlier ones that they repeat.  Out: the guids of each split; all others are
train.  A family (records that repeat each other, also through a third) is never divided.  Families are drawn in
the order of a hash of their first guid, so without any random number: the same corpus gives the same split, and
a corpus that grows keeps most of it.  Memory: about 300 bytes a record.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping

from nercot.errors import RecipeError


class Families:
    """Which records repeat which."""

    def __init__(self) -> None:
        self._parent: dict[str, str] = {}

    def add(self, guid: str, repeats: Iterable[str] = ()) -> None:
        """Takes a record, by ascending guid, with records taken before that it repeats."""
        self._parent[guid] = guid
        for other in repeats:
            one, another = self._first(guid), self._first(other)
            self._parent[max(one, another)] = min(one, another)

    def _first(self, guid: str) -> str:
        while (parent := self._parent[guid]) != guid:
            self._parent[guid] = self._parent[parent]
            guid = parent
        return guid

    def draw(self, wanted: Mapping[str, int]) -> dict[str, list[str]]:
        """For each split (name -> number of rows) its guids, sorted; fewer only where no family fits.

        Raises RecipeError where no row would be left for train.
        """
        asked = sum(wanted.values())
        if asked and asked >= len(self._parent):
            keys = " and ".join(f"split.{name} = {number}" for name, number in wanted.items() if number)
            raise RecipeError(f"{keys}: only {len(self._parent)} records were selected; ask for fewer")
        families: dict[str, list[str]] = {}
        for guid in self._parent:
            families.setdefault(self._first(guid), []).append(guid)
        waiting = sorted(families, key=_rank)
        splits: dict[str, list[str]] = {}
        for name, number in wanted.items():
            drawn: list[str] = []
            left = []
            for first in waiting:
                if len(drawn) + len(families[first]) <= number:
                    drawn += families[first]
                else:
                    left.append(first)
            waiting = left
            splits[name] = sorted(drawn)
        return splits


def _rank(guid: str) -> bytes:
    return hashlib.sha256(f"split {guid}".encode()).digest()
