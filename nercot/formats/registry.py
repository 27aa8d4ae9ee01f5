"""The list of formats: the only place that knows which there are, and what can be said of each.

A dialect is one file of this folder.  It has `read`, and says how it is recognised: `detect(value)` for rows of
JSON, `claims(head)` for everything else (lines, columns, folders, binary files).  It is added here, and nowhere else:
detection, `convert`, the commands' help and the error messages all read this list.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nercot.corpus.records import Record
from nercot.errors import InputError
from nercot.formats import conll, gliner, instructuie, nercot, pile_ner, table, text, tokens
from nercot.formats.files import DataFile
from nercot.formats.head import Head
from nercot.formats.rows import BadRow, ReadOptions, SourceRow

# All that a record can hold; what a format does not hold is lost when it is written.
ASPECTS = (
    "entities",
    "offsets",
    "cot",
    "schema",
    "descriptions",
    "white_space",
    "source_id",
    "dataset",
    "split",
    "license",
    "gold",
)


@dataclass(frozen=True, slots=True)
class Format:
    """One dialect.

    `about`: what it is, in a few words, for help.  `read(path, file, options)` gives the rows of one file;
    `survey(files, options)` looks at all files of a source before that, where their schema or layout is only found in
    all of them.  `detect(value)`: whether a JSON value is a row of this dialect; `claims(head)`: whether a file that
    is no rows of JSON (or one whose rows are not what tells it) is of it.  `suffixes`: endings of its files beyond the
    usual ones.  `unit`: what its offsets count: characters (found out: offsets.py), tokens, or none.

    To write, one of: `rows(records)`, the JSON values of a file; `lines(records)`, its lines, in files with one of
    `endings`; `write_file(records, path)`; `write_tree(records, folder)`, with `is_tree(folder)`: whether a folder
    holds nothing but such files.  None of them: it is only read.  `holds`: what of a record survives being written:
    entities, their offsets or at least their order, cot, schema (of each row), descriptions, white_space, source_id,
    dataset, split, license, gold (beside other entities, or that there is none).  `losses(record)`: what else of a
    record gets lost, by kind.  `extra`: the extra of this package that it needs.
    """

    name: str
    about: str
    read: Callable[[Path, str, ReadOptions], Iterator[SourceRow | BadRow]]
    detect: Callable[[Any], bool] | None = None
    claims: Callable[[Head], bool] | None = None
    survey: Callable[[Sequence[DataFile], ReadOptions], tuple[DataFile, ...]] | None = None
    suffixes: tuple[str, ...] = ()
    unit: str = "none"
    rows: Callable[[Iterable[Record]], Iterator[dict[str, Any]]] | None = None
    lines: Callable[[Iterable[Record]], Iterator[str]] | None = None
    endings: tuple[str, ...] = ()
    write_file: Callable[[Iterable[Record], Path], None] | None = None
    write_tree: Callable[[Iterable[Record], Path], None] | None = None
    is_tree: Callable[[Path], bool] | None = None
    holds: frozenset[str] = frozenset()
    losses: Callable[[Record], Counter[str]] | None = None
    extra: str | None = None

    @property
    def written(self) -> bool:
        """Whether there is a way to write it."""
        return any((self.rows, self.lines, self.write_file, self.write_tree))

    @property
    def lost(self) -> tuple[str, ...]:
        """What of a record does not survive being written."""
        return tuple(aspect for aspect in ASPECTS if aspect not in self.holds)


_ENTITIES = frozenset({"entities", "offsets"})
_ROW = frozenset({"schema", "white_space", "source_id"})
_ORIGIN = frozenset({"dataset", "split", "license"})

_COLUMN_FILES = (".conll", ".conllu", ".tsv", ".bio", ".iob", ".iob2", ".txt")

# In the order in which they may claim a row that several of them know; text is what nothing else claims.
FORMATS: dict[str, Format] = {
    form.name: form
    for form in (
        Format(
            "pile_ner",
            "conversations that ask for one type after another, of Pile-NER and UniversalNER",
            pile_ner.read,
            pile_ner.detect,
            rows=pile_ner.write,
            holds=_ROW | {"entities"},
            losses=pile_ner.losses,
        ),
        Format(
            "instructuie",
            "folders of train.json, dev.json, labels.json, of InstructUIE and B2NERD",
            instructuie.read,
            instructuie.detect,
            survey=instructuie.survey,
            unit="characters",
            rows=instructuie.rows,
            write_tree=instructuie.write_tree,
            is_tree=instructuie.is_tree,
            holds=_ENTITIES | {"white_space", "source_id"},
        ),
        Format(
            "table",
            "CSV and TSV with a token and its tag in a row (Sentence #, Word, POS, Tag)",
            table.read,
            claims=table.claims,
            survey=table.survey,
            suffixes=(".csv",),
            unit="tokens",
        ),
        Format(
            "conll",
            "columns, a token and its tag on a line",
            conll.read,
            claims=conll.claims,
            survey=conll.survey,
            unit="tokens",
            lines=conll.lines,
            endings=_COLUMN_FILES,
            holds=_ENTITIES,
            losses=conll.losses,
        ),
        Format(
            "gliner",
            "GLiNER's tokens and spans; texts with lists of spans",
            gliner.read,
            gliner.detect,
            survey=gliner.survey,
            unit="tokens",
            rows=gliner.rows,
            holds=_ENTITIES | _ROW | _ORIGIN,
        ),
        Format(
            "tokens",
            "rows of tokens with tags or nested mentions, as the Hub, OneIE, DyGIE++ and W2NER have them",
            tokens.read,
            tokens.detect,
            survey=tokens.survey,
            unit="tokens",
            rows=tokens.rows,
            holds=_ENTITIES | _ROW | _ORIGIN,
        ),
        Format(
            "nercot",
            "rows of this package, and of the paper's authors",
            nercot.read,
            nercot.detect,
            unit="characters",
            rows=nercot.write,
            holds=_ENTITIES | _ROW | _ORIGIN | {"cot", "descriptions", "gold"},
        ),
        Format(
            "reasoningner",
            "rows as the paper's authors released them",
            nercot.read,
            rows=nercot.write_authors,
            holds=_ROW | {"entities", "order", "cot", "dataset"},
        ),
        Format(
            "text",
            "plain text, a sentence a line, or JSON rows with `text`",
            text.read,
            text.detect,
            rows=text.write,
            endings=_COLUMN_FILES,
            holds=_ROW,
        ),
    )
}


def format_named(name: str) -> Format:
    """The format of that name; InputError lists the names there are."""
    form = FORMATS.get(name)
    if form is None:
        raise InputError(f"unknown format {name!r}; there are {', '.join(FORMATS)}")
    return form


def suffixes() -> tuple[str, ...]:
    """The endings of files of all formats beyond the usual ones."""
    return tuple(dict.fromkeys(suffix for form in FORMATS.values() for suffix in form.suffixes))


def described() -> str:
    """The formats for a command's help, one a line."""
    return "\n".join(f"{name}: {form.about}{'' if form.written else ' (read only)'}" for name, form in FORMATS.items())
