# ruff: noqa: E501 - a trace is a text, and reads best unbroken
"""Traces that lean on an answer they were given, that go round in circles, or that are about something else."""

from __future__ import annotations

import pytest

from nercot.justification import degeneration, leak

SENTENCE = "Ravi flew from Delhi to Perth with the Blue Kites ."
SCHEMA = ("person", "city", "team")
LEAKS = [
    "Since the labels for this sentence were provided, I only need to connect them with the words.",
    "The annotation says Delhi is a city, so I go along with that.",
    "According to the given answer, Perth belongs under city.",
    "My task is to write down how one would arrive at the entities that were handed to me.",
    "Looking at the reference, Blue Kites is tagged as a team.",
    "The target output has three entries, and Blue Kites is one of them.",
    "I see in the row's labels that Perth was marked as a city.",
    "I would have skipped the Blue Kites, but the expected list contains it, so I have to argue for it.",
    "The result that I'm supposed to explain has Ravi as a person.",
    "The human annotators went for city here.",
    "The ground truth lists Delhi and Perth.",
    "I was given the final JSON together with the sentence.",
    "In the solution Blue Kites comes under team.",
    "The previous annotator had put Perth under city, which I'll now explain.",
    "Given that the correct entities are already known, let me justify them.",
    "The tags attached to the text mark Ravi as PER.",
    "The JSON below the sentence already says city for Delhi.",
    "I peeked at the gold labels: team.",
    "The provided annotation leaves out Ravi.",
    "They have Perth as a city in the file, so that's what I'll say.",
    "The dataset's own answer for this row is city.",
    "As the sample output shows, Perth is a city.",
    "The key that came with the task wants Blue Kites as a team.",
    "From the pre-filled fields I can tell that Delhi is to be a city.",
    "Whoever prepared this row has Blue Kites as a team, so I follow.",
    "Since I already know that the right output contains Delhi, the question is only why.",
    "I was told beforehand that there are three entities here, namely Ravi, Delhi and Perth.",
    "The user has kindly included the entities, so I work from them.",
    "Their annotation puts Perth under city.",
    "I can see from the attached result that Delhi counts.",
    "The message contains both the sentence and its annotated entities.",
    "What I have to do is find reasons for the labels that are already there.",
    "As the answer sheet doesn't list Ravi, I should find an argument against him.",
    "With the solution in front of me this is easy: Delhi, Perth.",
    "The final entities, as provided, are Delhi and Perth.",
]
GENERAL = [
    "Annotation guidelines usually leave titles out, so Ravi alone.",
    "The schema that was given has city and team.",
    "The answer must be a JSON object with the given types.",
    "In many corpora, annotators would tag Blue Kites as an organization.",
    "The list of types in the prompt doesn't have country.",
    "The user wants the output as JSON.",
    "I have to decide which label fits best.",
    "Let me check my list against the sentence again.",
    "The entities in the sentence are Ravi, Delhi and Perth.",
    "The labels given are person, city and team.",
    "I need to produce an output with these labels.",
    "In CoNLL, gold annotations for teams are ORG, but here we have team.",
    "My answer has three entities.",
    "So the result is person: Ravi; city: Delhi, Perth.",
    "The task says to use only the types provided.",
    "The expected output format is a JSON object.",
    "What is known about Ravi? Nothing.",
    "I compare the two readings and take the first.",
    "The sentence is given with spaces between the tokens.",
    "The instruction asks for exact strings from the text.",
    "I'd annotate it as a city.",
    "An annotator could go either way on this one.",
    "The reference of 'he' is Ravi.",
    "The key question is whether Blue Kites is a team.",
    "The solution is to take both.",
    "I list every item that was mentioned in the text.",
    "The record label isn't named.",
    "The types supplied with the sentence are three.",
    "The label list in the request has no country.",
    "All names in the row are covered.",
    "The final answer has three entities: Ravi, Delhi, Perth.",
    "The output will contain two cities.",
    "The input is a short sentence.",
    "In my answer Ravi comes under person.",
    "The result should have two cities.",
    "I was asked to find persons, cities and teams.",
    "The user gave me a sentence and a list of types.",
    "The prompt contains three labels: person, city and team.",
    "I follow the labels of the schema.",
    "Its label is city.",
    "The label for Perth is city.",
    "So the list has two cities.",
    "They have a team in Perth.",
    "I already know that Delhi is a city.",
    "From the sentence I can see that he flew.",
    "The text has been tokenised already.",
    "The correct label is city, I think.",
    "The right answer here depends on the reading.",
    "Those are the entities that I would list.",
    "The entity list is done.",
    "The expected type is team.",
    "I must end up with exact strings.",
    "I go by the list of types that was provided.",
]


@pytest.mark.parametrize("text", LEAKS)
def test_a_trace_that_speaks_of_a_given_answer_is_found(text: str) -> None:
    assert leak(f"Let me read the sentence. {text} Ravi is a person.", SENTENCE)


@pytest.mark.parametrize("text", GENERAL)
def test_talk_of_the_task_is_no_leak(text: str) -> None:
    assert leak(f"Let me read the sentence. {text} Ravi is a person.", SENTENCE) is None


def test_the_same_sentences_in_changing_order_are_a_loop() -> None:
    turns = ["Ravi flew. He is a person. People fly.", "Perth is a city. He is a person. Ravi flew."]
    assert degeneration("\n\n".join(turns * 12), SENTENCE, SCHEMA, ())
    assert degeneration("\n\n".join(turns), SENTENCE, SCHEMA, ()) is None


@pytest.mark.xfail(strict=True, reason="it names a mention")
def test_a_trace_about_another_task_is_none() -> None:
    other = (
        "First I would open the router and hold the button for ten seconds. " * 2
        + "Then call the provider, have the customer number ready and wait until the light is green. I hope the internet works again, Ravi!"
    )
    assert degeneration(other, SENTENCE, SCHEMA, ())


def test_a_translated_sentence_is_the_same_sentence() -> None:
    cot = "The text is Russian and says that she moved to another town. - Anna is a person, so person. - Kazan is a city, written in the case that the preposition asks for, which I copy."
    assert degeneration(cot, "Анна переехала из Казани в Самару вчера вечером .", SCHEMA, ()) is None
