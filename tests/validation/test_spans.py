"""Metrics: both modes by hand and against the written-out definition, comparison, drift, intervals."""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path

import paper_definition
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nercot.corpus.records import Entity, Record
from nercot.errors import InputError
from nercot.validation.grounding import ground
from nercot.validation.paper import paper_body, paper_mention, read_paper
from nercot.validation.spans import (
    KINDS,
    Pair,
    bootstrap,
    compare,
    confusions,
    drift,
    error_kinds,
    micro_f1,
)

EMPTY = '{"entities": {}}'


def answer(**labels: list[str]) -> str:
    return json.dumps({"entities": labels})


def record(**fields) -> Record:
    return Record("0" * 32, "test", "Ann met Bob", ("person",), **fields)


def counts(score) -> tuple[int, int, int]:
    return score.gold, score.predicted, score.matched


# ---- exact -------------------------------------------------------------------------------------


def test_exact_counts_every_occurrence():
    score = micro_f1([answer(person=["Ann", "Ann", "Bob"])], [answer(person=["Ann", "Bob", "Bob"])])
    assert counts(score) == (3, 3, 2)
    assert (score.precision, score.recall, score.f1) == (2 / 3, 2 / 3, 2 / 3)


def test_exact_folds_labels_and_keeps_mentions():
    score = micro_f1([{"Medical_Condition": ["Flu"]}], [{"medical condition": ["flu", "Flu"]}])
    assert counts(score) == (2, 1, 1)
    assert list(score.per_type) == ["medical condition"]


def test_all_ways_to_give_entities_are_equal():
    entities = (Entity("Ann", "person", 0, 3, "exact"),)
    ways = [answer(person=["Ann"]), {"person": ["Ann"]}, entities, record(entities=entities)]
    for prediction in ways:
        for gold in ways:
            for mode in ("exact", "paper"):
                assert micro_f1([prediction], [gold], mode).f1 == 1


def test_a_record_is_its_gold_as_gold_and_its_entities_as_prediction():
    both = record(gold=(Entity("Ann", "person"), Entity("Bob", "person")), entities=(Entity("Ann", "person"),))
    assert counts(micro_f1([both], [both])) == (2, 1, 1)
    assert counts(micro_f1([both], [both], "paper")) == (2, 1, 1)


def test_what_cannot_be_read_predicts_nothing_and_its_gold_counts():
    golds = [answer(person=["Ann"]), answer(person=["Bob"])]
    predictions = ["I would say Ann.", answer(person=["Bob"])]
    assert counts(micro_f1(predictions, golds)) == (2, 1, 1)
    assert micro_f1(predictions, golds).unreadable == 1
    assert micro_f1([record(), answer(person=["Bob"])], golds).unreadable == 1
    assert micro_f1([{"person": "Ann"}, answer(person=["Bob"])], golds).unreadable == 1
    fence = ['```json {"entities": {"person": ["Ann"]}}', answer(person=["Bob"])]
    assert counts(micro_f1(fence, golds, "paper")) == (2, 1, 1)
    assert micro_f1(fence, golds, "paper").unreadable == 1


@pytest.mark.parametrize(("mode", "value"), [("exact", 1.0), ("paper", 0.0)])
def test_nothing_at_all(mode, value):
    for rows in ([], [EMPTY], [EMPTY, EMPTY]):
        score = micro_f1(rows, rows, mode)
        assert (score.precision, score.recall, score.f1) == (value, value, value)


@pytest.mark.parametrize("mode", ["exact", "paper"])
def test_one_empty_side_is_zero(mode):
    for prediction, gold in ((EMPTY, answer(x=["a b"])), (answer(x=["a b"]), EMPTY)):
        score = micro_f1([prediction], [gold], mode)
        assert (score.precision, score.recall, score.f1) == (0, 0, 0)


def test_per_type_adds_up():
    score = micro_f1([answer(person=["Ann"], place=["Rome", "Oslo"])], [answer(person=["Ann", "Bob"], date=["May"])])
    assert {name: counts(one) for name, one in score.per_type.items()} == {
        "date": (1, 0, 0),
        "person": (2, 1, 1),
        "place": (0, 2, 0),
    }
    assert score.per_type["person"].recall == 0.5


def test_types_go_by_the_spelling_of_the_gold():
    score = micro_f1([{"DATE": ["May"], "pla ce": ["x"]}, {}], [{}, {"Date": ["June"]}])
    assert list(score.per_type) == ["Date", "pla ce"]


def test_offsets_tell_occurrences_apart_where_both_sides_have_them():
    first, second, bare = Entity("Ann", "person", 0, 3), Entity("Ann", "person", 8, 11), Entity("Ann", "person")
    assert micro_f1([[first]], [[second]]).f1 == 1
    assert micro_f1([[first]], [[second]], offsets=True).f1 == 0
    assert micro_f1([[first]], [[bare]], offsets=True).f1 == 1
    assert micro_f1([[bare]], [[second]], offsets=True).f1 == 1
    # The gold without a place takes the found one that has a place, so that both are matched.
    assert micro_f1([[bare, second]], [[bare, first]], offsets=True).matched == 2


def test_wrong_calls_are_errors():
    with pytest.raises(ValueError, match="1 predictions for 0 golds"):
        micro_f1([EMPTY], [])
    with pytest.raises(ValueError, match="'strict'"):
        micro_f1([], [], "strict")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="offsets"):
        micro_f1([], [], "paper", offsets=True)
    for score in (micro_f1, error_kinds):
        with pytest.raises(InputError, match="row 2"):
            score([EMPTY, EMPTY], [EMPTY, "no answer"])


# ---- paper -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "pairs"),
    [
        (answer(Person=["The Hague", "U.S."]), {("hague", "person"), ("us", "person")}),
        (answer(x=["C++", "C", "c"]), {("c", "x")}),
        (answer(x=["@", "the", ""]), {("", "x")}),
        (answer(**{" A_b ": ["Ann"]}), {("ann", "a_b")}),
        (answer(x=["theatre in a panda"]), {("theatre in panda", "x")}),
        (answer(x=["“quoted” – dash"]), {("“quoted” – dash", "x")}),
        ("<think>{</think>\n" + answer(x=["y"]), {("y", "x")}),
        ("<think>one</think><think>\ntwo</think>" + answer(x=["y"]), {("y", "x")}),
        ("thought</think>" + answer(x=["y"]), set()),
        ("</think>" + answer(x=["y"]), {("y", "x")}),
        ("<think>" + answer(x=["y"]), {("y", "x")}),
        ("Hm <answer>" + answer(x=["y"]) + "</answer> or <answer>" + answer(x=["z"]) + "</answer>", {("y", "x")}),
        ("<answer>" + answer(x=["y"]), {("y", "x")}),
        ("<answer></answer>" + answer(x=["y"]), set()),
        (answer(x=["y"]) + "</answer>", set()),
        ("Sure:\n```json\n" + answer(x=["y"]) + "\n```\nDone", {("y", "x")}),
        ("```json\n" + answer(x=["y"]), None),
        ("```\n" + answer(x=["y"]) + "\n```", set()),
        ('{"entities": {"x": ["a b"]}, "entities": {"x": ["c d"]}}', {("c d", "x")}),
        ('{"entities": {"x": ["y"], "x": ["z"]}}', {("z", "x")}),
        ('{"entities": {"x": ["y", 3, null, ["z"], {"w": 1}]}}', {("y", "x")}),
        ('{"entities": {"x": "yz"}}', {("y", "x"), ("z", "x")}),
        ('{"entities": {"x": {"Ann": ["z"]}}}', {("ann", "x")}),
        ('{"entities": {"x": 3}}', None),
        ('{"entities": {"y": ["z"], "x": true}}', None),
        ('{"entities": {"x": null}}', None),
        ('{"entities": []}', None),
        ('{"entities": null}', None),
        ('{"spans": {"x": ["y"]}}', set()),
        ("[1]", set()),
        ("", set()),
        ("\ufeff" + answer(x=["y"]), set()),
        ('{"entities": ' + "[" * 100_000, set()),
        ('{"entities": {"x": ["y"]}, "n": ' + "1" * 5_000 + "}", set()),
    ],
)
def test_the_paper_reading(text, pairs):
    assert read_paper(text) == pairs
    assert paper_definition.read(text) == pairs


def test_the_paper_counts_sets():
    score = micro_f1([answer(x=["Ann", "ann", "Bob"])], [answer(X=["the Ann", "Eve"])], "paper")
    assert counts(score) == (2, 2, 1)
    assert list(score.per_type) == ["x"]


def test_the_paper_takes_entities_and_mappings_as_it_takes_answers():
    assert counts(micro_f1([[Entity("C++", " X "), Entity("C", "x")]], [{"x": ["c"]}], "paper")) == (1, 1, 1)
    assert micro_f1([{"x": 3}], [{"x": ["c"]}], "paper").unreadable == 1  # type: ignore[dict-item]


@given(paper_definition.ANSWERS)
def test_the_paper_reading_is_the_definition(text):
    assert paper_body(text) == paper_definition.body(text)
    assert read_paper(text) == paper_definition.read(text)


@given(st.text())
def test_the_paper_mention_is_the_definition(text):
    assert paper_mention(text) == paper_definition.normal(text)


@given(
    st.lists(
        st.tuples(paper_definition.ANSWERS, paper_definition.LABELLED.map(lambda found: answer(**found))), max_size=6
    )
)
def test_the_paper_metric_is_the_definition(rows):
    predictions, golds = [row[0] for row in rows], [row[1] for row in rows]
    assert micro_f1(predictions, golds, "paper").f1 == pytest.approx(paper_definition.f1(predictions, golds), abs=1e-12)


@pytest.mark.parametrize(
    "nasty",
    [
        "<think>" * 150_000,
        "</think>" * 130_000,
        "<think></think>" * 70_000,
        "<think>" * 70_000 + "</think>" * 70_000,
        "<answer>" * 125_000,
        "```json" * 150_000,
        "{" * 1_000_000,
        '{"entities": {"x": ["' + "the " * 250_000 + '"]}}',
        json.dumps({"entities": {str(number): ["a"] for number in range(70_000)}}),
    ],
    ids=lambda nasty: nasty[:20],
)
@pytest.mark.timeout(60)
def test_a_megabyte_of_anything_is_read(nasty):
    score = micro_f1([nasty], [answer(x=["y"])], "paper")
    assert (score.gold, score.matched) == (1, 0)
    assert micro_f1([nasty], [answer(x=["y"])]).matched == 0


@given(paper_definition.ANSWERS)
def test_no_prediction_raises(text):
    for mode in ("exact", "paper"):
        score = micro_f1([text], [answer(x=["y"])], mode)
        assert score.gold == 1
        assert 0 <= score.f1 <= 1


# ---- comparison --------------------------------------------------------------------------------

ANN, ORG, NEW, YORK = (
    Entity("Ann", "person"),
    Entity("Ann", "org"),
    Entity("New York", "place"),
    Entity("York", "place"),
)


@pytest.mark.parametrize(
    ("gold", "found", "kinds"),
    [
        ([], [], []),
        ([ANN], [ANN], ["same"]),
        ([ANN], [Entity("Ann", "Per_Son")], ["same"]),
        ([ANN], [ORG], ["relabelled"]),
        ([NEW], [YORK], ["boundary"]),
        ([YORK], [NEW], ["boundary"]),
        ([NEW], [Entity("York", "person")], ["added", "removed"]),
        ([ANN], [], ["removed"]),
        ([], [ANN], ["added"]),
        ([ANN], [ANN, ANN], ["same", "added"]),
        ([ANN, ORG], [ANN], ["same", "removed"]),
        ([Entity("Ann", "person", 0, 3)], [Entity("Ann", "person", 9, 12)], ["added", "removed"]),
        ([Entity("Ann", "person", 0, 3)], [Entity("Ann", "org", 0, 3)], ["relabelled"]),
        ([Entity("Ann Lee", "person", 0, 7)], [Entity("Lee Jr", "person", 4, 10)], ["boundary"]),
        ([Entity("Ann", "person", 0, 3)], [Entity("Lee", "person", 3, 6)], ["added", "removed"]),
        ([Entity("Ann", "person", 0, 3)], [Entity("Ann", "person")], ["same"]),
        ([Entity("New York", "place", 0, 8)], [Entity("York", "place")], ["boundary"]),
    ],
)
def test_compare(gold, found, kinds):
    assert [pair.kind for pair in compare(gold, found)] == kinds


def test_a_boundary_goes_to_the_longest_overlap():
    gold, short, long = (
        Entity("New York City", "place", 0, 13),
        Entity("New", "place", 0, 3),
        Entity("York City", "place", 4, 13),
    )
    assert compare([gold], [short, long]) == (Pair("boundary", gold, long), Pair("added", None, short))


def test_drift_names_the_commonest_kind_and_decides_ties_in_order():
    assert drift([], []) == "same"
    assert drift([ANN, NEW], [ANN, NEW]) == "same"
    assert drift([ANN, NEW], [ORG, YORK]) == "relabelled"
    assert drift([NEW], [YORK, ANN]) == "boundary"
    assert drift([ANN], [Entity("Eve", "person")]) == "added"
    assert drift([ANN, NEW, Entity("Bob", "x")], [ORG]) == "removed"


def test_confusions_and_error_kinds():
    gold, found = [ANN, NEW, Entity("May", "date")], [ORG, YORK, Entity("Bob", "person")]
    expected = Counter({("person", "org"): 1, ("place", "place"): 1, ("date", None): 1, (None, "person"): 1})
    assert confusions(compare(gold, found)) == expected
    errors = error_kinds([found, "unreadable"], [gold, [ANN]])
    assert (errors.correct, errors.missed, errors.spurious, errors.wrong_type, errors.boundary) == (0, 2, 1, 1, 1)
    assert errors.confusions == expected + Counter({("person", None): 1})


SENTENCE = "ab ab abc b"


@st.composite
def entities(draw):
    start = draw(st.integers(0, len(SENTENCE) - 1))
    end = draw(st.integers(start + 1, len(SENTENCE)))
    label = draw(st.sampled_from(["person", "Person", "place"]))
    return Entity(SENTENCE[start:end], label, *((start, end) if draw(st.booleans()) else ()))


SIDES = st.lists(entities(), max_size=6)


@given(SIDES, SIDES)
def test_every_entity_is_in_exactly_one_pair(gold, found):
    pairs = compare(gold, found)
    assert Counter(pair.gold for pair in pairs if pair.gold) == Counter(gold)
    assert Counter(pair.found for pair in pairs if pair.found) == Counter(found)
    assert {pair.kind for pair in pairs} <= set(KINDS)
    for pair in pairs:
        assert (pair.gold is None) == (pair.kind == "added")
        assert (pair.found is None) == (pair.kind == "removed")


@given(SIDES, SIDES)
def test_error_kinds_agree_with_the_score(gold, found):
    errors, score = error_kinds([found], [gold]), micro_f1([found], [gold], offsets=True)
    paired = errors.correct + errors.wrong_type + errors.boundary
    assert (paired + errors.missed, paired + errors.spurious, errors.correct) == counts(score)
    assert score.matched <= micro_f1([found], [gold]).matched


@given(SIDES, SIDES)
def test_the_score_is_the_same_both_ways(gold, found):
    for offsets in (False, True):
        there, back = micro_f1([found], [gold], offsets=offsets), micro_f1([gold], [found], offsets=offsets)
        assert (there.f1, there.precision, there.recall) == (back.f1, back.recall, back.precision)


@given(SIDES)
def test_anything_is_the_same_as_itself(gold):
    assert drift(gold, gold) == "same"
    assert micro_f1([gold], [gold]).f1 == 1
    assert set(error_kinds([gold], [gold]).confusions) == {(entity.label, entity.label) for entity in gold}


# ---- interval ----------------------------------------------------------------------------------


def test_the_interval_holds_the_score_and_repeats():
    golds = [answer(x=["y"])] * 60
    score = micro_f1([answer(x=["y"])] * 40 + [answer(x=["z"])] * 20, golds)
    interval = bootstrap(score, seed=7)
    assert interval == bootstrap(score, seed=7)
    assert interval != bootstrap(score, seed=8)
    # 40 of 60 right: the standard error of the share is 0.061, so 1.96 of them are 0.119.
    assert interval.low == pytest.approx(2 / 3 - 0.119, abs=0.03)
    assert interval.high == pytest.approx(2 / 3 + 0.119, abs=0.03)
    narrow = bootstrap(score, seed=7, level=0.5)
    assert interval.low < narrow.low < score.f1 < narrow.high < interval.high


def test_the_interval_of_rows_that_agree_is_a_point():
    score = micro_f1([answer(x=["y"])] * 5, [answer(x=["y"])] * 5)
    assert (bootstrap(score).low, bootstrap(score).high) == (1, 1)
    for mode, value in (("exact", 1), ("paper", 0)):
        for rows in ([], [EMPTY] * 3):
            interval = bootstrap(micro_f1(rows, rows, mode))
            assert (interval.low, interval.high) == (value, value)


# ---- real data ---------------------------------------------------------------------------------

DATA = os.environ.get("NERCOT_TEST_DATA")


@pytest.mark.skipif(not DATA, reason="NERCOT_TEST_DATA is not set")
def test_real_gold_without_its_first_entity():
    for path in sorted(Path(DATA or "", "instructuie_layout", "NER").glob("*/dev.json")):
        rows = json.loads(path.read_text(encoding="utf-8"))
        golds = [[Entity(one["name"], one["type"], *one["pos"]) for one in row["entities"]] for row in rows]
        total, cut = sum(map(len, golds)), sum(1 for gold in golds if gold)
        score = micro_f1([gold[1:] for gold in golds], golds, offsets=True)
        assert counts(score) == (total, total - cut, total - cut), path
        assert error_kinds([gold[1:] for gold in golds], golds).missed == cut
        assert {drift(gold, gold[1:]) for gold in golds if gold} == {"removed"}


SENTENCE = "Mara Lind of Kestrel 's bank met tern and Tern in “Oslo” ."


def there(text: str, label: str) -> Entity:
    start = SENTENCE.index(text)
    return Entity(text, label, start, start + len(text))


@pytest.mark.parametrize(
    ("mention", "gold"),
    [
        ("Kestrel's bank", "Kestrel 's bank"),
        ('"Oslo"', "“Oslo”"),
        ("mara lind", "Mara Lind"),
        ("MaraLind", "Mara Lind"),
    ],
)
def test_what_validation_grounds_is_equal_in_every_measure(mention, gold):
    entity = there(gold, "x")
    row = Record("1", "d", SENTENCE, ("x",), gold=(entity,))
    (grounded,) = ground(SENTENCE, [("x", mention)])
    assert (grounded.text, grounded.start) == (gold, entity.start)
    for expected in (row, [entity], {"x": [gold]}):
        score = micro_f1([answer(x=[mention])], [expected])
        assert (score.f1, micro_f1([answer(x=[mention])], [expected], offsets=True).f1) == (1, 1)
        errors = error_kinds([answer(x=[mention])], [expected])
        assert (errors.correct, errors.missed, errors.spurious, errors.boundary) == (1, 0, 0, 0)


def test_with_the_sentence_at_hand_case_tells_two_mentions_apart():
    row = Record("1", "d", SENTENCE, ("x",), gold=(there("Tern", "x"),))
    assert micro_f1([answer(x=["tern"])], [row]).f1 == 0
    assert error_kinds([answer(x=["tern"])], [row]).missed == 1
    assert micro_f1([answer(x=["Tern"])], [row]).f1 == 1


def test_a_mention_is_never_counted_twice():
    row = Record("1", "d", SENTENCE, ("x",), gold=(there("Kestrel 's bank", "x"),))
    score = micro_f1([answer(x=["Kestrel's bank", "Kestrel 's bank"])], [row])
    assert (score.gold, score.predicted, score.matched) == (1, 2, 1)


def test_the_papers_own_mode_stays_as_it_is():
    assert micro_f1([answer(x=["Kestrel's bank"])], [{"x": ["Kestrel 's bank"]}], "paper").f1 == 0
