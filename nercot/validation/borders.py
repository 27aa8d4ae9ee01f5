"""Where a word may begin and end, in any script.

In: a text and a place in it.  Out: whether a word, or a piece that a reader would cut there, begins or ends at it.
Never looks at what the words mean.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

# Letters before an ending that make it an ending: a shorter piece is no stem.
_MIN_STEM = 4
_MAX_ENDING = 3

# Signs at which a word always ends or begins; so it does where a text ends.
PLAIN = frozenset((*" .,;:!?()[]\"'\n\t-/", ""))

# Scripts in which a word may be cut out of its neighbours: no spaces, or particles written on.
_JOINED_SCRIPT = re.compile(
    "[\u0590-\u07bf\u0e00-\u0fff\u1000-\u109f\u1100-\u11ff\u1780-\u17ff\u3040-\u30ff\u3130-\u318f\u31f0-\u31ff"
    "\u3400-\u4dbf\u4e00-\u9fff\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff\U00020000-\U0003ffff]"
)


def is_joined_script(char: str) -> bool:
    """Whether a character is of a script in which words are written without spaces, or with particles on them."""
    return char > "\u058f" and _JOINED_SCRIPT.match(char) is not None


def _wordy(char: str) -> bool:
    """Whether a character belongs to the word, or to the sign, before it."""
    return char.isalnum() or char == "_" or (char > "\u02ff" and _clings(char))


@lru_cache(maxsize=4096)
def _clings(char: str) -> bool:
    """Combining marks, joiners and skin tones belong to the character before them."""
    return unicodedata.category(char)[0] == "M" or char == "\u200d" or "\U0001f3fb" <= char <= "\U0001f3ff"


def is_bordered(sentence: str, at: int) -> bool:
    """Whether a word may begin or end before the character at `at`."""
    return at <= 0 or at >= len(sentence) or _is_border(sentence[at - 1], sentence[at])


@lru_cache(maxsize=65536)
def _is_border(before: str, after: str) -> bool:
    """Whether a word may end with the one character and another begin with the next."""
    if after > "\u02ff" and _clings(after):
        return False
    if before == "\u200d":
        return False
    if not (_wordy(before) and _wordy(after)):
        return True
    return bool(_JOINED_SCRIPT.match(before) or _JOINED_SCRIPT.match(after))


def may_begin(sentence: str, at: int) -> bool:
    """Whether a reader might cut a word there: at a change of case or to digits."""
    if is_bordered(sentence, at):
        return True
    before, after = sentence[at - 1], sentence[at]
    if _clings(after) or before == "\u200d":
        return False
    if before == "_" or after == "_" or before.isdigit() != after.isdigit():
        return True
    return before.islower() and after.isupper()


def may_end(sentence: str, at: int) -> bool:
    """The same for where it ends: also before a short ending."""
    return may_begin(sentence, at) or (not _clings(sentence[at]) and _is_stem(sentence, at))


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
