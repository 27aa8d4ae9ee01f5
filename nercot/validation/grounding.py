"""Mentions -> character offsets in the sentence.

In: a sentence and the mentions that an answer or a source lists, with the trace where there is one.  Out: one
Entity a listing, in order, with offsets into the original sentence (code points, end exclusive) and how it was
found; without offsets where it is not there.  Never moves a mention to a place that merely resembles it, unless
asked to (`fuzzy`, for a source's gold): for a model's answer the nearest text is only a suggestion.

How a mention is found (records.MATCHES), the first that succeeds: exact; normalised (Unicode forms, quotes,
dashes); whitespace (`C + +` is C++); case.  Offsets never go through a folded text: every folded character
remembers where it came from.

Where it is found: at the borders of words.  Only where there is no such place may it be a part of a word, and
only one that a reader would cut there: 5 | mg, World | Cup, a stem before its ending, a piece of a script
written without spaces.  Never US in BUS.

Which occurrence: a mention listed n times takes n of them.  First those that no longer listed mention covers,
and of these the leftmost, unless the trace quotes the words around another one or counts ("the second X").
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from rapidfuzz import fuzz

from nercot.corpus.labels import fold_label
from nercot.corpus.records import Entity

Span = tuple[int, int]

# A fuzzy match has to agree this much (rapidfuzz ratio, 0-100) with the words it is snapped to.
FUZZY_CUTOFF = 80.0

# Letters before an ending that make it an ending: a shorter piece is no stem.
_MIN_STEM = 4
_MAX_ENDING = 3

# What a trace quotes: three signs or more between quotation marks of any kind.
_QUOTATION = re.compile("[\"“”„«‘'「『]([^\"“”„«»’'「」『』]{3,200})[\"”“»’'」』]")

# So many places of a trace, and so many of a sentence, are looked at to tell which occurrence is meant.
_MAX_HINTS, _MAX_HINTED = 50, 30

# More places of one mention are not looked at: it bounds the time of a text made to be slow.
_MAX_PLACES = 2000

_QUOTES = dict.fromkeys("‘’‚‛′´`＇", "'") | dict.fromkeys("“”„‟″«»＂", '"')
_DASHES = dict.fromkeys("‐‑‒–—―−﹘﹣－", "-")
_SAME = str.maketrans(_QUOTES | _DASHES)

# PTB quotes are two characters that stand for one.
_PIECES = re.compile(r"``|''|.", re.DOTALL)

# Characters without width or meaning of their own: variation selectors, soft hyphen, zero-width space, BOM.
_IGNORED = frozenset("\ufe0e\ufe0f\u00ad\u200b\u2060\ufeff")
_SELECTORS = frozenset("\ufe0e\ufe0f")

# Scripts in which a word may be cut out of its neighbours: no spaces, or particles written on.
_JOINED_SCRIPT = re.compile(
    "[\u0590-\u07bf\u0e00-\u0fff\u1000-\u109f\u1100-\u11ff\u1780-\u17ff\u3040-\u30ff\u3130-\u318f\u31f0-\u31ff"
    "\u3400-\u4dbf\u4e00-\u9fff\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff\U00020000-\U0003ffff]"
)


@dataclass(frozen=True, slots=True)
class _Folded:
    """A folded text; `starts[i]`, `ends[i]`: where its character i comes from."""

    text: str
    starts: Sequence[int]
    ends: Sequence[int]


def ground(
    sentence: str, mentions: Sequence[tuple[str, str]], cot: str | None = None, fuzzy: bool = False
) -> list[Entity]:
    """One Entity for each listed (label, mention), in order.

    A listing without a place of its own has start, end and match None: the mention is not in the sentence, or
    listed more often under one type than it occurs (`occurrences` tells which).  One span may carry two types.
    `fuzzy`: take the nearest text for what is not there word for word, match "fuzzy".
    """
    simple = _ground_simple(sentence, mentions)
    return simple if simple is not None else _Places(sentence, cot, fuzzy).place(mentions)


def ground_gold(sentence: str, entities: Sequence[Entity]) -> tuple[list[Entity], Counter[str]]:
    """A source's entities with offsets, in order, and how many were mended or left out, by kind.

    Offsets that agree with the text are kept.  Kinds: `regrounded` (offsets were wrong, found anew), `located`
    (no offsets, found), `fuzzy` (only a similar text is there; kept); left out: `absent`, `repeated` (listed
    more often than it occurs).
    """
    counts: Counter[str] = Counter()
    kept: list[Entity] = []
    for entity, placed in zip(entities, ground_entities(sentence, entities, fuzzy=True), strict=True):
        if placed.start is None:
            counts["repeated" if occurrences(sentence, entity.text) else "absent"] += 1
            continue
        if (placed.start, placed.end) != (entity.start, entity.end):
            counts["located" if entity.start is None else "regrounded"] += 1
            counts["fuzzy"] += placed.match == "fuzzy"
        kept.append(placed)
    return kept, +counts


def ground_entities(
    sentence: str, entities: Sequence[Entity], cot: str | None = None, fuzzy: bool = False
) -> list[Entity]:
    """The same entities, in order: offsets that agree with the text are kept, the others grounded as by `ground`."""
    lost = [(entity.label, entity.text) for entity in entities if not _agrees(sentence, entity)]
    if len(lost) == len(entities):
        return ground(sentence, lost, cot, fuzzy)
    places = _Places(sentence, cot, fuzzy)
    for entity in entities:
        if _agrees(sentence, entity):
            places.take(entity)
    found = iter(places.place(lost))
    return [
        (entity if entity.match else replace(entity, match="exact")) if _agrees(sentence, entity) else next(found)
        for entity in entities
    ]


def occurrences(sentence: str, mention: str) -> list[Span]:
    """Every place of the mention, from left to right; [] where it is not there."""
    return sorted(place.span for place in _find(sentence, mention, fuzzy=False))


def suggest(sentence: str, mention: str) -> str | None:
    """The words of the sentence nearest to a mention that is not there, or None."""
    span = _nearest(sentence, mention)
    return sentence[span[0] : span[1]] if span else None


def fold_mention(text: str) -> str:
    """The form in which two spellings of one mention are equal: Unicode form, quotes, dashes and spaces are ignored."""
    if text.isascii() and "`" not in text and "''" not in text:
        return "".join(text.split())  # the usual case, without the way back to the text's own characters
    return _fold(text, _squeeze).text


def find_folded(text: str, passage: str) -> Span | None:
    """The first place of a passage in a text, whatever its Unicode form, quotes, spaces and case; None without one."""
    wanted = _folded(passage, _casefold).text
    places = _folded_places(_folded(text, _casefold), wanted)
    return places[0] if places else None


def meant_place(sentence: str, mention: str, passage: str, places: Sequence[Span]) -> Span | None:
    """Which of several places of a mention a passage means: by the words that it quotes around it, or by counting."""
    for start, end in _exact(passage, mention)[:_MAX_HINTS]:
        if _is_bordered(passage, start) and _is_bordered(passage, end):
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


def is_joined_script(char: str) -> bool:
    """Whether a character is of a script in which words are written without spaces, or with particles on them."""
    return char > "\u058f" and _JOINED_SCRIPT.match(char) is not None


def _agrees(sentence: str, entity: Entity) -> bool:
    return (
        entity.start is not None
        and entity.end is not None
        and 0 <= entity.start < entity.end
        and sentence[entity.start : entity.end] == entity.text
    )


def _ground_simple(sentence: str, mentions: Sequence[tuple[str, str]]) -> list[Entity] | None:
    """The usual case in one go: every mention stands in the sentence exactly once, as words, word for word."""
    grounded = []
    for label, mention in mentions:
        start = sentence.find(mention)
        if start < 0 or not mention or sentence.find(mention, start + 1) >= 0:
            return None
        end = start + len(mention)
        if (start and _wordy(sentence[start - 1])) or (end < len(sentence) and _wordy(sentence[end])):
            return None
        grounded.append(Entity(mention, label, start, end, "exact"))
    if len({mention for _, mention in mentions}) < len(mentions):
        return None  # who takes which place is to be decided
    return grounded


@dataclass(frozen=True, slots=True)
class _Place:
    """One occurrence and how it was found; `rank` orders the ways."""

    span: Span
    match: str
    rank: int


class _Places:
    """The places of one sentence and who takes them."""

    def __init__(self, sentence: str, cot: str | None, fuzzy: bool) -> None:
        self._sentence = sentence
        self._cot = cot
        self._fuzzy = fuzzy
        self._found: dict[str, Sequence[_Place]] = {}
        self._taken: list[tuple[str, Span]] = []

    def take(self, entity: Entity) -> None:
        """Marks the span of an entity that has its offsets as taken under its label."""
        if entity.start is not None and entity.end is not None:
            self._taken.append((fold_label(entity.label), (entity.start, entity.end)))

    def place(self, mentions: Sequence[tuple[str, str]]) -> list[Entity]:
        """Longer mentions choose first: what they cover is the last choice of the shorter ones."""
        placed: list[Entity | None] = [None] * len(mentions)
        for index in sorted(range(len(mentions)), key=lambda index: -len(mentions[index][1])):
            label, mention = mentions[index]
            place = self._choose(fold_label(label), mention)
            if place is None:
                placed[index] = Entity(mention, label)
                continue
            start, end = place.span
            self._taken.append((fold_label(label), place.span))
            placed[index] = Entity(self._sentence[start:end], label, start, end, place.match)
        return [entity for entity in placed if entity is not None]

    def _choose(self, label: str, mention: str) -> _Place | None:
        if mention not in self._found:
            self._found[mention] = _find(self._sentence, mention, self._fuzzy)
        places = self._found[mention]
        mine = {span for other, span in self._taken if other == label}
        free = [place for place in places if place.span not in mine]
        if len(free) < 2:
            return free[0] if free else None
        used = {span for _, span in self._taken}
        spans = sorted(place.span for place in places)
        hints = _hints(self._sentence, mention, spans, label, self._cot) if self._cot else ()

        def cost(place: _Place) -> tuple[int, bool, bool, bool, int]:
            span = place.span
            return place.rank, self._covered(span), span not in hints, span in used, span[0]

        return min(free, key=cost)

    def _covered(self, span: Span) -> bool:
        return any(start <= span[0] and span[1] <= end and (start, end) != span for _, (start, end) in self._taken)


def _find(sentence: str, mention: str, fuzzy: bool) -> Sequence[_Place]:
    """The places of a mention, in the first way that finds any.

    A spelling that differs in Unicode form or spacing is the same mention and counts beside the exact one; one
    that differs in case may be another word (Tern, tern) and counts only where nothing else is found.
    """
    if not mention.strip():
        return ()
    whole = _exact(sentence, mention)
    exact = _bordered(sentence, whole, _is_bordered, _is_bordered) or _bordered(sentence, whole, _may_begin, _may_end)
    places = {span: _Place(span, "exact", 0) for span in exact}
    for rank, (match, fold) in enumerate(_FOLDS, 1):
        if match == "case" and places:
            break
        whole = _folded_places(_fold(sentence, fold), _fold(mention, fold).text)
        for span in _bordered(sentence, whole, _is_bordered, _is_bordered):
            if not any(span[0] < end and start < span[1] for start, end in places):
                places[span] = _Place(span, match, rank)
    if not places:
        places = {span: _Place(span, "case", 3) for span in _bordered(sentence, whole, _may_begin, _may_end)}
    if not places and fuzzy and (near := _nearest(sentence, mention)):
        places[near] = _Place(near, "fuzzy", 4)
    return list(places.values())


def _exact(sentence: str, mention: str) -> list[Span]:
    spans: list[Span] = []
    start = sentence.find(mention)
    while start >= 0 and len(spans) < _MAX_PLACES:
        spans.append((start, start + len(mention)))
        start = sentence.find(mention, start + 1)
    return spans


Border = Callable[[str, int], bool]


def _bordered(sentence: str, spans: Iterable[Span], begin: Border, stop: Border) -> list[Span]:
    """The spans that begin and end where a word may, without overlaps."""
    kept: list[Span] = []
    for start, end in spans:
        if begin(sentence, start) and stop(sentence, end) and (not kept or start >= kept[-1][1]):
            kept.append((start, end))
    return kept


def _wordy(char: str) -> bool:
    """Whether a character belongs to the word, or to the sign, before it."""
    return char.isalnum() or char == "_" or (char > "\u02ff" and _clings(char))


@lru_cache(maxsize=4096)
def _clings(char: str) -> bool:
    """Combining marks, joiners and skin tones belong to the character before them."""
    return unicodedata.category(char)[0] == "M" or char == "\u200d" or "\U0001f3fb" <= char <= "\U0001f3ff"


def _is_bordered(sentence: str, at: int) -> bool:
    """Whether a word may begin or end before the character at `at`."""
    if at <= 0 or at >= len(sentence):
        return True
    before, after = sentence[at - 1], sentence[at]
    if after > "\u02ff" and _clings(after):
        return False
    if before == "\u200d":
        return False
    if not (_wordy(before) and _wordy(after)):
        return True
    return bool(_JOINED_SCRIPT.match(before) or _JOINED_SCRIPT.match(after))


def _may_begin(sentence: str, at: int) -> bool:
    """Whether a reader might cut a word there: at a change of case or to digits."""
    if _is_bordered(sentence, at):
        return True
    before, after = sentence[at - 1], sentence[at]
    if _clings(after) or before == "\u200d":
        return False
    if before == "_" or after == "_" or before.isdigit() != after.isdigit():
        return True
    return before.islower() and after.isupper()


def _may_end(sentence: str, at: int) -> bool:
    return _may_begin(sentence, at) or (not _clings(sentence[at]) and _is_stem(sentence, at))


def _is_stem(sentence: str, at: int) -> bool:
    """Whether what follows is an ending: a plural or genitive s, or a short one of a script that inflects names."""
    start, end = at, at
    while start and sentence[start - 1].isalpha():
        start -= 1
    while end < len(sentence) and sentence[end].isalpha() and end - at <= _MAX_ENDING:
        end += 1
    if sentence[at:end] == "s":
        return at - start > 1
    return at - start >= _MIN_STEM and end - at <= _MAX_ENDING and sentence[at] > "\u02ff"


def _unify(piece: str) -> str:
    if piece in ("``", "''"):
        return '"'
    if piece in _IGNORED:
        return ""
    return unicodedata.normalize("NFKD", piece.translate(_SAME)).translate(_SAME)


def _squeeze(piece: str) -> str:
    return "".join(_unify(piece).split())


def _casefold(piece: str) -> str:
    folded = "".join(_squeeze(piece).casefold().split("\u0307")) if piece == "İ" else _squeeze(piece).casefold()
    return unicodedata.normalize("NFKD", folded)


_FOLDS: tuple[tuple[str, Callable[[str], str]], ...] = (
    ("normalised", _unify),
    ("whitespace", _squeeze),
    ("case", _casefold),
)


@lru_cache(maxsize=1024)
def _fold(text: str, fold: Callable[[str], str]) -> _Folded:
    return _folded(text, fold)


def _folded(text: str, fold: Callable[[str], str]) -> _Folded:
    chars: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    for piece in _PIECES.finditer(text):
        if piece[0] in _SELECTORS and ends:
            ends[-1] = piece.end()
        for char in fold(piece[0]):
            chars.append(char)
            starts.append(piece.start())
            ends.append(piece.end())
    if not text.isascii():
        _order_marks(chars, starts, ends)
    return _Folded("".join(chars), starts, ends)


def _order_marks(chars: list[str], starts: list[int], ends: list[int]) -> None:
    """Puts runs of combining marks into canonical order, as normalising the whole text would."""
    classes = [unicodedata.combining(char) for char in chars]
    at = 0
    while at < len(chars):
        stop = at
        while stop < len(chars) and classes[stop]:
            stop += 1
        if stop - at > 1:
            order = sorted(range(at, stop), key=classes.__getitem__)
            chars[at:stop] = [chars[index] for index in order]
            starts[at:stop] = [min(starts[at:stop])] * (stop - at)
            ends[at:stop] = [max(ends[at:stop])] * (stop - at)
        at = stop + 1


def _folded_places(folded: _Folded, mention: str) -> list[Span]:
    """Where the folded mention begins and ends with whole characters of the original."""
    spans: list[Span] = []
    start = folded.text.find(mention) if mention else -1
    while start >= 0 and len(spans) < _MAX_PLACES:
        end = start + len(mention)
        clean_start = start == 0 or folded.ends[start - 1] <= folded.starts[start]
        clean_end = end == len(folded.text) or folded.starts[end] >= folded.ends[end - 1]
        if clean_start and clean_end:
            spans.append((folded.starts[start], folded.ends[end - 1]))
        start = folded.text.find(mention, start + 1)
    return spans


def _hints(sentence: str, mention: str, places: Sequence[Span], label: str, cot: str) -> frozenset[Span]:
    """The places of the mention that the trace means where it speaks of this type.

    Two kinds of hint count: words quoted around the mention that stand around one place only ("post World War
    II"), and a count ("the second Jordan"); both only in a sentence of the trace that names the type.
    """
    hints: set[Span] = set()
    for start, end in _exact(cot, mention):
        if not (_is_bordered(cot, start) and _is_bordered(cot, end)):
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
    words = re.findall(r"\w+", before[::-1]) + re.findall(r"\w+", after)
    return len(words) if len(words) > 1 or any(len(word) > 3 for word in words) else 0


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
    cut = max((index for index, char in enumerate(text) if not char.isalnum()), default=-1)
    return text[: cut + 1]


def _nearest(sentence: str, mention: str) -> Span | None:
    """The words most like the mention, if they are like it at all."""
    low, wanted = sentence.lower(), mention.lower()
    if len(low) != len(sentence) or not wanted.strip():
        low, wanted = sentence, mention
    if len(wanted) > len(low):
        return None
    found = fuzz.partial_ratio_alignment(wanted, low, score_cutoff=FUZZY_CUTOFF)
    if found is None:
        return None
    start, end = _snap(sentence, found.dest_start, found.dest_end)
    near = start < end and fuzz.ratio(low[start:end], wanted) >= FUZZY_CUTOFF
    return (start, end) if near else None


def _snap(sentence: str, start: int, end: int) -> Span:
    """The span widened or narrowed to whole words."""
    while start < end and sentence[start].isspace():
        start += 1
    while end > start and sentence[end - 1].isspace():
        end -= 1
    while start and not _is_bordered(sentence, start):
        start -= 1
    while end < len(sentence) and not _is_bordered(sentence, end):
        end += 1
    return start, end
