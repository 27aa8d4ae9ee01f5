"""Where a run is, as `nercot status` shows it from another terminal.

In: what a running build notes in its work folder.  Out: a Position, as long as the build is not through.  A note that
cannot be written is no reason to stop a build.
"""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import asdict, dataclass

from nercot.corpus.tables import write_json
from nercot.corpus.work import Work
from nercot.errors import OutputError

_POSITION = ".position.json"


@dataclass(frozen=True, slots=True)
class Position:
    """Where an unfinished run is: files of what comes before are its own, those of what comes after are older.

    `entered`, `done`, `kept`: records of the step in this round; `kept` is None while models are asked.
    `error`: what stopped the run.  `workers`: a line each, where there are several.
    """

    step: str
    attempt: int
    entered: int
    done: int = 0
    kept: int | None = None
    error: str | None = None
    workers: tuple[str, ...] = ()


def note(work: Work, position: Position | None) -> None:
    """Notes where the run is; None once it is through."""
    path = work.root / _POSITION
    with suppress(OutputError):
        if position is not None:
            write_json(path, asdict(position))
        elif path.exists():
            path.unlink()


def noted(work: Work) -> Position | None:
    """Where the last run is, or was stopped; None if it got through."""
    try:
        found = json.loads((work.root / _POSITION).read_text(encoding="utf-8"))
        return Position(**{**found, "workers": tuple(found.get("workers", ()))})
    except (OSError, ValueError, TypeError):
        return None
