"""Sentences that repeat others: exactly (`duplicate_key`) or nearly (`near_duplicates`).

In: sentences, in the order of the corpus.  Out: for each sentence the earlier ones that it resembles.  Near-
duplicates have equal or almost equal words: case, punctuation, white space and Unicode forms are ignored, and at
most about one word in seven differs.  MinHash over pairs of neighbouring words (rensa) finds who might resemble
whom, a comparison of the words (rapidfuzz) decides.  The same sentences give the same result on every run.
Never looks at types, traces or entities.

Memory: 8 bytes a sentence, and 16 for each comparison (usually one or two, for those that share a band with another
one).  Disk: 256 bytes a sentence, and 8 for each of the first MAX_WORDS words of those that are compared.
"""

from __future__ import annotations

import hashlib
import re
import shutil
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from itertools import islice
from operator import add
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Any
from unicodedata import category, normalize

from rapidfuzz.distance import Levenshtein

from nercot.corpus.labels import fold_label
from nercot.corpus.spool import Numbers
from nercot.corpus.tables import writing

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
_ONE_PLACE = 1 << 32
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


def near_duplicates(sentences: Callable[[], Iterable[str]], folder: Path | None = None) -> Likes:
    """For each sentence that resembles earlier ones, by its place: the places of those, ascending.

    `sentences` is asked twice for the same sentences: first all are looked at, then those that may have a like.
    `folder` is for files of this function's (None: in the system's folder for those), which are gone when it returns.
    """
    folder = folder or Path(mkdtemp(prefix="nercot-"))
    shutil.rmtree(folder, ignore_errors=True)
    try:
        pairs = _candidates(sentences(), folder)
        with closing(_Words(folder / "words", pairs, sentences() if len(pairs) else ())) as words:
            alike = [pair for pair in pairs.tolist() if resemble(*map(words.at, divmod(pair, _ONE_PLACE)))]
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return Likes(alike)


class Likes:
    """Which sentences resemble which earlier ones, by place; `pairs` are later * 2^32 + earlier, ascending."""

    def __init__(self, pairs: Iterable[int] = ()) -> None:
        import numpy as np

        numbers = np.fromiter(pairs, np.int64)
        self._later, self._earlier = numbers >> 32, numbers & (_ONE_PLACE - 1)
        self._named = np.unique(self._earlier)

    def __len__(self) -> int:
        return len(set(self._later.tolist()))

    def __getitem__(self, place: int) -> list[int]:
        """The earlier sentences that the one at this place resembles, ascending."""
        first, end = self._later.searchsorted([place, place + 1])
        found: list[int] = self._earlier[first:end].tolist()
        return found

    def is_earlier(self, place: int) -> bool:
        """Whether a later sentence resembles the one at this place."""
        at = int(self._named.searchsorted(place))
        return at < len(self._named) and int(self._named[at]) == place

    def as_dict(self) -> dict[int, list[int]]:
        """Every sentence that resembles earlier ones."""
        return {place: self[place] for place in sorted(set(self._later.tolist()))}


def _pairs(words: Sequence[bytes]) -> Sequence[bytes]:
    """Neighbouring words put together; a single word stands for itself."""
    return list(map(add, words, islice(words, 1, None))) or words


def _signatures(words: Iterable[Sequence[bytes]]) -> Any:
    import rensa

    return rensa.RMinHash.digest_matrix_from_token_sets(map(_pairs, words), HASHES, SEED)


def _candidates(sentences: Iterable[str], folder: Path) -> NDArray[np.int64]:
    """Pairs that share a band, as later * 2^32 + earlier, ascending, each once."""
    import numpy as np

    bands = [Numbers(folder / f"band-{number}") for number in range(BANDS)]
    for keys in _bands(sentences):
        for number, band in enumerate(bands):
            band.add(keys[:, number])
    found = np.empty(0, np.int64)
    for band in bands:
        places, keys = band.holding(band.repeated())
        found = np.unique(np.concatenate([found, *_in_buckets(places, keys)]))
        band.close()
    return found


def _bands(sentences: Iterable[str]) -> Iterator[NDArray[np.uint64]]:
    """The bands of some sentences after the other: a row a sentence, a number a band."""
    import numpy as np

    stream = iter(sentences)
    while batch := [words_of(sentence) for sentence in islice(stream, _BATCH)]:
        hashes = np.array(_signatures(batch).to_rows(), np.uint32).reshape(len(batch), BANDS, HASHES // BANDS)
        halves = hashes.view(np.uint64)
        yield halves[..., 0] * np.uint64(0x9E3779B97F4A7C15) + halves[..., 1]


class _Words:
    """The first MAX_WORDS words, a number each, of the sentences that stand in some pair, in a file."""

    def __init__(self, path: Path, pairs: NDArray[np.int64], sentences: Iterable[str]) -> None:
        import numpy as np

        self._places = np.unique(np.concatenate([pairs >> 32, pairs & (_ONE_PLACE - 1)]))
        self._ends = np.zeros(len(self._places) + 1, np.int64)
        wanted = iter(self._places.tolist())
        number, place = 0, next(wanted, None)
        with writing(path), path.open("wb") as file:
            for at, sentence in enumerate(sentences):
                if at == place:
                    words = word_hashes(words_of(sentence)[:MAX_WORDS])
                    file.write(words.tobytes())
                    self._ends[number + 1] = self._ends[number] + 8 * len(words)
                    number, place = number + 1, next(wanted, None)
        self._file = path.open("rb")

    def at(self, place: int) -> array[int]:
        """The words of the sentence at this place."""
        number = int(self._places.searchsorted(place))
        start, end = int(self._ends[number]), int(self._ends[number + 1])
        self._file.seek(start)
        return array("Q", self._file.read(end - start))

    def close(self) -> None:
        """Lets go of the file."""
        self._file.close()


def _in_buckets(places: NDArray[np.int64], keys: NDArray[np.uint64]) -> Iterator[NDArray[np.int64]]:
    """The pairs of one band as later * 2^32 + earlier: each member of a bucket with the first ones of it."""
    import numpy as np

    order = np.argsort(keys, kind="stable")
    ranked, ordered = keys[order], places[order]
    position = np.arange(len(keys))
    is_first = np.concatenate([ranked[:1] == ranked[:1], ranked[1:] != ranked[:-1]])
    first = np.maximum.accumulate(np.where(is_first, position, 0))
    for nth in range(FIRST):
        later = position[position - first > nth]
        yield (ordered[later] << 32) | ordered[first[later] + nth]
