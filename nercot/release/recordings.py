"""A corpus' answers as recorded files: what `url = "recorded"` takes in the place of its models.

In: the folder of a candidate, and the ledger that holds its answers.  Out: one file a role (teacher.jsonl,
reader.jsonl, judge.jsonl; of a cascade teacher-1.jsonl and so on), in the format of corpus/recordings.py, sorted by
guid; the same answers give the same bytes.  Leaves out records whose text may not be passed on.  Holds no key, time,
latency or cost.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from heapq import merge
from itertools import chain, groupby
from pathlib import Path
from typing import Any, NamedTuple

from nercot.building.lists import turns_of
from nercot.corpus.manifest import Manifest, read_manifest
from nercot.corpus.recordings import template_hash
from nercot.corpus.tables import replacing, to_record
from nercot.corpus.work import Row
from nercot.errors import InputError
from nercot.llm.ledger import Ledger
from nercot.llm.messages import Reply, Request
from nercot.llm.prompts import parse_judgement
from nercot.llm.recorded import PROMPTS, asked_about
from nercot.llm.writer import in_batches
from nercot.release.rebuild import Requests, rows_of, teachers_of

_BATCH = 200
# Steps whose drops no teacher was asked about, and the columns that a question is made of.
_BEFORE = ("source", "stratify")
_QUESTION = ("dataset", "license", "sentence", "schema", "schema_descriptions")


class Written(NamedTuple):
    """A recorded file: whose answers it holds, and how many."""

    path: Path
    role: str
    model: str
    answers: int


def write_recordings(corpus: Path, ledger: Ledger, folder: Path, withheld: Collection[str]) -> list[Written]:
    """Writes the recorded files of the candidate in `corpus` into `folder`.

    `withheld`: guids that are left out.  Raises InputError for a folder that is no candidate, or whose answers
    are not in this ledger.
    """
    manifest = read_manifest(corpus)
    written = []
    for name, role, model, lines in _files(corpus, manifest, ledger, withheld):
        header = {"role": role, "model": model, "prompt": template_hash(manifest["prompts"][PROMPTS[role]])}
        path = folder / f"{name}.jsonl"
        written.append(Written(path, role, model, _write(path, header, lines)))
    if not any(file.answers for file in written):
        why = f"none of its answers are in {ledger.path}; say --out, the folder of its build"
        if withheld:
            why = f"the text of its records may not be passed on, so none of its answers; or {why}"
        raise InputError(f"{corpus}: {why}")
    return written


def options_for(corpus: Path, written: Sequence[Written]) -> list[str]:
    """The options of `build` that take recorded files in the place of the models of the candidate in `corpus`."""
    teachers = [teacher.model for teacher in teachers_of(read_manifest(corpus)["recipe"])]
    options = []
    for role, group in groupby(written, key=lambda file: file.role):
        paths = [str(file.path) for file in group]
        if role == "teacher" and len(teachers) > 1:
            # A teacher of one's own would take the place of all of them, so each is set by its number.
            numbered = enumerate(teachers, 1)
            keys = ((f"teacher.{number}.url=recorded", f"teacher.{number}.model={name}") for number, name in numbered)
            options += [word for key in chain.from_iterable(keys) for word in ("--set", key)]
        else:
            options += [f"--{role}-url", "recorded"]
        options += ["--set", f"recorded.{role}={json.dumps(paths) if len(paths) > 1 else paths[0]}"]
    return options


def _files(
    corpus: Path, manifest: Manifest, ledger: Ledger, withheld: Collection[str]
) -> Iterator[tuple[str, str, str, Iterator[Row]]]:
    """(file, role, model, lines) of each recorded file; the teachers of a cascade have one each, by number."""
    prompts, recipe = manifest["prompts"], manifest["recipe"]
    if PROMPTS["teacher"] in prompts:
        models = [teacher.model for teacher in teachers_of(recipe)]
        for number, model in enumerate(dict.fromkeys(models), 1):
            name = "teacher" if len(set(models)) == 1 else f"teacher-{number}"
            yield name, "teacher", model, _taught(corpus, manifest, ledger, withheld, model)
    if PROMPTS["reader"] in prompts:
        yield "reader", "reader", recipe["reader"]["model"], _read(corpus, manifest, ledger, withheld)
    if PROMPTS["judge"] in prompts:
        yield "judge", "judge", recipe["judge"]["model"], _judged(corpus, manifest, ledger, withheld)


def _write(path: Path, header: Row, lines: Iterable[Row]) -> int:
    written = -1
    with replacing(path) as temporary, temporary.open("w", encoding="utf-8") as file:
        for line in chain((header,), lines):
            file.write(json.dumps(line, ensure_ascii=False) + "\n")
            written += 1
    return written


def _taught(corpus: Path, manifest: Manifest, ledger: Ledger, withheld: Collection[str], model: str) -> Iterator[Row]:
    """A teacher's answers and refusals, to every record that it was asked about."""
    made, teachers = Requests(manifest), teachers_of(manifest["recipe"])
    rounds = [turn.attempt for turn in turns_of(teachers) if teachers[turn.teacher].model == model]
    for some in in_batches(_records(corpus, manifest, withheld), _BATCH):
        requests = [made.teacher({**row, "attempt": number})[0] for row in some for number in rounds]
        for request, reply in zip(requests, ledger.replies_to(requests), strict=True):
            if reply is not None:
                yield {"guid": request.guid, **_number("attempt", request.attempt), **_said(reply, model)}


def _records(corpus: Path, manifest: Manifest, withheld: Collection[str]) -> Iterator[Row]:
    """A row of each record that a teacher was asked about, by guid."""
    raw = rows_of(corpus, manifest, "raw", _QUESTION)
    dropped = (row for row in rows_of(corpus, manifest, "dropped", (*_QUESTION, "step")) if row["step"] not in _BEFORE)
    for guid, group in groupby(merge(raw, dropped, key=_guid), key=_guid):
        if guid not in withheld:
            yield next(group)


def _guid(row: Row) -> str:
    return str(row["guid"])


def _read(corpus: Path, manifest: Manifest, ledger: Ledger, withheld: Collection[str]) -> Iterator[Row]:
    """The readings of each attempt, as often as it was asked about."""
    reader, model = Requests(manifest).reads(), manifest["recipe"]["reader"]["model"]
    rows = (row for row in rows_of(corpus, manifest, "raw", (*_QUESTION, "attempt", "cot", "entities")) if row["cot"])
    for some in in_batches((row for row in rows if row["guid"] not in withheld), _BATCH):
        records = [to_record(row) for row in some if row["entities"] is not None]
        for record, replies in zip(records, reader.told(records, ledger), strict=True):
            for ask, reply in enumerate(replies, 1):
                if reply is not None:
                    of = asked_about(record)[0]
                    yield {"guid": record.guid, **_number("ask", ask), "of": of, **_said(reply, model)}


def _judged(corpus: Path, manifest: Manifest, ledger: Ledger, withheld: Collection[str]) -> Iterator[Row]:
    """The judgements of each attempt, until the first that could be read."""
    made, judge = Requests(manifest), manifest["recipe"]["judge"]
    model, rubric = judge["model"], judge.get("rubric", "strict")
    for row in rows_of(corpus, manifest, "raw", (*_QUESTION, "attempt", "cot", "entities")):
        if row["entities"] is None or row["guid"] in withheld:
            continue
        of, _ = asked_about(to_record(row))
        for request, reply in _told(made.judge(row), ledger):
            asked = {**_number("attempt", row["attempt"]), **_number("ask", request.attempt)}
            yield {"guid": row["guid"], **asked, "of": of, **_said(reply, model)}
            if parse_judgement(reply.content, rubric) is not None:
                break


def _told(requests: Iterable[Request], ledger: Ledger) -> Iterator[tuple[Request, Reply]]:
    """The requests that the ledger answers, in order, as far as it answers all of them."""
    for request in requests:
        (reply,) = ledger.replies_to([request])
        if reply is None:
            return
        yield request, reply


def _number(name: str, value: int) -> dict[str, int]:
    return {} if value == 1 else {name: value}


def _said(reply: Reply, asked: str) -> dict[str, Any]:
    """A reply as a line holds it; what is as usual is left out."""
    if reply.kind == "refused":
        return {"refused": reply.detail or "refused"}
    told: dict[str, Any] = {"reasoning": reply.reasoning} if reply.reasoning is not None else {}
    told["content"] = reply.content
    if reply.finish_reason not in (None, "stop"):
        told["finish_reason"] = reply.finish_reason
    if reply.model not in (None, asked):
        told["model"] = reply.model
    return told
