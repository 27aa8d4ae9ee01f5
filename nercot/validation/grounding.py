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

from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, repeat, zip_longest

from rapidfuzz import fuzz

from nercot.corpus.labels import fold_label
from nercot.corpus.records import Entity, placed
from nercot.validation.borders import PLAIN, is_bordered, may_begin, may_end
from nercot.validation.folding import FOLDS, Span, exact_places, fold, folded_places, is_nowhere, squeezed
from nercot.validation.meant import MAX_HINTED, hinted_places

# A fuzzy match has to agree this much (rapidfuzz ratio, 0-100) with the words it is snapped to.
FUZZY_CUTOFF = 80.0


def ground(
    sentence: str, mentions: Sequence[tuple[str, str]], cot: str | None = None, fuzzy: bool = False
) -> list[Entity]:
    """One Entity for each listed (label, mention), in order.

    A listing without a place of its own has start, end and match None: the mention is not in the sentence, or
    listed more often under one type than it occurs (`occurrences` tells which).  One span may carry two types.
    `fuzzy`: take the nearest text for what is not there word for word, match "fuzzy".
    """
    starts = starts_of_simple(sentence, mentions)
    if starts is None:
        return _Places(sentence, cot, fuzzy).place(mentions)
    return simply_placed(mentions, starts, repeat(None))


def simply_placed(
    mentions: Sequence[tuple[str, str]], starts: Sequence[int], passages: Iterable[Span | None]
) -> list[Entity]:
    """The Entity of each (label, mention) that stands in its sentence where it starts; `passages`: their evidence."""
    return [
        placed(mention, label, start, start + len(mention), "exact", passage)
        for (label, mention), start, passage in zip(mentions, starts, passages, strict=False)
    ]


def ground_gold(sentence: str, entities: Sequence[Entity]) -> tuple[list[Entity], Counter[str]]:
    """A source's entities with offsets, in order, and how many were mended or left out, by kind.

    Offsets that agree with the text are kept.  Kinds: `regrounded` (offsets were wrong, found anew), `located`
    (no offsets, found), `fuzzy` (only a similar text is there; kept); left out: `absent`, `repeated` (listed
    more often than it occurs).
    """
    counts: Counter[str] = Counter()
    kept: list[Entity] = []
    for entity, found in zip(entities, ground_entities(sentence, entities, fuzzy=True), strict=True):
        if found.start is None:
            counts["repeated" if occurrences(sentence, entity.text) else "absent"] += 1
            continue
        if (found.start, found.end) != (entity.start, entity.end):
            counts["located" if entity.start is None else "regrounded"] += 1
            counts["fuzzy"] += found.match == "fuzzy"
        kept.append(found)
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


def _agrees(sentence: str, entity: Entity) -> bool:
    return (
        entity.start is not None
        and entity.end is not None
        and 0 <= entity.start < entity.end
        and sentence[entity.start : entity.end] == entity.text
    )


def starts_of_simple(sentence: str, mentions: Sequence[tuple[str, str]]) -> list[int] | None:
    """The usual case in one go: every mention stands in the sentence exactly once, as words, word for word.

    Where each of them begins; None where it is another case.
    """
    find = sentence.find
    starts = []
    for _, mention in mentions:
        start = find(mention)
        if start < 0 or not mention or find(mention, start + 1) >= 0:
            return None
        end = start + len(mention)
        if sentence[end : end + 1] not in PLAIN and not is_bordered(sentence, end):
            return None
        if sentence[start - 1] not in PLAIN and not is_bordered(sentence, start):
            return None
        starts.append(start)
    # Mentions that begin in one place may be the same one: who takes which place is to be decided.
    return starts if len(set(starts)) == len(starts) else None


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
        self._by_label: dict[str, set[Span]] = defaultdict(set)
        self._used: set[Span] = set()

    def take(self, entity: Entity) -> None:
        """Marks the span of an entity that has its offsets as taken under its label."""
        if entity.start is not None and entity.end is not None:
            self._take(fold_label(entity.label), (entity.start, entity.end))

    def _take(self, label: str, span: Span) -> None:
        self._by_label[label].add(span)
        self._used.add(span)

    def place(self, mentions: Sequence[tuple[str, str]]) -> list[Entity]:
        """Longer mentions choose first: what they cover is the last choice of the shorter ones."""
        entities = [Entity(mention, label) for label, mention in mentions]
        groups: dict[str, list[int]] = defaultdict(list)
        for index, (_, mention) in enumerate(mentions):
            groups[mention].append(index)
        for mention in sorted(groups, key=len, reverse=True):
            labels = [fold_label(mentions[index][0]) for index in groups[mention]]
            for index, place in zip(groups[mention], self._choose(mention, labels), strict=True):
                if place is not None:
                    start, end = place.span
                    text = self._sentence[start:end]
                    entities[index] = Entity(text, mentions[index][0], start, end, place.match)
        return entities

    def _choose(self, mention: str, labels: Sequence[str]) -> Iterator[_Place | None]:
        """A place for each listing of a mention, in order."""
        places = _find(self._sentence, mention, self._fuzzy)
        covered = self._covered(places) if len(places) > 1 else frozenset()
        if len(set(labels)) == 1:
            queue = sorted(self._free(places, labels[0]), key=self._cost(mention, labels[0], places, covered))
            for label, place in zip_longest(labels, queue[: len(labels)]):
                if place is not None:
                    self._take(label, place.span)
                yield place
            return
        for label in labels:
            free = self._free(places, label)
            place = min(free, key=self._cost(mention, label, places, covered), default=None)
            if place is not None:
                self._take(label, place.span)
            yield place

    def _free(self, places: Sequence[_Place], label: str) -> list[_Place]:
        mine = self._by_label[label]
        return [place for place in places if place.span not in mine] if mine else list(places)

    def _cost(
        self, mention: str, label: str, places: Sequence[_Place], covered: Collection[Span]
    ) -> Callable[[_Place], tuple[int, bool, bool, bool, int]]:
        """What a place costs a listing: the cheapest one is taken."""
        hints: Collection[Span] = ()
        if self._cot and 1 < len(places) <= MAX_HINTED:
            spans = tuple(sorted(place.span for place in places))
            hints = hinted_places(self._sentence, mention, spans, label, self._cot)
        used = self._used

        def cost(place: _Place) -> tuple[int, bool, bool, bool, int]:
            span = place.span
            return place.rank, span in covered, span not in hints, span in used, span[0]

        return cost

    def _covered(self, places: Sequence[_Place]) -> frozenset[Span]:
        """The places that lie within a longer span which is taken."""
        if not self._used:
            return frozenset()
        taken = sorted(self._used)
        starts = [start for start, _ in taken]
        ends = list(accumulate((end for _, end in taken), max))

        def is_covered(span: Span) -> bool:
            same, before = bisect_right(starts, span[0]), bisect_left(starts, span[0])
            return (same > 0 and ends[same - 1] > span[1]) or (before > 0 and ends[before - 1] >= span[1])

        return frozenset(place.span for place in places if is_covered(place.span))


def _find(sentence: str, mention: str, fuzzy: bool) -> Sequence[_Place]:
    """The places of a mention, in the first way that finds any.

    A spelling that differs in Unicode form or spacing is the same mention and counts beside the exact one; one
    that differs in case may be another word (Tern, tern) and counts only where nothing else is found.
    """
    if not mention.strip():
        return ()
    whole = exact_places(sentence, mention)
    exact = _bordered(sentence, whole, is_bordered, is_bordered) or _bordered(sentence, whole, may_begin, may_end)
    places = {span: _Place(span, "exact", 0) for span in exact}
    for rank, (match, form) in enumerate(FOLDS if whole or not is_nowhere(sentence, mention) else (), 1):
        if places and (match == "case" or _is_the_only_spelling(sentence, mention)):
            break
        whole = folded_places(fold(sentence, form), fold(mention, form).text)
        known = sorted(places)
        for span in _bordered(sentence, whole, is_bordered, is_bordered):
            at = bisect_left(known, (span[1], 0))
            if at == 0 or known[at - 1][1] <= span[0]:
                places[span] = _Place(span, match, rank)
    if not places:
        places = {span: _Place(span, "case", 3) for span in _bordered(sentence, whole, may_begin, may_end)}
    if not places and fuzzy and (near := _nearest(sentence, mention)):
        places[near] = _Place(near, "fuzzy", 4)
    return list(places.values())


def _is_the_only_spelling(sentence: str, mention: str) -> bool:
    """Whether the sentence cannot have the mention in another Unicode form, with other quotes or with other spaces."""
    whole = squeezed(sentence)
    if whole is None or (wanted := squeezed(mention)) is None:
        return False
    return whole.count(wanted) == sentence.count(mention)


Border = Callable[[str, int], bool]


def _bordered(sentence: str, spans: Iterable[Span], begin: Border, stop: Border) -> list[Span]:
    """The spans that begin and end where a word may, without overlaps."""
    kept: list[Span] = []
    for start, end in spans:
        if begin(sentence, start) and stop(sentence, end) and (not kept or start >= kept[-1][1]):
            kept.append((start, end))
    return kept


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
    while start and not is_bordered(sentence, start):
        start -= 1
    while end < len(sentence) and not is_bordered(sentence, end):
        end += 1
    return start, end
