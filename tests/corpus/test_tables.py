import json
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nercot.corpus.records import Answer, Entity, Judgement, Record
from nercot.corpus.tables import (
    COLUMNS,
    GROUP_ROWS,
    answer_row,
    declared,
    entity_rows,
    judgement_row,
    meta_of,
    read_rows,
    record_row,
    replacing,
    table,
    to_record,
    write_text,
)
from nercot.errors import InputError, OutputError

texts = st.text(st.characters(exclude_categories=["Cs"]))
entities = st.builds(
    Entity, texts, texts, st.none() | st.integers(0, 99), st.none() | st.integers(0, 99), st.none() | st.just("exact")
)
records = st.builds(
    Record,
    guid=st.uuids().map(str),
    dataset=texts,
    sentence=texts.filter(bool),
    schema=st.lists(texts, max_size=4).map(tuple),
    schema_descriptions=st.none() | st.lists(texts, max_size=3).map(tuple),
    gold=st.none() | st.lists(entities, max_size=3).map(tuple),
    source_id=st.none() | texts,
    split=st.none() | texts,
    license=texts,
    cot=st.none() | texts,
    entities=st.none() | st.lists(entities, max_size=3).map(tuple),
)


@settings(max_examples=50)
@given(st.lists(records, max_size=5))
def test_records_survive_parquet(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("t") / "x.parquet"
    answer = Answer("m", "text", "why", 2, "key", "stop", 3, 4)
    verdict = Judgement(1.0, 2.0, 3.0, 4.0, 5.0, 1.0, "because", "j", "jk")
    with table(path, "raw") as out:
        for record in rows:
            out.add(
                {
                    **record_row(record),
                    "cot": record.cot,
                    "entities": entity_rows(record.entities),
                    **answer_row(answer),
                    **judgement_row(verdict),
                }
            )
    found = [to_record(row) for row in read_rows(path)] if path.exists() else []
    expected = [
        Record(**{**{name: getattr(record, name) for name in Record.__slots__}, "answer": answer, "judgement": verdict})
        for record in rows
    ]
    assert found == expected


def test_empty_lists_are_empty_lists_and_types_are_explicit(tmp_path):
    from datasets import Dataset

    path = tmp_path / "x.parquet"
    with table(path, "cot") as out:
        out.add({**record_row(Record("g", "d", "s", (), gold=())), "entities": []})
    row = Dataset.from_parquet(str(path), cache_dir=str(tmp_path / "cache"))[0]
    assert row["entities"] == []
    assert row["schema"] == []
    assert row["gold"] == []
    assert row["schema_descriptions"] is None


@pytest.mark.parametrize("config", COLUMNS)
def test_columns_are_declared_as_the_datasets_library_declares_them(config):
    from datasets import Features

    assert declared(COLUMNS[config]) == Features.from_arrow_schema(COLUMNS[config])._to_yaml_list()


def test_what_arrow_is_kept_from_importing_can_still_be_had():
    program = """
import sys
from nercot.corpus.tables import own_process
own_process()
import pyarrow as pa
table = pa.table({"a": [1, None]})
assert "pandas" not in sys.modules
assert list(table.to_pandas()["a"].isna()) == [False, True]
"""
    subprocess.run([sys.executable, "-c", program], check=True)


def test_what_is_written_has_the_columns_of_the_table(tmp_path):
    path = tmp_path / "x.parquet"
    with table(path, "dropped") as out:
        out.add({"guid": "g"})
    assert pq.read_schema(path).equals(COLUMNS["dropped"])


def test_the_same_rows_are_the_same_bytes(tmp_path):
    for name in "ab":
        with table(tmp_path / name, "cot", lambda: {"key": 1}) as out:
            for number in range(GROUP_ROWS * 2 + 1):
                out.add({**record_row(Record(f"{number:05}", "d", "s", ("t",))), "entities": []})
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert meta_of(tmp_path / "a") == {"key": 1}
    assert sum(1 for _ in read_rows(tmp_path / "a")) == GROUP_ROWS * 2 + 1


def test_an_error_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "x.parquet"
    with table(path, "cot", dict) as out:
        out.add({"guid": "old"})
    with pytest.raises(ZeroDivisionError), table(path, "cot", dict) as out:
        out.add({"guid": "new" * (1 // 0)})
    assert [row["guid"] for row in read_rows(path)] == ["old"]
    assert [entry.name for entry in tmp_path.iterdir()] == ["x.parquet"]


def test_a_killed_writer_leaves_no_half_file(tmp_path):
    code = (
        "import os, signal, sys; from pathlib import Path; from nercot.corpus.tables import table\n"
        "with table(Path(sys.argv[1]), 'cot', dict) as out:\n"
        "    for n in range(5000): out.add({'guid': str(n), 'sentence': 'x' * 500})\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    path = tmp_path / "x.parquet"
    assert subprocess.run([sys.executable, "-c", code, str(path)]).returncode == -9
    assert not path.exists()


def test_a_damaged_file_is_said_so(tmp_path):
    path = tmp_path / "x.parquet"
    with table(path, "cot", dict) as out:
        out.add({"guid": "g"})
    path.write_bytes(path.read_bytes()[:-20])
    assert meta_of(path) is None
    with pytest.raises(InputError, match="damaged"):
        list(read_rows(path))


def test_a_table_without_rows_or_meta_is_no_file(tmp_path):
    path = tmp_path / "x.parquet"
    with table(path, "dropped") as out:
        out.add({"guid": "g"})
    with table(path, "dropped"):
        pass
    assert not path.exists()


def test_a_place_that_cannot_be_written_is_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot be written"), replacing(tmp_path / "file" / "x"):
        pass


def test_a_full_disk_is_one_line():
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    from nercot.corpus.tables import writing

    with pytest.raises(OutputError, match="disk is full"), writing(Path("x")), open("/dev/full", "w") as handle:
        handle.write("x" * 100_000)


def test_metadata_of_a_foreign_file_is_none(tmp_path):
    path = tmp_path / "x.parquet"
    pq.write_table(pa.table({"a": [1]}), path)
    assert meta_of(path) is None
    write_text(tmp_path / "y.parquet", json.dumps({}))
    assert meta_of(tmp_path / "y.parquet") is None


def test_a_table_that_is_given_up_on_a_full_disk_says_nothing(tmp_path):
    """Its writer finishes the file when it is thrown away, and complains if it cannot; a limit stands for the disk."""
    code = (
        "import resource\n"
        "from pathlib import Path\n"
        "from nercot.corpus.tables import COLUMNS, Table\n"
        "out = Table(Path('x.parquet'), COLUMNS['sft'])\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (10, 10))\n"
        "out.add({'guid': 'g'})\n"
        "del out\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")
