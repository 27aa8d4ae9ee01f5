"""An oracle behind real HTTP: what a model without fault scores on every benchmark of the paper."""

import json

import pytest
from commands import run
from fault_server import FaultServer, answer
from oracle import IGNORED, write_benchmarks

from nercot.corpus.benchmarks import suite

NAMES = {benchmark.name for name in ("seven", "twenty") for benchmark in suite(name)}


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    folder = tmp_path_factory.mktemp("oracle")
    oracle = write_benchmarks(folder / "data")
    results = {}
    with FaultServer(oracle.script()) as server:
        for labels in ("paper", "all"):
            out = folder / labels
            asked = ["--url", server.url, "--model", "oracle", "--benchmarks", folder / "data", "--out", out]
            ran = run(folder, "evaluate", *asked, "--labels", labels, "--json")
            assert ran.code == 0, ran.err
            results[labels] = (json.loads(ran.out), (out / "evaluation.md").read_text())
        bodies = [call.body for call in server.calls]
    return oracle, results, bodies


def test_no_fault_is_100_on_every_dataset_of_both_suites(measured):
    _, results, _ = measured
    result, written = results["paper"]
    assert set(result["datasets"]) == NAMES
    for name, row in result["datasets"].items():
        assert (row["exact"]["f1"], row["paper"]["f1"], row["unreadable"]) == (1, 1, 0), name
        assert row["rows"] > 5
    assert result["average"]["exact"] == result["average"]["paper"] == 1
    assert "| **oracle** | 100.0 |" in written


def test_under_all_labels_it_scores_what_the_types_that_it_was_not_asked_for_leave(measured):
    oracle, results, _ = measured
    result, written = results["paper"]
    with_ignored = {name for name, row in result["datasets"].items() if row["ignored_mentions"]}
    assert {"CrossNER AI", "CrossNER Science", "CoNLL03", "wikiNeural"} <= with_ignored
    for name, row in result["datasets"].items():
        assert row["labels"]["all"]["exact"]["f1"] == pytest.approx(oracle.expected(name)), name
        assert (row["labels"]["all"]["exact"]["f1"] < 1) == (name in with_ignored)
    assert "count under all labels only" in written


def test_asked_for_all_types_it_is_without_fault_under_both_choices(measured):
    _, results, _ = measured
    result, _ = results["all"]
    for row in result["datasets"].values():
        for labels in ("paper", "all"):
            assert row["labels"][labels]["exact"]["f1"] == row["labels"][labels]["paper"]["f1"] == 1


def test_what_is_asked_is_what_the_paper_s_code_asks_and_is_said(measured):
    _, results, bodies = measured
    assert {(body["temperature"], body["max_tokens"]) for body in bodies} == {(0, 4096)}
    types = [
        set(json.loads(body["messages"][0]["content"].partition("Types: ")[2].partition("\n")[0])) for body in bodies
    ]
    ignored = [any(label.lower() in IGNORED for label in found) for found in types]
    rows = sum(row["rows"] for row in results["paper"][0]["datasets"].values())
    assert not any(ignored[:rows])
    assert any(ignored[rows:])
    result, written = results["paper"]
    assert result["asked"] == {"trace": True, "prompt": "extract.md", "temperature": 0, "max_tokens": 4096}
    assert "Asked to reason first (extract.md), not asked for the types misc, other, else, na, nan" in written
    assert "temperature 0, answer tokens at most 4,096" in written
    assert "asked for all types" in results["all"][1]


def query(sentence, kind, *found):
    said = [f"Text: {sentence}", "I've read this text.", f"What describes {kind} in the text?", json.dumps(found)]
    turns = [{"from": ("human", "gpt")[place % 2], "value": text} for place, text in enumerate(said)]
    return {"conversations": turns}


def test_files_that_ask_for_fewer_types_than_the_original_say_so(tmp_path):
    """As UniversalNER's file of CrossNER's AI does, with 13 of 14."""
    types = [label for label in suite("seven")[2].labels if label != "metrics"]
    rows = [query("Ada met Bo .", kind, *(["Ada"] if kind == "researcher" else [])) for kind in types]
    (tmp_path / "CrossNER_AI.json").write_text(json.dumps(rows))
    with FaultServer(lambda call: answer('{"entities": {"researcher": ["Ada"]}}')) as server:
        asked = ["--url", server.url, "--model", "m", "--benchmarks", tmp_path, "--set", "temperature=none"]
        ran = run(tmp_path, "evaluate", *asked)
        assert "temperature" not in server.calls[0].body
    assert ran.code == 0, ran.err
    assert "CrossNER AI: these files ask for 13 of its 14 types (not by name: metrics)" in ran.out
    assert "temperature as the server has it" in ran.out
