"""`nercot status`: where a running or stopped build stands, from its work folder and the ledger.

In: a recipe and the folder of builds.  Out: JSON values.  Never writes, and never waits for a build that runs.
"""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from nercot.building.lists import prompts_of, stages_of
from nercot.building.progress import Along, Position, noted
from nercot.building.stages import SELECTED, StageList
from nercot.corpus.recipe import Recipe, load_recipe, recipe_names
from nercot.corpus.tables import meta_of
from nercot.corpus.work import Work
from nercot.llm.ledger import Ledger

_SOMEBODY = {"url": "http://127.0.0.1/v1", "model": "unknown"}


def status(recipe: Recipe, out: Path) -> dict[str, Any]:
    """Where the build of a recipe stands: done and left by step, spent, last error, whether it is running."""
    work = Work(out / recipe.name)
    path = out / "ledger.sqlite"
    source = _source_state(work)
    position = noted(work)
    told: dict[str, Any] = {"spent": None, "last_error": None}
    if path.exists():
        with Ledger(path, read=True) as ledger:
            told = _told(ledger, recipe.name)
    if position is not None and position.error is not None:
        told["last_error"] = {"step": position.step, "guid": None, "detail": position.error}
    return {
        "corpus": recipe.name,
        "running": _running(work.root),
        "records": source.get("kept"),
        "steps": list(_steps(work, source.get("partitions", {}), position, stages_of(recipe, prompts_of(recipe)))),
        "workers": list(position.workers) if position is not None else [],
        "spent": told["spent"],
        "last_error": told["last_error"],
        "candidate": _candidate(work.root / "candidate" / "manifest.json"),
    }


def recipe_named(name: str, out: Path) -> Recipe:
    """The recipe of that name or path; for a corpus of the folder that has none, the steps that its files show."""
    known = name.rstrip("/").removeprefix(f"{out}/")
    if not (out / known).is_dir() or known in recipe_names() or Path(name).is_file():
        return load_recipe(name)
    reads = (out / known / "4-read").is_dir()
    steps = ["annotate", "validate", *(["read"] if reads else []), "score", "select"]
    # Who was asked is not in the files; a list of stages has somebody in every role.
    roles = ("teacher", *(["reader"] if reads else []), "judge")
    somebody = [(f"{role}.{key}", value) for role in roles for key, value in _SOMEBODY.items()]
    return load_recipe("own", [("corpus.name", known), ("steps", steps), *somebody])


def corpora(out: Path) -> list[str]:
    """The corpora that there are in a folder of builds, by name."""
    found = out.iterdir() if out.is_dir() else ()
    return sorted(path.name for path in found if (path / "1-source").is_dir() or (path / "candidate").is_dir())


def _source_state(work: Work) -> dict[str, Any]:
    try:
        state: dict[str, Any] = json.loads((work.root / "1-source" / "source.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return state


def _told(ledger: Ledger, corpus: str) -> dict[str, Any]:
    rows = ledger.totals(corpus)
    error = ledger.last_error(corpus)
    return {
        "spent": {
            "calls": sum(row.calls for row in rows),
            "failed_calls": sum(row.failed for row in rows),
            "tokens": {"input": sum(row.tokens_in for row in rows), "output": sum(row.tokens_out for row in rows)},
            "cost": round(sum(row.cost for row in rows), 6),
            "calls_of_unknown_price": sum(row.unpriced for row in rows),
        },
        "last_error": None if error is None else {"step": error.step, "guid": error.guid, "detail": error.detail},
    }


def _steps(work: Work, parts: Iterable[str], position: Position | None, stages: StageList) -> Iterator[dict[str, Any]]:
    """For each step the records that it has settled, those that are left as far as is known, and those it kept."""
    carried, last = 0, 0
    for stage in stages.kinds:
        if position is None:
            files = [path for part in parts for path in sorted((work.root / stage.writes).glob(f"{part}-*.parquet"))]
            metas = [meta for path in files if (meta := meta_of(path))]
            kept, pending = sum(meta["kept"] for meta in metas), sum(meta["pending"] for meta in metas)
            done, left = sum(meta["in"] for meta in metas) - pending, pending + carried
            carried = left
        else:
            along = position.steps.get(stage.name, Along())
            done, left, kept = along.done, along.entered - along.done + carried, along.kept
            carried, last = carried + along.to_come, along.kept
        yield {"step": stage.name, "done": done, "left": left, "kept": kept}
    if stages.select is not None:
        yield _selected(work, parts, stages.select.name, carried + last)


def _selected(work: Work, parts: Iterable[str], name: str, carried: int) -> dict[str, Any]:
    metas = [meta for part in parts if (meta := meta_of(work.file(SELECTED, part)))]
    done, kept = sum(meta["in"] for meta in metas), sum(meta["kept"] for meta in metas)
    return {"step": name, "done": 0 if carried else done, "left": carried, "kept": 0 if carried else kept}


def _running(root: Path) -> bool:
    """Whether a build holds the work folder just now."""
    try:
        with (root / ".lock").open("rb") as handle:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return False


def _candidate(path: Path) -> str | None:
    try:
        return str(json.loads(path.read_text(encoding="utf-8"))["fingerprint"])
    except (OSError, ValueError, KeyError):
        return None
