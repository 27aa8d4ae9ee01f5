"""A recipe as a table: every key, its value, where that comes from, and one line of what it means.

In: a recipe's name or path, and overrides.  Out: rows as JSON values, and a file to start an own recipe from.  What a
key means is what schemas/recipe.schema.json says of it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from nercot.corpus.recipe import Recipe, load_recipe, tables_of
from nercot.corpus.recipe_keys import schema


def recipe_rows(name: str, overrides: Sequence[tuple[str, Any]] = ()) -> list[dict[str, Any]]:
    """A row a key: key, value (null: not set), where (recipe, --set, default), and what it means.

    Raises RecipeError as load_recipe does.
    """
    recipe, given = load_recipe(name, overrides), tables_of(name, overrides)
    told = {key for key, _ in overrides}
    defaults = _defaults(recipe)
    rows = []
    for key, meaning in _described(schema(), ""):
        value = _at(given, key)
        where = "--set" if key in told else "recipe" if value is not None else "default"
        shown = defaults.get(key) if value is None else value
        rows.append({"key": key, "value": shown, "where": where, "means": meaning})
    return rows


def _at(tables: Any, key: str) -> Any:
    """What stands at a dotted key; of a cascade the values of all teachers."""
    for name in key.split("."):
        if isinstance(tables, list):
            tables = [table.get(name) for table in tables if isinstance(table, dict)]
            tables = None if all(value is None for value in tables) else tables
        else:
            tables = tables.get(name) if isinstance(tables, dict) else None
    return tables


def _described(node: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, str]]:
    """Every key with its description, in the order of the schema."""
    node = next(iter(node.get("oneOf", ())), node)
    if "$ref" in node:
        node = schema()["$defs"][node["$ref"].rpartition("/")[2]]
    for name, child in node.get("properties", {}).items():
        inner = list(_described(child, f"{prefix}{name}."))
        yield from inner or [(f"{prefix}{name}", str(child.get("description", "")))]


def _defaults(recipe: Recipe) -> dict[str, Any]:
    """What holds where a recipe says nothing."""
    found: dict[str, Any] = {
        "corpus.title": recipe.title,
        "corpus.license": recipe.license,
        "corpus.language": list(recipe.language),
        "partition.digits": recipe.digits,
        "validate.rules": None if recipe.rules is None else list(recipe.rules),
        "validate.trace": recipe.trace,
        "select.threshold": recipe.threshold,
        "select.duplicates": recipe.duplicates,
        "select.near_duplicates": recipe.near_duplicates,
        "select.contamination": recipe.contamination,
        "select.agreement": recipe.agreement,
        "select.pairs": recipe.pairs,
        "split.validation": recipe.validation,
        "split.test": recipe.test,
        "retry.max_seconds": recipe.retry_seconds,
        "budget.max_cost": recipe.max_cost,
        "sample.size": recipe.sample.size,
        "sample.seed": recipe.sample.seed,
        "sample.cap": recipe.sample.cap,
        "sample.allow_missing": recipe.sample.allow_missing,
    }
    for role, model in (("teacher", recipe.teacher), ("reader", recipe.reader), ("judge", recipe.judge)):
        found |= {f"{role}.{name}": getattr(model, name) for name in ("concurrency", "attempts", "until", "model")}
        found[f"{role}.url"] = list(model.url) if len(model.url) != 1 else model.url[0]
    return found


def starting_recipe(name: str, overrides: Sequence[tuple[str, Any]] = ()) -> str:
    """TOML of a recipe with every key: those that are set as they are, the others as comments, with what they mean.

    The teachers of a cascade follow at the end, a table each.
    """
    cascade = tables_of(name, overrides).get("teacher")
    teachers = cascade if isinstance(cascade, list) else []
    rows = [row for row in recipe_rows(name, overrides) if not (teachers and row["key"].startswith("teacher."))]
    lines = ["# A recipe of your own: nercot build FILE.  Keys behind # have the value that holds without them.", ""]
    table = None
    for row in sorted(rows, key=lambda row: "." in row["key"]):
        name, _, last = row["key"].rpartition(".")
        if name != table:
            lines += ["", f"[{name}]"] if name else []
            table = name
        lines += [f"# {row['means']}"] if row["means"] else []
        shown = row["value"] is not None and row["where"] != "default"
        value = _toml(row["value"]) if row["value"] is not None else '""'
        lines.append(f"{'' if shown else '# '}{last} = {value}")
    for teacher in teachers:
        lines += ["", "[[teacher]]", *(f"{key} = {_toml(value)}" for key, value in teacher.items())]
    return "\n".join(lines) + "\n"


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{json.dumps(key)} = {_toml(item)}" for key, item in value.items()) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return json.dumps(value, ensure_ascii=False)
