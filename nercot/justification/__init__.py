"""Entity <-> evidence in the trace: where and how the trace argues for each listed mention.

In: a sentence, its schema, the trace, the grounded entities.  Out: for each entity the place of the trace that
argues for it, and findings: not argued for, argued against, or argued for and not listed.  Never compares with
gold and never asks whether the reasoning is right.

    lexicon.py     what traces call the types
    trace.py       the trace, folded, in sentences and words
    mentions.py    where it speaks of which mention
    subjects.py    what a sentence speaks of: groups, the key of a line, "it" and "both"
    cues.py        the English of taking, refusing and weighing
    statements.py  which mention it takes as which type, sentence by sentence
    verdicts.py    the last word on each, and what the answer lacks
    soundness.py   whether it is reasoning about this sentence at all
    leaks.py       whether it leans on an answer that it was given
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from nercot.justification.leaks import leak
from nercot.justification.lexicon import types_of
from nercot.justification.mentions import Reference, Surface, find_references
from nercot.justification.soundness import degeneration
from nercot.justification.statements import read_statements
from nercot.justification.trace import Span, Trace, lower, plain, read_trace
from nercot.justification.verdicts import judge
from nercot.records import Entity, Violation

__all__ = ["Justification", "degeneration", "justify", "leak"]


@dataclass(frozen=True, slots=True)
class Justification:
    """What a trace argues: `evidence` is (cot_start, cot_end) or None for each entity, in their order.

    `findings`: not_justified, contradicted and missing_from_answer.  `notes`: what could not be judged.
    """

    evidence: tuple[Span | None, ...]
    findings: tuple[Violation, ...] = ()
    notes: tuple[str, ...] = ()


def justify(sentence: str, schema: Sequence[str], cot: str, entities: Sequence[Entity]) -> Justification:
    """Where the trace argues for each entity, and what it says against the answer."""
    trace = _without_echo(read_trace(cot), sentence)
    types = types_of(tuple(schema))
    surfaces, references = find_references(sentence, entities, trace, types)
    if not trace.english:
        return _foreign(entities, surfaces, references)
    statements = read_statements(trace, types, len(surfaces), references)
    evidence, findings = judge(sentence, trace, schema, entities, surfaces, references, statements)
    return Justification(tuple(evidence), tuple(findings))


def _foreign(entities: Sequence[Entity], surfaces: Sequence[Surface], references: Sequence[Reference]) -> Justification:
    """What can be said of a trace that is not in English: whether it speaks of each mention, and where."""
    spoken = {surfaces[one.mention].text: (one.start, one.end) for one in reversed(references)}
    findings = tuple(
        Violation("not_justified", entity, f"the trace does not speak of {entity.text!r}")
        for entity in entities
        if entity.text not in spoken
    )
    note = "the trace is not in English: only whether it speaks of each mention was judged"
    return Justification(tuple(spoken.get(entity.text) for entity in entities), findings, (note,))


def _without_echo(trace: Trace, sentence: str) -> Trace:
    """The trace with every repetition of the whole sentence taken for a quotation, marked or not."""
    wanted = lower(plain(sentence)).strip()
    start = trace.low.find(wanted) if len(wanted) > 20 else -1
    if start < 0:
        return trace
    echoes = []
    while start >= 0:
        echoes.append((start - 1, start + len(wanted) + 1))
        start = trace.low.find(wanted, start + 1)
    kept = [quote for quote in trace.quotes if not any(quote[0] < end and start < quote[1] for start, end in echoes)]
    return replace(trace, quotes=tuple(sorted([*kept, *echoes])))
