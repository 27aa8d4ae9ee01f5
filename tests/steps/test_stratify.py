import json
import os
import shutil
from collections import Counter
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from commands import run
from hypothesis import given
from hypothesis import strategies as st
from scripted import gold_models
from trees import LABELS, TWENTY, entity, recipe, rows, shuffled, twenty, write_dataset, write_tree

from nercot.building.builder import BuildOptions, build
from nercot.corpus.benchmarks import find_benchmark
from nercot.corpus.recipe import Sample, load_recipe
from nercot.corpus.recipe_keys import parse_override
from nercot.errors import InputError, RecipeError
from nercot.steps.roster import roster, tree_roster
from nercot.steps.stratify import Ranking, shares
from nercot.validation.answers import parse_answer

DATA = os.environ.get("NERCOT_TEST_DATA")
COUNTS = st.dictionaries(st.text(min_size=1, max_size=4), st.integers(1, 500), min_size=1, max_size=25)


def draw(folder, tree, *settings, name="re-subset", releases=None):
    models = gold_models(tree) if name == "quickstart" else []
    recipe = load_recipe(name, [*models, *(parse_override(text) for text in settings)])
    return build(recipe, BuildOptions(folder / "build", str(tree), releases=releases))


def table(result, config="re"):
    files = sorted((result.candidate / config).glob("*.parquet"))
    return [row for file in files for row in pq.read_table(file).to_pylist()]


def manifest(result):
    return json.loads((result.candidate / "manifest.json").read_text())


# --- shares -----------------------------------------------------------------------------------------


@given(COUNTS, st.data())
def test_shares_are_exact_fair_and_within_what_is_there(counts, data):
    size = data.draw(st.integers(1, sum(counts.values())))
    sample = Sample(size=size, cap=data.draw(st.integers(1, 600)))
    given_to = shares(counts, sample)
    assert sum(given_to.values()) == size
    assert all(0 <= given_to[name] <= counts[name] for name in counts)
    weights = {name: min(count, sample.cap) for name, count in counts.items()}
    total = sum(weights.values())
    if size <= total:
        assert all(abs(given_to[name] - size * weights[name] / total) < 1 for name in counts)


def test_shares_by_hand():
    # 10 of 6 : 3 : 1 (the first is capped): exact 6, 3, 1.
    assert shares({"a": 9000, "b": 3, "c": 1}, Sample(size=10, cap=6)) == {"a": 6, "b": 3, "c": 1}
    # 7 of 3 : 3 : 4 -> 2.1, 2.1, 2.8: the largest remainder gets the one that is left.
    assert shares({"a": 30, "b": 30, "c": 40}, Sample(size=7, cap=100)) == {"a": 2, "b": 2, "c": 3}
    # Equal remainders go by name.
    assert shares({"b": 10, "a": 10}, Sample(size=3, cap=100)) == {"a": 2, "b": 1}
    # More than counts is there: whoever has no more gives the rest to the others.
    assert shares({"a": 100, "b": 2}, Sample(size=60, cap=2)) == {"a": 58, "b": 2}


@given(COUNTS, st.lists(st.sampled_from((0.01, 0.05, 0.1, 0.3, 0.999)), min_size=2, max_size=2))
def test_a_share_is_of_each_dataset_and_grows_with_itself(counts, parts):
    less, more = (shares(counts, Sample(size=part)) for part in sorted(parts))
    assert all(1 <= less[name] <= more[name] <= counts[name] for name in counts)


def test_a_share_is_counted_without_the_errors_of_floats():
    assert shares({"a": 50}, Sample(size=0.29)) == {"a": 15}
    assert shares({"a": 14041}, Sample(size=0.01)) == {"a": 140}


@given(st.lists(st.text(), min_size=2, max_size=2, unique=True))
def test_ranks_depend_on_seed_and_content(texts):
    rank = Ranking(3)
    assert rank([texts[0]]) == Ranking(3)([texts[0]])
    assert len({rank([texts[0]]), rank([texts[1]]), Ranking(4)([texts[0]])}) == 3


# --- the subset -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    return twenty(tmp_path_factory.mktemp("twenty") / "NER")


@pytest.mark.parametrize("size", [20, 97, 301])
def test_it_is_exactly_as_many_as_asked(tree, tmp_path, size):
    result = draw(tmp_path, tree, f"sample.size={size}")
    assert result.records == len(table(result)) == len(table(result, "grpo")) == size
    step = result.steps[-1]
    assert (step["step"], step["kept"], step["not_drawn"]) == ("stratify", size, step["in"] - size)
    told = manifest(result)["sample"]
    drawn = {row["name"]: row["drawn"] for row in told["datasets"] if row["drawn"]}
    assert drawn == Counter(row["dataset"] for row in table(result))
    assert sum(row["rows"] for row in told["datasets"]) == step["in"]
    assert {row["split"] for row in table(result)} == {"train"}


def test_the_default_is_the_paper_s_size(tmp_path):
    tree = write_tree(tmp_path / "NER", dict.fromkeys(TWENTY, 240))
    result = draw(tmp_path, tree)
    assert result.records == 4703
    assert set(Counter(row["dataset"] for row in table(result)).values()) == {235, 236}


@pytest.mark.parametrize("settings", [["sample.size=150"], ["sample.size=150", "select.duplicates=drop"]])
def test_the_same_seed_gives_the_same_rows_whatever_the_order(tree, tmp_path, settings):
    other = shuffled(tree, tmp_path / "other" / "NER", 5)
    results = [draw(tmp_path / name, where, *settings) for name, where in (("a", tree), ("b", other))]
    assert results[0].fingerprint == results[1].fingerprint
    assert table(results[0]) == table(results[1])
    assert draw(tmp_path / "c", tree, *settings, "sample.seed=1").fingerprint != results[0].fingerprint


def test_a_smaller_draw_of_one_dataset_lies_inside_a_larger_one(tmp_path):
    write_dataset(tmp_path / "NER" / "solo", rows("solo", 60))
    path = recipe(tmp_path / "r.toml", "re-subset", ["solo"])
    sets = [
        {row["guid"] for row in table(draw(tmp_path / size, tmp_path / "NER", f"sample.size={size}", name=str(path)))}
        for size in ("0.1", "13", "40")
    ]
    assert [len(found) for found in sets] == [6, 13, 40]
    assert sets[0] < sets[1] < sets[2]


def test_rows_for_reward_functions(tree, tmp_path):
    result = draw(tmp_path, tree, "sample.size=60")
    by_guid = {row["guid"]: row for row in table(result)}
    for item in table(result, "grpo"):
        source = by_guid[item["guid"]]
        mentions = sorted(parse_answer(item["gold"]).mentions)
        assert mentions == sorted((found["label"], found["text"]) for found in source["gold"])
        assert item["schema"] == list(LABELS)
        assert [message["role"] for message in item["prompt"]] == ["user"]
        assert source["sentence"] in item["prompt"][0]["content"]
        assert source["license"] == item["license"] == find_benchmark(source["dataset"]).license


def test_a_second_build_does_nothing_and_another_size_draws_anew(tree, tmp_path):
    first = draw(tmp_path, tree, "sample.size=50")
    assert draw(tmp_path, tree, "sample.size=50").changed is False
    again = draw(tmp_path, tree, "sample.size=51")
    assert again.changed
    assert again.records == 51
    assert again.fingerprint != first.fingerprint


def test_bad_rows_are_dropped_and_never_drawn(tmp_path):
    listed = [*rows("solo", 20), {"sentence": 5, "entities": []}, "no row"]
    write_dataset(tmp_path / "NER" / "solo", listed)
    path = recipe(tmp_path / "r.toml", "re-subset", ["solo"], sample__size=20)
    result = draw(tmp_path, tmp_path / "NER", name=str(path))
    assert result.steps[0]["dropped"] == {"unreadable": 2}
    assert result.records == 20
    assert {row["reason"] for row in table(result, "dropped")} == {"unreadable"}


def test_more_rows_than_there_are_is_one_line(tree, tmp_path):
    with pytest.raises(InputError, match=r"\d+ usable rows, 100000 asked for"):
        draw(tmp_path, tree, "sample.size=100000")


def test_duplicates_are_dropped_before_the_draw(tmp_path):
    write_dataset(tmp_path / "NER" / "solo", [*rows("solo", 10), *rows("solo", 10)])
    path = recipe(tmp_path / "r.toml", "re-subset", ["solo"], sample__size=10, select__duplicates="drop")
    result = draw(tmp_path, tmp_path / "NER", name=str(path))
    assert result.records == len({row["sentence"] for row in table(result)}) == 10
    assert result.steps[-1] == {
        **result.steps[-1],
        "in": 20,
        "kept": 10,
        "dropped": {"duplicate_record": 10},
        "not_drawn": 0,
    }
    assert Counter(row["step"] for row in table(result, "dropped")) == {"stratify": 10}


def test_what_was_taken_down_is_not_drawn(tree, tmp_path):
    from nercot.corpus.removed import Removal, sentence_hash, write_removed

    first = table(draw(tmp_path, tree, "sample.size=40"))
    gone = sentence_hash(first[0]["sentence"])
    write_removed(tmp_path / "releases", "re-subset", {gone: Removal(gone, "asked", (first[0]["guid"],))})
    result = draw(tmp_path, tree, "sample.size=40")
    assert result.records == 40
    assert first[0]["guid"] not in {row["guid"] for row in table(result)}
    assert result.steps[0]["dropped"] == {"removed": 1}


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("sample.size=0", "more than 0"),
        ("sample.size=10.5", "whole number"),
        ("sample.size=1.0", "whole number"),
        ("select.duplicates=flag", "only the step select can flag"),
        ("sample.sized=3", "did you mean sample.size"),
        ("steps=['merge','stratify']", "leads to no corpus"),
    ],
)
def test_a_draw_that_cannot_be_is_one_line(tree, tmp_path, setting, said):
    with pytest.raises(RecipeError, match=said):
        draw(tmp_path, tree, setting)


def test_a_limit_is_no_draw(tree, tmp_path):
    ran = run(tmp_path, "build", "re-subset", "--input", tree, "--limit", "3")
    assert ran.code == 2
    assert "sample.size=3" in ran.err


# --- datasets that are not there ----------------------------------------------------------------------


def spoil(tree, copy):
    shutil.copytree(tree, copy)
    shutil.rmtree(copy / "ACE 2005")
    (copy / "FabNER" / "train.json").write_text("")
    (copy / "HarveyNER" / "train.json").write_text(" [\n]\n")
    (copy / "GENIA_NER").rename(copy / "GENIA_NER_old")
    return copy


def test_everything_that_is_missing_is_listed_with_where_to_get_it(tree, tmp_path):
    ran = run(tmp_path, "build", "re-subset", "--input", spoil(tree, tmp_path / "NER"))
    assert ran.code == 2
    assert len(ran.told) == 1
    for said in (
        "ACE 2005 is missing (get it from catalog.ldc.upenn.edu",
        "FabNER is empty",
        "HarveyNER is empty",
        "GENIA_NER is missing ('GENIA_NER_old' is there: rename it",
        "sample.allow_missing=true",
    ):
        assert said in ran.err
    assert "WikiNeural" not in ran.err


def test_going_on_without_them_is_recorded(tree, tmp_path):
    spoiled = spoil(tree, tmp_path / "NER")
    result = draw(tmp_path, spoiled, "sample.allow_missing=true", "sample.size=100")
    told = manifest(result)["sample"]
    assert result.records == 100
    assert told["missing"] == ["ACE 2005", "GENIA_NER"]
    assert told["empty"] == ["FabNER", "HarveyNER"]
    assert told["not_listed"] == ["GENIA_NER_old"]
    assert "missing: ACE 2005, GENIA\\_NER" in (result.candidate / "README.md").read_text()
    assert {row["dataset"] for row in table(result)} <= set(TWENTY) - {"ACE 2005", "FabNER", "HarveyNER", "GENIA_NER"}


@pytest.mark.parametrize("other", ["CoNLL 2003_sample_15000", "conll2003"])
def test_a_dataset_that_is_there_twice_is_refused(tree, tmp_path, other):
    shutil.copytree(tree, tmp_path / "NER")
    shutil.copytree(tree / "CoNLL 2003", tmp_path / "NER" / other)
    with pytest.raises(InputError, match="CoNLL 2003 is there more than once"):
        draw(tmp_path, tmp_path / "NER", "sample.size=10", "sample.allow_missing=true")


def test_other_names_of_a_dataset_are_known(tree, tmp_path):
    shutil.copytree(tree, tmp_path / "NER")
    (tmp_path / "NER" / "CoNLL 2003").rename(tmp_path / "NER" / "CoNLL 2003_sample_15000")
    (tmp_path / "NER" / "Ontonotes").rename(tmp_path / "NER" / "OntoNotes 5.0")
    assert draw(tmp_path, tmp_path / "NER", "sample.size=100").records == 100


def test_a_tree_with_nothing_in_it_that_was_asked_for(tmp_path):
    write_tree(tmp_path / "IE" / "NER", {"CoNLL 2003": 5})
    with pytest.raises(InputError, match=r"did you mean .*NER"):
        draw(tmp_path, tmp_path / "IE", "sample.allow_missing=true")


def test_rows_that_name_their_dataset_are_as_good_as_a_tree(tmp_path):
    path = tmp_path / "rows.jsonl"
    listed = [
        {"sentence": f"Ada {number} sails.", "schema": ["person"], "entities": [], "dataset": name}
        for name in ("one", "two", "three")
        for number in range(9)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in listed))
    mine = recipe(tmp_path / "r.toml", "re-subset", ["one", "two"], sample__size=6)
    result = draw(tmp_path, path, name=str(mine))
    assert Counter(row["dataset"] for row in table(result)) == {"one": 3, "two": 3}
    assert manifest(result)["sample"]["not_listed"] == ["three"]
    mine = recipe(tmp_path / "r.toml", "re-subset", ["one", "four"], sample__size=6)
    with pytest.raises(InputError, match="four is missing"):
        draw(tmp_path, path, name=str(mine))


@given(st.lists(st.sampled_from(TWENTY), unique=True))
def test_a_roster_says_of_every_dataset_what_it_is(there):
    seen = roster(TWENTY, dict.fromkeys(there, 3))
    assert set(seen.found) == set(there)
    assert set(seen.missing) == set(TWENTY) - set(there)


def test_a_tree_is_looked_at_without_being_read(tree):
    seen, files = tree_roster(TWENTY, tree, "train")
    assert len(seen.found) == 20
    assert Counter(file.split for file in files) == {"train": 20, "validation": 20}


# --- labels -------------------------------------------------------------------------------------------


def test_label_maps_and_ignored_labels(tmp_path):
    sentence = "Mara of Oslo met the IBM people of Oslo."
    found = [entity(sentence, "Mara", "PER"), entity(sentence, "IBM", "organisation"), entity(sentence, "Oslo", "GPE")]
    found += [entity(sentence, "Oslo", "LOC"), entity(sentence, "people", "Misc")]
    labels = ["PER", "organisation", "LOC", "GPE", "Misc"]
    write_dataset(tmp_path / "NER" / "solo", [{"sentence": sentence, "entities": found}], labels)
    write_dataset(tmp_path / "NER" / "other", [{"sentence": sentence, "entities": found}], labels)
    path = recipe(
        tmp_path / "r.toml",
        "re-subset",
        [],
        sample__size=2,
        source__labels={"organisation": "organization", "per": "person", "LOC": "location", "GPE": "location"},
        source__ignore_labels=["misc", "other"],
        source__datasets={"solo": {"labels": {"PER": "human being"}}, "other": {}},
    )
    result = draw(tmp_path, tmp_path / "NER", name=str(path))
    rows = {row["dataset"]: row for row in table(result)}
    assert rows["other"]["schema"] == ["person", "organization", "location"]
    assert rows["solo"]["schema"] == ["human being", "organization", "location"]
    named = [(item["text"], item["label"]) for item in rows["other"]["gold"]]
    assert named == [("Mara", "person"), ("Oslo", "location"), ("IBM", "organization")]
    told = manifest(result)
    assert told["source"]["findings"] == {"ignored_label": 2, "same_mention_after_renaming": 2}
    assert told["recipe"]["source"]["labels"]["organisation"] == "organization"
    assert told["recipe"]["source"]["datasets"]["solo"] == {"labels": {"PER": "human being"}}
    card = (result.candidate / "README.md").read_text()
    assert "| solo | PER | human being |" in card
    assert "misc, other" in card
    assert "| ignored label | 2 |" in card


def test_labels_are_mapped_without_a_draw_too(tmp_path):
    path = tmp_path / "rows.jsonl"
    gold = [{"text": "IBM", "label": "Org"}, {"text": "Ada", "label": "NA"}]
    path.write_text(json.dumps({"sentence": "Ada left IBM.", "schema": ["Org", "NA"], "gold": gold}) + "\n")
    settings = ['source.labels={org="organization"}', 'source.ignore_labels=["na"]']
    result = draw(tmp_path, path, *settings, name="quickstart")
    [row] = table(result, "raw")
    card = (result.candidate / "README.md").read_text()
    assert "| every dataset | org | organization |" in card
    assert "in any spelling: na." in card
    assert "| ignored label | 1 |" in card
    assert row["schema"] == ["organization"]
    assert [item["label"] for item in row["gold"]] == ["organization"]


def test_a_row_all_of_whose_types_are_ignored_is_dropped(tmp_path):
    path = tmp_path / "rows.jsonl"
    listed = [{"sentence": f"Ada left {label}.", "schema": [label], "gold": []} for label in ("misc", "city")]
    path.write_text("".join(json.dumps(row) + "\n" for row in listed))
    result = draw(tmp_path, path, 'source.ignore_labels=["misc"]', name="quickstart")
    assert result.steps[0]["dropped"] == {"unreadable": 1}


@pytest.mark.parametrize(
    "setting", ["source.labels=5", 'source.labels={a=""}', "source.datasets={a={label=1}}", 'sample.seed="x"']
)
def test_a_wrong_map_is_one_line(setting):
    with pytest.raises(RecipeError) as error:
        load_recipe("re-subset", [parse_override(setting)])
    assert "\n" not in str(error.value)


# --- real data ----------------------------------------------------------------------------------------


@pytest.mark.skipif(not DATA, reason="NERCOT_TEST_DATA is not set")
def test_the_real_layout(tmp_path):
    tree = Path(DATA or "") / "instructuie_layout" / "NER"
    result = draw(tmp_path, tree, "sample.allow_missing=true")
    assert result.records == 4703
    drawn = {row["name"]: row["drawn"] for row in manifest(result)["sample"]["datasets"]}
    assert sum(drawn.values()) == 4703
    assert len(drawn) == 9
    for row in table(result):
        for item in row["gold"]:
            assert row["sentence"][item["start"] : item["end"]] == item["text"]
