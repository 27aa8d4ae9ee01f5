"""Whether a trace is reasoning about its sentence at all.

In: the trace, the sentence, the mentions.  Out: one line that says what is wrong, or None.  Never judges whether
the reasoning is right, nor whether it is good: hesitating, repeating a point and long lists are no fault.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise
from operator import eq

from nercot.corpus.records import Entity
from nercot.justification.hits import find_hits
from nercot.justification.lexicon import types_of
from nercot.justification.trace import Trace, lower, plain, read_trace, word_set

# Fewer repeated triples of words than this are no loop, wherever they stand.
_MIN_REPEATS = 14
# A piece of text is stale from its third time on; so many words of it, most of them stale more than once, loop.
_STALE = 2
_MIN_STALE = 24
_TURNS = 1.7
# New words in between that end a stretch of stale ones.
_FRESH = 4
# A hundred words of which no more than these are different ones go in circles, in whatever order.
_WINDOW = 100
_FEW_WORDS = 20
_NEW_WORDS = 3
# So many times the same statement about a mention, for half of the trace.
_COPIES = 4
_MIN_COPIED = 40
_LONG_WORD = 60
_FEW_LETTERS = 12
_MIN_STUTTERS = 5
# Slips of grammar in so many words.
_PASSAGE = 60
_MIN_SLIPS = 5
_MIN_DRIFT = 40
# Fewer words are a remark, not a trace that could be about something else.
_REMARK = 25

_REFUSES = re.compile(
    r"\b(?:as an? (?:ai|language model|large language model|assistant)\b|i(?:'m| am) (?:sorry|afraid|unable)\b"
    r"|(?:cannot|can't|won't) (?:help|assist|comply|continue|fulfil+)|i (?:do not|don't) have (?:access|the ability)"
    r"|i apologi[sz]e|please (?:provide|paste|share|send|upload|let me know)|thank you for (?:providing|sharing|your))"
)
_REFUSING = word_set("sorry model can't cannot won't unable apologize apologise please thank")
_INSTRUCTS = re.compile(
    r"\b(?:you are an? |your task|task:|extract (?:all|the|every|named)|(?:respond|answer|reply) (?:with|in|only)"
    r"|output (?:format|only|the|a)|return (?:only|a|the)|(?:entity )?types?:|sentence:|input:|instructions?:|use only"
    r"|do not (?:add|include|output|write)|in json|json (?:object|format)|think step|copy each|exactly as)"
)
_COMMANDS = word_set("extract respond reply output return json task instructions expert copy answer")
_CONTENT = re.compile(r"[^\W_]{4,}|[^\W\d_]\w*\d\w*|\d{2,}")
_NAME = re.compile(r"(?<=[\w,'\")] )[\"'(]?([A-ZÀ-ÞĀ-Ž][^\W\d_]{2,})")
_UNSPEAKABLE = re.compile(r"[bcdfghjklmnpqrstvwxz]{5,}")
_NOISE = re.compile(r"[^\w\s]{24,}")
_STATEMENT = re.compile(r"[.!?;\n]+(?=\s|$)|\n")
# Words that say nothing of what a text is about.
_COMMON = word_set(
    "that this these those with from have been were which when what where will would could should must also like into "
    "than then they them their there such some most more many much after before about other only over under said says "
    "first last same very just each both during while because since until through between against being does done make "
    "made take took come came goes went good well even still back your ours here whose whom upon than once again among "
    "every without within however although though thus hence so-called used using"
)
# Words that a trace about annotation has, whatever its sentence.
_ABOUT = word_set(
    "sentence text entity entities name names named type types label labels mention mentions list nothing none tag "
    "tags category categories schema annotate extract extraction token tokens span spans word words phrase noun nouns"
)
# Words of a trace that finds nothing.
_FINDS = word_set(
    "no none nothing not never without neither nor lacks lack generic empty isn't aren't doesn't don't didn't hasn't "
    "haven't only zero just plain ordinary common"
)
# What says that the sentence is in another language, as a rule at once.
_TRANSLATES = word_set("translation translated translates translate transliterated transliteration translating")
_LANGUAGES = re.compile(
    r"\b(?:german|french|spanish|italian|portuguese|dutch|russian|ukrainian|polish|czech|turkish|greek|arabic|hebrew"
    r"|hindi|japanese|chinese|korean|swedish|danish|norwegian|finnish|hungarian|romanian|latin|catalan|croatian"
    r"|serbian|slovak|slovene|bulgarian|lithuanian|latvian|estonian|indonesian|vietnamese|english)\b"
)
_OPENING = 120
# Lines of a program.
_CODE = re.compile(
    r"(?m)^\s*(?:import |from \w+ import |def \w|print\(|#include|return |const |var )|\w\.\w+\(|\w+ = \w+\("
)
_NO_NAMES = word_set("json ner named okay english wikipedia sentence step final answer done yes")
# Without a pause nobody says so many words that are all nouns and verbs.
_PAUSE = re.compile(r"[^\w\s']|\n")
_BREATH = 45
_SMALL = word_set(
    "the a an of in is it and to that as so i this for not no with on are be or at by but from has have was"
)
# What no sentence has twice, or before one another.
_ARTICLES = word_set("the a an")
_NEVER_NEXT = word_set("the a an of to in and is was were are be or then where for with by at on it")
_PREPOSITIONS = word_set("of to in at by from with")
_NEVER_AFTER = word_set("of and is was were are or then to")


def degeneration(cot: str, sentence: str, schema: Sequence[str], entities: Sequence[Entity]) -> str | None:
    """Why the trace is no reasoning about this sentence, or None."""
    trace = read_trace(cot)
    words = list(filter(None, trace.words))
    if len(trace.vocabulary) < 12 and sum(map(str.isalpha, words)) < 2:
        return "the trace is empty"
    return (
        _loop(words, trace, sentence)
        or _salad(words, trace, sentence)
        or _elsewhere(trace, words, sentence, schema, entities)
    )


def _loop(words: Sequence[str], trace: Trace, sentence: str) -> str | None:
    """Words that come again and again, with nothing new between."""
    longest = max(words, key=len, default="")
    if len(longest) > _LONG_WORD and len(set(longest)) <= _FEW_LETTERS and longest not in lower(sentence):
        return f"the trace loops: {longest[:60]!r}"
    if len(words) - len(set(zip(words, words[1:], words[2:], strict=False))) < _MIN_REPEATS:
        return None
    return _circles(words) or _stale(words, sentence) or _copies(trace, len(words), sentence)


def _circles(words: Sequence[str]) -> str | None:
    """A passage of very few words, none of them new: a loop in whatever order."""
    for at in range(0, len(words) - _WINDOW + 1, _WINDOW // 4):
        passage = words[at : at + _WINDOW]
        if len(set(passage)) <= _FEW_WORDS and list(Counter(passage).values()).count(1) <= _NEW_WORDS:
            return f"the trace goes in circles: {' '.join(passage[:12])!r}"
    return None


def _stale(words: Sequence[str], sentence: str) -> str | None:
    """A stretch of pieces that have all been there twice, and come more than once in it."""
    plainer = ["0" if word.isdigit() else word for word in words if word != "o"]
    pieces = list(zip(plainer, plainer[1:], plainer[2:], plainer[3:], plainer[4:], strict=False))
    often = {piece for piece, count in Counter(pieces).items() if count > _STALE} - {("0",) * 5}
    if not often:
        return None
    seen: Counter[tuple[str, ...]] = Counter()
    stretch: set[tuple[str, ...]] = set()
    length = fresh = 0
    for piece in pieces:
        if piece in often:
            seen[piece] += 1
            if seen[piece] > _STALE:
                fresh = 0
                length += 1
                stretch.add(piece)
                if length >= _MIN_STALE and length >= _TURNS * len(stretch) and " ".join(piece) not in lower(sentence):
                    return f"the trace loops: {' '.join(piece)!r} over and over"
                continue
        fresh += 1
        if fresh >= _FRESH and length:
            length = 0
            stretch.clear()
    return None


def _copies(trace: Trace, length: int, sentence: str) -> str | None:
    """The same statements about the sentence's words, time and again, whatever stands between."""
    low = lower(plain(sentence))
    content = frozenset(_CONTENT.findall(low))
    said = Counter(" ".join(piece.split()) for piece in _STATEMENT.split(trace.low))
    copied = 0
    for piece, count in said.items():
        words = piece.split()
        if count >= _COPIES and len(words) >= 4 and piece not in low and not content.isdisjoint(words):
            copied += count * len(words)
    if copied >= _MIN_COPIED and copied * 2 >= length:
        return "the trace says the same over and over"
    return None


def _salad(words: Sequence[str], trace: Trace, sentence: str) -> str | None:
    """Words without grammar: the same word twice in a row again and again, small words that cannot follow one
    another, or numbers and signs in place of words."""
    if len(words) > 30 and sum(map(str.isdigit, words)) * 10 > 7 * len(words):
        return "the trace is a row of numbers"
    for noise in _NOISE.finditer(trace.low):
        if len(set(noise[0])) > 5 and noise[0] not in sentence:
            return f"the trace is a row of signs: {noise[0][:40]!r}"
    unspeakable = set(_UNSPEAKABLE.findall(trace.low))
    if (
        len(unspeakable) >= _MIN_SLIPS
        and len([word for word in unspeakable if word not in lower(sentence)]) >= _MIN_SLIPS
    ):
        return f"the trace is no language: {' '.join(sorted(unspeakable))[:60]!r}"
    low = lower(plain(sentence))
    rush = _rush(trace.low, low) if len(words) > _BREATH else None
    if rush is not None and trace.english:
        return f"the trace is word salad: {' '.join(rush[:12])!r}"
    if sum(map(eq, words, words[1:])) < 2:
        return None
    slips = [at for at in _slips(trace.words) if " ".join(trace.words[at : at + 2]) not in low]
    stutters = sum(trace.words[at] == trace.words[at + 1] for at in slips)
    if stutters >= _MIN_STUTTERS and stutters * 20 > len(words):
        return f"the trace stutters: {stutters} words come twice in a row"
    for first, last in zip(slips, slips[_MIN_SLIPS - 1 :], strict=False):
        if last - first < _PASSAGE:
            return f"the trace is word salad: {' '.join(trace.words[first : first + 12])!r}"
    return None


def _rush(trace: str, sentence: str) -> list[str] | None:
    """Many words without a pause and without small words between."""
    for passage in _PAUSE.split(trace):
        said = passage.split() if len(passage) > 4 * _BREATH else []
        small = sum(word in _SMALL for word in said)
        if len(said) > _BREATH and small * 12 < len(said) and passage.strip() not in sentence:
            return said
    return None


def _slips(words: Sequence[str]) -> Iterator[int]:
    """Where a word comes twice in a row, or two small ones that never do; signs between them part them."""
    for index, (one, two) in enumerate(pairwise(words)):
        if one == two:
            if one.isalpha():
                yield index
        elif (one in _ARTICLES and two in _NEVER_NEXT) or (one in _PREPOSITIONS and two in _NEVER_AFTER):
            yield index


def _elsewhere(
    trace: Trace, words: Sequence[str], sentence: str, schema: Sequence[str], entities: Sequence[Entity]
) -> str | None:
    """A text that shares neither a mention nor words with the sentence, or repeats only the prompt."""
    low = trace.low
    if not _COMMANDS.isdisjoint(trace.vocabulary) and (detail := _echo(low, sentence, entities)):
        return detail
    if any(lower(entity.text) in low for entity in entities):
        return _drift(trace, words, sentence, schema) if trace.english else None
    content = {word for word in _CONTENT.findall(lower(plain(sentence))) if word not in _COMMON}
    stems = {word[:5] for word in trace.vocabulary}
    shared = [word for word in content if word[:5] in stems]
    if len(shared) * 3 <= len(content) and not _REFUSING.isdisjoint(trace.vocabulary) and _REFUSES.search(low):
        return "the trace refuses or answers another request"
    if len(_CODE.findall(low)) >= 3:
        return "the trace is about another task"
    if len(words) <= _REMARK:
        return None
    readable = _is_readable(trace, sentence)
    speaks = bool(find_hits(trace, types_of(tuple(schema)), ()))
    if readable and len(content) >= 4:
        far = len(shared) * 8 <= len(content)
        strangers = len(_strangers(trace, sentence, schema))
        missed = bool(entities) and not _touched(entities, stems)
        if (missed and (strangers >= 2 or not speaks or not shared)) or (far and strangers >= 2):
            return "the trace is about another sentence"
    if speaks:
        return None
    if _ABOUT.isdisjoint(trace.vocabulary):
        return "the trace is about another task"
    if readable and not shared and _FINDS.isdisjoint(trace.vocabulary):
        return "the trace only announces what it will do"
    return None


def _strangers(trace: Trace, sentence: str, schema: Sequence[str]) -> set[str]:
    """The names in a trace that neither the sentence nor the schema has."""
    known = lower(plain(sentence)) + " " + " ".join(schema).lower()
    names = {lower(name) for name in _NAME.findall(trace.plain)}
    return {name for name in names if name[:5] not in known and name not in _NO_NAMES}


def _touched(entities: Sequence[Entity], stems: set[str]) -> bool:
    """Whether the trace has a word of a mention, if in another form."""
    words = (word for entity in entities for word in _CONTENT.findall(lower(plain(entity.text))))
    return any(word[:5] in stems for word in words)


def _is_readable(trace: Trace, sentence: str) -> bool:
    """Whether sentence and trace can be compared: the trace may have to translate, or to spell in other letters."""
    if not trace.english or not _TRANSLATES.isdisjoint(trace.vocabulary):
        return False
    if _LANGUAGES.search(trace.low, 0, _OPENING):
        return False
    letters = [char for char in sentence if char.isalpha()]
    return sum(char < "\u0250" for char in letters) * 10 >= 9 * len(letters) and read_trace(sentence).english


def _drift(trace: Trace, words: Sequence[str], sentence: str, schema: Sequence[str]) -> str | None:
    """A text that begins with the sentence and goes on about something else for most of its length."""
    content = set(_CONTENT.findall(lower(plain(sentence) + " " + " ".join(schema)))) - _COMMON
    stems = {word[:5] for word in content} | _ABOUT
    last = next((at for at in range(len(words) - 1, -1, -1) if words[at][:5] in stems or words[at] in _ABOUT), 0)
    if len(words) - last <= max(_MIN_DRIFT, len(words) // 2) or not _is_readable(trace, sentence):
        return None
    return f"the trace turns to something else: {' '.join(words[last + 1 : last + 12])!r}"


def _echo(low: str, sentence: str, entities: Sequence[Entity]) -> str | None:
    rest = low.replace(sentence.lower(), " ")
    pieces = [piece for piece in re.split(r"\n+|(?<=[.!?]) ", rest) if piece.strip()]
    asking = sum(_INSTRUCTS.search(piece) is not None for piece in pieces)
    if asking >= 2 and asking * 2 >= len(pieces) and not any(entity.text.lower() in rest for entity in entities):
        return "the trace repeats the prompt"
    return None
