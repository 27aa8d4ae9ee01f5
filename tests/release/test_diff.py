"""The merge against a comparison by dictionaries, and differences of real corpora on disk and on a Hub."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from answered_corpus import build_corpus, script, source_row, source_rows
from fault_server import FaultServer
from hub_server import HubServer
from hypothesis import given, settings
from hypothesis import strategies as st

from nercot.corpus.tables import ENTITY
from nercot.errors import InputError
from nercot.release import diff as module
from nercot.release.diff import DATA_SPLIT, Diff, compare, diff
from nercot.release.publish import publish
from nercot.release.release import freeze
from nercot.release.verify import verify

Row = dict[str, Any]
COLUMNS = pa.schema({"guid": pa.string(), "cot": pa.string(), "entities": pa.list_(ENTITY), "score": pa.float64()})

guids = st.integers(0, 40).map(lambda number: f"{number:03d}")
labels = st.sampled_from(["person", "city"])
entity = st.builds(
    lambda label, start: {"text": "x", "label": label, "start": start}, labels, st.none() | st.integers(0, 3)
)
cells = st.tuples(
    st.none() | st.text("ab", max_size=2), st.none() | st.lists(entity, max_size=2), st.sampled_from([1.0, 2.0])
)
corpora = st.dictionaries(guids, cells, max_size=30)
# Where a corpus is cut into files, and into row groups within.
cuts = st.lists(st.integers(0, 30), max_size=4)


def write(folder: Path, rows: Sequence[Row], at: Sequence[int], schema: pa.Schema = COLUMNS) -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    bounds = [0, *sorted(at), len(rows)]
    paths = []
    for number, (start, end) in enumerate(pairwise(bounds)):
        part = rows[start:end]
        if part:
            paths.append(folder / f"{number}.parquet")
            pq.write_table(pa.Table.from_pylist(list(part), schema=schema), paths[-1], row_group_size=3)
    return paths


def as_rows(corpus: dict[str, tuple]) -> list[Row]:
    names = COLUMNS.names[1:]
    return [{"guid": guid, **dict(zip(names, corpus[guid], strict=True))} for guid in sorted(corpus)]


def mentions(corpus: dict[str, tuple]) -> Counter[str]:
    return Counter(item["label"] for _, entities, _ in corpus.values() for item in entities or ())


@settings(max_examples=150, deadline=None)
@given(corpora, corpora, cuts, cuts, st.integers(1, 7), st.booleans())
def test_the_merge_is_what_dictionaries_say(tmp_path_factory, one, other, cuts_one, cuts_other, rows, split) -> None:
    folder = tmp_path_factory.mktemp("d")
    left = write(folder / "a", as_rows(one), cuts_one)
    right = write(folder / "b", as_rows(other), cuts_other)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_ROWS", rows)  # small windows, so that few rows have many
        found = compare({"train": left}, {"train": right})
        if split:  # every second row in another split
            halves = {"train": as_rows(other)[0::2], "test": as_rows(other)[1::2]}
            parts = {name: write(folder / name, half, cuts_other) for name, half in halves.items()}
            moved = {row["guid"] for row in halves["test"]} & one.keys()
            found_split = compare({"train": left}, parts)
            assert {guid for guid, columns in found_split.changed.items() if DATA_SPLIT in columns} == moved
            assert rest(found_split) == rest(found)
    assert found.rows == (len(one), len(other))
    assert found.added == sorted(other.keys() - one.keys())
    assert found.removed == sorted(one.keys() - other.keys())
    names = COLUMNS.names[1:]
    changed = {
        guid: tuple(name for place, name in enumerate(names) if one[guid][place] != other[guid][place])
        for guid in sorted(one.keys() & other.keys())
        if one[guid] != other[guid]
    }
    assert {guid: tuple(sorted(columns)) for guid, columns in found.changed.items()} == {
        guid: tuple(sorted(columns)) for guid, columns in changed.items()
    }
    before, after = mentions(one), mentions(other)
    assert found.types == {label: (before[label], after[label]) for label in before.keys() | after.keys()}
    assert found.differs == (as_rows(one) != as_rows(other))


def rest(found: Diff) -> dict[str, Any]:
    """Everything but what speaks of splits."""
    changed = {guid: sorted(set(columns) - {DATA_SPLIT}) for guid, columns in found.changed.items()}
    return {**found.as_json(), "changed": {guid: columns for guid, columns in changed.items() if columns}}


def test_columns_that_only_one_side_has_are_named_and_not_compared(tmp_path: Path) -> None:
    rows = [{"guid": "a", "cot": "x", "score": 1.0}]
    more = pa.schema({"guid": pa.string(), "cot": pa.string(), "score": pa.string(), "drift": pa.string()})
    left = write(tmp_path / "a", rows, [])
    right = write(tmp_path / "b", [{"guid": "a", "cot": "y", "score": "1.0", "drift": "same"}], [], more)
    found = compare({"train": left}, {"train": right})
    assert found.columns == {"entities": "removed", "drift": "added", "score": "retyped"}
    assert found.changed == {"a": ("cot",)}


def test_attempts_are_rows_of_their_own(tmp_path: Path) -> None:
    schema = pa.schema({"guid": pa.string(), "attempt": pa.int32(), "cot": pa.string()})
    one = [{"guid": "a", "attempt": 1, "cot": "x"}, {"guid": "a", "attempt": 2, "cot": "y"}]
    other = [{"guid": "a", "attempt": 2, "cot": "z"}, {"guid": "a", "attempt": 3, "cot": "y"}]
    left, right = (write(tmp_path / name, rows, [], schema) for name, rows in (("a", one), ("b", other)))
    found = compare({"train": left}, {"train": right})
    assert (found.added, found.removed, found.changed) == (["a"], ["a"], {"a": ("cot",)})


@pytest.mark.parametrize(
    ("rows", "schema", "message"),
    [
        ([{"guid": "b"}, {"guid": "a"}], pa.schema({"guid": pa.string()}), "not sorted by guid"),
        ([{"guid": None}], pa.schema({"guid": pa.string()}), "without guid"),
        ([{"id": "a"}], pa.schema({"id": pa.string()}), "no column guid"),
        ([{"guid": "a", "attempt": 1}], pa.schema({"guid": pa.string(), "attempt": pa.int32()}), "same one"),
    ],
)
def test_what_cannot_be_compared_is_refused(tmp_path: Path, rows: list[Row], schema: pa.Schema, message: str) -> None:
    good = write(tmp_path / "good", [{"guid": "a"}], [])
    with pytest.raises(InputError, match=message):
        compare({"train": good}, {"train": write(tmp_path / "bad", rows, [], schema)})


def test_files_that_are_not_there_or_no_parquet(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nowhere"):
        diff(str(tmp_path / "nowhere"), str(tmp_path / "nowhere"))
    (tmp_path / "rows.jsonl").write_text(json.dumps(source_row("Ada")) + "\n")
    with pytest.raises(InputError, match=r"rows\.jsonl: not a readable Parquet"):
        diff(str(tmp_path / "rows.jsonl"), str(tmp_path / "rows.jsonl"))


# --- real corpora ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def server() -> Iterator[FaultServer]:
    with FaultServer(script) as server:
        yield server


@pytest.fixture(scope="module")
def releases(tmp_path_factory: pytest.TempPathFactory, server: FaultServer) -> Path:
    """Two releases: the second has a row more, one less, and one with another licence."""
    folder = tmp_path_factory.mktemp("built")
    rows = source_rows(("Mara", "Ines"))
    build_corpus(folder, rows, server)
    freeze("ner-cot", folder / "build")
    changed = [{**row, "license": "cc0-1.0"} if "Ines Kept" in str(row) else row for row in rows]
    build_corpus(folder, [*[row for row in changed if "Mara Kept" not in str(row)], source_row("Nora Kept")], server)
    freeze("ner-cot", folder / "build")
    return folder / "releases/ner-cot"


def guid_of(release: Path, name: str) -> str:
    rows = pq.read_table(release / "cot").to_pylist()
    return next(row["guid"] for row in rows if row["sentence"].startswith(name))


def test_two_releases(releases: Path) -> None:
    old, new = releases / "1.0.0", releases / "1.1.0"
    found = diff(str(old), str(new)).as_json()
    assert found["added"] == {"count": 1, "guids": [guid_of(new, "Nora Kept")]}
    assert found["removed"] == {"count": 1, "guids": [guid_of(old, "Mara Kept")]}
    changed = [guid_of(new, "Ines Kept")]
    assert found["changed"] == {"count": 1, "guids": changed, "columns": {"license": 1}}
    assert found["types"] == {}
    assert found["steps"] == {}
    assert json.loads(json.dumps(found)) == found


def test_steps_and_types_that_differ(releases: Path, tmp_path: Path, server: FaultServer) -> None:
    build_corpus(tmp_path, source_rows(("Mara",)), server)
    found = diff(str(releases / "1.0.0"), str(tmp_path / "build/ner-cot/candidate"))
    said = found.as_json()
    assert said["steps"]["source"]["a"]["in"] > said["steps"]["source"]["b"]["in"] > 0
    assert said["types"]["person"]["a"] > said["types"]["person"]["b"] > 0
    assert found.differs


def test_the_same_corpus_does_not_differ(releases: Path) -> None:
    for config in ("", ":raw", ":dropped", ":sft"):
        found = diff(f"{releases / '1.0.0'}{config}", f"{releases / '1.0.0'}{config}")
        assert not found.differs
        assert found.rows[0] == found.rows[1] > 0


@pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")
def test_revisions_of_a_hub_dataset(releases: Path, hub: HubServer) -> None:
    for version in ("1.0.0", "1.1.0"):
        publish(releases / version, "org/made", verify=lambda folder: verify(folder).problems)
    found, here = diff("org/made@v1.0.0", "org/made@v1.1.0"), diff(str(releases / "1.0.0"), str(releases / "1.1.0"))
    assert {**found.as_json(), "a": "", "b": ""} == {**here.as_json(), "a": "", "b": ""}
    assert diff("org/made@v1.0.0:raw", str(releases / "1.0.0") + ":raw").differs is False


def test_a_damaged_file_is_named(releases: Path, tmp_path: Path) -> None:
    shutil.copytree(releases / "1.0.0", tmp_path / "r")
    path = tmp_path / "r/cot/train-00000-of-00001.parquet"
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(InputError, match="train-00000-of-00001"):
        diff(str(tmp_path / "r"), str(releases / "1.1.0"))
