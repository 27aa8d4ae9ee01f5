"""A seeded, stratified sample: which rows of a corpus are drawn.

In: (key, layer) of every row, in order.  Out: the keys drawn, and how many of how many in each layer.  Every layer
gets its share by the largest remainder, and at least one row while there are enough; within a layer each row is as
likely as any other.  The same rows, size and seed give the same sample.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sample:
    """What was drawn: `keys`; layer -> (drawn, of); `rows` there were in all."""

    keys: frozenset[str]
    layers: Mapping[str, tuple[int, int]]
    rows: int

    @property
    def whole(self) -> bool:
        """Whether nothing was left out."""
        return len(self.keys) == self.rows


def draw(keys: Iterable[tuple[str, str]], size: int, seed: int) -> Sample:
    """Draws `size` rows (all where there are no more) over the layers."""
    layers: dict[str, list[str]] = {}
    for key, layer in keys:
        layers.setdefault(layer, []).append(key)
    rows = sum(map(len, layers.values()))
    shares = share({layer: len(found) for layer, found in layers.items()}, size)
    drawn = {layer: _first(found, shares[layer], seed) for layer, found in layers.items()}
    told = {layer: (shares[layer], len(found)) for layer, found in sorted(layers.items())}
    return Sample(frozenset(key for found in drawn.values() for key in found), told, rows)


def share(sizes: Mapping[str, int], size: int) -> dict[str, int]:
    """Divides `size` over layers in proportion to their sizes, by the largest remainder; none gets more than it has."""
    rows = sum(sizes.values())
    if size >= rows:
        return dict(sizes)
    floor = {layer: 1 if size >= len(sizes) else 0 for layer in sizes}
    left = size - sum(floor.values())
    rest = {layer: count - floor[layer] for layer, count in sizes.items()}
    total = sum(rest.values()) or 1
    shares = {layer: floor[layer] + left * count // total for layer, count in rest.items()}
    by_remainder = sorted(rest, key=lambda layer: (-(left * rest[layer] % total), layer))
    for layer in by_remainder[: size - sum(shares.values())]:
        shares[layer] += 1
    return shares


def _first(keys: list[str], count: int, seed: int) -> list[str]:
    """The keys with the smallest hashes: a draw that no other row's presence changes."""
    if count >= len(keys):
        return keys
    return sorted(keys, key=lambda key: hashlib.sha256(f"{seed} {key}".encode("utf-8", "surrogatepass")).digest())[
        :count
    ]
