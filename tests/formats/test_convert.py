"""Conversion: what a format can hold comes back, what it cannot is counted, nothing is overwritten."""

import gzip
import json
import os
from collections import Counter
from pathlib import Path

import pytest
from commands import run
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nercot.errors import InputError, OutputError, ShortfallError
from nercot.formats import FORMATS
from nercot.formats.convert import convert
from nercot.formats.sources import items, open_source

DATA = Path(os.environ.get("NERCOT_TEST_DATA", "/nonexistent"))
real = pytest.mark.skipif(not DATA.is_dir(), reason="NERCOT_TEST_DATA is not set")

CONLL = "Ada\tB-person\nLovelace\tI-person\nin\tO\nRome\tB-place\n\nno\tO\none\tO\n"


def write(folder, name, content):
    path = folder / name
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


def contents(path, form=None):
    """Sentence, types and entities of every record, in order."""
    found = []
    for item in items(open_source(str(path), form)):
        assert item.outcome.kept, item.outcome.detail
        record = item.outcome.record
        gold = tuple((e.text, e.label, e.start, e.end) for e in record.gold or ())
        found.append((record.sentence, frozenset(record.schema), gold))
    return found


def own(text, label, sentence):
    start = sentence.index(text)
    return {"text": text, "label": label, "start": start, "end": start + len(text)}


SENTENCE = "the Bank of England\nand 5mg"
RICH = {
    "guid": "g1",
    "dataset": "bank",
    "split": "test",
    "license": "mit",
    "sentence": SENTENCE,
    "schema": ["org", "loc", "none of it"],
    "schema_descriptions": ["an organization", "a place", "nothing"],
    "gold": [own("Bank of England", "org", SENTENCE), own("England", "loc", SENTENCE)],
    "cot": "A bank is an organization.",
    "entities": [
        {**own("Bank of England", "org", SENTENCE), "cot_start": 2, "cot_end": 26},
        {**own("mg", "org", SENTENCE), "cot_start": None, "cot_end": None},
    ],
}

# What each format loses of RICH: the trace, descriptions, gold beside the entities, and so on.
TOOL = {"cot": 1, "descriptions": 1, "gold": 1, "schema": 1}
LOST = {
    "nercot": {},
    "reasoningner": {"descriptions": 1, "gold": 1, "license": 1},
    "pile_ner": {"cot": 1, "descriptions": 1, "gold": 1, "license": 1},
    "gliner": {"cot": 1, "descriptions": 1, "gold": 1},
    "tokens": {"cot": 1, "descriptions": 1, "gold": 1},
    "instructuie": {"cot": 1, "descriptions": 1, "gold": 1, "license": 1},
    "conll": {"cot": 1, "descriptions": 1, "gold": 1, "license": 1, "source_id": 1, "white_space": 1, "schema": 1},
    "text": {"cot": 1, "descriptions": 1, "entities": 2, "license": 1},
    "brat": {"cot": 1, "descriptions": 1, "gold": 1, "license": 1},
    **{name: {**TOOL, "license": 1} for name in ("docbin", "bioc")},
    "pubtator": {**TOOL, "license": 1, "white_space": 1},
    **{name: {**TOOL, "license": 1, "source_id": 1} for name in ("spacy", "inception")},
    **dict.fromkeys(("doccano", "labelstudio", "labelstudio-pre", "prodigy"), TOOL),
    "spans": {"cot": 1, "descriptions": 1, "gold": 1},
    "types": {"cot": 1, "descriptions": 1, "gold": 1, "license": 1},
}
SUFFIX = {
    "conll": "out.conll",
    "instructuie": "out",
    "brat": "out",
    "docbin": "out.spacy",
    "bioc": "out.xml",
    "pubtator": "out.pubtator",
    "inception": "out.tsv",
}


@pytest.mark.parametrize("name", [name for name, form in FORMATS.items() if form.written])
def test_what_a_format_cannot_hold_is_counted(tmp_path, name):
    source = write(tmp_path, "in.json", [RICH])
    done = convert(str(source), tmp_path / SUFFIX.get(name, "out.jsonl"), to_format=name)
    assert (done.rows, done.kept, done.dropped) == (1, 1, {})
    assert done.lost == LOST[name]


def test_our_own_rows_come_back_with_trace_and_both_lists(tmp_path):
    convert(str(write(tmp_path, "in.json", [RICH])), tmp_path / "out.jsonl")
    row = json.loads((tmp_path / "out.jsonl").read_text())
    assert {key: row[key] for key in RICH if key != "guid"} == {
        key: value for key, value in RICH.items() if key != "guid"
    }
    assert row["source_id"] == "g1"


def test_datasets_infers_one_type_for_all_rows(tmp_path):
    plain = {**RICH, "cot": None, "entities": [own("mg", "org", SENTENCE)]}
    source = write(tmp_path, "in.json", [plain, RICH, {**plain, "entities": []}])
    for name in ("out.jsonl", "out.parquet"):
        convert(str(source), tmp_path / name)
    rows = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert {tuple(item) for row in rows for item in row["entities"]} == {
        ("text", "label", "start", "end", "cot_start", "cot_end")
    }
    assert {tuple(item) for row in rows for item in row["gold"]} == {("text", "label", "start", "end")}
    import pyarrow.parquet as pq

    assert pq.read_table(tmp_path / "out.parquet").to_pylist() == rows


OUTPUTS = [
    ("conll", "out.conll"),
    ("conll", "out.txt.gz"),
    ("conll", "out.tsv.zst"),
    ("instructuie", "out"),
    ("gliner", "out.json"),
    ("tokens", "out.jsonl"),
    ("tokens", "out.parquet"),
    ("nercot", "out.jsonl.gz"),
    ("nercot", "out.parquet"),
    ("pile_ner", "out.json"),
    ("pile_ner", "out.parquet"),
    ("reasoningner", "out.jsonl"),
    ("reasoningner", "out.parquet"),
]


@pytest.mark.parametrize(("name", "file"), OUTPUTS)
def test_every_format_holds_the_data_of_columns(tmp_path, name, file):
    source = write(tmp_path, "news.txt", CONLL)
    done = convert(str(source), tmp_path / file, to_format=name)
    assert (done.rows, done.kept, done.dropped, done.lost, done.findings) == (2, 2, {}, {}, {})
    assert contents(tmp_path / file, name if name == "reasoningner" else None) == contents(source)


@pytest.mark.parametrize(
    ("file", "form"), [("a.conll", "conll"), ("a.txt", "conll"), ("a.tsv.gz", "conll"), ("a.jsonl", "nercot")]
)
def test_the_name_says_the_format(tmp_path, file, form):
    convert(str(write(tmp_path, "news.txt", CONLL)), tmp_path / file)
    assert open_source(str(tmp_path / file)).format.name == form


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("conll", "a.json"),
        ("gliner", "a.parquet"),
        ("gliner", "a.txt"),
        (None, "a"),
        (None, "a.csv"),
        ("instructuie", "a.txt"),
    ],
)
def test_a_file_that_the_format_is_not_written_to_is_refused(tmp_path, name, file):
    with pytest.raises(OutputError, match="name one that ends in"):
        convert(str(write(tmp_path, "news.txt", CONLL)), tmp_path / file, to_format=name)
    assert [path.name for path in tmp_path.iterdir()] == ["news.txt"]


def test_packed_output_is_the_same_bytes_every_time(tmp_path):
    source = write(tmp_path, "news.txt", CONLL)
    for name in ("a.jsonl.gz", "b.jsonl.gz"):
        convert(str(source), tmp_path / name)
    assert (tmp_path / "a.jsonl.gz").read_bytes() == (tmp_path / "b.jsonl.gz").read_bytes()
    assert gzip.decompress((tmp_path / "a.jsonl.gz").read_bytes()).count(b"\n") == 2


def test_what_exists_is_not_overwritten_without_force(tmp_path):
    source = write(tmp_path, "news.txt", CONLL)
    target = write(tmp_path, "out.jsonl", "mine")
    with pytest.raises(OutputError, match="--force"):
        convert(str(source), target)
    assert target.read_text() == "mine"
    assert convert(str(source), target, force=True).kept == 2
    assert len(target.read_text().splitlines()) == 2


def test_a_file_can_be_converted_onto_itself(tmp_path):
    source = write(tmp_path, "news.txt", CONLL)
    before = contents(source)
    convert(str(source), source, force=True)
    assert contents(source) == before


def test_force_replaces_a_tree_but_no_other_folder(tmp_path):
    source = write(tmp_path, "news.txt", CONLL)
    tree = tmp_path / "tree"
    convert(str(source), tree, to_format="instructuie")
    with pytest.raises(OutputError, match="--force"):
        convert(str(source), tree, to_format="instructuie")
    assert convert(str(source), tree, to_format="instructuie", force=True).kept == 2
    assert sorted(path.name for path in (tree / "news").iterdir()) == ["labels.json", "train.json"]
    write(tree, "diary.txt", "dear diary")
    with pytest.raises(OutputError, match="does not replace"):
        convert(str(source), tree, to_format="instructuie", force=True)
    assert (tree / "diary.txt").read_text() == "dear diary"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["news.txt", "tree"]


@pytest.mark.parametrize(("name", "file"), [("nercot", "out.jsonl"), ("nercot", "out.parquet"), ("instructuie", "out")])
def test_without_a_usable_row_nothing_is_written(tmp_path, name, file):
    source = write(tmp_path, "bad.jsonl", '{"tokenized_text": [], "ner": []}\n')
    with pytest.raises(
        ShortfallError, match=r"1 read, 1 unreadable \(the first: bad.jsonl: row 1: tokenized_text is empty"
    ):
        convert(str(source), tmp_path / file, to_format=name)
    assert [path.name for path in tmp_path.iterdir()] == ["bad.jsonl"]


def test_an_error_in_the_middle_leaves_nothing(tmp_path):
    source = tmp_path / "cut.json"
    source.write_text(json.dumps([{"tokenized_text": ["a"], "ner": [[0, 0, "x"]]}] * 3)[:-5])
    with pytest.raises(InputError):
        convert(str(source), tmp_path / "out.jsonl", form="nercot")
    assert [path.name for path in tmp_path.iterdir()] == ["cut.json"]


def test_dropped_rows_are_counted_and_named(tmp_path):
    source = write(tmp_path, "news.txt", CONLL + "\nbroken\n\nEve\tB-person\n\nx\tB\n")
    done = convert(str(source), tmp_path / "out.jsonl")
    assert (done.rows, done.kept, done.dropped) == (5, 3, {"unreadable": 2})
    assert done.problems[0] == "news.txt: line 9: 1 column where the file has 2"
    assert len(done.problems) == 2
    with pytest.raises(InputError, match=r"news.txt: line 9"):
        convert(str(source), tmp_path / "strict.jsonl", strict=True)
    assert not (tmp_path / "strict.jsonl").exists()


def test_the_command_names_what_it_drops_and_strict_stops_there(tmp_path):
    write(tmp_path, "news.txt", "Ada\tB-person\nran\tO\n\nbad\tO\nalone\n")
    done = run(tmp_path, "convert", "news.txt", "--to", "a.jsonl")
    assert (done.code, "dropped: news.txt: line 5: 1 column where the file has 2" in done.out) == (0, True)
    strict = run(tmp_path, "convert", "news.txt", "--to", "b.jsonl", "--strict")
    assert (strict.code, strict.out) == (2, "")
    assert strict.err == "nercot: news.txt: line 5: 1 column where the file has 2\n"
    assert not (tmp_path / "b.jsonl").exists()


def test_ignored_labels_are_taken_out_and_counted(tmp_path):
    rows = [{"tokenized_text": ["a", "b"], "ner": [[0, 0, "MISC"], [1, 1, "x"], [0, 1, "misc"]], "id": 1}]
    done = convert(str(write(tmp_path, "g.json", rows)), tmp_path / "out.jsonl", ignore_labels=["Misc", "other"])
    row = json.loads((tmp_path / "out.jsonl").read_text())
    assert done.findings == {"ignored_label": 2}
    assert (row["schema"], [entity["label"] for entity in row["gold"]]) == (["x"], ["x"])


def test_descriptions_go_with_their_types(tmp_path):
    done = convert(str(write(tmp_path, "in.json", [RICH])), tmp_path / "out.jsonl", ignore_labels=["loc"])
    row = json.loads((tmp_path / "out.jsonl").read_text())
    assert row["schema_descriptions"] == ["an organization", "nothing"]
    assert done.findings == {"ignored_label": 1}


def test_a_split_can_be_chosen_by_any_of_its_names(tmp_path):
    folder = tmp_path / "news"
    folder.mkdir()
    write(folder, "train.txt", CONLL)
    write(folder, "dev.txt", "Eve\tB-person\nruns\tO\n")
    for name in ("dev", "validation"):
        assert convert(str(folder), tmp_path / "out.jsonl", split=name, force=True).kept == 1
    assert json.loads((tmp_path / "out.jsonl").read_text())["schema"] == ["person", "place"]
    with pytest.raises(ShortfallError):
        convert(str(folder), tmp_path / "none.jsonl", split="test")


def test_mixing_datasets_and_splits_in_columns_is_counted(tmp_path):
    for name in ("one", "two"):
        (tmp_path / "tree" / name).mkdir(parents=True)
        for split in ("train", "dev"):
            write(tmp_path / "tree" / name, f"{split}.txt", CONLL)
    assert convert(str(tmp_path / "tree"), tmp_path / "a.conll").lost == {"dataset": 8, "split": 8}
    assert convert(str(tmp_path / "tree"), tmp_path / "a.jsonl", to_format="tokens").lost == {}
    assert convert(str(tmp_path / "tree"), tmp_path / "b", to_format="instructuie").lost == {}


def test_plain_text_has_no_entities_to_lose(tmp_path):
    source = write(tmp_path, "plain.txt", "One sentence here.\nAnother one is there.\n")
    done = convert(str(source), tmp_path / "out.jsonl", schema=["person"])
    assert (done.kept, done.lost) == (2, {})
    assert json.loads((tmp_path / "out.jsonl").read_text().splitlines()[0])["gold"] is None
    assert convert(str(source), tmp_path / "out.conll", schema=["person"]).lost == {"unlabelled": 2, "schema": 2}


def test_only_the_sentences_are_written_to_a_text_file(tmp_path):
    done = convert(str(write(tmp_path, "news.txt", CONLL)), tmp_path / "out.txt", to_format="text")
    assert (tmp_path / "out.txt").read_text() == "Ada Lovelace in Rome\nno one\n"
    assert done.lost == {"entities": 2, "schema": 2}


@st.composite
def corpora(draw):
    """Rows of ours with any text, spans that overlap, and schemas of their own."""
    found = []
    for number in range(draw(st.integers(1, 3))):
        sentence = draw(st.text(st.characters(codec="utf-8"), min_size=1, max_size=30).filter(str.strip))
        places = st.integers(0, len(sentence))
        spans = {tuple(sorted(pair)) for pair in draw(st.lists(st.tuples(places, places), max_size=5))}
        gold = [
            {"text": sentence[a:b], "label": draw(st.sampled_from("xyz")), "start": a, "end": b}
            for a, b in sorted(spans)
            if sentence[a:b] and sentence[a:b] == sentence[a:b].strip()
        ]
        schema = draw(st.permutations("wxyz"))
        found.append({"sentence": sentence, "schema": schema, "gold": gold, "dataset": "d", "source_id": f"i{number}"})
    return found


@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(
    corpora(),
    st.sampled_from([("gliner", "o.json"), ("tokens", "o.parquet"), ("nercot", "o.parquet"), ("tokens", "o.jsonl")]),
)
def test_a_round_trip_through_a_format_that_holds_all_loses_nothing(tmp_path_factory, corpus, output):
    folder = tmp_path_factory.mktemp("trip")
    source = write(folder, "in.json", corpus)
    name, file = output
    assert convert(str(source), folder / file, to_format=name).lost == {}
    convert(str(folder / file), folder / "back.json")
    back = json.loads((folder / "back.json").read_text(encoding="utf-8"))
    keys = ("sentence", "schema", "dataset", "source_id")
    assert [{key: row[key] for key in keys} for row in back] == [{key: row[key] for key in keys} for row in corpus]
    for row, before in zip(back, corpus, strict=True):
        assert sorted(row["gold"], key=str) == sorted(before["gold"], key=str)


ODD_LABELS = {"w": "person: a human being", "x": "in the text", "y": "B-x, y", "z": "a type of so many words."}


@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(
    corpora(),
    st.booleans(),
    st.sampled_from([("pile_ner", "o.json"), ("instructuie", "tree"), ("reasoningner", "o.parquet")]),
)
def test_what_is_not_counted_as_lost_comes_back(tmp_path_factory, corpus, odd, output):
    folder = tmp_path_factory.mktemp("trip")
    for row in corpus if odd else ():
        row["schema"] = [ODD_LABELS[label] for label in row["schema"]]
        row["gold"] = [{**item, "label": ODD_LABELS[item["label"]]} for item in row["gold"]]
    source = write(folder, "in.json", corpus)
    name, file = output
    lost = convert(str(source), folder / file, to_format=name).lost
    assert lost.keys() <= {"offsets", "label", "white_space"}
    assert (lost.get("label", 0) > 0) == (odd and name == "pile_ner")
    before, after = contents(source), contents(folder / file)
    assert [row[0] for row in after] == [row[0] for row in before]
    if "label" not in lost:
        assert [row[1] for row in after] == [row[1] for row in before]
        moved = sum((Counter(a[2]) - Counter(b[2])).total() for a, b in zip(before, after, strict=True))
        assert moved <= lost.get("offsets", 0)


@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(corpora())
def test_columns_give_back_what_is_not_counted_as_lost(tmp_path_factory, corpus):
    folder = tmp_path_factory.mktemp("trip")
    anchor = {"sentence": "an anchor of four", "schema": ["x"], "gold": [own("anchor", "x", "an anchor of four")]}
    source = write(folder, "in.json", [anchor] * 15 + corpus)
    done = convert(str(source), folder / "out.conll")
    before, after = contents(source)[15:], contents(folder / "out.conll")[15:]
    same = sum(a[0] == b[0] and a[2] == b[2] for a, b in zip(before, after, strict=True))
    changed = sum(done.lost.get(kind, 0) for kind in ("overlapping", "retokenised", "white_space"))
    assert len(before) - same <= changed
    assert changed or same == len(before)


REAL = [
    "crossner/literature",
    "broad_twitter/e.conll",
    "gliner/sample_data.json",
    "instructuie_layout/NER/bc5cdr",
    "pile_ner/pile_ner_type_reserialised.json",
]


@real
@pytest.mark.parametrize("name", REAL)
def test_real_files_make_the_round_trip(tmp_path, name):
    source = DATA / name
    before = contents(source)
    for form, file in (("gliner", "g.jsonl"), ("tokens", "t.parquet"), ("nercot", "n.jsonl.zst")):
        done = convert(str(source), tmp_path / file, to_format=form)
        assert (done.lost, done.dropped) == ({}, {})
        assert contents(tmp_path / file) == before


@real
@pytest.mark.parametrize("name", ["crossner/ai", "instructuie_layout/NER"])
def test_real_datasets_make_the_round_trip_through_a_tree(tmp_path, name):
    done = convert(str(DATA / name), tmp_path / "tree", to_format="instructuie")
    assert done.lost == ({"license": done.kept} if name == "crossner/ai" else {})
    assert Counter(contents(tmp_path / "tree")) == Counter(contents(DATA / name))


@real
@pytest.mark.parametrize(
    "name", ["crossner/ai/train.txt", "broad_twitter/g.conll", "bio/NCBI-disease-IOB/devel.tsv.gz"]
)
def test_real_columns_make_the_round_trip_through_our_own(tmp_path, name):
    # The licence of CrossNER AI hangs on the folders that the new file is not in.
    lost = convert(str(DATA / name), tmp_path / "out.tsv.gz").lost
    assert lost.keys() == ({"license"} if "crossner" in name else set())
    assert contents(tmp_path / "out.tsv.gz") == contents(DATA / name)


@real
def test_nested_real_rows_lose_in_columns_what_is_counted(tmp_path):
    source = DATA / "gliner" / "sample_data.json"
    done = convert(str(source), tmp_path / "out.conll")
    kept = sum(len(gold) for _, _, gold in contents(tmp_path / "out.conll"))
    assert kept + done.lost["overlapping"] == 236
    assert [row[0] for row in contents(tmp_path / "out.conll")] == [row[0] for row in contents(source)]
