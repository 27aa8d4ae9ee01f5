"""The command that shows recipes, and starts new ones."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from nercot.cli.shell import command, print_json, print_table


@command("recipe")
@click.argument("recipe", default="quickstart")
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="Any key, as in build.")
@click.option("--new", type=click.Path(path_type=Path), metavar="FILE", help="Start a recipe of your own from it.")
def recipe_command(recipe: str, settings: tuple[str, ...], new: Path | None, as_json: bool) -> None:
    """Show every key of a recipe: its value, where that comes from, and what it means."""
    from nercot.corpus.recipe_keys import parse_override
    from nercot.corpus.recipe_rows import recipe_rows, starting_recipe
    from nercot.corpus.tables import write_text
    from nercot.errors import OutputError

    overrides = [parse_override(text) for text in settings]
    rows = recipe_rows(recipe, overrides)
    if new is not None:
        if new.exists():
            raise OutputError(f"{new} exists; name another file")
        write_text(new, starting_recipe(recipe, overrides))
    if as_json:
        print_json({"recipe": recipe, "keys": rows, "file": None if new is None else str(new)})
    elif new is not None:
        click.echo(f"{new}: every key with its meaning; change it, then: nercot build {new}")
    else:
        print_table(["key", "value", "from", "meaning"], [_row(row) for row in rows])


def _row(row: dict[str, Any]) -> list[str]:
    text = "" if row["value"] is None else json.dumps(row["value"], ensure_ascii=False)
    return [row["key"], text if len(text) <= 50 else f"{text[:47]}...", row["where"], row["means"]]
