"""hub.py against a Hub of our own, with the real huggingface_hub."""

from __future__ import annotations

import gzip
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import httpx2
import pytest
from hub_server import READER, WRITER, Fault, HubServer, User, log_in
from huggingface_hub.errors import HfHubHTTPError
from hypothesis import given
from hypothesis import strategies as st
from release_files import cot_rows, make_release, sft_rows, tree

from nercot.errors import InputError
from nercot.formats.hub import Patience, download, explain
from nercot.formats.sources import corpus_folder

NAME = "org/made"
COT, SFT = "cot/train-00000-of-00001.parquet", "sft/train-00000-of-00001.parquet"
ABOUT = {"README.md", "manifest.json"}


@pytest.fixture
def release(hub: HubServer, tmp_path: Path) -> Path:
    """A release that lies on the Hub."""
    rows = cot_rows(4)
    folder = make_release(tmp_path / "r", "1.0.0", {"cot": rows, "sft": sft_rows(rows)})
    hub.create(NAME, **{path: (folder / path).read_bytes() for path in tree(folder)})
    return folder


def stored(hub: HubServer, card: str | None, *paths: str) -> None:
    files = {path: f'{{"text": "{path}"}}\n'.encode() for path in paths}
    hub.create(NAME, **files, **({"README.md": card.encode()} if card else {}))


def got(folder: Path) -> set[str]:
    return set(tree(folder))


def refusal(*asked: str | None) -> str:
    with pytest.raises(InputError) as caught:
        download(*asked)  # type: ignore[arg-type]
    assert len(str(caught.value).splitlines()) == 1
    assert WRITER not in str(caught.value)
    return str(caught.value)


# --- what is downloaded -----------------------------------------------------------------------------


def test_a_whole_corpus_at_a_revision(hub: HubServer, release: Path, tmp_path: Path) -> None:
    old = hub.repo(NAME)["branches"]["main"]
    hub.commit(NAME, {"more.txt": b"x"})
    found = tree(corpus_folder(f"{NAME}@{old}"))
    assert {path: found[path] for path in found if path != ".gitattributes"} == tree(release)
    assert "more.txt" in tree(corpus_folder(NAME))
    for where, message in (("org/none", "no such dataset"), (f"{NAME}@none", "has no revision 'none'")):
        with pytest.raises(InputError, match=message) as caught:
            corpus_folder(where)
        assert len(str(caught.value).splitlines()) == 1
    assert corpus_folder(str(tmp_path / "none")) == tmp_path / "none"


@pytest.mark.parametrize(("config", "path"), [(None, COT), ("cot", COT), ("sft", SFT)])
def test_only_the_files_of_the_config(hub: HubServer, release: Path, config: str | None, path: str) -> None:
    folder = download(NAME, None, config)
    assert got(folder) == ABOUT | {path}
    assert (folder / path).read_bytes() == (release / path).read_bytes()


def test_a_revision_keeps_its_bytes(hub: HubServer, release: Path) -> None:
    commit = hub.repo(NAME)["branches"]["main"]
    hub.save(NAME, hub.repo(NAME) | {"tags": {"v1.0.0": commit}})
    hub.commit(NAME, {COT: b"other"})
    for revision in ("v1.0.0", commit):
        assert (download(NAME, revision) / COT).read_bytes() == (release / COT).read_bytes()
    assert (download(NAME, "main") / COT).read_bytes() == b"other"


def test_a_cached_commit_needs_no_network(hub: HubServer, release: Path) -> None:
    commit = hub.repo(NAME)["branches"]["main"]
    folder = download(NAME, commit, "sft")
    hub.log.clear()
    assert download(NAME, commit, "sft") == folder
    assert hub.log == []
    assert download(NAME, commit, "cot") == folder
    assert [request.path.rpartition("/")[2] for request in hub.log if request.method == "HEAD"] == [Path(COT).name]


def test_reading_through_sources(hub: HubServer, release: Path) -> None:
    from nercot.formats.sources import items, open_source

    read = [item.outcome.record for item in items(open_source(f"{NAME}@main:cot"))]
    assert [record.sentence for record in read] == [row["sentence"] for row in cot_rows(4)]


def test_private_dataset_of_ones_own(hub: HubServer, release: Path) -> None:
    hub.save(NAME, hub.repo(NAME) | {"private": True})
    assert COT in got(download(NAME))
    log_in(READER)
    assert "no such dataset" in refusal(NAME, hub.create("org/other")[:7])


CARDS = {
    "string": ("a", "data_files: one/x.jsonl", {"one/x.jsonl"}),
    "list": ("a", "data_files: [one/x.jsonl, 'two/*.jsonl']", {"one/x.jsonl", "two/y.jsonl"}),
    "splits": (
        "a",
        "data_files: [{split: train, path: [one/*]}, {split: test, path: ./x.jsonl}]",
        {"one/x.jsonl", "x.jsonl"},
    ),
    "deep": ("a", "data_files: '**/x.jsonl'", {"one/x.jsonl", "x.jsonl"}),
    "folder": ("a", "data_dir: two", {"two/y.jsonl"}),
    "named": ("two", "description: nothing said", {"two/y.jsonl"}),
}


@pytest.mark.parametrize("form", CARDS)
def test_configs_as_cards_list_them(hub: HubServer, form: str) -> None:
    name, files, wanted = CARDS[form]
    stored(hub, f"---\nconfigs:\n- config_name: {name}\n  {files}\n---\n", "x.jsonl", "one/x.jsonl", "two/y.jsonl")
    assert got(download(NAME)) == wanted | {"README.md"}


@pytest.mark.parametrize("card", [None, "# no YAML\n", "---\nlicense: mit\n---\n", "---\nconfigs: no list\n---\n"])
def test_dataset_without_configs_gives_its_data_files(hub: HubServer, card: str | None) -> None:
    paths = {"a.jsonl", "b.JSON", "data/c.txt.gz", "data/d.parquet", "data/e.jsonl.zst"}
    stored(hub, card, *paths, "run.py", "croissant.json", "dataset_infos.json", ".hidden/f.json", "LICENSE", "x.png")
    assert got(download(NAME)) - {"README.md"} == paths
    assert got(download(NAME, "main", "data")) - {"README.md"} == paths


def test_folder_of_a_dataset_without_configs(hub: HubServer) -> None:
    stored(hub, None, "a.jsonl", "data/c.txt")
    assert got(download(NAME, None, "data")) == {"data/c.txt"}


def test_packed_file_comes_as_it_is(hub: HubServer) -> None:
    packed = gzip.compress(b"one line\n")
    hub.create(NAME, **{"a.txt.gz": packed})
    assert (download(NAME) / "a.txt.gz").read_bytes() == packed


# --- one line for every failure ---------------------------------------------------------------------


def test_no_such_dataset(hub: HubServer) -> None:
    assert (
        refusal("org/none")
        == "org/none: no such dataset on the Hub; check the name, and if it is private log in with `hf auth login`"
    )
    log_in(None)
    assert "no such dataset" in refusal("org/none")


@pytest.mark.parametrize("revision", ["v9.9.9", "0" * 40, "refs/pr/7"])
def test_no_such_revision(hub: HubServer, release: Path, revision: str) -> None:
    assert f"org/made@{revision}: the dataset has no revision" in refusal(NAME, revision)


def test_no_such_config(hub: HubServer, release: Path) -> None:
    assert refusal(NAME, None, "grpo") == "org/made: no config 'grpo'; there are cot, sft"


def test_no_such_folder_without_configs(hub: HubServer) -> None:
    stored(hub, None, "a.jsonl")
    assert "no files of config 'b'" in refusal(NAME, None, "b")


def test_no_data_at_all(hub: HubServer) -> None:
    hub.create(NAME)
    assert "no data files" in refusal(NAME)


def test_config_whose_files_are_gone(hub: HubServer, release: Path) -> None:
    hub.commit(NAME, {COT: None})
    assert "no data files" in refusal(NAME)


def test_card_that_is_no_yaml(hub: HubServer) -> None:
    stored(hub, "---\nconfigs: [\n---\n", "a.jsonl")
    assert "the block of YAML at its top cannot be read" in refusal(NAME)


@pytest.mark.parametrize("token", [None, READER])
def test_gated(hub: HubServer, release: Path, token: str | None) -> None:
    hub.save(NAME, hub.repo(NAME) | {"gated": True})
    log_in(token)
    said = refusal(NAME)
    assert "gated; accept its terms at" in said
    assert "hf auth login" in said
    hub.users[READER] = User("reader", accepted=(NAME,))
    log_in(READER)
    assert COT in got(download(NAME))


def test_token_that_the_hub_does_not_know(hub: HubServer, release: Path) -> None:
    log_in("nobody-has-this")
    said = refusal(NAME)
    assert "log in with" in said
    assert "nobody-has-this" not in said


@pytest.mark.parametrize("name", ["org/" + "x" * 200, "org/..", "a/b/c"])
def test_names_that_the_hub_does_not_have(hub: HubServer, name: str) -> None:
    assert name in refusal(name)


def child(*asked: str, **environment: str) -> str:
    """`download` in another process: these settings are read when huggingface_hub is imported."""
    script = (
        "import sys; from nercot.formats.hub import download; from nercot.errors import InputError\n"
        "try: print(download(*sys.argv[1:]))\n"
        "except InputError as error: print('InputError:', error)"
    )
    command = [sys.executable, "-c", script, *asked]
    done = subprocess.run(command, env={**os.environ, **environment}, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.strip()


def test_offline(hub: HubServer, release: Path) -> None:
    folder = download(NAME, None, "cot")
    hub.log.clear()
    assert child(NAME, folder.name, "cot", HF_HUB_OFFLINE="1") == str(folder)
    for missing in ((NAME, folder.name, "sft"), (NAME, "main"), ("org/other", "0" * 40)):
        assert "HF_HUB_OFFLINE is set" in child(*missing, HF_HUB_OFFLINE="1")
    shutil.rmtree(folder.parent.parent / "trees")
    assert "HF_HUB_OFFLINE is set" in child(NAME, folder.name, "cot", HF_HUB_OFFLINE="1")
    assert hub.log == []


def test_no_network(hub: HubServer, release: Path) -> None:
    folder = download(NAME)
    with socket.create_server(("127.0.0.1", 0)) as closed:
        nowhere = f"http://127.0.0.1:{closed.getsockname()[1]}"
    said = child(NAME, "main", HF_ENDPOINT=nowhere)
    assert said.startswith("InputError: org/made@main: no connection to the Hub (ConnectError); check the network")
    assert child(NAME, folder.name, HF_ENDPOINT=nowhere) == str(folder)


@pytest.mark.parametrize("answered", [False, True])
def test_no_connection_is_tried_again_only_after_an_answer(answered: bool) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    tried = []

    def call() -> None:
        tried.append(port)
        httpx2.get(f"http://127.0.0.1:{port}")

    with pytest.raises(httpx2.ConnectError):
        Patience(2, answered=answered)(call)
    assert (len(tried) > 1) is answered


# --- a Hub that has troubles ------------------------------------------------------------------------


@pytest.mark.parametrize("match", ["GET /api/datasets/org/made$", "GET .*/tree/", "HEAD .*train-", "GET .*README"])
@pytest.mark.parametrize("how", [429, 503, "cut"])
def test_busy_or_cut_once(hub: HubServer, release: Path, match: str, how: int | str) -> None:
    hub.faults = [Fault(how, match=match, headers={"Retry-After": "0"})]
    assert got(download(NAME)) == ABOUT | {COT}
    assert hub.faults[0].times == 0


def test_a_file_cut_in_the_middle_is_whole_in_the_end(hub: HubServer, release: Path) -> None:
    hub.faults = [Fault("half", match="GET /lfs/")]
    assert (download(NAME) / COT).read_bytes() == (release / COT).read_bytes()
    assert [request.status for request in hub.log if request.path.startswith("/lfs/")] == [0, 200]


def test_a_hub_that_wants_a_long_pause(hub: HubServer, release: Path) -> None:
    hub.faults = [Fault(429, match="GET /api/datasets", times=-1, headers={"Retry-After": "3600"})]
    assert "the Hub is busy; run the same command again later (429" in refusal(NAME)
    assert len(hub.log) == 1


@given(st.text(), st.sampled_from([400, 401, 402, 403, 404, 409, 412, 413, 418, 429, 500, 503]))
def test_whatever_a_server_says_is_one_line_without_the_token(text: str, status: int) -> None:
    log_in(WRITER)
    request = httpx2.Request("POST", "http://127.0.0.1/api")
    said = f"{text} {WRITER} {text}"
    error = HfHubHTTPError("x", response=httpx2.Response(status, request=request), server_message=said)
    line = explain(error, NAME)
    assert line.startswith("org/made: ")
    assert len(line.splitlines()) == 1
    assert str(status) in line
    assert WRITER not in line
