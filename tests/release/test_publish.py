"""publish.py and readback.py against a Hub of our own, with the real huggingface_hub and datasets."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
from datasets import Features
from hub_server import READER, WRITER, Fault, HubServer, log_in
from release_files import card_text, cot_rows, make_release, sft_rows, tree

from nercot.corpus.tables import COLUMNS
from nercot.errors import InputError, NercotError, OutputError, ShortfallError
from nercot.release.publish import Change, Published, publish
from nercot.release.readback import read_back

# huggingface_hub's own upload of a file.
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning:httpx2")

NAME = "org/made"
DATA = "cot/train-00000-of-00001.parquet"


def sound(folder: Path) -> list[str]:
    return []


def put(release: Path, name: str = NAME, **options: object) -> Published:
    return publish(release, name, verify=sound, **options)  # type: ignore[arg-type]


@pytest.fixture
def first(tmp_path: Path) -> Path:
    rows = cot_rows(5)
    return make_release(tmp_path / "1.0.0", "1.0.0", {"cot": rows, "sft": sft_rows(rows)})


@pytest.fixture
def second(tmp_path: Path) -> Path:
    """Another row, other columns in `cot`, a config less."""
    return make_release(tmp_path / "2.0.0", "2.0.0", {"cot": cot_rows(6)}, kinds={"cot": "raw"})


def published(hub: HubServer, revision: str = "main") -> dict[str, str]:
    return {path: sha256 for path, sha256 in hub.files(NAME, revision).items() if path != ".gitattributes"}


def lay(hub: HubServer, release: Path, tag: str | None = None) -> None:
    """The release on the Hub, as an earlier run left it."""
    hub.create(NAME, **{path: (release / path).read_bytes() for path in tree(release)})
    if tag:
        repo = hub.repo(NAME)
        hub.save(NAME, repo | {"tags": {tag: repo["branches"]["main"]}})


def refusal(kind: type[NercotError], release: Path, name: str = NAME, **options: object) -> str:
    with pytest.raises(kind) as caught:
        put(release, name, **options)
    assert len(str(caught.value).splitlines()) == 1
    return str(caught.value)


# --- the way through --------------------------------------------------------------------------------


def test_release_is_on_the_hub_as_one_tagged_commit(hub: HubServer, first: Path) -> None:
    done = put(first)
    repo = hub.repo(NAME)
    assert published(hub) == published(hub, "v1.0.0") == tree(first)
    assert done.commit == repo["tags"]["v1.0.0"] == repo["branches"]["main"]
    assert [commit["title"] for commit in repo["commits"].values()] == ["initial commit", "made 1.0.0"]
    assert done.rows == {"cot": 5, "sft": 5}
    assert not repo["private"]


def test_again_writes_nothing(hub: HubServer, first: Path) -> None:
    commit = put(first, private=True).commit
    assert hub.repo(NAME)["private"]
    hub.log.clear()
    again = put(first)
    assert hub.writes() == []
    assert (again.changes, again.commit, again.rows) == ((), commit, {"cot": 5, "sft": 5})


def test_both_versions_load_by_tag_with_their_own_columns(hub: HubServer, first: Path, second: Path) -> None:
    put(first)
    done = put(second)
    assert Change("delete", "sft/train-00000-of-00001.parquet") in done.changes
    assert published(hub) == tree(second)
    assert published(hub, "v1.0.0") == tree(first)
    old, new = read_back(NAME, "v1.0.0", ["cot", "sft"], 5), read_back(NAME, "v2.0.0", ["cot"], 5)
    assert (old.configs["cot"].rows, new.configs["cot"].rows) == ({"train": 5}, {"train": 6})
    assert "drift" in old.configs["cot"].features
    assert "drift" not in new.configs["cot"].features
    assert "completion" in new.configs["cot"].features
    hub.log.clear()
    assert put(first).changes == ()
    assert hub.writes() == []


def test_rows_load_as_they_were_released(hub: HubServer, first: Path) -> None:
    from datasets import load_dataset

    put(first)
    loaded = load_dataset(NAME, revision="v1.0.0")["train"].to_list()
    assert [row["guid"] for row in loaded] == [row["guid"] for row in cot_rows(5)]
    assert [] in [row["entities"] for row in loaded]
    assert all(row["sentence"][one["start"] : one["end"]] == one["text"] for row in loaded for one in row["entities"])


def test_empty_repo_made_on_the_website_is_used(hub: HubServer, first: Path) -> None:
    hub.create(NAME)
    assert put(first).changes[0].action == "add"
    assert published(hub) == tree(first)


# --- dry run ----------------------------------------------------------------------------------------


def test_dry_run_says_exactly_what_is_done_then(hub: HubServer, first: Path, second: Path) -> None:
    for release, changed in ((first, True), (second, True), (second, False)):
        hub.log.clear()
        said: list[str] = []
        dry = put(release, dry_run=True, report=said.append)
        assert hub.writes() == []
        assert said == [f"would {change}" for change in dry.changes]
        if changed:
            done = put(release)
        assert dry.changes == (done.changes if changed else ())
        assert dry.commit == (None if changed else done.commit)


def test_dry_run_of_a_first_release(hub: HubServer, first: Path) -> None:
    lines = [str(change) for change in put(first, dry_run=True, private=True).changes]
    assert lines[0] == "create org/made (private)"
    assert lines[-1] == "tag v1.0.0"
    assert f"add {DATA} ({(first / DATA).stat().st_size:,} bytes)" in lines
    with pytest.raises(KeyError):
        hub.repo(NAME)


# --- cut lines, busy Hub ----------------------------------------------------------------------------


def test_writes_that_stop_anywhere_leave_old_or_new(hub: HubServer, first: Path, second: Path) -> None:
    """The n-th write is cut off and no later one is let through, for every n; then the same command again."""
    put(first)
    hub.log.clear()
    put(second)
    count = len(hub.writes())
    assert count == 7
    states = []
    for stop in range(1, count + 1):
        hub.reset()
        lay(hub, first, "v1.0.0")
        hub.faults = [Fault("cut", skip=stop - 1), Fault(403, times=-1, skip=stop - 1)]
        refusal(OutputError, second, patience=0.9)
        states.append(published(hub) == tree(second))
        assert states[-1] or published(hub) == tree(first)
        hub.faults = []
        put(second)
        assert published(hub) == published(hub, "v2.0.0") == tree(second)
    assert states == [False] * (len(states) - 1) + [True]


@pytest.mark.parametrize("how", ["cut", "lose"])
def test_every_broken_line_is_mended_on_the_way(hub: HubServer, first: Path, how: str) -> None:
    calls = ("/api/repos/create", "/api/validate-yaml", "/lfs/", ".*/commit/main", ".*/tag/")
    hub.faults = [Fault(how, match=f"(POST|PUT) {call}") for call in calls]
    put(first)
    assert [fault.times for fault in hub.faults] == [0] * len(calls)
    assert len(hub.repo(NAME)["commits"]) == 2
    assert published(hub, "v1.0.0") == tree(first)


def test_killed_while_it_commits(hub: HubServer, first: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from nercot.release.publish import publish;"
        "publish(Path(sys.argv[1]), 'org/made', verify=lambda folder: [])"
    )
    child = subprocess.Popen([sys.executable, "-c", script, str(first)])
    hub.faults = [Fault(lambda: os.kill(child.pid, signal.SIGKILL), match="POST .*/commit/")]
    assert child.wait(60) == -signal.SIGKILL
    put(first)
    assert published(hub, "v1.0.0") == tree(first)
    assert len(hub.repo(NAME)["commits"]) == 2


def test_busy_hub_is_asked_again_when_it_says(hub: HubServer, first: Path) -> None:
    html = "<html>busy</html>"
    soon = {"Retry-After": "0.04"}
    hub.faults = [
        Fault(429, match="POST /api/repos/create", times=2, headers=soon, body=html),
        Fault(500, match="POST .*/commit/", headers=soon, body=html),
        Fault(502, match="POST .*/tag/", headers=soon),
        Fault(503, match="POST /api/validate-yaml", body=html),
    ]
    said: list[str] = []
    put(first, report=said.append)
    pauses = [line.removeprefix("the Hub answered ") for line in said if line.startswith("the Hub answered")]
    assert pauses == [*["429; again in 0.0 s"] * 2, "500; again in 0.0 s", "502; again in 0.0 s"]
    assert len([line for line in said if "cut off" in line]) == 1
    assert published(hub, "v1.0.0") == tree(first)


def far_away() -> dict[str, dict[str, str]]:
    later = format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)
    limit = {"ratelimit": '"api";r=0;t=3600', "ratelimit-policy": '"fixed window";"api";q=500;w=300'}
    return {"seconds": {"Retry-After": "3600"}, "date": {"Retry-After": later}, "limit": limit}


@pytest.mark.parametrize("form", ["seconds", "date", "limit"])
def test_a_pause_longer_than_the_patience_ends_the_run(hub: HubServer, first: Path, form: str) -> None:
    hub.faults = [Fault(429, match="POST .*/commit/", times=-1, headers=far_away()[form])]
    assert "429" in refusal(ShortfallError, first, patience=30)
    assert len([request for request in hub.writes() if "/commit/" in request.path]) == 1


def test_a_hub_that_stays_busy(hub: HubServer, first: Path) -> None:
    hub.faults = [Fault(503, match="GET /api/datasets/", times=-1)]
    assert refusal(ShortfallError, first, patience=0) == (
        "org/made: the Hub is busy; run the same command again later (503: as told)"
    )


# --- refusals ---------------------------------------------------------------------------------------


def test_read_only_token(hub: HubServer, first: Path) -> None:
    log_in(READER)
    assert "may not do this" in refusal(OutputError, first)
    assert "(403: " in refusal(OutputError, first)
    lay(hub, first, "v1.0.0")
    assert put(first).changes == ()


def test_nobody_logged_in(hub: HubServer, first: Path) -> None:
    log_in(None)
    assert "hf auth login" in refusal(OutputError, first)
    assert hub.log == []


def test_token_that_the_hub_does_not_know(hub: HubServer, first: Path) -> None:
    log_in("nobody-has-this")
    said = refusal(OutputError, first)
    assert "does not accept your token" in said
    assert "nobody-has-this" not in said


def test_token_that_a_server_sends_back_is_not_shown(hub: HubServer, first: Path) -> None:
    echo = {"X-Error-Message": f"Bearer {WRITER} may not"}
    hub.faults = [Fault(403, match="POST /api/repos/create", headers=echo, body=WRITER, times=-1)]
    said = refusal(OutputError, first)
    assert "Bearer *** may not" in said
    assert WRITER not in said


def test_commit_of_somebody_else_in_between(hub: HubServer, first: Path, second: Path) -> None:
    lay(hub, first, "v1.0.0")
    hub.faults = [Fault(lambda: hub.commit(NAME, {"theirs.txt": b"x"}), match="POST .*/commit/")]
    assert "somebody else committed meanwhile" in refusal(OutputError, second)
    assert hub.log[-1].status == 412
    assert "theirs.txt" in published(hub)
    assert put(second, dry_run=True).kept == ("theirs.txt",)


def test_commit_of_somebody_else_before_the_second_attempt(hub: HubServer, first: Path) -> None:
    hub.faults = [
        Fault(503, match="POST .*/commit/"),
        Fault(lambda: hub.commit(NAME, {"theirs.txt": b"x"}), match="GET /api/datasets/org/made$", skip=3),
    ]
    assert "somebody else committed meanwhile" in refusal(OutputError, first)
    assert set(published(hub)) == {"theirs.txt"}


def test_repo_of_somebody_else_in_between(hub: HubServer, first: Path) -> None:
    hub.faults = [Fault(lambda: hub.create(NAME, **{"mine.txt": b"years of work"}), match="POST /api/repos/create")]
    assert "no nercot corpus" in refusal(OutputError, first)
    assert set(published(hub)) == {"mine.txt"}


def test_tag_of_somebody_else_in_between(hub: HubServer, first: Path) -> None:
    def theirs() -> None:
        repo = hub.repo(NAME)
        hub.save(NAME, repo | {"tags": {"v1.0.0": next(iter(repo["commits"]))}})

    hub.faults = [Fault(theirs, match="POST .*/tag/")]
    assert "(409: Tag v1.0.0 already exists)" in refusal(OutputError, first)
    assert "with other content" in refusal(OutputError, first)


def test_foreign_repo_is_refused_unless_told(hub: HubServer, first: Path) -> None:
    hub.create(NAME, **{"mine.txt": b"years of work", "manifest.json": b'{"name": "a web app"}'})
    assert "manifest.json, but no nercot corpus" in refusal(OutputError, first)
    assert hub.writes() == []
    assert put(first, force=True).kept == ("mine.txt",)
    mine = hub.files(NAME)["mine.txt"]
    assert published(hub) == {**tree(first), "mine.txt": mine}


def test_files_of_others_stay(hub: HubServer, first: Path, second: Path) -> None:
    put(first)
    hub.commit(NAME, {"LICENSE": b"mine", "notes/why.md": b"because", "pictures/own.png": b"\x89PNG"})
    told: list[str] = []
    done = put(second, report=told.append)
    assert done.kept == ("LICENSE", "notes/why.md", "pictures/own.png")
    assert set(done.kept) <= published(hub).keys()
    assert not any(path.startswith("sft/") for path in published(hub))
    assert "keep LICENSE, which no release put there" in told
    assert put(second).changes == ()
    assert {path: sha for path, sha in published(hub).items() if path not in done.kept} == tree(second)


def test_a_file_of_others_that_would_be_loaded_stops_it(hub: HubServer, first: Path, second: Path) -> None:
    put(first)
    hub.commit(NAME, {"cot/train-00001-of-00002.parquet": b"x"})
    before = len(hub.writes())
    assert "would be loaded with the config cot" in refusal(OutputError, second, force=True)
    assert len(hub.writes()) == before


def test_what_the_owner_wrote_into_the_card_is_not_lost(hub: HubServer, first: Path, second: Path) -> None:
    put(first)
    card = (first / "README.md").read_text() + "\nAsk Mara before you train on it.\n"
    hub.commit(NAME, {"README.md": card.encode()})
    told: list[str] = []
    said = refusal(OutputError, second, report=told.append)
    assert "README.md was edited on the Hub since v1.0.0" in said
    assert "would be lost from README.md: Ask Mara before you train on it." in told
    assert hub.files(NAME)["README.md"] != tree(second)["README.md"]
    card = (second / "README.md").read_text() + "\nAsk Mara before you train on it.\n"
    (second / "README.md").write_text(card)
    assert put(second).tag == "v2.0.0"
    assert published(hub) == tree(second)


def test_an_edited_card_is_lost_on_purpose_only(hub: HubServer, first: Path, second: Path) -> None:
    put(first)
    hub.commit(NAME, {"README.md": (first / "README.md").read_bytes() + b"\nMine.\n"})
    put(second, force=True)
    assert published(hub) == tree(second)


def test_edits_are_seen_without_a_tag(hub: HubServer, first: Path, second: Path) -> None:
    """A run that was cut between commit and tag leaves only the manifest to compare with."""
    manifest = json.loads((first / "manifest.json").read_text())
    manifest["files"].append({"path": "README.md", "sha256": tree(first)["README.md"]})
    (first / "manifest.json").write_text(json.dumps(manifest))
    lay(hub, first)
    hub.commit(NAME, {"README.md": (first / "README.md").read_bytes() + b"\nMine.\n"})
    told: list[str] = []
    assert "README.md was edited on the Hub since it was published" in refusal(OutputError, second, report=told.append)
    assert "would be lost from README.md: Mine." in told


def test_dry_run_without_a_hub_says_what_it_could_not_see(first: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", f"http://127.0.0.1:{port}")
    told: list[str] = []
    done = put(first, dry_run=True, report=told.append)
    assert done.dry_run
    assert done.unseen
    assert done.commit is None
    assert {change.what for change in done.changes} == {*tree(first), "v1.0.0"}
    assert told[-1].startswith(f"not seen: what {NAME} holds")


def test_a_silent_hub_is_given_up_and_told(
    hub: HubServer, first: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("nercot.formats.hub.SILENT_SECONDS", 1.0)
    monkeypatch.setattr("nercot.corpus.waits.FIRST", 0.2)
    over = threading.Event()
    hub.faults = [Fault(over.wait, match=r"POST .*/commit/", times=-1)]
    caplog.set_level("INFO", "nercot")
    try:
        said = refusal(ShortfallError, first)
    finally:
        over.set()
    assert "took the connection and then said nothing" in said
    assert "waiting for the Hub's answer" in caplog.text
    hub.faults = []
    put(first)
    assert published(hub) == tree(first)


def test_a_hub_that_never_says_a_word_is_given_up_at_once(first: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        env = {**os.environ, "HF_ENDPOINT": f"http://127.0.0.1:{mute.getsockname()[1]}"}
        code = (
            "import sys; import nercot.formats.hub as hub; from nercot.cli import main;"
            "hub.SILENT_SECONDS = 0.5; main(sys.argv[1:])"
        )
        ran = subprocess.run(
            [sys.executable, "-c", code, "diff", "org/x@v1.0.0", str(first)],
            env=env,
            capture_output=True,
            text=True,
            check=False,
        )
    assert ran.returncode == 2
    assert "said nothing" in ran.stderr
    assert len(ran.stderr.splitlines()) <= 3


def test_other_corpus_is_refused_unless_told(hub: HubServer, first: Path, tmp_path: Path) -> None:
    lay(hub, first, "v1.0.0")
    other = make_release(tmp_path / "other", "3.0.0", {"cot": cot_rows(3)}, corpus="re-subset")
    assert "holds the corpus made, not re-subset" in refusal(OutputError, other)
    assert put(other, force=True).rows == {"cot": 3}


def test_newer_version_is_refused_unless_told(hub: HubServer, tmp_path: Path) -> None:
    lay(hub, make_release(tmp_path / "10", "10.0.0", {"cot": cot_rows(3)}), "v10.0.0")
    between = make_release(tmp_path / "9", "9.0.0", {"cot": cot_rows(2)})
    assert "v10.0.0, which is newer than 9.0.0" in refusal(OutputError, between)
    assert put(between, force=True).rows == {"cot": 2}
    assert set(hub.repo(NAME)["tags"]) == {"v9.0.0", "v10.0.0"}


def test_tag_never_moves(hub: HubServer, first: Path, tmp_path: Path) -> None:
    lay(hub, first, "v1.0.0")
    other = make_release(tmp_path / "other", "1.0.0", {"cot": cot_rows(4)})
    assert "never changes" in refusal(OutputError, other, force=True)
    assert published(hub, "v1.0.0") == tree(first)


def test_public_repo_is_not_taken_for_private(hub: HubServer, first: Path) -> None:
    hub.create(NAME)
    assert "is public" in refusal(OutputError, first, private=True, force=True)
    assert hub.writes() == []


# --- what is not published --------------------------------------------------------------------------


SPOILT = {
    "no manifest": (lambda folder: (folder / "manifest.json").unlink(), "manifest.json: not there or not JSON"),
    "not a manifest": (lambda folder: (folder / "manifest.json").write_text("[]"), "not the manifest of a release"),
    "no file": (lambda folder: (folder / DATA).unlink(), "missing"),
    "flipped byte": (lambda folder: flip(folder / DATA), "changed since it was released"),
    "stray file": (lambda folder: (folder / "keys.txt").write_text("x"), "keys.txt: not part of the release"),
    "no card": (lambda folder: (folder / "README.md").unlink(), "README.md: missing"),
    "no configs": (lambda folder: (folder / "README.md").write_text("# made\n"), "lists no configs"),
    "bad YAML": (lambda folder: (folder / "README.md").write_text("---\na: [\n---\n"), "YAML"),
}


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize("fault", SPOILT)
def test_spoilt_release_is_refused_before_the_hub_is_asked(hub: HubServer, first: Path, fault: str) -> None:
    spoil, said = SPOILT[fault]
    spoil(first)
    assert said in refusal(InputError, first)
    assert hub.log == []


def test_hidden_files_stay_at_home(hub: HubServer, first: Path) -> None:
    (first / ".DS_Store").write_text("x")
    (first / ".cache").mkdir()
    (first / ".cache" / "token").write_text("x")
    assert not [change for change in put(first, dry_run=True).changes if change.what.startswith(".")]


def test_restricted_text_is_refused(hub: HubServer, tmp_path: Path) -> None:
    release = make_release(tmp_path / "r", "1.0.0", {"cot": cot_rows(2)}, restricted_text=True)
    assert "stand-off" in refusal(InputError, release, force=True)
    assert hub.log == []


def test_release_that_does_not_verify(hub: HubServer, first: Path) -> None:
    with pytest.raises(ShortfallError, match=re.escape("cot: row 3 is wrong (and 1 more)")):
        publish(first, NAME, verify=lambda folder: ["cot: row 3 is wrong", "sft: row 1 is wrong"], force=True)
    assert hub.log == []


@pytest.mark.parametrize(
    "name", ["made", "org/made/x", "org/", "../made", "org/ma de", "https://org/made", "org/ma--d\n"]
)
def test_names_that_are_none(hub: HubServer, first: Path, name: str) -> None:
    assert "write it as org/name" in refusal(InputError, first, name)
    assert hub.log == []


# --- read back --------------------------------------------------------------------------------------


def test_bytes_that_changed_on_the_hub_are_found(hub: HubServer, first: Path) -> None:
    lay(hub, first, "v1.0.0")
    hub.object_path(tree(first)["croissant.json"]).write_bytes(b"[]\n")
    assert "croissant.json reads back otherwise" in refusal(ShortfallError, first)


def test_card_with_the_columns_of_another_version_is_found(hub: HubServer, second: Path) -> None:
    (second / "README.md").write_text(card_text([("cot", Features.from_arrow_schema(COLUMNS["cot"]), 6)], "2.0.0"))
    assert "org/made@v2.0.0 cannot be read back: " in refusal(ShortfallError, second)


def test_card_that_changes_a_type_is_found(hub: HubServer, second: Path) -> None:
    from datasets import Value

    declared = Features.from_arrow_schema(COLUMNS["raw"])
    declared["score"] = Value("float32")
    (second / "README.md").write_text(card_text([("cot", declared, 6)], "2.0.0"))
    assert "config cot loads with other columns than its files" in refusal(ShortfallError, second)


def test_config_with_fewer_rows_than_released_is_found(hub: HubServer, tmp_path: Path) -> None:
    release = make_release(tmp_path / "r", "1.0.0", {"cot": cot_rows(3)})
    manifest = (release / "manifest.json").read_text()
    (release / "manifest.json").write_text(manifest.replace('"rows": 3', '"rows": 4'))
    assert "config cot loads 3 rows, 4 were released" in refusal(ShortfallError, release)


def test_nothing_of_the_clients_is_printed(hub: HubServer, first: Path, capfd: pytest.CaptureFixture[str]) -> None:
    hub.faults = [Fault(503, match="PUT ")]
    put(first)
    assert capfd.readouterr() == ("", "")
