"""The funnel and the histograms of a page, as SVG without a style or a script of its own.

In: the steps of a manifest, scores, lengths.  Out: SVG text for the page, coloured by the classes of its style sheet.
Every picture has a label that says the same in words; what was dropped is hatched, so that no colour carries it alone.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

_WIDTH, _HEIGHT = 300, 104
_NAME, _BAR, _ROW = 62, 128, 17
_BINS = 20
_BASE = 84


def funnel(steps: Sequence[Mapping[str, Any]]) -> str:
    """A bar a step: what it kept, and, hatched, what it did not."""
    most = max([step["in"] for step in steps], default=0) or 1
    height = max(_HEIGHT, _ROW * len(steps) + 4)
    words, parts = [], []
    for place, step in enumerate(steps):
        top = 4 + place * _ROW
        whole, kept = _BAR * step["in"] / most, _BAR * step["kept"] / most
        lost = step["in"] - step["kept"]
        words.append(f"{step['step']}: {step['kept']} of {step['in']} kept")
        told = f"{step['kept']:,}" + (f"  −{lost:,}" if lost else "")
        parts.append(
            f'<text class="name" x="0" y="{top + 11}">{html.escape(str(step["step"]))}</text>'
            f'<rect class="lost" x="{_NAME}" y="{top}" width="{_px(whole)}" height="13"/>'
            f'<rect class="bar" x="{_NAME}" y="{top}" width="{_px(kept)}" height="13"/>'
            f'<text x="{_px(_NAME + whole + 6)}" y="{top + 11}">{told}</text>'
        )
    return _svg("funnel", "Kept by each step", ", ".join(words), height, "".join(parts))


def scores(counts: Mapping[str, int], threshold: float | None) -> str:
    """Scores of the judge in bins of half a point, the threshold as a dashed line; '' without scores."""
    if not counts:
        return ""
    bins = [0] * 21
    for score, count in counts.items():
        bins[min(20, max(0, int(float(score) * 2)))] += count
    step = _WIDTH / 21
    parts = _bars(bins)
    if threshold is not None:
        line = _px(threshold * 2 * step)
        parts += f'<line class="mark" x1="{line}" x2="{line}" y1="2" y2="{_BASE}"/>'
    for tick in (0, 5, 10):
        parts += f'<text x="{_px((tick * 2 + 0.5) * step)}" y="{_BASE + 14}" text-anchor="middle">{tick}</text>'
    least = "" if threshold is None else f", kept from {threshold:g}"
    words = ", ".join(f"{place / 2:g}: {count}" for place, count in enumerate(bins) if count)
    return _svg("scores", f"Scores of the judge{least}", words, _HEIGHT, parts)


def lengths(name: str, title: str, found: Iterable[int]) -> str:
    """Lengths in characters up to the 99th percentile, longer ones in the last bar; '' without any."""
    values = sorted(found)
    if not values:
        return ""
    top = max(1, values[min(len(values) - 1, len(values) * 99 // 100)])
    width = _round_up(top / _BINS)
    bins = [0] * _BINS
    for value in values:
        bins[min(_BINS - 1, value // width)] += 1
    parts = _bars(bins)
    longer = "+" if values[-1] >= width * _BINS else ""
    for share, anchor in ((0, "start"), (0.5, "middle"), (1, "end")):
        text = f"{round(width * _BINS * share):,}{longer if share == 1 else ''}"
        parts += f'<text x="{_px(_WIDTH * share)}" y="{_BASE + 14}" text-anchor="{anchor}">{text}</text>'
    words = f"median {values[len(values) // 2]}, longest {values[-1]} characters"
    return _svg(name, f"{title}: {words}", words, _HEIGHT, parts)


def _bars(bins: Sequence[int]) -> str:
    most, step = max(bins) or 1, _WIDTH / len(bins)
    drawn = []
    for place, count in enumerate(bins):
        if count:
            height = max(1.5, (_BASE - 4) * count / most)
            x, y = _px(place * step + 1), _px(_BASE - height)
            drawn.append(
                f'<rect class="bar" x="{x}" y="{y}" width="{_px(step - 2)}" height="{_px(height)}">'
                f"<title>{count}</title></rect>"
            )
    return "".join(drawn) + f'<line class="axis" x1="0" x2="{_WIDTH}" y1="{_BASE}" y2="{_BASE}"/>'


def _svg(name: str, title: str, words: str, height: int, parts: str) -> str:
    pattern = (
        '<defs><pattern id="hatch" width="5" height="5" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
        '<rect class="ground" width="5" height="5"/><line class="stroke" x1="0" x2="0" y1="0" y2="5"/></pattern></defs>'
    )
    label = html.escape(f"{title}. {words}", quote=True)
    return (
        f'<figure class="chart {name}"><svg role="img" aria-label="{label}" viewBox="0 0 {_WIDTH} {height}">'
        f"{pattern if name == 'funnel' else ''}{parts}</svg><figcaption>{html.escape(title)}</figcaption></figure>"
    )


def _px(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


def _round_up(value: float) -> int:
    """The next of 1, 2, 5, 10, 20, ...: bins whose borders can be read."""
    size = 1
    while True:
        for factor in (1, 2, 5):
            if size * factor >= value:
                return size * factor
        size *= 10
