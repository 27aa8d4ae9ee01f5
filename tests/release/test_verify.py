"""Verification of real releases: what is intact passes, what is not is named, and trace tells one row's way."""

from __future__ import annotations

import json
import random
import shutil
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from answered_corpus import build_corpus, script, source_row, source_rows
from fault_server import FaultServer

from nercot.building.builder import BuildOptions, build
from nercot.building.candidate import row_hash, sft_row
from nercot.corpus.manifest import read_manifest, write_sealed
from nercot.corpus.recipe import load_recipe
from nercot.corpus.records import content_guid
from nercot.corpus.spool import fingerprint
from nercot.corpus.tables import COLUMNS
from nercot.errors import InputError
from nercot.formats.sources import sha256_of
from nercot.release.changelog import changelog
from nercot.release.release import freeze
from nercot.release.trace import trace
from nercot.release.verify import verify

Row = dict[str, Any]
CONFIGS = ("cot", "raw", "dropped", "sft")
FILES = (
    *("README.md", "CHANGELOG.md", "manifest.json", "croissant.json", "pictures/funnel.svg"),
    *(f"{name}/train-00000-of-00001.parquet" for name in CONFIGS),
)


CELL = {"name": "cell", "type": "cell", "pos": []}
HYBRID = """
steps = ["draw", "annotate", "validate", "merge"]
[corpus]
name = "merged"
license = "cc0-1.0"
[sample]
size = 3
[validate]
trace = "optional"
[select]
duplicates = "off"
"""


@pytest.fixture(scope="module")
def server() -> Iterator[FaultServer]:
    with FaultServer(script) as server:
        yield server


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory, server: FaultServer) -> Path:
    """A release with rows of every fate."""
    folder = tmp_path_factory.mktemp("built")
    build_corpus(folder, source_rows(), server)
    return freeze("ner-cot", folder / "build").folder


@pytest.fixture
def release(original: Path, tmp_path: Path) -> Path:
    """A copy of it that can be changed."""
    shutil.copytree(original, tmp_path / "release")
    unlocked(tmp_path / "release")
    return tmp_path / "release"


def problems(release: Path, rebuild: bool = False) -> tuple[str, ...]:
    return verify(release, rebuild).problems


def rows_of(release: Path, config: str) -> list[Row]:
    return pq.read_table(release / config).to_pylist()


def forge(release: Path, change: Callable[[Row], object], *configs: str, **manifest: Any) -> None:
    """Changes the second row of configs (the same record's in all), and seals the release as if nothing was."""
    guid = rows_of(release, "dropped" if configs == ("dropped",) else "cot")[1]["guid"]
    for config in configs:
        rows = rows_of(release, config)
        for row in rows:
            if row["guid"] == guid:
                change(row)
        store(release, config, rows)
    reseal(release, **manifest)


def store(release: Path, config: str, rows: list[Row], **how: Any) -> None:
    path = release / f"{config}/train-00000-of-00001.parquet"
    pq.write_table(pa.Table.from_pylist(rows, schema=COLUMNS[config]), path, **how)


def unlocked(release: Path) -> None:
    """Gives back the right to write."""
    for path in release.rglob("*"):
        path.chmod(0o755)


def reseal(release: Path, **manifest: Any) -> None:
    found = {**read_manifest(release), **manifest}
    for file in found["files"]:
        file["sha256"] = sha256_of(release / file["path"])
    write_sealed(release, found)


# --- intact ---------------------------------------------------------------------------------------


def test_a_release_of_every_fate_verifies_and_can_be_made_again(original: Path) -> None:
    done = verify(original, rebuild=True)
    assert done.problems == done.notes == ()
    assert (done.version, done.rebuilt) == ("1.0.0", True)
    assert done.files == len([path for path in original.rglob("*") if path.is_file()])
    assert done.rows == sum(len(rows_of(original, config)) for config in CONFIGS)
    assert {row["reason"] for row in rows_of(original, "dropped")} == {
        *("unreadable", "refused", "malformed", "truncated", "unscored", "below_threshold", "duplicate_record")
    }
    assert {row["attempt"] for row in rows_of(original, "raw")} == {1, 2}


@pytest.mark.parametrize("settings", [(("teacher.until", "selected"),), (("split.validation", 2), ("split.test", 2))])
def test_other_recipes_can_be_made_again(tmp_path: Path, server: FaultServer, settings: tuple) -> None:
    result = build_corpus(tmp_path, source_rows(), server, *settings)
    assert result.shortfall is None
    done = verify(freeze("ner-cot", tmp_path / "build").folder, rebuild=True)
    assert (done.problems, done.rebuilt) == ((), True)


def test_a_drawn_corpus_can_be_made_again_from_its_rows(tmp_path: Path) -> None:
    for name in ("AnatEM", "ncbi"):
        rows = [{"sentence": f"The {name} {number} cell.", "entities": [CELL]} for number in range(30)]
        for split in ("train", "test"):
            (tmp_path / name).mkdir(exist_ok=True)
            (tmp_path / name / f"{split}.json").write_text(json.dumps(rows))
        (tmp_path / name / "labels.json").write_text(json.dumps(["cell", "gene"]))
    settings = [("sample.size", 20), ("sample.allow_missing", True), ("select.duplicates", "drop")]
    build(load_recipe("re-subset", settings), BuildOptions(tmp_path / "build", str(tmp_path)))
    release = freeze("re-subset", tmp_path / "build").folder
    done = verify(release, rebuild=True)
    assert (done.problems, done.rebuilt, done.rows) == ((), True, 40)
    unlocked(release)
    rows = rows_of(release, "grpo")
    store(release, "grpo", [{**rows[0], "gold": "{}"}, *rows[1:]])
    reseal(release)
    assert [line for line in problems(release) if line.startswith("grpo/train-00000-of-00001.parquet: row 1 (")]


def test_a_corpus_merged_with_gold_can_be_made_again(tmp_path: Path, server: FaultServer) -> None:
    recipe = tmp_path / "hybrid.toml"
    recipe.write_text(HYBRID)
    rows = [row for row in source_rows() if isinstance(row, dict) and row["sentence"]]
    for row in rows:
        row["gold"] = row["gold"][: 1 if row["sentence"].startswith("Odd Kept") else 2]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    options = BuildOptions(tmp_path / "build", str(tmp_path / "rows.jsonl"))
    build(load_recipe(str(recipe)), options)
    with pytest.raises(InputError, match="only a draw"):
        freeze("merged", tmp_path / "build")
    build(load_recipe(str(recipe), [("teacher.url", server.url), ("teacher.model", "policy")]), options)
    release = freeze("merged", tmp_path / "build").folder
    done = verify(release, rebuild=True)
    assert (done.problems, done.rebuilt) == ((), True)
    assert {row["cot"] is None for row in rows_of(release, "cot")} == {True, False}
    told = way(release, "Odd Kept")
    assert told["outcome"] == {"kept": True, "attempt": None, "step": "merge"} | {
        name: told["outcome"][name] for name in ("reason", "detail")
    }
    assert told["outcome"]["reason"] == "not_gold"
    unlocked(release)
    bare = next(row for row in rows_of(release, "cot") if row["cot"] is None and row["gold"])
    store(
        release, "cot", [{**row, "entities": [] if row == bare else row["entities"]} for row in rows_of(release, "cot")]
    )
    reseal(release)
    assert [line for line in problems(release) if bare["guid"] in line and "are not its gold" in line]


@pytest.mark.parametrize("contamination", ["flag", "drop"])
def test_what_touches_a_test_set_is_made_again_without_it(
    tmp_path: Path, server: FaultServer, contamination: str
) -> None:
    rows = [json.dumps(source_row("Mara Kept")) + "\n", json.dumps(source_row("Ines Kept")) + "\n"]
    for name, row in (("MIT Movie", rows[0]), ("AnatEM", rows[0]), ("CoNLL03", rows[1])):
        (tmp_path / "sets" / name).mkdir(parents=True)
        (tmp_path / "sets" / name / "test.jsonl").write_text(row)
    settings = (("benchmarks.path", str(tmp_path / "sets")), ("select.contamination", contamination))
    build_corpus(tmp_path, source_rows(), server, *settings)
    release = freeze("ner-cot", tmp_path / "build").folder
    shutil.rmtree(tmp_path / "sets")
    touched = [row["guid"] for row in rows_of(release, "cot") if row["contaminated_by"]]
    touched += [row["guid"] for row in rows_of(release, "dropped") if row["reason"] == "contaminated"]
    assert len(touched) == 2
    done = verify(release, rebuild=True)
    assert (done.problems, done.rebuilt) == ((), True)


def test_the_tour_can_be_made_again(tmp_path: Path) -> None:
    build(load_recipe("quickstart"), BuildOptions(tmp_path / "build"))
    done = verify(freeze("quickstart", tmp_path / "build").folder, rebuild=True)
    assert (done.problems, done.rebuilt) == ((), True)


def test_another_writer_makes_the_same_rows_in_other_bytes(release: Path) -> None:
    for config in CONFIGS:
        store(release, config, rows_of(release, config), compression="gzip")
    reseal(release)
    assert any("the same rows in other bytes" in line for line in problems(release, rebuild=True))
    reseal(release, writer="pyarrow 0.0.1")
    done = verify(release, rebuild=True)
    assert done.problems == ()
    assert [note for note in done.notes if "same rows, other bytes" in note]


# --- damaged files --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FILES)
def test_a_flipped_bit_is_found_wherever_it_is(release: Path, name: str) -> None:
    path = release / name
    raw = path.read_bytes()
    draw = random.Random(name)
    places = {0, len(raw) - 1, *(draw.randrange(len(raw)) for _ in range(25))}
    for place in sorted(places):
        changed = bytearray(raw)
        changed[place] ^= 1 << draw.randrange(8)
        path.write_bytes(changed)
        assert [line for line in problems(release) if line.startswith(name)], place
    path.write_bytes(raw)
    assert problems(release) == ()


def test_a_release_of_the_first_version_is_held_against_its_own_columns(tmp_path: Path) -> None:
    with tarfile.open(Path(__file__).with_name("made-by-0.1.0.tar.xz")) as packed:
        packed.extractall(tmp_path, filter="data")
    early = tmp_path / "1.0.0"
    done = verify(early, rebuild=True)
    assert (done.problems, done.rows, done.rebuilt) == ((), 18, False)
    assert [note for note in done.notes if "not made again" in note and "nercot 0.1.0" in note] == list(done.notes)
    unlocked(early)
    pq.write_table(pa.table({"guid": ["a"]}), early / "sft/train-00000-of-00001.parquet")
    assert any("sft/" in problem for problem in verify(early).problems)


def test_what_another_version_makes_otherwise_is_a_note(release: Path) -> None:
    unlocked(release)
    reseal(release, tool="0.0.9")
    done = verify(release, rebuild=True)
    assert (done.problems, done.rebuilt) == ((), True)
    assert "made by nercot 0.0.9" in done.notes[0]
    assert any("tool differs" in note for note in done.notes)


def test_cut_missing_and_strange_files_are_named(release: Path) -> None:
    (release / "sft/train-00000-of-00001.parquet").unlink()
    (release / "CHANGELOG.md").unlink()
    (release / "raw/train-00000-of-00001.parquet").write_bytes(b"")
    (release / "notes.txt").write_text("mine")
    (release / ".DS_Store").write_text("a file browser's")
    found = problems(release)
    assert [line.partition(":")[0] for line in found] == [
        "raw/train-00000-of-00001.parquet",
        "sft/train-00000-of-00001.parquet",
        "CHANGELOG.md",
        "notes.txt",
    ]
    assert verify(release).notes == (".DS_Store: hidden, so no part of the release, and not published",)


def test_the_changelog_of_another_release_is_named(release: Path) -> None:
    for other in (changelog("ner-cot", "## 1.1.0\n\nMore."), changelog("other", "## 1.0.0\n\nFirst.")):
        (release / "CHANGELOG.md").write_text(other)
        assert problems(release) == ("CHANGELOG.md: is not that of ner-cot 1.0.0",)


def test_what_is_no_release_is_the_users_to_mend(tmp_path: Path, original: Path) -> None:
    with pytest.raises(InputError, match="not a release"):
        verify(tmp_path)
    with pytest.raises(InputError, match="release it first"):
        verify(original.parents[2] / "build/ner-cot/candidate")


def test_a_card_that_declares_something_else_is_found(release: Path) -> None:
    text = (release / "README.md").read_text()
    for old, new, message in (
        ("- config_name: raw\n  data_files", "- config_name: rough\n  data_files", "lists the configs"),
        ("path: sft/train-*.parquet", "path: cot/train-*.parquet", "loads other files"),
        ("  default: true\n", "", "the default config"),
        ("  - name: cot\n    dtype: string", "  - name: cot\n    dtype: int32", "other columns"),
        ("num_examples: ", "num_examples: 1", "declares"),
        ("configs:\n", "configs: [1]\nothers:\n", "not that of a release"),
    ):
        assert old in text
        (release / "README.md").write_text(text.replace(old, new, 1))
        reseal(release)
        assert [line for line in problems(release) if line.startswith("README.md") and message in line], message


# --- forged rows ----------------------------------------------------------------------------------


def swap(row: Row) -> None:
    row["entities"][0]["start"] += 1


def outside(row: Row) -> None:
    row["entities"][0]["end"] = 10_000


def relabel(row: Row) -> None:
    row["entities"][0]["label"] = "dragon"


def gold(row: Row) -> None:
    row["gold"][0]["text"] = "Nobody"


def evidence(row: Row) -> None:
    row["entities"][0]["cot_end"] = 10_000


def rewrite(row: Row) -> None:
    row["sentence"] = row["sentence"].replace("moved", "fled")


def lower(row: Row) -> None:
    row["score"] = row["judgement"]["score"] = 3.0


def disagree(row: Row) -> None:
    row["score"] = 9.9


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (swap, "sentence["),
        (outside, "has no place in the sentence"),
        (relabel, "'dragon' of entities is not in the schema"),
        (gold, "gold says 'Nobody'"),
        (evidence, "outside the trace"),
        (rewrite, "its guid is not that of its sentence"),
        (lower, "is kept at a threshold"),
        (disagree, "its judgement says"),
        (lambda row: row.update(guid="0" * 32), "not sorted by guid"),
        (lambda row: row.update(guid=row["guid"] + "-1"), "its guid is not that"),
        (lambda row: row.update(cot="I think so."), "none of its answers in the config raw"),
        (lambda row: row.update(judge=None), "judge is null"),
        (lambda row: row.update(schema_descriptions=["one"]), "1 schema_descriptions for 3 types"),
    ],
)
def test_a_forged_row_of_the_corpus_is_named(release: Path, change: Callable, message: str) -> None:
    guid = rows_of(release, "cot")[1]["guid"]
    forge(release, change, "cot")
    found = [line for line in problems(release) if message in line]
    assert found
    assert found[0].startswith("cot/train-00000-of-00001.parquet: row 2 (")
    assert guid in found[0] or "0" * 32 in found[0]


@pytest.mark.parametrize(
    ("config", "change", "message"),
    [
        ("raw", lambda row: row.update(request_key="0" * 64), "request_key is not that"),
        ("raw", lambda row: row.update(judge_key="0" * 64), "judge_key is not that"),
        ("raw", lambda row: row.update(attempt=None), "attempt is null"),
        ("dropped", lambda row: row.update(reason="boredom"), "boredom is no step and reason"),
        ("dropped", lambda row: row.update(step="publish"), "is no step and reason"),
        ("sft", lambda row: row["prompt"][0].update(content="Guess."), "not what the row of the config cot gives"),
        ("sft", lambda row: row["completion"].clear(), "not what the row of the config cot gives"),
    ],
)
def test_forged_rows_of_the_other_configs_are_named(release: Path, config: str, change: Callable, message: str) -> None:
    forge(release, change, config)
    assert [line for line in problems(release) if message in line and line.startswith(f"{config}/") and "row " in line]


def test_what_does_not_add_up_is_named(release: Path) -> None:
    manifest = read_manifest(release)
    steps = json.loads(json.dumps(manifest["steps"]))
    steps[1]["kept"] += 1
    for key, value, message in (
        ("steps", steps, "does not add up"),
        ("attempts", {"1": 7}, "attempts are"),
        ("scores", {"9": 7}, "scores are"),
        ("fingerprint", "0" * 64, "the fingerprint is"),
    ):
        reseal(release, **{**manifest, key: value})
        assert [line for line in problems(release) if line.startswith("manifest.json") and message in line], key


def test_rows_that_vanish_are_missed(release: Path) -> None:
    for config in ("cot", "dropped", "raw", "sft"):
        rows = rows_of(release, config)
        store(release, config, rows[:-1])
        reseal(release)
        assert [line for line in problems(release) if "in the manifest" in line and line.startswith(config)]
        files = read_manifest(release)["files"]
        for file in files:
            if file.get("config") == config:
                file["rows"] -= 1
        reseal(release, files=files)
        assert problems(release), config
        store(release, config, rows)
        for file in files:
            if file.get("config") == config:
                file["rows"] += 1
        reseal(release, files=files)
        assert problems(release) == ()


def test_of_many_problems_the_first_are_named_and_the_rest_counted(tmp_path: Path, server: FaultServer) -> None:
    build_corpus(tmp_path, [source_row(f"Mara{number} Kept") for number in range(40)], server)
    release = freeze("ner-cot", tmp_path / "build").folder
    unlocked(release)
    store(release, "cot", [{**row, "cot": "No."} for row in rows_of(release, "cot")])
    reseal(release)
    found = [line for line in problems(release) if line.startswith("cot/")]
    assert len(found) == 21
    assert "more problems" in found[-1]


def test_only_making_it_again_finds_a_consistent_forgery(release: Path) -> None:
    """Entities with other evidence: in every config, with all keys, counts and hashes as they should be."""

    def shift(row: Row) -> None:
        for entity in row["entities"]:
            entity["cot_start"], entity["cot_end"] = 0, 1

    rows = rows_of(release, "cot")
    forge(release, shift, "cot", "raw", fingerprint=fingerprint([row_hash(row) for row in rows]))
    assert problems(release) == ()
    found = problems(release, rebuild=True)
    assert [line for line in found if line.startswith("cot/") and rows[1]["guid"] in line and "entities" in line]


def test_a_forged_trace_does_not_survive_being_made_again(release: Path) -> None:
    def forged(row: Row) -> None:
        row["cot"] = row["cot"].replace("moved", "ran")

    forge(release, forged, "cot", "raw")
    rows, template = rows_of(release, "cot"), read_manifest(release)["prompts"]
    store(release, "sft", [sft_row(row, template) for row in rows])
    reseal(release, fingerprint=fingerprint([row_hash(row) for row in rows]))
    assert [line for line in problems(release) if "judge_key" in line]


# --- trace ----------------------------------------------------------------------------------------


def way(release: Path, name: str, dataset: str = "made") -> dict[str, Any]:
    return trace(release, content_guid(f"{name} moved to Oslo.", ["person", "location", "ship"], dataset))


def test_the_way_of_a_kept_row(original: Path, server: FaultServer) -> None:
    told = way(original, "Mara Kept")
    assert told["outcome"] == {"kept": True, "attempt": 1, "step": None, "reason": None, "detail": None}
    assert (told["source"]["dataset"], told["source"]["file"]) == ("made", "rows.jsonl")
    assert told["gold"][0]["text"] == "Mara Kept"
    (attempt,) = told["attempts"]
    assert attempt["verdict"]["valid"] is True
    assert attempt["reply"]["teacher"] == "m-2026"
    assert attempt["judgement"]["score"] == 9.5
    sent = [call.body for call in server.calls]
    assert attempt["request"]["body"] in sent
    assert attempt["judgement"]["request"]["body"] in sent
    assert json.loads(json.dumps(told)) == told


def test_the_way_of_a_row_that_took_two_attempts(original: Path) -> None:
    told = way(original, "Mara Second")
    assert [attempt["verdict"]["valid"] for attempt in told["attempts"]] == [False, True]
    assert told["attempts"][0]["verdict"]["violations"][0]["rule"] == "malformed"
    assert told["attempts"][0]["judgement"] is None
    assert told["outcome"]["attempt"] == 2


@pytest.mark.parametrize(
    ("name", "step", "reason", "attempts"),
    [
        ("Mara Refused", "annotate", "refused", 0),
        ("Mara Malformed", "validate", "malformed", 2),
        ("Mara Truncated", "validate", "truncated", 2),
        ("Mara Unscored", "score", "unscored", 1),
        ("Mara Below", "select", "below_threshold", 1),
    ],
)
def test_the_way_of_a_dropped_row(original: Path, name: str, step: str, reason: str, attempts: int) -> None:
    told = way(original, name)
    assert (told["outcome"]["step"], told["outcome"]["reason"]) == (step, reason)
    assert told["outcome"]["kept"] is False
    assert len(told["attempts"]) == attempts
    assert told["source"]["row"] > 0
    refused = [item["verdict"]["reason"] for item in told["attempts"]]
    assert refused == [reason if step == "validate" else None] * attempts


def test_the_way_of_a_row_that_cannot_be_read(original: Path) -> None:
    guid = next(row["guid"] for row in rows_of(original, "dropped") if row["reason"] == "unreadable")
    told = trace(original, guid)
    assert told["attempts"] == []
    assert told["source"]["input"]


def test_a_guid_that_is_nowhere(original: Path) -> None:
    with pytest.raises(InputError, match="no row has the guid"):
        trace(original, "0" * 32)
