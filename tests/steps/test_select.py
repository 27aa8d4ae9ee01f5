import json
from collections import Counter

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scripted import gold_models

from nercot.building.builder import BuildOptions, build
from nercot.corpus.recipe import load_recipe
from nercot.errors import InputError, RecipeError
from nercot.steps.conflicts import Conflicts, text_number
from nercot.steps.split import Families

NAMES = ("Ada", "Bob", "Cleo", "Dana", "Emil", "Fay", "Gus", "Hana", "Ivo", "Jil", "Kai", "Lea", "Max", "Nia", "Otto")
STORY = "When {} came home from the market in the evening nobody was there but the old grey cat"


def row(sentence, *names, schema=("person", "city"), **more):
    entities = [{"text": name, "label": "person"} for name in names]
    return {"sentence": sentence, "schema": list(schema), "entities": entities, **more}


def people(count):
    """Sentences that resemble none of the others."""
    things = ("letter", "novel", "song", "report", "poem", "speech", "cheque", "recipe", "diary", "play")
    return [
        row(f"{name} wrote one {thing} {'very ' * (number % 5)}well, and {number} more came in {1900 + number}.", name)
        for number, (name, thing) in enumerate([(name, thing) for thing in things for name in NAMES][:count])
    ]


def write(path, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(item) + "\n" for item in rows))
    return path


def run(folder, rows, **settings):
    source = write(folder / "rows.jsonl", rows)
    overrides = [(key.replace("__", "."), value) for key, value in settings.items()]
    return build(
        load_recipe("quickstart", [*gold_models(source), *overrides]), BuildOptions(folder / "build", str(source))
    )


def table(folder, config="cot", split="train"):
    path = folder / f"build/quickstart/candidate/{config}/{split}-00000-of-00001.parquet"
    return pq.read_table(path).to_pylist() if path.exists() else []


def manifest(folder):
    return json.loads((folder / "build/quickstart/candidate/manifest.json").read_text())


def card(folder):
    return (folder / "build/quickstart/candidate/README.md").read_text()


def dropped(folder):
    return Counter(item["reason"] for item in table(folder, "dropped"))


# --- duplicates -----------------------------------------------------------------------------------

TWINS = [row(STORY.format("Ada"), "Ada"), row(STORY.format("Ada").replace(" ", "  "), "Ada")]
ALIKE = [row(STORY.format(name), name) for name in ("Bob", "Cleo", "Dana")]


@pytest.mark.parametrize("choice", ["drop", "flag", "off"])
def test_near_duplicates_are_dropped_flagged_or_left(tmp_path, choice):
    run(tmp_path, [*ALIKE, *people(5)], select__near_duplicates=choice)
    rows = table(tmp_path)
    names = sorted(item["guid"] for item in rows + table(tmp_path, "dropped") if "nobody was there" in item["sentence"])
    flagged = {item["guid"]: item["near_duplicate_of"] for item in rows if item["near_duplicate_of"]}
    assert len(rows) == (6 if choice == "drop" else 8)
    assert dropped(tmp_path) == ({"near_duplicate": 2} if choice == "drop" else {})
    assert flagged == (dict.fromkeys(names[1:], names[0]) if choice == "flag" else {})
    assert manifest(tmp_path)["duplicates"]["near"] == (None if choice == "off" else 2)
    if choice == "drop":
        assert all(names[0] in item["detail"] for item in table(tmp_path, "dropped"))


@pytest.mark.parametrize("choice", ["drop", "flag"])
def test_an_exact_duplicate_is_no_near_one_as_well(tmp_path, choice):
    run(tmp_path, [*TWINS, *people(3)], select__duplicates=choice)
    first = min(item["guid"] for item in table(tmp_path) if "nobody" in item["sentence"])
    assert manifest(tmp_path)["duplicates"] == {"exact": 1, "near": 0}
    if choice == "drop":
        assert dropped(tmp_path) == {"duplicate_record": 1}
    else:
        assert [item["near_duplicate_of"] for item in table(tmp_path)].count(first) == 1


def test_the_same_text_under_other_types_is_a_near_duplicate(tmp_path):
    rows = [row("Ada met Bob.", "Ada"), row("Ada met Bob.", "Ada", schema=("person", "animal"))]
    run(tmp_path, rows)
    assert len(table(tmp_path)) == 2
    assert manifest(tmp_path)["duplicates"] == {"exact": 0, "near": 1}


def test_what_is_dropped_has_no_likes(tmp_path):
    """A record resembles only what was selected: a chain loses every second link."""
    words = STORY.format("Ada").split()
    chain = [
        row(" ".join(word.upper() + "x" if 0 < place <= changed else word for place, word in enumerate(words)))
        for changed in (0, 2, 4)
    ]
    run(tmp_path, chain, select__near_duplicates="drop")
    kept = sorted(item["guid"] for item in table(tmp_path))
    lost = table(tmp_path, "dropped")
    assert len(kept) + len(lost) == 3
    assert all(any(guid in item["detail"] for guid in kept) for item in lost)


# --- gold -----------------------------------------------------------------------------------------


def test_conflicting_gold_is_counted_and_dropped_by_nobody(tmp_path):
    rows = [
        row("Ada met Bob.", "Ada"),
        row("Ada  met Bob.", "Ada", "Bob", dataset="other"),
        row("Cleo met Dana.", "Cleo"),
        row("Cleo met Dana.", "Cleo", schema=("person", "animal")),
    ]
    run(tmp_path, rows, select__duplicates="flag")
    found = manifest(tmp_path)["conflicting_gold"]
    guids = {item["guid"] for item in table(tmp_path) if item["sentence"].startswith("Ada")}
    assert len(table(tmp_path)) == 4
    assert found["texts"] == 1
    assert {found["examples"][0]["guid"], found["examples"][0]["other"]} == guids
    assert found["examples"][0]["type"] == "person"
    assert "both ask for: 1." in card(tmp_path)


def test_a_type_that_only_one_row_asks_for_is_no_conflict():
    gold = [{"text": "Ada", "label": "Per son"}]
    rows = [
        {"guid": "1", "sentence": "Ada", "schema": ["Per son"], "gold": gold},
        {"guid": "2", "sentence": "Ada", "schema": ["person", "pet"], "gold": [*gold, {"text": "Ada", "label": "pet"}]},
        {"guid": "3", "sentence": "Ada", "schema": ["city"], "gold": None},
    ]
    conflicts = Conflicts(frozenset([text_number("Ada")]))
    for item in rows:
        conflicts.add(item)
    assert conflicts.summary()["texts"] == 0
    conflicts.add({"guid": "4", "sentence": " Ada", "schema": ["pet"], "gold": []})
    assert conflicts.summary() == {"texts": 1, "examples": [{"guid": "2", "other": "4", "type": "pet"}]}


def test_every_kept_row_says_how_it_differs_from_gold(tmp_path):
    run(tmp_path, people(6))
    assert {item["drift"] for item in table(tmp_path)} == {"same"}
    assert manifest(tmp_path)["drift"] == {
        "records": {"same": 6},
        "entities": {"same": 6},
        "confusions": [],
        "confusions_left": 0,
    }
    assert "| same | 6 | 6 |" in card(tmp_path)


# --- benchmarks -----------------------------------------------------------------------------------


@pytest.mark.parametrize("choice", ["drop", "flag", "off"])
def test_contaminated_records_are_dropped_flagged_or_left(tmp_path, choice):
    write(tmp_path / "benchmarks/GENIA/test.jsonl", [row(STORY.format("Ada").lower())])
    write(tmp_path / "benchmarks/GENIA/train.jsonl", people(3))
    settings = {"select__contamination": choice, "benchmarks__path": str(tmp_path / "benchmarks")}
    run(tmp_path, [ALIKE[0], *people(3)], **settings)
    rows = table(tmp_path)
    assert [item["contaminated_by"] for item in rows if item["contaminated_by"]] == ["GENIA"] * (choice == "flag")
    assert dropped(tmp_path) == ({"contaminated": 1} if choice == "drop" else {})
    if choice == "off":
        assert "contamination" not in manifest(tmp_path)
        assert "was not looked at" in card(tmp_path)
    else:
        found = manifest(tmp_path)["contamination"]
        assert found["matrix"] == {"rows": {"GENIA": 1}}
        assert found["sentences"] == {"GENIA": 1}
        assert "ACE05" in found["missing"]
        assert "| rows | 1 |" in card(tmp_path)
        assert str(tmp_path) not in json.dumps(manifest(tmp_path))


def test_a_changed_test_set_redoes_selection_only(tmp_path):
    settings = {"benchmarks__path": str(tmp_path / "benchmarks")}
    tests = write(tmp_path / "benchmarks/GENIA/test.jsonl", [row("Nothing of the sort.")])
    run(tmp_path, [*ALIKE, *people(9)], **settings)
    work = tmp_path / "build/quickstart"
    stages = ("1-source", "2-raw", "3-valid", "5-scored", "6-selected")
    before = {stage: [path.stat().st_mtime_ns for path in sorted((work / stage).iterdir())] for stage in stages}
    assert run(tmp_path, [*ALIKE, *people(9)], **settings).changed is False
    write(tests, [ALIKE[1]])
    assert run(tmp_path, [*ALIKE, *people(9)], **settings).changed is True
    after = {stage: [path.stat().st_mtime_ns for path in sorted((work / stage).iterdir())] for stage in stages}
    assert {stage for stage in stages if before[stage] != after[stage]} == {"6-selected"}
    assert sum(item["contaminated_by"] == "GENIA" for item in table(tmp_path)) == 3


def test_to_drop_what_cannot_be_known_is_an_error():
    with pytest.raises(RecipeError, match=r"benchmarks\.path"):
        load_recipe("quickstart", [("select.contamination", "drop")])


def test_a_folder_of_benchmarks_that_is_not_there_stops_the_build_at_once(tmp_path):
    with pytest.raises(RecipeError, match="no folder"):
        run(tmp_path, people(1), benchmarks__path=str(tmp_path / "nowhere"))
    assert not (tmp_path / "build/quickstart/1-source").exists()


# --- splits ---------------------------------------------------------------------------------------


def test_a_split_has_the_rows_asked_for_and_divides_no_family(tmp_path):
    rows = [*ALIKE, *TWINS, *people(30)]
    settings = {"split__validation": 6, "split__test": 4, "select__duplicates": "flag"}
    result = run(tmp_path, rows, **settings)
    splits = {name: table(tmp_path, split=name) for name in ("train", "validation", "test")}
    assert [len(splits[name]) for name in ("validation", "test")] == [6, 4]
    assert sum(map(len, splits.values())) == result.records == 35
    family = [name for name, items in splits.items() for item in items if "nobody" in item["sentence"]]
    assert len(family) == 5
    assert len(set(family)) == 1
    for name, items in splits.items():
        assert [item["guid"] for item in items] == sorted(item["guid"] for item in items)
        assert [item["guid"] for item in table(tmp_path, "sft", name)] == [item["guid"] for item in items]
    assert table(tmp_path, "raw", "validation") == []
    assert "| validation | 6 |" in card(tmp_path)


def test_the_split_loads_and_does_not_hang_on_the_partitions(tmp_path):
    import datasets

    def validation(folder, **settings):
        run(folder, people(20), split__validation=5, **settings)
        return [item["guid"] for item in table(folder, split="validation")]

    guids = validation(tmp_path / "a")
    assert guids == validation(tmp_path / "b", partition__digits=2)
    datasets.disable_progress_bars()
    loaded = datasets.load_dataset(str(tmp_path / "a/build/quickstart/candidate"), cache_dir=str(tmp_path / "cache"))
    assert loaded["validation"]["guid"] == guids
    assert loaded["train"].num_rows == 15


def test_a_split_that_leaves_nothing_is_an_error(tmp_path):
    with pytest.raises(RecipeError, match=r"split\.validation = 3"):
        run(tmp_path, people(3), split__validation=3)


def test_families_are_joined_through_a_third():
    families = Families()
    for guid, repeats in (("a", ()), ("b", ()), ("c", ("a", "b")), ("d", ()), ("e", ("d",))):
        families.add(guid, repeats)
    assert sorted(map(tuple, families.draw({"x": 3, "y": 1}).values())) == [(), ("a", "b", "c")]
    assert families.draw({"x": 2}) == {"x": ["d", "e"]}


@given(st.lists(st.integers(0, 60), max_size=60), st.integers(0, 20), st.integers(0, 20))
def test_draws_divide_no_family_and_take_what_fits(links, validation, test):
    families = Families()
    guids = [f"{number:04d}" for number in range(len(links) + 42)]
    for number, guid in enumerate(guids):
        families.add(guid, [guids[links[number]]] if number < len(links) and links[number] < number else [])
    drawn = families.draw({"validation": validation, "test": test})
    assert len(drawn["validation"]) == validation
    assert len(drawn["test"]) == test
    place = {guid: name for name, members in drawn.items() for guid in members}
    for number, link in enumerate(links):
        if link < number:
            assert place.get(guids[number]) == place.get(guids[link])


def test_a_damaged_calibration_is_named(tmp_path):
    run(tmp_path, people(2))
    (tmp_path / "build/quickstart/calibration.json").write_text("{")
    with pytest.raises(InputError, match=r"calibration\.json"):
        run(tmp_path, people(2))
