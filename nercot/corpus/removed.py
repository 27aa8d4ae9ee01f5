"""Takedown: sentences that must not come back, known by hash and reason alone.

In: `releases/<corpus>/removed.jsonl`, and the list of guids that a user wants gone.  Out: Removals by the hash
of their sentence, and the dropped outcome that stands in place of such a row.  Never holds, and never
writes, a sentence or where in its source it stands.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from unicodedata import normalize

from nercot.corpus.records import Outcome, Record
from nercot.corpus.tables import write_text
from nercot.errors import InputError

_LINE = re.compile(r"(?P<guid>[0-9a-f]{32}(?:-\d+)?)(?:[\s,;]+(?P<reason>.*\S))?\s*")


@dataclass(frozen=True, slots=True)
class Removal:
    """One sentence that was taken down: its hash, why, and the guids of the records that had it."""

    sentence: str
    reason: str | None
    guids: tuple[str, ...]


def sentence_hash(sentence: str) -> str:
    """64 hex digits that are equal for sentences with the same text (NFC, white space collapsed, case kept)."""
    return hashlib.sha256(collapsed(sentence).encode("utf-8", "surrogatepass")).hexdigest()


def collapsed(text: str) -> str:
    """Text as takedowns compare it: NFC, and one space for all white space."""
    return " ".join(normalize("NFC", text).split())


def taken_down(guid: str, dataset: str, license: str, removal: Removal) -> Outcome:
    """What is left of a record that was taken down: that it was there, and why it is gone."""
    return Outcome(Record(guid, dataset, "", (), license=license), "removed", removal.reason)


def read_removed(releases: Path, corpus: str) -> dict[str, Removal]:
    """What was taken down from a corpus, by the hash of the sentence; InputError for a damaged file."""
    path = _path(releases, corpus)
    if not path.exists():
        return {}
    removals: dict[str, Removal] = {}
    for number, line in enumerate(path.read_bytes().splitlines(), 1):
        try:
            row = json.loads(line)
            removal = Removal(row["sentence"], row["reason"], tuple(row["guids"]))
        except (ValueError, KeyError, TypeError) as error:
            raise InputError(
                f"{path}: line {number} is damaged; restore the file, it says what must not return"
            ) from error
        removals[removal.sentence] = removal
    return removals


def write_removed(releases: Path, corpus: str, removals: Mapping[str, Removal]) -> None:
    """Writes what was taken down, whole or not at all."""
    rows = [
        {"sentence": item.sentence, "reason": item.reason, "guids": list(item.guids)}
        for _, item in sorted(removals.items())
    ]
    write_text(_path(releases, corpus), "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))


def removed_guids(releases: Path) -> frozenset[str]:
    """The guids that were taken down from any corpus: what an export of the ledger has to leave out."""
    found = (read_removed(releases, path.parent.name) for path in releases.glob("*/removed.jsonl"))
    return frozenset(guid for removals in found for item in removals.values() for guid in item.guids)


def read_guids(path: Path) -> dict[str, str | None]:
    """The guids of a list, each with its reason: a guid a line, then (after a space or comma) the reason.

    Empty lines and lines that begin with # are passed over.  Raises InputError that names the line.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read as UTF-8 text; check the path") from error
    found: dict[str, str | None] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        match = _LINE.fullmatch(line.strip())
        if match is None:
            raise InputError(f"{path}: line {number} does not begin with a guid (32 hex digits); mend it")
        found[match["guid"]] = match["reason"]
    if not found:
        raise InputError(f"{path}: names no guid; write one a line, and a reason behind it if there is one")
    return found


def _path(releases: Path, corpus: str) -> Path:
    return releases / corpus / "removed.jsonl"
