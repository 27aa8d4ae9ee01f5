"""`nercot build` with a teacher and a judge that are servers: real HTTP, faults, kills, and what it costs."""

import json
import re
import signal
import subprocess
import sys
import threading
import time
from collections import Counter

import pyarrow.parquet as pq
import pytest
from commands import run
from fault_server import Act, FaultServer, answer, completion, error

KEY = "sk-secret-0123456789abcdef"
TRACE = '"Ada" is a person, since "Mrs" stands before the name. No city is named anywhere in the sentence.'
GOOD = json.dumps({"entities": {"person": ["Ada"]}})
FREE = {"license": "cc0-1.0"}
PARTS = ("grounding", "boundary", "type", "completeness", "coherence", "score")


def verdict(score=9.5):
    return json.dumps({**dict.fromkeys(PARTS, score), "reason": "argued from the words beside it"})


def number_of(call):
    return int(re.search(r"letter (\d+)", call.prompt)[1])


def obliging(call):
    """Teacher and judge of one server, told apart by the model that is asked for."""
    return answer(GOOD, reasoning=TRACE) if call.body["model"] == "teacher" else answer(verdict())


def rows(count, path):
    path.write_text(
        "".join(
            json.dumps({"sentence": f"Mrs Ada wrote letter {number}.", "schema": ["person", "city"], **FREE}) + "\n"
            for number in range(count)
        )
    )
    return path


def command(server, source, *arguments):
    judge = () if "--judge-url" in arguments else ("--judge-url", server.url)
    return [
        *(sys.executable, "-m", "nercot", "build", "quickstart", "--json", "--input", str(source)),
        *("--teacher-url", server.url, "--teacher-model", "teacher", "--judge-model", "judge"),
        *("--set", 'steps=["annotate", "validate", "score", "select"]'),
        *(*judge, *map(str, arguments)),
    ]


def build(folder, server, source, *arguments, code=0):
    ran = run(folder, *command(server, source, *arguments)[3:])
    assert ran.code == code, (ran.code, ran.out[-1500:], ran.err[-1500:])
    return json.loads(ran.out) if ran.out else "\n".join(ran.told)


def config(folder, name):
    files = sorted((folder / "build/quickstart/candidate" / name).glob("*.parquet"))
    return [row for file in files for row in pq.read_table(file).to_pylist()]


def asked(server):
    return Counter(call.body["model"] for call in server.calls)


def test_a_teacher_and_a_judge_make_a_corpus_and_are_paid_once(tmp_path):
    source = rows(40, tmp_path / "rows.jsonl")
    with FaultServer(obliging) as server:
        result = build(tmp_path, server, source)
        assert result["calls"] == {"teacher": 40, "reader": 0, "judge": 40}
        assert result["records"] == 40
        assert result["tokens"] == {"input": 8000, "cached_input": 3200, "output": 1600}
        again = build(tmp_path, server, source)
        assert (again["calls"], again["changed"]) == ({"teacher": 0, "reader": 0, "judge": 0}, False)
        assert asked(server) == {"teacher": 40, "judge": 40}
        assert not any("Ada" in call.prompt and '"gold"' in call.prompt for call in server.calls)
    for row in config(tmp_path, "raw"):
        assert (row["teacher"], row["judge"], row["attempt"], row["finish_reason"]) == ("m-2026", "m-2026", 1, "stop")
        assert (row["reasoning"], row["completion"], row["cot"]) == (TRACE, GOOD, TRACE)
        assert len(row["request_key"]) == len(row["judge_key"]) == 64
        assert (row["tokens_in"], row["tokens_out"], row["score"]) == (100, 20, 9.5)


def test_what_changed_is_asked_again_and_nothing_else(tmp_path):
    source = rows(30, tmp_path / "rows.jsonl")
    prompt = tmp_path / "short.md"
    prompt.write_text("Types: {{schema}}\nSentence:\n{{sentence}}\nReason, then answer.")
    with FaultServer(obliging) as server:
        build(tmp_path, server, source)

        def calls(*arguments, code=0):
            return build(tmp_path, server, source, *arguments, code=code)["calls"]

        assert calls("--set", "select.threshold=9.9", code=1) == {"teacher": 0, "reader": 0, "judge": 0}
        assert calls("--set", 'validate.rules=["malformed"]') == {"teacher": 0, "reader": 0, "judge": 0}
        assert calls("--set", "teacher.concurrency=3") == {"teacher": 0, "reader": 0, "judge": 0}
        rows(31, source)
        assert calls() == {"teacher": 1, "reader": 0, "judge": 1}
        assert calls("--set", f"prompts.annotate={prompt}") == {"teacher": 31, "reader": 0, "judge": 0}
        assert calls("--set", "teacher.temperature=0.5") == {"teacher": 31, "reader": 0, "judge": 0}
        assert calls("--set", "teacher.extra.seed=1") == {"teacher": 31, "reader": 0, "judge": 0}
        assert calls("--judge-model", "judge2") == {"teacher": 0, "reader": 0, "judge": 31}


@pytest.mark.parametrize("share", [0.2, 0.5, 0.8])
def test_killed_in_the_middle_nothing_is_lost_and_little_is_paid_twice(tmp_path, share):
    count, flight = 300, 16
    source = rows(count, tmp_path / "rows.jsonl")

    def slow(call):
        reply = obliging(call)
        return Act(body=reply.body, delay=0.05)

    with FaultServer(slow) as server:
        setting = ("--set", f"teacher.concurrency={flight}", "--set", f"judge.concurrency={flight}")
        process = subprocess.Popen(
            command(server, source, *setting), cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        deadline = time.monotonic() + 60
        while len(server.calls) < share * 2 * count and time.monotonic() < deadline:
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        process.wait()
        result = build(tmp_path, server, source, *setting)
        paid = asked(server)
        # In flight when it died, at both models, and what the last commit window (50 ms: a round more) had not written.
        assert paid["teacher"] + paid["judge"] <= 2 * count + 4 * flight
    with FaultServer(obliging) as server:
        undisturbed = build(tmp_path, server, source, "--out", tmp_path / "other")
    assert result["records"] == count
    assert result["fingerprint"] == undisturbed["fingerprint"]


def test_faults_of_every_kind_lose_nothing(tmp_path):
    source = rows(200, tmp_path / "rows.jsonl")
    faults = [
        error(500),
        error(503, retry_after="0"),
        error(429, retry_after="0"),
        Act(cut="before"),
        Act(body=completion(GOOD), cut="head"),
        Act(body=completion(GOOD), cut="body"),
        answer(""),
        answer(None),
        Act(body=b"{not json"),
        Act(body=completion(GOOD, reasoning=TRACE), blank_lines=5),
    ]

    def flaky(call):
        return faults[(call.number // 7) % len(faults)] if call.number % 7 == 0 and call.tries == 1 else obliging(call)

    with FaultServer(flaky) as server:
        result = build(tmp_path, server, source)
    assert [step["pending"] for step in result["steps"]] == [0] * 5
    assert result["steps"][1]["kept"] == 200
    assert all(row["completion"] for row in config(tmp_path, "raw"))


def test_attempts_go_on_until_one_is_valid(tmp_path):
    source = rows(12, tmp_path / "rows.jsonl")

    def improving(call):
        if call.body["model"] == "judge":
            return answer(verdict())
        bad = number_of(call) % 3 and call.tries <= number_of(call) % 3
        return answer("no JSON at all" if bad else GOOD, reasoning=TRACE)

    with FaultServer(improving) as server:
        once = build(tmp_path, server, source)
        assert once["records"] == 4
        assert once["steps"][2]["dropped"] == {"malformed": 8}
        twice = build(tmp_path, server, source, "--set", "teacher.attempts=2")
        assert (twice["records"], twice["calls"]["teacher"]) == (8, 8)
        result = build(tmp_path, server, source, "--set", "teacher.attempts=5")
        assert (result["records"], result["calls"]["teacher"]) == (12, 4)
    raw = config(tmp_path, "raw")
    assert Counter(row["attempt"] for row in raw) == {1: 12, 2: 8, 3: 4}
    assert len({(row["guid"], row["attempt"]) for row in raw}) == len(raw)
    manifest = json.loads((tmp_path / "build/quickstart/candidate/manifest.json").read_text())
    assert manifest["attempts"] == {"1": 4, "2": 4, "3": 4}


def test_until_selected_a_low_score_is_another_attempt(tmp_path):
    source = rows(10, tmp_path / "rows.jsonl")

    def strict(call):
        if call.body["model"] == "teacher":
            return answer(GOOD, reasoning=f"Try {call.tries}: {TRACE}")
        return answer(verdict(9.5 if "Try 2" in call.prompt else 6))

    with FaultServer(strict) as server:
        attempts = ("--set", "teacher.attempts=2")
        build(tmp_path, server, source, *attempts, "--set", "teacher.until=valid", code=1)
        result = build(tmp_path, server, source, *attempts, "--set", "teacher.until=selected")
    assert result["records"] == 10
    assert {row["cot"][:5] for row in config(tmp_path, "cot")} == {"Try 2"}


def test_an_unreadable_judgement_is_asked_for_again_and_never_a_zero(tmp_path):
    source = rows(9, tmp_path / "rows.jsonl")

    def mumbling(call):
        if call.body["model"] == "teacher":
            return answer(GOOD, reasoning=TRACE)
        readable = number_of(call) % 3 == 0 or (number_of(call) % 3 == 1 and call.tries > 1)
        return answer(verdict() if readable else "I would say nine or so.")

    with FaultServer(mumbling) as server:
        result = build(tmp_path, server, source)
        assert asked(server)["judge"] == 3 * 1 + 3 * 2 + 3 * 3
    assert result["records"] == 6
    assert result["steps"][3]["dropped"] == {"unscored": 3}
    assert {row["score"] for row in config(tmp_path, "raw")} == {9.5, None}


def test_refused_cut_off_and_filtered_records_are_dropped_with_their_reason(tmp_path):
    source = rows(12, tmp_path / "rows.jsonl")

    def particular(call):
        if call.body["model"] == "judge":
            return answer(verdict())
        number = number_of(call)
        if number == 8:
            return error(400, "this model's maximum context length is 10 tokens")
        finish = {9: "length", 10: "content_filter"}.get(number, "stop")
        return answer("" if number == 11 else GOOD, reasoning=TRACE, finish=finish)

    with FaultServer(particular) as server:
        result = build(tmp_path, server, source, "--set", "teacher.concurrency=1")
    reasons = Counter()
    for step in result["steps"]:
        reasons.update(step["dropped"])
    assert reasons == {"refused": 1, "truncated": 1, "content_filter": 1, "empty_answer": 1}


def test_records_without_an_answer_are_pending_and_come_with_the_next_run(tmp_path):
    source = rows(10, tmp_path / "rows.jsonl")
    broken = threading.Event()
    broken.set()

    def half(call):
        return error(500) if number_of(call) >= 7 and broken.is_set() else obliging(call)

    with FaultServer(half) as server:
        setting = ("--set", "retry.max_seconds=1")
        result = build(tmp_path, server, source, *setting, code=1)
        assert result["steps"][1]["pending"] == 3
        assert result["records"] == 7
        assert "wait for an answer" in result["shortfall"]
        broken.clear()
        result = build(tmp_path, server, source, *setting)
        assert (result["records"], result["calls"]) == (10, {"teacher": 3, "reader": 0, "judge": 3})
        assert result["shortfall"] is None


def test_ctrl_c_keeps_what_was_paid_for(tmp_path):
    source = rows(200, tmp_path / "rows.jsonl")

    def slow(call):
        return Act(body=obliging(call).body, delay=0.05)

    with FaultServer(slow) as server:
        process = subprocess.Popen(
            command(server, source, "--set", "teacher.concurrency=8"),
            cwd=tmp_path,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        while len(server.calls) < 60:
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=30)
        assert process.returncode == 130
        assert "goes on from there" in said
        assert "Traceback" not in said
        build(tmp_path, server, source)
        assert asked(server)["teacher"] == 200


def test_a_key_is_sent_to_its_server_and_is_nowhere_else(tmp_path, monkeypatch):
    monkeypatch.setenv("MY_TEACHER_KEY", KEY)
    source = rows(5, tmp_path / "rows.jsonl")

    def leaking(call):
        if call.number == 2:
            return error(500, f"do not say {KEY}")
        return obliging(call)

    with FaultServer(leaking) as server, FaultServer(obliging) as judge:
        arguments = ("--set", "teacher.api_key_env=MY_TEACHER_KEY", "--judge-url", judge.url)
        result = build(tmp_path, server, source, *arguments)
        assert f"Bearer {KEY}".encode() in server.everything_seen()
        assert KEY.encode() not in judge.everything_seen()
    assert KEY not in json.dumps(result)
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert any(path.name == "ledger.sqlite" for path in written)
    assert not [path for path in written if KEY.encode() in path.read_bytes()]


@pytest.mark.parametrize(
    ("act", "said"),
    [
        (error(401, "bad key"), "key"),
        (error(404, "no such model"), "teacher"),
        (Act(body=b"<html>hello</html>", kind="text/html"), "web page"),
    ],
)
def test_a_server_that_cannot_be_used_is_one_line_and_exit_2(tmp_path, act, said):
    with FaultServer(lambda call: act) as server:
        line = build(tmp_path, server, rows(5, tmp_path / "r.jsonl"), "--set", "retry.max_seconds=2", code=2)
    assert said in line.lower()
    assert len(line.strip().splitlines()) == 1


def test_a_server_that_is_not_there_is_one_line_and_exit_2(tmp_path):
    with FaultServer(obliging) as server:
        pass
    line = build(tmp_path, server, rows(5, tmp_path / "r.jsonl"), "--set", "retry.max_seconds=2", code=2)
    assert len(line.strip().splitlines()) == 1
    assert str(server.port) in line


def test_a_budget_stops_cleanly_and_more_money_goes_on(tmp_path):
    source = rows(50, tmp_path / "rows.jsonl")
    price = [
        f"--set={who}.price.{what}={usd}"
        for who in ("teacher", "judge")
        for what, usd in (("input", 10), ("output", 100))
    ]
    with FaultServer(obliging) as server:
        line = build(tmp_path, server, source, "--max-cost", "0.05", code=2)
        assert "teacher.price.input" in line
        assert not server.calls
        result = build(tmp_path, server, source, *price, "--set=teacher.max_tokens=20", "--max-cost=0.05", code=1)
        assert result["cost"] <= 0.05
        assert 0 < len(server.calls) < 50
        assert "budget" in result["shortfall"]
        result = build(tmp_path, server, source, *price, "--set=teacher.max_tokens=20", "--max-cost=5")
    assert result["records"] == 50


def test_two_corpora_share_a_ledger_at_the_same_time(tmp_path):
    source = rows(60, tmp_path / "rows.jsonl")
    with FaultServer(lambda call: Act(body=obliging(call).body, delay=0.02)) as server:
        builds = [
            subprocess.Popen(
                command(server, source, "--set", f"corpus.name=c{n}"), cwd=tmp_path, stdout=subprocess.PIPE
            )
            for n in range(2)
        ]
        results = [json.loads(each.communicate(timeout=120)[0]) for each in builds]
    assert [each.returncode for each in builds] == [0, 0]
    assert [result["records"] for result in results] == [60, 60]


def test_a_foreign_file_where_the_ledger_should_be_is_left_alone(tmp_path):
    (tmp_path / "build").mkdir()
    (tmp_path / "build/ledger.sqlite").write_text("my diary")
    with FaultServer(obliging) as server:
        line = build(tmp_path, server, rows(3, tmp_path / "r.jsonl"), code=2)
    assert "ledger.sqlite" in line
    assert (tmp_path / "build/ledger.sqlite").read_text() == "my diary"


def test_a_plan_counts_what_the_ledger_does_not_hold(tmp_path):
    source = rows(20, tmp_path / "rows.jsonl")

    def plan(server, *arguments):
        return json.loads(run(tmp_path, "plan", *command(server, source, *arguments)[4:]).out)

    with FaultServer(obliging) as server:
        first = plan(server)
        assert first["calls"] == {"teacher": 20, "reader": 0, "judge": 20}
        assert first["cost"] is None
        assert first["tokens"]["input"] > 0
        assert not server.calls
        build(tmp_path, server, source, "--limit", 15)
        rest = plan(server, "--set=teacher.price.input=1", "--set=teacher.price.output=1")
        assert rest["calls"] == {"teacher": 5, "reader": 0, "judge": 5}
        build(tmp_path, server, source)
        assert plan(server)["calls"] == {"teacher": 0, "reader": 0, "judge": 0}
        assert plan(server)["cost"] == 0


def test_a_plan_knows_the_attempts_that_known_answers_make_necessary(tmp_path):
    source = rows(12, tmp_path / "rows.jsonl")
    with source.open("a") as file:  # an equal record is asked about once
        file.write(json.dumps({"sentence": "Mrs Ada wrote letter 11.", "schema": ["person", "city"]}) + "\n")

    def improving(call):
        if call.body["model"] == "judge":
            return answer(verdict(6 if number_of(call) == 9 and "Try 1" in call.prompt else 9.5))
        text = "no JSON at all" if number_of(call) < 4 and call.tries == 1 else GOOD
        return answer(text, reasoning=f"Try {call.tries}: {TRACE}")

    def planned_and_made(server, *settings):
        arguments = [f"--set={setting}" for setting in settings]
        planned = json.loads(run(tmp_path, "plan", *command(server, source, *arguments)[4:]).out)["calls"]
        return planned, build(tmp_path, server, source, *arguments)["calls"]

    with FaultServer(improving) as server:
        once = planned_and_made(server)
        thrice = planned_and_made(server, "teacher.attempts=3", "teacher.until=valid")
        selected = planned_and_made(server, "teacher.attempts=3", "teacher.until=selected")
        again = planned_and_made(server, "teacher.attempts=3", "teacher.until=selected")
    assert once == ({"teacher": 12, "reader": 0, "judge": 12}, {"teacher": 12, "reader": 0, "judge": 8})
    assert thrice == ({"teacher": 4, "reader": 0, "judge": 4},) * 2
    assert selected == ({"teacher": 1, "reader": 0, "judge": 1},) * 2
    assert again == ({"teacher": 0, "reader": 0, "judge": 0},) * 2


def test_status_is_that_of_the_run_and_not_of_what_older_ones_left(tmp_path):
    source = rows(20, tmp_path / "rows.jsonl")

    def status():
        told = json.loads(run(tmp_path, "status", "quickstart", "--json").out)
        read = [step for step in told["steps"] if step["step"] != "read"]
        return {step["step"]: (step["done"], step["left"], step["kept"]) for step in read}, told

    with FaultServer(obliging) as server:
        build(tmp_path, server, source)
        assert set(status()[0].values()) == {(20, 0, 20)}
        setting = ("--set", "teacher.extra.seed=1", "--set", "teacher.concurrency=1", "--set", "judge.concurrency=1")
        server.script = lambda call: obliging(call) if call.number <= 46 else error(401)
        build(tmp_path, server, source, *setting, code=2)
        steps, told = status()
        # A partition goes on to the next step while others are asked about.
        assert 0 < steps["annotate"][0] < 20
        assert all(done + left == 20 for done, left, _ in steps.values())
        assert steps["select"] == (0, 20, 0)
        assert told["last_error"]["step"] == "annotate"
        assert "wants a key" in told["last_error"]["detail"]
        # Other judgements of the same traces, of which some can be had.
        server.script = lambda call: obliging(call) if call.number <= 47 + 14 + 5 else error(401)
        build(tmp_path, server, source, *setting, "--judge-model", "other", code=2)
        steps, _ = status()
        assert all(done + left == 20 for done, left, _ in steps.values())
        assert 0 < steps["score"][0] < 20
        assert steps["select"] == (0, 20, 0)
        server.script = obliging
        build(tmp_path, server, source, *setting)
        assert set(status()[0].values()) == {(20, 0, 20)}
        assert status()[1]["last_error"] is None


def test_status_and_ledger_say_what_was_asked_and_what_went_wrong(tmp_path):
    def nercot(*arguments):
        return json.loads(run(tmp_path, *arguments, "--json").out)

    assert nercot("status", "quickstart")["records"] is None
    with FaultServer(lambda call: error(500, "out of order") if call.number == 3 else obliging(call)) as server:
        build(tmp_path, server, rows(10, tmp_path / "r.jsonl"))
    status = nercot("status", "quickstart")
    assert status["running"] is False
    assert [(step["step"], step["done"], step["left"]) for step in status["steps"] if step["done"]][:3] == [
        ("annotate", 10, 0),
        ("validate", 10, 0),
        ("score", 10, 0),
    ]
    assert (status["spent"]["calls"], status["spent"]["failed_calls"]) == (20, 1)
    assert "500" in status["last_error"]["detail"]
    totals = {(row["step"], row["model"]): row["calls"] for row in nercot("ledger")["totals"]}
    assert totals == {("annotate", "teacher"): 10, ("score", "judge"): 10}


def test_an_exported_ledger_builds_elsewhere_without_a_call(tmp_path):
    source = rows(10, tmp_path / "r.jsonl")
    with FaultServer(obliging) as server:
        first = build(tmp_path, server, source)
        assert run(tmp_path, "ledger", "export", "a.parquet").code == 0
        assert run(tmp_path, "ledger", "--out", "there", "import", "a.parquet").code == 0
        second = build(tmp_path, server, source, "--out", "there")
    assert second["calls"] == {"teacher": 0, "reader": 0, "judge": 0}
    assert second["fingerprint"] == first["fingerprint"]
