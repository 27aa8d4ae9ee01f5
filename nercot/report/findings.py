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
_AUDITED = 40
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
    exact = _count(found["exact"], "with the same text and types as another one", choice["duplicates"])
    like = "with almost the same words as another one (case and punctuation aside, at most one in seven differs)"
    return f"{exact}  {_count(found['near'], like, choice['near_duplicates'])}"


def _count(found: int | None, what: str, choice: str) -> str:
    """So many records, and what was done with them."""
    if found is None:
        return f"Records {what} were not looked for."
    return f"Records {what}: {found}" + (f"; they {_DONE[choice]}." if found else ".")


def _conflicts(manifest: Manifest) -> str:
    found = manifest["conflicting_gold"]
    if not found["texts"]:
        return "No text has two rows whose gold differs in a type that both ask for."
    first = found["examples"][0]
    return (
        f"Texts with rows whose gold differs in a type that both ask for: {found['texts']}.  The source annotates them "
        f"in two ways, for example `{first['guid']}` and `{first['other']}`; `manifest.json` lists more."
    )


def _tested(manifest: Manifest, cell: Escape) -> str:
    found = manifest.get("contamination")
    if found is None:
        return "Whether benchmarks' test sets are in the corpus was not looked at (`benchmarks.path`)."
    sets = ", ".join(f"{cell(name)} ({count} sentences)" for name, count in found["sentences"].items())
    what = "like a sentence of these, or with one in it"
    said = [
        f"Test sets looked at: {sets or 'none'}.",
        _count(found["records"], what, manifest["recipe"]["select"]["contamination"]),
        "Only test files and files of no split count; training and development files are no contamination.",
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
    """The table of `nercot calibrate`, where it was run."""
    found = manifest.get("calibration")
    if found is None:
        return None
    rules, judge = found["rules"], found["judge"]
    kinds = [
        {
            "name": cell(kind.replace("_", " ")),
            "made": made["made"],
            "caught": made["caught"],
            "rules": ", ".join(f"{cell(rule)} {count}" for rule, count in made["by_rule"].items()),
            "kept": judge["faults"][kind]["kept"] if judge else "-",
            "auc": _figure(judge["faults"][kind]["auc"] if judge else None),
            "both": judge["faults"][kind]["kept_and_valid"] if judge else "-",
            "read": _caught_by_reader(found, kind),
        }
        for kind, made in rules["faults"].items()
    ]
    right = rules["right"]
    about = (
        f"{right['made']} records were taken as right (seed {found['seed']}); the rules lose {right['lost']} of them.  "
        "Of the others answers were made that are wrong in one known way, and given to the rules"
        + (f", and to the judge {cell(judge['model'])} whatever the rules said." if judge else ".")
    )
    if judge is None:
        return {"about": about, "kinds": kinds, "said": " ".join(["No judge was asked.", *_of_readings(found, cell)])}
    said = (
        f"The judge keeps {judge['right']['kept']} of {judge['right']['judged']} right records at a score of "
        f"{judge['threshold']:g}; its AUC over all faults is {_figure(judge['auc'])} (0.5 is chance).  Asked "
        f"{judge['repeats']} times, its scores for one trace have a variance of {_figure(judge['variance'])}; they "
        f"correlate with the length of right traces at {_figure(judge['length_correlation'])}."
    )
    if (judge["model"], judge["threshold"]) != (manifest["models"]["judge"]["asked"], _threshold(manifest)):
        said += "  **Since then the judge or the threshold has changed**; `nercot calibrate` measures what holds now."
    return {"about": about, "kinds": kinds, "said": "\n\n".join([said, *_of_reader(found, cell), *_of_curve(found)])}


def _caught_by_reader(found: Mapping[str, Any], kind: str) -> str:
    reader = found.get("reader")
    return (
        "-"
        if not reader or not reader["faults"][kind]["read"]
        else f"{reader['faults'][kind]['caught']} of {reader['faults'][kind]['read']}"
    )


def _of_readings(found: Mapping[str, Any], cell: Escape) -> list[str]:
    """What a reader alone catches."""
    if not (reader := found.get("reader")):
        return []
    right = reader["right"]
    return [
        f"The reader {cell(reader['model'])} refuses {right['lost']} of {right['read']} right records.  It sees the "
        "trace alone, so that what it says of one holds for every answer beside it; a boundary that moved is no fault "
        "to it."
    ]


def _of_reader(found: Mapping[str, Any], cell: Escape) -> list[str]:
    """What the reader adds to the judge, and the judge to the reader."""
    reader, adds = found.get("reader"), found.get("together", {}).get("adds")
    if not reader or not adds:
        return []
    right = reader["right"]
    return [
        f"The reader {cell(reader['model'])} refuses {right['lost']} of {right['read']} right records.  Of "
        f"{adds['faults']} faulty answers that both looked at, reader and judge refuse {adds['both']}, the reader "
        f"alone {adds['reader_alone']}, the judge alone {adds['judge_alone']}, and {adds['neither']} pass both."
    ]


def _of_curve(found: Mapping[str, Any]) -> list[str]:
    """What moves with the form alone, and what a threshold keeps, beside the paper's share."""
    said = []
    if moved := found.get("invariance"):
        parts = [
            f"{kind.replace('_', ' ')} {each['verdict_moved']} verdicts, {each['score_moved']} scores of {each['made']}"
            for kind, each in moved.items()
        ]
        said.append(f"Right answers in another form should be judged alike; what moved: {'; '.join(parts)}.")
    curve = found.get("curve")
    if curve and curve["proposed"] is not None:
        said.append(
            f"Of thresholds from 0 to 10, {curve['proposed']:g} is the lowest that keeps as large a share equal to "
            f"gold as any (within its 95 % interval); the paper kept {curve['paper_kept']:.1%} of its rows at 9."
        )
    return said


def _threshold(manifest: Manifest) -> float:
    found: float = manifest["recipe"]["select"]["threshold"]
    return found


def _figure(value: float | None) -> str:
    """A figure, or that there is none (nothing to compare, or nothing that varies)."""
    return "-" if value is None else f"{value:.2f}"


def audited(manifest: Manifest, cell: Escape) -> dict[str, Any] | None:
    """What people who judged a sample say of the corpus; None where nobody did."""
    found = manifest.get("audit")
    if not found:
        return None
    checks = {name: check for name, check in found["checks"].items() if check}
    return {
        "answers": found["answers"],
        "before": found["fingerprint"][:12] if "standing" in found else None,
        "kept": found["kept"]["answers"],
        "standing": found.get("standing"),
        "people": ", ".join(f"{cell(person)} ({count})" for person, count in found["people"].items()),
        "shares": [
            ("kept rows that are right", _share(found["kept"]["share"])),
            ("the same, corrected by what the judge says of all rows", _share(found["corrected"])),
            ("entities of kept rows that are right", _share(found["entities"])),
            ("dropped answers that are right after all", _share(found["dropped"]["share"])),
        ],
        "types": [(cell(name), _share(share)) for name, share in list(found["types"].items())[:_AUDITED]],
        "datasets": [(cell(name), _share(each["rows"])) for name, each in found["datasets"].items()],
        "checks": [
            (name, _share(check["sensitivity"]), _share(check["specificity"]), check.get("auc") or "-")
            for name, check in checks.items()
        ],
        "agreement": [{**pair, "people": " and ".join(map(cell, pair["people"]))} for pair in found["agreement"]],
    }


def _share(share: Mapping[str, Any] | None) -> str:
    if share is None:
        return "not defined"
    return f"{share['value']:.3f} ({share['low']:.3f} to {share['high']:.3f}, n = {share['n']})"
