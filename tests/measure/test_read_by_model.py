"""`nercot validate --reader-url`: real HTTP, readings good and bad, and what the command says of them."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from commands import run
from fault_server import Act, FaultServer, answer, error

sys.path.insert(0, str(Path(__file__).parents[1] / "labelled"))

from score import ANSWERS, READINGS, load

from nercot.validation.answers import parse_answer
from nercot.validation.reading import cut_drafts

SENTENCE = 'Dr "Ada" Marsh moved from Leeds to Oslo .'
SCHEMA = ["person", "city"]
COT = (
    'Marsh is a person.\nLeeds {is} a city \\ and "Oslo" is one too.\nDraft: {"entities": {"city": ["Dr"]}} and so on.'
)
LISTED = {"person": ["Marsh"], "city": ["Leeds", "Oslo"]}
GOOD = {
    "taken": [
        {"mention": "Marsh", "type": "person", "because": "Marsh is a person"},
        {"mention": "Leeds", "type": "city", "because": "Leeds {is} a city"},
        {"mention": "Oslo", "type": "city", "because": '"Oslo" is one too'},
    ],
    "refused": ["Dr"],
    "given": False,
    "sound": True,
}
MISSING = {**GOOD, "taken": GOOD["taken"][:2]}


def write(folder: Path, *rows: dict) -> Path:
    path = folder / "answers.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def row(cot: str | None = COT, listed=LISTED, guid="g1", text=None) -> dict:
    body = json.dumps({"entities": listed})
    completion = text or (body if cot is None else f"<think>\n{cot}\n</think>\n{body}")
    return {"guid": guid, "sentence": SENTENCE, "schema": SCHEMA, "completion": completion}


def check(folder: Path, url: str, *more: object):
    out = folder / "out"
    named = ["--reader-url", url, "--reader-model", "m", "--out", out, "--ledger", folder / "ledger.sqlite"]
    ran = run(folder, "validate", folder / "answers.jsonl", *named, "--json", *more)
    verdicts = load(out / "verdicts.jsonl") if (out / "verdicts.jsonl").exists() else []
    return ran, json.loads(ran.out) if ran.out else {}, verdicts


def said(content: object) -> Act:
    return answer(content if isinstance(content, str) else json.dumps(content, ensure_ascii=False))


def test_the_labelled_answers_are_told_apart_through_a_server(tmp_path):
    answers = {item["guid"]: item for item in load(ANSWERS)}
    traces = [
        (
            cut_drafts(
                parse_answer(answers[item["guid"]]["completion"], answers[item["guid"]]["reasoning"]).cot or "-"
            ),
            item,
        )
        for item in load(READINGS)
    ]

    def script(call):
        _, item = max(((trace, item) for trace, item in traces if trace in call.prompt), key=lambda one: len(one[0]))
        return said({name: item[name] for name in ("taken", "refused", "given", "sound")})

    (tmp_path / "answers.jsonl").write_bytes(ANSWERS.read_bytes())
    with FaultServer(script) as server:
        ran, summary, verdicts = check(tmp_path, server.url)
        asked = len(server.calls)
        _, again, _ = check(tmp_path, server.url)
    assert ran.code == 1
    assert summary["rows"] == 240
    assert {item["guid"] for item in verdicts if item["valid"]} == {
        guid for guid, item in answers.items() if item["expected"] == "keep"
    }
    assert summary["calls"] == asked <= 200
    assert again["calls"] == 0
    assert {**again, "calls": asked} == summary


def test_the_request_holds_types_and_sentence_as_json_and_the_trace_as_it_is_without_drafts(tmp_path):
    write(tmp_path, row())
    with FaultServer(lambda call: said(GOOD)) as server:
        ran, summary, (verdict,) = check(tmp_path, server.url)
    assert ran.code == 0
    prompt = server.calls[0].prompt
    assert f"\nSentence: {json.dumps(SENTENCE)}\n" in prompt
    assert json.dumps(SCHEMA) in prompt
    assert COT.replace('{"entities": {"city": ["Dr"]}}', "[...]") in prompt
    assert server.calls[0].body["response_format"]["json_schema"]["strict"] is True
    assert (summary["reader"], summary["calls"], summary["unread"], summary["pending"]) == ("m", 1, 0, 0)
    assert verdict["reading"] == GOOD
    for entity, item in zip(verdict["entities"], GOOD["taken"], strict=True):
        assert COT[entity["cot_start"] : entity["cot_end"]] == item["because"]


@pytest.mark.parametrize(
    ("reading", "rule"),
    [
        (MISSING, "not_justified"),
        ({**MISSING, "refused": ["Oslo"]}, "contradicted"),
        ({**GOOD, "given": True}, "leaks_annotation"),
        ({**GOOD, "sound": False}, "degenerate"),
        ({**GOOD, "taken": [*GOOD["taken"], {"mention": "Ada", "type": "person", "because": "Marsh is a person"}]},
         "missing_from_answer"),
    ],
)  # fmt: skip
def test_what_a_reading_says_against_the_answer_is_a_violation(tmp_path, reading, rule):
    write(tmp_path, row())
    with FaultServer(lambda call: said(reading)) as server:
        ran, summary, (verdict,) = check(tmp_path, server.url)
    assert ran.code == 1
    assert [violation["rule"] for violation in verdict["violations"]] == [rule]
    assert summary["dropped"] == {rule: 1}


NOT_READABLE = [
    "I think the city is Oslo.",
    json.dumps(GOOD)[:-40],
    json.dumps({**GOOD, "taken": ["Marsh", "Leeds", "Oslo"]}),
    json.dumps({**GOOD, "taken": {"person": ["Marsh"]}}),
    json.dumps({name: value for name, value in GOOD.items() if name != "sound"}),
    json.dumps({**GOOD, "sound": "yes"}),
    json.dumps({"entities": LISTED}),
    f"<think>It is clear. {json.dumps(GOOD)}",
    json.dumps(GOOD) + json.dumps(MISSING),
    '{"a":' * 5000,
]


@pytest.mark.parametrize("content", NOT_READABLE)
def test_what_is_no_reading_is_asked_again_and_then_unread(tmp_path, content):
    write(tmp_path, row())
    with FaultServer(lambda call: said(content)) as server:
        ran, summary, (verdict,) = check(tmp_path, server.url)
    assert ran.code == 1
    assert [violation["rule"] for violation in verdict["violations"]] == ["unread"]
    assert (summary["unread"], summary["kept"]) == (1, 0)
    assert "reading" not in verdict
    assert len({call.payload for call in server.calls}) <= 2


@pytest.mark.parametrize("content", NOT_READABLE)
def test_the_second_reading_counts_where_the_first_is_none(tmp_path, content):
    write(tmp_path, row())
    with FaultServer(lambda call: said(content if call.number == 1 else GOOD)) as server:
        ran, summary, _ = check(tmp_path, server.url)
    assert (ran.code, summary["calls"], summary["kept"]) == (0, 2, 1)


@pytest.mark.parametrize("wrap", ["```json\n{}\n```", "Here it is: {} I hope it helps.", "<think>\nhm\n</think>\n{}"])
def test_a_reading_is_found_amid_other_text(tmp_path, wrap):
    write(tmp_path, row())
    with FaultServer(lambda call: said(wrap.replace("{}", json.dumps(GOOD, indent=1)))) as server:
        ran, summary, _ = check(tmp_path, server.url)
    assert (ran.code, summary["calls"]) == (0, 1)


def with_item(**changed) -> dict:
    first = {**GOOD["taken"][0], **changed}
    return {**GOOD, "taken": [first, *GOOD["taken"][1:]]}


@pytest.mark.parametrize(
    ("wrong", "named", "code", "counted"),
    [
        (with_item(because="a doctor, so a person"), "a doctor, so a person", 0, "unquoted"),
        (with_item(mention="Mr Marsch"), "Mr Marsch", 1, "left_out"),
        (with_item(type="human being"), "human being", 1, "left_out"),
    ],
)
def test_what_nobody_finds_is_named_in_the_second_request(tmp_path, wrong, named, code, counted):
    write(tmp_path, row())
    with FaultServer(lambda call: said(wrong)) as server:
        ran, summary, (verdict,) = check(tmp_path, server.url)
    assert [named in call.prompt for call in server.calls] == [False, True]
    assert (ran.code, summary[counted]) == (code, 1)
    if counted == "unquoted":
        (entity,) = (entity for entity in verdict["entities"] if entity["text"] == "Marsh")
        assert COT[entity["cot_start"] : entity["cot_end"]] == "Marsh is a person"


def test_a_second_reading_that_finds_everything_is_the_one_that_counts(tmp_path):
    write(tmp_path, row())
    with FaultServer(lambda call: said(with_item(mention="Marsch") if call.number == 1 else GOOD)) as server:
        ran, summary, (verdict,) = check(tmp_path, server.url)
    assert (ran.code, summary["left_out"], summary["calls"]) == (0, 0, 2)
    assert verdict["reading"] == GOOD


def test_rows_that_break_a_rule_and_rows_without_a_trace_are_not_asked_about(tmp_path):
    write(
        tmp_path,
        row(guid="bad", listed={"town": ["Leeds"]}),
        row(guid="broken", text="no json"),
        row(guid="bare", cot=None),
        row(guid="good"),
    )
    with FaultServer(lambda call: said(GOOD)) as server:
        ran, summary, verdicts = check(tmp_path, server.url, "--trace", "optional")
    assert (ran.code, len(server.calls), summary["kept"]) == (1, 1, 2)
    assert [(item["guid"], item["valid"]) for item in verdicts] == [
        ("bad", False),
        ("broken", False),
        ("bare", True),
        ("good", True),
    ]


def test_a_row_whose_reading_does_not_come_waits_and_has_no_verdict(tmp_path):
    write(tmp_path, row(guid="g1"), {**row(guid="g2"), "sentence": SENTENCE + " Again ."})
    with FaultServer(lambda call: error(500) if "Again" in call.prompt else said(GOOD)) as server:
        ran, summary, verdicts = check(tmp_path, server.url, "--set", "retry.max_seconds=1")
        assert (ran.code, summary["pending"], summary["kept"]) == (1, 1, 1)
        assert [item["guid"] for item in verdicts] == ["g1"]
        server.script = lambda call: said(GOOD)
        ran, summary, _ = check(tmp_path, server.url)
    assert (ran.code, summary["pending"], summary["kept"], summary["calls"]) == (0, 0, 2, 1)


def test_a_server_that_refuses_a_json_schema_is_asked_without_one(tmp_path):
    write(tmp_path, row())

    def script(call):
        return error(400, "response_format is not supported") if "response_format" in call.body else said(GOOD)

    with FaultServer(script) as server:
        ran, summary, _ = check(tmp_path, server.url)
    assert (ran.code, summary["kept"]) == (0, 1)


def test_without_a_reader_the_summary_says_that_meaning_was_not_read(tmp_path):
    path = write(tmp_path, row())
    ran = run(tmp_path, "validate", path)
    assert ran.code == 0
    assert "was not read" in ran.out
    summary = json.loads(run(tmp_path, "validate", path, "--json").out)
    assert (summary["reader"], summary["calls"]) == (None, 0)


def test_a_readers_name_without_an_address_is_told(tmp_path):
    ran = run(tmp_path, "validate", write(tmp_path, row()), "--reader-model", "m")
    assert ran.code == 2
    assert "--reader-url" in ran.err
