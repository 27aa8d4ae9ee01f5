"""The paper's benchmarks and what the paper reports on them: corpora/benchmarks.toml and corpora/paper_results.toml.

In: a dataset's name in any of its spellings.  Out: frozen descriptions of where a benchmark comes from and what
its licence allows, and the paper's tables.  Never reads the data itself, and never guesses: a name that nothing
here goes by is None, and a licence that is not known allows nothing.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from nercot.corpus.labels import fold_label
from nercot.corpus.resources import resource
from nercot.errors import RecipeError


@dataclass(frozen=True, slots=True)
class Benchmark:
    """One dataset.

    `folder`: its name in IE_INSTRUCTIONS/NER.  `format`: of the files at `source`, or `instructuie` where those
    are in none of ours.  `labels`: as the original spells them, empty where only its files say.  `license`: a
    Hub licence id, `other` for terms of its own, or `unknown`.
    """

    name: str
    folder: str
    source: str
    format: str
    labels: tuple[str, ...]
    license: str
    text_may_be_passed_on: bool
    citation: str
    aliases: tuple[str, ...] = ()
    hub: tuple[str, ...] = ()
    non_commercial: bool = False
    share_alike: bool = False
    note: str = ""


@dataclass(frozen=True, slots=True)
class PaperRow:
    """One model in one of the paper's tables; `scores` are F1 in per cent by column, without those not given.

    `test_sets`: `original`, or `b2ner` for B2NER's processed test sets.  `average`: as the paper prints it.
    """

    model: str
    test_sets: str
    size: str | None = None
    training_samples: int | None = None
    scores: Mapping[str, float] = field(default_factory=dict)
    average: float | None = None


@dataclass(frozen=True, slots=True)
class PaperTable:
    """One of the paper's tables, in its order; without columns it has averages of the seven only."""

    id: str
    title: str
    setting: str
    columns: tuple[str, ...]
    rows: tuple[PaperRow, ...]


@lru_cache(maxsize=1)
def load_benchmarks() -> tuple[Benchmark, ...]:
    """The 25 benchmarks of the paper, in the order of the registry."""
    return tuple(_benchmark(entry) for entry in _read("benchmarks.toml")["benchmark"])


def find_benchmark(name: str) -> Benchmark | None:
    """The benchmark of that name, alias, InstructUIE folder or Hub id; None where nothing goes by it.

    Case, spaces, `_` and `-` are ignored, and so is a `_sample_N` at the end.
    """
    return _by_name().get(_folded(name))


@lru_cache(maxsize=4096)
def benchmark_at(dataset: str, folder: Path) -> Benchmark | None:
    """The benchmark of a dataset whose file lies in `folder`, or None.

    Where its own name is too short to tell (`ai`, `movie`), the folders above do: crossner/ai, mit/movie, the Hub's
    cache of a repository.
    """
    above = folder.parent.name
    repos = [part.removeprefix(_CACHED).replace("--", "/", 1) for part in folder.parts if part.startswith(_CACHED)]
    names = (dataset, f"{folder.name}/{dataset}", f"{above}/{folder.name}", f"{above}/{dataset}", *repos)
    return next((known for known in map(find_benchmark, names) if known), None) or _of_repos(repos)


def _of_repos(repos: Sequence[str]) -> Benchmark | None:
    """The first benchmark that is one config of such a repository."""
    return next((known for known in load_benchmarks() for hub in known.hub if hub.partition(":")[0] in repos), None)


@lru_cache(maxsize=4096)
def license_of(dataset: str) -> str | None:
    """The licence of a dataset of the registry; None where nothing goes by that name."""
    known = find_benchmark(dataset)
    return known.license if known else None


@lru_cache(maxsize=4096)
def text_may_be_passed_on(dataset: str, license: str) -> bool:
    """Whether the registry knows that text of this dataset, under this licence, may be passed on: unknown is no.

    Of a dataset in the registry its entry decides, whatever licence a copy claims.
    """
    known = find_benchmark(dataset)
    return known.text_may_be_passed_on if known else license.lower() in free_licenses()


@lru_cache(maxsize=1)
def free_licenses() -> frozenset[str]:
    """The Hub's ids of the licences under which text may be passed on."""
    return frozenset(_read("benchmarks.toml")["licenses"]["free"])


def suite(name: str) -> tuple[Benchmark, ...]:
    """The benchmarks of a suite: `seven` (zero-shot) or `twenty` (RE subset, supervised), in the paper's order.

    Raises RecipeError for another name.
    """
    suites = _read("benchmarks.toml")["suites"]
    if name not in suites:
        raise RecipeError(f"there is no suite {name!r}: use one of {', '.join(suites)}")
    by_name = {benchmark.name: benchmark for benchmark in load_benchmarks()}
    return tuple(by_name[member] for member in suites[name])


@lru_cache(maxsize=1)
def load_paper_results() -> tuple[PaperTable, ...]:
    """The paper's Tables 1 to 5 and Figure 3."""
    return tuple(_table(entry) for entry in _read("paper_results.toml")["table"])


def paper_table(table_id: str) -> PaperTable:
    """One table by its id, `table1` to `table5` or `figure3`; raises KeyError for another."""
    return {table.id: table for table in load_paper_results()}[table_id]


# How the Hub's cache names the folder of a repository.
_CACHED = "datasets--"
_SAMPLE = re.compile(r"_sample_\d+$")


def _folded(name: str) -> str:
    return fold_label(_SAMPLE.sub("", name.strip()))


@lru_cache(maxsize=1)
def _by_name() -> dict[str, Benchmark]:
    return {
        _folded(name): benchmark
        for benchmark in load_benchmarks()
        for name in (benchmark.name, benchmark.folder, *benchmark.aliases, *benchmark.hub)
    }


def _benchmark(entry: Mapping[str, Any]) -> Benchmark:
    values: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in entry.items()}
    return Benchmark(**values)


def _table(entry: Mapping[str, Any]) -> PaperTable:
    columns = tuple(entry["columns"])
    rows = tuple(_row(columns, row) for row in entry["row"])
    return PaperTable(entry["id"], entry["title"], entry["setting"], columns, rows)


def _row(columns: tuple[str, ...], entry: Mapping[str, Any]) -> PaperRow:
    given = entry.get("scores", ["-"] * len(columns))
    scores = {column: score for column, score in zip(columns, given, strict=True) if score != "-"}
    return PaperRow(**{**entry, "scores": scores})


@lru_cache(maxsize=2)
def _read(name: str) -> dict[str, Any]:
    with resource("corpora", name).open("rb") as file:
        return tomllib.load(file)
