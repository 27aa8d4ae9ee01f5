"""Manifest + stats -> the pictures of a release's card: funnel, scores, types, as SVG.

Made with matplotlib (extra `publish`); the same figures give the same bytes, whatever the machine's fonts or date.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nercot.corpus.tables import replacing
from nercot.errors import OutputError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FOLDER = "pictures"
_TOP = 15
_KEPT, _LOST, _BAR = "#2a6f97", "#d9d9d9", "#2a6f97"
_LONGEST_NAME = 32


def draw(folder: Path, manifest: Mapping[str, Any], stats: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Writes the pictures of a release; returns the path and the caption of each.

    Raises OutputError where matplotlib is missing.
    """
    pictures: list[tuple[str, str, float, Callable[[Axes], None]]] = [
        ("funnel", "Records that each step kept and dropped", 2.6, lambda axes: _funnel(axes, manifest)),
        ("scores", "Scores of the judge", 2.6, lambda axes: _scores(axes, manifest)),
        ("types", "The most frequent types", 4.0, lambda axes: _types(axes, stats)),
    ]
    made = []
    for name, caption, height, paint in pictures:
        if name == "scores" and not manifest["scores"]:
            continue
        path = f"{FOLDER}/{name}.svg"
        _save(folder / path, height, paint)
        made.append((path, caption))
    return made


def _save(path: Path, height: float, paint: Callable[[Axes], None]) -> None:
    try:
        import matplotlib
    except ImportError as error:
        raise OutputError('a release needs matplotlib: pip install "nercot[publish]"') from error
    matplotlib.use("Agg")
    from matplotlib.figure import Figure

    settings: Any = {
        "svg.hashsalt": "nercot",
        "svg.fonttype": "path",
        "font.family": "DejaVu Sans",
        "font.size": 9,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "text.parse_math": False,
    }
    with matplotlib.rc_context(), replacing(path) as temporary:
        # A user's own matplotlibrc must not show in a release.
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(settings)
        figure = Figure(figsize=(7.2, height), layout="constrained")
        paint(figure.subplots())
        figure.savefig(temporary, format="svg", metadata={"Date": None, "Creator": "nercot"})


def _funnel(axes: Axes, manifest: Mapping[str, Any]) -> None:
    steps = manifest["steps"]
    places = range(len(steps))
    axes.barh(places, [step["in"] for step in steps], color=_LOST, label="not kept")
    axes.barh(places, [step["kept"] for step in steps], color=_KEPT, label="kept")
    axes.set_yticks(places, [step["step"] for step in steps])
    axes.invert_yaxis()
    axes.set_xlabel("records")
    for place, step in zip(places, steps, strict=True):
        axes.annotate(f" {step['kept']:,}", (step["in"], place), va="center")
    axes.margins(x=0.12)
    axes.legend(frameon=False, loc="upper center", bbox_to_anchor=(0.5, 1.18), ncols=2)


def _scores(axes: Axes, manifest: Mapping[str, Any]) -> None:
    """Scores in bins of half a point (9 is what lies in [9, 9.5)), the threshold marked."""
    bins = [0] * 21
    for score, count in manifest["scores"].items():
        bins[int(float(score) * 2)] += count
    axes.bar([place / 2 for place in range(21)], bins, width=0.42, align="edge", color=_BAR)
    threshold = manifest["recipe"]["select"]["threshold"]
    axes.axvline(threshold, color="black", linewidth=0.8, linestyle="--")
    axes.set_xlabel(f"score (kept from {threshold:g})")
    axes.set_ylabel("attempts")
    axes.set_xlim(-0.25, 10.75)


def _types(axes: Axes, stats: Mapping[str, Any]) -> None:
    top = list(stats["types"].items())[:_TOP]
    names = [_short(name) for name, _ in top]
    axes.barh(range(len(top)), [count for _, count in top], color=_BAR)
    axes.set_yticks(range(len(top)), names)
    axes.invert_yaxis()
    axes.set_xlabel("mentions")


def _short(name: str) -> str:
    """A type's name as a label of an axis; characters that the font lacks are shown as a point."""
    plain = "".join(char if char.isprintable() and ord(char) < 0x250 else "·" for char in name)
    return plain if len(plain) <= _LONGEST_NAME else f"{plain[: _LONGEST_NAME - 1]}…"
