"""Which sentences stand in a benchmark's test set.

In: the folder of benchmark files that the user has, in any format, and the sentences of a corpus.  Out: for each
sentence the benchmarks that it touches.  Only test files, and those without a split, count: a corpus may hold
what a benchmark trains on.  Two tests, fit for short sentences:

whole      The two are near-duplicates as duplicates.py has it (so short ones are equal).  Every such pair is found.
contained  SHARE of the test sentence's word triples stand in the sentence, and at least LEAST different ones: a
           passage with the test sentence in it.  For shorter ones that would be chance.

Never fails for want of a benchmark: those that are missing are named.  Memory is that of the test sets, about 30
bytes a word, and of a few hundred sentences of the corpus.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from nercot.corpus.benchmarks import find_benchmark, load_benchmarks
from nercot.corpus.work import Row
from nercot.errors import InputError, RecipeError
from nercot.formats import DataFile
from nercot.formats.files import dataset_of, split_named
from nercot.formats.rows import SourceRow
from nercot.formats.sources import file_hashes, find_files, open_source, rows
from nercot.steps.duplicates import WORDS_AN_EDIT, resemble, word_hashes, words_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    _Numbers: TypeAlias = NDArray[np.uint64]
    _Places: TypeAlias = NDArray[np.int64]

# Runs of 13 words, as for long documents, are longer than many test sentences.  A changed word breaks three
# triples, so at 0.8 one word in seventeen may differ inside a passage.
GRAM = 3
SHARE = 0.8
LEAST = 6

_BATCH = 200
_FILLING = array("Q", [0] * GRAM)


@dataclass(frozen=True, slots=True)
class BenchmarkFiles:
    """The benchmark files in a folder.

    `tests`: (benchmark, file) for each that counts, sorted.  `untested`: benchmarks of which only training or
    development files are there.
    """

    tests: tuple[tuple[str, DataFile], ...]
    untested: tuple[str, ...]

    def hashes(self) -> list[dict[str, str]]:
        """Benchmark, name and sha256 of every file that counts."""
        hashed = file_hashes(tuple(file for _, file in self.tests))
        return [{"benchmark": name, **item} for (name, _), item in zip(self.tests, hashed, strict=True)]

    def missing(self) -> list[str]:
        """The paper's benchmarks of which there is no test set here."""
        there = {name for name, _ in self.tests}
        return [benchmark.name for benchmark in load_benchmarks() if benchmark.name not in there]


def find_benchmark_files(folder: Path) -> BenchmarkFiles:
    """The benchmark files in a folder and the folders in it; RecipeError where there is no such folder."""
    if not folder.is_dir():
        raise RecipeError(f"benchmarks.path: {folder} is no folder; name the folder with your benchmark files")
    named = [(_benchmark_of(folder, file), file) for file in _data_files(folder)]
    tests = [(name, file) for name, file in named if file.split in (None, "test")]
    tested = {name for name, _ in tests}
    return BenchmarkFiles(
        tuple(sorted(tests, key=lambda item: (item[0], item[1].name))),
        tuple(sorted({name for name, _ in named} - tested)),
    )


def _data_files(folder: Path) -> list[DataFile]:
    found: dict[Path, DataFile] = {}
    for place in (folder, *sorted(path for path in folder.rglob("*") if path.is_dir())):
        try:
            files = find_files(str(place))
        except InputError:  # a folder without data files
            continue
        for file in files:
            name = file.path.relative_to(folder)
            if not any(part.startswith(".") for part in name.parts):
                found[file.path] = DataFile(file.path, name.as_posix(), file.split)
    return [found[path] for path in sorted(found)]


def _benchmark_of(folder: Path, file: DataFile) -> str:
    """The registry's name of the benchmark, by the folders or the file; else the innermost of these names."""
    own = dataset_of(file.path)
    parts = (folder.resolve().name, *Path(file.name).parts[:-1])
    pairs = (f"{outer}/{inner}" for outer, inner in pairwise(parts))
    for name in (own, *reversed(list(pairs)), *reversed(parts)):
        known = find_benchmark(name)
        if known is not None:
            return known.name
    return parts[-1] if len(parts) > 1 else own


class Contamination:
    """The test sets, ready to be searched.

    `sentences`: how many test sentences each benchmark has.  `unreadable`: files that could not be read, and why.
    """

    def __init__(self, files: BenchmarkFiles) -> None:
        self.files = files
        self.sentences: dict[str, int] = {}
        self.unreadable: dict[str, str] = {}
        self._names: list[str] = []
        self._words: list[array[int]] = []
        for name, file in files.tests:
            self._read(name, file)
        self._index = _Index(self._words)

    def _read(self, name: str, file: DataFile) -> None:
        self.sentences.setdefault(name, 0)
        try:
            for sentence in _test_sentences(file):
                self._words.append(word_hashes(words_of(sentence)))
                self._names.append(name)
                self.sentences[name] += 1
        except InputError as error:
            self.unreadable[file.name] = str(error).replace(str(file.path), file.path.name)

    def describe(self) -> dict[str, Any]:
        """What was looked at and what was not, for the manifest."""
        return {
            "files": self.files.hashes(),
            "sentences": self.sentences,
            "missing": self.files.missing(),
            "untested": list(self.files.untested),
            "unreadable": self.unreadable,
        }

    def find(self, rows: Iterable[Row]) -> Iterator[tuple[str, ...]]:
        """For each row the benchmarks whose test sets its sentence touches, sorted."""
        stream = iter(rows)
        while batch := [word_hashes(words_of(row["sentence"])) for row in islice(stream, _BATCH)]:
            touched: list[set[str]] = [set() for _ in batch]
            for place, test, contained in self._index.alike(batch):
                name = self._names[test]
                if name not in touched[place] and (contained or resemble(batch[place], self._words[test])):
                    touched[place].add(name)
            yield from (tuple(sorted(names)) for names in touched)


def _test_sentences(file: DataFile) -> Iterator[str]:
    """The sentences of a file, without rows that say that they are of another split."""
    for row in rows(open_source(str(file.path))):
        if isinstance(row, SourceRow) and (row.split is None or split_named(row.split) == "test"):
            yield row.sentence


class _Index:
    """Which test sentences share how many word triples with a sentence."""

    def __init__(self, texts: Sequence[array[int]]) -> None:
        import numpy as np

        self._lengths = np.array([len(text) for text in texts], np.int64)
        grams, holders = _grams_of(texts)
        self._sizes = np.bincount(holders, minlength=len(texts))
        order = np.argsort(grams, kind="stable")
        self._grams, self._holders = grams[order], holders[order]

    def alike(self, texts: Sequence[array[int]]) -> Iterator[tuple[int, int, bool]]:
        """(place of the text, place of the test sentence, whether it contains that) where they may be alike.

        An edit of a word changes three triples at most, so texts that resemble share the rest (the q-gram lemma,
        Jokinen and Ukkonen 1991): what shares less is not looked at.
        """
        import numpy as np

        grams, holders = _grams_of(texts)
        places, tests, shared = self._shared(grams, holders)
        sizes = np.bincount(holders, minlength=len(texts))[places]
        lengths = np.array([len(text) for text in texts], np.int64)[places]
        edits = np.maximum(lengths, self._lengths[tests]) // WORDS_AN_EDIT
        whole = shared >= np.maximum(sizes, self._sizes[tests]) - GRAM * edits
        contained = (self._sizes[tests] >= LEAST) & (shared >= SHARE * self._sizes[tests])
        for found in np.flatnonzero(whole | contained):
            yield int(places[found]), int(tests[found]), bool(contained[found])

    def _shared(self, grams: _Numbers, holders: _Places) -> tuple[_Places, _Places, _Places]:
        """(text, test sentence, number of different triples in both), each pair once."""
        import numpy as np

        left, right = (np.searchsorted(self._grams, grams, side) for side in ("left", "right"))
        counts = right - left
        places = np.repeat(holders, counts)
        before = np.repeat(np.cumsum(counts) - counts, counts)
        tests = self._holders[np.arange(len(places)) - before + np.repeat(left, counts)]
        pairs, shared = np.unique(places * len(self._lengths) + tests, return_counts=True)
        return (*np.divmod(pairs, max(1, len(self._lengths))), shared)


def _grams_of(texts: Sequence[array[int]]) -> tuple[_Numbers, _Places]:
    """The different word triples of each text as numbers, and whose they are; a text of fewer words is one triple."""
    import numpy as np

    flat = array("Q")
    for text in texts:
        flat.extend(text)
        flat.extend(_FILLING[len(text) :])
    sizes = [max(GRAM, len(text)) for text in texts]
    words, owners = np.frombuffer(flat, np.uint64), np.repeat(np.arange(len(texts)), sizes)
    grams = words[:-2] * np.uint64(0x9E3779B97F4A7C15) + words[1:-1] * np.uint64(0xC2B2AE3D27D4EB4F) + words[2:]
    inside = owners[:-2] == owners[2:]
    grams, owners = grams[inside], owners[:-2][inside]
    order = np.lexsort((grams, owners))
    grams, owners = grams[order], owners[order]
    fresh = np.ones(len(grams), bool)
    fresh[1:] = (grams[1:] != grams[:-1]) | (owners[1:] != owners[:-1])
    return grams[fresh], owners[fresh]
