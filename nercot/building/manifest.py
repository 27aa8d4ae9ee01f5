"""What the manifest of a candidate says: everything that decides its content, and what became of its records.

In: recipe, list of stages, what was read, written and selected.  Out: JSON values.  Nothing of a run: no dates, no
paths, no host names, no cost.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from nercot import __version__
from nercot.building.candidate import WRITER, Contents
from nercot.building.stages import StageList, funnel
from nercot.corpus.provenance import licenses_of
from nercot.corpus.recipe import NOBODY, Recipe
from nercot.corpus.records import answer_hash
from nercot.corpus.tables import read_rows
from nercot.corpus.work import Work
from nercot.errors import InputError
from nercot.formats.sources import sha256_of
from nercot.llm.address import content_of
from nercot.steps.ingest import Ingested
from nercot.steps.select import Selected

CALIBRATION = "calibration.json"
AUDIT = "audit.json"
# The answers that an audit is about, in AUDIT alone: guid and hash.
JUDGED = "judged"
# What the figures of an audit have at least.
_FIGURES = frozenset(("fingerprint", "answers", "people", "kept", "dropped", "checks", "types"))
_ROLES = {"annotate": "teacher", "read": "reader", "score": "judge"}


def manifest_of(
    recipe: Recipe,
    stages: StageList,
    ingested: Ingested,
    contents: Contents,
    selected: Selected,
    said: Mapping[str, Any],
) -> dict[str, Any]:
    """The manifest; `said`: the candidate's key, the prompts, recorded answers, and calibration and audit or None."""
    dropped = {
        "source": ingested.dropped,
        **{step: count for step, count in contents.dropped.items() if step != "source"},
    }
    drawn = sum(row["drawn"] for row in contents.draw)
    not_drawn = {"stratify": ingested.not_drawn, "draw": ingested.kept - drawn}
    steps = funnel(stages.funnel, ingested.rows, dropped, contents.pending, not_drawn)
    return {
        "corpus": recipe.name,
        "title": recipe.title,
        "about": recipe.about,
        "citation": recipe.citation,
        "language": list(recipe.language),
        "license": recipe.license,
        "fingerprint": contents.fingerprint,
        "key": said["key"],
        "partial": ingested.partial,
        "tool": __version__,
        "writer": WRITER,
        "recipe": manifest_recipe(recipe),
        "prompts": said["prompts"],
        "models": _models(recipe, stages, contents),
        "source": {"format": ingested.format, "files": ingested.files, "findings": ingested.findings},
        "licenses": licenses_of(contents.stats.origins),
        **_sampled(recipe, ingested, contents),
        **stages.ending.told,
        "steps": [step.row() for step in steps],
        "attempts": {str(attempt): count for attempt, count in sorted(contents.attempts.items())},
        "scores": {f"{score:g}": count for score, count in sorted(contents.scores.items())},
        "drift": contents.stats.drift_summary(),
        **_tallied(recipe, contents),
        **selected.findings,
        **({"disputed": contents.disputed} if contents.disputed else {}),
        **({"preference": contents.pairs.summary()} if contents.pairs.rows else {}),
        **({"recorded": said["recorded"]} if said["recorded"] else {}),
        **({"calibration": said["calibration"]} if said["calibration"] else {}),
        **({"audit": said["audit"]} if said["audit"] else {}),
        "files": contents.files,
    }


def _models(recipe: Recipe, stages: StageList, contents: Contents) -> dict[str, Any]:
    """The models as they were asked for, and as they named themselves; a role that no stage has is nobody's."""
    named = {"teacher": contents.teachers, "reader": contents.readers, "judge": contents.judges}
    asked = {role: ", ".join(names) for role, names in _asked(recipe, stages).items()}
    return {
        role: {"asked": asked.get(role, NOBODY), "named": dict(sorted(count.items()))}
        for role, count in named.items()
        if role != "reader" or role in asked
    }


def _asked(recipe: Recipe, stages: StageList) -> dict[str, list[str]]:
    """The models that the stages ask, by role, each once."""
    listed: dict[str, list[str]] = {}
    roles = {"annotate": recipe.teachers, "read": (recipe.reader,), "score": (recipe.judge,)}
    for stage in stages.kinds:
        if stage.name in roles:
            listed[_ROLES[stage.name]] = list(dict.fromkeys(model.model for model in roles[stage.name]))
    return listed


def _tallied(recipe: Recipe, contents: Contents) -> dict[str, Any]:
    """What each way of checking would have kept, and of a cascade what each teacher brought."""
    if contents.tally is None:
        return {}
    told: dict[str, Any] = {"ways": contents.tally.way_counts("read" in recipe.steps)}
    if len(recipe.teachers) > 1:
        told["teachers"] = contents.tally.teacher_rows([model.model for model in recipe.teachers])
    if agreement := contents.tally.agreement():
        told["agreement"] = agreement
    if by_score := contents.tally.gold_by_score():
        told["gold_by_score"] = by_score
    return told


def _sampled(recipe: Recipe, ingested: Ingested, contents: Contents) -> dict[str, Any]:
    """What the manifest says of draws and traces."""
    told: dict[str, Any] = {"sample": ingested.sample} if ingested.sample else {}
    if contents.draw:
        asked = {"size": int(recipe.sample.size), "seed": recipe.sample.seed}
        told["sample"] = {**told.get("sample", {}), **asked, "datasets": contents.draw}
    return {**told, "traces": contents.traces} if contents.traces else told


def manifest_recipe(recipe: Recipe) -> dict[str, Any]:
    """The recipe as the manifest holds it: what decides the content, and nothing of where or how it ran."""
    teachers = [{**content_of(model), "attempts": model.attempts, "until": model.until} for model in recipe.teachers]
    reader = {**content_of(recipe.reader), "attempts": recipe.reader.attempts}
    readers = {"reader": reader} if "read" in recipe.steps else {}
    agreement = {"agreement": recipe.agreement} if recipe.agreement > 1 else {}
    pairs = {"pairs": True} if recipe.pairs and "select" in recipe.steps else {}
    draws = {"sample": asdict(recipe.sample)} if {"stratify", "draw"} & set(recipe.steps) else {}
    return {
        "steps": list(recipe.steps),
        "source": recipe.source.written(),
        **draws,
        "partition": {"digits": recipe.digits},
        "teacher": teachers[0] if len(teachers) == 1 else teachers,
        **readers,
        "judge": {**content_of(recipe.judge), "attempts": recipe.judge.attempts},
        "validate": {"rules": None if recipe.rules is None else list(recipe.rules), "trace": recipe.trace},
        "select": {
            "threshold": recipe.threshold,
            "duplicates": recipe.duplicates,
            "near_duplicates": recipe.near_duplicates,
            "contamination": recipe.contamination,
            **agreement,
            **pairs,
        },
        "split": {"validation": recipe.validation, "test": recipe.test},
    }


def whole_manifest(folder: Path) -> dict[str, Any] | None:
    """The manifest of a whole candidate; None where a file of it is missing or damaged."""
    path = folder / "manifest.json"
    try:
        manifest: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        written = path.stat().st_mtime_ns
        whole = (folder / "README.md").exists() and all(
            _is_whole(folder / file["path"], file, written) for file in manifest["files"]
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return manifest if whole else None


def _is_whole(path: Path, file: Mapping[str, Any], written: int) -> bool:
    """Whether a file is what the manifest says, which was `written` last (nanoseconds).

    A file that nobody touched since has its end looked at, which is quick for any size; another is hashed.
    """
    if path.stat().st_mtime_ns > written:
        return bool(sha256_of(path) == file["sha256"])
    with pq.ParquetFile(path) as found:
        return bool(found.metadata.num_rows == file["rows"])


def audited(audit: Mapping[str, Any] | None, contents: Contents, folder: Path) -> dict[str, Any] | None:
    """What people said of the corpus in `folder`; None where they judged nothing of it.

    `standing`: of verdicts on another version, how many of the kept answers that they are about stand here too.
    """
    if audit is None:
        return None
    found = {name: value for name, value in audit.items() if name != JUDGED}
    if found.get("fingerprint") == contents.fingerprint or "standing" in found:
        return found
    standing = _standing({(item["guid"], item["answer"]) for item in audit.get(JUDGED, ())}, contents, folder)
    return {**found, "standing": standing} if standing else None


def _standing(judged: Collection[tuple[str, str]], contents: Contents, folder: Path) -> int:
    """How many of these answers the default config has."""
    paths = [folder / file["path"] for file in contents.files if file["config"] == "cot"]
    if not judged or not paths:
        return 0
    guids = {guid for guid, _ in judged}
    rows = (row for path in paths for row in read_rows(path, ["guid", "cot", "entities"]) if row["guid"] in guids)
    return sum((row["guid"], answer_hash(row["cot"], row["entities"])) in judged for row in rows)


def audit_of(folder: Path) -> Any:
    """What `nercot audit --verdicts` left beside the releases of a corpus, if it did."""
    path = folder / AUDIT
    try:
        found = json.loads(path.read_text(encoding="utf-8")) if path.exists() else None
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read ({error}); delete it, or read the verdicts again") from error
    if found is not None and not (isinstance(found, dict) and found.keys() >= _FIGURES):
        raise InputError(f"{path}: holds no figures of an audit; delete it, or read the verdicts again")
    return found


def calibration_of(work: Work) -> Any:
    """What `nercot calibrate --out` left beside the candidate, if it did."""
    path = work.root / CALIBRATION
    return _calibration(path) if path.exists() else None


def measured_of(recipe: Recipe) -> Any:
    """The calibration that is kept with a recipe, if it names one."""
    return None if recipe.calibration is None else _calibration(Path(recipe.calibration))


def _calibration(path: Path) -> Any:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read ({error}); delete it, or calibrate again") from error
    if not isinstance(found, dict) or "rules" not in found:
        raise InputError(f"{path}: holds no figures of a calibration; delete it, or calibrate again")
    return found
