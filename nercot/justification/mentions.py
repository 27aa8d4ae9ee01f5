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

from nercot.justification.lexicon import Types, is_common, singular
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
    r"(?:^|\n|[,;.(] )[ >]*(?:[-•·]+ |\(?\w{1,2}[.)] |#\d+ |\| )?(?:the |an? )?([^\n\"',;:=→(|]{1,60}?) ?(?:[:=→|(]| [–-] )"
)
# A capital at the start of a sentence does not make these a part of the name.
_OPENING = re.compile(
    r"^(?:(?:After|Before|In|On|At|By|For|From|To|With|When|While|Since|During|Under|As|If|And|But|Or|So|Both|Like|Also|Then|Only|Not|It|He|She|They|This|That|These|Those|Here|There|His|Her|Its|Their|My|Our|Your|A|An|What|Who|Where|How|Is|Are|Was|Were|Do|Does|Did|No|Yes) )+"
)
# What follows a quoted string that is about to get a verdict.
_MARK = re.compile(r"\s*(?:[:=→(|]|->|=>|[–-]\s|is an? |is the |are )")
_LEADS = (": ", "→ ", "= ", "> ")
# Names of list items; at the head of a line they define, elsewhere they refer.
_MARKER = re.compile(r"\(([a-z]|\d{1,2})\)|#(\d{1,2})\b|(?<![\w(])([a-z])\)")


class Surface(NamedTuple):
    """A string of the sentence: how it is written there, and whether the answer lists it."""

    text: str
    listed: bool


class Reference(NamedTuple):
    """A place of the trace that means surface number `mention`.

    `quoted`: within a longer quotation; `part`: a word of the mention in quotes of its own, so that what is said
    may be about the word.
    """

    start: int
    end: int
    mention: int
    quoted: bool
    part: bool = False


def find_references(
    sentence: str, entities: Sequence[Entity], trace: Trace, types: Types
) -> tuple[list[Surface], list[Reference]]:
    """The surfaces that the trace speaks of, the listed ones first, and where it does."""
    surfaces = [Surface(text, True) for text in dict.fromkeys(entity.text for entity in entities)]
    numbers = {surface.text: number for number, surface in enumerate(surfaces)}
    found: list[tuple[int, int, int]] = []
    for text, place in _names(sentence, trace):
        inside = _inside(place, entities) or _longer(text, surfaces)
        if not inside and text not in numbers and not is_common(text.lower()):
            numbers[text] = len(surfaces)
            surfaces.append(Surface(text, False))
        elif len(inside) == 1 and text not in inside:
            owner = numbers[inside.pop()]
            found.extend((start, end, owner) for start, end in _whole_words(trace.plain, text))
    known = {text.lower() for text in numbers}
    for number, surface in enumerate(surfaces):
        exact = number < len(entities) and bool(types.at(_words(surface.text), 0)[1])
        found.extend((start, end, number) for start, end in _places(trace, surface.text, known, sentence, exact))
    found.extend(_short_forms(sentence, surfaces, trace, types, {number for _, _, number in found}))
    for text, place, (start, end) in _picked(sentence, trace, types):
        if not _inside(place, entities):
            number = numbers.setdefault(text, len(surfaces))
            if number == len(surfaces):
                surfaces.append(Surface(text, False))
            found.append((start, end, number))
    references = list(_outermost(found, trace, len(sentence), {surface.text.lower() for surface in surfaces}))
    return surfaces, sorted({*references, *_by_marker(references, trace)})


def _inside(place: Span, entities: Sequence[Entity]) -> set[str]:
    """The listed mentions that lie within a place of the sentence: a string there is a longer form of the only one."""
    return {
        entity.text
        for entity in entities
        if entity.start is not None and entity.end is not None and place[0] <= entity.start and entity.end <= place[1]
    }


def _longer(text: str, surfaces: Sequence[Surface]) -> set[str]:
    """The listed names of several words that a name ends with: it gives them a title."""
    return {one.text for one in surfaces if one.listed and " " in one.text and text.endswith(" " + one.text)}


def _outermost(found: Sequence[tuple[int, int, int]], trace: Trace, sentence_length: int, whole: set[str]) -> Iterator[Reference]:
    reach = 0
    for start, end, number in sorted(found, key=lambda place: (place[0], -place[1], place[2])):
        if start < reach:
            continue
        reach = end
        quote = quotation(trace.quotes, start, end)
        length = quote[1] - quote[0] - 2 if quote else 0
        if length > max(end - start, _WHOLE_SHARE * sentence_length) and length > 25:
            continue
        part = quote is not None and length == end - start and trace.low[start:end] not in whole
        yield Reference(start, end, number, length > end - start + 2, part)


def _words(text: str) -> list[str]:
    return re.findall(r"[^\W_]+", text.lower()) or [""]


def _places(trace: Trace, text: str, known: set[str], sentence: str, exact: bool) -> list[Span]:
    """The whole-word places of a surface; in any case, unless case tells it from another string.

    `exact`: the surface begins like the name of a type, so that only its case tells them apart.
    """
    wanted = text.translate(_PLAIN) if not text.isascii() or "`" in text else text
    low = wanted.lower()
    if (exact and low != wanted) or sum(low in other for other in known) > 1 or sentence.count(text) < sentence.lower().count(low):
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
    sentence: str, surfaces: Sequence[Surface], trace: Trace, types: Types, found: set[int]
) -> Iterator[tuple[int, int, int]]:
    owners: dict[str, int | None] = {}
    for number, surface in enumerate(surfaces):
        if surface.listed:
            for word in _own_words(surface.text, types):
                owners[word] = None if owners.get(word, number) != number else number
    if owners:
        others = _rest(sentence, surfaces) | {surface.text.lower() for surface in surfaces}
        for word, start in zip(trace.words, trace.starts, strict=True):
            owner = owners.get(word)
            if owner is not None and word not in others and not (trace.plain[start].islower() and is_common(word)):
                yield start, start + len(word), owner
    for number, surface in enumerate(surfaces):
        if surface.listed and number not in found:
            yield from ((start, end, number) for start, end in _near(surface.text, trace, types))


def _own_words(text: str, types: Types) -> Iterator[str]:
    """The words of a longer mention that may stand for it, and its initials; never a word that names a type."""
    plain = re.findall(r"[^\W_]+", text)
    words = [word.lower() for word in plain]
    if len(words) < 2:
        return
    for word, cased in zip(words, plain, strict=True):
        long = len(word) > (2 if cased[0].isupper() else 4)
        if long and word not in _SMALL and not types.at((word,), 0)[1]:
            yield word
    if len(words) == 2 and len(words[1]) > 2 and text.istitle() and not any(types.at(words, 1)[1].values()):
        yield words[1]
    for kept in ([word for word in words if word not in _SMALL], words):
        if len(kept) > 2:
            yield "".join(word[0] for word in kept)


def _rest(sentence: str, surfaces: Sequence[Surface]) -> frozenset[str]:
    """The words of the sentence outside the listed mentions."""
    rest = sentence
    for surface in sorted(surfaces, key=lambda surface: -len(surface.text)):
        if surface.listed:
            rest = rest.replace(surface.text, " ")
    return frozenset(re.findall(r"[^\W_]+", rest.lower()))


def _near(text: str, trace: Trace, types: Types) -> Iterator[Span]:
    """Words of the trace that are an inflected or misspelt form of the mention's words."""
    wanted = [word.lower() for word in re.findall(r"[^\W_]+", text) if word.lower() not in _SMALL]
    for word, start in zip(trace.words, trace.starts, strict=True):
        for one in wanted:
            if len(one) > 2 and word[:2] == one[:2] and _alike(word, one) and not types.at((word,), 0)[1]:
                yield start, start + len(word)
                break


def _alike(word: str, one: str) -> bool:
    if word == one or singular(word) == singular(one):
        return True
    stem = min(len(word), len(one)) - 2
    if stem >= 3 and word[:stem] == one[:stem] and abs(len(word) - len(one)) < 4:
        return True
    return len(one) > 5 and fuzz.ratio(word, one) >= 85


def _names(sentence: str, trace: Trace) -> Iterator[tuple[str, Span]]:
    """The names of the sentence that the trace repeats, with their first place in the sentence."""
    for match in _NAME.finditer(sentence):
        name = _OPENING.sub("", match[0]).strip(" .'’-")
        if len(name) > 1 and name.lower() not in _SMALL and not name.isdigit() and name in trace.plain:
            start = match.start() + match[0].index(name)
            yield name, (start, start + len(name))


def _picked(sentence: str, trace: Trace, types: Types) -> Iterator[tuple[str, Span, Span]]:
    """Other strings of the sentence that a verdict follows: (text, place in the sentence, place in the trace)."""
    low = sentence.lower()
    if len(low) != len(sentence):
        return
    for start, end in trace.quotes:
        if end - start < 80 and (_MARK.match(trace.low, end) or trace.low[max(0, start - 2) : start] in _LEADS):
            yield from _in_sentence(sentence, low, types, trace.low[start + 1 : end - 1], start + 1)
    for match in _HEAD.finditer(trace.low):
        yield from _in_sentence(sentence, low, types, match[1], match.start(1))


def _in_sentence(
    sentence: str, low: str, types: Types, raw: str, at: int
) -> Iterator[tuple[str, Span, Span]]:
    """A picked string, unless it begins or ends with a small word, or ends as a type is called."""
    text = raw.strip(" .,;:")
    start = low.find(text) if len(text) > 1 else -1
    end = start + len(text)
    if start < 0 or len(text) > _WHOLE_SHARE * len(sentence):
        return
    words = text.split()
    size, named = types.at(words, 0)
    if size == len(words) and any(named.values()):
        return
    if words[0] in _SMALL or words[-1] in _SMALL or (len(words) > 1 and any(types.at(words, len(words) - 1)[1].values())):
        return
    if (start and low[start - 1].isalnum()) or (end < len(low) and low[end].isalnum()):
        return
    at += raw.index(text)
    yield sentence[start:end], (start, end), (at, at + len(text))


def _by_marker(references: Sequence[Reference], trace: Trace) -> Iterator[Reference]:
    """Places that mean a mention by the marker of its line: `(b)`, `#2`."""
    owners: dict[str, int] = {}
    for match in _MARKER.finditer(trace.low):
        name = match[match.lastindex or 0]
        line_start = trace.low.rfind("\n", 0, match.start()) + 1
        following = next((one for one in references if one.start >= match.end()), None)
        near = following is not None and following.start - match.end() < 12
        if not trace.low[line_start : match.start()].strip() and following is not None and near:
            owners[name] = following.mention
        elif name in owners:
            yield Reference(match.start(), match.end(), owners[name], False)
