"""Whether several teachers give the same entities to one sentence: by text and type, never by place.

In: the answers to one record, each with its attempt and what could be read of it, and which teacher gave which attempt.
Out: the word of each teacher (its last answer that could be read: a teacher is asked on until one is valid), and how
many teachers gave the entities of an answer.  A teacher whose answers could not be read is silent: it agrees with
nobody.  Asks nobody, and never decides whether an answer is right.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from nercot.corpus.labels import fold_label
from nercot.validation.folding import fold_mention

# A mention by what it says, not by where it stands: folded type and folded text.
Names = Counter[tuple[str, str]]


def names(entities: Iterable[Mapping[str, Any]]) -> Names:
    """The entities of an answer as they are compared."""
    return Counter((fold_label(item["label"]), fold_mention(item["text"])) for item in entities)


def apart(answers: Iterable[Mapping[str, Any]], teachers: Sequence[int], wanted: int) -> dict[int, int]:
    """The attempts at a record whose entities fewer teachers gave than `wanted` -> how many did."""
    if wanted < 2:
        return {}
    read = [answer for answer in answers if answer["entities"] is not None]
    told = words(read, teachers)
    counts = {answer["attempt"]: agreeing(names(answer["entities"]), told) for answer in read}
    return {attempt: count for attempt, count in counts.items() if count < wanted}


def words(answers: Iterable[Mapping[str, Any]], teachers: Sequence[int]) -> dict[int, Names]:
    """teacher -> the entities that it gives; `answers` in the order of attempts, `teachers`: who gave each, from 0."""
    return {
        teachers[answer["attempt"] - 1]: names(answer["entities"])
        for answer in answers
        if answer["entities"] is not None
    }


def agreeing(said: Names, told: Mapping[int, Names]) -> int:
    """How many teachers gave these entities."""
    return sum(said == other for other in told.values())
