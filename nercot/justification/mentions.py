"""Where a trace speaks of a mention: the mention itself, or a form that can only mean it.

In: the sentence, the listed mentions, the trace.  Out: references, from left to right, none inside another.
Looked for are the listed mentions, and other strings of the sentence that the trace picks out (named, quoted, or
at the head of a line): what it accepts of these is missing from the answer.

A form that means a mention: the same in another case, spacing or inflection, a name's part that no other mention
shares (Hendron for Joe Hendron), its initials (HMM for hidden Markov model), a near spelling (paraesthesia), the
marker of its line ("(b)", "#2").
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from rapidfuzz import fuzz

from nercot.corpus.records import Entity
from nercot.justification.lexicon import NAMES, Types, is_common, singular
from nercot.justification.trace import Span, Trace, lower, plain, quotation, word_set
from nercot.validation.grounding import occurrences

# A quotation of this share of the sentence shows the sentence and picks out nothing.
_WHOLE_SHARE = 0.6
_MIN_WHOLE = 25
# Longer strings than this, in words, are clauses and no candidates for a mention.
_MAX_PICKED = 5

_SMALL = word_set(
    "a an the of and or for in on at to by with from as is are was were be been it its this that these those he she "
    "they his her their we you i not no yes but so if then than too also there here one two all any some who what "
    "when where which how only just new first last other more most mr mrs ms dr will would can could has had have "
    "after before during under since next finally lastly well now okay let take given seeing looking"
)

_PARTICLE = r"(?: (?:of|the|de|du|von|van|for|la|le|del|der|di) (?=[^\W_a-z])| )?"
_NAME = re.compile(rf"(?<![\w'’])[^\W_a-z][\w.&'’-]*{_PARTICLE}(?:(?:[^\W\d_a-z]|\d)[\w.&'’-]*{_PARTICLE})*")
# Two names that a preposition joins may be one or two: "The Salt Road for Lantern".
_JOINT = re.compile(r" for (?:the )?")
_IDEOGRAPHS = re.compile("[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff]+")
# A capital at the start of a sentence does not make these a part of the name.
_OPENING = re.compile(
    r"^(?:(?:After|Before|In|On|At|By|For|From|To|With|When|While|Since|During|Under|As|If|And|But|Or|So|Both|Like"
    r"|Also|Then|Only|Not|It|He|She|They|This|That|These|Those|Here|There|His|Her|Its|Their|My|Our|Your|A|An|What"
    r"|Who|Where|How|Is|Are|Was|Were|Do|Does|Did|No|Yes|May|Can|Should|I) )+"
)
# Where a verdict may follow the string before it, and what may stand before that string.
_VERDICT = re.compile(r"[:=→(|,–?-]|\.\.\.|…")
_BREAKS = ("\n", "? ", "! ", ", ", "; ", ". ", "(", "| ", "- ", "• ")
_ITEM = re.compile(r"^\W*(?:\d{1,2}|[a-z])[.)]\s+")
_STARTS = ("\n", "; ", ". ", "? ", ": ", "– ")
# What follows a quoted string that is about to get a verdict, or leads to one.
_MARK = re.compile(r"\s*(?:[:=→(|]|[–-]\s|is an? |is the |are )")
_LEADS = (": ", "→ ", "= ")
# Before a quotation that shows a word and means nothing by it.
_SAYS = re.compile(
    r"\b(?:says?|said|saying|drop|drops|dropping|without|words?|verb|noun|preposition|adjective|article|suffix|prefix|reads|by"
    r"|calls?|called|sounds|means?|as in|like|with|after|before|between|beside|neighbou?rs?|of|from|to|says that|leave|leaving|minus|not|and|or|cut|in|it|he|she|they|who|which|that) $"
)
_SUBJECT = re.compile(r"\b(?:it|he|she|they|who|which|that|also|only) $")
# Before a quotation that is a word of the sentence: "the word "Professor" introduces it".
_WORD = re.compile(
    r"\b(?:words?|nouns?|verbs?|adjectives?|heading|headings|neighbours|letters|signs?|ending|its|from|between|to) $"
)
# Behind a quotation that is a reason.
_TELLS = re.compile(
    r" (?:fits?|says?|tells?|shows?|suggests?|implies|means?|makes?|argues?|points?|sounds?|indicates?|gives?|speaks?|rules?|signals?"
    r"|would|could|can|might|helps?|settles?|proves?|leaves?|needs?|→)\b| →"
)
_SO_IS = re.compile(r"\bso (?:is|are) (?:the )?([^,.;:()\n]{2,40})(?=[,.;:(\n]|$)")
# What may stand before and after a string of which something is said.
_LED = re.compile(
    r"(?:^|\n|[.!?;] |\b(?:as for|what about|how about|tag(?:ged|ging)?|call(?:ed|ing)?|mark(?:ed|ing)?|label(?:l?ed|l?ing)?|take|took|taking|read|see"
    r"|saw|know|treat|keep|file|put|list|add|revise|makes?|give|consider|for|with|about|that|is|should|does) )"
    r"[\W]*(?:(?:and|but|so|then|now|while|though|the|an?|is|should|does|let me|here|also|finally|next) [\"']?)*$"
)
_PLAIN_WORD = re.compile(r"(?<![\w'-])[a-z][a-z'-]+(?![\w'-])")
_WORDS_NEAR = 24
_NEAR = 400
_PREDICATE = re.compile(
    r"[\"')]*(?: (?:is|isn't|was|are|means?|gets?|goes|falls|counts?|names?|looks?|as|can|can't|could|would|may|might|should|stays?|reads?|refers?"
    r"|does|doesn't|belongs?|comes?|ends?|turns?|moves?|becomes?|functions?|shares?|has|suits|to|under|an?|out of|rather|still|probably|clearly|then|i'd|i)\b"
    r"|[:?]| [=→–-]|, (?:an?|it|which|that's|i)\b|\.(?: |$))"
)
_LIST_MARK = re.compile(r"[:=→]")
_ITEMS = re.compile(r"[^\s,;.\"'(][^,;\n\"(]{0,60}?(?=\s*(?:[,;\n(]|\.\s|\.?$|\"| and |$))")
_CLAUSAL = word_set("is are was were has had will would to in on at by with from that which who instead")
# Names of list items; at the head of a line they define, elsewhere they refer.
_MARKER = re.compile(r"\(([a-z]|\d{1,2})\)|#(\d{1,2})\b|(?<![\w(])([a-z])\)")


_RANGE = re.compile(r"\s?(?:to|-|–|through)\s?[(#]([a-z]|\d{1,2})\b")


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


Found = tuple[int, int, int]


def find_references(
    sentence: str, entities: Sequence[Entity], trace: Trace, types: Types
) -> tuple[list[Surface], list[Reference]]:
    """The surfaces that the trace speaks of, the listed ones first, and where it does."""
    surfaces = [Surface(text, True) for text in dict.fromkeys(entity.text for entity in entities)]
    numbers = {surface.text: number for number, surface in enumerate(surfaces)}
    found = list(_named(sentence, entities, surfaces, numbers, trace, types))
    known = [lower(text) for text in numbers]
    for number, surface in enumerate(surfaces):
        found.extend((start, end, number) for start, end in _places(sentence, surface.text, known, trace, types))
    found.extend(_short_forms(sentence, surfaces, trace, types, {number for _, _, number in found}))
    for text, (start, end) in _picked(sentence, entities, surfaces, trace, types):
        number = numbers.setdefault(text, len(surfaces))
        if number == len(surfaces):
            surfaces.append(Surface(text, False))
        found.append((start, end, number))
    whole = frozenset(lower(surface.text) for surface in surfaces)
    outermost = [
        one._replace(part=True) if _is_piece(one, trace, lower(surfaces[one.mention].text)) else one
        for one in _outermost(found, trace, len(sentence), whole, surfaces)
    ]
    references = _without_reasons(outermost, surfaces, trace)
    if "(" in trace.low or "#" in trace.low or "b)" in trace.low:
        references = sorted({*references, *_by_marker(references, trace)})
    return surfaces, references


def _named(
    sentence: str,
    entities: Sequence[Entity],
    surfaces: list[Surface],
    numbers: dict[str, int],
    trace: Trace,
    types: Types,
) -> Iterator[Found]:
    """Adds the other names of the sentence to the surfaces; a longer form of a listed mention means that one."""
    for text, place in _names(sentence, trace):
        nested = " " not in text and all(_nested(spot, entities) for spot in _whole_words(sentence, text))
        if (nested or _is_title(sentence, place, entities)) and text not in numbers:
            continue
        inside = _inside(place, entities) or _longer(text, surfaces)
        plainly = is_common(text.lower()) and not _is_name(sentence, place[0])
        if not inside and text not in numbers and not plainly and text.lower() not in types.words:
            numbers[text] = len(surfaces)
            surfaces.append(Surface(text, False))
        elif len(inside) == 1 and text not in inside:
            owner = numbers[inside.pop()]
            yield from ((start, end, owner) for start, end in _whole_words(trace.plain, plain(text)))


def _is_title(sentence: str, place: Span, entities: Sequence[Entity]) -> bool:
    """Whether a shortened word and a listed mention follow each other: "Sen. Ida Holm"."""
    end = place[1]
    return sentence[end : end + 1] == "." and any(entity.start in (end + 1, end + 2) for entity in entities)


def _inside(place: Span, entities: Sequence[Entity]) -> set[str]:
    """The listed mentions within a place of the sentence: a string there is a longer form of the only one."""
    return {
        entity.text
        for entity in entities
        if entity.start is not None and entity.end is not None and place[0] <= entity.start and entity.end <= place[1]
    }


def _longer(text: str, surfaces: Sequence[Surface]) -> set[str]:
    """The listed names of several words that a name ends with: it gives them a title."""
    return {one.text for one in surfaces if one.listed and " " in one.text and text.endswith(" " + one.text)}


def _outermost(
    found: Sequence[Found], trace: Trace, sentence_length: int, whole: frozenset[str], surfaces: Sequence[Surface]
) -> Iterator[Reference]:
    reach = 0
    for start, end, number in sorted(found, key=lambda place: (place[0], -place[1], place[2])):
        if start < reach:
            continue
        reach = end
        quote = quotation(trace.quotes, start, end) if trace.quotes else None
        if quote is None:
            yield Reference(start, end, number, False)
            continue
        length = quote[1] - quote[0] - 2 - 4 * trace.low.startswith("the ", quote[0] + 1)
        if length <= max(end - start, _WHOLE_SHARE * sentence_length, _MIN_WHOLE):
            part = length == end - start and trace.low[start:end] not in whole
            word = not surfaces[number].listed and _WORD.search(trace.low, max(0, quote[0] - 24), quote[0]) is not None
            yield Reference(start, end, number, word or length > end - start + 2, part)


_BY_ITSELF = re.compile(r"[\"')]* (?:alone|by itself|on (?:its|his|her) own|taken (?:alone|apart|separately))\b")


def _is_piece(one: Reference, trace: Trace, text: str) -> bool:
    """Whether a form is a word out of the mention that may well mean something else: "Hope" of "Bob Hope Classic"."""
    form = trace.low[one.start : one.end]
    if len(form) >= len(text) or form not in text:
        return False
    return (
        _BY_ITSELF.match(trace.low, one.end) is not None
        or not text.endswith(form)
        or any(word in text for word in (" of ", " de ", " in ", " for "))
    )


_REASON = re.compile(r"[\s\"')]*(?:[:(=]|–|-\s)[\s\"'(]*(?:(?:the|an?|is|in|also|of|from) [\"']?)?")
_MORE = re.compile(r"[\s\"']*(?:,|and|or|/|\+)[\s\"']*(?:(?:and|the|an?) [\"']?)?")


def _heads(one: Reference, found: Sequence[Reference], surfaces: Sequence[Surface], trace: Trace) -> bool:
    """Whether a colon and a listed mention follow: the string is a key of the sentence itself."""
    after = bisect_left(found, (one.end,))
    following = found[after] if after < len(found) else None
    if following is None or not surfaces[following.mention].listed:
        return False
    return trace.low[one.end : following.start].strip(" \"'") in (":", "→")


def _is_shown(one: Reference, trace: Trace) -> bool:
    """Whether a string in quotes is only where something stands: "from "our" to "used" the name ..."."""
    quoted = trace.low[max(0, one.start - 1) : one.start] == '"'
    return quoted and _SAYS.search(trace.low, max(0, one.start - 24), one.start - 1) is not None


def _without_reasons(found: Sequence[Reference], surfaces: Sequence[Surface], trace: Trace) -> list[Reference]:
    """Without strings of the sentence that are the reason given for a listed mention: "Silva: candidate, so ..."."""
    kept: list[Reference] = []
    before: Reference | None = None
    reason = False
    for one in found:
        if surfaces[one.mention].listed:
            reason = False
            kept.append(one)
        else:
            gap = (before.end, one.start) if before is not None else (0, 0)
            owned = before is not None and surfaces[before.mention].listed
            plainly = is_common(trace.plain[one.start : one.end])
            if _heads(one, found, surfaces, trace) or _is_shown(one, trace):
                continue
            short = trace.plain[one.start : one.end].isupper() and "(" in trace.low[gap[0] : gap[1]]
            reason = (owned and not short and _REASON.fullmatch(trace.low, *gap) is not None) or (
                (reason or (owned and plainly)) and _MORE.fullmatch(trace.low, *gap) is not None
            )
            if not reason:
                kept.append(one)
        before = one
    return kept


def _places(sentence: str, text: str, known: Sequence[str], trace: Trace, types: Types) -> list[Span]:
    """The whole-word places of a surface; in any case, unless case tells it from another string or a type's name."""
    wanted = plain(text)
    low = lower(wanted)
    begins = low.split(" ", 1)[0].split("-", 1)[0]
    named = begins in types.first and low != wanted and NAMES in types.at([begins], 0)[1].values()
    shared = named or sum(low in other for other in known) > 1 or sentence.count(text) < lower(sentence).count(low)
    spans = list(_whole_words(trace.plain, wanted)) if shared else []
    spans = spans or list(_whole_words(trace.low, low)) or list(_spaced(trace, low))
    return spans if spans or text.isascii() else occurrences(trace.plain, text)


def _whole_words(text: str, wanted: str) -> Iterator[Span]:
    start = text.find(wanted)
    size = len(wanted)
    while start >= 0:
        end = start + size
        if not (start and text[start - 1].isalnum() and text[start].isalnum()) or _joined(text[start]):
            if end >= len(text) or not (text[end].isalnum() and text[end - 1].isalnum()) or _joined(text[end - 1]):
                yield start, end
            elif text[end] == "s" and not text[end + 1 : end + 2].isalnum():
                yield start, end + 1
        start = text.find(wanted, start + 1)


def _joined(char: str) -> bool:
    """Whether a character's script is written without spaces."""
    return "\u2e80" <= char <= "\ud7ff"


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
) -> Iterator[Found]:
    owners: dict[str, int | None] = {}
    for number, surface in enumerate(surfaces):
        if surface.listed:
            for word in _own_words(surface.text, types):
                owners[word] = None if owners.get(word, number) != number else number
    if not trace.vocabulary.isdisjoint(owners):
        others = _rest(sentence, surfaces) | {surface.text.lower() for surface in surfaces}
        used = {word: number for word, number in owners.items() if number is not None and word not in others}
        for word, start in zip(trace.words, trace.starts, strict=True):
            if word in used and not (trace.plain[start].islower() and (len(word) < 3 or is_common(word))):
                yield start, start + len(word), used[word]
    for number, surface in enumerate(surfaces):
        if surface.listed and number not in found:
            yield from ((start, end, number) for start, end in _near(surface.text, trace, types))


def _own_words(text: str, types: Types) -> Iterator[str]:
    """The words of a longer mention that may stand for it, and its initials; never a word that names a type."""
    cased = re.findall(r"[^\W_]+", text) if len(text) > 3 else ()
    if len(cased) < 2:
        return
    words = [word.lower() for word in cased]
    for word, written in zip(words, cased, strict=True):
        long = len(word) > (1 if written[0].isupper() else 4)
        if long and word not in _SMALL and word not in types.words and not types.at((word,), 0)[1]:
            yield word
    last = words[-1]
    surname = len(words) == 2 and len(last) > 2 and text.istitle() and last not in types.words
    if surname and not any(types.at(words, 1)[1].values()):
        yield last
    for kept in ([word for word in words if word not in _SMALL], words):
        if len(kept) > 2:
            initials = "".join(word[0] for word in kept)
            yield initials
            yield initials + "s"


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
            begins = word[:2] == one[:2] and _alike(word, one)
            if len(one) > 2 and (begins or _nicknames(trace.plain[start : start + len(word)], one)):
                if not types.at((word,), 0)[1]:
                    yield start, start + len(word)
                break


def _nicknames(written: str, one: str) -> bool:
    """Whether a name is the beginning of a longer one ("Nepo"), or differs at its beginning ("Ekaterinburg")."""
    if len(one) < 7 or not written[:1].isupper():
        return False
    word = written.lower()
    if len(word) > 3 and len(one) > len(word) + 2 and one.startswith(word):
        return True
    return word[-4:] == one[-4:] and abs(len(word) - len(one)) < 3 and fuzz.ratio(word, one) >= 85


def _alike(word: str, one: str) -> bool:
    if word == one or singular(word) == singular(one):
        return True
    stem = min(len(word), len(one)) - 2
    if stem >= 3 and word[:stem] == one[:stem] and abs(len(word) - len(one)) < min(4, stem):
        return True
    return len(one) > 5 and fuzz.ratio(word, one) >= 85


def _names(sentence: str, trace: Trace) -> Iterator[tuple[str, Span]]:
    """The names of the sentence that the trace repeats, with their first place in the sentence."""
    for match in _NAME.finditer(sentence):
        whole = _OPENING.sub("", match[0]).strip(" .'’-")
        parts = [whole] if plain(whole) in trace.plain else _JOINT.split(whole)
        for name in parts:
            if len(name) > 1 and name.lower() not in _SMALL and plain(name) in trace.plain:
                start = match.start() + match[0].index(name)
                yield name, (start, start + len(name))
    if not sentence.isascii():
        for match in _IDEOGRAPHS.finditer(trace.plain):
            start = sentence.find(match[0])
            if start >= 0 and not _KANA.fullmatch(match[0]):
                yield match[0], (start, start + len(match[0]))


_KANA = re.compile("[\u3040-\u30ff]{1,3}")


def _picked(
    sentence: str, entities: Sequence[Entity], surfaces: Sequence[Surface], trace: Trace, types: Types
) -> Iterator[tuple[str, Span]]:
    """Other strings of the sentence before a verdict or after a type: (text, place in the trace)."""
    low = lower(sentence)
    listed = [lower(surface.text) for surface in surfaces if surface.listed]
    for start, end in (*_chunks(trace), *_items(trace, types), *_debated(sentence, listed, trace, types)):
        raw = trace.low[start:end]
        text = _ITEM.sub("", raw).strip(" .,;:\"'()")
        words = text.split(None, _MAX_PICKED)
        if (
            not words
            or len(words) > _MAX_PICKED
            or ": " in text
            or "<" in text
            or text not in low
            or any(one in text for one in listed)
        ):
            continue
        places = [place for place in _whole_words(low, text) if not _nested(place, entities)]
        proper = len(words) > 1 and words[0] not in _SMALL and bool(places) and _is_name(sentence, places[0][0])
        if not places or (_is_plain(words, types) and not proper):
            continue
        at, stop = places[0]
        begin = start + raw.index(text)
        if _torn(trace, begin, begin + len(text)) or (_is_defined(trace, begin + len(text), types) and is_common(text)):
            continue
        if (
            not _nested((at, stop), entities)
            and not _is_title(sentence, (at, stop), entities)
            and not _inside((at, stop), entities)
            and len(text) < _WHOLE_SHARE * len(sentence)
        ):
            yield sentence[at:stop], (begin, begin + len(text))


def _is_name(sentence: str, at: int) -> bool:
    """Whether a capital within the sentence begins a name."""
    return at > 0 and sentence[at].isupper() and sentence[:at].rstrip(" \"'(")[-1:] not in ".!?:\n"


def _nested(place: Span, entities: Sequence[Entity]) -> bool:
    """Whether a place of the sentence is within a listed mention."""
    start, end = place
    return any(e.start is not None and e.end is not None and e.start <= start and end <= e.end for e in entities)


def _is_defined(trace: Trace, end: int, types: Types) -> bool:
    """Whether "= ..." follows that is no type: what stands before it is a word that is explained."""
    rest = trace.low[end : end + 60].lstrip(" \"')")
    words = rest[1:].replace('"', " ").split(None, 3)
    return rest.startswith("=") and bool(words) and NAMES not in types.at([words[0].strip(".,;)")], 0)[1].values()


def _torn(trace: Trace, start: int, end: int) -> bool:
    """Whether a place is only a piece of a quotation: the quotation is what the trace speaks of."""
    quote = quotation(trace.quotes, start, end) if trace.quotes else None
    return quote is not None and quote[1] - quote[0] - 2 > end - start + 2


def _items(trace: Trace, types: Types) -> Iterator[Span]:
    """The items of lists that a type's name heads: "ORG: Daily Mirror, dwp, ukuncut."."""
    low = trace.low
    done = 0
    for mark in _LIST_MARK.finditer(low):
        head = low[max(0, mark.start() - 30) : mark.start()].rstrip(" \"'")
        word = head[max(map(head.rfind, " \n\"'(-")) + 1 :]
        if word in types.first and NAMES in types.at([word], 0)[1].values():
            reach = min(mark.end() + 600, len(low))
            stops = (low.find(sign, mark.end(), reach) for sign in ("\n", ". "))
            stop = min((at for at in stops if at >= 0), default=reach)
            for item in _ITEMS.finditer(low, max(mark.end(), done), stop):
                if item[0].count(" ") >= _MAX_PICKED:
                    break  # it is no list
                yield item.span()
            done = max(done, stop)


def _chunks(trace: Trace) -> Iterator[Span]:
    low = trace.low
    for start, end in trace.quotes:
        if (
            end - start < 80
            and not _SUBJECT.search(low, max(0, start - 12), start)
            and (
                start == 0
                or low[start - 1] == "\n"
                or _MARK.match(low, end)
                or low[start - 2 : start] in _LEADS
                or (
                    any(char.isupper() or char.isdigit() for char in trace.plain[start:end])
                    # a quotation of plain words is mostly of what stands beside a mention
                    and not (_SAYS.search(low, max(0, start - 24), start) or _TELLS.match(low, end))
                )
            )
        ):
            yield start + 1, end - 1
    for match in _SO_IS.finditer(low) if "so is" in low or "so are" in low else ():
        yield match.span(1)
    for mark in _VERDICT.finditer(low):
        end = mark.start()
        if low[end] in "–-" and low[end - 1 : end + 2] not in (" – ", " - "):
            continue
        floor = max(0, end - 50)
        signs = _BREAKS if low[end] not in ",?" else _STARTS
        start = max(
            (at + len(sign) for sign in signs if (at := low.rfind(sign, floor, end)) >= 0), default=floor and end
        )
        if start < end:
            yield start, end


def _debated(sentence: str, listed: Sequence[str], trace: Trace, types: Types) -> Iterator[Span]:
    """Plain words of the sentence for which two types are weighed: "I nearly tagged heist as genre; plot ..."."""
    low, words, starts = trace.low, trace.words, trace.starts
    content = frozenset(_PLAIN_WORD.findall(sentence)) - _SMALL - frozenset(" ".join(listed).split())
    reach = 0
    for index in [index for index, word in enumerate(words) if word in content and not types.at((word,), 0)[1]]:
        start = starts[index]
        if start < reach or _LED.search(low, max(0, start - 40), start) is None:
            continue
        reach = start + len(words[index])
        for last in range(index + 1, min(index + _MAX_PICKED, len(words))):
            end = starts[last] + len(words[last])
            if low[start:end] not in sentence:
                break
            reach = end
        if _PREDICATE.match(low, reach) is not None and _types_near(trace, types, index, start) > 1:
            yield start, reach


def _types_near(trace: Trace, types: Types, index: int, start: int) -> int:
    """How many types the line names around a word."""
    line = trace.low.rfind("\n", max(0, start - _NEAR), start)
    stop = trace.low.find("\n", start, start + _NEAR)
    labels = set[int]()
    for near in range(max(0, index - _WORDS_NEAR // 2), min(index + _WORDS_NEAR, len(trace.words))):
        if line < trace.starts[near] and (trace.starts[near] < stop or stop < 0) and trace.words[near] in types.first:
            labels.update(label for label, level in types.at(trace.words, near)[1].items() if level == NAMES)
    return len(labels)


def _is_plain(words: Sequence[str], types: Types) -> bool:
    """Whether a string is no candidate: it begins or ends with a small word, or ends as a type is called."""
    if (
        (words[0] in _SMALL and (words[0] != "new" or len(words) < 2))
        or words[-1] in _SMALL
        or (len(words) == 1 and len(words[0]) < 2)
    ):
        return True
    if not _CLAUSAL.isdisjoint(words):
        return True
    return NAMES in types.at(words, len(words) - 1)[1].values() or (
        len(words) == types.at(words, 0)[0] and NAMES in types.at(words, 0)[1].values()
    )


def _by_marker(references: Sequence[Reference], trace: Trace) -> Iterator[Reference]:
    """Places that mean a mention by the marker of its line."""
    owners: dict[str, int] = {}
    starts = [one.start for one in references]
    for match in _MARKER.finditer(trace.low):
        name = match[match.lastindex or 0]
        line_start = trace.low.rfind("\n", max(0, match.start() - 80), match.start()) + 1
        line_start = line_start or max(0, match.start() - 80)
        index = bisect_left(starts, match.end())
        following = references[index] if index < len(references) else None
        near = following is not None and following.start - match.end() < 12
        if not trace.low[line_start : match.start()].strip() and following is not None and near:
            owners[name] = following.mention
        elif name in owners:
            yield Reference(match.start(), match.end(), owners[name], False)
            upto = _RANGE.match(trace.low, match.end())
            if upto is not None and name < upto[1]:
                within = [
                    number for other, number in owners.items() if name < other < upto[1] and len(other) == len(name)
                ]
                for step, number in enumerate(within[: upto.end(1) - match.end()]):
                    yield Reference(match.end() + step, match.end() + step + 1, number, False)
