"""Recipes as tables: every key with its place and meaning, and files to start from that mean the same."""

import json

import pytest
from commands import run

from nercot.corpus.recipe import load_recipe, recipe_names
from nercot.corpus.recipe_keys import known_keys
from nercot.corpus.recipe_rows import recipe_rows


def test_every_key_is_there_and_says_where_its_value_comes_from(tmp_path):
    rows = {row["key"]: row for row in recipe_rows("ner-cot", [("select.threshold", 8)])}
    assert set(rows) >= {key for key in known_keys() if "datasets" not in key}
    assert (rows["select.threshold"]["value"], rows["select.threshold"]["where"]) == (8, "--set")
    assert rows["teacher.model"]["where"] == "recipe"
    assert (rows["partition.digits"]["value"], rows["partition.digits"]["where"]) == (1, "default")
    ran = run(tmp_path, "recipe", "ner-cot", "--json")
    assert [row["key"] for row in json.loads(ran.out)["keys"]] == list(rows)


@pytest.mark.parametrize("name", [name for name in recipe_names() if name != "quickstart"])
def test_a_recipe_started_from_another_means_the_same(tmp_path, name):
    assert run(tmp_path, "recipe", name, "--new", "mine.toml").code == 0
    old, new = load_recipe(name), load_recipe(str(tmp_path / "mine.toml"))
    assert (new.teachers, new.judge, new.steps, new.source) == (old.teachers, old.judge, old.steps, old.source)
    again = run(tmp_path, "recipe", name, "--new", "mine.toml")
    assert (again.code, "exists" in again.err) == (2, True)
