"""The keys of a recipe: what the command line sets, and what schemas/recipe.schema.json says of them.

In: the tables of a recipe as TOML gives them, and `key=value` texts.  Out: the same tables with values put in, or one
line that says which key is wrong and what would be right; an unknown key names the nearest known one.
"""

from __future__ import annotations

import json
import math
import tomllib
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any, cast

from nercot.corpus.resources import resource
from nercot.errors import RecipeError


def parse_override(text: str) -> tuple[str, Any]:
    """`key=value` of --set: None for `none`, which clears the key; TOML where it reads as such, else a string."""
    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise RecipeError(f"--set {text!r}: write it as key=value, for example select.threshold=8")
    if value.strip() == "none":
        return key.strip(), None
    try:
        return key.strip(), tomllib.loads(f"value = {value.strip()}")["value"]
    except (tomllib.TOMLDecodeError, KeyError):
        return key.strip(), value.strip()


def put(data: dict[str, Any], key: str, value: Any) -> None:
    """Puts a value where a dotted key says; `teacher.2.model` is a key of the second teacher of a cascade."""
    *tables, last = key.split(".")
    place: Any = data
    for name in tables:
        place = place.setdefault(name, {}) if isinstance(place, dict) else _numbered(place, key, name)
        if not isinstance(place, dict) and not _is_tables(place):
            raise RecipeError(f"{key}: {name} is a value, not a table of keys")
    if isinstance(place, list):
        raise RecipeError(f"{key}: {tables[-1]} is a list of tables; say which, as in {tables[-1]}.1.{last}")
    if value is None:
        place.pop(last, None)
    else:
        place[last] = value


def _is_tables(place: Any) -> bool:
    return isinstance(place, list) and bool(place) and all(isinstance(table, dict) for table in place)


def _numbered(tables: list[Any], key: str, name: str) -> Any:
    """One of a list of tables, counted from 1."""
    if not name.isdecimal() or not 1 <= int(name) <= len(tables):
        raise RecipeError(f"{key}: there are {len(tables)}; say which by its number, from 1")
    return tables[int(name) - 1]


@lru_cache(maxsize=1)
def schema() -> dict[str, Any]:
    """schemas/recipe.schema.json."""
    loaded: dict[str, Any] = json.loads(resource("schemas", "recipe.schema.json").read_text(encoding="utf-8"))
    return loaded


def known_keys() -> list[str]:
    """Every key of a recipe, dotted, as the schema lists them."""
    return sorted(_keys(schema(), ""))


def _keys(node: Mapping[str, Any], prefix: str) -> Iterator[str]:
    node = next(iter(node.get("oneOf", ())), node)
    if "$ref" in node:
        node = schema()["$defs"][node["$ref"].rpartition("/")[2]]
    for name, child in node.get("properties", {}).items():
        key = f"{prefix}{name}"
        inner = list(_keys(child, f"{key}."))
        yield from inner or [key]


def check(data: dict[str, Any], name: str) -> None:
    """Raises RecipeError in one line for the first thing that the schema does not allow."""
    for key, number in _numbers(data, ""):
        if not math.isfinite(number):
            raise RecipeError(f"{name}: {key} must be a number that can be counted to, not {number}")
    teacher = data.get("teacher")
    if not isinstance(teacher, list) or not teacher:
        return _check(data, name, "teacher")
    for number, table in enumerate(teacher, 1):
        _check({**data, "teacher": table}, name, f"teacher.{number}")


def _check(data: dict[str, Any], name: str, teacher: str) -> None:
    """The same of a recipe with one teacher, which is called so in what is said."""
    from jsonschema import Draft202012Validator

    one = {**schema(), "properties": {**schema()["properties"], "teacher": {"$ref": "#/$defs/model"}}}
    validator = cast(Any, Draft202012Validator)(one)
    errors = sorted(validator.iter_errors(data), key=lambda error: list(map(str, error.path)))
    if errors:
        line = _line(errors[0])
        raise RecipeError(f"{name}: {line.replace('teacher', teacher, 1) if line.startswith('teacher') else line}")


def _numbers(value: Any, key: str) -> Iterator[tuple[str, float]]:
    """Every number with a point in a recipe, wherever it stands: NaN is neither below nor above a limit."""
    if isinstance(value, float):
        yield key, value
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, each in inner:
        yield from _numbers(each, f"{key}.{name}" if key else str(name))


def _line(error: Any) -> str:
    """One line of a schema error: the key, what is wrong, what would be right."""
    key = ".".join(map(str, error.absolute_path))
    if error.validator == "additionalProperties":
        return _unknown(error, key)
    if error.validator == "required":
        return f"the key {'.'.join(filter(None, (key, error.message.split(chr(39))[1])))} is missing"
    wanted: dict[str, Callable[[], str]] = {
        "type": lambda: f"must be {_article(error.validator_value)}",
        "enum": lambda: f"must be one of {', '.join(map(str, error.validator_value))}",
        "minimum": lambda: f"must be at least {error.validator_value}",
        "maximum": lambda: f"must be at most {error.validator_value}",
        "exclusiveMinimum": lambda: f"must be more than {error.validator_value}",
        "pattern": lambda: "has characters that it cannot have",
        "anyOf": lambda: f"must have another form ({error.schema.get('description')})",
    }
    what = wanted.get(error.validator, lambda: str(error.message))
    return f"{key} {what()}, not {_shown(error.instance)}"


def _article(kind: str) -> str:
    names = {
        "string": "a text",
        "integer": "a whole number",
        "number": "a number",
        "array": "a list",
        "object": "a table",
    }
    return names.get(kind, kind)


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _unknown(error: Any, prefix: str) -> str:
    from rapidfuzz import process

    known = error.schema.get("properties", {})
    name = next(key for key in error.instance if key not in known)
    full = ".".join(filter(None, (prefix, name)))
    children = (f"{full}.{key}" for key in error.instance[name]) if isinstance(error.instance[name], dict) else ()
    near = process.extractOne(next(iter(children), full), known_keys())
    return f"unknown key {full}" + (f"; did you mean {near[0]}?" if near else "")
