"""Agreement of teachers: by text and type, each teacher with its last word, whoever is silent agreeing with nobody."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from nercot.steps.agreed import agreeing, apart, names, words


def said(attempt, *mentions):
    entities = [{"text": text, "label": label} for text, label in mentions]
    return {"attempt": attempt, "entities": entities}


UNREADABLE = {"attempt": 1, "entities": None}


def test_text_and_type_count_and_neither_place_order_nor_spelling():
    one = names([{"text": "José", "label": "Person"}, {"text": "Oslo", "label": "city"}])
    other = names([{"text": "Oslo", "label": "City"}, {"text": "Jose\u0301", "label": "person"}])
    assert one == other
    assert one != names([{"text": "Oslo", "label": "city"}] * 2)


def test_a_teachers_last_answer_is_its_word_and_one_that_cannot_be_read_is_none():
    answers = [said(1, ("A", "x")), said(2, ("B", "x")), {"attempt": 3, "entities": None}]
    told = words(answers, (0, 0, 1))
    assert told == {0: names(said(2, ("B", "x"))["entities"])}
    assert words([UNREADABLE], (0,)) == {}


def test_those_with_too_few_beside_them_stand_apart():
    answers = [said(1, ("A", "x")), said(2, ("A", "x")), said(3), said(4, ("A", "y"))]
    teachers = (0, 1, 2, 3)
    assert apart(answers, teachers, 2) == {3: 1, 4: 1}
    assert apart(answers, teachers, 3) == {1: 2, 2: 2, 3: 1, 4: 1}
    assert apart(answers, teachers, 1) == {}


@given(st.lists(st.sampled_from([("A", "x"), ("B", "x"), ("A", "y")]), max_size=5), st.integers(2, 6))
def test_so_many_equal_answers_are_so_many_that_agree(mentions, many):
    answers = [said(number, *mentions) for number in range(1, many + 1)]
    told = words(answers, range(many))
    assert agreeing(names(answers[0]["entities"]), told) == many
    assert apart(answers, range(many), many) == {}
    assert set(apart(answers, range(many), many + 1).values()) == {many}
