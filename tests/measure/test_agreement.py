"""`nercot agreement`: figures that can be checked by hand, and what is not defined."""

from __future__ import annotations

import json

import pytest
from commands import run
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some
from pages import write

from nercot.measure.agreement import Span, _overlapping

SENTENCE = "Ann met Bo in New York ."


def row(guid: str, *mentions: tuple[str, str], sentence: str = SENTENCE, **more) -> dict:
    entities = [{"text": text, "label": label} for text, label in mentions]
    return {"guid": guid, "sentence": sentence, "schema": ["person", "city"], "entities": entities, **more}


def compare(folder, one, two, *options):
    write(folder / "a.jsonl", one)
    write(folder / "b.jsonl", two)
    ran = run(folder, "agreement", "a.jsonl", "b.jsonl", "--json", *options)
    assert ran.code == 0, ran.err
    return json.loads(ran.out)


def test_figures_by_hand(tmp_path):
    one = [row("1", ("Ann", "person"), ("New York", "city")), row("2", ("Bo", "person"))]
    two = [row("1", ("Ann", "Person"), ("York", "city")), row("2")]
    found = compare(tmp_path, one, two)
    assert found["rows"] == {"both": 2, "only_a": 0, "only_b": 0, "silent_a": 0, "silent_b": 0, "same": 0}
    assert (found["exact"]["matched"], found["exact"]["f1"]) == (1, 0.4)
    assert (found["overlapping"]["matched"], found["overlapping"]["f1"]) == (2, 0.8)
    assert found["types"]["city"] == {"matched": 0, "a": 1, "b": 1, "f1": 0.0}
    assert found["types"]["person"] == {"matched": 1, "a": 2, "b": 1, "f1": 0.6667}
    assert found["token_kappa"]["n"] == 14
    assert found["token_kappa"]["agree"] == 12
    assert found["token_kappa"]["base_rates"]["(none)"] == [round(10 / 14, 4), round(12 / 14, 4)]
    assert found["row_kappa"]["base_rates"] == {"entities": [1.0, 0.5], "none": [0.0, 0.5]}
    assert [item["guid"] for item in found["differing"]] == ["1", "2"]
    assert found["differing"][0]["only_a"] == ["New York (city)"]


def test_nothing_to_agree_on_is_not_defined(tmp_path):
    found = compare(tmp_path, [row("1")], [row("1")])
    assert found["exact"]["f1"] is None
    assert found["token_kappa"]["kappa"] is None
    assert found["row_kappa"]["kappa"] is None
    assert "not defined" in run(tmp_path, "agreement", "a.jsonl", "b.jsonl").out


def test_the_silent_count(tmp_path):
    one = [row("1", ("Ann", "person")), row("2", ("Bo", "person"))]
    unread = {"guid": "2", "sentence": SENTENCE, "schema": ["person", "city"], "completion": "no idea"}
    two = [row("1", ("Ann", "person")), unread]
    found = compare(tmp_path, one, two)
    assert found["rows"]["silent_b"] == 1
    assert found["exact"]["f1"] == 0.6667


def test_rows_belong_together_by_text_where_ids_differ(tmp_path):
    other = "Bo is here ."
    one = [row("1", ("Ann", "person")), row("2", ("Bo", "person"), sentence=other)]
    two = [row("x", ("Bo", "person"), sentence=other), row("y", ("Ann", "person")), row("z", sentence="more")]
    found = compare(tmp_path, one, two)
    assert (found["rows"]["both"], found["rows"]["only_b"], found["exact"]["f1"]) == (2, 1, 1.0)


def test_two_sources_are_refused(tmp_path):
    write(tmp_path / "a.jsonl", [row("1")])
    write(tmp_path / "b.jsonl", [row("1", sentence="Something else")])
    ran = run(tmp_path, "agreement", "a.jsonl", "b.jsonl")
    assert (ran.code, len(ran.told)) == (1, 1)
    assert run(tmp_path, "agreement", "a.jsonl", "b.jsonl", "--attempts", "1").code == 2
    assert run(tmp_path, "agreement", "a.jsonl", "a.jsonl").code == 2


@pytest.mark.parametrize("twice", ["build/ner-cot/candidate", "build/ner-cot/candidate:raw"])
def test_attempts_of_one_corpus(tmp_path_factory, twice):
    from answered_corpus import build_corpus, script, source_rows
    from fault_server import FaultServer

    folder = tmp_path_factory.mktemp("attempts")
    with FaultServer(script) as server:
        build_corpus(folder, source_rows(("Mara",)), server)
    ran = run(folder, "agreement", twice, twice, "--json")
    found = json.loads(ran.out)
    assert found["attempts"] == [1, 2]
    assert found["rows"]["both"] > 0
    assert found["rows"]["silent_a"] > 0


spans = some.lists(
    some.tuples(some.integers(0, 20), some.integers(1, 6), some.sampled_from("ab")).map(
        lambda drawn: Span(drawn[0], drawn[0] + drawn[1], drawn[2], "", drawn[2])
    ),
    max_size=8,
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(spans, spans)
def test_overlap_is_symmetric_and_no_less_than_equality(one, two):
    shared = _overlapping(one, two)
    assert shared == _overlapping(two, one) or abs(shared - _overlapping(two, one)) <= 1
    assert shared <= min(len(one), len(two))
    assert _overlapping(one, one) == len(one)
