"""What people said of answers: read from the files that pages save and from exports of Label Studio and Argilla.

In: JSON lines (schemas/audit.schema.json), or an export of the tasks that `audit --to labelstudio` or `--to argilla`
wrote.  Out:
Verdicts, and a line of text for everything that could not be used.  A line that is cut or is none is left out and
said; a file without any verdict is an error.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from nercot.corpus.resources import resource
from nercot.errors import InputError
from nercot.formats.json_files import json_rows
from nercot.formats.rows import RowError
from nercot.measure.argilla import has_no_status, is_record, verdicts_of_record
from nercot.measure.tasks import TaskError, verdict_of_task

KINDS = ("entity", "extent", "type", "missing", "trace")
_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong: of which kind (KINDS), with which entity (None: the answer as a whole)."""

    kind: str
    entity: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Said:
    """What one person says of one answer."""

    corpus: str
    fingerprint: str
    guid: str
    answer: str
    person: str
    right: bool
    faults: tuple[Fault, ...] = ()
    note: str = ""

    @property
    def subject(self) -> tuple[str, str]:
        """What it is about: the guid and the answer."""
        return self.guid, self.answer


@dataclass(slots=True)
class Gathered:
    """The verdicts of all files, the last of each person on each answer, and what is to be said about them."""

    verdicts: dict[tuple[str, str, str], Said] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def gather(files: Sequence[Path], corpus: str) -> Gathered:
    """The verdicts in `files` about `corpus`; InputError where there is none.

    Of contradicting lines of one person the last counts; lines about other corpora are left out.  Both are said.
    """
    found, others, changed, total = Gathered(), 0, 0, 0
    for path in files:
        for said in _read(path, found.notes):
            total += 1
            if said.corpus != corpus:
                others += 1
                continue
            key = (*said.subject, said.person)
            before = found.verdicts.pop(key, None)
            changed += before is not None and (before.right, before.faults) != (said.right, said.faults)
            found.verdicts[key] = said
    if total and others == total:
        raise InputError(
            f"{files[0]}: verdicts on another corpus, not on {corpus}; name the corpus that they are about"
        )
    if not found.verdicts:
        raise InputError(f"{', '.join(map(str, files))}: no verdict in it; save one from the page of nercot audit")
    if others:
        found.notes.append(f"{others} verdicts are about other corpora and left out")
    if changed:
        found.notes.append(f"{changed} verdicts were changed by the same person: the last one counts")
    return found


def _read(path: Path, notes: list[str]) -> Iterator[Said]:
    bad, unsure = [], 0
    for line in json_rows(path):
        unsure += has_no_status(line.value)
        try:
            yield from _said(line.value)
        except (RowError, TaskError) as error:
            bad.append(f"line {line.row}: {error}")
    if bad:
        more = f" and {len(bad) - _SHOWN} more" if len(bad) > _SHOWN else ""
        notes.append(f"{path}: {len(bad)} lines are no verdict and left out ({'; '.join(bad[:_SHOWN])}{more})")
    if unsure:
        notes.append(
            f"{path}: {unsure} records do not say which responses were submitted, so drafts and discarded ones count; "
            "an export by records.to_list(flatten=True) says it"
        )


def _said(value: Any) -> Iterator[Said]:
    """The verdicts in a line of ours, in a task of Label Studio, or in a record of Argilla."""
    if isinstance(value, RowError):
        raise value
    exported: Iterable[Any] | None = None
    if isinstance(value, dict) and "data" in value and "annotations" in value:
        exported = verdict_of_task(value)
    elif is_record(value):
        exported = verdicts_of_record(value)
    if exported is not None:
        for found in exported:
            yield from _said(found)
        return
    if wrong := next(_validator().iter_errors(value), None):
        where = ".".join(map(str, wrong.absolute_path))
        raise RowError(f"{where + ': ' if where else ''}{' '.join(wrong.message.split())[:120]}")
    faults = tuple(Fault(item["kind"], item["entity"]) for item in value["faults"])
    named = {name: value[name] for name in ("corpus", "fingerprint", "guid", "answer", "person", "note")}
    yield Said(**named, right=value["verdict"] == "right", faults=faults)


@cache
def _validator() -> Any:
    from jsonschema import Draft202012Validator

    return Draft202012Validator(json.loads(resource("schemas", "audit.schema.json").read_text(encoding="utf-8")))
