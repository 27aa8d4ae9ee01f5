"""One form for all spellings of a text, and the way back: every folded character remembers where it came from.

In: texts.  Out: their folded forms (Unicode form, quotes and dashes; without spaces; without case), and the places
of one in another in offsets of the original.  Never changes an offset, and never takes other letters for the same.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

Span = tuple[int, int]

# More places of one text are not looked at: it bounds the time of a text made to be slow.
MAX_PLACES = 2000

_QUOTES = dict.fromkeys("‘’‚‛′´`＇", "'") | dict.fromkeys("“”„‟″«»＂", '"')
_DASHES = dict.fromkeys("‐‑‒–—―−﹘﹣－", "-")
_SAME = str.maketrans(_QUOTES | _DASHES)
_OTHER_FORMS = re.compile(
    f"[{re.escape(''.join((*_QUOTES, *_DASHES)))}\ufe0e\ufe0f\u00ad\u200b\u2060\ufeff]|''|[\u0300-\u036f]"
)

# PTB quotes are two characters that stand for one.
_PIECES = re.compile(r"``|''|.", re.DOTALL)

# Characters without width or meaning of their own: variation selectors, soft hyphen, zero-width space, BOM.
_IGNORED = frozenset("\ufe0e\ufe0f\u00ad\u200b\u2060\ufeff")
_SELECTORS = frozenset("\ufe0e\ufe0f")


@dataclass(frozen=True, slots=True)
class Folded:
    """A folded text; `starts[i]`, `ends[i]`: where its character i comes from."""

    text: str
    starts: Sequence[int]
    ends: Sequence[int]


def fold_mention(text: str) -> str:
    """The form in which two spellings of one mention are equal: Unicode form, quotes, dashes and spaces are ignored."""
    if text.isascii() and "`" not in text and "''" not in text:
        return "".join(text.split())  # the usual case, without the way back to the text's own characters
    return fold(text, _squeeze).text


class FoldedText:
    """A text in which passages are found in whatever Unicode form, quotes, spaces or case they are written."""

    def __init__(self, text: str) -> None:
        self._folded = folded(text, _casefold)

    def find(self, passage: str) -> Span | None:
        """The first place of a passage, in offsets of the text as it is; None if there is none."""
        places = folded_places(self._folded, folded(passage, _casefold).text)
        return places[0] if places else None


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


FOLDS: tuple[tuple[str, Callable[[str], str]], ...] = (
    ("normalised", _unify),
    ("whitespace", _squeeze),
    ("case", _casefold),
)


@lru_cache(maxsize=1024)
def fold(text: str, form: Callable[[str], str]) -> Folded:
    """The same; short texts that come again are remembered."""
    return folded(text, form)


def folded(text: str, form: Callable[[str], str]) -> Folded:
    """The text in one of the forms, piece by piece."""
    chars: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    for piece in _PIECES.finditer(text):
        if piece[0] in _SELECTORS and ends:
            ends[-1] = piece.end()
        for char in form(piece[0]):
            chars.append(char)
            starts.append(piece.start())
            ends.append(piece.end())
    if not text.isascii():
        _order_marks(chars, starts, ends)
    return Folded("".join(chars), starts, ends)


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


def folded_places(folded: Folded, mention: str) -> list[Span]:
    """Where the folded mention begins and ends with whole characters of the original."""
    spans: list[Span] = []
    start = folded.text.find(mention) if mention else -1
    while start >= 0 and len(spans) < MAX_PLACES:
        end = start + len(mention)
        clean_start = start == 0 or folded.ends[start - 1] <= folded.starts[start]
        clean_end = end == len(folded.text) or folded.starts[end] >= folded.ends[end - 1]
        if clean_start and clean_end:
            spans.append((folded.starts[start], folded.ends[end - 1]))
        start = folded.text.find(mention, start + 1)
    return spans


@lru_cache(maxsize=64)
def squeezed(text: str) -> str | None:
    """The text without spaces; None where its signs have other forms, too."""
    if _OTHER_FORMS.search(text) or not (text.isascii() or unicodedata.is_normalized("NFKC", text)):
        return None
    return "".join(text.split())


def exact_places(sentence: str, mention: str) -> list[Span]:
    """Every place of a text in another, word for word, also where they overlap."""
    spans: list[Span] = []
    start = sentence.find(mention)
    while start >= 0 and len(spans) < MAX_PLACES:
        spans.append((start, start + len(mention)))
        start = sentence.find(mention, start + 1)
    return spans


def is_nowhere(text: str, piece: str) -> bool:
    """Whether a piece is for certain not in a text, in no form: the quick answer for signs that have but one form."""
    one, other = _loosest(text), _loosest(piece)
    return one is not None and other is not None and other not in one


@lru_cache(maxsize=64)
def _loosest(text: str) -> str | None:
    """The text without spaces, case and marks of their own; None where its signs have other forms, too."""
    whole = squeezed(text)
    return None if whole is None or "\u0130" in whole else unicodedata.normalize("NFKD", whole.casefold())
