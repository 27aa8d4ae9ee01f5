"""Answers that people called wrong: kept by guid and hash of the answer, without text, and left out of later builds.

In: the folder of a corpus' releases (`releases/<corpus>`).  Out: (guid, answer) pairs of its disputed.jsonl.  Another,
better answer to the same sentence has another hash, and is not disputed.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from pathlib import Path

from nercot.corpus.tables import write_text
from nercot.errors import InputError

NAME = "disputed.jsonl"
Disputed = frozenset[tuple[str, str]]
REASON = "disputed"
WHY = "a person who audited it calls the answer wrong"


def read_disputed(folder: Path) -> Disputed:
    """The disputed answers of a corpus; none where there is no file.  InputError for a line that is none."""
    path = folder / NAME
    if not path.is_file():
        return frozenset()
    found = set()
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        try:
            value = json.loads(line)
            found.add((str(value["guid"]), str(value["answer"])))
        except (ValueError, KeyError, TypeError) as error:
            raise InputError(
                f"{path}: line {number} is no disputed answer (guid, answer); mend or delete it"
            ) from error
    return frozenset(found)


def write_disputed(folder: Path, disputed: Collection[tuple[str, str]]) -> Path | None:
    """Writes the disputed answers, sorted; returns the file, None where there is nothing to write."""
    path = folder / NAME
    if not disputed and not path.exists():
        return None
    lines = (json.dumps({"guid": guid, "answer": answer}) for guid, answer in sorted(disputed))
    write_text(path, "".join(f"{line}\n" for line in lines))
    return path
