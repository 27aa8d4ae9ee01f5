import json
import random

import pytest

from nercot.corpus.records import content_guid
from nercot.corpus.tables import read_rows
from nercot.corpus.work import Work, quiet
from nercot.errors import InputError, RecipeError, ShortfallError
from nercot.formats.sources import open_source, reading
from nercot.steps.ingest import ingest, partition_names


def run(tmp_path, rows, digits=1, limit=None, strict=False, name="rows.jsonl"):
    path = tmp_path / name
    path.write_text("".join(row if isinstance(row, str) else json.dumps(row) + "\n" for row in rows))
    work = Work(tmp_path / "work")
    return work, ingest(work, open_source(str(path)), digits, limit, strict, quiet)


def all_rows(work, parts):
    return [row for part in sorted(parts) for row in work.source(part)]


def sample(number, **more):
    return {"sentence": f"Row {number} of Ada.", "schema": ["person"], "entities": [], "dataset": "d", **more}


def test_rows_are_sorted_by_guid_over_all_partitions(tmp_path):
    work, done = run(tmp_path, [sample(number) for number in range(300)])
    guids = [row["guid"] for row in all_rows(work, done.partitions)]
    assert guids == sorted(guids)
    assert len(guids) == done.kept == done.rows == 300
    for part in done.partitions:
        assert all(row["guid"].startswith(part) for row in work.source(part))


def test_two_digits_make_256_partitions(tmp_path):
    work, done = run(tmp_path, [sample(number) for number in range(20)], digits=2)
    assert sorted(done.partitions) == partition_names(2)
    assert len(all_rows(work, done.partitions)) == 20


def test_equal_records_get_ordinals_whatever_the_order_of_rows(tmp_path):
    gold = [{"text": "Ada", "label": "person", "start": 9, "end": 12}]
    rows = [sample(1, split="b", source_id="3"), sample(1, source_id="1"), sample(1, entities=gold, source_id="4")]
    rows += [sample(1, split="a", source_id="2")]
    results = []
    for seed in range(3):
        random.Random(seed).shuffle(rows)
        folder = tmp_path / str(seed)
        folder.mkdir()
        work, done = run(folder, rows)
        results.append([(row["guid"], row["source_id"]) for row in all_rows(work, done.partitions)])
    base = content_guid("Row 1 of Ada.", ["person"], "d")
    assert results[0] == [(base, "1"), (f"{base}-2", "2"), (f"{base}-3", "3"), (f"{base}-4", "4")]
    assert results[0] == results[1] == results[2]


def test_unreadable_rows_are_dropped_with_their_place_and_their_start(tmp_path):
    work, done = run(tmp_path, [sample(1), "{broken " + "x" * 5000 + "\n", "{broken\n", "{broken\n"])
    assert (done.rows, done.kept, dict(done.dropped)) == (4, 1, {"unreadable": 3})
    dropped = [row for part in done.partitions for row in work.drops(part, ("source",), 1)]
    assert {(row["step"], row["reason"], row["source_file"]) for row in dropped} == {
        ("source", "unreadable", "rows.jsonl")
    }
    assert sorted(row["source_row"] for row in dropped) == [2, 3, 4]
    assert max(len(row["input"]) for row in dropped) == 2000
    assert len({row["guid"] for row in dropped}) == 3
    assert all(row["schema"] == [] and row["sentence"] is None for row in dropped)


def test_strict_stops_at_the_first_bad_row(tmp_path):
    with pytest.raises(InputError, match=r"rows\.jsonl: row 2"):
        run(tmp_path, [sample(1), "{broken\n"], strict=True)


def test_no_usable_row_is_a_shortfall(tmp_path):
    with pytest.raises(ShortfallError, match="no usable row among 2"):
        run(tmp_path, [sample(1, sentence=""), "{broken\n"], strict=False)


def test_a_limit_takes_the_first_rows_and_says_so(tmp_path):
    work, done = run(tmp_path, [sample(number) for number in range(10)], limit=3)
    assert (done.rows, done.partial) == (3, True)
    assert {row["source_row"] for row in all_rows(work, done.partitions)} == {1, 2, 3}
    _, done = run(tmp_path, [sample(number) for number in range(10)], limit=10)
    assert (done.rows, done.partial) == (10, False)


def test_one_more_row_changes_one_partition(tmp_path):
    _, before = run(tmp_path, [sample(number) for number in range(200)])
    _, after = run(tmp_path, [sample(number) for number in range(201)])
    changed = [part for part in before.partitions if before.partitions[part] != after.partitions[part]]
    assert len(changed) == 1


def test_nothing_is_read_again_when_nothing_changed(tmp_path):
    work, first = run(tmp_path, [sample(number) for number in range(5)])
    stamps = {path: path.stat().st_mtime_ns for path in work.root.rglob("*") if path.is_file()}
    _, second = run(tmp_path, [sample(number) for number in range(5)])
    assert second == first
    assert stamps == {path: path.stat().st_mtime_ns for path in work.root.rglob("*") if path.is_file()}


def test_rows_may_hold_anything(tmp_path):
    odd = "</think> {{SCHEMA}} {% for %} ```json --- <script> \u0000 \u2028 İß 👩‍👩‍👧"
    work, done = run(tmp_path, [sample(1, sentence=odd, schema=[odd], entities=[{"text": "İß", "label": odd}])])
    (row,) = all_rows(work, done.partitions)
    assert row["sentence"] == odd
    assert row["schema"] == [odd]
    assert row["gold"][0]["text"] == "İß"


def test_more_rows_than_the_spool_holds(tmp_path, monkeypatch):
    monkeypatch.setattr("nercot.steps.ingest._SPOOL_ROWS", 7)
    work, done = run(tmp_path, [sample(number) for number in range(100)])
    assert len(all_rows(work, done.partitions)) == 100
    assert not (work.root / ".spool").exists()
    assert list(read_rows(work.file("1-source", "0"))) == list(work.source("0"))


def test_a_source_that_grows_by_types_says_which_built_rows_it_would_rename(tmp_path):
    path = tmp_path / "mine.tsv"
    path.write_text("Ada\tB-person\nran\tO\n\nso\tO\ndid\tO\n")
    work = Work(tmp_path / "w")
    ingest(work, open_source(str(path)), 1, None, False, quiet)
    path.write_text(path.read_text() + "\nRome\tB-place\nfell\tO\n")
    assert ingest(Work(tmp_path / "fresh"), open_source(str(path)), 1, None, False, quiet).kept == 3
    (work.root / "2-raw").mkdir()
    (work.root / "2-raw" / "0-1.parquet").touch()
    with pytest.raises(InputError, match=r"new types \(place\), so 2 rows .* say --schema person,place"):
        ingest(work, open_source(str(path)), 1, None, False, quiet)
    stated = open_source(str(path), options=reading(["person", "place"]))
    assert ingest(work, stated, 1, None, False, quiet).kept == 3


def test_what_was_built_in_some_partitions_does_not_go_on_in_others(tmp_path):
    run(tmp_path, [sample(1)])
    with pytest.raises(RecipeError, match=r"16 partitions: set partition.digits = 1 again"):
        run(tmp_path, [sample(1)], digits=2)
