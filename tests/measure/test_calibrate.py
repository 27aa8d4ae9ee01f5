"""Calibration on records of our own: every fault is one, and the figures are what they are called."""

import json
import re
from random import Random

import pytest
from commands import run
from fault_server import FaultServer, answer
from hypothesis import given
from hypothesis import strategies as st
from scripted import gold_options

from nercot.corpus.recipe import empty_recipe
from nercot.corpus.records import Entity, Record
from nercot.errors import ShortfallError
from nercot.measure.calibrate import REPEATS, _auc, _correlation, calibrate
from nercot.measure.perturb import FAULTS, perturb
from nercot.measure.variants import VARIANTS
from nercot.validation.rules import validate

PARTS = ("grounding", "boundary", "type", "completeness", "coherence", "score")
FIRST = ("Mara", "Ines", "Odd", "Tove", "Luis", "Nora", "Emil", "Greta")
CITIES = ("Oslo", "Turin", "Porto", "Bergen", "Lyon", "Ghent", "Graz", "Bari")


def record(number):
    name, city = FIRST[number % 8], CITIES[number // 8 % 8]
    sentence = f"Mrs {name} Holm left {city} after {number + 20} long years."
    at = sentence.index(city)
    return Record(
        guid=f"{number:032x}",
        dataset="d",
        sentence=sentence,
        schema=("person", "city", "product"),
        cot=(
            f'"{name} Holm" follows "Mrs", so it is a person.\n'
            f'"{city}" is what she left after years, a city.\nNo product is named.'
        ),
        entities=(
            Entity(f"{name} Holm", "person", 4, 9 + len(name), "exact", 0, 40),
            Entity(city, "city", at, at + len(city), "exact", 45, 80),
        ),
    )


RECORDS = [record(number) for number in range(40)]


def listed(item):
    return sorted((entity.text, entity.label) for entity in item.entities)


def corpus(folder, records=RECORDS):
    path = folder / "rows.jsonl"
    with path.open("w") as file:
        for item in records:
            entities = [{"text": entity.text, "label": entity.label} for entity in item.entities]
            row = {"guid": item.guid, "sentence": item.sentence, "schema": item.schema, "cot": item.cot}
            file.write(json.dumps({**row, "entities": entities}) + "\n")
    return path


def measured(folder, path, *overrides, limit=200, seed=0, out=None, plan=False, reads=None):
    recipe = empty_recipe("calibrate", overrides)
    return calibrate(
        str(path),
        recipe,
        out,
        folder / "ledger.sqlite",
        limit,
        seed,
        None,
        None,
        lambda step, done, total: None,
        plan,
        reads,
    )


# --- faults ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", FAULTS)
def test_a_fault_is_one_and_the_same_seed_makes_the_same(kind):
    for right in RECORDS[:10]:
        wrong = perturb(right, RECORDS, kind, 7)
        assert wrong is not None
        assert (wrong.cot, wrong.entities) != (right.cot, right.entities)
        assert (wrong.sentence, wrong.schema) == (right.sentence, right.schema)
        assert perturb(right, RECORDS, kind, 7) == wrong
    assert len({perturb(RECORDS[0], RECORDS, kind, seed).cot for seed in range(30)}) > (
        kind not in ("label_swapped", "entity_removed", "boundary_moved")
    )


def test_each_fault_is_what_it_is_called():
    right = RECORDS[3]
    for seed in range(20):
        made = {kind: perturb(right, RECORDS, kind, seed) for kind in FAULTS}
        assert len(set(listed(made["label_swapped"])) - set(listed(right))) == 1
        assert {text for text, _ in listed(made["label_swapped"])} == {text for text, _ in listed(right)}
        assert set(listed(made["entity_removed"])) < set(listed(right))
        gone = [entity.text for entity in right.entities if entity.text not in made["removed_from_trace"].cot]
        assert len(gone) == 1
        assert made["removed_from_trace"].entities == right.entities
        for entity in made["boundary_moved"].entities:
            assert right.sentence[entity.start : entity.end] == entity.text
        assert len(set(listed(made["boundary_moved"])) - set(listed(right))) == 1
        assert made["trace_contradicting"].cot.startswith(right.cot)
        strange = set(listed(made["hallucinated_mention"])) - set(listed(right))
        assert len(strange) == 1
        assert strange.pop()[0] not in right.sentence
        assert made["foreign_trace"].cot in {other.cot for other in RECORDS}
        assert not any(entity.text in made["foreign_trace"].cot for entity in right.entities)


def test_a_type_of_the_same_sort_is_no_fault():
    only = Record("1", "d", "In Oslo.", ("city", "City Name"), cot="x", entities=(Entity("Oslo", "city", 3, 7),))
    assert perturb(only, RECORDS, "label_swapped", 0) is None


def test_what_cannot_be_made_wrong_is_left_out():
    empty = Record("1", "d", "Nothing here.", ("city",), cot="There is no city.", entities=())
    possible = {kind for kind in FAULTS if perturb(empty, RECORDS, kind, 0) is not None}
    assert possible == {"hallucinated_mention", "foreign_trace"}


@given(st.text(max_size=60), st.text(max_size=120), st.data())
def test_any_text_can_be_perturbed(sentence, cot, data):
    start = data.draw(st.integers(0, max(0, len(sentence) - 1)))
    end = data.draw(st.integers(start, len(sentence)))
    entities = (Entity(sentence[start:end], "city", start, end, "exact", 0, 1),) if start < end else ()
    item = Record("1", "d", sentence, ("city", "person"), cot=cot, entities=entities)
    for kind in FAULTS:
        perturb(item, RECORDS, kind, 0)


# --- figures --------------------------------------------------------------------------------------


def careful(call):
    """A judge that looks whether the reasoning speaks of every entity, and of nothing else."""
    _, _, rest = call.prompt.rpartition("Reasoning of the annotator:\n")
    reasoning, _, rest = rest.partition("Annotated entities:")
    listed = json.loads(rest.partition("```\n")[2].partition("\n```")[0])["entities"]
    missing = [text for texts in listed.values() for text in texts if f'"{text}"' not in reasoning]
    odd = len(listed) != 2 or len(reasoning.splitlines()) != 6
    return answer(json.dumps({"reason": "", **dict.fromkeys(PARTS, 3 if missing or odd else 9.5)}))


def test_rules_and_judge_are_measured(tmp_path):
    with FaultServer(careful) as server:
        _rules_and_judge_are_measured(tmp_path, ("judge.url", server.url), ("judge.model", "m"))


def _rules_and_judge_are_measured(tmp_path, *judged):
    found = measured(tmp_path, corpus(tmp_path), *judged, out=tmp_path / "out")
    rules, judge = found["rules"], found["judge"]
    assert rules["right"]["made"] == found["records"] == 40
    for kind, made in rules["faults"].items():
        assert 0 <= made["caught"] <= made["made"] <= 40 - rules["right"]["lost"]
        assert made["made"] >= 30
        assert max(made["by_rule"].values(), default=0) <= made["caught"]
        assert judge["faults"][kind]["kept_and_valid"] <= min(
            made["made"] - made["caught"], judge["faults"][kind]["kept"]
        )
    assert rules["faults"]["hallucinated_mention"]["caught"] == rules["faults"]["hallucinated_mention"]["made"]
    assert rules["faults"]["removed_from_trace"]["by_rule"]["not_justified"] >= 30
    assert judge["auc"] > 0.6
    assert judge["variance"] == 0
    assert json.loads((tmp_path / "out/calibration.json").read_text()) == found
    assert measured(tmp_path, tmp_path / "rows.jsonl", *judged) == found
    assert measured(tmp_path, tmp_path / "rows.jsonl", *judged, seed=1) != found
    assert measured(tmp_path, tmp_path / "rows.jsonl")["judge"] is None


def test_right_records_that_the_rules_lose_are_counted_and_not_perturbed(tmp_path):
    broken = perturb(RECORDS[0], RECORDS, "hallucinated_mention", 0)
    assert not validate(broken).valid
    found = measured(tmp_path, corpus(tmp_path, [broken, *RECORDS[1:10]]))
    assert found["rules"]["right"]["lost"] >= 1
    assert found["rules"]["right"]["by_rule"]["not_in_sentence"] == 1
    assert all(made["made"] <= 9 for made in found["rules"]["faults"].values())


def test_a_draw_is_as_large_as_asked_and_follows_the_seed(tmp_path):
    path = corpus(tmp_path)
    assert measured(tmp_path, path, limit=5)["records"] == 5
    assert measured(tmp_path, path, limit=5) == measured(tmp_path, path, limit=5)


def test_a_judge_that_is_a_server_is_asked_again_and_again(tmp_path):
    def script(call):
        score = 11 - call.tries
        return answer(json.dumps({**dict.fromkeys(PARTS, score), "reason": "as it is"}))

    path = corpus(tmp_path, RECORDS[:4])
    with FaultServer(script) as server:
        setting = [("judge.url", server.url), ("judge.model", "m"), ("judge.concurrency", 1)]
        found = measured(tmp_path, path, *setting)
        asked = len(server.calls)
        assert measured(tmp_path, path, *setting) == found
        assert len(server.calls) == asked
    cases = sum(kind["judged"] for kind in found["judge"]["faults"].values()) + found["judge"]["right"]["judged"]
    laid_out = 4  # of the other forms of an answer only another layout of its trace is another question
    assert asked == REPEATS * (cases + laid_out)
    assert found["judge"]["unjudged"] == 0
    assert found["judge"]["variance"] == pytest.approx(2 / 3, abs=1e-4)
    assert found["judge"]["model"] == "m"


def test_what_a_judge_does_not_answer_readably_is_not_judged(tmp_path):
    with FaultServer(lambda call: answer("fine, I would say")) as server:
        found = measured(tmp_path, corpus(tmp_path, RECORDS[:2]), ("judge.url", server.url), ("judge.model", "m"))
    assert found["judge"]["unjudged"] > 0
    assert found["judge"]["auc"] is None
    assert found["judge"]["right"] == {"judged": 0, "kept": 0}


def reader_of(call):
    """Says what the traces of our records conclude, and nothing of a mention that they take back."""
    trace = call.prompt.rpartition("Reasoning:")[2]
    taken = []
    for name, kind in re.findall(r'^"([^"]+)" (?:follows|is what).* (person|city)\.$', trace, re.MULTILINE):
        taken.append({"mention": name, "type": kind, "because": f'"{name}"'})
    gone = re.findall(r'(?:Wait|thought|Hmm)[^"]*"([^"]+)"', trace)
    taken = [item for item in taken if item["mention"] not in gone]
    return {"taken": taken, "refused": gone, "given": False, "sound": True}


def judge_of(call):
    parts = ("grounding", "boundary", "type", "completeness", "coherence")
    return {"reason": "so it is", **dict.fromkeys(parts, 9), "score": 9 if "Wait" in call.prompt else 9.5}


def test_reader_and_judge_are_measured_apart_and_together(tmp_path):
    def script(call):
        return answer(json.dumps(judge_of(call) if "Annotated entities:" in call.prompt else reader_of(call)))

    path = corpus(tmp_path, RECORDS[::7])
    with FaultServer(script) as server:
        setting = [("judge.url", server.url), ("judge.model", "m"), ("reader.url", server.url), ("reader.model", "r")]
        planned = measured(tmp_path, path, *setting, plan=True, reads=True)
        assert not server.calls
        found = measured(tmp_path, path, *setting, reads=True)
        asked = len(server.calls)
    assert 0 < planned["calls"]["reader"] <= 2 * 6 * 8
    assert planned["calls"]["reader"] + planned["calls"]["judge"] >= asked
    assert planned["tokens"]["input"] > 1000
    assert (found["reader"]["model"], found["reader"]["unread"]) == ("r", 0)
    assert found["reader"]["right"] == {"read": 6, "lost": 0}
    for kind in ("label_swapped", "entity_removed", "trace_contradicting", "foreign_trace"):
        counts = found["reader"]["faults"][kind]
        assert counts["caught"] == counts["read"] > 0
    assert found["reader"]["faults"]["boundary_moved"]["caught"] == 0
    assert found["reader"]["boundary"] > 0
    adds = found["together"]["adds"]
    assert adds["judge_alone"] == adds["both"] == 0 < adds["reader_alone"]
    right = found["together"]["kinds"]["right"]
    assert (right["all"]["count"], right["all"]["of"]) == (0, 6)
    assert 0 < right["all"]["share"]["high"] < 1
    assert all(
        (each["made"], each["verdict_moved"], each["score_moved"]) == (6, 0, 0) for each in found["invariance"].values()
    )


def test_the_curve_proposes_the_lowest_threshold_that_costs_nothing(tmp_path):
    path = tmp_path / "rows.jsonl"
    with path.open("w") as file:
        for number, item in enumerate(RECORDS):
            entities = [{"text": entity.text, "label": entity.label} for entity in item.entities]
            gold = entities[:1] if number % 4 == 0 else entities
            row = {"sentence": item.sentence, "schema": item.schema, "cot": item.cot, "entities": entities}
            file.write(json.dumps({**row, "gold": gold}) + "\n")
    low = {item.sentence for number, item in enumerate(RECORDS) if number % 4 == 0}

    def script(call):
        score = 6 if any(sentence in call.prompt for sentence in low) else 8
        parts = ("grounding", "boundary", "type", "completeness", "coherence", "score")
        return answer(json.dumps({"reason": "x", **dict.fromkeys(parts, score)}))

    with FaultServer(script) as server:
        found = measured(tmp_path, path, ("judge.url", server.url), ("judge.model", "m"))
    points = {point["threshold"]: point for point in found["curve"]["points"]}
    assert points[6]["equal_to_gold"]["value"] == 0.75
    assert (points[8]["equal_to_gold"]["value"], points[8]["kept"]["share"]["value"]) == (1, 0.75)
    assert points[9]["equal_to_gold"] is None
    assert found["curve"]["proposed"] == 6.5


@pytest.mark.parametrize("kind", VARIANTS)
def test_an_answer_in_another_form_says_the_same(kind):
    for item in RECORDS[:5]:
        verdict = validate(VARIANTS[kind](item))
        assert verdict.valid
        assert sorted((entity.text, entity.label) for entity in verdict.entities) == listed(item)
        assert (verdict.cot or "").split() == item.cot.split()


def test_rows_without_traces_are_an_error(tmp_path):
    (tmp_path / "rows.jsonl").write_text('{"sentence": "Ada.", "schema": ["person"], "gold": []}\n')
    with pytest.raises(ShortfallError, match="no row has a trace"):
        measured(tmp_path, tmp_path / "rows.jsonl")


@given(st.lists(st.integers(0, 4), min_size=1), st.lists(st.integers(0, 4), min_size=1))
def test_auc_is_the_share_of_pairs_in_the_right_order(right, wrong):
    pairs = [(one > other) + (one == other) / 2 for one in right for other in wrong]
    assert _auc(right, wrong) == pytest.approx(sum(pairs) / len(pairs), abs=1e-4)


def test_what_never_varies_correlates_with_nothing():
    assert _correlation([(1, 5.0), (2, 5.0)]) is None
    assert _correlation([]) is None
    assert _correlation([(1, 5.0), (2, 6.0), (3, 7.0)]) == 1


def test_the_command_prints_the_table_and_the_card_shows_it(tmp_path):
    draw = Random(0).sample(RECORDS, 12)
    rows = corpus(tmp_path, draw)
    source = tmp_path / "source.jsonl"
    with source.open("w") as file:
        for line in map(json.loads, rows.read_text().splitlines()):
            file.write(json.dumps({key: line[key] for key in ("sentence", "schema", "entities")}) + "\n")
    assert run(tmp_path, "build", "quickstart", "--input", source, *gold_options(source)).code == 0
    ran = run(tmp_path, "calibrate", "build/quickstart/candidate", "--out", "build/quickstart")
    assert ran.code == 0
    assert "trace contradicting" in ran.out
    assert "calibration.json" in ran.out
    told = run(tmp_path, "calibrate", "build/quickstart/candidate", "--json", "--limit", 5)
    assert json.loads(told.out)["records"] == 5
    assert run(tmp_path, "build", "quickstart", "--input", source, *gold_options(source)).code == 0
    card = (tmp_path / "build/quickstart/candidate/README.md").read_text()
    assert "## Calibration" in card
    assert "| hallucinated mention |" in card
