"""What offsets count: found from mention texts, or from spans that cut words; never changed by chance."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nercot.formats.offsets import (
    BYTES,
    CHARACTERS,
    CRLF_AS_ONE,
    LF_AS_TWO,
    USUAL,
    UTF16,
    Convention,
    CutWords,
    Evidence,
    Mark,
    resolve,
)

WORDS = ["Mara", "Lind", "Oslo", "Bergen", "née", "Łódź", "👍", "🇳🇴", "e\u0301te\u0301", "left", "王小明", "x", "the"]
GAPS = [" ", "\r\n", "\n", "  "]
CONVENTIONS = [Convention(unit, ends, first) for unit in (CHARACTERS, UTF16, BYTES, CRLF_AS_ONE, LF_AS_TWO)
               for ends in (False, True) for first in (0, 1)]  # fmt: skip


def width(text, unit):
    """How many units a piece of text counts, by the definition of the unit."""
    if unit == UTF16:
        return len(text.encode("utf-16-le")) // 2
    if unit == BYTES:
        return len(text.encode())
    if unit == CRLF_AS_ONE:
        return len(text.replace("\r\n", "\n"))
    if unit == LF_AS_TWO:
        return len(text.replace("\r\n", "\n").replace("\n", "\r\n"))
    return len(text)


def counted(text, start, end, convention):
    first, last = width(text[:start], convention.unit), width(text[:end], convention.unit)
    return first + convention.first, last + convention.first - convention.inclusive


@st.composite
def marked_texts(draw):
    """A text of words, and the spans of some of them."""
    pieces, spans, at = [], [], 0
    for word in draw(st.lists(st.sampled_from(WORDS), min_size=2, max_size=9)):
        pieces.append(word)
        spans.append((at, at + len(word)))
        gap = draw(st.sampled_from(GAPS))
        pieces.append(gap)
        at += len(word) + len(gap)
    return "".join(pieces), draw(st.lists(st.sampled_from(spans), min_size=1, max_size=4))


@settings(max_examples=150, deadline=None)
@given(marked_texts(), st.sampled_from(CONVENTIONS))
def test_a_span_of_any_convention_is_the_same_in_code_points(made, convention):
    text, spans = made
    for start, end in spans:
        assert convention.span(text, *counted(text, start, end, convention)) == (start, end)


@settings(max_examples=150, deadline=None)
@given(st.lists(marked_texts(), min_size=1, max_size=4), st.sampled_from(CONVENTIONS))
def test_marks_that_bring_their_text_are_exact_whatever_the_file_counts(made, convention):
    evidence, marks = Evidence(), []
    for text, spans in made:
        mine = [Mark("X", *counted(text, start, end, convention), text[start:end]) for start, end in spans]
        evidence.add(text, mine)
        marks += [(text, mark, span) for mark, span in zip(mine, spans, strict=True)]
    found = evidence.convention()
    for text, mark, _ in marks:
        start, end = resolve(text, mark, found)
        assert text[start:end] == mark.text


@pytest.mark.parametrize("unit", [UTF16, BYTES, CRLF_AS_ONE, LF_AS_TWO])
@pytest.mark.parametrize("inclusive", [False, True])
def test_spans_without_text_that_cut_words_tell_the_convention(unit, inclusive):
    convention, evidence, texts = Convention(unit, inclusive), Evidence(), []
    for number in range(4):
        text = f"👍 née{number}\r\nŁódź\nand then Mara Lind left Oslo"
        spans = [(text.index(word), text.index(word) + len(word)) for word in ("Mara Lind", "Oslo")]
        if unit == CRLF_AS_ONE:
            text = text.replace("\nand", " and")
        if unit == LF_AS_TWO:
            text = text.replace("\r\n", "  ")
        texts.append((text, spans))
        evidence.add(text, [Mark("X", *counted(text, *span, convention)) for span in spans])
    found = evidence.convention()
    for text, spans in texts:
        for span in spans:
            assert resolve(text, Mark("X", *counted(text, *span, convention)), found) == span


def test_the_usual_convention_stays_where_few_spans_cut_words():
    evidence = Evidence()
    evidence.add("IL-2-induced cells of 5mg", [Mark("X", 0, 4), Mark("X", 22, 23), Mark("X", 5, 9)])
    assert evidence.convention() == USUAL


def test_one_span_is_no_proof():
    evidence = Evidence()
    evidence.add("Hello from Bergen", [Mark("GPE", 11, 16)])
    assert evidence.convention() == USUAL


def test_a_span_without_a_last_character_of_its_own_shows_inclusive_ends_in_any_script():
    evidence = Evidence()
    evidence.add("肺部有啰音", [Mark("bod", 0, 0), Mark("sym", 3, 3)])
    assert evidence.convention().inclusive


def test_spans_that_cut_words_are_shown():
    cut = CutWords()
    assert cut.see(1, "Hello from Bergen", (11, 15))
    assert not cut.see(2, "Hello from Bergen", (11, 17))
    assert not cut.see(3, "王小明在北京", (0, 3))
    assert cut.examples == ["row 1: 'Berg' in 'Bergen'"]
