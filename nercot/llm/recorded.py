"""Recorded answers in the place of an endpoint: `url = "recorded"`.

In: requests, and the files that a recipe names (corpus/recordings.py).  Out: the ledger holds what was
recorded, as answers of the provider `recorded` that cost nothing, and `Asked` says what is missing.  From
there on they go the way of every other answer.  Never asks a model, and never takes a reading or judgement
for one of another trace.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import replace
from functools import lru_cache
from itertools import product
from pathlib import Path
from typing import Any

from nercot.corpus.recipe import Model, Recipe
from nercot.corpus.recordings import Recording, Said, template_hash
from nercot.corpus.records import Record
from nercot.errors import InputError, RecipeError
from nercot.llm.asking import ROLES, AnswerStore, Asked, Progress
from nercot.llm.messages import Reply, Request, read_reply
from nercot.llm.writer import in_batches
from nercot.validation.answers import carries, render_answer

# Which prompt each role is given.
PROMPTS = {"teacher": "annotate", "reader": "reading", "judge": "judge"}
_A_PORTION = 500


def asked_about(record: Record) -> tuple[str, str]:
    """What a reading or judgement was given on (`of`): the sha256 of the record's Answer, trace and JSON.

    First with the mentions of each label in alphabetical order, as we write it: where in the sentence a mention
    stands may be found otherwise by a later version, and is no part of what was said.  Then in the Answer's own order.
    """
    cot, entities = record.cot if carries(record.cot) else None, record.entities or ()
    anywhere = [replace(entity, start=None, end=None) for entity in sorted(entities, key=lambda each: each.text)]
    answers = (render_answer(cot, listed, record.schema) for listed in (anywhere, entities))
    first, second = (hashlib.sha256(answer.encode("utf-8", "surrogatepass")).hexdigest() for answer in answers)
    return first, second


@lru_cache(maxsize=8)
def _opened(path: str, role: str, state: tuple[int, int]) -> Recording:
    """A recorded file, looked through once for all partitions, as long as it stays as it is."""
    return Recording(Path(path), role)


def _state(path: str) -> tuple[int, int]:
    try:
        found = os.stat(path)
    except OSError:  # said by whoever opens it
        return 0, 0
    return found.st_mtime_ns, found.st_size


class Book:
    """The recorded files of one model in one role; where two of them answer the same, the first counts."""

    def __init__(self, role: str, paths: Sequence[str]) -> None:
        if not paths:
            raise RecipeError(f'{role}.url = "recorded": from which file? set recorded.{role} to a recorded file')
        self.role = role
        self.recordings = [_opened(path, role, _state(path)) for path in paths]

    def __len__(self) -> int:
        return sum(map(len, self.recordings))

    def find(self, request: Request) -> tuple[Said, str] | None:
        """What was said to a request, and the model that said it; None if that is not recorded."""
        ask = request.attempt if request.ask is None else request.ask
        places = [(request.guid, of, ask) for of in request.of]
        if self.role == "teacher":
            places = [(request.guid, str(request.attempt), 1)]
        for recording, place in product(self.recordings, places):
            if (said := recording.find(place)) is not None:
                return said, recording.header.model
        return None

    def strangers(self, guids: Iterable[str]) -> str | None:
        """One line about answers to records that the source does not have, None if there are none."""
        import numpy as np

        known = np.sort(np.fromiter(map(_hash64, guids), np.uint64))
        found = []
        for recording in self.recordings:
            for guid, number in recording.guids():
                at = int(known.searchsorted(_hash64(guid)))
                if at == len(known) or int(known[at]) != _hash64(guid):
                    found.append((recording.path.name, number, guid))
        if not found:
            return None
        name, number, guid = found[0]
        return (
            f"recorded.{self.role}: {len(found)} answers are about records that this source does not have"
            f" ({name}, line {number}: guid {guid}); they are left out"
        )


def _hash64(guid: str) -> int:
    return int.from_bytes(hashlib.blake2b(guid.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")


def ask_recorded(
    requests: Iterable[Request], model: Model, ledger: AnswerStore, progress: Callable[[Progress], None] | None = None
) -> Asked:
    """Takes what is recorded of the requests into the ledger; `Asked.missing` counts the rest.

    Raises InputError for a file that is no recorded file, or holds an answer twice.
    """
    seen, absent, book = Progress(), 0, None
    for some in in_batches(requests, _A_PORTION):
        book = book or Book(ROLES[some[0].step], model.recorded)
        known, entries = ledger.final([request.key for request in some]), []
        for request in some:
            if request.key in known:
                seen.found += 1
                continue
            known.add(request.key)
            if (entry := _enter(request, book, ledger)) is None:
                absent += 1
                continue
            entries.append(entry)
        for entry in entries:
            entry.result()
        seen.done += len(entries)
        seen.recorded += len(entries)
        seen.pending = absent
        if progress is not None:
            progress(seen)
    names = ", ".join(recording.path.name for recording in book.recordings) if book is not None else ""
    return Asked(seen, missing=absent, files=names)


def _enter(request: Request, book: Book, ledger: AnswerStore) -> Future[None] | None:
    """Hands what was said to a request to the ledger; None if nothing was."""
    found = book.find(request)
    if found is None:
        return None
    said, model = found
    if said.refused is not None:
        return ledger.append(request, Reply(request.key, "refused", detail=said.refused), b"", 0.0)
    raw = as_completion(said, model)
    return ledger.append(request, read_reply(raw, request.key), raw, 0.0)


def as_completion(said: Said, model: str) -> bytes:
    """A recorded reply as the body of a chat completion, without usage: nothing was asked."""
    message: dict[str, Any] = {"role": "assistant", "content": said.content}
    if said.reasoning is not None:
        message["reasoning_content"] = said.reasoning
    choice = {"index": 0, "message": message, "finish_reason": said.finish_reason or "stop"}
    return json.dumps({"model": said.model or model, "choices": [choice]}, ensure_ascii=False).encode(
        "utf-8", "surrogatepass"
    )


def said_of_missing(place: str, files: str, missing: int) -> str:
    """One line about what is not recorded of a model, whose key in the recipe is `place`, and how to ask one."""
    of = "" if place.startswith("teacher") else " on just this trace and answer"
    asked = f"--{place}-url URL --{place}-model NAME"
    if "." in place:
        asked = f"--set {place}.url=URL --set {place}.model=NAME"
    return f"{place}: {missing} not recorded{of} in {files}: to ask a model instead, give {asked}"


# --- what plan, card and manifest say -------------------------------------------------------------------


def recorded_models(recipe: Recipe) -> Iterator[tuple[str, Model]]:
    """The roles that a recipe's steps ask and whose answers are recorded, and their entries."""
    for place, model in recipe.models():
        if model.is_recorded:
            yield place.partition(".")[0], model


def recorded_facts(recipe: Recipe, prompts: Mapping[str, str]) -> list[dict[str, Any]]:
    """For each recorded file its role, model, hash and answers, and whether it was given to today's prompt."""
    facts = []
    for role, model in recorded_models(recipe):
        today = template_hash(prompts.get(PROMPTS[role], ""))
        for recording in Book(role, model.recorded).recordings:
            header = recording.header
            facts.append(
                {
                    "role": role,
                    "model": header.model,
                    "file": recording.path.name,
                    "sha256": recording.sha256,
                    "answers": len(recording),
                    "prompt": header.prompt,
                    "prompt_is_todays": header.prompt == today,
                }
            )
    return facts


def recorded_key(model: Model) -> list[str]:
    """What a recorded model's answers depend on: the hashes of its files; nothing for any other model."""
    if not model.is_recorded:
        return []
    try:
        return [hashlib.sha256(Path(path).read_bytes()).hexdigest() for path in model.recorded]
    except OSError as error:
        raise InputError(f"{error.filename}: recorded answers cannot be read ({error.strerror})") from error
