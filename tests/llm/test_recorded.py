"""Recorded answers in the place of models: whole builds from files, what is missing, what is wrong with a file."""

import json
import shlex

import pytest
from answered_corpus import build_corpus, script, source_rows
from commands import run
from fault_server import FaultServer

from nercot.corpus.recipe import load_recipe
from nercot.corpus.recordings import template_hash
from nercot.corpus.resources import resource
from nercot.llm.prompts import default_template

RULES = 'validate.rules=["malformed", "type_not_in_schema", "not_in_sentence"]'
STEPS = 'steps=["annotate", "validate", "score", "select"]'
RECORDED = ("--teacher-url", "recorded", "--judge-url", "recorded")


def recorded(name):
    return resource("corpora") / "recorded" / name


def files(teacher, judge):
    return ("--set", f"recorded.teacher={teacher}", "--set", f"recorded.judge={judge}", "--set", RULES, "--set", STEPS)


OURS = (*RECORDED, *files(recorded("teacher-hasty.jsonl"), recorded("judge-of-hasty.jsonl")))


def build(folder, *arguments, code=0, recipe="quickstart"):
    ran = run(folder, "build", recipe, "--json", *arguments)
    assert ran.code == code, (ran.code, ran.out[-1500:], ran.err[-1500:])
    return (json.loads(ran.out) if ran.out else {}), ran.err


def cut(source, target, keep):
    """A copy of a recorded file with the header and the lines (from 1) that `keep` lets stand, changed as it says."""
    lines = source.read_text(encoding="utf-8").splitlines()
    kept = [line for line in map(keep, range(1, len(lines)), lines[1:]) if line is not None]
    target.write_text("\n".join([lines[0], *kept]) + "\n", encoding="utf-8")
    return target


def test_a_corpus_is_built_from_recorded_answers_and_asks_nobody(tmp_path):
    first, _ = build(tmp_path, *OURS)
    assert (first["calls"], first["cost"]) == ({"teacher": 0, "reader": 0, "judge": 0}, 0)
    judged = next(step for step in first["steps"] if step["step"] == "score")["in"]
    assert first["recorded"] == {"teacher": 201, "reader": 0, "judge": judged}
    # 93 traces have a score of 9; one of them speaks of a think tag, and cannot be carried.
    assert first["records"] == 92
    again, _ = build(tmp_path, *OURS)
    assert (again["changed"], again["recorded"]["teacher"]) == (False, 0)
    assert again["fingerprint"] == first["fingerprint"]
    manifest = json.loads((tmp_path / "build/quickstart/candidate/manifest.json").read_text())
    assert [fact["role"] for fact in manifest["recorded"]] == ["teacher", "judge"]
    assert manifest["recorded"][0]["prompt_is_todays"] == (
        manifest["recorded"][0]["prompt"] == template_hash(default_template("annotate"))
    )
    assert "No model was asked" in (tmp_path / "build/quickstart/candidate/README.md").read_text()
    assert run(tmp_path, "release", "quickstart").code == 0
    assert run(tmp_path, "verify", "releases/quickstart/1.0.0", "--rebuild").code == 0
    totals = json.loads(run(tmp_path, "ledger", "--json").out)["totals"]
    assert {(row["cost"], row["unpriced"]) for row in totals} == {(0, 0)}


def test_what_is_not_recorded_waits_and_one_line_says_how_to_ask_for_it(tmp_path):
    half = cut(recorded("teacher-hasty.jsonl"), tmp_path / "half.jsonl", lambda n, line: line if n > 5 else None)
    settings = (*RECORDED, *files(half, recorded("judge-of-hasty.jsonl")))
    result, said = build(tmp_path, *settings, code=1)
    assert sum(step["pending"] for step in result["steps"]) == 5
    assert "5 not recorded" in said
    assert "--teacher-url URL" in said
    # The file that has them completes the build: only they are taken in.
    result, _ = build(tmp_path, *OURS)
    assert (result["recorded"]["teacher"], sum(step["pending"] for step in result["steps"])) == (5, 0)


def test_a_judgement_of_another_trace_answers_nothing(tmp_path):
    other = recorded("judge-of-careful.jsonl")
    result, said = build(tmp_path, *RECORDED, *files(recorded("teacher-hasty.jsonl"), other), code=1)
    waiting = {step["step"]: step["pending"] for step in result["steps"]}
    assert waiting["score"] == next(step for step in result["steps"] if step["step"] == "score")["in"] > 190
    assert "on just this trace and answer" in said
    both = f'["{other}", "{recorded("judge-of-hasty.jsonl")}"]'
    result, _ = build(tmp_path, *RECORDED, *files(recorded("teacher-hasty.jsonl"), both))
    assert sum(step["pending"] for step in result["steps"]) == 0


def test_answers_to_unknown_records_are_said_and_left_out(tmp_path):
    def strange(number, line):
        return json.dumps({**json.loads(line), "guid": "f" * 32}) if number == 7 else line

    odd = cut(recorded("teacher-hasty.jsonl"), tmp_path / "odd.jsonl", strange)
    result, said = build(tmp_path, *RECORDED, *files(odd, recorded("judge-of-hasty.jsonl")), code=1)
    assert f"1 answers are about records that this source does not have (odd.jsonl, line 8: guid {'f' * 32})" in said
    assert sum(step["pending"] for step in result["steps"]) == 1
    # The first rows of a source are no source that lacks the others.
    _, said = build(tmp_path, *OURS, "--limit", "5", "--out", "few")
    assert "does not have" not in said


def test_a_changed_prompt_is_said(tmp_path):
    prompt = tmp_path / "short.md"
    prompt.write_text("Types: {{schema}}\nSentence:\n{{sentence}}\nReason, then answer.")
    _, said = build(tmp_path, *OURS, "--limit", "5", "--set", f"prompts.annotate={prompt}")
    assert "teacher-hasty.jsonl: recorded with another prompt than today's" in said
    # It is said once, when the candidate is made.
    _, again = build(tmp_path, *OURS, "--limit", "5", "--set", f"prompts.annotate={prompt}")
    assert "another prompt" not in again
    assert "Prompts changed since they were recorded: teacher" in (
        tmp_path / "build/quickstart/candidate/README.md"
    ).read_text().replace("\n", " ")
    plan = json.loads(run(tmp_path, "plan", "--json", *OURS, "--set", f"prompts.annotate={prompt}").out)
    assert plan["calls"] == {"teacher": 0, "reader": 0, "judge": 0}
    assert [note.partition(":")[0] for note in plan["notes"]][:1] == ["teacher-hasty.jsonl"]


HEADER = json.dumps({"role": "teacher", "model": "m", "prompt": "0" * 64})
LINE = json.dumps({"guid": "a" * 32, "content": "{}"})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "line 1: not a line of JSON"),
        ("\n", "line 1: not a line of JSON"),
        (LINE + "\n", "its first line is not the header"),
        (HEADER.replace("teacher", "painter") + "\n", "its first line is not the header"),
        (HEADER.replace("0" * 64, "0") + "\n", "sha256 of the prompt's template"),
        (HEADER.replace("teacher", "judge") + "\n", "holds answers of a judge, not of a teacher"),
        (f'{HEADER}\n{{"content": "x"}}\n', "line 2: has no guid"),
        (f"{HEADER}\n{LINE}\n\n{LINE}\n", "line 4: answers the same as line 2"),
        (f"{HEADER}\n{LINE[:-9]}", "line 2: not a line of JSON, and the file ends there: it may be cut off"),
        (f"{HEADER}\n{LINE[:-9]}\n{LINE}\n", "line 2: not a line of JSON: mend or delete it"),
        (f"{HEADER}\n[]\n", "line 2: not a JSON object"),
        (f'{HEADER}\n{{"guid": "{"a" * 32}", "text": "x"}}\n', "line 2: has another shape"),
        (f'{HEADER}\n{{"guid": "{"a" * 32}", "content": 3}}\n', "line 2: content is not a text"),
        (f'{HEADER}\n{{"guid": "{"a" * 32}", "content": "", "attempt": 0}}\n', "line 2: attempt is no number from 1"),
        (f"{HEADER}\n{'[' * 100_000}\n", "line 2: not a line of JSON"),
        (b"\xff\xfe\n", "line 1: not a line of JSON"),
    ],
)
def test_a_file_that_is_no_recorded_file_is_one_line(tmp_path, text, said):
    path = tmp_path / "bad.jsonl"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    ran = run(tmp_path, "build", *RECORDED, *files(path, recorded("judge-of-hasty.jsonl")))
    assert ran.code == 2
    assert said in ran.err
    assert len(ran.told) == 1


def test_a_judges_line_says_what_it_was_asked_about(tmp_path):
    without = cut(
        recorded("judge-of-hasty.jsonl"),
        tmp_path / "judge.jsonl",
        lambda n, line: json.dumps({**json.loads(line), "of": "x"} if n == 3 else json.loads(line)),
    )
    ran = run(tmp_path, "build", *RECORDED, *files(recorded("teacher-hasty.jsonl"), without))
    assert (ran.code, "line 4: has no `of`" in ran.err) == (2, True)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (("teacher.url=recorded",), "set recorded.teacher"),
        (("teacher.url=recorded", "recorded.teacher=gone.jsonl"), "gone.jsonl: recorded answers cannot be read"),
        (('teacher.url=["recorded", "http://127.0.0.1:1/v1"]', "teacher.model=x"), "stand alone as url"),
        (("recorded.painter=x.jsonl",), "unknown key recorded.painter"),
    ],
)
def test_settings_that_lead_to_no_recording(tmp_path, settings, said):
    given = [word for setting in settings for word in ("--set", setting)]
    ran = run(tmp_path, "build", "ner-cot", *given)
    assert (ran.code, said in ran.err) == (2, True), ran.err


def test_two_models_files_need_a_name(tmp_path):
    both = f'["{recorded("teacher-hasty.jsonl")}", "{recorded("teacher-careful.jsonl")}"]'
    settings = [("recorded.teacher", json.loads(both)), ("teacher.url", "recorded")]
    with pytest.raises(Exception, match="hold those of general-llm-careful, general-llm-hasty"):
        load_recipe("quickstart", settings)
    named = load_recipe("quickstart", [*settings, ("teacher.model", "general-llm-careful")])
    assert [path.rpartition("/")[2] for path in named.teacher.recorded] == ["teacher-careful.jsonl"]


def test_any_build_can_be_exported_and_built_again_without_its_models(tmp_path):
    with FaultServer(script) as server:
        served = build_corpus(tmp_path, source_rows(), server)
    ran = run(tmp_path, "ledger", "export", "--recorded", "said", "--corpus", served.corpus, "--json")
    assert ran.code == 0, ran.err
    assert json.loads(ran.out)["teacher"] > 0
    again = tmp_path / "again"
    again.mkdir()
    settings = ("--set", "teacher.attempts=2", "--set", "judge.attempts=2", "--input", tmp_path / "rows.jsonl")
    settings += ("--license", "cc-by-nc-4.0")
    where = [
        word
        for role in ("teacher", "reader", "judge")
        for word in ("--set", f"recorded.{role}={tmp_path}/said/{role}.jsonl", f"--{role}-url", "recorded")
    ]
    result, _ = build(again, *settings, *where, recipe=served.corpus)
    assert result["fingerprint"] == served.fingerprint
    assert [(step["kept"], step["dropped"]) for step in result["steps"]] == [
        (step["kept"], step["dropped"]) for step in served.steps
    ]
    # What is exported from the build of recorded answers is what it was made of.
    ran = run(again, "ledger", "export", "--recorded", "said", "--corpus", served.corpus)
    assert ran.code == 0, ran.err
    for role in ("teacher", "reader", "judge"):
        first, second = ((folder / "said" / f"{role}.jsonl").read_bytes() for folder in (tmp_path, again))
        assert first == second


def test_a_cascade_is_built_again_with_the_options_that_its_export_names(tmp_path):
    build(tmp_path)
    ran = run(tmp_path, "ledger", "export", "--recorded", "said", "--corpus", "quickstart")
    told = ran.out.partition("nercot build RECIPE ")[2]
    assert "teacher-1.jsonl" in told
    assert "teacher-2.jsonl" in told
    again, _ = build(tmp_path, *shlex.split(told), "--out", "again")
    first = json.loads((tmp_path / "build/quickstart/candidate/manifest.json").read_text())
    assert again["fingerprint"] == first["fingerprint"]
    assert again["recorded"] == {"teacher": 310, "reader": 309, "judge": 309}


def test_an_export_says_what_it_wants(tmp_path):
    assert "--recorded DIR --corpus NAME" in run(tmp_path, "ledger", "export").err
    assert run(tmp_path, "ledger", "export", "--recorded", "x").code == 2
    (tmp_path / "build").mkdir()
    assert run(tmp_path, "ledger", "export", "--recorded", "x", "--corpus", "none").code == 2


def test_what_one_teacher_of_a_cascade_did_not_record_is_said_though_the_other_answered(tmp_path):
    few = cut(
        recorded("teacher-hasty.jsonl"), tmp_path / "few.jsonl", lambda n, line: line if n not in (2, 3, 4) else None
    )
    files = json.dumps([str(few), str(recorded("teacher-careful.jsonl"))])
    result, said = build(tmp_path, "--set", f"recorded.teacher={files}")
    assert sum(step["pending"] for step in result["steps"]) == 0
    assert "teacher.1: 3 not recorded in few.jsonl" in said
    assert "--set teacher.1.url=URL" in said
    assert "other teachers' answers were taken" in said
