"""A cascade of teachers against real servers: who is asked about what, and what happens when one cannot be asked."""

import json
import re
from collections import Counter

import pytest
from commands import run
from fault_server import FaultServer, answer, error

NAMES = ("grounding", "boundary", "type", "completeness", "coherence", "score")
RECIPE = """
steps = ["annotate", "validate", "score", "select"]
[corpus]
name = "ladder"
[[teacher]]
url = "{cheap}"
model = "cheap"
until = "{until}"
[[teacher]]
url = "{dear}"
model = "dear"
[judge]
url = "{judge}"
model = "judge"
"""


def script(call):
    """The cheap teacher sees nothing in every third sentence and writes a poor trace to every fourth."""
    number = int(re.findall(r"letter (\d+)", call.prompt)[-1])
    if call.body["model"] == "judge":
        return answer(json.dumps({**dict.fromkeys(NAMES, 4.0 if "poor" in call.prompt else 9.5), "reason": "plain"}))
    if call.body["model"] == "cheap" and number % 3 == 0:
        return answer("I cannot say.")
    trace = '"Ada" is a person, since "Mrs" stands before the name.'
    poor = " A poor trace." if call.body["model"] == "cheap" and number % 4 == 0 else ""
    return answer(json.dumps({"entities": {"person": ["Ada"]}}), reasoning=trace + poor)


@pytest.fixture
def server():
    with FaultServer(script) as running:
        yield running


def build(folder, server, *more, until="selected", cheap=None, code=0):
    rows = [{"sentence": f"Mrs Ada wrote letter {number}.", "schema": ["person", "city"]} for number in range(24)]
    (folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    text = RECIPE.format(cheap=cheap or server.url, dear=server.url, judge=server.url, until=until)
    (folder / "ladder.toml").write_text(text)
    ran = run(folder, "build", "ladder.toml", "--input", "rows.jsonl", "--json", *more)
    assert ran.code == code, (ran.code, ran.err[-1500:])
    return json.loads(ran.out)


def asked(server):
    return Counter(call.body["model"] for call in server.calls)


def test_a_later_teacher_is_asked_only_about_what_is_left(tmp_path, server):
    result = build(tmp_path, server)
    # Of 24 the cheap one says nothing to 8, and has a poor trace to 4 of the others.
    assert asked(server) == {"cheap": 24, "dear": 12, "judge": 28}
    assert result["records"] == 24
    cheap, dear = result["teachers"]
    assert (cheap["teacher"], cheap["asked"], cheap["rules"], cheap["below_threshold"], cheap["kept"]) == (
        *("cheap", 24, 8, 4, 12),
    )
    assert (dear["asked"], dear["kept"]) == (12, 12)
    again = build(tmp_path, server)
    assert (again["changed"], sum(again["calls"].values())) == (False, 0)


def test_until_valid_a_low_score_is_nobody_elses_to_mend(tmp_path, server):
    result = build(tmp_path, server, until="valid")
    assert asked(server) == {"cheap": 24, "dear": 8, "judge": 24}
    assert result["records"] == 20


def test_until_all_every_teacher_is_asked_about_everything(tmp_path, server):
    result = build(tmp_path, server, until="all")
    assert asked(server)["dear"] == 24
    assert [row["asked"] for row in result["teachers"]] == [24 - 0, 24]
    assert result["records"] == 24


def test_only_rows_on_which_the_teachers_agree_are_kept(tmp_path, server):
    result = build(tmp_path, server, "--set", "select.agreement=2", until="all")
    # The cheap one says nothing to 8 of 24; to the others it says what the dear one says.
    select = next(step for step in result["steps"] if step["step"] == "select")
    assert (result["records"], select["dropped"]) == (16, {"disagreed": 8})
    candidate = tmp_path / "build/ladder/candidate"
    manifest = json.loads((candidate / "manifest.json").read_text())
    assert manifest["agreement"] == {
        **{"records": 24, "same": {"1": 8, "2": 16}},
        **{"mentions": {"1": 8, "2": 16}, "silent": 8},
    }
    assert "Only rows on which 2 of them agree" in (candidate / "README.md").read_text()
    ran = run(tmp_path, "release", "ladder", "--internal")
    assert ran.code == 0, ran.err
    ran = run(tmp_path, "verify", "releases/ladder/1.0.0", "--rebuild")
    assert ran.code == 0, ran.out
    # One teacher's word is enough again, and nobody is asked.
    calls = len(server.calls)
    assert build(tmp_path, server, until="all")["records"] == 24
    assert len(server.calls) == calls


def test_a_teacher_that_found_a_valid_answer_has_no_more_to_say(tmp_path, server):
    """With every teacher asked about everything, unused attempts of one that has answered leave nothing waiting."""
    more = ("--set", "teacher.1.attempts=2", "--set", "select.threshold=9.9")
    result = build(tmp_path, server, *more, until="all", code=1)
    assert sum(step["pending"] for step in result["steps"]) == 0
    assert result["steps"][-1]["dropped"] == {"below_threshold": 24}


def test_a_teacher_that_cannot_be_asked_leaves_its_records_to_the_next(tmp_path, server):
    result = build(tmp_path, server, cheap="http://127.0.0.1:9/v1")
    assert result["records"] == 24
    assert asked(server)["dear"] == 24
    assert any("teacher.1 could not be asked" in note for note in result["notes"])
    # With the first one back the corpus is what it would have been.
    again = build(tmp_path, server)
    other = tmp_path / "other"
    other.mkdir()
    assert again["fingerprint"] == build(other, server)["fingerprint"]


def test_with_all_teachers_gone_the_build_says_so(tmp_path):
    with FaultServer(lambda call: error(401)) as server:
        ran = run(tmp_path, "build", "--version")
        assert ran.code == 2
        (tmp_path / "rows.jsonl").write_text(json.dumps({"sentence": "Ada.", "schema": ["person"]}) + "\n")
        text = RECIPE.format(cheap=server.url, dear=server.url, judge=server.url, until="valid")
        (tmp_path / "ladder.toml").write_text(text)
        ran = run(tmp_path, "build", "ladder.toml", "--input", "rows.jsonl")
    assert ran.code == 2
    assert "wants a key" in ran.err


def test_a_new_first_teacher_makes_no_paid_answer_unknown(tmp_path, server):
    build(tmp_path, server, "--set", "teacher.2.attempts=1")
    paid = asked(server)["dear"]
    text = (tmp_path / "ladder.toml").read_text()
    (tmp_path / "ladder.toml").write_text(text.replace('model = "cheap"', 'model = "cheaper"'))
    ran = run(tmp_path, "build", "ladder.toml", "--input", "rows.jsonl", "--json")
    assert ran.code == 0
    assert asked(server)["dear"] == paid


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("teacher.3.model=x", "there are 2"),
        ("teacher.2.until=selected", "one for all teachers"),
        ("teacher.2.attempts=0", "teacher.2.attempts must be at least 1"),
        ('validate.rules=["contradicted"]', "only the step read"),
        ("select.agreement=3", "3 teachers cannot agree, there are 2"),
        ("select.agreement=0", "select.agreement must be at least 1"),
    ],
)
def test_a_wrong_cascade_is_one_line(tmp_path, setting, said):
    text = RECIPE.format(**dict.fromkeys(("cheap", "dear", "judge"), "http://127.0.0.1:9/v1"), until="all")
    (tmp_path / "ladder.toml").write_text(text)
    ran = run(tmp_path, "plan", "ladder.toml", "--set", setting)
    assert ran.code == 2
    assert said in ran.err
    assert len(ran.told) == 1


def test_a_plan_counts_every_teacher_where_all_are_asked(tmp_path, server):
    text = RECIPE.format(**dict.fromkeys(("cheap", "dear", "judge"), server.url), until="all")
    (tmp_path / "ladder.toml").write_text(text)
    (tmp_path / "rows.jsonl").write_text(json.dumps({"sentence": "Ada.", "schema": ["person"]}) + "\n")
    plan = json.loads(run(tmp_path, "plan", "ladder.toml", "--input", "rows.jsonl", "--json").out)
    assert plan["calls"]["teacher"] == 2
    assert [set(rung) for rung in plan["ladder"]] == [{"teacher", "calls", "cost"}] * 2
    assert "go on" not in run(tmp_path, "plan", "ladder.toml", "--input", "rows.jsonl").out


def test_agreement_needs_every_teacher_asked(tmp_path):
    text = RECIPE.format(**dict.fromkeys(("cheap", "dear", "judge"), "http://127.0.0.1:9/v1"), until="valid")
    (tmp_path / "ladder.toml").write_text(text)
    ran = run(tmp_path, "plan", "ladder.toml", "--set", "select.agreement=2")
    assert (ran.code, len(ran.told)) == (2, 1)
    assert 'set until = "all"' in ran.err


def test_a_teacher_of_ones_own_takes_the_place_of_the_cascade(tmp_path, server):
    result = build(tmp_path, server, "--teacher-url", server.url, "--teacher-model", "dear")
    assert asked(server) == {"dear": 24, "judge": 24}
    assert result["teachers"] == []
