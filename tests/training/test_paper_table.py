"""The table in training/README.md, read against every config, recipe and test that it names."""

from __future__ import annotations

import dataclasses
import fnmatch
import importlib
import json
import tomllib
from dataclasses import dataclass

import at_training
import pytest

pytest.importorskip("trl")

from settings import as_table, load_settings

from nercot.corpus.benchmarks import paper_table

ROOT = at_training.ROOT
BASES = ("sft-paper", "sft-released-code", "grpo-paper", "grpo-released-code")
# Where data and models lie is the user's; the paper has nothing to say of it.
PLACES = {"data.name", "data.config", "model.base", "model.template", "model.trust_remote_code"}


@dataclass(frozen=True)
class Row:
    place: str
    what: str
    ours: str
    where: str

    @property
    def value(self):
        return json.loads(self.ours.strip("`"))


def _rows():
    text = (at_training.TRAINING / "README.md").read_text(encoding="utf-8")
    lines = text.partition("## The paper, row by row")[2].partition("\n## ")[0].splitlines()
    cells = [[cell.strip() for cell in line.split(" | ")] for line in lines if line.startswith("| ")][2:]
    return [Row(cell[0].removeprefix("| "), cell[1], cell[4], cell[5].removesuffix(" |").strip("`")) for cell in cells]


ROWS = _rows()
VALUES = [row for row in ROWS if "::" not in row.where]
MECHANISMS = [row for row in ROWS if "::" in row.where]


def _look_up(table, key):
    """A dotted key; names with dots (of rewards) are taken whole, `#` counts."""
    if key.endswith("#"):
        return len(_look_up(table, key[:-1]))
    head, _, rest = key.partition(".")
    if head == "rewards":
        return table[head][rest]
    found = table[head]
    return _look_up(found, rest) if rest else found


def _configs(pattern):
    names = sorted(path for path in at_training.CONFIGS.glob("*.toml") if path.stem not in BASES)
    return [path for path in names if fnmatch.fnmatch(f"configs/{path.name}", pattern)]


def _config(path):
    return as_table(load_settings(path, "grpo" if "grpo" in path.stem else "sft"))


def _result(key):
    name, _, rest = key.partition("/")
    if name.endswith("#"):
        return len(paper_table(name[:-1]).rows)
    model, _, size = rest.partition("/")
    rows = [row for row in paper_table(name).rows if row.model == model and row.test_sets == "original"]
    return next(row.average for row in rows if not size or row.size == size)


def _found(where):
    """(file, value) for everything that a row names."""
    file, key = where.split(" ", 1)
    if file == "corpora/paper_results.toml":
        return [(file, _result(key))]
    if file.startswith("corpora/"):
        return [(file, _look_up(tomllib.loads((ROOT / file).read_text(encoding="utf-8")), key))]
    if file == "trl":
        name, _, attribute = key.partition(".")
        fields = dataclasses.fields(getattr(importlib.import_module("trl"), name))
        return [(file, next(each.default for each in fields if each.name == attribute))]
    if file.startswith("configs/"):
        return [(path.name, _look_up(_config(path), key)) for path in _configs(file)]
    return [(file, getattr(importlib.import_module(file), key))]


def test_the_table_is_there_whole():
    places = {row.place for row in ROWS}
    sections = {"CoT Generation", "CoT Tuning", "Reasoning Enhancement", "Datasets", "Implementation Details"}
    assert places == sections | {f"Table {number}" for number in range(1, 6)} | {"Figure 3"}
    assert len(ROWS) > 120


@pytest.mark.parametrize("row", VALUES, ids=lambda row: f"{row.what}: {row.where}")
def test_no_value_has_drifted(row):
    found = _found(row.where)
    assert found, f"{row.where} names no file"
    for file, value in found:
        value = list(value) if isinstance(value, tuple) else value
        assert value == row.value, f"{file}: the table says {row.value}"
        assert type(value) is type(row.value) or not isinstance(value, bool)


@pytest.mark.parametrize("row", MECHANISMS, ids=lambda row: row.what)
def test_every_mechanism_has_its_test(row):
    file, _, name = row.where.partition("::")
    assert f"def {name}(" in (ROOT / file).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", BASES)
def test_no_key_of_the_papers_configs_goes_without_a_row(name):
    kind, _, style = name.partition("-")
    listed = {row.where for row in VALUES}
    keys = _keys(tomllib.loads((at_training.CONFIGS / f"{name}.toml").read_text(encoding="utf-8")))
    sizes = [f"configs/qwen3-{size}-{name}.toml" for size in ("8b", "1.7b")]
    for key in sorted(keys - PLACES):
        general = f"configs/*{kind}-{style}.toml {key}"
        assert general in listed or {f"{size} {key}" for size in sizes} <= listed, f"{name}: {key} has no row"


RECIPES = ("ner-cot-paper", "re-subset", "hybrid", "few-shot")
# What names, describes or reaches something, and decides no row.
OPERATION = {"url", "api_key_env", "concurrency", "price.input", "price.output", "revision"}


@pytest.mark.parametrize("name", RECIPES)
def test_no_key_of_the_papers_recipes_goes_without_a_row(name):
    listed = {row.where.removesuffix("#") for row in VALUES}
    recipe = tomllib.loads((ROOT / "corpora" / f"{name}.toml").read_text(encoding="utf-8"))
    recipe.pop("corpus")
    if datasets := recipe["source"].pop("datasets", None):
        assert len(datasets) == 20
    for key in _keys(recipe):
        if key.partition(".")[2] not in OPERATION and key != "steps":
            assert f"corpora/{name}.toml {key}" in listed, f"{name}: {key} has no row"


def _keys(data, prefix=""):
    keys = set()
    for name, value in data.items():
        if isinstance(value, dict):
            keys |= _keys(value, f"{prefix}{name}.")
        elif name != "extends":
            keys.add(f"{prefix}{name}")
    return keys
