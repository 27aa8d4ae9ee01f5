"""The OpenAI Batch API on a server of our own: jobs that are slow, fail, expire, or are forgotten half-way."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fault_server import Act, Batches, FaultServer, completion, error

from nercot.corpus.recipe import Model, Price
from nercot.errors import EndpointError
from nercot.llm.asking import Asked, Progress, request_body
from nercot.llm.batch import ask_batch
from nercot.llm.endpoint import Patience, ask_all
from nercot.llm.ledger import Ledger
from nercot.llm.messages import Request
from nercot.llm.pacing import Budget

QUICK = Patience(max_seconds=5, first_wait=0.01, longest_wait=0.05)
SECRET = "sk-very-secret-0123456789"


@pytest.fixture(autouse=True)
def _no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        yield ledger


def prompt(body: dict[str, Any]) -> str:
    return body["messages"][-1]["content"]


def good(body: dict[str, Any]) -> tuple[int, bytes]:
    return 200, completion(f"to {prompt(body)} é\u2028\x85")


def model(server: FaultServer, **more: object) -> Model:
    return Model(url=(server.url,), model="m", price=Price(1.0, 0.5, 10.0), **more)


def requests(model: Model, number: int, **more: object) -> list[Request]:
    bodies = [request_body(model, [{"role": "user", "content": f"question {n}"}], **more) for n in range(number)]
    return [Request("c", "annotate", f"{n:032x}", "local", "m", body) for n, body in enumerate(bodies)]


def ask(server: FaultServer, ledger: Ledger, number: int, **more: Any) -> Asked:
    teacher = model(server)
    return ask_batch(requests(teacher, number), teacher, ledger, patience=QUICK, poll_seconds=0.01, **more)


def test_a_batch_answers_what_the_online_way_answers(tmp_path: Path) -> None:
    batches = Batches(good)
    with FaultServer(batches) as server, Ledger(tmp_path / "a.sqlite") as ledger:
        asked = ask(server, ledger, 30)
        teacher = model(server)
        batch = ledger.replies_to(requests(teacher, 30))
        again = ask(server, ledger, 30)
        spent = ledger.spent("c")
    with FaultServer(lambda call: Act(body=good(call.body)[1])) as server, Ledger(tmp_path / "b.sqlite") as ledger:
        teacher = model(server)
        ask_all(requests(teacher, 30), teacher, ledger)
        online = ledger.replies_to(requests(teacher, 30))
        assert ledger.spent("c") == pytest.approx(spent)
    plain = [(r.key, r.kind, r.content, r.finish_reason, r.tokens_in, r.tokens_out, r.model) for r in online]
    assert [(r.key, r.kind, r.content, r.finish_reason, r.tokens_in, r.tokens_out, r.model) for r in batch] == plain
    assert (asked.progress.done, asked.stopped, again.progress.found) == (30, None, 30)
    assert len(batches.jobs) == 1
    [job] = batches.jobs.values()
    assert (job["endpoint"], job["completion_window"]) == ("/v1/chat/completions", "24h")
    assert {line["custom_id"] for line in batches.asked} == {request.key for request in requests(teacher, 30)}
    assert all(
        line["body"] == dict(request.body) for line, request in zip(batches.asked, requests(teacher, 30), strict=True)
    )


def test_nothing_to_ask_needs_no_server(ledger: Ledger) -> None:
    assert ask_batch([], Model(url=("http://127.0.0.1:9/v1",), model="m"), ledger) == Asked(Progress())


def test_what_expires_or_fails_is_sent_again_alone(ledger: Ledger) -> None:
    tries: dict[str, int] = {}

    def answers(body: dict[str, Any]) -> tuple[int, bytes] | None:
        tries[prompt(body)] = tries.get(prompt(body), 0) + 1
        number = int(prompt(body).split()[1])
        if tries[prompt(body)] > 1 or number % 3 == 0:
            return good(body)
        return None if number % 3 == 1 else (500, b'{"error": {"message": "oops"}}')

    batches = Batches(answers, ends=lambda number: "expired" if number == 1 else "completed")
    with FaultServer(batches) as server:
        asked = ask(server, ledger, 30)
    assert (asked.progress.done, asked.progress.pending, asked.progress.failed) == (30, 0, 20)
    assert [len(job["requests"]) for job in batches.jobs.values()] == [30, 20]


def test_an_answer_that_the_server_broke_off_is_sent_again(ledger: Ledger) -> None:
    asked: list[str] = []

    def answers(body: dict[str, Any]) -> tuple[int, bytes]:
        asked.append(prompt(body))
        broken = prompt(body) == "question 1" and asked.count("question 1") == 1
        return (200, completion('{"enti', finish="insufficient_system_resource")) if broken else good(body)

    with FaultServer(Batches(answers)) as server:
        assert ask(server, ledger, 3).progress.done == 3
        replies = ledger.replies_to(requests(model(server), 3))
    assert [reply.content.split()[:3] for reply in replies] == [["to", "question", str(n)] for n in range(3)]


def test_what_is_never_answered_is_pending(ledger: Ledger) -> None:
    with FaultServer(Batches(lambda body: None if prompt(body) == "question 1" else good(body))) as server:
        asked = ask(server, ledger, 3)
    assert (asked.progress.done, asked.progress.pending) == (2, 1)


def test_refused_and_empty_ones_are_final(ledger: Ledger) -> None:
    def answers(body: dict[str, Any]) -> tuple[int, bytes]:
        kinds = {"question 1": (400, b'{"error": {"message": "too long"}}'), "question 2": (200, completion(""))}
        return kinds.get(prompt(body)) or good(body)

    with FaultServer(Batches(answers)) as server:
        teacher = model(server)
        for _ in range(2):
            ask(server, ledger, 4)
        replies = ledger.replies_to(requests(teacher, 4))
    assert [reply.kind for reply in replies] == ["answer", "refused", "empty_answer", "answer"]
    assert "too long" in replies[1].detail


def test_the_same_400_everywhere_stops(ledger: Ledger) -> None:
    batches = Batches(lambda body: (400, b'{"error": {"message": "no such parameter"}}'))
    with (
        FaultServer(batches) as server,
        pytest.raises(EndpointError, match=r"refuses every request .*no such parameter"),
    ):
        ask(server, ledger, 5)
    assert (ledger.totals()[0].calls, ledger.totals()[0].failed) == (0, 5)
    assert ledger.open_jobs(requests(model(server), 1)[0]) == []


def test_refused_rows_that_join_an_answered_corpus_are_dropped(ledger: Ledger) -> None:
    batches = Batches(lambda body: good(body) if int(prompt(body)[9:]) < 5 else (400, b'{"error": "too long"}'))
    with FaultServer(batches) as server:
        ask(server, ledger, 5)
        assert ask(server, ledger, 10).progress.done == 5
        replies = ledger.replies_to(requests(model(server), 10))
    assert [reply.kind for reply in replies] == ["answer"] * 5 + ["refused"] * 5


def test_response_format_that_is_refused_is_left_out(ledger: Ledger) -> None:
    def answers(body: dict[str, Any]) -> tuple[int, bytes]:
        return (400, b'{"error": {"message": "unsupported"}}') if "response_format" in body else good(body)

    with FaultServer(Batches(answers)) as server:
        teacher = model(server)
        asked = requests(teacher, 5, response_format={"type": "json_object"})
        done = ask_batch(asked, teacher, ledger, patience=QUICK, poll_seconds=0.01)
        assert ask_batch(asked, teacher, ledger, patience=QUICK, poll_seconds=0.01).progress.found == 5
    assert done.progress.done == 5
    assert all(reply is not None for reply in ledger.replies_to(asked))


def test_a_job_that_is_refused_as_a_whole_is_told(ledger: Ledger) -> None:
    with FaultServer(Batches(good, ends=lambda number: "failed")) as server:
        with pytest.raises(EndpointError, match="the file is odd") as caught:
            ask(server, ledger, 5)
        assert "\n" not in str(caught.value)
        server.script.ends = lambda number: "completed"
        assert ask(server, ledger, 5).progress.done == 5


@pytest.mark.parametrize("status", [404, 405, 501])
def test_a_server_without_batches_says_to_leave_the_option_out(ledger: Ledger, status: int) -> None:
    with FaultServer(lambda call: error(status)) as server, pytest.raises(EndpointError, match="leave --batch out"):
        ask(server, ledger, 5)


def test_passing_faults_of_the_api_are_tried_again(ledger: Ledger) -> None:
    """Every second call fails, before or after the server did what was asked: no job is made twice."""
    batches = Batches(good)
    kinds = [error(500), Act(cut="before"), error(429, retry_after="0"), Act(cut="head", body=b"{}")]
    batches.before = lambda call: kinds[call.number % 4] if call.number % 5 == 1 else None
    batches.after = lambda call: kinds[call.number % 4] if call.number % 5 == 3 else None
    with FaultServer(batches) as server:
        assert ask(server, ledger, 20).progress.done == 20
    assert len(batches.jobs) == 1


def test_a_lost_answer_to_making_a_job_makes_no_second_one(ledger: Ledger) -> None:
    batches = Batches(good)
    lost = []
    batches.after = lambda call: (
        lost.append(1) or Act(cut="before")
        if call.method == "POST" and call.path.endswith("/batches") and not lost
        else None
    )
    with FaultServer(batches) as server:
        assert ask(server, ledger, 20).progress.done == 20
    assert (len(lost), len(batches.jobs)) == (1, 1)


ASKING = """
import sys
from nercot.llm.batch import ask_batch
from nercot.llm.asking import request_body
from nercot.llm.ledger import Ledger
from nercot.llm.messages import Request
from nercot.corpus.recipe import Model, Price

url, path, number = sys.argv[1:]
model = Model(url=(url,), model="m", price=Price(1.0, 0.5, 10.0))
body = lambda n: request_body(model, [{"role": "user", "content": f"question {n}"}])
try:
    with Ledger(path) as ledger:
        source = (Request("c", "annotate", f"{n:032x}", "local", "m", body(n)) for n in range(int(number)))
        ask_batch(source, model, ledger, poll_seconds=0.05)
except KeyboardInterrupt:
    sys.exit(130)
"""


def started(server: FaultServer, path: Path, number: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", ASKING, server.url, str(path), str(number)])


def wait_for(what: Any) -> None:
    until = time.monotonic() + 60
    while not what():
        assert time.monotonic() < until
        time.sleep(0.005)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_a_stopped_run_takes_its_jobs_up_again(tmp_path: Path, how: signal.Signals) -> None:
    batches = Batches(good, looks=10_000)
    path = tmp_path / "l.sqlite"
    with FaultServer(batches) as server:
        process = started(server, path, 20)
        wait_for(lambda: any(call.path.endswith("/batches/batch-1") for call in server.calls))
        process.send_signal(how)
        assert process.wait(30) == (130 if how == signal.SIGINT else -9)
        batches.looks = batches.jobs["batch-1"]["left"] = 1
        with Ledger(path) as ledger:
            assert ask(server, ledger, 25).progress.done == 25
    assert [len(job["requests"]) for job in batches.jobs.values()] == [20, 5]


def test_a_run_killed_before_it_heard_of_its_job_finds_it(tmp_path: Path) -> None:
    batches = Batches(good)
    batches.after = lambda call: Act(hang=True) if call.method == "POST" and call.path.endswith("/batches") else None
    path = tmp_path / "l.sqlite"
    with FaultServer(batches) as server:
        process = started(server, path, 20)
        wait_for(lambda: batches.jobs)
        process.kill()
        process.wait()
        batches.after = lambda call: None
        with Ledger(path) as ledger:
            assert ask(server, ledger, 20).progress.done == 20
    assert len(batches.jobs) == 1


def test_a_run_killed_before_its_job_was_made_makes_it(tmp_path: Path) -> None:
    batches = Batches(good)
    batches.before = lambda call: Act(hang=True) if call.path.endswith("/files") else None
    path = tmp_path / "l.sqlite"
    with FaultServer(batches) as server:
        process = started(server, path, 20)
        wait_for(lambda: server.calls)
        process.kill()
        process.wait()
        batches.before = lambda call: None
        with Ledger(path) as ledger:
            assert ask(server, ledger, 20).progress.done == 20
    assert [len(job["requests"]) for job in batches.jobs.values()] == [20]


def test_a_budget_is_kept_and_used(ledger: Ledger) -> None:
    """Each answer has 20 tokens and costs 0.0002 USD: twenty of them fit."""
    with FaultServer(Batches(good)) as server:
        teacher = Model(url=(server.url,), model="m", max_tokens=20, price=Price(0.0, 0.0, 10.0))
        asked = ask_batch(
            requests(teacher, 50), teacher, ledger, budget=Budget(0.004), patience=QUICK, poll_seconds=0.01
        )
    assert asked.stopped == "budget"
    assert ledger.spent("c") == pytest.approx(0.004)
    assert asked.progress.done == 20


def test_the_key_is_in_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", SECRET)

    def echo(body: dict[str, Any]) -> tuple[int, bytes]:
        return (
            (400, json.dumps({"error": {"message": SECRET}}).encode()) if prompt(body) == "question 1" else good(body)
        )

    with FaultServer(Batches(echo)) as server, Ledger(tmp_path / "l.sqlite") as ledger:
        ask(server, ledger, 5)
        assert ledger.replies_to(requests(model(server), 5))[1].detail == "400: ***"
    assert all(call.headers["authorization"] == f"Bearer {SECRET}" for call in server.calls)
    assert not any(SECRET.encode() in path.read_bytes() for path in tmp_path.iterdir())
