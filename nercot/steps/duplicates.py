"""Sentences that repeat others: exactly (`duplicate_key`) or nearly (`near_duplicates`).

In: sentences, in the order of the corpus.  Out: for each sentence the earlier ones that it resembles.  Near-
duplicates have equal or almost equal words: case, punctuation, white space and Unicode forms are ignored, and at
most about one word in seven differs.  MinHash over pairs of neighbouring words (rensa) finds who might resemble
whom, a comparison of the words (rapidfuzz) decides.  The same sentences give the same result on every run.
Never looks at types, traces or entities.

Memory: 520 bytes a sentence for the signatures; for those that share a band with another one 256 bytes more, 8
for each of the first MAX_WORDS words, and 8 for each of at most 128 comparisons (usually one or two).
"""

from __future__ import annotations

import hashlib
import re
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import compress, islice
from operator import add
from typing import TYPE_CHECKING, Any
from unicodedata import category, normalize

from rapidfuzz.distance import Levenshtein

from nercot.corpus.labels import fold_label

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# Near-duplicates are one edit (a word put in, left out or replaced) apart for each so many words of the longer.
# Shorter sentences have to be equal: "Group A" and "Group B" are two samples, while of a longer sentence nothing
# new is learned if a word of it changes.
WORDS_AN_EDIT = 7

# 32 bands of 4 hashes: two sentences whose word pairs overlap by half (one word of seven replaced) meet with a
# probability of 0.87, by 0.7 with 0.9998; two that share one pair in forty, as strangers do, with 0.00001.
HASHES = 128
BANDS = 32
SEED = 1

# Of a band's bucket, each sentence is compared with so many, the first: in a corpus of templates everyone would
# be compared with everyone.
FIRST = 4

# Comparing stops here; passages that agree so far are the same.
MAX_WORDS = 400

_BATCH = 1000
_UINT64 = (1 << 64) - 1

# Bytes of UTF-8: ASCII letters in lower case, digits, what is not ASCII as it is, all else a space.
_PLAIN = bytes(
    ord(char.lower()) if char.isascii() and char.isalnum() else 32 if char.isascii() else ord(char)
    for char in map(chr, range(256))
)
# Any character but ASCII and Latin letters; most texts have none, and looking is faster than replacing.
_NOT_LATIN = re.compile("[^\x00-\x7f\xc0-\xd6\xd8-\xf6\xf8-\u024f]")
# Scripts without spaces: each grapheme, a letter with the marks on it, stands for a word.  First those that have marks
# (Thai, Lao, Burmese, Khmer, kana), then Han.
_MARKED = ((0x0E00, 0x0EFF), (0x1000, 0x109F), (0x1780, 0x17FF), (0x3040, 0x30FF), (0xA9E0, 0xA9FF), (0xAA60, 0xAA7F))
_HAN = "\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_LETTERS = "".join(f"{chr(first)}-{chr(last)}" for first, last in _MARKED) + _HAN
_MARKS = "".join(
    char for first, last in _MARKED for char in map(chr, range(first, last + 1)) if category(char) in ("Mn", "Mc")
)
_UNSPACED = re.compile(f"[{_LETTERS}][{_MARKS}\ufe00-\ufe0f\U000e0100-\U000e01ef]*")


class _Lettered(dict[int, int | str | None]):
    """What becomes of a character: letters, digits and the marks on them stay, format characters go, else a space.

    Marks are vowels in most scripts of South and Southeast Asia: without them two names are one.
    """

    def __missing__(self, point: int) -> int | str | None:
        char = chr(point)
        kind = category(char)
        kept = char.isascii() or char.isalnum() or kind.startswith("M")
        self[point] = point if kept else None if kind == "Cf" else " "
        return self[point]


_LETTERED = _Lettered()


def duplicate_key(sentence: str, schema: Iterable[str]) -> bytes:
    """16 bytes that are equal for records with the same text and the same set of types."""
    labels = sorted({fold_label(label) for label in schema})
    content = "\0".join((plain_text(sentence), *labels))
    return hashlib.blake2b(content.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def plain_text(sentence: str) -> str:
    """The text as exact duplicates are compared: NFC, white space collapsed, case kept."""
    return " ".join(normalize("NFC", sentence).split())


def words_of(sentence: str) -> list[bytes]:
    """The words as near-duplicates are compared, in UTF-8: without case and punctuation, never empty."""
    text = sentence
    if not text.isascii():
        text = normalize("NFKC", text).lower()
        if _NOT_LATIN.search(text):
            text = _UNSPACED.sub(r" \g<0> ", text.translate(_LETTERED))
    words = text.encode("utf-8", "surrogatepass").translate(_PLAIN).split()
    return words or [plain_text(sentence).encode("utf-8", "surrogatepass")]


def word_hashes(words: Iterable[bytes]) -> array[int]:
    """A number for each word, equal for equal words within one process."""
    return array("Q", [hash(word) & _UINT64 for word in words])


def resemble(words: Sequence[int], others: Sequence[int]) -> bool:
    """Whether two sentences, given by their `word_hashes`, are near-duplicates."""
    allowed = max(len(words), len(others)) // WORDS_AN_EDIT
    return Levenshtein.distance(words, others, score_cutoff=allowed) <= allowed


def near_duplicates(sentences: Callable[[], Iterable[str]]) -> dict[int, list[int]]:
    """For each sentence that resembles earlier ones, by its place: the places of those, ascending.

    `sentences` is asked twice for the same sentences: first all are looked at, then those that may have a like.
    """
    suspected = _suspected(sentences())
    places = [place for place, suspect in enumerate(suspected) if suspect]
    bands, words = _bands_and_words(compress(sentences(), suspected))
    found: dict[int, list[int]] = {}
    for later, earlier in _candidates(bands):
        if resemble(words[later], words[earlier]):
            found.setdefault(places[later], []).append(places[earlier])
    return found


def _pairs(words: Sequence[bytes]) -> Sequence[bytes]:
    """Neighbouring words put together; a single word stands for itself."""
    return list(map(add, words, islice(words, 1, None))) or words


def _signatures(words: Iterable[Sequence[bytes]]) -> Any:
    import rensa

    return rensa.RMinHash.digest_matrix_from_token_sets(map(_pairs, words), HASHES, SEED)


def _suspected(sentences: Iterable[str]) -> list[bool]:
    """For each sentence, whether it shares a band with any other."""
    import rensa

    # The threshold is for `is_similar`, which is not asked.
    index = rensa.RMinHashLSH(threshold=0.5, num_perm=HASHES, num_bands=BANDS)
    flags: list[bool] = index.query_duplicate_flags_matrix_one_shot(_signatures(map(words_of, sentences)))
    return flags


def _bands_and_words(sentences: Iterator[str]) -> tuple[NDArray[np.uint64], list[array[int]]]:
    """The bands of each sentence, a number each, and its words."""
    import numpy as np

    bands: list[NDArray[np.uint64]] = [np.empty((0, BANDS), np.uint64)]
    words: list[array[int]] = []
    while batch := [words_of(sentence) for sentence in islice(sentences, _BATCH)]:
        words += [word_hashes(text[:MAX_WORDS]) for text in batch]
        hashes = np.array(_signatures(batch).to_rows(), np.uint32).reshape(len(batch), BANDS, HASHES // BANDS)
        halves = hashes.view(np.uint64)
        bands.append(halves[..., 0] * np.uint64(0x9E3779B97F4A7C15) + halves[..., 1])
    return np.concatenate(bands), words


def _candidates(bands: NDArray[np.uint64]) -> Iterator[tuple[int, int]]:
    """(later, earlier) for those that share a band, ascending, each pair once."""
    import numpy as np

    found = np.empty(0, np.int64)
    for band in range(BANDS):
        found = np.unique(np.concatenate([found, *_in_buckets(bands[:, band])]))
    for start in range(0, len(found), _BATCH):
        for pair in found[start : start + _BATCH].tolist():
            yield divmod(pair, 1 << 32)


def _in_buckets(keys: NDArray[np.uint64]) -> Iterator[NDArray[np.int64]]:
    """The pairs of one band as later * 2^32 + earlier: each member of a bucket with the first ones of it."""
    import numpy as np

    order = np.argsort(keys, kind="stable")
    ranked = keys[order]
    position = np.arange(len(keys))
    is_first = np.concatenate([ranked[:1] == ranked[:1], ranked[1:] != ranked[:-1]])
    first = np.maximum.accumulate(np.where(is_first, position, 0))
    for nth in range(FIRST):
        later = position[position - first > nth]
        yield (order[later] << 32) | order[first[later] + nth]
