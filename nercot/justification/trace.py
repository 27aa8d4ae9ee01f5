"""A trace as a text that can be searched: folded character by character, cut into sentences and words.

In: the trace.  Out: Trace.  Every character keeps its place, so an offset into the folded text is one into the
trace.  Knows nothing of types or mentions beyond the spans that must not be cut.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from typing import NamedTuple

Span = tuple[int, int]


def word_set(words: str) -> frozenset[str]:
    """The words of a list that is written as a text."""
    return frozenset(words.split())


_FOLDED = (
    dict.fromkeys("“”„‟″«»`＂「」『』[]", '"')
    | dict.fromkeys("‘’‚‛′´", "'")
    | dict.fromkeys("—―−", "–")
    | dict.fromkeys("‐‑‒", "-")
    | dict.fromkeys("⇒➜➔➝⟶➡", "→")
    | dict.fromkeys("*\t\r\u00a0\u2009\u202f", " ")
    | {"：": ":", "，": ",", "（": "(", "）": ")", "？": "?", "！": "!", "；": ";", "、": ",", "。": "."}
)

# What is not part of a word; an apostrophe is.
_SEPARATORS = frozenset('\n"!#$%&()*+,-./:;<=>?@[\\]^_{|}~–→…•·✔✓✗✘×¿¡')
_SPACES = dict.fromkeys(_SEPARATORS, " ")

_FOLDED_ASCII = {ord(char): other for char, other in _FOLDED.items() if char.isascii()}
_SPACES_ASCII = {ord(char): " " for char in _SEPARATORS if char.isascii()}

# One set of characters begins every stop: that is what makes the search fast.
_STOP = re.compile(r"[\n.!?…;](?:(?<!\n)[.!?…;\"')\]]+)?(?:[ \n]*\n)?")
_QUOTE = re.compile(r'"[^"\n]{1,600}"')
_LONE_QUOTE = re.compile(r"(?<![\w'])'(?=\S)[^'\n]{1,80}(?<=\S)'(?!\w)")
_ABBREVIATIONS = word_set("e.g i.e etc vs cf dr mr mrs ms st prof jr sr inc ltd co vol approx fig al resp esp ca sq")

_DOUBTS = re.compile(
    r"n't\b|(?<!or )\bno\b(?! doubt| question| matter| problem| need| discussion)|\b(?:not|never|nor|neither|none|out|skip\w*|leave|left|drop\w*|ignore\w*|exclude\w*|omit\w*|but"
    r"|however|though"
    r"|although|hardly|rather|instead|only|unless|except|without|cannot|aside|refuse|reject\w*|scrap|inside|within"
    r"|part of)\b"
)
_PIECE_END = re.compile(r"[.!?;][\"')]* ")
_REFERS = re.compile(r"\b(?:it|it's|its|this|that|him|her|them|they|these|those|one)\b")
_TAKES_BACK = re.compile(
    r"\W*(?:it|it's|its|but|however|though|although|still|then|wait|no|nope|not|hmm|so|i|i'd|i'll|this|that|that's|these|those|they|he"
    r"|she|on|actually|or|yet|and|maybe|perhaps|leave|leaving|skip|drop|out|except|unless|both|all|only|in the end|rather|instead"
    r"|scrap|correction|better|best|on reflection)\b"
)
_ENGLISH = word_set(
    "the a an of in is it and to that as so i this for not no with on are be or at by but from one has have which"
)
# Small words of other languages that English has not.
_FOREIGN = word_set(
    "der das und ist nicht ein eine einen dem den hier auch aber nur wird sich oder von als kein keine "
    "le les une est pas dans donc c'est qui que du des ce mais pour avec el los las es una por con pero como del se "
    "il lo gli che di non per ma anche o os um uma não em mas и в не на что это как но по из то также de la en"
)
_IDEOGRAPHS = re.compile("[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7ff]")


class Sentence(NamedTuple):
    """A sentence: its span, and the numbers of its line and its paragraph."""

    start: int
    end: int
    line: int
    paragraph: int


@dataclass(frozen=True, slots=True)
class Trace:
    """`plain`: quotes, dashes and arrows unified; `low`: the same in lower case.

    `words`, `starts`: the words of `low` and where they begin; an empty word stands where two separators meet.
    """

    plain: str
    low: str
    words: list[str]
    starts: list[int]
    vocabulary: frozenset[str]
    quotes: tuple[Span, ...]

    @property
    def english(self) -> bool:
        """Whether the trace can be understood: its small words are English, or it has none of another language."""
        english = len([word for word in self.words if word in _ENGLISH])
        if english * 8 > len(self.words):
            return True
        foreign = len([word for word in self.words if word in _FOREIGN])
        ideographs = 0 if self.low.isascii() else len(_IDEOGRAPHS.findall(self.low))
        return foreign <= english + 2 and ideographs * 4 <= len(self.low)

    def sentences(self, whole: Sequence[Span]) -> list[Sentence]:
        """The sentences in order; no cut falls into a quotation or into one of the spans `whole` (sorted)."""
        made: list[Sentence] = []
        low = self.low
        start = line = paragraph = 0
        for stop in _STOP.finditer(low):
            at, end = stop.span()
            lines = low.count("\n", at, end)
            if not lines:
                inside = end < len(low) and low[end] != " "
                if inside or not self._ends(start, at, end, whole):
                    continue
                made.append(Sentence(start, end, line, paragraph))
            else:
                if at > start:
                    made.append(Sentence(start, low.index("\n", at), line, paragraph))
                line += 1
                paragraph += lines > 1
            start = end
        if start < len(low):
            made.append(Sentence(start, len(low), line, paragraph))
        return made

    def doubts(self, at: int, stop: int) -> bool:
        """Whether the rest of the line from `at` on, up to `stop`, has a word that may take something back."""
        end = self.low.find("\n", at, stop)
        end = end if end >= 0 else stop
        while at < end:
            cut = _PIECE_END.search(self.low, at, end)
            until = cut.end() if cut is not None else end
            if _DOUBTS.search(self.low, at, until) is not None:
                return True
            at = until
            while at < end and _TAKES_BACK.match(self.low, at, end) is None:
                cut = _PIECE_END.search(self.low, at, end)
                until = cut.end() if cut is not None else end
                if _REFERS.search(self.low, at, until) is not None:
                    break
                at = until  # it is about something else
        return False

    def _ends(self, start: int, at: int, end: int, whole: Sequence[Span]) -> bool:
        if self.quotes and _within(self.quotes, at):
            return False
        if whole:
            index = bisect_left(whole, (at, 0)) - 1
            if index >= 0 and whole[index][1] > at + 1:
                return False
            if index >= 0 and whole[index][1] == at:
                return True
        if self.low[at] != "." or end - at > 1:
            return True
        word = self.low[max(self.low.rfind(" ", start, at), self.low.rfind("(", start, at), start - 1) + 1 : at]
        if word.isdigit():
            return len(word) > 2 or bool(self.low[start:at].strip(" \n" + word))
        if word == "no":  # "No. 5", but "Drug? No. It is ..."
            return not self.low[end + 1 : end + 2].isdigit()
        return word == "" or (len(word) > 1 and word not in _ABBREVIATIONS)


def plain(text: str) -> str:
    """The text with quotes, dashes, arrows and odd spaces unified, of the same length."""
    return _replaced(text, _FOLDED, _FOLDED_ASCII)


def lower(text: str) -> str:
    """The text in lower case, of the same length: a letter whose lower case is longer stays."""
    low = text.lower()
    return low if len(low) == len(text) else "".join(c if len(c.lower()) > 1 else c.lower() for c in text)


@lru_cache(maxsize=4)
def read_trace(cot: str) -> Trace:
    """The trace, ready to be searched; the rules about one trace share it."""
    text = (
        plain(cot).replace("->", " →").replace("=>", " →").replace("<-", " :").replace(" > ", " → ").replace("←", ":")
    )
    low = lower(text)
    clean = _replaced(low, _SPACES, _SPACES_ASCII)
    if "'" in clean:
        clean = clean.replace("'s ", "   ").replace(" '", "  ").replace("' ", "  ")
    words = clean.split(" ")
    starts = list(accumulate(map((1).__add__, map(len, words)), initial=0))
    starts.pop()
    quotes = [match.span() for match in _QUOTE.finditer(text)] if '"' in text else []
    if "'" in text:
        lone = (match.span() for match in _LONE_QUOTE.finditer(text))
        quotes = sorted([*quotes, *(span for span in lone if not _within(quotes, span[0]))])
    return Trace(text, low, words, starts, frozenset(words), tuple(quotes))


def quotation(quotes: Sequence[Span], start: int, end: int) -> Span | None:
    """The quotation that holds a span, or None."""
    index = bisect_right(quotes, (start, 1 << 62)) - 1
    if index >= 0 and quotes[index][0] <= start and end <= quotes[index][1]:
        return quotes[index]
    return None


def _replaced(text: str, table: Mapping[str, str], ascii_table: Mapping[int, str]) -> str:
    """The text with single characters replaced: `translate` is fast on ASCII alone."""
    if text.isascii():
        return text.translate(ascii_table)
    for char in table.keys() & set(text):
        text = text.replace(char, table[char])
    return text


def _within(spans: Sequence[Span], at: int) -> bool:
    """Whether a sorted list of spans has one around `at`, its last character excepted."""
    index = bisect_right(spans, (at, 1 << 62)) - 1
    return index >= 0 and spans[index][0] < at < spans[index][1] - 1
