import json

import pytest

from nercot.corpus.recipe_source import SourceSpec
from nercot.corpus.records import content_guid
from nercot.errors import InputError
from nercot.formats.notices import say
from nercot.formats.relabel import Relabel
from nercot.formats.rows import ReadOptions
from nercot.formats.sources import find_files, items, open_source, options_of


def write(path, *rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def row(sentence="Ada met Bo.", schema=("person", "city"), **more):
    return {"sentence": sentence, "schema": list(schema), **more}


def only(path, **options):
    (item,) = items(open_source(str(path), **options))
    return item


def test_a_row_becomes_a_record_with_grounded_gold(tmp_path):
    path = write(tmp_path / "x.jsonl", row(dataset="d", guid=5, entities=[{"text": "Bo", "label": "Person"}]))
    item = only(path, license="mit")
    record = item.outcome.record
    assert record.guid == content_guid("Ada met Bo.", ["person", "city"], "d")
    assert (record.source_id, record.license, record.dataset) == ("5", "mit", "d")
    (entity,) = record.gold
    assert (entity.text, entity.label, entity.start, entity.end, entity.match) == ("Bo", "person", 8, 10, "exact")


def test_gold_that_is_not_there_is_left_out_and_counted(tmp_path):
    entities = [
        {"text": "Ada", "label": "person", "start": 4, "end": 7},
        {"text": "Zoe", "label": "person"},
        {"text": "Bo", "label": "person"},
        {"text": "Bo", "label": "person"},
        {"text": "Bo", "label": "planet"},
    ]
    item = only(write(tmp_path / "x.jsonl", row(entities=entities)))
    assert [(entity.text, entity.start) for entity in item.outcome.record.gold] == [("Ada", 0), ("Bo", 8)]
    assert sorted(item.findings) == ["absent", "located", "regrounded", "repeated", "type_not_in_schema"]


def test_a_row_without_entities_has_no_gold_and_one_with_none_has_empty_gold(tmp_path):
    first, second = items(open_source(str(write(tmp_path / "x.jsonl", row(), row(entities=[])))))
    assert first.outcome.record.gold is None
    assert second.outcome.record.gold == ()


def test_gold_wins_over_entities(tmp_path):
    both = row(gold=[{"text": "Ada", "label": "person"}], entities=[{"text": "Bo", "label": "person"}], cot="Bo.")
    assert [entity.text for entity in only(write(tmp_path / "x.jsonl", both)).outcome.record.gold] == ["Ada"]


def test_a_row_without_any_types_is_unreadable(tmp_path):
    item = only(write(tmp_path / "x.jsonl", {"sentence": "Ada.", "cot": "x"}))
    assert item.outcome.reason == "unreadable"
    assert "schema" in item.outcome.detail


def test_a_schema_given_by_the_user_serves_rows_without_one(tmp_path):
    item = only(write(tmp_path / "x.jsonl", {"sentence": "Ada.", "cot": "x"}), options=ReadOptions(schema=("person",)))
    assert item.outcome.record.schema == ("person",)


def test_a_folder_is_all_its_data_files(tmp_path):
    write(tmp_path / "train.jsonl", row("a b"))
    write(tmp_path / "dev.jsonl", row("c d"))
    (tmp_path / "notes.md").write_text("no data")
    (tmp_path / ".cache").mkdir()
    write(tmp_path / ".cache" / "train.jsonl", row("e f"))
    found = list(items(open_source(str(tmp_path))))
    assert [(item.file, item.outcome.record.split) for item in found] == [
        ("dev.jsonl", "validation"),
        ("train.jsonl", "train"),
    ]
    assert len(list(items(open_source(str(tmp_path), split="train")))) == 1


def test_folders_of_tools_are_no_part_of_a_tree(tmp_path):
    for folder in ("a", ".git", "a/.ipynb_checkpoints", "__MACOSX/a"):
        write(tmp_path / folder / "train.jsonl", row("a b"))
    assert [file.name for file in find_files(str(tmp_path))] == ["a/train.jsonl"]


def test_files_and_datasets_of_a_folder_that_hold_nothing_are_named(tmp_path):
    write(tmp_path / "a" / "train.jsonl", row("a b"))
    for empty in ("a/dev.jsonl", "b/train.jsonl"):
        (tmp_path / empty).parent.mkdir(exist_ok=True)
        (tmp_path / empty).write_text("")
    with pytest.raises(InputError, match=r"a/dev\.jsonl, .*b/train\.jsonl: empty"):
        find_files(str(tmp_path))
    (tmp_path / "a" / "dev.jsonl").unlink()
    (tmp_path / "b" / "train.jsonl").rename(tmp_path / "b" / "labels.json")
    with pytest.raises(InputError, match=r"/b: labels\.json without a data file"):
        find_files(str(tmp_path))


def test_a_corpus_folder_is_its_default_config(tmp_path):
    write(tmp_path / "cot" / "train.jsonl", row("a b"))
    write(tmp_path / "raw" / "train.jsonl", row("c d"), row("e f"))
    (tmp_path / "README.md").write_text(
        "---\nconfigs:\n- config_name: raw\n  data_files: raw/*.jsonl\n"
        "- config_name: cot\n  default: true\n  data_files:\n  - split: train\n    path: cot/train*.jsonl\n---\n# x\n"
    )
    assert [file.name for file in find_files(str(tmp_path))] == ["cot/train.jsonl"]
    assert [file.name for file in find_files(f"{tmp_path}:raw")] == ["raw/train.jsonl"]
    with pytest.raises(InputError, match="no config 'sft'; there are raw, cot"):
        find_files(f"{tmp_path}:sft")


@pytest.mark.parametrize("where", ["missing.jsonl", "no/such/folder/x.jsonl", "./x", "~/nowhere-at-all"])
def test_a_path_that_is_not_there_is_one_line(tmp_path, monkeypatch, where):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="no such file or folder"):
        find_files(where)


def test_a_folder_without_data_is_one_line(tmp_path):
    with pytest.raises(InputError, match="without data files"):
        find_files(str(tmp_path))


def test_two_formats_in_a_folder_are_named(tmp_path):
    write(tmp_path / "a.jsonl", row())
    write(tmp_path / "b.jsonl", {"text": "x"})
    with pytest.raises(InputError, match=r"nercot.*text.*one format"):
        open_source(str(tmp_path))


def test_an_unknown_format_lists_the_known_ones(tmp_path):
    with pytest.raises(InputError, match=r"unknown format 'conl'.*pile_ner"):
        open_source(str(write(tmp_path / "a.jsonl", row())), "conl")


CONLL = "Ada\tB-x\nruns\tO\n"


@pytest.mark.parametrize(
    ("place", "license"),
    [
        ("mit/movie/train.txt", "unknown"),
        ("crossner/ai/train.txt", "cc-by-sa-3.0"),
        ("CoNLL03/train.txt", "other"),
        ("mine/train.txt", "mit"),
    ],
)
def test_a_dataset_that_only_its_folders_name_has_its_own_licence(tmp_path, place, license):
    path = tmp_path / place
    path.parent.mkdir(parents=True)
    path.write_text(CONLL + "\nbroken\n\n" + CONLL)
    good, bad, _ = items(open_source(str(path), license="mit"))
    assert (good.outcome.record.license, bad.outcome.record.license) == (license, license)


def test_two_folders_of_one_dataset_are_refused_with_both(tmp_path):
    for place in ("wikiann/en/train.conllu", "wikineural/en/train.conllu", "wikineural/en/dev.conllu"):
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / place).write_text(CONLL)
    with pytest.raises(InputError, match=r"'en' in .*wikiann/en and .*wikineural/en"):
        open_source(str(tmp_path))
    assert len(open_source(str(tmp_path / "wikineural")).files) == 2


def cached(hub, repo, files):
    """Files as huggingface_hub keeps them: links to blobs without a telling name."""
    root = hub / f"datasets--{repo.replace('/', '--')}"
    (root / "blobs").mkdir(parents=True)
    for number, (name, text) in enumerate(files.items()):
        blob = root / "blobs" / f"{number:040x}"
        blob.write_text(text)
        link = root / "snapshots" / ("a" * 40) / name
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(blob)
    return root / "snapshots" / ("a" * 40)


@pytest.mark.parametrize("name", ["train.txt", "data/train.txt"])
def test_a_file_of_the_hubs_cache_is_named_after_its_repository(tmp_path, name):
    folder = cached(tmp_path, "eriktks/conll2003", {name: CONLL})
    (item,) = items(open_source(str(folder), license="mit"))
    record = item.outcome.record
    assert (record.dataset, record.license) == ("conll2003", "other")


def test_a_tree_in_the_hubs_cache_keeps_its_datasets(tmp_path):
    rows = json.dumps([{"sentence": "Ada", "entities": [{"name": "Ada", "type": "x", "pos": [0, 3]}]}])
    files = {f"NER/{name}/{file}": rows for name in ("ACE 2005", "own") for file in ("train.json", "dev.json")}
    files |= {f"NER/{name}/labels.json": '["x", "y"]' for name in ("ACE 2005", "own")}
    source = open_source(str(cached(tmp_path, "Umean/B2NERD", files)))
    assert {(file.dataset, file.schema) for file in source.files} == {("ACE 2005", ("x", "y")), ("own", ("x", "y"))}


def test_types_that_a_recipe_states_for_one_dataset_are_asked_of_its_rows(tmp_path):
    for name, label in (("one", "PER"), ("two", "LOC")):
        (tmp_path / f"{name}.conll").write_text(f"Mara\tB-{label}\nleft\tO\n")
    spec = SourceSpec.read({"datasets": {"two": {"labels": ["ORG", "LOC", "DATE"]}}})
    source = open_source(str(tmp_path), options=options_of(spec), relabel=Relabel(spec))
    schemas = {item.outcome.record.dataset: item.outcome.record.schema for item in items(source)}
    assert schemas == {"one": ("PER",), "two": ("ORG", "LOC", "DATE")}
    assert source.types == schemas


def test_what_a_format_does_not_listen_to_is_said(tmp_path, caplog):
    path = tmp_path / "spans.jsonl"
    path.write_text('{"text": "Mara left", "label": [[0, 4, "PER"]]}\n')
    say.cache_clear()
    open_source(str(path), options=ReadOptions(join="none", column="3", sentences="line"))
    assert "source.join, source.column, source.sentences: without effect" in caplog.text
    caplog.clear()
    open_source(str(path))
    assert not caplog.text


def test_types_that_the_user_states_are_spelled_so(tmp_path):
    path = tmp_path / "x.conll"
    path.write_text("Mara\tB-PER_SON\nleft\tO\nOslo\tB-LOC\n")
    record = only(path, options=ReadOptions(schema=("Person", "Date"), stated=True)).outcome.record
    assert record.schema == ("Person", "Date", "LOC")
    assert [(entity.text, entity.label) for entity in record.gold] == [("Mara", "Person"), ("Oslo", "LOC")]
