"""Rewards: bounds, both modes, the adapters of TRL and verl."""

from __future__ import annotations

import inspect
import json
import subprocess
import sys
from contextlib import suppress

import paper_definition
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nercot import rewards
from nercot.corpus.records import Entity
from nercot.errors import InputError
from nercot.measure.rewards import (
    compute_score,
    f1_reward,
    schema_reward,
    trace_reward,
    trl_f1_reward,
    trl_f1_reward_paper,
    trl_schema_reward,
    trl_schema_reward_paper,
    trl_trace_reward,
)
from nercot.validation.answers import render_answer

SCHEMA = ("person", "Place Name")
EMPTY = '{"entities": {}}'


def answer(**labels: list[str]) -> str:
    return json.dumps({"entities": labels})


GOLD = answer(person=["Ann", "Bob"])


@pytest.mark.parametrize(
    ("completion", "gold", "exact", "paper"),
    [
        (GOLD, GOLD, 1, 1),
        ("<think>\nAnn and Bob.\n</think>\n" + GOLD, GOLD, 1, 1),
        ("Ann and Bob.\n</think>\n" + GOLD, GOLD, 1, 0),
        (answer(Person=["Ann"]), GOLD, 2 / 3, 2 / 3),
        (answer(person=["Ann", "Ann", "Bob", "Eve"]), GOLD, 2 / 3, 0.8),
        (answer(person=["Anne", "the Bob"]), GOLD, 0, 0.5),
        (answer(person=["ann", "Bob"]), GOLD, 1, 1),
        (answer(person=["Ann’s"]), answer(person=["Ann 's"]), 1, 0),
        (EMPTY, EMPTY, 1, 0),
        ("nothing", EMPTY, 0, 0),
        (GOLD, EMPTY, 0, 0),
        (EMPTY, GOLD, 0, 0),
        ('{"entities": {"person": "Ann"}}', GOLD, 0, 0),
        (GOLD, [Entity("Ann", "person", 0, 3), Entity("Bob", "person", 8, 11)], 1, 1),
        (GOLD, {"person": ["Ann", "Bob"]}, 1, 1),
        (GOLD, json.loads(GOLD), 1, 1),
    ],
)
def test_f1_reward(completion, gold, exact, paper):
    assert f1_reward(completion, gold, SCHEMA) == pytest.approx(exact)
    assert f1_reward(completion, gold, SCHEMA, "paper") == pytest.approx(paper)


@pytest.mark.parametrize(
    ("completion", "exact", "paper"),
    [
        (GOLD, 1, 1),
        (EMPTY, 1, 1),
        (answer(PERSON=["x"], place_name=["y"]), 1, 0),
        (answer(PERSON=["x"]), 1, 1),
        (answer(**{" place name ": ["y"]}), 1, 1),
        (answer(person=["x"], date=["y"]), 0, 0),
        (answer(date=[]), 0, 1),
        (answer(person=[], date=[]), 0, 1),
        (answer(person=[]), 1, 1),
        ("nothing", 0, 0),
        ("", 0, 0),
        ("[]", 0, 1),
        ("{}", 0, 1),
        ('{"entities": []}', 0, 0),
        ('{"entities": {"person": 3}}', 0, 0),
        ('{"entities": {"person": "A"}}', 0, 1),
        ("```json\n" + GOLD, 1, 0),
        ("[" * 100_000, 0, 0),
    ],
)
def test_schema_reward(completion, exact, paper):
    assert schema_reward(completion, GOLD, SCHEMA) == exact
    assert schema_reward(completion, GOLD, SCHEMA, "paper") == paper


@pytest.mark.parametrize(
    ("completion", "worth"),
    [
        (GOLD, 0),
        ("<think>\n\n</think>\n" + GOLD, 0),
        ("<think>\nann  and BOB came.\n</think>\n" + GOLD, 1),
        ("<think>\nAnn came.\n</think>\n" + GOLD, 0.5),
        ("<think>\nNobody is named.\n</think>\n" + EMPTY, 1),
        (EMPTY, 0),
        ("<think>\nAnn and Bob\n</think>\nnothing", 0),
        (None, 0),
    ],
)
def test_a_trace_is_worth_the_mentions_that_it_names(completion, worth):
    assert trace_reward(completion) == worth
    assert trl_trace_reward([completion], gold=[GOLD], schema=[SCHEMA]) == [worth]
    if completion:
        whole = compute_score("nercot", completion, GOLD, {"schema": SCHEMA}, trace_weight=2.0)
        assert whole == pytest.approx(compute_score("nercot", completion, GOLD, {"schema": SCHEMA}) + 2 * worth)


def test_a_label_that_two_of_the_schema_could_be_is_in_neither():
    assert schema_reward(answer(A_B=["x"]), GOLD, ("a b", "a_b")) == 0
    assert schema_reward(answer(a_b=["x"]), GOLD, ("a b", "a_b")) == 1


@given(paper_definition.ANSWERS, paper_definition.LABELLED, st.lists(paper_definition.NAMES))
def test_paper_rewards_are_the_definition(completion, found, schema):
    gold = answer(**found)
    unreadable = paper_definition.read(completion) is paper_definition.FAILED
    expected = 0 if unreadable else paper_definition.f1([completion], [gold])
    assert f1_reward(completion, gold, schema, "paper") == pytest.approx(expected, abs=1e-12)
    assert schema_reward(completion, gold, schema, "paper") == paper_definition.schema(completion, schema)


@given(paper_definition.ANSWERS | st.text(), paper_definition.LABELLED, st.lists(st.text()))
def test_rewards_lie_between_0_and_1_on_anything(completion, found, schema):
    gold = answer(**found)
    for mode in ("exact", "paper"):
        assert 0 <= f1_reward(completion, gold, schema, mode) <= 1
        assert schema_reward(completion, gold, schema, mode) in (0, 1)


_LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.builds(object)
_KEYS = st.sampled_from(["entities", "role", "content", "text", "label", "person", "schema"]) | st.text(max_size=5)
ANYTHING = st.recursive(
    _LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=3), max_leaves=8
)
CONVERSATIONS = st.lists(st.dictionaries(st.sampled_from(["role", "content"]), ANYTHING), max_size=2)


@given(ANYTHING | CONVERSATIONS, ANYTHING)
def test_no_structure_makes_a_reward_raise(completion, schema):
    gold = GOLD
    columns = {"completions": [completion], "gold": [gold], "schema": [schema]}
    for mode in ("exact", "paper"):
        assert 0 <= f1_reward(completion, gold, schema, mode) <= 1
        assert schema_reward(completion, gold, schema, mode) in (0, 1)
        for extra in (schema, {"schema": schema}):
            assert 0 <= compute_score("nercot", completion, gold, extra, mode=mode) <= 11
    for function in (trl_f1_reward, trl_schema_reward, trl_f1_reward_paper, trl_schema_reward_paper):
        assert 0 <= function(**columns)[0] <= 1


def test_verl_gives_the_schema_as_an_array():
    np = pytest.importorskip("numpy")
    assert compute_score("nercot", GOLD, GOLD, {"schema": np.array(SCHEMA, dtype=object)}) == 11
    assert compute_score("nercot", GOLD, GOLD, {"schema": np.array([], dtype=object)}) == 10


def test_only_a_text_is_a_completion():
    assert f1_reward({"person": ["Ann", "Bob"]}, GOLD, SCHEMA) == 0


@given(
    st.lists(st.builds(Entity, st.text(min_size=1).filter(str.strip), st.sampled_from(SCHEMA)), max_size=5), st.text()
)
def test_the_rendered_gold_earns_everything(entities, cot):
    text = render_answer(cot if "think>" not in cot else None, entities, SCHEMA)
    assert f1_reward(text, text, SCHEMA) == schema_reward(text, text, SCHEMA) == 1


_ENTITIES = [{"text": "Ann", "label": "person", "start": 0, "end": 3}, {"text": "Bob", "label": "person"}]
GOLDS = {
    "label to mentions": {"person": ["Ann", "Bob"]},
    "filled with None by a table": {"person": ["Ann", "Bob"], "place": None},
    "the corpus' own column": _ENTITIES,
    "that column with match and offsets of the trace": [
        {**item, "match": None, "cot_start": None} for item in _ENTITIES
    ],
    "as JSON": json.dumps(_ENTITIES),
    "label to mentions as JSON": json.dumps({"person": ["Ann", "Bob"]}),
    "entities in an object": {"entities": _ENTITIES},
    "columns": {"text": ["Ann", "Bob"], "label": ["person", "person"], "start": [0, 8], "end": [3, 11]},
    "entities": [Entity("Ann", "person", 0, 3), Entity("Bob", "person")],
}


@pytest.mark.parametrize("name", GOLDS)
def test_gold_in_the_shapes_that_people_keep_it_in_earns_everything(name):
    gold = GOLDS[name]
    assert f1_reward(GOLD, gold, SCHEMA) == f1_reward(GOLD, gold, SCHEMA, "paper") == 1
    assert compute_score("nercot", GOLD, gold, {"schema": SCHEMA}) == 11
    assert trl_f1_reward([GOLD], [gold], [SCHEMA]) == [1]


def test_gold_as_pandas_gives_it_earns_everything():
    np = pytest.importorskip("numpy")
    array = np.array(_ENTITIES, dtype=object)
    columns = {"person": np.array(["Ann", "Bob"], dtype=object), "place": None}
    assert f1_reward(GOLD, array, SCHEMA) == f1_reward(GOLD, columns, SCHEMA, "paper") == 1


@pytest.mark.parametrize(
    "gold",
    [None, 3, [3], {"person": 3}, {"person": "Ann"}, "no gold", "", '{"entities": 3}', [{"text": "Ann"}], object()],
)
def test_gold_that_cannot_be_read_is_an_error_and_never_0(gold):
    for mode in ("exact", "paper"):
        with pytest.raises(InputError, match="gold of row 1 cannot be read"):
            f1_reward(GOLD, gold, SCHEMA, mode)
    with pytest.raises(InputError, match="gold of row 1"):
        compute_score("nercot", GOLD, gold, {"schema": SCHEMA})


@given(ANYTHING)
def test_gold_of_any_shape_is_scored_or_refused(gold):
    for mode in ("exact", "paper"):
        with suppress(InputError):
            assert 0 <= f1_reward(GOLD, gold, SCHEMA, mode) <= 1


def test_a_wrong_mode_is_an_error():
    with pytest.raises(ValueError, match="'strict'"):
        f1_reward(GOLD, GOLD, SCHEMA, "strict")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="'strict'"):
        schema_reward(GOLD, GOLD, SCHEMA, "strict")  # type: ignore[arg-type]


def test_trl_gets_a_float_for_each_completion():
    columns = {"gold": [GOLD] * 5, "schema": [list(SCHEMA)] * 5, "dataset": ["d"] * 5, "trainer_state": None}
    completions = [
        GOLD,
        [{"role": "assistant", "content": GOLD}],
        [{"role": "assistant", "content": [{"type": "text", "text": GOLD[:9]}, {"type": "text", "text": GOLD[9:]}]}],
        [{"role": "assistant", "content": None}],
        [],
    ]
    for function in (trl_f1_reward, trl_schema_reward, trl_f1_reward_paper, trl_schema_reward_paper):
        values = function(completions=completions, **columns)
        assert values == [1, 1, 1, 0, 0]
        assert {type(value) for value in values} == {float}


def test_trl_functions_pass_their_mode():
    columns = {"completions": [EMPTY], "gold": [EMPTY], "schema": [SCHEMA]}
    assert (trl_f1_reward(**columns), trl_f1_reward_paper(**columns)) == ([1], [0])
    columns = {"completions": ["[]"], "gold": [EMPTY], "schema": [SCHEMA]}
    assert (trl_schema_reward(**columns), trl_schema_reward_paper(**columns)) == ([0], [1])


def test_verl_gets_the_weighted_sum():
    half = answer(person=["Ann"], date=["May"])
    assert compute_score("nercot", GOLD, GOLD, {"schema": SCHEMA}) == 11
    assert compute_score("nercot", half, GOLD, {"schema": SCHEMA}) == 5
    assert compute_score("nercot", "nothing", GOLD, {"schema": SCHEMA}) == 0
    assert compute_score("nercot", GOLD, GOLD) == compute_score("nercot", GOLD, GOLD, {"schema": None}) == 10
    assert compute_score("nercot", EMPTY, EMPTY, {"schema": SCHEMA}, mode="paper") == 1
    assert compute_score("nercot", GOLD, GOLD, {"schema": SCHEMA}, f1_weight=0.5, schema_weight=0.25) == 0.75


def test_verl_calls_with_its_own_names():
    assert list(inspect.signature(compute_score).parameters)[:4] == [
        "data_source",
        "solution_str",
        "ground_truth",
        "extra_info",
    ]


def test_no_training_library_is_imported():
    code = (
        f"import {rewards.__name__}, sys; print([m for m in ('torch', 'trl', 'numpy', 'datasets') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
