"""What the dialects of texts with marked spans have in common: schema of the data set, offsets, rows.

In: a dialect's passages, a text and the marks that the file lists for it.  Out: rows with spans in code points,
end exclusive.  The survey reads every file once: its types make the schema of the data set, its marks say what its
offsets count (offsets.py).  A mark without a place in the text keeps its text, to be looked for later; one that
has neither is a finding.  Never drops a mark without counting it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from nercot.corpus.records import Entity
from nercot.formats.files import DataFile, dataset_of, folder_of, is_split
from nercot.formats.notices import say
from nercot.formats.offsets import USUAL, Convention, CutWords, Evidence, Mark, resolve
from nercot.formats.rows import BadRow, ReadOptions, RowError, SourceRow, text_of, types_asked, unique, valid_text
from nercot.formats.words import span_entity

CUTS_WORD = "cuts_word"


@dataclass(frozen=True, slots=True)
class Passage:
    """One text of a file, its marks, and what the row says of itself.

    `marks` None: nobody annotated it.  `schema`: the row's own types, where it states them.  `findings`: what the
    dialect could not take over, one item an occurrence.
    """

    row: int
    text: str
    marks: Sequence[Mark] | None
    raw: bytes = b""
    schema: tuple[str, ...] | None = None
    source_id: str | None = None
    dataset: str | None = None
    split: str | None = None
    license: str | None = None
    findings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Unread:
    """A passage that is left out: its row, why, and its bytes."""

    row: int
    detail: str
    raw: bytes


Passages = Callable[[Path, ReadOptions], Iterator[Passage | Unread]]


@dataclass(frozen=True, slots=True)
class _Seen:
    """What the survey saw in a file: its convention, its types in order, and the number of its passages."""

    convention: Convention
    labels: dict[str, None]
    passages: int


@dataclass(frozen=True, slots=True)
class Spanned:
    """A dialect that gives passages, as the registry wants it: `read` and `survey`.

    `documents`: a file of it is a document, so that several files in a folder are one data set.
    """

    passages: Passages
    documents: bool = False

    def survey(self, files: Sequence[DataFile], asked: ReadOptions) -> tuple[DataFile, ...]:
        """The files with dataset, the types of the data set over all its files, and what their offsets count."""
        seen = [self._look(file.path, asked) for file in files]
        documents = len(files) > 1 and (self.documents or all(found.passages <= 1 for found in seen))
        named = [asked.dataset or (_folder_named if documents else dataset_of)(file.path) for file in files]
        labels: dict[str, dict[str, None]] = {}
        for dataset, found in zip(named, seen, strict=True):
            labels.setdefault(dataset, dict.fromkeys(asked.schema or ())).update(found.labels)
        for file, found in zip(files, seen, strict=True):
            if found.convention != USUAL:
                say(f"{file.name}: offsets are read as {found.convention}")
        return tuple(
            replace(file, dataset=dataset, dialect=found.convention, schema=unique(labels[dataset]) or None)
            for file, dataset, found in zip(files, named, seen, strict=True)
        )

    def _look(self, path: Path, asked: ReadOptions) -> _Seen:
        """What a file shows of itself."""
        evidence, labels, passages = Evidence(), dict[str, None](), 0
        for item in self.passages(path, asked):
            passages += 1
            if isinstance(item, Unread):
                continue
            marks = item.marks or ()
            labels.update(dict.fromkeys(item.schema or ()))
            labels.update(dict.fromkeys(mark.label for mark in marks))
            evidence.add(item.text, marks)
        return _Seen(evidence.convention(), labels, passages)

    def read(self, path: Path, file: str, options: ReadOptions) -> Iterator[SourceRow | BadRow]:
        """The rows of one file."""
        if not isinstance(options.dialect, Convention):
            options = self.survey((DataFile(path, file),), options)[0].options(options)
        name = options.dataset or dataset_of(path)
        cut = CutWords()
        for item in self.passages(path, options):
            if isinstance(item, Unread):
                yield BadRow(file, item.row, name, item.detail, item.raw)
                continue
            try:
                yield _row(item, file, item.dataset or name, options, cut)
            except RowError as error:
                yield BadRow(file, item.row, item.dataset or name, str(error), item.raw or item.text.encode())
        if cut.count:
            say(
                f"{file}: {cut.count} spans begin or end inside a word ({'; '.join(cut.examples)}); "
                "if the offsets are wrong, mend them at their source"
            )


def _folder_named(path: Path) -> str:
    """The dataset of a document: its folder, or what holds the folders of splits."""
    folder = folder_of(path)
    return dataset_of((folder.parent if is_split(folder.name) else folder) / "train")


def _row(item: Passage, file: str, dataset: str, options: ReadOptions, cut: CutWords) -> SourceRow:
    text = text_of(item.text, "text")
    findings = list(item.findings)
    gold = None if item.marks is None else tuple(_entities(item, text, options.dialect, findings, cut))
    return SourceRow(
        file=file,
        row=item.row,
        dataset=dataset,
        sentence=text,
        schema=item.schema or types_asked(options.schema, gold or (), text, stated=bool(options.stated)),
        gold=gold,
        source_id=item.source_id,
        split=item.split,
        license=item.license,
        findings=tuple(findings),
    )


def _entities(item: Passage, text: str, convention: Convention, findings: list[str], cut: CutWords) -> Iterator[Entity]:
    """The mentions of a passage, with offsets where they have a place."""
    for mark in item.marks or ():
        label = text_of(mark.label, "a type")
        mention = valid_text(mark.text, "a mention") if mark.text and mark.text.strip() else None
        span = resolve(text, mark, convention)
        entity = span_entity(text, *span, label) if span else None
        if entity and entity.start is not None and entity.end is not None:
            if mention is None and cut.see(item.row, text, (entity.start, entity.end)):
                findings.append(CUTS_WORD)
            yield entity
        elif mention:
            yield Entity(mention, label)
        else:
            findings.append("empty_mention" if span else "out_of_range")
