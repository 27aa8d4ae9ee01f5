"""One build by several workers: the same bytes, answers paid once, limits kept by all together, kills survived."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from commands import run
from fault_server import Act, Call, FaultServer, answer
from s3_server import Storms, at_address, s3_server, stormy

from nercot.building.engines.desk import Desk, together
from nercot.building.engines.job import Job, Ran
from nercot.building.engines.start import _looking
from nercot.building.lists import prompts_of
from nercot.building.progress import Along, Position
from nercot.building.runner import Went
from nercot.cli.shell import _Lines
from nercot.corpus.recipe import load_recipe
from nercot.corpus.work import Figures, Work

KEY_TRACE = '"Ada" is a person, since "Mrs" stands before the name. No city is named anywhere in the sentence.'
GOOD = json.dumps({"entities": {"person": ["Ada"]}})
PARTS = ("grounding", "boundary", "type", "completeness", "coherence", "score")
VERDICT = json.dumps({**dict.fromkeys(PARTS, 9.5), "reason": "argued from the words beside it"})
ONE_WORKER = ("--set", "teacher.concurrency=8", "--set", "judge.concurrency=8", "--set", "select.near_duplicates=off")


def obliging(call: Call) -> Act:
    return answer(GOOD, reasoning=KEY_TRACE) if call.body["model"] == "teacher" else answer(VERDICT)


def slow(call: Call) -> Act:
    return Act(body=obliging(call).body, delay=0.1)


def rows(count: int, path: Path) -> Path:
    lines = (
        {"sentence": f"Mrs Ada wrote letter {number}.", "schema": ["person", "city"], "dataset": "letters"}
        for number in range(count)
    )
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def arguments(server: FaultServer, source: Path, *more: object) -> list[str]:
    models = ("--teacher-url", server.url, "--teacher-model", "teacher")
    models += ("--judge-url", server.url, "--judge-model", "judge")
    steps = ("--set", 'steps=["annotate", "validate", "score", "select"]')
    return ["build", "ner-cot", "--json", "--input", str(source), *models, *steps, *ONE_WORKER, *map(str, more)]


def build(folder: Path, server: FaultServer, source: Path, *more: object, code: int = 0) -> dict:
    ran = run(folder, *arguments(server, source, *more))
    assert ran.code == code, (ran.code, ran.out[-1500:], ran.err[-1500:])
    return json.loads(ran.out)


def started(folder: Path, server: FaultServer, source: Path, *more: object) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "nercot", *arguments(server, source, *more)]
    return subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def asked_twice(server: FaultServer) -> int:
    return sum(count - 1 for count in Counter(call.payload for call in server.calls).values())


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The candidate of one process."""
    folder = tmp_path_factory.mktemp("alone")
    with FaultServer(obliging) as server:
        assert build(folder, server, rows(120, folder / "rows.jsonl"))["records"] == 120
    return contents(folder / "build/ner-cot/candidate")


def test_workers_make_the_same_bytes_and_ask_once(tmp_path: Path, alone: dict[str, bytes]) -> None:
    source = rows(120, tmp_path / "rows.jsonl")
    with FaultServer(slow) as server:
        result = build(tmp_path, server, source, "--workers", 2)
        assert result["calls"]["teacher"] == result["calls"]["judge"] == 120
        assert contents(tmp_path / "build/ner-cot/candidate") == alone
        assert (len(server.calls), asked_twice(server)) == (240, 0)
        assert server.peak <= 16  # 8 of each model, all workers together
        again = build(tmp_path, server, source, "--workers", 3)
        assert (again["changed"], len(server.calls)) == (False, 240)


def children(process: subprocess.Popen[bytes]) -> list[int]:
    found = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    workers = []
    for child in map(int, found):
        command = Path(f"/proc/{child}/cmdline").read_bytes()
        if b"engines.processes" in command:
            workers.append(child)
    return workers


def wait_for(true: object, seconds: float = 150) -> None:
    assert callable(true)
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.02)


def test_a_killed_worker_is_replaced_and_little_is_paid_twice(tmp_path: Path, alone: dict[str, bytes]) -> None:
    source = rows(120, tmp_path / "rows.jsonl")
    with FaultServer(slow) as server:
        process = started(tmp_path, server, source, "--workers", 2)
        wait_for(lambda: len(server.calls) > 60)
        os.kill(children(process)[0], signal.SIGKILL)
        assert process.wait(120) == 0
        assert asked_twice(server) <= 16
    assert contents(tmp_path / "build/ner-cot/candidate") == alone


def test_a_killed_head_takes_its_workers_along_and_the_next_run_goes_on(
    tmp_path: Path, alone: dict[str, bytes]
) -> None:
    source = rows(120, tmp_path / "rows.jsonl")
    with FaultServer(slow) as server:
        process = started(tmp_path, server, source, "--workers", 2)
        wait_for(lambda: len(server.calls) > 80)
        workers = children(process)
        process.kill()
        process.wait()
        wait_for(lambda: not any(Path(f"/proc/{worker}/cmdline").exists() for worker in workers))
        build(tmp_path, server, source, "--workers", 2)
        assert asked_twice(server) <= 16
    assert contents(tmp_path / "build/ner-cot/candidate") == alone


def test_a_budget_is_one_for_all_workers(tmp_path: Path) -> None:
    source = rows(120, tmp_path / "rows.jsonl")
    prices = [f"{role}.price.{kind}=10" for role in ("teacher", "judge") for kind in ("input", "output")]
    prices += [f"{role}.max_tokens=100" for role in ("teacher", "judge")]
    settings = [word for price in prices for word in ("--set", price)]
    with FaultServer(slow) as server:
        # A call costs 120 tokens, that is 0.0012 USD; before the first answer the longest reply is reckoned with.
        result = build(tmp_path, server, source, *settings, "--max-cost", 0.1, "--workers", 2, code=1)
        assert "budget" in result["shortfall"]
        assert 40 <= len(server.calls) <= 84


def test_what_a_worker_meets_that_the_user_has_to_change_is_one_line(tmp_path: Path) -> None:
    source = rows(40, tmp_path / "rows.jsonl")
    with FaultServer(lambda call: Act(status=401, body=b'{"error": {"message": "no such key"}}')) as server:
        ran = run(tmp_path, *arguments(server, source, "--workers", 2))
    assert ran.code == 2
    assert "wants a key (401)" in ran.err
    assert "Traceback" not in ran.err


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (("--workers", 2, "--batch"), "leave out --workers"),
        (("--workers", 2, "--teacher-url", "local", "--teacher-model", "x.gguf"), "one process"),
    ],
)
def test_what_workers_cannot_do_is_said(tmp_path: Path, more: tuple[object, ...], told: str) -> None:
    source = rows(3, tmp_path / "rows.jsonl")
    with FaultServer(obliging) as server:
        ran = run(
            tmp_path,
            "build",
            "ner-cot",
            "--input",
            source,
            "--judge-url",
            server.url,
            "--judge-model",
            "j",
            "--set",
            'steps=["annotate", "validate", "score", "select"]',
            *(() if "local" in more else ("--teacher-url", server.url, "--teacher-model", "t")),
            *more,
        )
    assert (ran.code, told in ran.err) == (2, True), ran.err


# --- storage ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def bucket() -> Iterator[str]:
    with s3_server() as address:
        yield address


def emptied(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another machine: nothing of this one's copies is there."""
    monkeypatch.setenv("NERCOT_CACHE", str(folder))


def test_a_build_in_a_bucket_goes_on_on_another_machine(
    tmp_path: Path, bucket: str, alone: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    source = rows(120, tmp_path / "rows.jsonl")
    out = ("--out", "s3://corpora/one")
    with at_address(bucket), FaultServer(obliging) as server:
        emptied(tmp_path / "first", monkeypatch)
        result = build(tmp_path, server, source, *out, "--workers", 2)
        assert result["candidate"] == "s3://corpora/one/ner-cot/candidate"
        emptied(tmp_path / "second", monkeypatch)
        again = build(tmp_path, server, source, *out)
        assert (again["changed"], len(server.calls)) == (False, 240)
        assert run(tmp_path, "stats", again["candidate"]).code == 0
        told = json.loads(run(tmp_path, "status", "ner-cot", "--out", "s3://corpora/one", "--json").out)
        assert told["candidate"]
        (copy,) = (tmp_path / "second").glob("*/build/ner-cot/candidate")
        assert contents(copy) == alone


def test_a_storage_that_is_busy_slow_and_behind_gives_the_same_bytes(
    tmp_path: Path, bucket: str, alone: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    source = rows(120, tmp_path / "rows.jsonl")
    storms = Storms(busy={"PUT": 5, "GET": 5}, stale=True)
    with stormy(bucket, storms) as address, at_address(address), FaultServer(obliging) as server:
        emptied(tmp_path / "first", monkeypatch)
        build(tmp_path, server, source, "--out", "s3://corpora/two")
        emptied(tmp_path / "second", monkeypatch)
        assert build(tmp_path, server, source, "--out", "s3://corpora/two")["changed"] is False
        (copy,) = (tmp_path / "second").glob("*/build/ner-cot/candidate")
        assert contents(copy) == alone


def test_of_two_builds_of_one_corpus_in_a_bucket_one_is_refused(
    tmp_path: Path, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = rows(120, tmp_path / "rows.jsonl")
    with at_address(bucket), FaultServer(slow) as server:
        emptied(tmp_path / "first", monkeypatch)
        process = started(tmp_path, server, source, "--out", "s3://corpora/three")
        wait_for(lambda: len(server.calls) > 10)
        emptied(tmp_path / "second", monkeypatch)
        ran = run(tmp_path, *arguments(server, source, "--out", "s3://corpora/three"))
        assert (ran.code, "another build of this corpus is running" in ran.err) == (2, True), ran.err
        assert process.wait(120) == 0


# --- a cluster ----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def cluster(bucket: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Ray cluster of two nodes on this machine, which knows the bucket: tasks have the environment of their node."""
    from s3_server import free_port

    with at_address(bucket):
        environment = {**os.environ, "RAY_AUTH_MODE": "disabled", "RAY_DISABLE_IMPORT_WARNING": "1"}
    environment["NERCOT_CACHE"] = str(tmp_path_factory.mktemp("nodes"))
    address = f"127.0.0.1:{free_port()}"
    ray = [str(Path(sys.executable).with_name("ray"))]
    common = ["--num-cpus=1", "--disable-usage-stats", "--object-store-memory=80000000"]
    head = [*ray, "start", "--head", f"--port={address.rpartition(':')[2]}", "--include-dashboard=false", *common]
    node = [*ray, "start", f"--address={address}", *common]
    os.environ["RAY_AUTH_MODE"] = "disabled"
    try:
        for command in (head, node):
            subprocess.run(command, check=True, capture_output=True, env=environment, timeout=120)
        yield address
    finally:
        subprocess.run([*ray, "stop", "--force"], check=False, capture_output=True, env=environment, timeout=60)
        os.environ.pop("RAY_AUTH_MODE")


@pytest.mark.slow
def test_a_cluster_makes_the_same_bytes_and_survives_a_killed_worker(
    tmp_path: Path, cluster: str, alone: dict[str, bytes]
) -> None:
    source = rows(120, tmp_path / "rows.jsonl")
    with FaultServer(slow) as server:
        process = started(tmp_path, server, source, "--engine", "ray", "--address", cluster)
        wait_for(lambda: len(server.calls) > 60)
        victims = re.findall(r"(\d+) ray::_run", processes())
        os.kill(int(victims[0]), signal.SIGKILL)
        assert process.wait(180) == 0
        assert asked_twice(server) <= 16
    assert contents(tmp_path / "build/ner-cot/candidate") == alone


def processes() -> str:
    return subprocess.run(["ps", "-eo", "pid,args"], capture_output=True, text=True, check=True).stdout


@pytest.mark.slow
def test_a_killed_and_resumed_run_on_a_cluster_and_a_bucket_gives_them_too(
    tmp_path: Path, cluster: str, bucket: str, alone: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    source = rows(120, tmp_path / "rows.jsonl")
    out = ("--engine", "ray", "--address", cluster, "--out", "s3://corpora/four")
    with at_address(bucket), FaultServer(slow) as server:
        emptied(tmp_path / "copies", monkeypatch)
        process = started(tmp_path, server, source, *out)
        wait_for(lambda: len(server.calls) > 80)
        process.kill()
        process.wait()
        time.sleep(1)
        monkeypatch.setattr("nercot.building.engines.mirror.DEAD_SECONDS", 0.5)
        build(tmp_path, server, source, *out)
        assert asked_twice(server) <= 16
        (copy,) = (tmp_path / "copies").glob("*/build/ner-cot/candidate")
        assert contents(copy) == alone


def test_no_cluster_is_one_line(tmp_path: Path) -> None:
    source = rows(3, tmp_path / "rows.jsonl")
    with FaultServer(obliging) as server:
        ran = run(tmp_path, *arguments(server, source, "--engine", "ray", "--address", "127.0.0.1:9"))
    assert ran.code == 2
    assert "no Ray cluster there" in ran.err


def test_lines_of_a_run_by_workers_say_what_became_of_records(tmp_path, capsys):
    recipe = load_recipe("quickstart")
    desk = Desk(Job(recipe, prompts_of(recipe), tmp_path), {"0": "a", "1": "b"})
    told = {
        "one": Position({"annotate": Along(90, 0, 90, 80, 10), "score": Along(80, 0, 80, 70, 10)}, spent=0.25),
        "two": Position({"annotate": Along(60, 0, 60, 50, 10)}, spent=0.5),
    }
    lines = _Lines()
    lines._begun -= 60
    _looking(desk, lambda: told, Work(tmp_path / "work"), lines)()
    said = capsys.readouterr().err
    assert "partitions: 0 done of 2, 2 left; 70 kept, 30 dropped (30%); 0.7500 USD spent" in said
    # What a worker is through with still counts once it is at the next partition.
    desk.ran["0"] = Ran(Went([], frozenset()), position=told.pop("one"))
    assert together(told, [desk.ran["0"].position]).figures("score") == Figures(70, 30, 0.75)
    told["two"].spent = None
    assert together(told).figures("score").spent is None
