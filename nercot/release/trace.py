"""One row's whole way through a corpus: source, request, reply, verdict, judgement, and what became of it.

In: the folder of a release or candidate, and a guid.  Out: JSON values.  Everything comes from the folder itself:
requests are made anew from its prompts, verdicts by the rules as they are now.  Reads only the row groups that
hold the guid.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from nercot.corpus.manifest import Manifest, configs_of, read_manifest
from nercot.corpus.recipe import Recipe
from nercot.corpus.tables import COLUMNS, to_record
from nercot.corpus.work import Row
from nercot.errors import InputError
from nercot.llm.messages import Request
from nercot.measure.check import verdict_row
from nercot.release.invariants import is_answer
from nercot.release.rebuild import Requests, asked_for, recipe_of, rows_of
from nercot.steps.validate import validate_step
from nercot.validation.rules import validate

# Rows that are named where several are meant.
_NAMED = 5
_SOURCE = ("dataset", "source_id", "split", "license")
_QUESTION = ("sentence", "schema", "schema_descriptions", "gold")
_REPLY = ("teacher", "completion", "reasoning", "finish_reason", "tokens_in", "tokens_out")


def trace(folder: Path, guid: str) -> dict[str, Any]:
    """The way of the record `guid`: its source, its attempts in order, its outcome.

    Raises InputError for a folder that is no corpus, and for a guid that is in none of its rows.
    """
    manifest = read_manifest(folder)
    rows = {config: list(_rows(folder, manifest, config, guid)) for config in configs_of(manifest)}
    known = [row for config in rows.values() for row in config if "sentence" in row]
    if not known:
        raise InputError(f"{folder}: no row has the guid {guid}; check it")
    kept, raw, dropped = (rows.get(config, []) for config in (next(iter(rows)), "raw", "dropped"))
    requests, recipe = Requests(manifest), recipe_of(manifest)
    return {
        "guid": guid,
        "outcome": _outcome(kept, raw, dropped),
        "corpus": manifest["corpus"],
        "version": manifest.get("version"),
        "source": _source(known[0], dropped, manifest),
        **{name: known[0][name] for name in _QUESTION},
        "attempts": [_attempt(row, requests, recipe) for row in raw],
    }


def guid_of(folder: Path, wanted: str) -> str:
    """The guid of the one row that is meant: by its guid, the beginning of that, or words of its sentence.

    Raises InputError where there is none, and where there are several, which it names.
    """
    manifest = read_manifest(folder)
    asked = wanted.strip().casefold()
    words = re.compile(r"\s+".join(map(re.escape, asked.split())) or r"(?!)")
    found: dict[str, str] = {}
    for config in configs_of(manifest):
        names = ("guid", "sentence")
        for row in rows_of(folder, manifest, config, [name for name in names if name in COLUMNS[config].names]):
            guid, sentence = row["guid"], row.get("sentence") or ""
            if guid == asked:
                return asked
            if guid.startswith(asked) or words.search(sentence.casefold()):
                found[guid] = sentence or found.get(guid, "")
    if not found:
        raise InputError(f"{folder}: no row has the guid {wanted}, nor these words in its sentence; check it")
    if len(found) > 1:
        named = "; ".join(f"{guid[:12]} {sentence[:50]}" for guid, sentence in list(found.items())[:_NAMED])
        raise InputError(f"{folder}: {len(found)} rows are meant by {wanted!r}, say more: {' '.join(named.split())}")
    return next(iter(found))


def _rows(folder: Path, manifest: Manifest, config: str, guid: str) -> Iterator[Row]:
    for file in configs_of(manifest)[config]:
        path = folder / file["path"]
        try:
            with pq.ParquetFile(path) as stored:
                for group in range(stored.num_row_groups):
                    if guid in stored.read_row_group(group, columns=["guid"]).column("guid").to_pylist():
                        rows = stored.read_row_group(group).to_pylist()
                        yield from (row for row in rows if row["guid"] == guid)
        except (pa.ArrowException, OSError) as error:
            raise InputError(f"{path}: missing or damaged; nercot verify {folder} says more") from error


def _source(row: Row, dropped: list[Row], manifest: Manifest) -> dict[str, Any]:
    """Where the record comes from; file and row are known of dropped records only, the file also where it is one."""
    files = manifest["source"]["files"]
    drop = dropped[0] if dropped else {}
    return {
        **{name: row[name] for name in _SOURCE},
        "file": drop.get("source_file") or (files[0]["name"] if len(files) == 1 else None),
        "row": drop.get("source_row"),
        "input": drop.get("input"),
        "files": files,
    }


def _attempt(row: Row, requests: Requests, recipe: Recipe) -> dict[str, Any]:
    """One answer: what was asked, what came, what the rules and the judge say of it."""
    return {
        "attempt": row["attempt"],
        "request": _request(row["request_key"], requests.teacher(row)),
        "reply": {name: row[name] for name in _REPLY},
        "verdict": _verdict(row, recipe),
        "reading": _reading(row, requests),
        "judgement": _judgement(row, requests),
    }


def _verdict(row: Row, recipe: Recipe) -> dict[str, Any]:
    """What the rules say of an answer; `reason`: why the step refused it, such as that it was cut off."""
    record, read = to_record(row), "read" in recipe.steps
    said = verdict_row(row["guid"], validate(record, recipe.rules, recipe.trace, read))
    outcome = next(validate_step(iter((record,)), recipe.rules, recipe.trace, read))
    told = {"valid": outcome.kept, "reason": outcome.reason, "detail": outcome.detail}
    return {**told, **{name: said[name] for name in ("violations", "entities")}}


def _reading(row: Row, requests: Requests) -> dict[str, Any] | None:
    """What the reader said the trace concludes; its request where that is the first one."""
    if row.get("reading") is None:
        return None
    return {**row["reading"], "reader": row["reader"], "request": _request(row["reader_key"], requests.reader(row))}


def _judgement(row: Row, requests: Requests) -> dict[str, Any] | None:
    if row["judgement"] is None:
        return None
    return {**row["judgement"], "judge": row["judge"], "request": _request(row["judge_key"], requests.judge(row))}


def _request(key: str | None, requests: list[Request]) -> dict[str, Any] | None:
    """A request with its body, which is null where what this version of nercot makes has another key."""
    if key is None:
        return None
    found = asked_for(key, requests)
    return {"key": key, "model": found.model if found else None, "body": dict(found.body) if found else None}


def _outcome(kept: list[Row], raw: list[Row], dropped: list[Row]) -> dict[str, Any]:
    """Kept (from which attempt) or dropped (at which step, and why); neither while it waits for an answer.

    A row that is kept with gold alone says why it is without the trace of its answer.
    """
    attempt = next((row["attempt"] for row in raw if kept and is_answer(row, kept[0])), None)
    drop = dropped[0] if dropped else {}
    return {"kept": bool(kept), "attempt": attempt, **{name: drop.get(name) for name in ("step", "reason", "detail")}}
