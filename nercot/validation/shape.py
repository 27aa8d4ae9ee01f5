"""Whether a text is reasoning at all, as far as its shape tells: repetition, an echo, nothing.

In: a trace and its sentence.  Out: one line that says what is wrong, or None.  Knows no language and asks no
model, so it says nothing of word salad or of a text about something else: that is for a reader.  Hesitating,
repeating a point, long lists and the same words for each of many mentions are no fault.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence

from nercot.validation.evidence import lower, without_sentence

# A piece of so many characters is looked for again; about so many all along the trace, but none nearer to the last.
_PIECE, _PIECES, _STEP = 24, 12, 60
# The same passage so many times in a row, and so much text in all, is a loop where it makes up so much of the
# trace; where it comes again and again, or fills pages, it is one in any trace.  The last copy may lack what joins
# it to the next.
_COPIES, _JOINT, _MIN_LOOP, _SHARE = 4, 2, 90, 0.4
_MANY_COPIES, _PAGES = 10, 2000
# A piece may come again within the passage, too: so many of its places are tried.
_TRIES = 32
# Where nearly all pieces come again, and the text compresses to so little, it loops in whatever order.
_SUSPICIOUS, _NEARLY_ALL, _NOTHING_NEW, _LONG = 4, 0.8, 0.09, 800
# Letters and digits that an echo may have beside the sentence and the names of the types.
_MIN_OWN = 15
_DIGITS = re.compile("[0-9]")
_NUMBERED = re.compile(r"\w*[0-9]\w*")
_WORDY = re.compile(r"\w")
_LETTER = re.compile(r"[^\W\d_]")


def degeneration(cot: str, sentence: str, schema: Sequence[str], mentions: Sequence[str]) -> str | None:
    """Why the trace is no reasoning about this sentence, or None."""
    if _LETTER.search(cot) is None:
        return "the trace is empty" if not cot.strip() else f"the trace has no words: {cot.strip()[:40]!r}"
    return _loop(cot, sentence) or _echo(cot, sentence, schema, mentions)


def _loop(cot: str, sentence: str) -> str | None:
    """A passage over and over in a row, whatever stands before it; counted numbers are one number."""
    probes = _probes(cot)
    near = _again_soon(cot, probes)
    found = _in_a_row(cot, near) if near else None
    if found is None and len(cot) < _PIECES * _PIECE:
        found = _whole(cot)
    if found is None and near and 2 * len(near) >= len(probes):
        found = _with_changes(cot, sentence, 4 * len(near) >= 3 * len(probes))
    if found is None or found.strip() in sentence:
        return None
    return f"the trace loops: {found.strip()[:60]!r}"


def _with_changes(cot: str, sentence: str, much: bool) -> str | None:
    """A loop that counts, or, where much comes again, one whose pieces come in whatever order."""
    counts = _DIGITS.search(cot) is not None
    if not (counts or much):
        return None
    again, pieces = _again(cot), len(_places(cot))
    if len(again) < _SUSPICIOUS:
        return None
    if counts and len(again) * 2 >= pieces:
        folded = _uncounted(cot)
        found = _in_a_row(folded, _again_soon(folded, _probes(folded)))
        if found is not None:
            return None if _counts_mentions(cot, sentence) else found
    return _nothing_new(cot, again) if len(again) >= _NEARLY_ALL * pieces else None


def _uncounted(text: str) -> str:
    """The text with every digit a 0."""
    for digit in "123456789":
        text = text.replace(digit, "0")
    return text


def _counts_mentions(cot: str, sentence: str) -> bool:
    """Whether most numbered words of the trace are the sentence's own: a list of them has a reason to repeat itself."""
    numbered = set(_NUMBERED.findall(cot))
    return 2 * len(numbered & set(_NUMBERED.findall(sentence))) > len(numbered)


def _places(text: str) -> range:
    """Where the pieces stand that are looked for again."""
    return range(0, len(text) - 2 * _PIECE, max(_STEP, min(len(text) // _PIECES, _PAGES // 2)))


def _again(text: str) -> list[tuple[int, int]]:
    """Where those pieces stand that come again, and how far on they do."""
    find = text.find
    return [(at, next_at - at) for at in _places(text) if (next_at := find(text[at : at + _PIECE], at + 1)) > 0]


def _probes(text: str) -> range:
    """Where so few pieces stand, the last near the end, that one is in any loop, with a copy of it behind it."""
    size = max(_MIN_LOOP, min(int(_SHARE * len(text)), _PAGES))  # of the smallest loop, which has _COPIES
    return range(len(text) - _MIN_LOOP, -1, -(size - size // _COPIES - _PIECE - _JOINT))


def _again_soon(text: str, probes: range) -> list[tuple[int, int, int]]:
    """Where those pieces stand that come again soon enough to be in a loop, where they do, and how far that can be."""
    # The passage of which _COPIES begin in the step before is at most so long.
    find, total = text.find, len(text) - probes.step + (_COPIES - 1) * _PIECE
    return [
        (at, next_at, stop)
        for at in probes
        if (next_at := find(text[at : at + _PIECE], at + 1, stop := at + (total - at) // (_COPIES - 1))) > 0
    ]


def _in_a_row(text: str, near: Sequence[tuple[int, int, int]]) -> str | None:
    """The passage that is repeated without anything between."""
    for at, next_at, stop in near:
        for _ in range(_TRIES):
            if text.startswith(text[at:next_at], next_at) and (passage := _looping(text, at, next_at - at)):
                return passage
            next_at = text.find(text[at : at + _PIECE], next_at + 1, stop)
            if next_at < 0:
                break
    return None


def _looping(text: str, at: int, period: int) -> str | None:
    """The passage of this period around a place, where there is enough of it to be a loop."""
    start = at - _agreement_before(text, at, at + period)
    run = at - start + period + _agreement(text, at, at + period)
    if run < _MIN_LOOP or run + _JOINT < _COPIES * period:
        return None
    passage = text[start : start + min(period * (1 + _PIECE // period), 200)]
    long_enough = run >= _SHARE * len(text) or run >= _PAGES or run >= _MANY_COPIES * period
    return passage if long_enough and (_WORDY.search(passage) or run >= _PAGES) else None


def _agreement_before(text: str, one: int, other: int) -> int:
    """How many characters before `one` are the same as those before `other`."""
    low, high = 0, one
    while low < high:
        middle = (low + high + 1) // 2
        if text[one - middle : one - low] == text[other - middle : other - low]:
            low = middle
        else:
            high = middle - 1
    return low


def _agreement(text: str, one: int, other: int) -> int:
    """How many characters from `one` on are the same as those from `other` on."""
    low, high = 0, len(text) - other
    while low < high:
        middle = (low + high + 1) // 2
        if text[one + low : one + middle] == text[other + low : other + middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _nothing_new(text: str, again: Sequence[tuple[int, int]]) -> str | None:
    """A stretch that compresses as only repetition does, in whatever order its pieces come."""
    if len(again) < 2:
        return None
    start, end = again[0][0], again[-1][0] + again[-1][1] + _PIECE
    stretch = text[start:end].encode("utf-8", "replace")
    if len(stretch) < _LONG or len(zlib.compress(stretch)) >= _NOTHING_NEW * len(stretch):
        return None
    return text[start : start + 60]


def _whole(cot: str) -> str | None:
    """A short text that is nothing but one piece in a row; its last copy may lack what joins it to the next."""
    text = cot.strip()
    if len(text) < 2 * _PIECE:
        return None
    for period in range(1, (len(text) + _JOINT) // _COPIES + 1):
        if text.startswith(text[period:]):
            return text[:60]
    return None


def _echo(cot: str, sentence: str, schema: Sequence[str], mentions: Sequence[str]) -> str | None:
    """The sentence, with or without the names of the types, and nothing of its own."""
    if len(cot) > 4 * len(sentence) + 40 * (1 + len(schema)):
        return None
    low, whole = lower(cot), lower(sentence)
    if any(len(sentence) - len(mention) <= _MIN_OWN for mention in mentions):
        return None
    rest = without_sentence(low, whole)
    if rest is low:
        return None
    for label in sorted(schema, key=len, reverse=True):
        rest = rest.replace(lower(label), " ")
    own = len(_WORDY.findall(rest))
    return "the trace repeats the sentence and says nothing of its own" if own < _MIN_OWN else None
