"""Why rows fell: the config `dropped` of a corpus, row by row, with the answer as it came and what can be done.

In: the folder of a candidate or release.  Out: one mapping for each row, in the order of the corpus; counts by step and
reason.  Streams: one partition's answers at a time.  Never judges anew.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from nercot.corpus.manifest import Manifest, configs_of, read_manifest
from nercot.corpus.streams import beside
from nercot.corpus.tables import read_rows
from nercot.corpus.work import Row
from nercot.errors import InputError

_ANOTHER = "another attempt may do: --set teacher.attempts=2, or a teacher that argues better"
_COMES_NEXT = {
    "unreadable": "mend the row in the source, or leave it out",
    "duplicate_record": "nothing: another row has the same text and types (select.duplicates)",
    "near_duplicate": "nothing, or keep such rows: --set select.near_duplicates=flag",
    "conflicting_gold": "look at both rows: the source annotates one text in two ways",
    "contaminated": "nothing, or keep such rows: --set select.contamination=flag",
    "truncated": "give the model more room: --set teacher.max_tokens=16384",
    "content_filter": "the server refuses such text; another teacher may not",
    "refused": "the server refuses this request; another teacher may not",
    "empty_answer": "five empty replies; another teacher or other settings may do",
    "unread": "the reader gave no readable reading; another reader may",
    "unscored": "the judge gave no readable score; another judge may",
    "below_threshold": "the judge's reasons stand in `nercot trace`; --set select.threshold=N keeps more",
    "disagreed": "the teachers differ: a person may decide (`nercot audit`); --set select.agreement=1 keeps such rows",
    "removed": "nothing: it was taken down",
    "disputed": "nothing: a person said that it is wrong",
    "type_not_in_schema": "widen the schema if the type belongs there; else another attempt",
    "not_gold": "nothing: the row stands with the source's own entities",
}


def comes_next(reason: str) -> str:
    """What can be done about a row that fell for this reason, in one line."""
    return _COMES_NEXT.get(reason, _ANOTHER)


def dropped(folder: Path, reason: str | None = None) -> Iterator[dict[str, Any]]:
    """Each dropped row of a corpus: guid, sentence, step, reason, detail, place in the source, answer, what comes next.

    `answer`: the completion of the last attempt as it came (None where none was asked for, or it is not passed on).

    Raises InputError for a folder that is no corpus, and for a reason that nothing fell for.
    """
    manifest = read_manifest(folder)
    counts = reasons(manifest)
    if reason is not None and reason not in {name for _, name in counts}:
        known = ", ".join(sorted({name for _, name in counts})) or "nothing was dropped"
        raise InputError(f"--reason {reason}: no row of {folder} fell for that; there is: {known}")
    raw = _rows(folder, manifest, "raw")
    for row, (answers,) in beside(_rows(folder, manifest, "dropped"), raw):
        if reason is None or row["reason"] == reason:
            yield _told(row, answers)


def reasons(manifest: Manifest) -> dict[tuple[str, str], int]:
    """(step, reason) -> rows that fell there, the commonest first."""
    counts: Counter[tuple[str, str]] = Counter()
    for step in manifest["steps"]:
        counts.update({(step["step"], name): count for name, count in step["dropped"].items()})
    return dict(counts.most_common())


def _rows(folder: Path, manifest: Manifest, config: str) -> Iterator[Row]:
    for file in configs_of(manifest).get(config, ()):
        yield from read_rows(folder / file["path"])


def _told(row: Row, answers: list[Row]) -> dict[str, Any]:
    plain = ("guid", "dataset", "source_id", "sentence", "schema", "step", "reason", "detail")
    last = max(answers, key=lambda item: item["attempt"] or 0, default=None)
    return {
        **{name: row[name] for name in plain},
        "file": row["source_file"],
        "row": row["source_row"],
        "input": row["input"],
        "attempts": len(answers),
        "answer": last and last["completion"],
        "reasoning": last and last["reasoning"],
        "next": comes_next(row["reason"]),
    }
