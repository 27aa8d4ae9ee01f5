"""Which of several places of a mention a trace means.

In: the sentence, the places, and words of a trace.  Out: a place, or None where the trace does not tell.  The words
quoted around the mention tell it in any language; counting ("the second") is understood in English alone.  What is
told here moves an entity to another occurrence of its own text; it decides nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from nercot.corpus.labels import fold_label
from nercot.validation.borders import is_bordered, is_joined_script
from nercot.validation.folding import Span, exact_places

# What a trace quotes: three signs or more between quotation marks of any kind.
_QUOTATION = re.compile("[\"“”„«‘'「『]([^\"“”„«»’'「」『』]{3,200})[\"”“»’'」』]")

# Of more places it is not asked which one a trace means; so many places of the mention in the trace are looked at.
MAX_HINTED, _MAX_HINTS = 30, 50


def meant_place(sentence: str, mention: str, passage: str, places: Sequence[Span]) -> Span | None:
    """Which of several places of a mention a passage means: by the words that it quotes around it, or by counting."""
    for start, end in exact_places(passage, mention)[:_MAX_HINTS]:
        if is_bordered(passage, start) and is_bordered(passage, end):
            place = _counted(passage, start, places) or _quoted(sentence, passage, (start, end), places)
            if place is not None:
                return place
    return _beside(sentence, passage, places)


def _beside(sentence: str, passage: str, places: Sequence[Span]) -> Span | None:
    """The place that stands next to what the passage quotes of the sentence, where that stands there once."""
    for quotation in _QUOTATION.findall(passage):
        at = sentence.find(quotation)
        if at < 0 or sentence.find(quotation, at + 1) >= 0 or not re.search(r"\w\W+\w", quotation):
            continue
        end = at + len(quotation)
        (near, place), (second, _), *_ = sorted((max(start - end, at - stop), (start, stop)) for start, stop in places)
        if 0 <= near < second / 2:
            return place
    return None


def hinted_places(sentence: str, mention: str, places: Sequence[Span], label: str, cot: str) -> frozenset[Span]:
    """The places of the mention that the trace means where it speaks of this type.

    Two kinds of hint count: words quoted around the mention that stand around one place only ("post World War
    II"), and a count ("the second Jordan"); both only in a sentence of the trace that names the type.
    """
    hints: set[Span] = set()
    for start, end in exact_places(cot, mention)[:_MAX_HINTS]:
        if not (is_bordered(cot, start) and is_bordered(cot, end)):
            continue
        place = _counted(cot, start, places) or _quoted(sentence, cot, (start, end), places)
        said = _sentence_of(cot, start, end)
        if place is not None and label in fold_label(said) and not _ELSEWHERE.search(said):
            hints.add(place)
    return frozenset(hints) if len(hints) < len(places) else frozenset()


def _sentence_of(cot: str, start: int, end: int) -> str:
    """The sentence of the trace around a place of it."""
    begin = max(cot.rfind(mark, 0, start) for mark in ("\n", ". ")) + 1
    stops = [stop for mark in ("\n", ". ") if (stop := cot.find(mark, end)) >= 0]
    return cot[begin : min(stops, default=len(cot))]


# A sentence that says that the occurrence which it shows is not the one that is meant.
_ELSEWHERE = re.compile(
    r"\b(?:inside|within|part of|contained in|nested|different (?:occurrence|mention|one)|doesn't count|don't count"
    r"|not (?:the|a) (?:separate|same))\b"
)

_ORDINALS = {"first": 0, "1st": 0, "second": 1, "2nd": 1, "third": 2, "3rd": 2, "last": -1, "final": -1, "latter": -1}
_ORDINAL = re.compile(
    rf"\b({'|'.join(_ORDINALS)})(?:\s+(?:occurrence|mention|instance)\s+of)?\s+[\"'“‘*`]*$", re.IGNORECASE
)


def _counted(cot: str, start: int, places: Sequence[Span]) -> Span | None:
    """The place that "the second X" means."""
    counted = _ORDINAL.search(cot[max(0, start - 40) : start])
    if counted is None:
        return None
    rank = _ORDINALS[counted[1].lower()]
    return places[rank] if rank < len(places) else None


def _quoted(sentence: str, cot: str, at: Span, places: Sequence[Span]) -> Span | None:
    """The one place whose neighbouring words the trace repeats around the mention."""
    ranked = sorted(((_shared(sentence, place, cot, at), place) for place in places), reverse=True)
    (best, place), (second, _) = ranked[0], ranked[1]
    return place if best > second and best > 0 else None


def _shared(sentence: str, place: Span, cot: str, at: Span) -> int:
    """How much of the words before and after a place the trace repeats around the mention; one small word is 0."""
    before = _common(reversed(sentence[max(0, place[0] - 60) : place[0]]), reversed(cot[max(0, at[0] - 60) : at[0]]))
    after = _common(iter(sentence[place[1] : place[1] + 60]), iter(cot[at[1] : at[1] + 60]))
    words = _words(before[::-1]) + _words(after)
    return len(words) if len(words) > 1 or any(len(word) > 3 for word in words) else 0


def _words(text: str) -> list[str]:
    """The words of a text; where none are written apart, its characters."""
    found = re.findall(r"\w+", text)
    return [piece for word in found for piece in (word if is_joined_script(word[0]) else (word,))]


def _common(one: Iterable[str], other: Iterable[str]) -> str:
    """The common beginning up to the end of its last whole word."""
    shared: list[str] = []
    for left, right in zip(one, other, strict=False):
        if left != right:
            if not (left.isalnum() or right.isalnum()):
                return "".join(shared)  # both words end here, the trace's at its closing quote
            break
        shared.append(left)
    else:
        return "".join(shared)
    text = "".join(shared)
    cut = max((at for at, char in enumerate(text) if not char.isalnum() or is_joined_script(char)), default=-1)
    return text[: cut + 1]
