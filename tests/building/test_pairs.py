"""Preference pairs: what becomes one, what is counted, and that a release with them can be checked and made again."""

from __future__ import annotations

import json
from dataclasses import replace

import pyarrow.parquet as pq
import pytest
from datasets import load_dataset
from hypothesis import given
from hypothesis import strategies as st

import nercot
from nercot.building.pairs import PairCounts, pair_rows
from nercot.corpus.recipe import load_recipe
from nercot.release.release import freeze
from nercot.release.verify import verify


@pytest.fixture(scope="module")
def quickstart(tmp_path_factory):
    folder = tmp_path_factory.mktemp("quickstart")
    return nercot.build("quickstart", nercot.BuildOptions(folder / "build")).candidate


def rows(candidate, config):
    return pq.read_table(candidate / config).to_pylist()


def message(text):
    return [{"role": "assistant", "content": text}]


def pair(prompt, chosen, rejected):
    return {"prompt": message(prompt), "chosen": message(chosen), "rejected": message(rejected)}


def test_the_quickstart_has_a_pair_for_each_kept_record_with_a_failed_answer(quickstart, tmp_path):
    loaded = load_dataset(str(quickstart), "preference", split="train", cache_dir=str(tmp_path))
    pairs, sft = rows(quickstart, "preference"), {row["guid"]: row for row in rows(quickstart, "sft")}
    assert list(loaded) == pairs
    answers = {}
    for row in rows(quickstart, "raw"):
        answers.setdefault(row["guid"], []).append(row)
    kept = {row["guid"] for row in rows(quickstart, "cot")}
    twice = [guid for guid in sorted(kept) if len(answers[guid]) == 2]
    # A trace with a think tag in it cannot be written as an answer, so it is no side of a pair.
    readable = [guid for guid in twice if "</think>" not in answers[guid][0]["cot"]]
    assert [row["guid"] for row in pairs] == readable
    for row in pairs:
        assert (row["prompt"], row["chosen"]) == (sft[row["guid"]]["prompt"], sft[row["guid"]]["completion"])
        assert all(row[side][0]["content"].startswith("<think>\n") for side in ("chosen", "rejected"))
        assert row["score_chosen"] >= 9
        if row["rejected_step"] == "select":
            assert (row["rejected_reason"], row["score_rejected"] < 9) == ("below_threshold", True)
        else:
            assert row["score_rejected"] is None


def test_the_manifest_counts_them_and_the_card_says_how_long_they_are(quickstart):
    pairs = rows(quickstart, "preference")
    found = json.loads((quickstart / "manifest.json").read_text())["preference"]
    lengths = {
        side: round(sum(len(row[side][0]["content"]) for row in pairs) / len(pairs)) for side in ("chosen", "rejected")
    }
    assert found["pairs"] == len(pairs)
    assert (found["chosen_characters"], found["rejected_characters"]) == (lengths["chosen"], lengths["rejected"])
    card = (quickstart / "README.md").read_text()
    assert f"{lengths['chosen']:,} characters chosen, {lengths['rejected']:,} rejected" in card
    assert card.index("config_name: sft") < card.index("config_name: preference")


def test_a_release_is_checked_and_made_again_with_its_pairs(quickstart, tmp_path):
    freeze("quickstart", quickstart.parents[1], tmp_path)
    found = verify(tmp_path / "quickstart/1.0.0", rebuild=True)
    assert not found.problems


def test_without_pairs_there_is_no_such_config(tmp_path):
    recipe = replace(load_recipe("quickstart"), pairs=False)
    candidate = nercot.build(recipe, nercot.BuildOptions(tmp_path, limit=20)).candidate
    assert not (candidate / "preference").exists()
    assert "preference" not in (candidate / "README.md").read_text()


def test_sides_that_are_equal_or_differ_too_late_are_counted():
    counts = PairCounts()
    for prompt, chosen, rejected in (
        ("p", "same", "same"),
        ("p", "a" * 5000 + "x", "a" * 5000 + "y"),
        ("p" * 4096, "ax", "ay"),
        ("p", "ax", "ay"),
    ):
        counts.add(pair(prompt, chosen, rejected))
    assert (counts.rows, counts.equal, counts.late) == (4, 1, 2)


def attempt(number, cot="A trace.", entities=(), score=None, reading=None):
    base = {"guid": "g", "dataset": "d", "license": "mit", "sentence": "Ann left.", "schema": ["person"]}
    return {**base, "attempt": number, "cot": cot, "entities": entities, "score": score, "reading": reading}


def drop(number, step, reason):
    return {"attempt": number, "step": step, "reason": reason}


def pairs_of(attempts, drops=(), chosen=9, alone=()):
    kept = attempt(chosen, score=9.5)
    sft = {"guid": "g", "dataset": "d", "license": "mit", "prompt": message("p"), "completion": message("c")}
    made = pair_rows(sft, kept, [*attempts, kept], drops, 9.0, alone)
    return [(row["rejected_step"], row["rejected_reason"], row["score_rejected"]) for row in made]


def test_what_failed_is_told_from_what_nobody_looked_at():
    said = {"taken": [], "refused": [], "given": False, "sound": True}
    attempts = [attempt(1), attempt(2, reading=None), attempt(3, score=4.0), attempt(4), attempt(5, score=9.0)]
    drops = [drop(1, "validate", "ungrounded"), drop(2, "read", "unread"), drop(4, "score", "unscored")]
    wanted = [("validate", "ungrounded", None), ("select", "below_threshold", 4.0), ("select", "disputed", 9.0)]
    assert pairs_of(attempts, drops) == wanted
    assert pairs_of([attempt(1, score=9.0), attempt(2, score=4.0)], alone=(1, 2)) == [
        ("select", "disagreed", 9.0),
        ("select", "below_threshold", 4.0),
    ]
    assert pairs_of([attempt(1)], [drop(1, "read", "contradicted")]) == []
    read = attempt(1)
    read["reading"] = {**said, "taken": [{"mention": "Ann", "type": "person", "because": "x"}]}
    assert pairs_of([read], [drop(1, "read", "contradicted")]) == [("read", "contradicted", None)]


@pytest.mark.parametrize("other", [{"cot": None}, {"entities": None}, {"cot": "It says </think> here."}])
def test_an_answer_that_is_unreadable_or_in_another_format_is_no_side(other):
    assert pairs_of([attempt(1, **other)], [drop(1, "validate", "bad_format")]) == []


@given(st.lists(st.floats(0, 10), max_size=6))
def test_each_scored_answer_before_the_kept_one_is_one_pair(scores):
    attempts = [attempt(number, score=score) for number, score in enumerate(scores, 1)]
    assert [score for *_, score in pairs_of(attempts)] == scores
