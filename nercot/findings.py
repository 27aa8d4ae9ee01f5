"""What was found about a corpus, in the words of its card: drift, duplicates, test sets, calibration.

In: a manifest, and how text is escaped.  Out: values for cards/dataset.md.j2.  Says of everything that was not
looked for that it was not.  Computes nothing that the manifest does not hold.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Manifest = Mapping[str, Any]
Escape = Callable[[Any], str]

_CONFUSIONS = 20
_KINDS = ("same", "boundary", "relabelled", "added", "removed")
_DONE = {"drop": "are left out (config `dropped`)", "flag": "are kept and flagged"}


def findings(manifest: Manifest, cell: Escape) -> dict[str, Any]:
    """The values of the card's sections about quality."""
    return {
        "drift": _drift(manifest, cell),
        "duplicates": _duplicates(manifest),
        "conflicts": _conflicts(manifest),
        "tested": _tested(manifest, cell),
        "matrix": _matrix(manifest, cell),
        "calibration": _calibration(manifest, cell),
    }


def _drift(manifest: Manifest, cell: Escape) -> dict[str, Any] | None:
    drift = manifest["drift"]
    if not drift["records"]:
        return None
    listed = drift["confusions"][:_CONFUSIONS]
    left = drift["confusions_left"] + sum(item["count"] for item in drift["confusions"][_CONFUSIONS:])
    return {
        "kinds": [(kind, drift["records"].get(kind, 0), drift["entities"].get(kind, 0)) for kind in _KINDS],
        "confusions": [(cell(item["gold"] or "-"), cell(item["found"] or "-"), item["count"]) for item in listed],
        "left": left,
    }


def _duplicates(manifest: Manifest) -> str:
    found, choice = manifest["duplicates"], manifest["recipe"]["select"]
    exact = "Records with the same text and types were not looked for."
    if found["exact"] is not None:
        exact = (
            f"{found['exact']} records repeat the text and the types of another one and {_DONE[choice['duplicates']]}."
        )
    near = "Near-duplicates were not looked for."
    if found["near"] is not None:
        near = (
            f"{found['near']} more have almost the same words as another one (column `near_duplicate_of`; case and "
            f"punctuation aside, at most one word in seven differs) and {_DONE[choice['near_duplicates']]}."
        )
    return f"{exact}  {near}"


def _conflicts(manifest: Manifest) -> str:
    found = manifest["conflicting_gold"]
    if not found["texts"]:
        return "No text has two rows whose gold differs in a type that both ask for."
    first = found["examples"][0]
    return (
        f"{found['texts']} texts have rows whose gold differs in a type that both ask for: the source annotates them in "
        f"two ways (for example `{first['guid']}` and `{first['other']}`; `manifest.json` lists more)."
    )


def _tested(manifest: Manifest, cell: Escape) -> str:
    found = manifest.get("contamination")
    if found is None:
        return "Whether benchmarks' test sets are in the corpus was not looked at (`benchmarks.path`)."
    sets = ", ".join(f"{cell(name)} ({count} sentences)" for name, count in found["sentences"].items())
    records = sum(count for row in found["matrix"].values() for count in row.values())
    done = _DONE[manifest["recipe"]["select"]["contamination"]]
    said = [
        f"Test sets looked at: {sets or 'none'}.  {records} records are like a test sentence, or have one in them, and "
        f"{done}.  Only test files and files of no split count; training and development files are no contamination."
    ]
    for key, what in (
        ("missing", "Benchmarks of the paper without a test set at hand"),
        ("untested", "Only training or development files at hand"),
        ("unreadable", "Files that could not be read"),
    ):
        if found[key]:
            said.append(f"{what}: {', '.join(map(cell, found[key]))}.")
    return "  ".join(said)


def _matrix(manifest: Manifest, cell: Escape) -> dict[str, Any] | None:
    """Datasets of the corpus against benchmarks."""
    rows: Mapping[str, Mapping[str, int]] = (manifest.get("contamination") or {}).get("matrix") or {}
    names = sorted({name for row in rows.values() for name in row})
    if not names:
        return None
    return {
        "benchmarks": [cell(name) for name in names],
        "rows": [(cell(dataset), [row.get(name, 0) for name in names]) for dataset, row in rows.items()],
    }


def _calibration(manifest: Manifest, cell: Escape) -> dict[str, Any] | None:
    return None
