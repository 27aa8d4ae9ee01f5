"""Tags of tokens <-> spans of tokens: BIO and its kin.

In: one tag a token, in any of the schemes below.  Out: (start, end, label) with end exclusive, or None for
a tag that no scheme explains.  One reading covers IOB1, BIO, IOBES, BILOU, BMES and I- tags without a B-
before them: an entity goes on where I (M, E, L) follows a tag of the same type, and begins anew elsewhere.

Schemes: `prefixed` (B-PER), `suffixed` (PER-B), `bare` (B, I, O without a type), `plain` (PER on every token;
neighbours of one type are one entity).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from heapq import nlargest
from operator import itemgetter

PREFIXED, SUFFIXED, BARE, PLAIN = "prefixed", "suffixed", "bare", "plain"
OUTSIDE = frozenset(("O", "o"))
# What stands for no tag where the other tags have prefixes.
_ABSENT = frozenset(("_", "-"))

_PREFIX = re.compile(r"([BIESLUMW])[-_](.*\S.*)", re.DOTALL | re.IGNORECASE)
_SUFFIX = re.compile(r"(.*\S.*)[-_]([BIESLUMW])", re.DOTALL | re.IGNORECASE)
_LETTER = re.compile(r"[BIESLUMW]")
LETTER_FIRST = re.compile(r"[A-Za-z][-_:/|\u2010-\u2015\u2212].")
_SEVERAL = re.compile(r"[BIESLUMW][-_][^|]+\|([BIESLUMW][-_]|O\b)")

# B begins, I goes on, E ends, S stands alone; the other letters are other words for these.
_ROLE = {"M": "I", "L": "E", "U": "S", "W": "S"}

# Of the values of a column so many have to be tags, so many of those that are not O of one scheme.
_MIN_TAGS = 0.6
_MIN_OF_SCHEME = 0.5
# More values than tags usually have are looked at by the most frequent of them first.
_MANY, _COMMON = 1000, 200
# Types without a prefix look like any word, so O has to be frequent and the types few.
_MIN_OUTSIDE = 0.3
_MAX_PLAIN = 100

Span = tuple[int, int, str]


def named(words: str) -> frozenset[str]:
    """A set of words, as `a b c`."""
    return frozenset(words.split())


def scheme_of(counts: Mapping[str, int]) -> str | None:
    """The scheme that explains these tags and how often each occurs; None where they are no tags."""
    if len(counts) > _MANY and not _are_mostly_tags(counts):
        return None
    absent = sum(counts.get(tag, 0) for tag in _ABSENT)
    if absent:
        present = {tag: count for tag, count in counts.items() if tag not in _ABSENT}
        scheme = scheme_of({**present, "O": present.get("O", 0) + absent}) if not OUTSIDE.issuperset(present) else None
        return scheme if scheme in (PREFIXED, SUFFIXED) else None
    total = sum(counts.values())
    outside = sum(counts.get(tag, 0) for tag in OUTSIDE)
    inside = total - outside
    if not inside:
        return PREFIXED if total else None
    shapes: Counter[str] = Counter()
    for tag, count in counts.items():
        shapes.update(dict.fromkeys(_shapes(tag), count))
    schemes = sorted((PREFIXED, SUFFIXED, BARE), key=lambda scheme: -shapes[scheme])
    if shapes[PREFIXED] == shapes[SUFFIXED] > 0:
        # Of B-cell-B and B-cell-I the reading with fewer types is the likely one.
        schemes.sort(key=lambda scheme: len(labels_of_tags(counts, scheme)) if scheme != BARE else len(counts))
    for scheme in schemes:
        fits = shapes[scheme] >= _MIN_OF_SCHEME * inside and shapes[scheme] + outside >= _MIN_TAGS * total
        if fits and (scheme == PREFIXED or outside):
            return scheme
    return _plain(counts, total, outside)


def _are_mostly_tags(counts: Mapping[str, int]) -> bool:
    """Whether the most frequent of many values may be tags; a column of words is told by them alone."""
    common = nlargest(_COMMON, counts.items(), key=itemgetter(1))
    tags = sum(count for tag, count in common if tag in OUTSIDE or tag in _ABSENT or _shapes(tag))
    return tags >= _MIN_OF_SCHEME * sum(count for _, count in common)


def _plain(counts: Mapping[str, int], total: int, outside: int) -> str | None:
    """Plain types, or tags with a letter that nobody knows (prefixed: their sentences are refused)."""
    kinds = [tag for tag in counts if tag not in OUTSIDE]
    few = len(kinds) <= min(_MAX_PLAIN, max(3, total // 10))
    if outside < _MIN_OUTSIDE * total or not few or not all(re.search(r"[^\W\d]", tag) for tag in kinds):
        return None
    return PREFIXED if any(LETTER_FIRST.match(tag) for tag in kinds) else PLAIN


# No tag is longer; what is is the rest of a line of some other format, and would be searched in quadratic time.
_LONGEST_TAG = 1000


def _shapes(tag: str) -> list[str]:
    """The schemes that a tag may be of."""
    patterns = ((PREFIXED, _PREFIX), (SUFFIXED, _SUFFIX), (BARE, _LETTER))
    if tag in OUTSIDE or len(tag) > _LONGEST_TAG:
        return []
    return [scheme for scheme, pattern in patterns if pattern.fullmatch(tag)]


@lru_cache(maxsize=1 << 12)
def split_tag(tag: str, scheme: str) -> tuple[str, str] | None:
    """(role, label) of a tag: roles B, I, E, S, and O with an empty label; None for an unknown tag."""
    if tag in OUTSIDE or (tag in _ABSENT and scheme in (PREFIXED, SUFFIXED)):
        return "O", ""
    if scheme == PLAIN:
        return ("I", tag) if tag.strip() else None
    if scheme == BARE:
        return (_role(tag), "") if _LETTER.fullmatch(tag) else None
    match = (_PREFIX if scheme == PREFIXED else _SUFFIX).fullmatch(tag)
    if match is None or _SEVERAL.match(tag):
        return None
    letter, label = match.groups() if scheme == PREFIXED else reversed(match.groups())
    return _role(letter), label.strip()


def _role(letter: str) -> str:
    return _ROLE.get(letter.upper(), letter.upper())


def unknown(tag: str) -> str:
    """One line about a tag that `split_tag` does not know."""
    if _SEVERAL.match(tag):
        return f"the tag {tag!r} holds several tags; nested entities cannot be read from one column"
    return f"the tag {tag!r} is none of O, B-, I-, E-, S-, L-, U-, M-, W- and a type"


def labels_of_tags(tags: Iterable[str], scheme: str) -> tuple[str, ...]:
    """The types that the tags name, in order of first sight."""
    parts = (split_tag(tag, scheme) for tag in tags)
    return tuple(dict.fromkeys(part[1] for part in parts if part and part[1]))


def decode(parts: Sequence[tuple[str, str]]) -> list[Span]:
    """The spans of a sentence's (role, label) pairs."""
    spans: list[Span] = []
    begin: int | None = None
    open_label = ""
    for at, (role, label) in enumerate(parts):
        if begin is not None and (role in "OBS" or label != open_label):
            spans.append((begin, at, open_label))
            begin = None
        if role == "O":
            continue
        begin, open_label = at if begin is None else begin, label
        if role in "ES":
            spans.append((begin, at + 1, label))
            begin = None
    if begin is not None:
        spans.append((begin, len(parts), open_label))
    return spans


def encode(length: int, spans: Iterable[Span]) -> list[str]:
    """BIO tags of a sentence of `length` tokens; the spans must not overlap."""
    tags = ["O"] * length
    for start, end, label in spans:
        tags[start:end] = [f"B-{label}", *[f"I-{label}"] * (end - start - 1)]
    return tags
