"""Requests to real HTTP servers on loopback, healthy and faulty, until the ledger has every answer."""

from __future__ import annotations

import json
import random
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from fault_server import Act, Call, FaultServer, answer, completion, error

from nercot.corpus.recipe import Model, Price
from nercot.errors import EndpointError, RecipeError
from nercot.llm.asking import Asked, Progress, request_body
from nercot.llm.endpoint import Patience, ask_all
from nercot.llm.exchange import export_parquet
from nercot.llm.ledger import Ledger
from nercot.llm.messages import Request
from nercot.llm.pacing import Budget

QUICK = Patience(max_seconds=20, unheard_seconds=1.0, first_wait=0.01, longest_wait=0.05, retry_after=0.2)
PRICE = Price(input=1.0, cached_input=0.5, output=10.0)
SECRET = "sk-very-secret-0123456789"


@pytest.fixture(autouse=True)
def _no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_ADMIN_KEY", "OPENAI_CUSTOM_HEADERS", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        yield ledger


def teacher(*servers: FaultServer, **more: object) -> Model:
    values = {"url": tuple(server.url for server in servers), "model": "m", "concurrency": 8, "price": PRICE, **more}
    return Model(**values)


def requests(model: Model, number: int, start: int = 0, **more: object) -> list[Request]:
    bodies = [
        request_body(model, [{"role": "user", "content": f"question {n}"}], **more)
        for n in range(start, start + number)
    ]
    return [Request("c", "annotate", f"{n:032x}", "local", model.model, body) for n, body in enumerate(bodies, start)]


def ask(server: FaultServer, ledger: Ledger, number: int = 1, patience: Patience = QUICK, **more: object) -> Asked:
    model = teacher(server, **more)
    return ask_all(requests(model, number), model, ledger, patience=patience)


def one(server: FaultServer, ledger: Ledger, **more: object):
    """The reply that a single request gets."""
    model = teacher(server, **more)
    ask_all(requests(model, 1), model, ledger, patience=QUICK)
    return ledger.replies_to(requests(model, 1))[0]


# -- answers ------------------------------------------------------------------------------------------------


def test_an_answer_is_kept_whole_and_never_asked_for_again(ledger: Ledger) -> None:
    with FaultServer(lambda call: Act(body=completion("C", "because"))) as server:
        reply = one(server, ledger)
        again = ask(server, ledger)
    assert (reply.kind, reply.content, reply.reasoning, reply.finish_reason) == ("answer", "C", "because", "stop")
    assert (reply.tokens_in, reply.tokens_cached, reply.tokens_out) == (100, 40, 20)
    assert (reply.model, reply.fingerprint) == ("m-2026", "fp-1")
    assert len(server.calls) == 1
    assert (again.progress.found, again.progress.calls) == (1, 0)
    assert ledger.spent("c") == pytest.approx((60 * 1.0 + 40 * 0.5 + 20 * 10.0) / 1e6)


def test_the_bytes_sent_are_the_bytes_of_the_key(ledger: Ledger) -> None:
    with FaultServer() as server:
        model = teacher(server, temperature=0.6, max_tokens=99, extra={"top_p": 0.9, "seed": 7})
        ask_all(requests(model, 1), model, ledger)
    assert server.calls[0].payload == requests(model, 1)[0].payload
    assert server.calls[0].body == {
        "model": "m",
        "messages": [{"role": "user", "content": "question 0"}],
        "temperature": 0.6,
        "max_tokens": 99,
        "top_p": 0.9,
        "seed": 7,
    }


@pytest.mark.parametrize("field", ["reasoning_content", "reasoning"])
def test_the_trace_is_found_under_either_name(ledger: Ledger, field: str) -> None:
    message = {"role": "assistant", "content": "C", field: "why"}
    body = json.dumps({"choices": [{"message": message, "finish_reason": "stop"}]}).encode()
    with FaultServer(lambda call: Act(body=body)) as server:
        assert one(server, ledger).reasoning == "why"


def test_a_trace_inside_the_content_stays_there(ledger: Ledger) -> None:
    with FaultServer(lambda call: answer("<think>why</think>{}")) as server:
        reply = one(server, ledger)
    assert (reply.content, reply.reasoning) == ("<think>why</think>{}", None)


@pytest.mark.parametrize(("finish", "content"), [("length", ""), ("content_filter", None), ("length", "<think>cut")])
def test_a_cut_answer_is_an_outcome_even_if_it_is_empty(ledger: Ledger, finish: str, content: str | None) -> None:
    with FaultServer(lambda call: answer(content, finish=finish)) as server:
        reply = one(server, ledger)
    assert (reply.kind, reply.finish_reason, reply.content) == ("answer", finish, content or "")
    assert len(server.calls) == 1


def test_a_lone_surrogate_in_an_answer_can_be_written_to_a_file(ledger: Ledger) -> None:
    with FaultServer(lambda call: Act(body=completion("a \ud83d b"))) as server:
        assert one(server, ledger).content == "a � b"


def test_requests_with_the_same_key_are_asked_once(ledger: Ledger) -> None:
    with FaultServer(lambda call: Act(body=completion("x"), delay=0.05)) as server:
        model = teacher(server)
        ask_all(requests(model, 3) * 5, model, ledger, patience=QUICK)
    assert len(server.calls) == 3


def test_nothing_to_ask_needs_no_server(ledger: Ledger) -> None:
    assert ask_all([], Model(url=("http://127.0.0.1:9/v1",), model="m"), ledger) == Asked(Progress())


# -- faults that pass ---------------------------------------------------------------------------------------

PASSING = {
    "500": error(500),
    "503": error(503, "loading"),
    "429": error(429, retry_after="0"),
    "408": error(408),
    "dropped": Act(cut="before"),
    "cut in the head": Act(body=completion("x"), cut="head"),
    "cut in the body": Act(body=completion("x"), cut="body"),
    "empty": answer(""),
    "null": answer(None),
    "blank": answer(" \n"),
    "trace only": answer("<think>I wonder</think>\n"),
    "broken off by DeepSeek": answer('{"enti', finish="insufficient_system_resource"),
    "broken off by SGLang": answer('{"enti', finish="abort"),
    "reasoning only": answer("", reasoning="I wonder"),
    "not JSON": Act(body=b"oops"),
    "half of JSON": Act(body=completion("x")[:40]),
    "no body": Act(body=b""),
    "other JSON": Act(body=b'{"ok": true}'),
    "a list": Act(body=b"[1, 2]"),
    "no choices": Act(body=b'{"choices": []}'),
    "odd choices": Act(body=b'{"choices": [{"message": "hi"}]}'),
    "not UTF-8": Act(body=b'{"choices": "\xff"}'),
    "an error with status 200": Act(body=b'{"error": {"message": "overloaded"}}'),
}


@pytest.mark.parametrize("fault", PASSING.values(), ids=PASSING)
def test_a_passing_fault_is_tried_again_and_noted(ledger: Ledger, fault: Act) -> None:
    with FaultServer(lambda call: fault if call.tries < 3 else answer("good")) as server:
        reply = one(server, ledger)
    assert (reply.kind, reply.content) == ("answer", "good")
    assert len(server.calls) == 3
    [total] = ledger.totals()
    assert total.calls + total.failed == 3


def test_blank_lines_before_a_slow_answer_are_skipped(ledger: Ledger) -> None:
    with FaultServer(lambda call: Act(body=completion("good"), blank_lines=5, delay=0.2)) as server:
        assert one(server, ledger).content == "good"
    assert len(server.calls) == 1


def test_a_server_that_stays_silent_is_asked_again(ledger: Ledger) -> None:
    with FaultServer(lambda call: Act(hang=True) if call.number == 2 else answer("good")) as server:
        model = teacher(server, concurrency=1)
        ask_all(requests(model, 3), model, ledger, patience=Patience(max_seconds=1.0, first_wait=0.01))
    assert [reply.content for reply in ledger.replies_to(requests(model, 3))] == ["good"] * 3
    assert ledger.last_error("c").detail == "timed out"


def test_a_server_that_is_only_slow_is_given_more_time_at_the_second_try(ledger: Ledger) -> None:
    with FaultServer(lambda call: Act(body=completion("late"), delay=1.5)) as server:
        model = teacher(server, concurrency=1)
        asked = ask_all(requests(model, 1), model, ledger, patience=Patience(max_seconds=2.0, first_wait=0.01))
    assert (asked.progress.done, len(server.calls)) == (1, 2)


def test_blank_lines_without_end_are_no_answer(ledger: Ledger) -> None:
    """Each line is a sign of life, so only the whole patience ends it."""
    endless = Act(body=completion("late"), blank_lines=100, delay=10.0)
    with FaultServer(lambda call: endless if call.number == 2 else answer("good")) as server:
        model = teacher(server, concurrency=1)
        asked = ask_all(requests(model, 3), model, ledger, patience=Patience(max_seconds=0.5, first_wait=0.01))
    assert (asked.progress.done, asked.progress.pending) == (2, 1)


def test_a_web_page_between_answers_is_a_passing_fault(ledger: Ledger) -> None:
    page = Act(body=b"<html>bad gateway</html>", kind="text/html")
    with FaultServer(lambda call: page if call.number == 5 else answer("good")) as server:
        asked = ask(server, ledger, 8, concurrency=1)
    assert (asked.progress.done, asked.progress.failed) == (8, 1)


def test_mixed_faults_lose_nothing_and_leave_nothing_empty(ledger: Ledger) -> None:
    kinds = list(PASSING.values())

    def script(call: Call) -> Act:
        draw = random.Random(call.payload + bytes([call.tries % 256]))
        return draw.choice(kinds) if draw.random() < 0.3 else answer(f"to {call.prompt}")

    with FaultServer(script) as server:
        model = teacher(server, concurrency=32)
        asked = ask_all(requests(model, 300), model, ledger, patience=QUICK)
    replies = ledger.replies_to(requests(model, 300))
    assert [reply.content for reply in replies] == [f"to question {n}" for n in range(300)]
    assert (asked.progress.done, asked.progress.pending, asked.stopped) == (300, 0, None)


def test_retry_after_is_honoured_up_to_a_bound(ledger: Ledger) -> None:
    with FaultServer(lambda call: error(429, retry_after="3600") if call.tries == 1 else answer("good")) as server:
        assert one(server, ledger).content == "good"


def test_five_empty_replies_are_final_over_several_runs(ledger: Ledger) -> None:
    # A pause longer than the patience: one call a run.
    short = Patience(max_seconds=5.0, first_wait=20.0, longest_wait=20.0)
    with FaultServer(lambda call: answer("")) as server:
        model = teacher(server)
        for run in range(1, 7):
            ask_all(requests(model, 1), model, ledger, patience=short)
            assert len(server.calls) == min(run, 5)
    [reply] = ledger.replies_to(requests(model, 1))
    assert (reply.kind, reply.content, reply.tokens_out) == ("empty_answer", "", 20)
    assert ledger.totals()[0].calls == 5


def test_a_storm_of_429_is_outlasted_with_less_in_flight(ledger: Ledger) -> None:
    """The server takes four at a time; the client begins with 32 and loses nothing."""

    def script(call: Call) -> Act:
        return error(429, retry_after="0") if server.in_flight > 4 else Act(body=completion("good"), delay=0.02)

    with FaultServer(script) as server:
        model = teacher(server, concurrency=32)
        asked = ask_all(requests(model, 200), model, ledger, patience=QUICK)
    rejected = asked.progress.failed
    assert asked.progress.done == 200
    # Without a falling limit most calls of every round would be rejected.
    assert rejected < 400


def test_a_server_that_asks_to_be_left_alone_is_not_sent_every_request_in_turn(ledger: Ledger) -> None:
    """It takes ten calls in each tenth of a second; who is turned away holds its place for that time."""
    admitted: list[float] = []

    def script(call: Call) -> Act:
        now = time.monotonic()
        if len(admitted) >= 10 and now - admitted[-10] < 0.1:
            return error(429, retry_after_ms="100")
        admitted.append(now)
        return answer()

    with FaultServer(script) as server:
        model = teacher(server, concurrency=64)
        asked = ask_all(requests(model, 128), model, ledger, patience=replace(QUICK, retry_after=1.0))
    assert asked.progress.done == 128
    assert asked.progress.failed < 250


# -- faults of one record, and of the whole set-up ------------------------------------------------------------


def test_a_400_about_one_record_drops_that_record(ledger: Ledger) -> None:
    with FaultServer(
        lambda call: error(400, "context too small") if call.prompt == "question 2" else answer()
    ) as server:
        model = teacher(server, concurrency=1)
        asked = ask_all(requests(model, 5), model, ledger, patience=QUICK)
    replies = ledger.replies_to(requests(model, 5))
    assert [reply.kind for reply in replies] == ["answer", "answer", "refused", "answer", "answer"]
    assert "context too small" in replies[2].detail
    assert (len(server.calls), asked.progress.done) == (5, 5)


def test_a_400_before_any_answer_waits_for_one(ledger: Ledger) -> None:
    with FaultServer(lambda call: error(400, "too long") if call.prompt == "question 0" else answer()) as server:
        model = teacher(server, concurrency=1)
        ask_all(requests(model, 3), model, ledger, patience=QUICK)
    assert [reply.kind for reply in ledger.replies_to(requests(model, 3))] == ["refused", "answer", "answer"]


def test_a_lone_record_that_is_refused_ends_the_run_in_good_order(ledger: Ledger) -> None:
    with FaultServer(lambda call: error(400, "too long")) as server:
        assert one(server, ledger).kind == "refused"


def test_the_same_400_on_the_first_answers_stops(ledger: Ledger) -> None:
    with (
        FaultServer(lambda call: error(400, "unknown parameter top_q")) as server,
        pytest.raises(EndpointError) as caught,
    ):
        ask(server, ledger, 50, concurrency=1)
    assert "unknown parameter top_q" in str(caught.value)
    assert "teacher.extra" in str(caught.value)
    assert [call.method for call in server.calls] == ["POST", "POST", "POST", "GET"]
    assert ledger.totals()[0].calls == 0


def test_refused_rows_that_join_an_answered_corpus_are_dropped(ledger: Ledger) -> None:
    """That others were answered under the same settings is in the ledger."""
    with FaultServer(lambda call: error(400, "too long") if int(call.prompt[9:]) >= 10 else answer()) as server:
        ask(server, ledger, 10)
        asked = ask(server, ledger, 15)
        replies = ledger.replies_to(requests(teacher(server), 15))
    assert (asked.progress.found, asked.progress.done) == (10, 5)
    assert [reply.kind for reply in replies] == ["answer"] * 10 + ["refused"] * 5


def test_a_server_that_begins_to_refuse_everything_stops_the_run(ledger: Ledger) -> None:
    with FaultServer(lambda call: answer() if call.number < 5 else error(400, "gone")) as server:
        with pytest.raises(EndpointError, match="refuses every request"):
            ask(server, ledger, 500, concurrency=1)
        assert len([call for call in server.calls if call.method == "POST"]) == 4 + 100


STOPPING = {
    401: ("KEY_OF_TEST", "refuses the key"),
    403: ("403", "KEY_OF_TEST"),
    404: ("teacher.model (m)", "teacher.url"),
    402: ("no credit",),
    405: ("teacher.url",),
}


@pytest.mark.parametrize(("status", "words"), STOPPING.items())
def test_what_the_user_has_to_change_stops_in_one_line(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch, status: int, words: tuple[str, ...]
) -> None:
    monkeypatch.setenv("KEY_OF_TEST", SECRET)
    with FaultServer(lambda call: error(status, f"bad {SECRET}")) as server, pytest.raises(EndpointError) as caught:
        ask(server, ledger, 500, api_key_env="KEY_OF_TEST")
    line = str(caught.value)
    assert all(word in line for word in words), line
    assert SECRET not in line
    assert "\n" not in line
    assert len([call for call in server.calls if call.method == "POST"]) <= 8


def test_a_server_that_wants_a_key_says_where_to_name_it(ledger: Ledger) -> None:
    with FaultServer(lambda call: error(401)) as server, pytest.raises(EndpointError, match=r"teacher\.api_key_env"):
        ask(server, ledger)


def test_no_credit_under_the_guise_of_a_429_stops(ledger: Ledger) -> None:
    body = b'{"error": {"message": "You exceeded your quota", "code": "insufficient_quota"}}'
    with (
        FaultServer(lambda call: Act(status=429, body=body)) as server,
        pytest.raises(EndpointError, match="no credit"),
    ):
        ask(server, ledger)


def test_answers_in_flight_are_kept_when_another_call_stops_the_run(ledger: Ledger) -> None:
    with FaultServer(
        lambda call: error(402) if call.number == 3 else Act(body=completion("paid"), delay=0.3)
    ) as server:
        model = teacher(server)
        with pytest.raises(EndpointError):
            ask_all(requests(model, 8), model, ledger, patience=QUICK)
    assert sum(reply is not None for reply in ledger.replies_to(requests(model, 8))) == len(server.calls) - 1 > 0


def test_a_call_that_hangs_does_not_keep_the_error_back(ledger: Ledger) -> None:
    patience = Patience(drain_seconds=0.2)
    hang, broke = Act(hang=True), Act(status=402, delay=0.2)
    with (
        FaultServer(lambda call: hang if call.number == 1 else broke) as server,
        pytest.raises(EndpointError, match="no credit"),
    ):
        ask(server, ledger, 8, patience)
    assert len(server.calls) == 8


def test_a_web_page_instead_of_json_stops(ledger: Ledger) -> None:
    page = Act(body=b"<!doctype html><html>Welcome</html>", kind="text/html")
    with FaultServer(lambda call: page) as server, pytest.raises(EndpointError, match="web page"):
        ask(server, ledger)


def test_a_closed_port_is_given_up_with_one_line(ledger: Ledger) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    model = Model(url=(f"http://127.0.0.1:{port}/v1",), model="m", concurrency=4)
    with pytest.raises(EndpointError, match=f"127.0.0.1:{port} .*connection refused.*teacher.url"):
        ask_all(requests(model, 20), model, ledger, patience=QUICK)
    assert ledger.totals()[0].failed > 0


def test_an_unknown_host_stops_at_once(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEY_OF_TEST", SECRET)
    model = Model(url=("https://nowhere.invalid/v1",), model="m", api_key_env="KEY_OF_TEST")
    with pytest.raises(EndpointError, match="name is not known"):
        ask_all(requests(model, 3), model, ledger, patience=Patience())


def test_tls_to_a_plain_server_stops_at_once(ledger: Ledger) -> None:
    def answer_in_plain_text() -> None:
        connection, _ = plain.accept()
        with connection:
            connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    with socket.create_server(("127.0.0.1", 0)) as plain:
        thread = threading.Thread(target=answer_in_plain_text)
        thread.start()
        model = Model(url=(f"https://127.0.0.1:{plain.getsockname()[1]}/v1",), model="m", concurrency=1)
        with pytest.raises(EndpointError, match="TLS error"):
            ask_all(requests(model, 1), model, ledger, patience=Patience())
        thread.join()


def test_a_certificate_that_nobody_vouches_for_stops_at_once(ledger: Ledger, tmp_path: Path) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("needs the openssl command to make a certificate")
    names = ["-keyout", str(tmp_path / "key.pem"), "-out", str(tmp_path / "cert.pem"), "-subj", "/CN=127.0.0.1"]
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", *names],
        check=True,
        capture_output=True,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    with FaultServer(tls=context) as server, pytest.raises(EndpointError, match="TLS error: CERTIFICATE_VERIFY_FAILED"):
        ask(server, ledger, 3, Patience())
    assert not server.calls


def test_a_server_that_never_answers_well_is_given_up(ledger: Ledger) -> None:
    with (
        FaultServer(lambda call: error(503, "loading model")) as server,
        pytest.raises(EndpointError, match="loading model"),
    ):
        ask(server, ledger, 20)


def test_one_request_without_an_answer_is_pending_and_the_rest_goes_on(ledger: Ledger) -> None:
    patience = Patience(max_seconds=0.5, first_wait=0.01, longest_wait=0.05)
    with FaultServer(
        lambda call: error(500) if call.prompt == "question 1" else Act(body=completion("x"), delay=0.03)
    ) as server:
        model = teacher(server, concurrency=2)
        asked = ask_all(requests(model, 60), model, ledger, patience=patience)
    assert (asked.progress.done, asked.progress.pending, asked.stopped) == (59, 1, None)
    assert ledger.replies_to(requests(model, 2))[1] is None


def test_a_server_that_dies_ends_the_run_and_the_next_one_goes_on(ledger: Ledger) -> None:
    patience = Patience(max_seconds=0.3, first_wait=0.01, longest_wait=0.05)
    with FaultServer(lambda call: answer() if call.number <= 10 else error(500)) as server:
        asked = ask(server, ledger, 1000, patience)
    assert "has not answered" in asked.stopped
    assert asked.progress.done == 10
    with FaultServer() as server:
        again = ask(server, ledger, 1000)
    assert (again.progress.found, again.progress.done) == (10, 990)


# -- response_format ------------------------------------------------------------------------------------------

FORMAT = {"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "object"}}}


def test_a_server_that_refuses_response_format_is_asked_in_plain_text(ledger: Ledger) -> None:
    with FaultServer(
        lambda call: error(400, "unsupported") if "response_format" in call.body else answer("plain")
    ) as server:
        model = teacher(server, concurrency=1)
        asked = ask_all(requests(model, 10, response_format=FORMAT), model, ledger, patience=QUICK)
        again = ask_all(requests(model, 10, response_format=FORMAT), model, ledger, patience=QUICK)
    assert [reply.content for reply in ledger.replies_to(requests(model, 10, response_format=FORMAT))] == ["plain"] * 10
    assert (asked.progress.done, again.progress.found) == (10, 10)
    # Learnt from the first one or two, and not asked again.
    assert len(server.calls) <= 12


def test_a_record_refused_in_both_forms_is_refused(ledger: Ledger) -> None:
    with FaultServer(lambda call: error(400, "too long") if call.prompt == "question 1" else answer()) as server:
        model = teacher(server, concurrency=1)
        ask_all(requests(model, 3, response_format=FORMAT), model, ledger, patience=QUICK)
    replies = ledger.replies_to(requests(model, 3, response_format=FORMAT))
    assert [reply.kind for reply in replies] == ["answer", "refused", "answer"]
    assert sorted("response_format" in call.body for call in server.calls) == [False, True, True, True]


@pytest.mark.parametrize(
    ("extra", "unasked", "sent"),
    [
        ({}, True, FORMAT),
        ({}, False, None),
        ({"response_format": "json_schema"}, False, FORMAT),
        ({"response_format": "text"}, True, None),
        ({"response_format": {"type": "json_object"}}, False, {"type": "json_object"}),
    ],
)
def test_the_recipe_decides_about_response_format(extra: dict[str, object], unasked: bool, sent: object) -> None:
    model = Model(url=("http://127.0.0.1/v1",), model="m", extra=extra)
    assert request_body(model, [], FORMAT, unasked=unasked).get("response_format") == sent


@pytest.mark.parametrize("name", ["model", "messages", "stream", "n"])
def test_extra_cannot_overwrite_what_is_ours(name: str) -> None:
    with pytest.raises(RecipeError, match=rf"extra\.{name}"):
        request_body(Model(url=("http://127.0.0.1/v1",), model="m", extra={name: 1}), [])


# -- replicas, rates, money -----------------------------------------------------------------------------------


def test_replicas_share_the_work_and_a_dead_one_is_set_aside(ledger: Ledger) -> None:
    slow = Act(body=completion("x"), delay=0.01)
    with FaultServer(lambda call: slow) as one, FaultServer(lambda call: slow) as two, socket.socket() as dead:
        dead.bind(("127.0.0.1", 0))
        urls = (one.url, two.url, f"http://127.0.0.1:{dead.getsockname()[1]}/v1")
        model = Model(url=urls, model="m", concurrency=8)
        asked = ask_all(requests(model, 400), model, ledger, patience=QUICK)
    assert asked.progress.done == 400
    assert min(len(one.calls), len(two.calls)) > 100
    # Every 429 or failure is an entry: far fewer than a third of the calls went to the dead one.
    assert asked.progress.failed < 50


def test_no_more_in_flight_than_asked(ledger: Ledger) -> None:
    with FaultServer(lambda call: Act(body=completion("x"), delay=0.02)) as server:
        ask(server, ledger, 100, concurrency=7)
    assert server.peak == 7


def test_thousands_can_be_in_flight(ledger: Ledger) -> None:
    """The client's own limit is 1,000 connections; the server answers when there are more."""
    with FaultServer(lambda call: Act(body=completion("x"), until=lambda: server.peak == 1100)) as server:
        ask(server, ledger, 1100, concurrency=1100)
    assert server.peak == 1100


@pytest.mark.parametrize("limit", [{"rpm": 3000}, {"tpm": 3000 * 120}])
def test_requests_and_tokens_per_minute_spread_the_calls(ledger: Ledger, limit: dict[str, int]) -> None:
    """One call, of 120 tokens, every 20 ms: a slow machine can only make it slower, so there is nothing to flake."""
    with FaultServer() as server:
        model = teacher(server, concurrency=2, max_tokens=20, **limit)
        arrivals: list[float] = []
        server.script = lambda call: arrivals.append(time.monotonic()) or answer()
        ask_all(requests(model, 60), model, ledger, patience=QUICK)
    assert len(arrivals) == 60
    assert arrivals[-1] - arrivals[0] > 0.8 * 59 * 0.02


def test_a_budget_stops_before_it_is_exceeded_and_more_money_goes_on(ledger: Ledger) -> None:
    """A call costs 0.00028 USD: ten of them fit."""
    with FaultServer() as server:
        model = teacher(server, max_tokens=20)
        asked = ask_all(requests(model, 100), model, ledger, budget=Budget(0.0028), patience=QUICK)
        spent = ledger.spent("c")
        assert asked.stopped == "budget"
        assert spent <= 0.0028
        assert 5 <= asked.progress.done <= 10
        again = ask_all(requests(model, 100), model, ledger, budget=Budget(0.0028), patience=QUICK)
        assert (again.stopped, ledger.spent("c") <= 0.0028) == ("budget", True)
        rest = ask_all(requests(model, 100), model, ledger, budget=Budget(1.0), patience=QUICK)
    assert (rest.stopped, rest.progress.found + rest.progress.done) == (None, 100)


def test_a_budget_is_used_up_to_the_last_call_that_fits(ledger: Ledger) -> None:
    """A call costs 0.0003 USD; before the first usage is known each is taken for several times as much."""
    with FaultServer(lambda call: Act(body=completion("x"), delay=0.02)) as server:
        model = teacher(server, concurrency=12, max_tokens=20, price=Price(input=1.0, output=10.0))
        long = [
            Request(
                "c",
                "annotate",
                f"{n:032x}",
                "local",
                "m",
                request_body(model, [{"role": "user", "content": f"{n} " + "word " * 400}]),
            )
            for n in range(12)
        ]
        asked = ask_all(long, model, ledger, budget=Budget(0.0031), patience=QUICK)
    assert (asked.stopped, asked.progress.done) == ("budget", 10)


def test_a_budget_needs_a_price(ledger: Ledger) -> None:
    with FaultServer() as server:
        model = teacher(server, price=Price(input=1.0))
        with pytest.raises(RecipeError, match="price"):
            ask_all(requests(model, 1), model, ledger, budget=Budget(1.0))
    assert not server.calls


def test_later_requests_say_of_us_what_the_client_says_in_the_first(ledger: Ledger) -> None:
    """Only the first of a kind is built by the openai client; the others differ in their body and its length."""
    with FaultServer() as server:
        ask(server, ledger, 12)
    seen = {tuple(sorted({**call.headers, "content-length": ""}.items())) for call in server.calls}
    assert len(seen) == 1
    assert all(int(call.headers["content-length"]) == len(call.payload) for call in server.calls)
    assert server.calls[0].headers["content-type"] == "application/json"
    assert server.calls[0].headers["x-stainless-lang"] == "python"


# -- keys -----------------------------------------------------------------------------------------------------


def every_byte(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


def test_the_key_goes_to_the_server_and_nowhere_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEY_OF_TEST", SECRET)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-another")
    told = [error(500, f"you sent {SECRET}"), answer(f"your key is {SECRET}"), answer()]
    with FaultServer(lambda call: told[min(call.number, 3) - 1]) as server, Ledger(tmp_path / "l.sqlite") as ledger:
        model = teacher(server, api_key_env="KEY_OF_TEST", concurrency=1)
        ask_all(requests(model, 3), model, ledger, patience=QUICK)
        export_parquet(ledger, tmp_path / "l.parquet")
        contents = [reply.content for reply in ledger.replies_to(requests(model, 3))]
    assert server.calls[0].headers["authorization"] == f"Bearer {SECRET}"
    assert b"sk-another" not in server.everything_seen()
    assert "your key is ***" in contents
    assert SECRET.encode() not in every_byte(tmp_path)


def test_without_a_key_none_is_sent(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor what OpenAI's own client reads from the environment."""
    monkeypatch.setenv("OPENAI_ADMIN_KEY", SECRET)
    monkeypatch.setenv("OPENAI_ORG_ID", SECRET)
    monkeypatch.setenv("OPENAI_PROJECT_ID", SECRET)
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", f"authorization: {SECRET}\nX-Mine: {SECRET}")
    with FaultServer() as server:
        ask(server, ledger)
    assert "authorization" not in server.calls[0].headers
    assert SECRET.encode() not in server.everything_seen()


def test_the_fallback_is_for_this_machine(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", SECRET)
    with FaultServer() as server:
        ask(server, ledger)
    assert server.calls[0].headers["authorization"] == f"Bearer {SECRET}"


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_no_redirect_is_followed(ledger: Ledger, monkeypatch: pytest.MonkeyPatch, status: int) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", SECRET)
    with FaultServer() as other:
        to = other.url.replace("127.0.0.1", "localhost") + "/chat/completions"
        redirect = Act(status=status, headers={"Location": to})
        with FaultServer(lambda call: redirect) as server, pytest.raises(EndpointError, match="sends on to localhost"):
            ask(server, ledger)
    assert not other.calls


def test_a_proxy_of_the_environment_sees_nothing_meant_for_this_machine(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", SECRET)
    with FaultServer() as proxy, FaultServer() as server:
        monkeypatch.setenv("HTTP_PROXY", proxy.url.removesuffix("/v1"))
        monkeypatch.setenv("http_proxy", proxy.url.removesuffix("/v1"))
        ask(server, ledger)
    assert (len(proxy.calls), len(server.calls)) == (0, 1)


# -- the run as a whole -----------------------------------------------------------------------------------------


def test_requests_are_drawn_as_they_are_needed(ledger: Ledger) -> None:
    drawn: list[int] = []

    def source(model: Model) -> Iterator[Request]:
        for request in requests(model, 1000):
            drawn.append(1)
            yield request

    with FaultServer(lambda call: answer() if call.number < 20 else error(404)) as server:
        model = teacher(server, concurrency=2)
        with pytest.raises(EndpointError):
            ask_all(source(model), model, ledger, patience=QUICK)
    assert len(drawn) < 300


def test_an_error_of_the_source_comes_out_and_answers_stay(ledger: Ledger) -> None:
    def source(model: Model) -> Iterator[Request]:
        yield from requests(model, 300)
        raise RecipeError("row 301 is odd")

    with FaultServer() as server:
        model = teacher(server)
        with pytest.raises(RecipeError, match="row 301"):
            ask_all(source(model), model, ledger, patience=QUICK)
    assert ledger.totals()[0].calls > 100


def test_progress_is_told(ledger: Ledger) -> None:
    told: list[tuple[int, int]] = []
    with FaultServer(lambda call: Act(body=completion("x"), delay=0.7)) as server:
        model = teacher(server)
        ask_all(requests(model, 4), model, ledger, progress=lambda now: told.append((now.done, now.in_flight)))
    assert told[-1] == (4, 0)
    assert (0, 4) in told


FILLING = """
import resource, sys
from nercot.errors import OutputError
from nercot.llm.asking import request_body
from nercot.llm.endpoint import ask_all
from nercot.llm.ledger import Ledger
from nercot.llm.messages import Request
from nercot.corpus.recipe import Model

resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))
model = Model(url=(sys.argv[1],), model="m", concurrency=8)
body = lambda n: request_body(model, [{"role": "user", "content": f"question {n}"}])
try:
    with Ledger(sys.argv[2]) as ledger:
        source = (Request("c", "annotate", f"{n:032x}", "local", "m", body(n)) for n in range(5000))
        ask_all(source, model, ledger)
except OutputError as error:
    print(error)
"""


def test_a_disk_that_fills_is_an_output_error_and_the_next_run_goes_on(tmp_path: Path) -> None:
    """A limit on the size of files stands for the disk."""
    path = tmp_path / "ledger.sqlite"
    with FaultServer(lambda call: answer(random.Random(call.payload).randbytes(3000).hex())) as server:
        run = subprocess.run([sys.executable, "-c", FILLING, server.url, str(path)], capture_output=True, text=True)
        assert "ledger.sqlite: the disk is full" in run.stdout, run
        assert (run.stdout.count("\n"), run.stderr) == (1, "")
        asked = len(server.calls)
        assert asked < 1000
        with Ledger(path) as ledger:
            kept = ledger.totals()[0].calls
            again = ask(server, ledger, 200)
    assert 0 < kept <= asked
    assert again.progress.found == min(kept, 200)


def test_ctrl_c_while_calls_hang_prints_no_traceback(tmp_path: Path) -> None:
    with FaultServer(lambda call: Act(hang=True)) as server:
        command = [sys.executable, "-c", ASKING, server.url, str(tmp_path / "l.sqlite"), "50", "4", "0.2"]
        process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        while len(server.calls) < 4:
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=30)
    assert (process.returncode, said) == (130, "")


def test_ctrl_c_waits_for_what_is_paid_for_and_is_raised_again(tmp_path: Path) -> None:
    with FaultServer(lambda call: Act(body=completion("paid"), delay=0.5)) as server:
        process = subprocess.Popen([sys.executable, "-c", ASKING, server.url, str(tmp_path / "l.sqlite"), "5000", "16"])
        while len(server.calls) < 16:
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 130
    with Ledger(tmp_path / "l.sqlite") as ledger:
        assert ledger.totals()[0].calls == len(server.calls)


ASKING = """
import sys
from nercot.llm.asking import request_body
from nercot.llm.endpoint import Patience, ask_all
from nercot.llm.ledger import Ledger
from nercot.llm.messages import Request
from nercot.corpus.recipe import Model

url, path, number, concurrency, *drain = sys.argv[1:]
model = Model(url=(url,), model="m", concurrency=int(concurrency))
body = lambda n: request_body(model, [{"role": "user", "content": f"question {n}"}])
try:
    with Ledger(path) as ledger:
        source = (Request("c", "annotate", f"{n:032x}", "local", "m", body(n)) for n in range(int(number)))
        ask_all(source, model, ledger, patience=Patience(drain_seconds=float(*drain or ["10"])))
except KeyboardInterrupt:
    sys.exit(130)
"""


@pytest.mark.parametrize("share", [0.2, 0.5, 0.8])
def test_a_killed_run_goes_on_and_pays_twice_only_what_was_in_flight(tmp_path: Path, share: float) -> None:
    """Twice: the calls in flight, and the answers of one commit window (50 ms and the commit itself)."""
    number, concurrency, delay = 400, 16, 0.02
    command = [sys.executable, "-c", ASKING, "", str(tmp_path / "l.sqlite"), str(number), str(concurrency)]
    sent: dict[str, int] = {}
    with FaultServer(lambda call: Act(body=completion(f"to {call.prompt}"), delay=delay)) as server:
        command[3] = server.url
        process = subprocess.Popen(command)
        while len(server.calls) < share * number:
            time.sleep(0.002)
        process.kill()
        process.wait()
        first = len(server.calls)
        assert subprocess.run(command).returncode == 0
        for prompt in server.prompts():
            sent[prompt] = sent.get(prompt, 0) + 1
        model = teacher(server)
        with Ledger(tmp_path / "l.sqlite") as ledger:
            replies = ledger.replies_to(requests(model, number))
    assert first < number
    assert [reply.content for reply in replies] == [f"to question {n}" for n in range(number)]
    assert max(sent.values()) == 2
    in_a_window = 4 * concurrency * 0.05 / delay
    assert len(server.calls) - number <= concurrency + in_a_window
