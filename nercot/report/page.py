"""Rows -> one HTML file that needs no server, no network and no other file.

In: rows as shown.py gives them, and what is said about them as a whole.  Out: the bytes of the page: a small index of
all rows, and the rows themselves in deflated blocks that the page opens when it needs them.  The same rows give the
same bytes.  Traces are untrusted text: nothing of a row is ever markup (the page makes text nodes of it), every block
is base64, every `<` in the JSON is escaped, and the page's own policy (CSP) runs no script and applies no style but
those whose hashes it names.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Row = Mapping[str, Any]

# Characters of JSON in a block: little enough to open at once, enough to compress well.
BLOCK = 200_000
BLOCK_ROWS = 64
_HEAD = 140
_FOLDER = Path(__file__).with_name("page")
_SCRIPTS = ("store", "text", "filters", "list", "detail", "audit", "main")
MARK = "nercot page"

# The groups of filters, in the order in which they stand in the page.
FACETS = {
    "kept": "Outcome",
    "step": "Dropped at",
    "reason": "Reason",
    "flag": "Marked",
    "score": "Score",
    "drift": "Against gold",
    "dataset": "Data set",
    "teacher": "Teacher",
    "type": "Type",
}


@dataclass(slots=True)
class Page:
    """A page in the making: rows go in one at a time, bytes come out at the end.

    `answers`: its index says which answer each row shows first, for verdicts on it.
    """

    answers: bool = False
    rows: int = 0
    _blocks: list[tuple[str, int]] = field(default_factory=list)
    _open: list[str] = field(default_factory=list)
    _size: int = 0
    _codes: dict[str, dict[str, int]] = field(default_factory=lambda: {name: {} for name in FACETS})
    _counts: dict[str, Counter[str]] = field(default_factory=lambda: {name: Counter() for name in FACETS})
    _index: dict[str, list[Any]] = field(default_factory=dict)

    def add(self, row: Row) -> None:
        """Takes one row."""
        text = json.dumps(row, separators=(",", ":"))
        if self._open and (self._size + len(text) > BLOCK or len(self._open) == BLOCK_ROWS):
            self._close()
        self._put(row)
        self._open.append(text)
        self._size += len(text)
        self.rows += 1

    def _put(self, row: Row) -> None:
        attempts = row.get("attempts") or [{}]
        first = attempts[row.get("first", 0)]
        sentence = row.get("sentence")
        entry: dict[str, Any] = {
            "guid": row["guid"],
            "block": len(self._blocks),
            "at": len(self._open),
            "head": (sentence if sentence is not None else row.get("input") or "")[:_HEAD],
            "length": len(sentence or ""),
            "trace": len(first.get("cot") or ""),
            "entities": len(first.get("entities") or ()),
            "points": row.get("score"),
            **({"answer": first.get("answer")} if self.answers else {}),
        }
        for name, found in facets_of(row).items():
            entry[name] = [self._code(name, code) for code in dict.fromkeys(found)]
        for name, value in entry.items():
            self._index.setdefault(name, []).append(value)

    def _code(self, facet: str, code: str) -> int:
        self._counts[facet][code] += 1
        return self._codes[facet].setdefault(code, len(self._codes[facet]))

    def _close(self) -> None:
        self._blocks.append(_packed(f"[{','.join(self._open)}]"))
        self._open, self._size = [], 0

    def facets(self) -> list[dict[str, Any]]:
        """The filters that tell rows apart: name, title, and codes with their counts in the order of the index."""
        return [
            {"name": name, "title": title, "codes": [[code, self._counts[name][code]] for code in self._codes[name]]}
            for name, title in FACETS.items()
            if self._codes[name]
        ]

    def finish(self, about: Mapping[str, Any], overview: str = "") -> bytes:
        """The page.  `about`: what it says of all rows (title, corpus, mode, notes); `overview`: SVG of ours."""
        if self._open:
            self._close()
        head = {**about, "rows": self.rows, "facets": self.facets()}
        index = _packed(json.dumps(self._index, separators=(",", ":")))
        script = "\n".join((_FOLDER / f"{name}.js").read_text(encoding="utf-8") for name in _SCRIPTS)
        style = (_FOLDER / "page.css").read_text(encoding="utf-8")
        parts = {
            "policy": _policy(script, style),
            "mark": MARK,
            "title": html.escape(_valid(str(about["title"]))),
            "style": style,
            "overview": overview,
            "about": json.dumps(head, separators=(",", ":")).replace("<", "\\u003c"),
            "index": _data("index", index),
            "blocks": "\n".join(_data(f"block-{number}", block) for number, block in enumerate(self._blocks)),
            "script": script,
        }
        template = (_FOLDER / "page.html").read_text(encoding="utf-8")
        return "".join(_filled(template, parts)).encode()


def facets_of(row: Row) -> dict[str, list[str]]:
    """What a row can be found by: codes by group of filters."""
    attempts: Sequence[Row] = row.get("attempts") or ()
    shown: Row = attempts[row.get("first", 0)] if attempts else {}
    types = [item["label"] for item in shown.get("entities") or ()]
    return {
        "kept": [row["kept"]],
        "step": [row["step"]] if row.get("step") else [],
        "reason": [row["reason"]] if row.get("reason") else [],
        "flag": list(_flags(row, shown)),
        "score": [_range(row.get("score"))],
        "drift": [row["drift"]] if row.get("drift") else sorted({item["kind"] for item in shown.get("gold") or ()}),
        "dataset": [row.get("dataset") or "unknown"],
        "teacher": [item["teacher"] for item in attempts if item.get("teacher")],
        "type": types,
    }


def _flags(row: Row, shown: Row) -> Iterator[str]:
    if shown.get("cot") and any(item.get("cot_start") is None for item in shown.get("entities") or ()):
        yield "no_evidence"
    if shown.get("boundary"):
        yield "boundary"
    if (shown.get("reading") or {}).get("refused"):
        yield "refused_mentions"
    if row.get("near_duplicate_of"):
        yield "near_duplicate"
    if row.get("contaminated_by"):
        yield "contaminated"
    if len(row.get("attempts") or ()) > 1:
        yield "several_attempts"
    if row.get("sentence") is None and row.get("input") is None:
        yield "without_text"


def _range(score: float | None) -> str:
    """The range of a score, a point wide: 9-10 holds 9 and 10."""
    if score is None:
        return "unscored"
    low = min(int(score), 9)
    return f"{low}-{low + 1}"


def _packed(text: str) -> tuple[str, int]:
    """ASCII text as raw deflate in base64, and its length, by which the page sees that nothing is missing."""
    raw = text.encode("ascii")
    squeezed = zlib.compress(raw, 9, -zlib.MAX_WBITS)
    return base64.b64encode(squeezed).decode(), len(raw)


def _data(name: str, packed: tuple[str, int]) -> str:
    return f'<script type="text/plain" id="{name}" data-bytes="{packed[1]}">{packed[0]}</script>'


def _policy(script: str, style: str) -> str:
    return (
        f"default-src 'none'; script-src '{_hash(script)}'; style-src '{_hash(style)}'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _valid(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


def _filled(template: str, parts: Mapping[str, str]) -> Iterable[str]:
    """The template with its {{names}} replaced, each once and never inside what was put in."""
    for number, piece in enumerate(template.split("{{")):
        if number == 0:
            yield piece
            continue
        name, _, rest = piece.partition("}}")
        yield parts[name]
        yield rest
