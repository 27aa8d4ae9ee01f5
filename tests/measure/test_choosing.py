"""What judge and agreement choose of the recorded answers, and what a corpus' own readings say of wrong answers."""

from __future__ import annotations

import json

import pytest
from commands import run

import nercot
from nercot.corpus.recipe import load_recipe
from nercot.corpus.resources import resource
from nercot.measure.choosing import choosing


@pytest.fixture(scope="module")
def everybody(tmp_path_factory):
    """The quickstart with both teachers asked about every record."""
    recipe = load_recipe("quickstart", [("teacher.1.until", "all")])
    out = tmp_path_factory.mktemp("everybody")
    return nercot.build(recipe, nercot.BuildOptions(out)).candidate


def at(points, name, value):
    return next(point for point in points if point[name] == value)


def test_agreement_stands_beside_the_judge_with_what_each_takes(everybody):
    found = choosing(str(everybody), everybody.parents[1] / "ledger.sqlite")
    both = at(found["agreement"], "teachers", 2)
    assert (both["kept"]["count"], both["kept"]["of"]) == (193, 201)
    assert round(both["equal_to_gold"]["value"], 2) == 0.88
    assert both["calls"] == {"teacher": 402, "judge": 0}
    nine = at(found["judge"], "threshold", 9)
    # 92 hasty answers reach it; the careful teacher is needed for the other 109, and one hasty one is not judged.
    assert (nine["kept"]["count"], nine["calls"]) == (184, {"teacher": 310, "judge": 309})
    assert nine["usd"] == both["usd"] == 0
    kept = [point["kept"]["count"] for point in found["judge"]]
    assert kept == sorted(kept, reverse=True)
    apart = found["apart"]
    assert apart["records"] == 8
    assert all(each["records"] <= 4 for each in apart["equal_to_gold"])


def test_without_a_ledger_nobody_knows_what_it_cost(everybody, tmp_path):
    found = choosing(str(everybody), tmp_path / "none.sqlite")
    assert {point["usd"] for point in (*found["judge"], *found["agreement"])} == {None}
    assert not list(tmp_path.iterdir())


def test_a_build_that_asked_no_further_says_nothing_of_higher_thresholds(tmp_path):
    candidate = nercot.build("quickstart", nercot.BuildOptions(tmp_path)).candidate
    found = choosing(str(candidate), tmp_path / "ledger.sqlite")
    assert max(point["threshold"] for point in found["judge"]) == 9
    assert at(found["agreement"], "teachers", 2)["kept"]["of"] == 109


def test_other_files_have_nothing_to_choose_by(tmp_path):
    (tmp_path / "rows.jsonl").write_text('{"sentence": "Ada.", "schema": ["person"], "gold": []}\n')
    assert choosing(str(tmp_path / "rows.jsonl"), tmp_path / "ledger.sqlite") is None


def test_the_readings_of_a_corpus_stand_for_its_traces(everybody, tmp_path):
    ran = run(tmp_path, "calibrate", everybody, "--ledger", tmp_path / "l.sqlite", "--out", tmp_path, "--json")
    assert ran.code == 0, ran.err
    found = json.loads(ran.out)
    reader = found["reader"]
    assert (reader["model"], reader["right"]["lost"]) == ("general-llm-reader", 0)
    for kind in ("label_swapped", "entity_removed"):
        assert reader["faults"][kind]["caught"] == reader["faults"][kind]["read"] > 100
        assert found["rules"]["faults"][kind]["caught"] == 0
    # Nobody has read a trace that was changed.
    assert reader["faults"]["foreign_trace"]["read"] == 0
    assert found["judge"] is None
    assert found["choosing"]["agreement"]
    assert "choosing" not in json.loads((tmp_path / "calibration.json").read_text())


def test_what_is_kept_with_the_quickstart_is_what_calibrate_says_of_it(tmp_path):
    candidate = nercot.build("quickstart", nercot.BuildOptions(tmp_path / "build")).candidate
    kept = resource("corpora") / "recorded/calibration.json"
    assert run(tmp_path, "calibrate", candidate, "--out", "again").code == 0
    assert json.loads((tmp_path / "again/calibration.json").read_text()) == json.loads(kept.read_text())
    assert "| label swapped | 157 | 0 | 157 of 157 |" in (candidate / "README.md").read_text()


def test_another_corpus_than_it_was_measured_on_is_not_said_to_be_calibrated(tmp_path):
    recipe = load_recipe("quickstart", [("select.threshold", 9.5)])
    candidate = nercot.build(recipe, nercot.BuildOptions(tmp_path)).candidate
    assert "## Calibration" not in (candidate / "README.md").read_text()


@pytest.mark.parametrize("text", [None, "[]", "{", "{}"])
def test_a_calibration_that_is_none_is_one_line(tmp_path, text):
    path = tmp_path / "calibration.json"
    if text is not None:
        path.write_text(text)
    ran = run(tmp_path, "build", "--limit", "3", "--set", f"recorded.calibration={path}")
    assert (ran.code, len(ran.told)) == (2, 1), ran.err
    assert "calibration.json" in ran.err
