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
from nercot.formats import (
    argilla,
    bigbio,
    bioc,
    brat,
    conll,
    doccano,
    gliner,
    inception,
    instructions,
    instructuie,
    labelstudio,
    masked,
    nercot,
    pile_ner,
    prodigy,
    pubtator,
    spacy,
    span_lists,
    span_maps,
    table,
    text,
    token_objects,
    tokens,
)
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
    dataset, split, license, gold (beside other entities, or that there is none); a folder may hold more, `tree_holds`:
    dataset, split, types (those of all its rows).  `losses(record)`: what else of a record gets lost, by kind.
    `extra`: the extra of this package that it needs.  `takes`: what of `join`, `column`, `sentences` and `names`
    (ReadOptions) it listens to.
    """

    name: str
    about: str
    read: Callable[[Path, str, ReadOptions], Iterator[SourceRow | BadRow]]
    detect: Callable[[Any], bool] | None = None
    claims: Callable[[Head], bool] | None = None
    survey: Callable[[Sequence[DataFile], ReadOptions], tuple[DataFile, ...]] | None = None
    suffixes: tuple[str, ...] = ()
    unit: str = "none"
    rows: Callable[[Iterable[Record]], Iterator[Any]] | None = None
    lines: Callable[[Iterable[Record]], Iterator[str]] | None = None
    endings: tuple[str, ...] = ()
    write_file: Callable[[Iterable[Record], Path], None] | None = None
    write_tree: Callable[[Iterable[Record], Path], None] | None = None
    is_tree: Callable[[Path], bool] | None = None
    tree_holds: frozenset[str] = frozenset()
    holds: frozenset[str] = frozenset()
    losses: Callable[[Record], Counter[str]] | None = None
    extra: str | None = None
    takes: frozenset[str] = frozenset()

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
_OF_COLUMNS = frozenset({"join", "column", "sentences"})

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
            tree_holds=frozenset({"dataset", "split", "types"}),
            holds=_ENTITIES | {"white_space", "source_id"},
        ),
        Format(
            "brat",
            "brat's stand-off, a .ann beside each .txt",
            brat.DIALECT.read,
            claims=brat.claims,
            survey=brat.DIALECT.survey,
            unit="characters",
            write_tree=brat.write_tree,
            is_tree=brat.is_tree,
            takes=frozenset({"sentences"}),
            tree_holds=frozenset({"types"}),
            holds=_ENTITIES | {"white_space", "source_id"},
            losses=brat.losses,
        ),
        Format(
            "pubtator",
            "PubTator's text files",
            pubtator.DIALECT.read,
            claims=pubtator.claims,
            survey=pubtator.DIALECT.survey,
            suffixes=(".pubtator",),
            unit="characters",
            lines=pubtator.lines,
            endings=(".pubtator", ".txt"),
            holds=_ENTITIES | {"source_id"},
            losses=pubtator.losses,
        ),
        Format(
            "bioc",
            "BioC collections, XML and JSON",
            bioc.DIALECT.read,
            bioc.detect,
            claims=bioc.claims,
            survey=bioc.DIALECT.survey,
            suffixes=(".xml",),
            unit="characters",
            write_file=bioc.write_file,
            endings=(".xml", ".json"),
            holds=_ENTITIES | {"white_space", "source_id"},
            losses=bioc.losses,
            extra="formats",
        ),
        Format(
            "inception",
            "WebAnno TSV 3, of INCEpTION and WebAnno",
            inception.DIALECT.read,
            claims=inception.claims,
            survey=inception.DIALECT.survey,
            unit="characters",
            lines=inception.lines,
            endings=(".tsv",),
            holds=_ENTITIES | {"white_space"},
            losses=inception.losses,
            takes=frozenset({"column"}),
        ),
        Format(
            "docbin",
            "spaCy's binary files of documents",
            spacy.BINARY.read,
            claims=spacy.claims,
            survey=spacy.BINARY.survey,
            suffixes=(".spacy",),
            unit="characters",
            write_file=spacy.write_binary,
            endings=(".spacy",),
            holds=_ENTITIES | {"white_space", "source_id"},
            extra="formats",
        ),
        Format(
            "spacy",
            "spaCy's pairs of a text and its entities",
            spacy.PAIRS.read,
            spacy.detect,
            survey=spacy.PAIRS.survey,
            unit="characters",
            rows=spacy.rows,
            holds=_ENTITIES | {"white_space"},
        ),
        Format(
            "labelstudio",
            "Label Studio's tasks with annotations",
            labelstudio.DIALECT.read,
            labelstudio.detect,
            survey=labelstudio.DIALECT.survey,
            unit="characters",
            rows=labelstudio.rows,
            holds=_ENTITIES | _ORIGIN | {"white_space", "source_id"},
        ),
        Format(
            "labelstudio-pre",
            "Label Studio's tasks with predictions to correct",
            labelstudio.DIALECT.read,
            survey=labelstudio.DIALECT.survey,
            unit="characters",
            rows=labelstudio.tasks_to_correct,
            holds=_ENTITIES | _ORIGIN | {"white_space", "source_id"},
        ),
        Format(
            "argilla",
            "Argilla's records",
            argilla.DIALECT.read,
            argilla.detect,
            survey=argilla.DIALECT.survey,
            unit="characters",
        ),
        Format(
            "bigbio",
            "documents of BigBIO's schema kb",
            bigbio.DIALECT.read,
            bigbio.detect,
            survey=bigbio.DIALECT.survey,
            unit="characters",
        ),
        Format(
            "prodigy",
            "Prodigy's tasks",
            prodigy.DIALECT.read,
            prodigy.detect,
            survey=prodigy.DIALECT.survey,
            unit="characters",
            rows=prodigy.rows,
            holds=_ENTITIES | _ORIGIN | {"white_space", "source_id"},
        ),
        Format(
            "masked",
            "texts beside a masked copy or an object of masks, of ai4privacy",
            masked.DIALECT.read,
            masked.detect,
            survey=masked.DIALECT.survey,
            unit="characters",
        ),
        Format(
            "table",
            "CSV and TSV with a token and its tag in a row (Sentence #, Word, POS, Tag)",
            table.read,
            claims=table.claims,
            survey=table.survey,
            suffixes=(".csv",),
            unit="tokens",
            takes=_OF_COLUMNS,
        ),
        Format(
            "conll",
            "columns, a token and its tag on a line",
            conll.read,
            claims=conll.claims,
            survey=conll.survey,
            unit="tokens",
            takes=_OF_COLUMNS,
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
            takes=frozenset({"join", "column", "names"}),
            rows=tokens.rows,
            holds=_ENTITIES | _ROW | _ORIGIN,
        ),
        Format(
            "nercot",
            "rows of this package, and of the paper's authors",
            nercot.read,
            nercot.detect,
            survey=nercot.survey,
            unit="characters",
            rows=nercot.write,
            holds=_ENTITIES | _ROW | _ORIGIN | {"cot", "descriptions", "gold"},
        ),
        Format(
            "reasoningner",
            "rows as the paper's authors released them",
            nercot.read,
            survey=nercot.survey,
            rows=nercot.write_authors,
            holds=_ROW | {"entities", "order", "cot", "dataset"},
        ),
        Format(
            "doccano",
            "doccano's JSON lines",
            doccano.DIALECT.read,
            doccano.detect,
            survey=doccano.DIALECT.survey,
            unit="characters",
            rows=doccano.rows,
            holds=_ENTITIES | _ORIGIN | {"white_space", "source_id"},
        ),
        Format(
            "spans",
            "rows of a text beside a list of spans, of many tools: CMeEE, IEPile, PubAnnotation, LangExtract, Rasa",
            span_lists.DIALECT.read,
            span_lists.detect,
            survey=span_lists.DIALECT.survey,
            unit="characters",
            rows=span_lists.rows,
            holds=_ENTITIES | _ROW | _ORIGIN,
        ),
        Format(
            "instructions",
            "rows of instruction, input, output for training: Alpaca, NuNER, IEPile",
            instructions.DIALECT.read,
            instructions.detect,
            survey=instructions.DIALECT.survey,
        ),
        Format(
            "types",
            "rows of a text beside an object of types: CLUENER, GLiNER 2, answers of models",
            span_maps.DIALECT.read,
            span_maps.detect,
            survey=span_maps.DIALECT.survey,
            unit="characters",
            rows=span_maps.rows,
            holds=_ROW | {"entities"},
        ),
        Format(
            "token_objects",
            "rows of tokens that bring their tags: spaCy 2's training data, CoreNLP, Stanza, pairs of token and tag",
            token_objects.read,
            token_objects.detect,
            survey=token_objects.survey,
            unit="tokens",
            takes=frozenset({"join"}),
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


def described() -> list[tuple[str, str]]:
    """The formats for a command's help: name, what it is, whether it is only read, the extra that it needs."""
    return [(name, f"{form.about}{_limits(form)}") for name, form in FORMATS.items()]


def _limits(form: Format) -> str:
    limits = [*(() if form.written else ("read only",)), *((f"extra `{form.extra}`",) if form.extra else ())]
    return f" ({', '.join(limits)})" if limits else ""
