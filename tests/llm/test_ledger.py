"""The ledger: what is in it stays, is found by key, is told from what is not a ledger, and can be passed on."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from nercot.errors import InputError, LedgerError, OutputError
from nercot.llm.exchange import export_parquet, import_parquet
from nercot.llm.ledger import Ledger
from nercot.llm.messages import Reply, Request, read_reply, request_key


def question(n: int = 0, corpus: str = "c", step: str = "annotate", attempt: int = 1, **more: object) -> Request:
    body = {"model": "m", "messages": [{"role": "user", "content": f"question {n}"}], **more}
    return Request(corpus, step, f"{n:032x}", "deepseek", "m", body, attempt)


def completion(content: str = "yes", **more: object) -> bytes:
    message = {"role": "assistant", "content": content, "reasoning_content": "because"}
    usage = {"prompt_tokens": 100, "completion_tokens": 20, "prompt_tokens_details": {"cached_tokens": 40}}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    return json.dumps(
        {"model": "m-1", "system_fingerprint": "fp", "choices": [choice], "usage": usage, **more}
    ).encode()


def keep(
    ledger: Ledger, request: Request, kind: str = "answer", raw: bytes | None = None, cost: float | None = 0.5
) -> None:
    raw = completion() if raw is None else raw
    reply = (
        Reply(request.key, kind, detail="no")
        if kind in ("refused", "error")
        else read_reply(raw, request.key, kind, 1.5)
    )
    ledger.append(request, reply, raw, cost).result(10)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "build" / "ledger.sqlite"


@pytest.fixture
def ledger(path: Path) -> Iterator[Ledger]:
    with Ledger(path) as ledger:
        yield ledger


# -- keys -----------------------------------------------------------------------------------------------------


def test_the_key_is_over_provider_model_attempt_and_body_alone() -> None:
    base = question()
    same = Request("other", "score", "f" * 32, "deepseek", "m", dict(reversed(base.body.items())))
    assert same.key == base.key
    assert len({base.key, question(1).key, question(attempt=2).key, question(seed=1).key}) == 4
    assert Request("c", "annotate", "", "openai", "m", base.body).key != base.key
    assert Request("c", "annotate", "", "deepseek", "m2", base.body).key != base.key


def test_the_order_inside_a_json_schema_is_kept_because_a_strict_server_answers_in_it() -> None:
    schema = {"response_format": {"z": 1, "a": 2}}
    assert b'{"z":1,"a":2}' in question(**schema).payload
    assert question(**schema).key != question(response_format={"a": 2, "z": 1}).key


def test_a_key_never_changes() -> None:
    """Ledgers and releases hold these keys for years."""
    request = Request(
        "c", "annotate", "g", "deepseek", "m", {"model": "m", "messages": [{"role": "user", "content": "é\ud83d"}]}
    )
    assert request.payload == b'{"messages":[{"role":"user","content":"\\u00e9\\ud83d"}],"model":"m"}'
    assert request.key == "160d4cb81a6bd67dde68b8854ec47681a621c8a6e055181a8fa4073841a8085f"
    assert request.key == request_key("deepseek", "m", 1, request.payload)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@given(st.dictionaries(st.text(), json_values, max_size=5))
def test_the_payload_says_the_body_whatever_is_in_it(body: dict[str, object]) -> None:
    request = Request("c", "annotate", "g", "p", "m", body)
    assert json.loads(request.payload) == body
    assert Request("c", "annotate", "g", "p", "m", json.loads(request.payload)).key == request.key


# -- replies --------------------------------------------------------------------------------------------------


@given(json_values | st.fixed_dictionaries({"choices": json_values}))
def test_any_json_is_a_reply_or_a_value_error(body: object) -> None:
    try:
        reply = read_reply(json.dumps(body).encode())
    except ValueError:
        return
    assert isinstance(reply.content, str)


@given(st.binary(max_size=60))
def test_any_bytes_are_a_reply_or_a_value_error(raw: bytes) -> None:
    with pytest.raises(ValueError, match="reply is"):
        read_reply(raw)


@given(st.text(), st.none() | st.text(), st.sampled_from(["stop", "length", "content_filter", None]))
def test_content_and_trace_come_out_as_they_went_in(content: str, trace: str | None, finish: str | None) -> None:
    message = {"content": content, "reasoning_content": trace}
    reply = read_reply(json.dumps({"choices": [{"message": message, "finish_reason": finish}]}).encode())
    assert (reply.content, reply.reasoning or None, reply.finish_reason) == (content, trace or None, finish)


def test_content_in_parts_is_put_together() -> None:
    parts = [{"type": "text", "text": "a"}, {"type": "image"}, "odd", {"type": "text", "text": "b"}]
    assert read_reply(json.dumps({"choices": [{"message": {"content": parts}}]}).encode()).content == "ab"


def test_cached_tokens_are_found_under_deepseeks_name() -> None:
    reply = read_reply(completion(usage={"prompt_tokens": 9, "completion_tokens": 1, "prompt_cache_hit_tokens": 7}))
    assert (reply.tokens_in, reply.tokens_cached, reply.tokens_out) == (9, 7, 1)


@pytest.mark.parametrize("usage", [None, [], {"prompt_tokens": "9"}, {"prompt_tokens": -1}, {"prompt_tokens": 1 << 70}])
def test_odd_usage_is_unknown_usage(usage: object) -> None:
    assert read_reply(completion(usage=usage)).tokens_in is None


def test_a_deep_reply_is_an_error_and_no_crash() -> None:
    with pytest.raises(ValueError, match="not JSON"):
        read_reply(b"[" * 100_000)


# -- what is kept -----------------------------------------------------------------------------------------------


def test_a_reply_is_found_again_by_another_program(path: Path) -> None:
    with Ledger(path) as ledger:
        keep(ledger, question(1))
    with Ledger(path) as ledger:
        reply = ledger.reply(question(1).key)
        assert ledger.reply(question(2).key) is None
    expected = Reply(question(1).key, "answer", "yes", "because", "stop", 100, 40, 20, "m-1", "fp", 1.5)
    assert reply == expected


def test_the_file_is_durable_before_the_future_is_done(path: Path) -> None:
    """Another connection sees the entry as soon as the future is done."""
    with Ledger(path) as ledger:
        for n in range(5):
            keep(ledger, question(n))
            other = sqlite3.connect(path)
            assert other.execute("SELECT count(*) FROM entries").fetchone() == (n + 1,)
            other.close()


def test_failed_calls_are_entries_and_block_nothing(ledger: Ledger) -> None:
    keep(ledger, question(1), "error", b"", None)
    assert ledger.final([question(1).key]) == set()
    keep(ledger, question(1))
    keep(ledger, question(1), "error", b"", None)
    assert ledger.final([question(1).key]) == {question(1).key}
    assert ledger.reply(question(1).key).content == "yes"


def test_the_first_final_answer_counts(ledger: Ledger) -> None:
    """Two builds that ask at the same time both pay; what is read stays the same from then on."""
    keep(ledger, question(1), raw=completion("first"))
    keep(ledger, question(1), raw=completion("second"))
    assert ledger.reply(question(1).key).content == "first"


def test_many_keys_are_read_at_once(ledger: Ledger) -> None:
    futures = [
        ledger.append(question(n), read_reply(completion(str(n)), question(n).key), completion(str(n)))
        for n in range(1700)
    ]
    for future in futures:
        future.result(10)
    keys = [question(n).key for n in range(2000)]
    replies = ledger.replies(keys)
    assert [replies[key].content for key in keys[:1700]] == [str(n) for n in range(1700)]
    assert len(replies) == len(ledger.final(keys)) == 1700
    assert [reply and reply.content for reply in ledger.replies_to([question(0), question(1999)])] == ["0", None]


def test_the_plain_form_answers_for_a_request_with_response_format(ledger: Ledger) -> None:
    strict = question(1, response_format={"type": "json_object"})
    keep(ledger, strict.plain(), raw=completion("plain"))
    assert ledger.replies_to([strict])[0].content == "plain"
    keep(ledger, strict, raw=completion("strict"))
    assert ledger.replies_to([strict])[0].content == "strict"
    assert question(1).plain() is None


def test_entries_are_never_changed_or_deleted(path: Path) -> None:
    with Ledger(path) as ledger:
        keep(ledger, question(1))
    with sqlite3.connect(path) as connection:
        for statement in ("UPDATE entries SET cost = 0", "DELETE FROM entries"):
            with pytest.raises(sqlite3.IntegrityError, match="never"):
                connection.execute(statement)
    connection.close()


def test_what_the_commands_say(ledger: Ledger) -> None:
    for n in range(3):
        keep(ledger, question(n))
    keep(ledger, question(3), "empty", cost=None)
    keep(ledger, question(4), "refused", b"too long", None)
    keep(ledger, question(5), "empty_answer")
    keep(ledger, question(0, "d"), "error", b"", None)
    keep(ledger, question(6, step="score"), "error", b"", None)
    assert ledger.spent("c") == 2.0
    teacher, judge = ledger.totals("c")
    assert (teacher.calls, teacher.failed, teacher.tokens_in, teacher.tokens_cached, teacher.tokens_out) == (
        6,
        0,
        500,
        200,
        100,
    )
    assert (teacher.cost, teacher.unpriced, judge.calls, judge.failed) == (2.0, 1, 0, 1)
    assert [total.corpus for total in ledger.totals()] == ["c", "c", "d"]
    assert (ledger.last_error("c").step, ledger.last_error("c").guid, ledger.last_error("e")) == (
        "score",
        f"{6:032x}",
        None,
    )
    assert ledger.empties(question(3).key) == 1


def test_jobs_are_open_until_they_are_closed(ledger: Ledger) -> None:
    for token, numbers in (("one", (1, 2)), ("two", (3, 4))):
        for n in numbers:
            ledger.append(question(n), Reply(question(n).key, "sent", detail=token)).result(10)
        ledger.open_job(token, question(9))
    ledger.name_job("two", "batch-2")
    keep(ledger, question(4))
    assert [(job.token, job.batch) for job in ledger.open_jobs(question())] == [("one", None), ("two", "batch-2")]
    assert ledger.open_jobs(question(0, "other")) == []
    keys = [question(n).key for n in range(6)]
    assert ledger.in_open_jobs(keys) == set(keys[1:5])
    assert ledger.unanswered("two") == [keys[3]]
    assert ledger.sent(keys) == {keys[n]: question(n) for n in range(1, 5)}
    ledger.close_job("one", "completed")
    assert [job.token for job in ledger.open_jobs(question())] == ["two"]
    assert ledger.in_open_jobs(keys) == set(keys[3:5])
    assert ledger.totals()[0].calls == 1


# -- several processes, and files that are no ledgers -------------------------------------------------------------

WRITER = """
import sys
from test_ledger import completion, question
from nercot.llm.ledger import Ledger
from nercot.llm.messages import read_reply
start = int(sys.argv[2])
with Ledger(sys.argv[1]) as ledger:
    for n in range(start, start + 300):
        ledger.append(question(n), read_reply(completion(str(n)), question(n).key), completion(str(n)))
"""


def test_several_processes_begin_and_fill_one_ledger(path: Path) -> None:
    commands = [[sys.executable, "-c", WRITER, str(path), str(start)] for start in range(0, 1800, 300)]
    processes = [subprocess.Popen(command, cwd=Path(__file__).parent) for command in commands]
    assert [process.wait(60) for process in processes] == [0] * 6
    with Ledger(path) as ledger:
        assert len(ledger.final([question(n).key for n in range(1800)])) == 1800


def foreign_database(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE entries (id)")
    connection.close()


FOREIGN = {
    "text": lambda path: path.write_text("my notes, which are longer than the head of a database " * 5),
    "short": lambda path: path.write_bytes(b"x"),
    "zeros": lambda path: path.write_bytes(bytes(5000)),
    "another database": foreign_database,
}


@pytest.mark.parametrize("make", FOREIGN.values(), ids=FOREIGN)
def test_a_foreign_file_is_refused_and_left_alone(tmp_path: Path, make) -> None:
    path = tmp_path / "ledger.sqlite"
    make(path)
    before = path.read_bytes()
    with pytest.raises(LedgerError, match=r"ledger\.sqlite is not a nercot ledger") as caught:
        Ledger(path)
    assert "\n" not in str(caught.value)
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["ledger.sqlite"]


def test_a_folder_in_its_place_is_an_output_error(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="cannot be opened"):
        Ledger(tmp_path)


def filled(path: Path, number: int = 400) -> bytes:
    with Ledger(path) as ledger:
        for n in range(number):
            ledger.append(question(n), read_reply(completion(str(n) * 50), question(n).key), completion(str(n) * 50))
    return path.read_bytes()


def test_a_ledger_cut_short_is_damaged_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    whole = filled(path)
    for share in (0.1, 0.5, 0.99):
        path.write_bytes(whole[: int(len(whole) * share)])
        with pytest.raises(LedgerError, match=r"ledger\.sqlite is damaged"):
            Ledger(path)
        assert path.read_bytes() == whole[: int(len(whole) * share)]


@settings(max_examples=40, deadline=None)
@given(place=st.floats(0, 0.999), length=st.integers(1, 3000), byte=st.integers(0, 255))
@example(place=0.0546875, length=1, byte=128)
@example(place=0.048828125, length=52, byte=32)
def test_a_damaged_ledger_gives_right_answers_or_says_that_it_is_damaged(
    tmp_path_factory: pytest.TempPathFactory, place: float, length: int, byte: int
) -> None:
    path = tmp_path_factory.mktemp("damaged") / "ledger.sqlite"
    raw = bytearray(filled(path, 100))
    start = int(len(raw) * place)
    raw[start : start + length] = bytes([byte]) * len(raw[start : start + length])
    path.write_bytes(raw)
    try:
        with Ledger(path) as ledger:
            replies = ledger.replies([question(n).key for n in range(100)])
            ledger.totals()
    except LedgerError:
        return
    for n in range(100):
        if (reply := replies.get(question(n).key)) is not None:
            assert reply.content == str(n) * 50


def test_a_newer_ledger_asks_for_a_newer_nercot(path: Path) -> None:
    Ledger(path).close()
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(LedgerError, match="newer nercot"):
        Ledger(path)


# -- Parquet ------------------------------------------------------------------------------------------------------


def test_an_exported_ledger_makes_the_same_answers_elsewhere(tmp_path: Path) -> None:
    file, again = tmp_path / "a.parquet", tmp_path / "b.parquet"
    with Ledger(tmp_path / "a.sqlite") as ledger:
        for n in range(9):
            keep(ledger, question(n), raw=completion(f"é{n}\n"))
        keep(ledger, question(50), "refused", b"too long", None)
        keep(ledger, question(51), "empty_answer", completion(""))
        keep(ledger, question(52), "error", b"", None)
        keep(ledger, question(7), raw=completion("paid twice"))
        assert export_parquet(ledger, file) == 11
        keys = [question(n).key for n in range(53)]
        replies = ledger.replies(keys)
    with Ledger(tmp_path / "b.sqlite") as ledger:
        assert import_parquet(ledger, file) == 11
        assert import_parquet(ledger, file) == 0
        found = ledger.replies(keys)
        assert {k: (r.kind, r.content, r.reasoning, r.detail, r.tokens_in) for k, r in found.items()} == {
            k: (r.kind, r.content, r.reasoning, r.detail, r.tokens_in) for k, r in replies.items()
        }
        assert ledger.spent("c") == 0.0
        export_parquet(ledger, again)
    assert file.read_bytes() == again.read_bytes()


def test_withheld_records_are_not_exported(ledger: Ledger, tmp_path: Path) -> None:
    for n in range(4):
        keep(ledger, question(n))
    assert export_parquet(ledger, tmp_path / "x.parquet", withheld={f"{1:032x}", f"{2:032x}"}) == 2
    table = pq.read_table(tmp_path / "x.parquet")
    assert sorted(table["guid"].to_pylist()) == [f"{0:032x}", f"{3:032x}"]
    assert not {"time", "latency", "cost"} & set(table.column_names)


def test_an_empty_ledger_exports_an_empty_table(ledger: Ledger, tmp_path: Path) -> None:
    assert export_parquet(ledger, tmp_path / "x.parquet") == 0
    assert import_parquet(ledger, tmp_path / "x.parquet") == 0


def forged(path: Path, **changes: object) -> None:
    table = pq.read_table(path)
    for name, value in changes.items():
        column = pa.array([value] * len(table), table.schema.field(name).type)
        table = table.set_column(table.column_names.index(name), name, column)
    pq.write_table(table, path)


@pytest.mark.parametrize(
    "changes",
    [
        {"request": "{}"},
        {"reply": "oops"},
        {"kind": "error"},
        {"attempt": 2},
        {"request": None},
        {"key": "zz"},
        {"key": None},
    ],
    ids=str,
)
def test_a_forged_export_is_refused(ledger: Ledger, tmp_path: Path, changes: dict[str, object]) -> None:
    keep(ledger, question(1))
    export_parquet(ledger, tmp_path / "x.parquet")
    forged(tmp_path / "x.parquet", **changes)
    with Ledger(tmp_path / "new.sqlite") as new, pytest.raises(InputError, match=r"x\.parquet.*export it again"):
        import_parquet(new, tmp_path / "x.parquet")


def test_a_file_that_is_no_export_is_refused(ledger: Ledger, tmp_path: Path) -> None:
    (tmp_path / "a.parquet").write_text("no")
    pq.write_table(pa.table({"key": ["k"]}), tmp_path / "b.parquet")
    for name in ("a.parquet", "b.parquet", "missing.parquet"):
        with pytest.raises(InputError, match=name):
            import_parquet(ledger, tmp_path / name)


def test_an_export_that_cannot_be_written_is_an_output_error(ledger: Ledger, tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="nowhere"):
        export_parquet(ledger, tmp_path / "nowhere" / "x.parquet")


FILLING = """
import random, resource, sys
from nercot.errors import OutputError
from nercot.llm.ledger import Ledger
from nercot.llm.messages import Reply
from test_ledger import question

resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))
draw = random.Random(0)
with Ledger(sys.argv[1]) as ledger:
    failed = [Reply(question(n).key, "error", detail="no") for n in range(100)]
    told = [ledger.append(question(n), reply, draw.randbytes(10_000)) for n, reply in enumerate(failed)]
    errors = [future.exception(60) for future in told]
print(sum(isinstance(error, OutputError) for error in errors))
"""


def test_of_a_group_that_does_not_fit_on_the_disk_what_fits_is_kept(path: Path) -> None:
    """A limit on the size of files stands for the disk; a hundred entries come at once, thirty of them fit."""
    path.parent.mkdir()
    here = str(Path(__file__).parent)
    run = subprocess.run([sys.executable, "-c", FILLING, str(path)], capture_output=True, text=True, cwd=here)
    assert int(run.stdout) > 0, run
    with Ledger(path) as ledger:
        kept = sum(total.calls + total.failed for total in ledger.totals())
    assert 0 < kept < 100
