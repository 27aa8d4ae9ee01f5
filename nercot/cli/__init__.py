"""The command line: one command a verb; parses, calls, prints.

Exit codes: 0 done, 1 the data fell short, 2 the user has to change something, 130 Ctrl-C.  No traceback for what
is the user's to mend.

    shell.py      what every command shares
    builds.py     build, plan, status, ledger
    answers.py    validate, score, calibrate, evaluate
    data.py       convert, stats
    extraction.py extract
    pages.py      view, audit, agreement
    quality.py    report
    recipes.py    recipe
    releases.py   release, diff, verify, hydrate, publish
    rows.py       dropped, trace
    own.py        a corpus of the user's own data
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

import click

from nercot.cli import answers, builds, data, extraction, pages, quality, recipes, releases, rows
from nercot.cli.shell import cli, shown_log
from nercot.errors import NercotError

__all__ = ["answers", "builds", "cli", "data", "extraction", "main", "pages", "quality", "recipes", "releases", "rows"]


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the command line (of this process, or `arguments`) and raises SystemExit with its exit code."""
    try:
        with shown_log():
            # `obj`: whether this process is all ours.
            code = cli.main(arguments, prog_name="nercot", standalone_mode=False, obj=arguments is None)
    except NercotError as error:
        click.echo(f"nercot: {error}", err=True)
        code = error.exit_code
    except click.ClickException as error:
        click.echo(f"nercot: {error.format_message()}", err=True)
        code = 2
    except (click.Abort, KeyboardInterrupt):
        click.echo("nercot: stopped; what was done is kept, the same command goes on from there", err=True)
        code = 130
    except BrokenPipeError:
        sys.stderr.close()
        code = 0
    sys.exit(code if isinstance(code, int) else 0)
