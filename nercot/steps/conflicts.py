"""Texts that the source annotates in two ways.

In: source rows.  Out: how many texts stand in several rows whose gold differs, and examples.  Compared are the
mentions of each type that two rows both ask for, so another schema alone is no conflict.  A finding about the
source, not a reason to drop: nothing here knows which of two annotations is right.

Memory: 8 bytes a row while repeated texts are looked for, then the gold of the texts that occur more than once.
"""

from __future__ import annotations

import hashlib
from collections.abc import Container, Iterable
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from nercot.corpus.labels import fold_label
from nercot.corpus.spool import Numbers
from nercot.corpus.work import Row
from nercot.steps.duplicates import plain_text

EXAMPLES = 20
_BATCH = 1000


def text_number(sentence: str) -> int:
    """8 bytes that are equal for equal texts (NFC, white space collapsed, case kept)."""
    digest = hashlib.blake2b(plain_text(sentence).encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "little")


def repeated(numbers: Iterable[int], path: Path) -> frozenset[int]:
    """The numbers (of texts, or of texts with types) that occur more than once; `path` is for a file while it looks."""
    import numpy as np

    stream, column = iter(numbers), Numbers(path)
    while len(some := np.fromiter(islice(stream, _BATCH), np.uint64)):
        column.add(some)
    found = frozenset(column.repeated().tolist())
    column.close()
    return found


@dataclass(slots=True)
class Conflicts:
    """Compares the gold of rows with the same text; `repeated`: the numbers of the texts worth a look."""

    repeated: Container[int]
    texts: set[int] = field(default_factory=set)
    examples: list[dict[str, str]] = field(default_factory=list)
    _gold: dict[tuple[int, str], tuple[tuple[str, ...], str]] = field(default_factory=dict)

    def add(self, row: Row) -> None:
        """Takes one row; the first of a text is what later ones are compared with."""
        number = text_number(row["sentence"]) if row["gold"] is not None else None
        if number is None or number not in self.repeated:
            return
        for label in row["schema"]:
            folded = fold_label(label)
            mentions = sorted(plain_text(item["text"]) for item in row["gold"] if fold_label(item["label"]) == folded)
            known, guid = self._gold.setdefault((number, folded), (tuple(mentions), row["guid"]))
            if known != tuple(mentions):
                self._note(number, {"guid": guid, "other": row["guid"], "type": label})

    def _note(self, number: int, example: dict[str, str]) -> None:
        if number not in self.texts and len(self.examples) < EXAMPLES:
            self.examples.append(example)
        self.texts.add(number)

    def summary(self) -> dict[str, Any]:
        """The number of texts, and the first examples: two guids and a type."""
        return {"texts": len(self.texts), "examples": self.examples}
