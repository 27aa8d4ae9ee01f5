"""The same answer in another form, for calibration: a verdict and a score on it must not move.

In: a record whose answer is right.  Out: the same trace and entities with the answer laid out in another way, its
lists in another order, or the trace in other lines.  Changes no word and no mention.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import replace

from nercot.corpus.records import Answer, Record
from nercot.validation.answers import CLOSE, OPEN

_SENTENCE_END = re.compile(r"(?<=[.!?]) +|(?<=[。！？])")


def reformatted(record: Record) -> Record:
    """The JSON on one line, in a fence, with a word before it."""
    return _answered(
        record, record.cot, f"Here it is:\n```json\n{json.dumps(_listed(record), ensure_ascii=False)}\n```"
    )


def reordered(record: Record) -> Record:
    """Types and mentions of the JSON the other way round."""
    turned = {label: texts[::-1] for label, texts in reversed(_listed(record)["entities"].items())}
    return _answered(record, record.cot, json.dumps({"entities": turned}, ensure_ascii=False, indent=1))


def laid_out(record: Record) -> Record:
    """The trace with a sentence a line, and empty lines between."""
    lines = (line.strip() for line in _SENTENCE_END.sub("\n", record.cot or "").splitlines())
    return _answered(record, "\n\n".join(filter(None, lines)), json.dumps(_listed(record), ensure_ascii=False))


VARIANTS: Mapping[str, Callable[[Record], Record]] = {
    "answer_reformatted": reformatted,
    "answer_reordered": reordered,
    "trace_laid_out": laid_out,
}


def _listed(record: Record) -> dict[str, dict[str, list[str]]]:
    listed: dict[str, list[str]] = {}
    for entity in record.entities or ():
        listed.setdefault(entity.label, []).append(entity.text)
    return {"entities": listed}


def _answered(record: Record, cot: str | None, body: str) -> Record:
    text = f"{OPEN}\n{cot}\n{CLOSE}\n{body}"
    return replace(record, answer=Answer("calibration", text), cot=None, entities=None)
