import json
import os
import shutil
from collections import Counter
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from answered_corpus import build_corpus, script, source_row
from commands import run
from fault_server import FaultServer
from pages import opened
from policy import policy
from release_files import cot_rows
from trees import recipe, write_tree

from nercot.building.builder import BuildOptions, build
from nercot.corpus.benchmarks import text_may_be_passed_on
from nercot.corpus.manifest import read_manifest
from nercot.corpus.recipe import load_recipe
from nercot.errors import InputError, OutputError, ShortfallError
from nercot.llm.exchange import export_parquet
from nercot.llm.ledger import Ledger
from nercot.release.publish import publish
from nercot.release.release import freeze
from nercot.release.standoff import hydrate, withheld_guids
from nercot.release.verify import verify

# huggingface_hub's own, on upload
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning:httpx2")
FREE, BOUND = ("ncbi", "WikiNeural"), ("CoNLL 2003", "ACE 2005")
DATA = os.environ.get("NERCOT_TEST_DATA")


def table(folder, config):
    files = sorted((folder / config).glob("*.parquet"))
    return [row for file in files for row in pq.read_table(file).to_pylist()]


def texts(folder):
    """Everything in a folder that could be text: every string of every table, and the pages."""
    found = []

    def walk(value):
        if isinstance(value, str):
            found.append(value)
        elif isinstance(value, dict):
            for item in value.values():
                walk(item)
        elif isinstance(value, list):
            for item in value:
                walk(item)

    for path in folder.rglob("*"):
        if path.suffix == ".parquet":
            walk(pq.read_table(path).to_pylist())
        elif path.suffix in (".md", ".json", ".jsonl"):
            found.append(path.read_text(encoding="utf-8"))
        elif path.suffix == ".html":
            walk(opened(path))
    return "\n".join(found)


def leaks(folder, datasets=BOUND):
    """Sentences and mentions of rows that may not be passed on, as far as they stand in a folder."""
    whole = texts(folder)
    return [
        name
        for name in datasets
        if f"of {name} sailed" in whole or (set(datasets) == set(FREE + BOUND) and "Mara1" in whole)
    ]


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    return write_tree(tmp_path_factory.mktemp("standoff") / "NER", dict.fromkeys(FREE + BOUND, 20))


def released(folder, tree, datasets=FREE + BOUND):
    path = recipe(folder / "re.toml", "re-subset", datasets, sample__size=10 * len(datasets))
    result = build(load_recipe(str(path)), BuildOptions(folder / "build", str(tree)))
    return result, freeze("re-subset", folder / "build", folder / "releases")


@pytest.fixture(scope="module")
def subset(tree, tmp_path_factory):
    return released(tmp_path_factory.mktemp("release"), tree)


# --- what a release holds -------------------------------------------------------------------------------


def test_what_may_be_passed_on():
    assert text_may_be_passed_on("ncbi", "unknown")
    assert text_may_be_passed_on("my own", "CC-BY-4.0")
    assert not text_may_be_passed_on("ACE 2005", "cc-by-4.0")
    assert not text_may_be_passed_on("CoNLL 2003_sample_15000", "mit")
    assert not text_may_be_passed_on("my own", "unknown")


def test_rows_that_may_not_be_passed_on_are_there_without_text(subset):
    result, done = subset
    assert (done.rows, done.without_text) == (40, 20)
    rows = table(done.folder, "re")
    for row in rows:
        if row["dataset"] in FREE:
            assert row["sentence"]
            assert all(item["text"] for item in row["gold"])
        else:
            assert row["sentence"] is None
            assert all(item["text"] is None for item in row["gold"])
    before = {row["guid"]: row for row in table(result.candidate, "re")}
    for row in rows:
        told = [(item["start"], item["end"], item["label"]) for item in before[row["guid"]]["gold"]]
        assert [(item["start"], item["end"], item["label"]) for item in row["gold"]] == told
        assert {name: row[name] for name in ("dataset", "license", "schema", "split")} == {
            name: before[row["guid"]][name] for name in ("dataset", "license", "schema", "split")
        }
    assert {row["dataset"] for row in table(done.folder, "grpo")} == set(FREE)


def test_no_text_is_anywhere_in_the_release(subset):
    result, done = subset
    assert sorted(leaks(result.candidate)) == sorted(BOUND)
    assert leaks(done.folder) == []


def test_it_is_sound_says_what_it_lacks_and_has_the_fingerprint_of_the_whole(subset):
    result, done = subset
    found = verify(done.folder, rebuild=True)
    assert found.problems == ()
    assert not found.rebuilt
    assert "20 rows are without the text" in found.notes[0]
    manifest = read_manifest(done.folder)
    assert manifest["fingerprint"] == result.fingerprint
    assert manifest["restricted_text"] is False
    assert manifest["standoff"] == {"rows": 20, "traces": 0, "datasets": {"ACE 2005": 10, "CoNLL 2003": 10}}
    card = (done.folder / "README.md").read_text()
    assert "**20 rows stand here without their text**" in card
    assert "- **non-commercial**: WikiNeural" in card
    head = card.partition("## How it was made")[0]
    assert "**Bring your own copies.** 20 of 40 rows come without their text" in head
    assert "ACE 2005 (10 rows; catalog.ldc.upenn.edu" in head
    assert "nercot hydrate" in head
    assert "- **share-alike**: WikiNeural" in card
    assert "\nlicense: other\n" in card


def test_it_loads_and_can_be_published_and_hydrated_from_there(subset, tree, hub, tmp_path):
    from datasets import load_dataset

    result, done = subset
    rows = load_dataset(str(done.folder), "re", split="train", cache_dir=str(tmp_path))
    assert len(rows) == 40
    sent = publish(done.folder, "org/subset", verify=lambda folder: verify(folder).problems)
    assert sent.rows == {"re": 40, "grpo": 20}
    back = run(tmp_path, "hydrate", "org/subset@v1.0.0", "--input", tree, "--out", "back", "--json")
    assert back.code == 0, back.err
    assert json.loads(back.out)["fingerprint"] == result.fingerprint
    assert verify(tmp_path / "back", rebuild=True).problems == ()


def test_text_that_slips_in_is_found(subset, tmp_path):
    from nercot.release.invariants import row_problems

    _, done = subset
    copy = tmp_path / "copy"
    shutil.copytree(done.folder, copy, copy_function=shutil.copyfile)
    path = next((copy / "re").glob("*.parquet"))
    stored = pq.read_table(path)
    rows = stored.to_pylist()
    spoiled = next(row for row in rows if row["sentence"] is None)
    spoiled["sentence"] = "Something."
    pq.write_table(stored.from_pylist(rows, schema=stored.schema), path)
    problems = list(row_problems(copy, read_manifest(copy), lambda *_: None))
    assert any(spoiled["guid"] in what and "may not be passed on" in what for _, what in problems)


def test_a_corpus_of_free_rows_is_untouched(tree, tmp_path):
    result, done = released(tmp_path, tree, FREE)
    assert done.without_text == 0
    assert "standoff" not in read_manifest(done.folder)
    assert "Bring your own copies" not in (done.folder / "README.md").read_text()
    for path in sorted((done.folder / "re").iterdir()):
        assert path.read_bytes() == (result.candidate / "re" / path.name).read_bytes()
    assert "\nlicense: cc-by-nc-sa-4.0\n" in (done.folder / "README.md").read_text()
    assert verify(done.folder, rebuild=True).rebuilt


# --- hydrate --------------------------------------------------------------------------------------------


def test_hydrated_it_is_whole_again(subset, tree, tmp_path):
    result, done = subset
    back = hydrate(done.folder, str(tree), tmp_path / "whole")
    assert (back.rows, back.without_trace, back.fingerprint) == (20, 0, result.fingerprint)
    for config in ("re", "grpo"):
        assert table(back.folder, config) == table(result.candidate, config)
    again = verify(back.folder, rebuild=True)
    assert (again.problems, again.notes, again.rebuilt) == ((), (), True)
    (note,) = verify(done.folder, rebuild=True).notes
    assert "20 rows are without the text" in note


def test_hydrated_it_cannot_be_published(subset, tree, tmp_path, hub):
    back = hydrate(subset[1].folder, str(tree), tmp_path / "whole")
    with pytest.raises(InputError, match="does not allow passing"):
        publish(back.folder, "org/whole", verify=lambda folder: verify(folder).problems)


def test_the_command(subset, tree, tmp_path):
    ran = run(tmp_path, "hydrate", subset[1].folder, "--input", tree, "--json")
    assert ran.code == 0, ran.err
    told = json.loads(ran.out)
    assert told["rows"] == 20
    assert (tmp_path / told["folder"] / "re").is_dir()
    again = run(tmp_path, "hydrate", subset[1].folder, "--input", tree)
    assert again.code == 2
    assert "exists" in again.err


def test_another_order_and_other_folder_names_do_as_well(subset, tree, tmp_path):
    shutil.copytree(tree, tmp_path / "NER")
    (tmp_path / "NER" / "CoNLL 2003").rename(tmp_path / "NER" / "conll2003_sample_9")
    listed = json.loads((tmp_path / "NER" / "ACE 2005" / "train.json").read_text())
    (tmp_path / "NER" / "ACE 2005" / "train.json").write_text(json.dumps(listed[::-1]))
    (tmp_path / "NER" / "ACE 2005" / "labels.json").write_text('["person", "city"]')
    assert hydrate(subset[1].folder, str(tmp_path / "NER"), tmp_path / "whole").rows == 20


@pytest.mark.parametrize("fault", ["missing", "changed"])
def test_text_that_is_missing_or_another_is_one_line(subset, tree, tmp_path, fault):
    shutil.copytree(tree, tmp_path / "NER")
    if fault == "missing":
        shutil.rmtree(tmp_path / "NER" / "ACE 2005")
    else:
        path = tmp_path / "NER" / "ACE 2005" / "train.json"
        path.write_text(path.read_text().replace("sailed", "Sailed"))
    with pytest.raises(ShortfallError, match=r"ACE 2005 \(10 of 10 rows\)") as error:
        hydrate(subset[1].folder, str(tmp_path / "NER"), tmp_path / "whole")
    assert "\n" not in str(error.value)
    assert "CoNLL" not in str(error.value)
    assert not (tmp_path / "whole").exists()


def test_there_has_to_be_something_to_put_back(subset, tree, tmp_path):
    _, free = released(tmp_path, tree, FREE)
    with pytest.raises(InputError, match="nothing to put back"):
        hydrate(free.folder, str(tree), tmp_path / "whole")
    with pytest.raises(OutputError, match="exists"):
        hydrate(subset[1].folder, str(tree), tmp_path)


# --- traces and answers ---------------------------------------------------------------------------------


def test_traces_answers_and_prompts_are_not_passed_on(tree, tmp_path):
    path = recipe(tmp_path / "h.toml", "hybrid", ["ncbi", "CoNLL 2003"], sample__size=3, corpus__name="hybrid")
    with FaultServer(policy) as server:
        settings = [("teacher.url", server.url), ("teacher.model", "policy")]
        result = build(load_recipe(str(path), settings), BuildOptions(tmp_path / "build", str(tree)))
    done = freeze("hybrid", tmp_path / "build", tmp_path / "releases")
    manifest = read_manifest(done.folder)
    whole = table(result.candidate, "cot")
    traced = [row for row in whole if row["cot"] is not None and row["dataset"] == "CoNLL 2003"]
    assert manifest["standoff"]["traces"] == len(traced) > 0
    assert leaks(done.folder, ("CoNLL 2003",)) == []
    assert {row["dataset"] for config in ("raw", "sft", "grpo") for row in table(done.folder, config)} == {"ncbi"}
    assert all(row["cot"] is None for row in table(done.folder, "cot") if row["dataset"] == "CoNLL 2003")
    assert Counter(row["dataset"] for row in table(done.folder, "cot")) == {"ncbi": 20, "CoNLL 2003": 20}
    assert verify(done.folder).problems == ()

    back = hydrate(done.folder, str(tree), tmp_path / "whole")
    assert back.without_trace == len(traced)
    assert table(back.folder, "grpo") == table(result.candidate, "grpo")
    restored = {row["guid"]: row for row in table(back.folder, "cot")}
    for row in whole:
        assert restored[row["guid"]]["sentence"] == row["sentence"]
        assert [item["text"] for item in restored[row["guid"]]["entities"]] == [
            item["text"] for item in row["entities"]
        ]
    assert len(table(back.folder, "sft")) == 40
    assert verify(back.folder).problems == ()


def test_no_export_of_the_ledger_holds_them(tree, tmp_path):
    path = recipe(tmp_path / "h.toml", "hybrid", ["ncbi", "CoNLL 2003"], sample__size=3, corpus__name="hybrid")
    with FaultServer(policy) as server:
        settings = [("teacher.url", server.url), ("teacher.model", "policy")]
        build(load_recipe(str(path), settings), BuildOptions(tmp_path / "build", str(tree)))
    withheld = withheld_guids(tmp_path / "build", tmp_path / "releases")
    assert len(withheld) == 20
    with Ledger(tmp_path / "build" / "ledger.sqlite") as ledger:
        assert export_parquet(ledger, tmp_path / "answers.parquet", withheld) == 20
    ran = run(tmp_path, "ledger", "export", "again.parquet")
    assert ran.code == 0
    assert "20 answers written" in ran.out
    assert "20 records" in ran.out
    for name in ("answers.parquet", "again.parquet"):
        requests = pq.read_table(tmp_path / name).column("request").to_pylist()
        assert len(requests) == 20
        assert not any("CoNLL 2003" in request for request in requests)


def test_a_judged_corpus_stands_off_too(tmp_path):
    rows = [source_row(f"Mara{number} Kept", dataset=("made", "OntoNotes")[number % 2]) for number in range(6)]
    rows += [source_row("Ines Malformed", dataset="OntoNotes"), source_row("Odd Malformed")]
    with FaultServer(script) as server:
        result = build_corpus(tmp_path, rows, server)
    done = freeze("ner-cot", tmp_path / "build", tmp_path / "releases")
    kept, dropped = table(done.folder, "cot"), table(done.folder, "dropped")
    bare = [row for row in kept if row["dataset"] == "OntoNotes"]
    assert len(bare) == 3
    assert all(row["sentence"] is None and row["cot"] is None for row in bare)
    assert all(row["judgement"]["reason"] is None and row["score"] == 9.5 for row in bare)
    assert [row["sentence"] is None and row["detail"] is None for row in dropped if row["dataset"] == "OntoNotes"] == [
        True
    ]
    assert "Ines Malformed" not in texts(done.folder)
    assert "Odd Malformed" in texts(done.folder)
    assert {row["dataset"] for row in (*table(done.folder, "raw"), *table(done.folder, "sft"))} == {"made"}
    assert verify(done.folder).problems == ()
    back = hydrate(done.folder, str(tmp_path / "rows.jsonl"), tmp_path / "whole")
    assert back.rows == 3
    assert verify(back.folder).problems == ()
    assert len(table(back.folder, "sft")) == len(table(result.candidate, "sft"))


@pytest.fixture(scope="module")
def mixed(tmp_path_factory):
    """A candidate that has text which may not be passed on: OntoNotes' three kept rows, and a dropped one."""
    folder = tmp_path_factory.mktemp("mixed")
    rows = [source_row(f"Mara{number} Kept", dataset=("made", "OntoNotes")[number % 2]) for number in range(6)]
    rows += [source_row("Ines Malformed", dataset="OntoNotes"), source_row("Odd Malformed")]
    with FaultServer(script) as server:
        build_corpus(folder, rows, server)
    return folder


BOUND_NAMES = ("Mara1", "Mara3", "Mara5", "Ines")


def test_a_page_of_a_candidate_shows_no_text_that_may_not_be_passed_on(mixed, tmp_path):
    candidate = mixed / "build/ner-cot/candidate"
    ran = run(tmp_path, "view", candidate, "--json")
    assert ran.code == 0, ran.err
    done = json.loads(ran.out)
    assert (done["rows"], done["without_text"]) == (8, 4)
    assert "no known licence allows to be passed on: 4" in done["notes"][0]
    assert "release ner-cot --internal" in done["notes"][0]
    assert f"note: {done['notes'][0]}" in run(tmp_path, "view", candidate).out
    assert done["notes"][0].replace("<", "") in (tmp_path / "view.html").read_text()
    whole = texts(tmp_path)
    assert not [name for name in BOUND_NAMES if name in whole]
    assert "Mara0 Kept moved to" in whole
    bare = [row for row in opened(tmp_path / "view.html") if "sentence" not in row]
    assert sorted((row["kept"], row.get("reason")) for row in bare) == [("dropped", "malformed"), *[("kept", None)] * 3]
    assert all(item["text"] is None for row in bare for item in row["gold"])
    assert all(item["label"] and item["start"] is not None for row in bare for item in row["gold"])


@pytest.mark.parametrize("target", ["page", "labelstudio", "argilla"])
def test_nobody_is_given_them_to_judge(mixed, tmp_path, target):
    out = tmp_path / ("audit.html" if target == "page" else "audit.json")
    ran = run(tmp_path, "audit", mixed / "build/ner-cot/candidate", "--to", target, "--out", out, "--json")
    assert ran.code == 0, ran.err
    done = json.loads(ran.out)
    assert (done["rows"], done["of"], done["without_text"]) == (3, 3, 3)
    assert "allows their text to be passed on: 3" in done["notes"][0]
    whole = texts(tmp_path)
    assert not [name for name in BOUND_NAMES if name in whole]
    assert "Mara0 Kept moved to" in whole


def test_a_corpus_of_such_rows_alone_has_nothing_to_judge(tmp_path):
    with FaultServer(script) as server:
        build_corpus(tmp_path, [source_row("Mara Kept", dataset="OntoNotes")], server)
    ran = run(tmp_path, "audit", "build/ner-cot/candidate")
    assert (ran.code, len(ran.told)) == (1, 1)
    assert "release ner-cot --internal" in ran.err


def test_an_internal_release_and_a_hydrated_one_are_shown_whole(mixed, tmp_path):
    shutil.copytree(mixed / "build", tmp_path / "build")
    done = freeze("ner-cot", tmp_path / "build", tmp_path / "releases", internal=True)
    assert "Mara1 Kept" in texts(done.folder)
    assert run(tmp_path, "view", done.folder).code == 0
    assert all("sentence" in row for row in opened(tmp_path / "view.html"))


def test_rows_of_release_files_say_what_they_are():
    assert all(text_may_be_passed_on(row["dataset"], row["license"]) for row in cot_rows(3))


@pytest.mark.skipif(not DATA, reason="NERCOT_TEST_DATA is not set")
def test_the_real_layout_goes_out_and_comes_back(tmp_path):
    tree = Path(DATA or "") / "instructuie_layout" / "NER"
    settings = [("sample.allow_missing", True), ("sample.size", 900)]
    result = build(load_recipe("re-subset", settings), BuildOptions(tmp_path / "build", str(tree)))
    done = freeze("re-subset", tmp_path / "build", tmp_path / "releases")
    assert 0 < done.without_text < 900
    assert verify(done.folder).problems == ()
    sentences = [row["sentence"] for row in table(result.candidate, "re") if row["license"] == "unknown"]
    whole = texts(done.folder)
    assert not [sentence for sentence in sentences if sentence in whole and len(sentence) > 40]
    back = hydrate(done.folder, str(tree), tmp_path / "whole")
    assert table(back.folder, "re") == table(result.candidate, "re")
    assert table(back.folder, "grpo") == table(result.candidate, "grpo")
