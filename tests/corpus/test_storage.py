"""Objects in a bucket: whole, created once, read by name, through a storage that is busy, slow or behind."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from s3_server import Storms, at_address, s3_server, stormy

from nercot.corpus.storage import Storage, fetch, is_remote, mount_kind, mount_warning
from nercot.errors import InputError, NercotError, OutputError
from nercot.formats.sources import corpus_folder, find_files


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with s3_server() as address:
        yield address


@pytest.fixture(params=["s3", "file", "memory"])
def storage(request: pytest.FixtureRequest, server: str, tmp_path: Path) -> Iterator[Storage]:
    urls = {
        "s3": f"s3://corpora/{request.node.name}",
        "file": f"file://{tmp_path}/store",
        "memory": f"memory://{tmp_path}",
    }
    with at_address(server):
        yield Storage(urls[request.param])


def test_an_object_is_what_was_put_there(storage: Storage, tmp_path: Path) -> None:
    assert storage.read("a/b.txt") is None
    storage.write("a/b.txt", b"one")
    storage.write("a/b.txt", b"two")
    assert storage.read("a/b.txt") == b"two"
    (tmp_path / "up").write_bytes(b"x" * 100_000)
    digest = storage.upload(tmp_path / "up", "a/big")
    storage.download("a/big", tmp_path / "down" / "big", digest)
    assert (tmp_path / "down" / "big").read_bytes() == b"x" * 100_000
    assert storage.names("a") == ["a/b.txt", "a/big"]
    storage.remove("a/b.txt")
    storage.remove("a/b.txt")
    assert storage.names() == ["a/big"]


def test_of_many_claims_one_holds(storage: Storage) -> None:
    won = []
    claims = [
        threading.Thread(target=lambda n=n: won.append(n) if storage.create("claim", b"%d" % n) else None)
        for n in range(8)
    ]
    for claim in claims:
        claim.start()
    for claim in claims:
        claim.join()
    assert len(won) == 1
    assert storage.read("claim") == b"%d" % won[0]
    assert storage.create("claim", b"99") is False


def test_a_wrong_content_is_no_download(storage: Storage, tmp_path: Path) -> None:
    storage.write("a", b"other")
    with pytest.raises(InputError, match="another content"):
        storage.download("a", tmp_path / "a", "0" * 64)
    with pytest.raises(InputError, match="no such object"):
        storage.download("none", tmp_path / "a")
    assert not list(tmp_path.glob("*a*"))


def test_a_busy_storage_is_asked_again_and_a_slow_one_waited_for(server: str) -> None:
    storms = Storms(busy={"PUT": 3, "GET": 3})
    with stormy(server, storms) as address, at_address(address):
        storage = Storage("s3://corpora/busy")
        storage.write("a", b"one")
        assert storage.read("a") == b"one"
        assert storms.busy == {"PUT": 0, "GET": 0}
        storms.slow = 0.2
        assert storage.create("b", b"two")
        assert storage.read("b") == b"two"


def test_a_storage_that_stays_away_is_one_line(server: str) -> None:
    storms = Storms(busy={"PUT": 1000, "GET": 1000, "HEAD": 1000})
    with stormy(server, storms) as address, at_address(address):
        storage = Storage("s3://corpora/away", retry_seconds=0.5)
        with pytest.raises(OutputError, match=r"^s3://corpora/away/a: .*") as told:
            storage.write("a", b"one")
    assert "\n" not in str(told.value)
    with at_address("http://127.0.0.1:9"), pytest.raises(NercotError, match="no answer"):
        Storage("s3://corpora/away", retry_seconds=0.5).write("a", b"one")


def test_what_a_stale_listing_lacks_can_be_read_all_the_same(server: str) -> None:
    storms = Storms()
    with stormy(server, storms) as address, at_address(address):
        storage = Storage("s3://corpora/stale")
        storage.write("old", b"one")
        assert storage.names() == ["old"]
        storms.stale = True
        storage.write("new", b"two")
        assert storage.names() == ["old"]
        assert storage.read("new") == b"two"
        assert storage.create("new", b"three") is False


def test_a_path_is_fetched_whole_or_refused(server: str) -> None:
    with at_address(server):
        storage = Storage("s3://corpora/corpus")
        storage.write("README.md", b"card")
        storage.write("cot/rows.jsonl", b"{}")
        folder = fetch("s3://corpora/corpus")
        assert (folder / "cot/rows.jsonl").read_bytes() == b"{}"
        storage.remove("README.md")
        assert not (fetch("s3://corpora/corpus") / "README.md").exists()
        assert fetch("s3://corpora/corpus/cot/rows.jsonl").read_bytes() == b"{}"
        with pytest.raises(InputError, match="nothing lies there"):
            fetch("s3://corpora/nowhere")
        with pytest.raises(InputError, match="no such bucket"):
            fetch("s3://no-such-bucket-here/x")


@pytest.mark.parametrize(
    ("where", "remote"), [("s3://b/x", True), ("build", False), ("/a:b", False), (Path("x"), False)]
)
def test_a_url_is_told_from_a_path(where: str | Path, remote: bool) -> None:
    assert is_remote(where) is remote


def test_a_kind_of_storage_that_nobody_knows_is_one_line() -> None:
    with pytest.raises(InputError, match="no storage of that kind"):
        Storage("nosuchscheme://x/y")


def test_a_network_mount_is_noticed(tmp_path: Path) -> None:
    mounts = tmp_path / "mountinfo"
    mounts.write_text(
        "22 1 259:1 / / rw - ext4 /dev/root rw\n40 22 0:40 / /mnt/team\\040share rw shared:1 - nfs4 host:/export rw\n"
    )
    assert mount_kind(Path("/mnt/team share/ledger.sqlite"), mounts) == "nfs4"
    assert mount_kind(Path("/mnt/other"), mounts) == "ext4"
    assert mount_warning(tmp_path) is None


def test_every_command_that_takes_a_path_takes_one_in_a_bucket(server: str) -> None:
    row = '{"text": "Ada came.", "schema": ["person"]}'
    with at_address(server):
        Storage("s3://corpora/rows").write("mine.jsonl", row.encode())
        (file,) = find_files("s3://corpora/rows/mine.jsonl")
        assert (file.name, file.path.read_text()) == ("mine.jsonl", row)
        assert [each.name for each in find_files("s3://corpora/rows")] == ["mine.jsonl"]
        assert (corpus_folder("s3://corpora/rows") / "mine.jsonl").is_file()
