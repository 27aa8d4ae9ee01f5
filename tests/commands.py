"""The command line in this process: as fast as a call, with the output and exit code of a process.

Tests of kills, signals and several builds at once start real processes instead.
"""

from __future__ import annotations

import contextlib
import io
import os
from dataclasses import dataclass
from pathlib import Path

from nercot.cli import main


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str

    @property
    def told(self) -> list[str]:
        """The lines for the user: without those that only say that a slow machine is still at it."""
        return [line for line in self.err.splitlines() if line.startswith("nercot: ")]


def run(folder: Path, *arguments: object) -> Ran:
    """Runs `nercot ARGUMENTS` with `folder` as working folder."""
    out, err = io.StringIO(), io.StringIO()
    here = Path.cwd()
    os.chdir(folder)
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), contextlib.suppress(KeyboardInterrupt):
            try:
                main([str(argument) for argument in arguments])
                code = 0
            except SystemExit as end:
                code = int(end.code or 0)
    finally:
        os.chdir(here)
    return Ran(code, out.getvalue(), err.getvalue())
