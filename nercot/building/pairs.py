"""Preference pairs: a kept answer beside one to the same sentence that was not good enough.

In: a kept row as prompt and completion, and the other attempts at its record.  Out: rows of the config preference, as
preference trainers take them, and what has to be known before training on them: how many there are, how many teach
nothing, and how long both sides are.  Never takes an attempt that a model left unread or unscored: it did not fail.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from nercot.corpus.tables import to_record
from nercot.corpus.work import Row
from nercot.validation.answers import carries, render_answer

# Of prompt and answer together a trainer commonly keeps so many tokens; a token is taken to be so many characters.
_TOKENS, _CHARACTERS = 1024, 4


@dataclass(slots=True)
class PairCounts:
    """What the manifest says of pairs: `late` ones first differ beyond what a trainer commonly keeps."""

    rows: int = 0
    equal: int = 0
    late: int = 0
    chosen: int = 0
    rejected: int = 0

    def add(self, row: Row) -> None:
        """Counts one row of the config preference."""
        prompt, chosen, rejected = (row[side][-1]["content"] for side in ("prompt", "chosen", "rejected"))
        same = _common(chosen, rejected)
        self.rows += 1
        self.equal += chosen == rejected
        self.late += chosen != rejected and len(prompt) + same > _TOKENS * _CHARACTERS
        self.chosen += len(chosen)
        self.rejected += len(rejected)

    def summary(self) -> dict[str, int]:
        """As the manifest holds it; lengths are means in characters."""
        return {
            "pairs": self.rows,
            "equal": self.equal,
            "late": self.late,
            "chosen_characters": round(self.chosen / max(1, self.rows)),
            "rejected_characters": round(self.rejected / max(1, self.rows)),
        }


def _common(one: str, other: str) -> int:
    """How many characters two texts have in common at their beginning."""
    pairs = zip(one, other, strict=False)
    return next((place for place, (a, b) in enumerate(pairs) if a != b), min(len(one), len(other)))


def pair_rows(
    sft: Row, kept: Row, attempts: Sequence[Row], drops: Sequence[Row], threshold: float, alone: Collection[int]
) -> Iterator[Row]:
    """The pairs of a kept record, in the order of its attempts.

    `sft`: its row of that config.  `kept`: its row of cot, and the attempt that it is.  `attempts`: all answers with
    what is known of them, `alone` those on which too few teachers agree.  `drops`: what the steps refused.
    """
    refused = {drop["attempt"]: drop for drop in drops}
    for row in attempts:
        failed = _failed(row, refused.get(row["attempt"]), kept["attempt"], threshold, row["attempt"] in alone)
        if failed and (pair := pair_row(sft, kept, row, *failed)):
            yield pair


def _failed(row: Row, drop: Row | None, chosen: int, threshold: float, alone: bool) -> tuple[str, str] | None:
    """Step and reason for which an attempt is not the kept one; None where it did not fail."""
    if drop is not None:
        judged = drop["step"] == "validate" or (drop["step"] == "read" and row.get("reading") is not None)
        return (drop["step"], drop["reason"]) if judged else None
    if row["attempt"] == chosen or row.get("score") is None:
        return None
    if row["score"] < threshold:
        return "select", "below_threshold"
    if alone:
        return "select", "disagreed"
    # An earlier one that reached the threshold was passed over since a person called it wrong.
    return ("select", "disputed") if row["attempt"] < chosen else None


def pair_row(sft: Row, kept: Mapping[str, Any], failed: Row, step: str, reason: str) -> Row | None:
    """A kept answer and a failed one; None where that could not be read, or only one of them has a trace."""
    if failed["entities"] is None or (failed["cot"] is None) != (kept["cot"] is None) or not carries(failed["cot"]):
        return None
    record = to_record(failed)
    said = render_answer(record.cot, record.entities or (), record.schema)
    return {
        **{name: sft[name] for name in ("guid", "dataset", "license", "prompt")},
        "chosen": sft["completion"],
        "rejected": [{"role": "assistant", "content": said}],
        "rejected_step": step,
        "rejected_reason": reason,
        "score_chosen": kept["score"],
        "score_rejected": failed.get("score"),
    }
