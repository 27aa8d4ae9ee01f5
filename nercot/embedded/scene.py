"""What stands in a sentence: its mentions in their surroundings, and the words that no mention covers.

In: a sentence and its typed spans.  Out: a Scene: items to argue for (one for each surface and its types),
tempting candidates, topic words, facts.  Takes time linear in the sentence.  Never decides what is said of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice

from nercot.embedded.lexicon import WORDS, Kind, singular
from nercot.validation.grounding import occurrences

# What a covered span leaves behind in the text of the uncovered words; a private-use character.
HOLE = "\ue000"

# How far around a mention, and how far into the uncovered words, the annotator reads.
REACH = 64
MAX_READ = 4000
# Of how many places of one surface the best is looked for: one that is no part of a longer name.
CHANCES = 4

_WORD = re.compile(r"[^\W\d_][\w'’-]*")
_LAST_STOP = re.compile(r".*(?:[a-z\d)\]\"'”’]{2}[.!?]\s|[\n。！？;])", re.DOTALL)
_STOP = re.compile(r"[.!?](?:\s|$)|[\n。！？;]")
# A figure and what it counts; four digits of a year count nothing.
_FIGURE = re.compile(r"(?<![\w/.,:-])(?!(?:1[5-9]|20)\d\d\b)\d(?:[\d.,:]*\d)?\s+([a-z][\w-]+)")
_JOINS = re.compile(r"\s*(?:[,;/&+、・，]|,?\s*\b(?:and|or|nor|und|et|y|e|&)\b)\s*(?:the\s+|a\s+|an\s+)?")
_BRACKET = re.compile(r"\s*[(\[（]\s*")
_PUNCTUATION = "\"'“”‘’„«»()[]{}<>,.;:!?…—–-*`|/、。，「」『』《》：；！？（）"


@dataclass(frozen=True, slots=True)
class Item:
    """One surface with its types, and all the places where it has them.

    `context`: text before and after the first place, up to the neighbouring mentions and the end of the
    sentence.  `joined`: the surface that a comma or an "and" joins it to, of the same types, or empty.
    `alias`: the surface behind which it stands in brackets, of the same types, or empty.  `wider`: whether it
    follows a place after a comma.  `nested`: whether a longer mention covers the place argued from.  `place`,
    `phrases`: which of several occurrences are meant, as a word ("second") or as quotations, or empty.
    """

    text: str
    kinds: tuple[Kind, ...]
    spans: tuple[tuple[int, int], ...]
    context: tuple[str, str]
    joined: str
    alias: str
    wider: bool
    nested: bool
    place: str = ""
    phrases: tuple[str, ...] = ()

    @property
    def before(self) -> list[str]:
        """The words before it, with their punctuation."""
        return [token for token in self.context[0].split() if bare(token)]

    @property
    def after(self) -> list[str]:
        """The words after it, with their punctuation."""
        return [token for token in self.context[1].split() if bare(token)]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A word or name that tempts and is none.  `how`: frames.CANDIDATES; `other`: a word beside it."""

    text: str
    how: str
    other: str = ""


def bare(token: str) -> str:
    """A token without the punctuation around it."""
    return token.strip(_PUNCTUATION)


class Scene:
    """A sentence with its typed spans; `asked`: the words of all type names, which are no mere words here."""

    def __init__(self, sentence: str, typed: Iterable[tuple[int, int, Kind]], asked: frozenset[str]) -> None:
        self.sentence = sentence
        self.asked = asked
        self._kinds: dict[tuple[int, int], tuple[Kind, ...]] = {}
        for start, end, kind in typed:
            had = self._kinds.get((start, end), ())
            if kind not in had:
                self._kinds[start, end] = (*had, kind)
        self._spans = sorted(self._kinds, key=lambda span: (span[0], -span[1]))

    @property
    def count(self) -> int:
        """The number of mentions, a span with two types counted once."""
        return len(self._spans)

    @cached_property
    def rest(self) -> str:
        """The sentence with a HOLE in place of every mention."""
        pieces: list[str] = []
        at = 0
        for start, end in self._spans:
            if start >= at:
                pieces.append(self.sentence[at:start])
            at = max(at, end)
        pieces.append(self.sentence[at:])
        return HOLE.join(pieces)

    @cached_property
    def words(self) -> list[str]:
        """The uncovered words, in order."""
        return _WORD.findall(self.rest, 0, MAX_READ)

    @cached_property
    def singulars(self) -> dict[str, str]:
        """The uncovered lower-case words by their singular."""
        return {singular(word): word for word in reversed(self.words) if word.islower()}

    @cached_property
    def content(self) -> list[str]:
        """Up to four lower-case words that say most of what the sentence is about: the longest, in order."""
        claimed = self._claimed
        words = dict.fromkeys(w for w in self.words if len(w) > 4 and w.islower() and w not in WORDS["stopwords"])
        telling = [
            word
            for word in words
            if not word.endswith("ly") and word.casefold() not in claimed and singular(word) not in self.asked
        ]
        longest = sorted(telling, key=lambda word: -len(word))[:4]
        return [word for word in telling if word in longest]

    @cached_property
    def _claimed(self) -> frozenset[str]:
        """The words of all mentions, case-folded: nothing is dismissed that looks like one of them."""
        text = " ".join(text for text in {self.sentence[start:end] for start, end in self._spans})
        return frozenset(bare(word).casefold() for word in text.split())

    def items(self) -> list[Item]:
        """The items in the order of their first places."""
        grouped: dict[tuple[str, tuple[Kind, ...]], list[int]] = {}
        for index, span in enumerate(self._spans):
            grouped.setdefault((self.sentence[span[0] : span[1]], self._kinds[span]), []).append(index)
        surfaces: dict[str, int] = {}
        for text, _ in grouped:
            surfaces[text] = surfaces.get(text, 0) + 1
        return [self._item(text, kinds, indices, surfaces[text] > 1) for (text, kinds), indices in grouped.items()]

    def _item(self, text: str, kinds: tuple[Kind, ...], indices: Sequence[int], shared: bool) -> Item:
        places = [(i, *self._neighbours(i)) for i in indices[:CHANCES]]
        index, before, after, covered = next((place for place in places if not place[3]), places[0])
        start, end = self._spans[index]
        spans = tuple(self._spans[i] for i in indices)
        floor = self._spans[before][1] if before >= 0 else 0
        ceiling = self._spans[after][0] if after >= 0 else len(self.sentence)
        return Item(
            text,
            kinds,
            spans,
            (
                _left(self.sentence[max(floor, start - REACH) : start]),
                _right(self.sentence[end : min(ceiling, end + REACH)]),
            ),
            self._after_gap(before, index, _JOINS),
            self._after_gap(before, index, _BRACKET),
            self._follows_place(before, index),
            covered,
            *self._place(text, spans, shared),
        )

    def _neighbours(self, index: int) -> tuple[int, int, bool]:
        """The spans next to one on its left and right (-1: none), and whether a longer one covers it."""
        start, end = self._spans[index]
        before, covered = index - 1, False
        while before >= 0 and index - before < 8 and self._spans[before][1] > start:
            covered = covered or self._spans[before][1] >= end
            before -= 1
        after = index + 1
        while after < len(self._spans) and after - index < 8 and self._spans[after][0] < end:
            after += 1
        return before, after if after < len(self._spans) else -1, covered

    def _after_gap(self, before: int, index: int, gap: re.Pattern[str]) -> str:
        """The mention before this one, if both are of the same types and only such a gap lies between them."""
        if before < 0 or self._kinds[self._spans[before]] != self._kinds[self._spans[index]]:
            return ""
        start, end = self._spans[before]
        stop = self._spans[index][0]
        if stop - end > 12 or not gap.fullmatch(self.sentence[end:stop]):
            return ""
        return self.sentence[start:end]

    def _follows_place(self, before: int, index: int) -> bool:
        if before < 0:
            return False
        start, stop = self._spans[before][1], self._spans[index][0]
        near = self.sentence[start:stop].strip() == "," if stop - start < 4 else False
        return near and self._kinds[self._spans[before]][0].family.key == "place"

    def _place(self, text: str, spans: Sequence[tuple[int, int]], shared: bool) -> tuple[str, tuple[str, ...]]:
        """Which occurrences are meant, where a reader could take another one: a word for one, or quotations."""
        if len(self.sentence) > MAX_READ or not (shared or self.sentence.count(text) > len(spans)):
            return "", ()
        places = occurrences(self.sentence, text)
        if len(places) <= len(spans) or not (shared or list(spans) != places[: len(spans)]):
            return "", ()
        if len(spans) == 1 and spans[0] in places:
            rank = places.index(spans[0])
            if rank < 3:
                return ("first", "second", "third")[rank], ()
            if rank == len(places) - 1:
                return "last", ()
        return "", tuple(dict.fromkeys(self._phrase(span) for span in spans[:CHANCES]))

    def _phrase(self, span: tuple[int, int]) -> str:
        """A mention with the word before and the word after it."""
        left = self.sentence[max(0, span[0] - 24) : span[0]]
        right = self.sentence[span[1] : span[1] + 24]
        head = re.search(r"\S+\s*$", left)
        tail = re.match(r"\s*\S+", right)
        return (head[0] if head else "") + self.sentence[span[0] : span[1]] + (tail[0] if tail else "")

    def twins(self) -> Iterator[Candidate]:
        """Lower-case words that look like a mention: "will" beside Will."""
        names = {text.casefold(): text for text in {self.sentence[s:e] for s, e in self._spans} if text[:1].isupper()}
        if not names:
            return
        for word in dict.fromkeys(self.words):
            name = names.get(word)
            if name is not None and name != word and word.islower():
                yield Candidate(word, "twin", name)

    @cached_property
    def tempting(self) -> list[Candidate]:
        """The first two candidates."""
        return list(islice(self._candidates(), 2))

    def _candidates(self) -> Iterator[Candidate]:
        """Uncovered words that tempt: common ones that are also names, names and figures."""
        for word in dict.fromkeys(self.words):
            if word in WORDS["lookalikes"] and word not in WORDS["stopwords"] and not self._is_claimed(word):
                yield Candidate(word, "lookalike")
        opening: list[Candidate] = []
        seen: set[str] = set()
        for match in _NAME.finditer(self.rest, 0, MAX_READ):
            text, start = _lead_off(match[0].rstrip("'’-"), match.start())
            if len(text) < 2 or self._is_claimed(text):
                continue
            if text in seen:
                continue
            seen.add(text)
            candidate = self._capital(text, match.end())
            if candidate.how == "name" and " " not in text and _starts(self.rest, start):
                opening.append(Candidate(text, "initial"))
            else:
                yield candidate
        yield from opening[:1]
        for match in _FIGURE.finditer(self.rest, 0, MAX_READ):
            if match[1] not in WORDS["stopwords"] and len(match[1]) > 2:
                yield Candidate(match[0].split()[0].rstrip(".,:"), "figure", match[1])

    def _capital(self, text: str, end: int) -> Candidate:
        if self.rest[end : end + 2] == " " + HOLE:
            return Candidate(text, "title")
        return Candidate(text, "capitals" if text.isupper() else "name")

    def _is_claimed(self, text: str) -> bool:
        return any(bare(word).casefold() in self._claimed for word in text.split())


_NAME = re.compile(r"(?<![\w@#/.\ue000])[A-ZÀ-ÖØ-ÞĀ-Ž][\w'’-]*(?: [A-ZÀ-ÖØ-Þ][\w'’-]*){0,3}")


def _lead_off(text: str, start: int) -> tuple[str, int]:
    """A name without the pronouns and particles that are capitalised around it, and where it starts."""
    while text:
        word, _, others = text.partition(" ")
        low = word.lower()
        if low in WORDS["lookalikes"] or (low not in WORDS["stopwords"] and not word.startswith(("I'", "I’"))):
            break
        start += len(text) - len(others)
        text = others
    while text and text.rsplit(" ", 1)[-1].lower() in WORDS["stopwords"]:
        text = text.rpartition(" ")[0]
    return text, start


def _starts(text: str, at: int) -> bool:
    """Whether a sentence, a line or a quotation starts there."""
    before = text[max(0, at - 3) : at].rstrip(" \"'“‘(«„*-–—")
    return at == 0 or not before or before[-1] in ".!?:\n。" or "\n" in text[max(0, at - 3) : at]


def _left(text: str) -> str:
    """What is left of a text after the last end of a sentence in it."""
    stop = _LAST_STOP.match(text)
    return text[stop.end() :] if stop else text


def _right(text: str) -> str:
    stop = _STOP.search(text)
    return text[: stop.start()] if stop else text
