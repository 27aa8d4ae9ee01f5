import json
import shutil
from collections import Counter

import pyarrow.parquet as pq
import pytest
from commands import run
from fault_server import FaultServer, error
from hypothesis import given
from hypothesis import strategies as st
from pages import opened, write
from policy import policy
from trees import LABELS, recipe, rows, write_dataset, write_tree

from nercot.corpus.records import Entity, Record
from nercot.llm.prompts import default_template
from nercot.release.release import freeze
from nercot.release.verify import verify
from nercot.steps.merge import CategoryDraw, agrees, difference
from nercot.validation.answers import parse_answer

ENTITIES = st.lists(st.builds(Entity, st.sampled_from("abc"), st.sampled_from(["Per Son", "city", "ship"])), max_size=5)


# --- what agrees --------------------------------------------------------------------------------------


@given(ENTITIES, ENTITIES)
def test_equal_is_equal_as_multisets(one, other):
    as_rows = [sorted((item.text, item.label) for item in side) for side in (one, other)]
    assert agrees(one, other) == (as_rows[0] == as_rows[1])
    assert bool(difference(one, other)) != agrees(one, other)


def test_labels_are_folded_and_repetitions_count():
    gold = [Entity("Ada", "person"), Entity("Ada", "person")]
    assert agrees([Entity("Ada", "Person"), Entity("Ada", "PERSON")], gold)
    assert not agrees([Entity("Ada", "person")], gold)
    assert difference([Entity("Oslo", "city")], gold[:1]) == "lacks 'Ada' (person); adds 'Oslo' (city)"


# --- the draw for GRPO --------------------------------------------------------------------------------

CORPUS = st.lists(st.lists(st.sampled_from(LABELS), max_size=3), min_size=1, max_size=60)


def records(listed):
    return [
        Record(f"{number:032x}", "made", f"Row {number}.", LABELS, gold=tuple(Entity("x", label) for label in labels))
        for number, labels in enumerate(listed)
    ]


@given(CORPUS, st.integers(1, 8), st.integers(0, 3))
def test_a_category_has_as_many_rows_as_asked_or_all_that_there_are(listed, size, seed):
    draw = CategoryDraw(size, seed)
    for record in records(listed):
        draw.add(record)
    guids, [row] = draw.result()
    drawn = [set(labels) for record, labels in zip(records(listed), listed, strict=True) if record.guid in guids]
    for label in LABELS:
        there = sum(label in labels for labels in listed)
        assert sum(label in labels for labels in drawn) >= min(size, there)
    assert sum(not labels for labels in drawn) == row["negatives"] == min(size, sum(not labels for labels in listed))
    assert row["drawn"] == len(drawn) <= size * (len(LABELS) + 1)
    assert row["categories"] == Counter(label for labels in drawn for label in labels)


def test_where_there_are_enough_rows_the_draw_is_exact():
    draw = CategoryDraw(50, 0)
    for record in records([[LABELS[number % 3]] if number % 4 else [] for number in range(2000)]):
        draw.add(record)
    guids, [row] = draw.result()
    assert len(guids) == 200
    assert row == {
        "name": "made",
        "rows": 2000,
        "drawn": 200,
        "negatives": 50,
        "categories": {"city": 50, "person": 50, "ship": 50},
    }


def test_the_draw_does_not_depend_on_the_order():
    listed = records([[LABELS[number % 3]] * (number % 2) for number in range(300)])
    draws = [CategoryDraw(7, 1), CategoryDraw(7, 1), CategoryDraw(7, 2)]
    for draw, order in zip(draws, (listed, listed[::-1], listed), strict=True):
        for record in order:
            draw.add(record)
    results = [draw.result()[0] for draw in draws]
    assert results[0] == results[1] != results[2]


# --- both stages --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def server():
    with FaultServer(policy) as running:
        yield running


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    """A tree of two datasets whose text may be passed on, and a recipe that draws three rows a category."""
    folder = tmp_path_factory.mktemp("hybrid")
    write_tree(folder / "NER", {"ncbi": 30, "bc5cdr": 24})
    recipe(folder / "hybrid.toml", "hybrid", ["ncbi", "bc5cdr"], sample__size=3, corpus__name="hybrid")
    return folder


def build(folder, *arguments, code=0, as_json=True):
    flags = ["--json"] if as_json else []
    ran = run(folder, "build", folder / "hybrid.toml", "--input", folder / "NER", *arguments, *flags)
    assert ran.code == code, (ran.out, ran.err)
    return json.loads(ran.out) if as_json else ran.out


def annotate(folder, server, **more):
    return build(folder, "--teacher-url", server.url, "--teacher-model", "policy", **more)


def table(folder, config):
    files = sorted((folder / "build/hybrid/candidate" / config).glob("*.parquet"))
    return [row for file in files for row in pq.read_table(file).to_pylist()]


def manifest(folder):
    return json.loads((folder / "build/hybrid/candidate/manifest.json").read_text())


def test_the_stages_one_after_the_other(work, server):
    first = build(work)
    assert first["calls"] == {"teacher": 0, "reader": 0, "judge": 0}
    assert [step["step"] for step in first["steps"]] == ["source", "draw"]
    assert first["steps"][1]["not_drawn"] == 54 - first["records"]
    grpo = table(work, "grpo")
    assert len(grpo) == first["records"]
    assert not table(work, "cot")
    assert any("--teacher-url" in line for line in first["next"])
    ran = run(work, "release", "hybrid", "--releases", work / "releases")
    assert ran.code == 2
    assert "draw" in ran.err

    second = annotate(work, server)
    assert table(work, "grpo") == grpo
    assert [step["step"] for step in second["steps"]] == ["source", "annotate", "validate", "merge"]
    assert all(step["in"] == step["kept"] == 54 and not step["dropped"] for step in second["steps"])
    assert second["calls"]["teacher"] == 54
    again = annotate(work, server)
    assert again["changed"] is False
    assert again["calls"]["teacher"] == 0


def test_the_policy_is_asked_as_it_was_trained_and_rows_without_trace_are_asked_for_at_once(work, server):
    annotate(work, server)
    opening = {name: default_template(name).partition("{{")[0] for name in ("extract", "answer")}
    assert all(prompt.startswith(opening["extract"]) for prompt in server.prompts())
    traced = {row["guid"]: row["cot"] is not None for row in table(work, "cot")}
    assert set(traced.values()) == {True, False}
    for row in table(work, "sft"):
        assert row["prompt"][0]["content"].startswith(opening["extract" if traced[row["guid"]] else "answer"])
    assert all(row["prompt"][0]["content"].startswith(opening["extract"]) for row in table(work, "grpo"))
    prompts = manifest(work)["prompts"]
    assert {name: prompts[name] for name in ("annotate", "answer")} == {
        "annotate": default_template("extract"),
        "answer": default_template("answer"),
    }


def test_traces_stay_only_where_the_prediction_is_gold(work, server):
    annotate(work, server)
    cot, sft = table(work, "cot"), {row["guid"]: row for row in table(work, "sft")}
    assert len(cot) == len(sft) == 54
    assert len(table(work, "raw")) == 52
    for row in cot:
        number = int(row["sentence"].split()[0].removeprefix("Mara"))
        right = number % 7 != 6 and number % 2 == 0
        assert (row["cot"] is not None) == right
        mentions = sorted((item["text"], item["label"]) for item in row["entities"])
        assert mentions == sorted((item["text"], item["label"]) for item in row["gold"])
        trained = parse_answer(sft[row["guid"]]["completion"][0]["content"])
        assert trained.cot == row["cot"]
        assert sorted(trained.mentions) == sorted((label, text) for text, label in mentions)
    for item in table(work, "raw"):
        assert item["completion"]
        assert item["teacher"] == "m-2026"


def test_discarded_answers_are_there_with_their_reason(work, server):
    annotate(work, server)
    marks = table(work, "dropped")
    cot = {row["guid"]: row for row in table(work, "cot")}
    reasons = Counter(row["reason"] for row in marks)
    assert reasons == {"not_gold": 22, "malformed": 7, "refused": 2}
    assert all(cot[row["guid"]]["cot"] is None for row in marks)
    mark = next(row for row in marks if row["reason"] == "not_gold" and row["gold"])
    assert mark["step"] == "merge"
    assert mark["cot"]
    assert "adds" in mark["detail"]
    told = {row["name"]: row for row in manifest(work)["traces"]}
    assert sum(row["not_gold"] for row in told.values()) == 22
    assert sum(row["refused"] for row in told.values()) == 9
    assert sum(row["traced"] for row in told.values()) == sum(row["cot"] is not None for row in cot.values()) == 23
    card = (work / "build/hybrid/candidate/README.md").read_text()
    assert f"| ncbi | {told['ncbi']['traced']} | {told['ncbi']['not_gold']} |" in card


def test_a_release_of_it_is_sound_and_can_be_made_again(work, server):
    annotate(work, server)
    done = freeze("hybrid", work / "build", work / "releases")
    found = verify(done.folder, rebuild=True)
    assert found.problems == ()
    assert found.rebuilt


def verdicts(folder):
    """Ann's verdicts on all answers: wrong are one trace, and one row of gold; the two guids."""
    assert run(folder, "audit", "build/hybrid/candidate", "--sample", 100).code == 0
    about = json.loads((folder / "audit.html").read_text().partition('id="about">')[2].partition("</script>")[0])
    shown = [(row, row["attempts"][row["first"]]) for row in opened(folder / "audit.html")]
    traced = next(row["guid"] for row, answer in shown if answer["cot"] is not None)
    golden = next(row["guid"] for row, answer in shown if answer["cot"] is None and answer["entities"])
    lines = [
        {
            **{name: about[name] for name in ("corpus", "fingerprint")},
            "guid": row["guid"],
            "answer": answer["answer"],
            "person": "Ann",
            "verdict": "wrong" if row["guid"] in (traced, golden) else "right",
            "faults": [],
            "note": "",
        }
        for row, answer in shown
    ]
    write(folder / "ann.jsonl", lines)
    return traced, golden


def test_what_people_call_wrong_leaves_it(work, server, tmp_path):
    folder = tmp_path / "work"
    shutil.copytree(work, folder, ignore=shutil.ignore_patterns("releases"))
    annotate(folder, server)
    before = {row["guid"]: row for row in table(folder, "cot")}
    traced, golden = verdicts(folder)
    ran = run(folder, "audit", "build/hybrid/candidate", "--verdicts", "ann.jsonl", "--json")
    assert ran.code == 0, ran.err
    found = json.loads(ran.out)
    assert (found["kept"]["answers"], found["kept"]["right"], found["disputed"]) == (54, 52, 2)

    built = annotate(folder, server)
    assert built["calls"]["teacher"] == 0
    assert built["steps"][-1]["dropped"] == {"disputed": 1}
    rows = {row["guid"]: row for row in table(folder, "cot")}
    assert set(before) - set(rows) == {golden}
    assert rows[traced]["cot"] is None
    assert rows[traced]["entities"] == rows[traced]["gold"]
    told = {row["guid"]: row for row in table(folder, "dropped") if row["reason"] == "disputed"}
    assert set(told) == {traced, golden}
    assert told[traced]["cot"] == before[traced]["cot"]
    assert golden not in {row["guid"] for config in ("sft", "grpo") for row in table(folder, config)}
    assert len(manifest(folder)["disputed"]) == 2
    assert "People called 1 of the traces wrong." in (folder / "build/hybrid/candidate/README.md").read_text()
    assert annotate(folder, server)["changed"] is False
    done = freeze("hybrid", folder / "build", folder / "releases")
    found = verify(done.folder, rebuild=True)
    assert (found.problems, found.rebuilt) == ((), True)

    # The verdicts are withdrawn: everything is as it was.
    (folder / "releases/hybrid/disputed.jsonl").unlink()
    assert annotate(folder, server)["steps"][-1]["dropped"] == {}
    assert {row["guid"]: row for row in table(folder, "cot")} == before


def test_a_build_that_stops_goes_on(work, server, tmp_path):
    write_tree(tmp_path / "NER", {"ncbi": 12})
    recipe(tmp_path / "hybrid.toml", "hybrid", ["ncbi"], sample__size=3, corpus__name="hybrid", retry__max_seconds=1)

    def busy(call):
        return error(503, "busy") if "Mara4 " in call.prompt or "Mara5 " in call.prompt else policy(call)

    with FaultServer(busy) as failing:
        first = annotate(tmp_path, failing, code=1)
        assert sum(step["pending"] for step in first["steps"]) == 2
        assert first["records"] == len(table(tmp_path, "cot")) == 10
        failing.script = policy
        second = annotate(tmp_path, failing)
    assert second["records"] == 12
    assert second["calls"]["teacher"] == 2


def test_a_source_without_gold_is_one_line(tmp_path):
    (tmp_path / "NER").write_text('{"text": "Ada sails.", "schema": ["person"]}\n')
    recipe(tmp_path / "hybrid.toml", "hybrid", [])
    ran = run(tmp_path, "build", tmp_path / "hybrid.toml", "--input", tmp_path / "NER")
    assert ran.code == 2
    assert "no gold entities" in ran.err
    assert len(ran.told) == 1


# --- few-shot -----------------------------------------------------------------------------------------


def test_few_shot_draws_are_nested_and_ready_for_training(tmp_path):
    write_dataset(tmp_path / "CoNLL", rows("CoNLL", 200), dev=rows("CoNLL dev", 20))
    drawn = []
    for size in ("0.01", "0.05", "0.1"):
        settings = ("--set", f"sample.size={size}", "--set", f"corpus.name=few-{size}")
        ran = run(tmp_path, "build", "few-shot", "--input", tmp_path / "CoNLL", *settings, "--json")
        assert ran.code == 0, ran.err
        result = json.loads(ran.out)
        candidate = tmp_path / result["candidate"]
        cot = pq.read_table(candidate / "cot").to_pylist()
        assert len(cot) == result["records"] == round(200 * float(size))
        assert [step["step"] for step in result["steps"]] == ["source", "stratify", "merge"]
        assert all(row["cot"] is None and row["entities"] == row["gold"] for row in cot)
        sft = pq.read_table(candidate / "sft").to_pylist()
        assert all(parse_answer(row["completion"][0]["content"]).cot is None for row in sft)
        assert all("Answer at once" in row["prompt"][0]["content"] for row in sft)
        assert len(sft) == len(cot)
        drawn.append({row["guid"] for row in cot})
    assert drawn[0] < drawn[1] < drawn[2]
