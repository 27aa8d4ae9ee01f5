"""Where a trace speaks of a mention: the mention itself, or a form that can only mean it.

In: the sentence, the listed mentions, the trace.  Out: references, from left to right, none inside another.
Looked for are the listed mentions, and other strings of the sentence that the trace picks out (quoted, capitalised
in the sentence, or at the head of a line): what it accepts of these is missing from the answer.

A form that means a mention: the same in another case, spacing or inflection, a name's part that no other mention
shares (Hendron for Joe Hendron), its initials (HMM for hidden Markov model), a near spelling (paraesthesia).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from rapidfuzz import fuzz

from nercot.justification.lexicon import singular
from nercot.justification.trace import Span, Trace, quotation
from nercot.records import Entity

# A quotation of this share of the sentence shows the sentence and picks out nothing.
_WHOLE_SHARE = 0.6

_SMALL = frozenset(
    "a an the of and or for in on at to by with from as is are was were be been it its this that these those he she "
    "they his her their we you i not no yes but so if then than too also there here one two all any some who what "
    "when where which how only just new first last other more most mr mrs ms dr".split()
)

_NAME = re.compile(
    r"[^\W_a-z][\w.&'’-]*(?: (?:of|the|de|du|von|van|for|la|le|del|der|di) (?=[^\W_a-z])| )?"
    r"(?:(?:[^\W\d_a-z]|\d)[\w.&'’-]*(?: (?:of|the|de|du|von|van|for|la|le|del|der|di) (?=[^\W_a-z])| )?)*"
)
_HEAD = re.compile(
    r"(?:^|\n|[,;.(] )[ >]*(?:[-•·]+ |\(?\w{1,2}[.)] |#\d+ |\| )?(?:the |an? )?[\"']?([^\n\"',;:=→(|]{1,60}?)[\"']? ?(?:[:=→|(]| [–-] )"
)


class Surface(NamedTuple):
    """A string of the sentence: how it is written there, and whether the answer lists it."""

    text: str
    listed: bool


class Reference(NamedTuple):
    """A place of the trace that means surface number `mention`; `quoted`: within a longer quotation."""

    start: int
    end: int
    mention: int
    quoted: bool


def find_references(sentence: str, entities: Sequence[Entity], trace: Trace) -> tuple[list[Surface], list[Reference]]:
    """The surfaces that the trace speaks of, the listed ones first, and where it does."""
    surfaces = [Surface(text, True) for text in dict.fromkeys(entity.text for entity in entities)]
    numbers = {surface.text: number for number, surface in enumerate(surfaces)}
    found: list[tuple[int, int, int]] = []
    for text, place, name in _picked(sentence, trace):
        inside = _inside(place, entities)
        if not inside and text not in numbers:
            numbers[text] = len(surfaces)
            surfaces.append(Surface(text, False))
        elif name and len(inside) == 1 and text not in inside:
            owner = numbers[inside.pop()]
            found.extend((start, end, owner) for start, end in _whole_words(trace.plain, text))
    known = {text.lower() for text in numbers}
    for number, surface in enumerate(surfaces):
        found.extend((start, end, number) for start, end in _places(trace, surface.text, known, sentence))
    found.extend(_short_forms(sentence, surfaces, trace, {number for _, _, number in found}))
    return surfaces, list(_outermost(found, trace, len(sentence)))


def _inside(place: Span, entities: Sequence[Entity]) -> set[str]:
    """The listed mentions that lie within a place of the sentence: a string there is a longer form of the only one."""
    return {
        entity.text
        for entity in entities
        if entity.start is not None and entity.end is not None and place[0] <= entity.start and entity.end <= place[1]
    }


def _outermost(found: Sequence[tuple[int, int, int]], trace: Trace, sentence_length: int) -> Iterator[Reference]:
    reach = 0
    for start, end, number in sorted(found, key=lambda place: (place[0], -place[1], place[2])):
        if start < reach:
            continue
        reach = end
        quote = quotation(trace.quotes, start, end)
        length = quote[1] - quote[0] - 2 if quote else 0
        if length > max(end - start, _WHOLE_SHARE * sentence_length) and length > 25:
            continue
        yield Reference(start, end, number, length > end - start + 2)


def _places(trace: Trace, text: str, known: set[str], sentence: str) -> list[Span]:
    """The whole-word places of a surface; in any case, unless case tells it from another string of the sentence."""
    wanted = text.translate(_PLAIN) if not text.isascii() or "`" in text else text
    low = wanted.lower()
    if sum(low in other for other in known) > 1 or sentence.count(text) < sentence.lower().count(low):
        spans = list(_whole_words(trace.plain, wanted))
        if spans:
            return spans
    return list(_whole_words(trace.low, low)) or list(_spaced(trace, low))


_PLAIN = str.maketrans({"“": '"', "”": '"', "’": "'", "‘": "'", "–": "–", "—": "–", "`": '"', "*": " "})


def _whole_words(text: str, wanted: str) -> Iterator[Span]:
    start = text.find(wanted)
    size = len(wanted)
    while start >= 0:
        end = start + size
        if not (start and text[start - 1].isalnum() and text[start].isalnum()):
            if end >= len(text) or not (text[end].isalnum() and text[end - 1].isalnum()):
                yield start, end
            elif text[end] == "s" and not text[end + 1 : end + 2].isalnum():
                yield start, end + 1
        start = text.find(wanted, start + 1)


def _spaced(trace: Trace, low: str) -> Iterator[Span]:
    """Places where only spaces, hyphens and punctuation differ: `Sprague - Dawley`, `alphabeta-crystalin`."""
    pieces = re.findall(r"[^\W_]+|[^\w\s\"'.,()-]", low)
    if len(pieces) < 2 or pieces[0] not in trace.low:
        return
    pattern = r"[\W_]{0,3}".join(re.escape(piece) for piece in pieces[:12])
    for match in re.finditer(rf"(?<!\w){pattern}(?!\w)", trace.low):
        yield match.span()


def _short_forms(
    sentence: str, surfaces: Sequence[Surface], trace: Trace, found: set[int]
) -> Iterator[tuple[int, int, int]]:
    owners: dict[str, int | None] = {}
    for number, surface in enumerate(surfaces):
        if surface.listed:
            for word in _own_words(surface.text, number in found):
                owners[word] = None if word in owners and owners[word] != number else number
    others = _rest(sentence, surfaces)
    owners = {word: number for word, number in owners.items() if number is not None and word not in others}
    for word, start in zip(trace.words, trace.starts, strict=True) if owners else ():
        number = owners.get(word)
        if number is not None:
            yield start, start + len(word), number
    for number, surface in enumerate(surfaces):
        if surface.listed and number not in found:
            yield from ((start, end, number) for start, end in _near(surface.text, trace))


def _own_words(text: str, found: bool) -> Iterator[str]:
    """The words of a longer mention that may stand for it, and its initials."""
    words = re.findall(r"[^\W_]+", text)
    if len(words) < 2:
        return
    for word in words:
        if len(word) > 2 and word.lower() not in _SMALL and (word[0].isupper() or not found):
            yield word.lower()
    initials = "".join(word[0] for word in words if word.lower() not in _SMALL or word[0].isupper())
    if len(initials) > 2:
        yield initials.lower()


def _rest(sentence: str, surfaces: Sequence[Surface]) -> frozenset[str]:
    """The words of the sentence outside the listed mentions."""
    rest = sentence
    for surface in sorted(surfaces, key=lambda surface: -len(surface.text)):
        if surface.listed:
            rest = rest.replace(surface.text, " ")
    return frozenset(re.findall(r"[^\W_]+", rest.lower()))


def _near(text: str, trace: Trace) -> Iterator[Span]:
    """Words of the trace that are an inflected or misspelt form of the mention's words."""
    wanted = [word.lower() for word in re.findall(r"[^\W_]+", text) if word.lower() not in _SMALL]
    for word, start in zip(trace.words, trace.starts, strict=True):
        for one in wanted:
            if len(one) > 2 and word[:2] == one[:2] and _alike(word, one):
                yield start, start + len(word)
                break


def _alike(word: str, one: str) -> bool:
    if word == one or singular(word) == singular(one):
        return True
    stem = min(len(word), len(one)) - 2
    if stem >= 3 and word[:stem] == one[:stem] and abs(len(word) - len(one)) < 4:
        return True
    return len(one) > 5 and fuzz.ratio(word, one) >= 85


def _picked(sentence: str, trace: Trace) -> Iterator[tuple[str, Span, bool]]:
    """Strings of the sentence that the trace picks out, their first place there, and whether they are names."""
    low = sentence.lower()
    for match in _NAME.finditer(sentence):
        name = match[0].strip(" .'’-")
        if len(name) > 1 and name.lower() not in _SMALL and name in trace.plain:
            start = match.start() + match[0].index(name)
            yield name, (start, start + len(name)), True
    if len(low) != len(sentence):
        return
    for start, end in trace.quotes:
        if end - start < 80:
            yield from _in_sentence(sentence, low, trace.plain[start + 1 : end - 1])
    for match in _HEAD.finditer(trace.plain):
        yield from _in_sentence(sentence, low, match[1])


def _in_sentence(sentence: str, low: str, text: str) -> Iterator[tuple[str, Span, bool]]:
    text = text.strip(" .,;:").lower()
    start = low.find(text) if len(text) > 1 and text not in _SMALL else -1
    end = start + len(text)
    if start < 0 or len(text) > _WHOLE_SHARE * len(sentence):
        return
    if (start and low[start - 1].isalnum()) or (end < len(low) and low[end].isalnum()):
        return
    yield sentence[start:end], (start, end), False
