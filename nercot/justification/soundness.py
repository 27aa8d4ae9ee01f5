"""Whether a trace is reasoning about its sentence at all, and whether it leans on an answer it was given.

In: the trace, the sentence, the schema, the mentions.  Out: one line that says what is wrong, or None.  Never
judges whether the reasoning is right.
"""

from __future__ import annotations

from collections.abc import Sequence

from nercot.records import Entity


def degeneration(cot: str, sentence: str, schema: Sequence[str], entities: Sequence[Entity]) -> str | None:
    """Why the trace is no reasoning about this sentence, or None."""
    return None if cot.strip() else "the trace is empty"


def leak(cot: str, sentence: str) -> str | None:
    """The words that speak of a given answer, or None."""
    return None
