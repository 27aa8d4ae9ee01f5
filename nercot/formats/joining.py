"""Tokens -> the text that they were cut from, as far as they show how.

In: the tokens of a file, each with its number of occurrences, and what the user asked for (space, none, auto).
Out: a Joining, which makes a sentence of tokens and says where each lies in it.  Tokens are joined by one space,
unless they show otherwise: words or single characters of a script without spaces, white space as tokens of its own,
marks of word pieces (##, @@, ▁, Ġ, </w>, ￭), the places of characters in their words (王0 小1).  A file that writes the
texts of some sentences beside their tokens joins all others by one space.  Never drops a token; a mark of a tokeniser
is no part of the text.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from nercot.errors import InputError
from nercot.formats.words import UNSPACED, Offsets, joined

SPACE, NONE, AUTO = "space", "none", "auto"
HELD, UNSPACED_WAY = "held", "unspaced"
CHOICES = (AUTO, SPACE, NONE)

# Of the tokens with letters so many have to be of a script without spaces, so many of all to be spaces or to bear a
# mark of pieces; among single characters fewer spaces are enough, but only a script of syllables has no words of one
# letter, so that those of an alphabet have to be many.
_MIN_UNSPACED, _MIN_SPACES, _MIN_MARKED, _MIN_BEGUN = 0.5, 0.25, 0.005, 0.2
_MIN_BLANK, _MIN_SINGLE, _MIN_BLANKS, _MIN_NUMBERED = 0.02, 0.8, 20, 0.6
_SYLLABLES = re.compile("[\uac00-\ud7a3]")
# The most frequent tokens show it.
_MOST = 2000
_PIECE = re.compile(r"##\w", re.UNICODE)
_JOINER = "\uffed"
_PLACED = "numbered"
_NUMBERED = re.compile(rf"{UNSPACED.pattern}[0-9]$")
_TELLING = re.compile(rf"{UNSPACED.pattern}|##|@@|▁|Ġ|</w>|{_JOINER}|[^\S ]|  ")


@dataclass(frozen=True, slots=True)
class _Piece:
    """A token without its tokeniser's marks, and whether a space stands before it, where the mark says so."""

    text: str
    spaced: bool


@dataclass(frozen=True, slots=True)
class Joining:
    """How tokens become a sentence.  `way`: space, none, held (spaces are tokens), unspaced, or the mark of pieces."""

    way: str = SPACE

    def join(self, tokens: Sequence[str], glued: Sequence[bool] = ()) -> tuple[str, Offsets]:
        """The sentence, and where each token lies; `glued`: whether the file says that no space follows a token."""
        if self.way == SPACE and not any(glued):
            return joined(tokens)
        pieces = [_Piece(*pair) for pair in _WAYS[self.way](tokens)]
        for at, is_glued in enumerate(glued[: len(pieces) - 1]):
            if is_glued:
                pieces[at + 1] = _Piece(pieces[at + 1].text, False)
        return _placed(pieces)

    @property
    def said(self) -> str:
        """What to tell the user of it."""
        return _SAID.get(self.way, "")


def _placed(pieces: Sequence[_Piece]) -> tuple[str, Offsets]:
    parts: list[str] = []
    offsets: Offsets = []
    at = 0
    for piece in pieces:
        space = " " if piece.spaced and at else ""
        parts.append(space + piece.text)
        at += len(space)
        offsets.append((at, at + len(piece.text)))
        at += len(piece.text)
    return "".join(parts), offsets


def joining_of(counts: Mapping[str, int], asked: str = AUTO, texted: bool = False) -> Joining:
    """How the tokens of a file are joined; InputError where what is asked for is no way.

    `texted`: the file has the text of each sentence that is not its tokens joined by one space.
    """
    if asked not in CHOICES:
        raise InputError(f"source.join = {asked!r}: tokens are joined by one of {', '.join(CHOICES)}")
    if asked != AUTO:
        return Joining(asked)
    return Joining() if texted else Joining(_shown(dict(Counter(counts).most_common(_MOST))))


def is_telling(sentence: str) -> bool:
    """Whether the words of a sentence, joined by one space again, may not be read as it: its text has to be written."""
    return bool(_TELLING.search(sentence)) or sentence != sentence.strip()


def _shown(counts: Mapping[str, int]) -> str:
    """The way that the tokens themselves show."""
    total = sum(counts.values())
    if not total:
        return SPACE
    for way, test, least in _SIGNS:
        if sum(count for token, count in counts.items() if test(token)) >= least * total:
            return way
    if _are_characters(counts, total):
        return HELD
    words = sum(count for token, count in counts.items() if any(map(str.isalpha, token)))
    unspaced = sum(count for token, count in counts.items() if UNSPACED.search(token) and not token.isspace())
    return UNSPACED_WAY if words and unspaced >= _MIN_UNSPACED * words else SPACE


def _are_characters(counts: Mapping[str, int], total: int) -> bool:
    """Whether the tokens are single characters, with the spaces among them."""
    blank = sum(count for token, count in counts.items() if not token.strip())
    singles = {token: count for token, count in counts.items() if len(token) == 1 and token.strip()}
    if blank < _MIN_BLANK * total or sum(singles.values()) < _MIN_SINGLE * (total - blank):
        return False
    return blank >= _MIN_BLANKS or any(map(_SYLLABLES.match, singles))


_SIGNS: tuple[tuple[str, Callable[[str], bool], float], ...] = (
    ("▁", lambda token: token.startswith("▁") and (len(token) > 1 or token == "▁"), _MIN_BEGUN),
    ("Ġ", lambda token: token.startswith("Ġ"), _MIN_BEGUN),
    ("</w>", lambda token: token.endswith("</w>"), _MIN_BEGUN),
    (HELD, lambda token: token == " ", _MIN_SPACES),
    (_PLACED, lambda token: bool(_NUMBERED.match(token)), _MIN_NUMBERED),
    ("##", lambda token: bool(_PIECE.match(token)), _MIN_MARKED),
    ("@@", lambda token: len(token) > 2 and token.endswith("@@"), _MIN_MARKED),
    (_JOINER, lambda token: _JOINER in token and len(token) > 1, _MIN_MARKED),
)

_SAID = {
    HELD: "tokens are joined without spaces, spaces are tokens of their own",
    NONE: "tokens are joined without spaces",
    UNSPACED_WAY: "tokens are joined without spaces, as their script writes them",
    _PLACED: "a digit after a character is its place in the word, and no part of the text",
    "##": "pieces that begin with ## are joined to the token before them",
    "@@": "pieces that end with @@ are joined to the token after them",
    "▁": "pieces are joined, ▁ is a space",
    "Ġ": "pieces are joined, Ġ is a space",
    "</w>": "pieces are joined, </w> ends a word",
    _JOINER: f"pieces are joined at {_JOINER}",
}

_Pairs = Iterable[tuple[str, bool]]


def _as_words(tokens: Sequence[str]) -> _Pairs:
    return ((token, True) for token in tokens)


def _as_they_are(tokens: Sequence[str]) -> _Pairs:
    return ((token or " ", False) for token in tokens)


def _with_their_spaces(tokens: Sequence[str]) -> _Pairs:
    """As they are; but words of an alphabet beside each other without any space token were parted by spaces."""
    apart = all(token.strip() for token in tokens) and sum(map(_is_spaced_word, tokens)) > 1
    return _as_words(tokens) if apart and not any(map(_SYLLABLES.search, tokens)) else _as_they_are(tokens)


def _without_spaces(tokens: Sequence[str]) -> _Pairs:
    """No spaces but between two words of a script that parts them."""
    before = ""
    for token in tokens:
        yield token, _is_spaced_word(before) and _is_spaced_word(token)
        before = token


def _is_spaced_word(token: str) -> bool:
    """Whether a token is a word, of several letters, of a script that parts its words."""
    return len(token) > 1 and token[0].isalnum() and token[-1].isalnum() and not UNSPACED.search(token)


def _without_places(tokens: Sequence[str]) -> _Pairs:
    return _without_spaces([token[:-1] if len(token) == 2 and token[1].isdecimal() else token for token in tokens])


def _continued(tokens: Sequence[str]) -> _Pairs:
    for token in tokens:
        continues = bool(_PIECE.match(token))
        yield token[2:] if continues else token, not continues


def _to_be_continued(tokens: Sequence[str]) -> _Pairs:
    spaced = True
    for token in tokens:
        goes_on = len(token) > 2 and token.endswith("@@")
        yield token[:-2] if goes_on else token, spaced
        spaced = not goes_on


def _begun(mark: str, decode: Callable[[str], str]) -> Callable[[Sequence[str]], _Pairs]:
    def pairs(tokens: Sequence[str]) -> _Pairs:
        for token in tokens:
            begins = token.startswith(mark)
            yield decode(token.removeprefix(mark).replace(mark, " ")), begins

    return pairs


def _ended(tokens: Sequence[str]) -> _Pairs:
    spaced = True
    for token in tokens:
        yield token.removesuffix("</w>"), spaced
        spaced = token.endswith("</w>")


def _at_joiners(tokens: Sequence[str]) -> _Pairs:
    spaced = True
    for token in tokens:
        yield token.strip(_JOINER) or token, spaced and not token.startswith(_JOINER)
        spaced = not token.endswith(_JOINER)


@cache
def _byte_of() -> dict[str, int]:
    """The byte that each character of GPT-2's alphabet stands for: printable ones themselves, the rest from 256 on."""
    plain = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = (byte for byte in range(256) if byte not in plain)
    return {chr(byte): byte for byte in plain} | {chr(256 + n): byte for n, byte in enumerate(others)}


def _from_bytes(token: str) -> str:
    """A token of GPT-2's alphabet as text; itself where it is no whole text."""
    known = _byte_of()
    try:
        return bytes(known[character] for character in token).decode("utf-8")
    except (KeyError, UnicodeDecodeError):
        return token


_WAYS: dict[str, Callable[[Sequence[str]], _Pairs]] = {
    SPACE: _as_words,
    NONE: _as_they_are,
    HELD: _with_their_spaces,
    UNSPACED_WAY: _without_spaces,
    _PLACED: _without_places,
    "##": _continued,
    "@@": _to_be_continued,
    "▁": _begun("▁", str),
    "Ġ": _begun("Ġ", _from_bytes),
    "</w>": _ended,
    _JOINER: _at_joiners,
}
