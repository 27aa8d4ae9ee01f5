import pytest
from hypothesis import given
from hypothesis import strategies as st

from nercot.corpus.labels import fold_label, match_label


@pytest.mark.parametrize(
    "other", ["Medical Condition", "medical_condition", "MEDICAL-CONDITION", " medical  condition "]
)
def test_spellings_of_one_type_fold_alike(other):
    assert fold_label(other) == fold_label("medical condition")


def test_different_types_do_not_fold_alike():
    assert fold_label("person") != fold_label("persons")


def test_an_exact_match_wins_over_a_folded_one():
    assert match_label("Person", ("person", "Person")) == "Person"


def test_two_candidates_are_no_match():
    assert match_label("PERSON", ("person", "Person")) is None


def test_a_label_takes_the_spelling_of_the_schema():
    assert match_label("programming language", ("Programming_Language",)) == "Programming_Language"


@given(st.text())
def test_folding_twice_is_folding_once(label):
    assert fold_label(fold_label(label)) == fold_label(label)


@given(st.lists(st.text(min_size=1), min_size=1, unique=True))
def test_every_label_of_a_schema_matches_itself(schema):
    assert all(match_label(label, schema) == label for label in schema)


def test_a_label_of_separators_is_no_empty_label():
    assert fold_label("---") == "---"
    assert match_label("---", ("person", "---")) == "---"
    assert match_label("-", ("person", "---")) is None
