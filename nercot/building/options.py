"""What a run adds to its recipe, and what a build came to."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class BuildOptions:
    """What a run adds to its recipe.

    `out`: folder of all corpora and of the ledger.  `limit`: only the first so many records of the source;
    the candidate is then marked partial.  `strict`: the first bad row is an error.  `releases`: folder of
    the releases, whose takedowns hold here too (None: `releases` beside `out`).  `batch`: models are asked by
    batch jobs of their provider, at its price for those, within a day.  `force`: a candidate of another source, or
    of more rows, may be replaced.

    `workers`, `engine` (local or ray), `address`: who runs the partitions; None is this process alone.  `storage`: the
    URL that the corpora lie at; `out` is then this machine's copy.  `ledger`: another file than `out`/ledger.sqlite.
    """

    out: Path = Path("build")
    input: str | None = None
    input_format: str | None = None
    limit: int | None = None
    strict: bool = False
    releases: Path | None = None
    batch: bool = False
    force: bool = False
    workers: int | None = None
    engine: str = "local"
    address: str | None = None
    storage: str | None = None
    ledger: Path | None = None

    @property
    def ledger_path(self) -> Path:
        """Where the ledger lies: on a disk of this machine."""
        return self.ledger or self.out / "ledger.sqlite"


@dataclass(frozen=True, slots=True)
class BuildResult:
    """What a build came to; `as_json` is the document of `build --json`.

    `calls`, `tokens`, `cost` are those of this run.  `shortfall`: why the build is not complete, or None.
    `teachers`: of a cascade what each teacher brought, a row each.  `recorded`: answers out of recorded files,
    by role.  `notes`: what the user should know of this run.
    `next`: what can be done with it, a line each.  `where`: the candidate's path, or its URL in a storage.
    """

    corpus: str
    candidate: Path
    fingerprint: str
    steps: list[dict[str, Any]]
    rows_read: int
    records: int
    calls: dict[str, int]
    tokens: dict[str, int]
    cost: float | None
    changed: bool
    shortfall: str | None = None
    teachers: list[dict[str, Any]] = field(default_factory=list)
    recorded: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    next: list[str] = field(default_factory=list)
    where: str = ""

    def as_json(self) -> dict[str, Any]:
        """The result as JSON."""
        told = asdict(self)
        where = told.pop("where")
        return {**told, "candidate": where}
