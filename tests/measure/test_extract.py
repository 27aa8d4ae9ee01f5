"""`nercot extract`: text to spans through real HTTP, in and out of several formats."""

import json
import re

import pytest
from commands import run
from fault_server import FaultServer, answer, error

from nercot.llm.prompts import default_template


def model(call):
    """Argues for every capitalised word but the first, `Garbage` aside; one mention is not in the sentence."""
    sentence = call.prompt.rpartition("Sentence:\n```\n")[2].rpartition("\n```")[0]
    if "Garbage" in sentence:
        return answer("I would rather not.")
    if "Endless" in sentence:
        return answer("<think>\non and", finish="length")
    names = re.findall(r"(?<=\s)[A-Z]\w*", sentence)
    said = {"person": [*names, "Nobody"], "animal": ["cat"]} if names else {}
    trace = "<think>\n" + "; ".join(f"{name} is a person" for name in names) + "\n</think>\n"
    return answer((trace if "<think>" in call.prompt else "") + json.dumps({"entities": said}))


@pytest.fixture
def server():
    with FaultServer(model) as running:
        yield running


def extract(folder, server, *arguments, code=0):
    ran = run(folder, "extract", *arguments, "--url", server.url, "--model", "m", "--json")
    assert ran.code == code, (ran.out, ran.err)
    return json.loads(ran.out) if code == 0 else ran.err


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_plain_text_becomes_rows_with_offsets_and_traces(tmp_path, server):
    (tmp_path / "notes.txt").write_text("then Ada met Bo\nnothing here\nthe Garbage man\nan Endless story\n")
    found = extract(tmp_path, server, "notes.txt", "--schema", "person,place", "--to", "out.jsonl")
    assert (found["rows"], found["kept"], found["entities"], found["with_trace"]) == (4, 2, 2, 1)
    assert found["dropped"] == {"malformed": 1, "truncated": 1}
    assert found["left_out"] == {"not_in_sentence": 1, "type_not_in_schema": 1}
    first, second = lines(tmp_path / "out.jsonl")
    spans = [(item["text"], item["label"], item["start"], item["end"]) for item in first["entities"]]
    assert spans == [("Ada", "person", 5, 8), ("Bo", "person", 13, 15)]
    assert first["cot"] == "Ada is a person; Bo is a person"
    assert (second["entities"], second["sentence"]) == ([], "nothing here")
    fallen = lines(tmp_path / "out.jsonl.dropped.jsonl")
    assert [(row["reason"], row["source_row"], row["sentence"]) for row in fallen] == [
        ("malformed", 3, "the Garbage man"),
        ("truncated", 4, "an Endless story"),
    ]
    assert "rather not" in fallen[0]["completion"]
    bodies = [call.body for call in server.calls]
    assert {(body["temperature"], body["max_tokens"]) for body in bodies} == {(0, 4096)}
    assert found["asked"]["prompt"] == "extract.md"


def test_the_same_command_asks_nothing_again_and_an_existing_file_is_kept(tmp_path, server):
    (tmp_path / "notes.txt").write_text("then Ada met Bo\n")
    asked = ("notes.txt", "--schema", "person", "--to", "out.jsonl")
    assert extract(tmp_path, server, *asked)["calls"] == 1
    assert "--force" in extract(tmp_path, server, *asked, code=2)
    before = (tmp_path / "out.jsonl").read_bytes()
    assert extract(tmp_path, server, *asked, "--force")["calls"] == 0
    assert (tmp_path / "out.jsonl").read_bytes() == before
    assert len(server.calls) == 1


def test_columns_become_columns_and_gold_is_never_shown(tmp_path, server):
    (tmp_path / "in.conll").write_text("then O\nAda B-person\nslept O\n\nhi O\nCy O\n")
    found = extract(tmp_path, server, "in.conll", "--to", "out.conll", "--no-trace")
    tags = [line.split()[-1] for line in (tmp_path / "out.conll").read_text().splitlines() if line.strip()]
    assert tags == ["O", "B-person", "O", "O", "B-person"]
    assert found["with_trace"] == 0
    opening = default_template("answer").partition("{{")[0]
    assert all(call.prompt.startswith(opening) for call in server.calls)


def test_answers_that_do_not_come_leave_no_file_and_the_next_run_goes_on(tmp_path):
    (tmp_path / "notes.txt").write_text("then Ada\nthen Bo\n")
    broken = [True]

    def script(call):
        return error(500) if broken[0] and "Bo" in call.prompt else model(call)

    with FaultServer(script) as server:
        asked = ("notes.txt", "--schema", "person", "--to", "out.jsonl")
        said = extract(tmp_path, server, *asked, "--retry-seconds", "1", code=1)
        assert "goes on from here" in said
        assert not (tmp_path / "out.jsonl").exists()
        broken[0] = False
        assert extract(tmp_path, server, *asked)["calls"] == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("missing.txt", "--schema", "a", "--to", "out.jsonl"), "missing.txt"),
        (("notes.txt", "--schema", "a", "--to", "out.jsonl", "--to-format", "nonsense"), "nonsense"),
        (("notes.txt", "--schema", "a", "--to", "out.jsonl", "--prompt", "no.md"), "no.md"),
        (("notes.txt", "--schema", "a", "--to", "out.jsonl", "--set", "temprature=1"), "temperature"),
    ],
)
def test_a_mistake_is_one_line_before_anything_is_asked(tmp_path, server, arguments, said):
    (tmp_path / "notes.txt").write_text("then Ada\n")
    line = extract(tmp_path, server, *arguments, code=2)
    assert said in line
    assert len(line.strip().splitlines()) == 1
    assert not server.calls


def test_text_without_types_says_what_to_give(tmp_path, server):
    (tmp_path / "notes.txt").write_text("then Ada\n")
    ran = run(tmp_path, "extract", "notes.txt", "--url", server.url, "--model", "m", "--to", "out.jsonl")
    assert ran.code in (1, 2)
    assert "--schema" in ran.err or "schema" in ran.err
    assert not (tmp_path / "out.jsonl").exists()
