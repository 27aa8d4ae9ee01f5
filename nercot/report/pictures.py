"""Manifest + stats -> the pictures of a release's card: funnel, scores, types, as SVG.

In: the figures.  Out: `pictures/*.svg`, plain bars with text that is text, so that a type in any script is drawn with
the reader's own fonts.  The same figures give the same bytes on every machine.  Never measures a font: the space for
names is that of the longest one that is shown.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from unicodedata import east_asian_width
from xml.sax.saxutils import escape

from nercot.corpus.tables import write_text

FOLDER = "pictures"
_TOP = 15
_KEPT, _LOST = "#2a6f97", "#d9d9d9"
# Pixels: of a picture, of the column of names, of the end where figures stand, of a bar with its gap.
_WIDTH, _NAMES, _FIGURES, _ROW = 720, 230, 70, 24
# Columns of a name: a letter takes one, a wide character (Han, kana, hangul) two.
_LONGEST_NAME = 32
_BINS, _TALL = 21, 180


def draw(folder: Path, manifest: Mapping[str, Any], stats: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Writes the pictures of a release; returns the path and the caption of each."""
    pictures = [("funnel", "Records that each step kept and dropped", _funnel(manifest["steps"]))]
    if manifest["scores"]:
        threshold = float(manifest["recipe"]["select"]["threshold"])
        pictures.append(("scores", "Scores of the judge", _scores(manifest["scores"], threshold)))
    pictures.append(("types", "The most frequent types", _types(stats["types"])))
    for name, caption, (height, shapes) in pictures:
        write_text(folder / FOLDER / f"{name}.svg", _svg(caption, height, shapes))
    return [(f"{FOLDER}/{name}.svg", caption) for name, caption, _ in pictures]


def _svg(title: str, height: int, shapes: Sequence[str]) -> str:
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{height}" '
        f'viewBox="0 0 {_WIDTH} {height}" role="img" font-family="sans-serif" font-size="12" fill="#222">'
    )
    ground = f'<rect width="{_WIDTH}" height="{height}" fill="#fff"/>'
    return "\n".join((head, f"<title>{escape(title)}</title>", ground, *shapes, "</svg>")) + "\n"


def _text(x: float, y: float, text: str, anchor: str = "start") -> str:
    return f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}">{escape(text)}</text>'


def _rect(x: float, y: float, width: float, height: float, color: str) -> str:
    return f'<rect x="{x:g}" y="{y:g}" width="{round(width, 1):g}" height="{round(height, 1):g}" fill="{color}"/>'


def _bars(rows: Sequence[tuple[str, int, int]], top: int) -> Iterator[str]:
    """A bar for each (name, whole, part of it): the part dark, the rest light, the part's figure at the end."""
    most = max((whole for _, whole, _ in rows), default=0) or 1
    room = _WIDTH - _NAMES - _FIGURES
    for place, (name, whole, part) in enumerate(rows):
        y = top + place * _ROW
        yield _text(_NAMES - 8, y + 14, _short(name), "end")
        yield _rect(_NAMES, y, room * whole / most, _ROW - 6, _LOST)
        yield _rect(_NAMES, y, room * part / most, _ROW - 6, _KEPT)
        yield _text(_NAMES + room * whole // most + 6, y + 14, f"{part:,}")


def _funnel(steps: Sequence[Mapping[str, Any]]) -> tuple[int, list[str]]:
    key = [_rect(_NAMES, 10, 12, 12, _KEPT), _text(_NAMES + 18, 20, "kept")]
    key += [_rect(_NAMES + 80, 10, 12, 12, _LOST), _text(_NAMES + 98, 20, "not kept")]
    rows = [(step["step"], step["in"], step["kept"]) for step in steps]
    return 40 + _ROW * len(rows), [*key, *_bars(rows, 34)]


def _types(counts: Mapping[str, int]) -> tuple[int, list[str]]:
    rows = [(name, count, count) for name, count in list(counts.items())[:_TOP]]
    return 34 + _ROW * len(rows), [_text(_NAMES, 18, "mentions"), *_bars(rows, 28)]


def _scores(scores: Mapping[str, int], threshold: float) -> tuple[int, list[str]]:
    """Scores in bins of half a point (9 is what lies in [9, 9.5)), the threshold marked."""
    bins = [0] * _BINS
    for score, count in scores.items():
        bins[int(float(score) * 2)] += count
    left, floor, step = 60, _TALL + 24, 30
    shapes = [_text(left, 14, f"attempts by score; kept from {threshold:g}")]
    for place, count in enumerate(bins):
        x, height = left + place * step, _TALL * count / max(bins)
        shapes.append(_rect(x, floor - height, step - 4, height, _KEPT if place / 2 >= threshold else _LOST))
        if count:
            shapes.append(_text(x + (step - 4) / 2, floor - round(height, 1) - 4, f"{count:,}", "middle"))
        if place % 2 == 0:
            shapes.append(_text(x, floor + 16, f"{place // 2}", "middle"))
    mark = left + threshold * 2 * step
    line = f'<line x1="{mark:g}" y1="24" x2="{mark:g}" y2="{floor}" stroke="#222" stroke-dasharray="4 3"/>'
    return floor + 28, [*shapes, line]


def _short(name: str) -> str:
    """A type's name in one line of the column of names; what cannot be shown is a point."""
    plain = "".join(char if char.isprintable() else "·" for char in name)
    kept, taken = "", 0
    for char in plain:
        taken += 2 if east_asian_width(char) in "WF" else 1
        if taken > _LONGEST_NAME:
            return f"{kept}…"
        kept += char
    return kept
