"""From a source to the Hub and back, as a user types it: build, release, verify, diff, trace, publish, take down."""

import json
import subprocess
import sys

import pytest
from commands import run
from scripted import gold_options

pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning:httpx2")


def nercot(folder, *arguments, code=0):
    ran = run(folder, *arguments, "--json")
    assert ran.code == code, (ran.code, ran.out[-2000:], ran.err[-2000:])
    return json.loads(ran.out) if ran.out else ran.err


def rows(path, numbers):
    entities = [{"text": "Ada", "label": "person"}]
    lines = [
        json.dumps({"sentence": f"Mrs Ada wrote letter {n}.", "schema": ["person", "city"], "entities": entities})
        for n in numbers
    ]
    path.write_text("\n".join(lines) + "\n")
    return path


def load(repo, revision, config="cot"):
    """Rows of a published config, by a process of its own with caches of its own."""
    code = (
        "import datasets, json, sys, tempfile; datasets.disable_progress_bars()\n"
        "d = datasets.load_dataset(sys.argv[1], sys.argv[3], revision=sys.argv[2], split='train',"
        " cache_dir=tempfile.mkdtemp())\n"
        "print(json.dumps([d.column_names, list(d['guid'])]))"
    )
    command = [sys.executable, "-W", "ignore", "-c", code, repo, revision, config]
    loaded = subprocess.run(command, capture_output=True, text=True)
    assert loaded.returncode == 0, loaded.stderr[-1500:]
    return json.loads(loaded.stdout)


def test_a_corpus_goes_to_the_hub_and_comes_back(tmp_path, hub):
    source = rows(tmp_path / "rows.jsonl", range(20))
    built = nercot(tmp_path, "build", "--input", source, *gold_options(source))
    first = nercot(tmp_path, "release", "quickstart")
    assert (first["version"], first["made"], first["fingerprint"]) == ("1.0.0", True, built["fingerprint"])
    assert nercot(tmp_path, "release", "quickstart")["made"] is False
    old = tmp_path / "releases/quickstart/1.0.0"
    assert nercot(tmp_path, "verify", old, "--rebuild")["rebuilt"] is True

    would = nercot(tmp_path, "publish", old, "org/letters", "--dry-run")
    assert would["commit"] is None
    done = nercot(tmp_path, "publish", old, "org/letters")
    assert done["tag"] == "v1.0.0"
    assert done["rows"]["cot"] == 20
    assert nercot(tmp_path, "publish", old, "org/letters")["changes"] == []

    rows(source, range(25))
    nercot(tmp_path, "build", "--input", source, *gold_options(source))
    second = nercot(tmp_path, "release", "quickstart")
    assert (second["version"], second["kind"]) == ("1.1.0", "minor")
    new = tmp_path / "releases/quickstart/1.1.0"
    nercot(tmp_path, "publish", new, "org/letters")

    columns, guids = load("org/letters", "v1.0.0")
    assert (len(guids), "cot" in columns) == (20, True)
    assert len(load("org/letters", "v1.1.0")[1]) == 25
    assert len(load("org/letters", "v1.1.0", "sft")[1]) == 25

    assert nercot(tmp_path, "diff", old, "org/letters@v1.0.0")["added"]["count"] == 0
    found = nercot(tmp_path, "diff", "org/letters@v1.0.0", "org/letters@v1.1.0", code=1)
    # The annotator varies its openings from row to row, so a new row can change the trace of one behind it.
    assert (found["added"]["count"], found["removed"]["count"]) == (5, 0)
    assert found["changed"]["count"] <= 5
    assert nercot(tmp_path, "stats", "org/letters@v1.1.0")["rows"] == 25
    assert nercot(tmp_path, "validate", "org/letters@v1.0.0")["kept"] == 20
    whole = nercot(tmp_path, "trace", new, guids[0])
    assert whole["sentence"].startswith("Mrs Ada wrote letter")
    assert nercot(tmp_path, "trace", "org/letters@v1.1.0", guids[0]) == whole
    checked = nercot(tmp_path, "verify", "org/letters@v1.0.0", "--rebuild")
    assert (checked["version"], checked["rebuilt"], checked["problems"], checked["notes"]) == ("1.0.0", True, [], [])


def test_a_flipped_byte_is_found_and_named(tmp_path):
    source = rows(tmp_path / "r.jsonl", range(10))
    nercot(tmp_path, "build", "--limit", 10, "--out", "b", "--input", source, *gold_options(source))
    nercot(tmp_path, "release", "quickstart", "--out", "b")
    release = tmp_path / "releases/quickstart/1.0.0"
    for path in sorted(release.rglob("*")):
        if path.is_dir():
            continue
        whole = path.read_bytes()
        path.chmod(0o644)
        path.write_bytes(whole[: len(whole) // 2] + bytes([whole[len(whole) // 2] ^ 1]) + whole[len(whole) // 2 + 1 :])
        found = nercot(tmp_path, "verify", release, code=1)
        assert any(path.name in line for line in found["problems"]), (path, found["problems"])
        path.write_bytes(whole)
    assert nercot(tmp_path, "verify", release)["problems"] == []


def test_what_is_taken_down_stays_away(tmp_path, hub):
    source = rows(tmp_path / "rows.jsonl", range(10))
    nercot(tmp_path, "build", "--input", source, *gold_options(source))
    nercot(tmp_path, "release", "quickstart")
    old = tmp_path / "releases/quickstart/1.0.0"
    guid = load_guid(old, "Mrs Ada wrote letter 3.")
    (tmp_path / "guids.txt").write_text(f"{guid} asked by the person\n")
    done = nercot(tmp_path, "release", "quickstart", "--remove", "guids.txt")
    assert (done["removed"], done["rows"]) == (1, 9)
    again = nercot(tmp_path, "build", "--input", source, *gold_options(source))
    assert again["steps"][0]["dropped"] == {"removed": 1}
    kept = [path for path in (tmp_path / "build").rglob("*") if path.is_file()]
    assert not [path for path in kept if b"letter 3." in path.read_bytes()]
    assert "letter 3." not in (tmp_path / "releases/quickstart/removed.jsonl").read_text()


def load_guid(release, sentence):
    import pyarrow.parquet as pq

    (file,) = (release / "cot").glob("*.parquet")
    return next(row["guid"] for row in pq.read_table(file).to_pylist() if row["sentence"] == sentence)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["release", "nothing"], "build it first"),
        (["verify", "nowhere"], "not a release"),
        (["publish", "nowhere", "org/x"], "nowhere"),
        (["trace", "nowhere", "g"], "nowhere"),
        (["diff", "nowhere", "nowhere"], "no such file"),
    ],
)
def test_a_mistake_is_one_line(tmp_path, hub, arguments, said):
    ran = run(tmp_path, *arguments)
    assert ran.code == 2
    assert said in ran.err
    assert len(ran.told) == 1
