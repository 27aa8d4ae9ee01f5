"""The yardsticks: answers to keep and answers to drop, labelled by hand, with recorded readings of their traces.

No model is asked: what a reader said of each trace is kept beside the answers, so what is measured is the rules
and the comparison.
"""

import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "labelled"))

from score import load, readings, rows, score, verdict_of

# Faults that can be seen without understanding a word.
SHAPES = ("malformed", "type_not_in_schema", "not_in_sentence", "duplicate")
LOOPING = ("la-047", "la-115", "la-119", "la-196")


def test_the_set_is_as_its_readme_says():
    answers = rows()
    kept = [row for row in answers if row["expected"] == "keep"]
    assert len(answers) >= 200
    assert 0.45 < len(kept) / len(answers) < 0.55
    assert abs(sum(row["held_back"] for row in answers) - len(answers) / 3) < 2
    for row in kept:
        for entity in row["entities"]:
            assert row["sentence"][entity["start"] : entity["end"]] == entity["text"]


def test_rules_and_readings_tell_every_answer_to_keep_from_every_answer_to_drop():
    found = score(rows(), readings())
    assert found["wrong"] == []
    assert found["f1"] == 1
    assert found["offsets"] >= 0.98


def test_the_rules_alone_lose_no_good_answer_and_miss_no_fault_of_shape():
    found = score(rows(), None)
    assert [row for row in found["wrong"] if row["expected"] == ["keep"]] == []
    for name in SHAPES:
        assert found["rules"][name]["named"] == found["rules"][name]["rows"]
    by_guid = {row["guid"]: row for row in rows()}
    for guid in LOOPING:
        assert "degenerate" in [violation.rule for violation in verdict_of(by_guid[guid]).violations]


def test_the_development_sample_is_told_apart_as_well():
    root = os.environ.get("NERCOT_TEST_DATA")
    if not root:
        pytest.skip("NERCOT_TEST_DATA is not set")
    answers = load(Path(root) / "validator_dev" / "cases.jsonl")
    found = score(answers, readings(Path(root) / "validator_dev" / "readings.jsonl"))
    assert len(found["wrong"]) <= 1
    assert found["f1"] >= 0.98
    assert found["offsets"] >= 0.98
    alone = score(answers, None)
    assert sum(row["expected"] == ["keep"] for row in alone["wrong"]) <= 1
