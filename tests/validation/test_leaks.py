"""Traces that use an answer they were given, and traces that only speak of answers, labels and annotators."""

from __future__ import annotations

import pytest

from nercot.justification import leak

SENTENCE = "Ada Quill wrote The Salt Road for Lantern in Lisbon ."

GIVEN = (
    "The gold labels have Lantern as a publisher, so I go along with that.",
    "Since the labels attached to this row don't have Lisbon, I'd better explain why it's left out.",
    "My job is to explain how one gets to the four entities below.",
    "In the reference, Lantern figures under publisher.",
    "According to the ground truth Lisbon isn't needed.",
    "I was handed the tags and only have to justify them.",
    "The answer that I've been shown has Lantern as a publisher, so that must be it.",
    'Knowing that the result is publisher, one can argue from the word "for".',
    "The key says publisher.",
    "The labelled version of this sentence puts a B- on Ada and an I- on Quill.",
    "Whoever labelled this sentence must have thought of Lantern as a publisher.",
    "The correct entities were given as Ada Quill, The Salt Road and Lantern.",
    "As the provided output lists Lisbon under location, I'll say it's a place.",
    "The final list, which I've already seen, has only three entries.",
    "The annotation shows that The is part of the title.",
    "I know the solution: writer, book, publisher. Now to a reasoning that gets there.",
    "The dataset marks Lantern as publisher.",
    "They want Lantern as publisher here, it's in the key.",
    "Their annotation of this sentence leaves Lisbon out.",
    "The expected answer has Lantern, so it must be a publisher.",
    "I have to make it look as if I found out by myself that Lantern is a publisher.",
    "To arrive at the given label for Lantern, think of a press.",
    "The label that was supplied for Lantern is publisher.",
    "Checking against the answer: yes, all four are there.",
    "Lisbon has been tagged as location in the data, so I take it.",
    "The hint in the prompt says that Lantern is a publisher.",
    "The human annotator picked publisher for Lantern.",
    "Working backwards from the target, Lantern has to be a publisher.",
    "The four entities I've been told about are Ada Quill, The Salt Road, Lantern, Lisbon.",
    "My task is to supply the thoughts for labels that are already fixed: writer for Ada, location for Lisbon.",
    "What I write is a rationale for the types that have already been chosen.",
    "I have to provide the reasoning for entities which are given.",
    "I write the explanation behind the labels already assigned.",
    "The previous annotator gave Lisbon the type location, I keep this.",
)

HARMLESS = (
    "I'd give a reason for the label that fits best.",
    "I'll write my reasoning for the entities first, then the JSON.",
    "The labels are given in the schema, the reasoning is up to me.",
    "I'll add the arguments for types that are not obvious.",
    "Annotators usually leave the article in the title.",
    "According to the usual guidelines, titles include the article.",
    "The task gives me five types to choose from.",
    "The prompt says that each mention has to be copied as it stands.",
    "The expected output format is JSON.",
    "The key point is that a press publishes.",
    "I'd label Lantern as publisher.",
    "My answer will have four entities.",
    "The correct label for Lantern is publisher, I think.",
    "The right answer depends on what Lantern is.",
    "In CoNLL such names are tagged as ORG.",
    "There is no gold annotation here, I decide by myself.",
    "The list of types includes magazine.",
    "The instructions ask for exact strings.",
    "The sample sentence is short.",
    "The final answer has to be a JSON object.",
    "I have to explain my choice for Lantern: it's the press.",
    "The solution to this is to look at the verb.",
    "The sentence has four names in it.",
    "Each entry in the output must be a string from the text.",
    "I checked the answer against the sentence: all four strings are there.",
    "The target of the verb is the book.",
    "The source of the text is unknown.",
    "If an annotator saw this, they'd say publisher.",
    "The schema wants a publisher, and Lantern is one.",
    "Let me mark the entities that I have found: four.",
    "The record was written for Lantern.",
    'I expect a location after "in".',
    'A location is expected after "in".',
)


@pytest.mark.parametrize("line", GIVEN)
def test_a_trace_that_uses_a_given_answer_leaks_it(line):
    assert leak(f"Ada Quill is a writer. {line}", SENTENCE)


@pytest.mark.parametrize("line", HARMLESS)
def test_general_talk_of_answers_and_labels_is_no_leak(line):
    assert leak(f"Ada Quill is a writer. {line}", SENTENCE) is None
