"""Entity <-> evidence in the trace: where and how the trace argues for each listed mention.

In: a sentence, its schema, the trace, the grounded entities.  Out: for each entity the place of the trace that
argues for it, and findings: not argued for, argued against, or argued for and not listed.  Never compares with
gold and never asks whether the reasoning is right.

    lexicon.py     what traces call the types
    trace.py       the trace, folded, in sentences and words
    mentions.py    where it speaks of which mention
    hits.py        where it names which type
    places.py      which occurrence of a repeated mention it means
    drafts.py      the JSON that it tries out
    subjects.py    what a sentence speaks of: groups, the key of a line, "it" and "both"
    cues.py        the English of taking, refusing and weighing
    contests.py    which of several types a passage settles on
    events.py      what can be said of a mention
    statements.py  which mention it takes as which type, sentence by sentence
    verdicts.py    the last word on each, and what the answer lacks
    soundness.py   whether it is reasoning about this sentence at all
    leaks.py       whether it leans on an answer that it was given
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from nercot.corpus.records import Entity, Violation
from nercot.justification.drafts import find_drafts
from nercot.justification.leaks import leak
from nercot.justification.lexicon import types_of
from nercot.justification.mentions import Reference, Surface, find_references
from nercot.justification.places import Places
from nercot.justification.soundness import degeneration
from nercot.justification.statements import read_statements
from nercot.justification.trace import Span, Trace, lower, plain, read_trace
from nercot.justification.verdicts import judge

__all__ = ["Justification", "degeneration", "justify", "leak"]


@dataclass(frozen=True, slots=True)
class Justification:
    """What a trace argues: `evidence` is (cot_start, cot_end) or None for each entity, in their order.

    `entities`: the same as were asked about, at the occurrences that the trace means.

    `findings`: not_justified, contradicted and missing_from_answer.  `notes`: what could not be judged.
    """

    entities: tuple[Entity, ...]
    evidence: tuple[Span | None, ...]
    findings: tuple[Violation, ...] = ()
    notes: tuple[str, ...] = ()


def justify(sentence: str, schema: Sequence[str], cot: str, entities: Sequence[Entity]) -> Justification:
    """Where the trace argues for each entity, and what it says against the answer."""
    trace = _without_echo(read_trace(cot), sentence)
    types = types_of(tuple(schema))
    surfaces, references = find_references(sentence, entities, trace, types)
    if not trace.english:
        return _foreign(trace, schema, entities, surfaces, references)
    places = Places(sentence, trace, surfaces, references)
    drafts = list(find_drafts(cot, types, references))
    statements = read_statements(trace, types, surfaces, references, places, drafts)
    placed, evidence, findings = judge(sentence, trace, schema, entities, surfaces, references, statements)
    return Justification(tuple(placed), tuple(evidence), tuple(findings))


def _foreign(
    trace: Trace,
    schema: Sequence[str],
    entities: Sequence[Entity],
    surfaces: Sequence[Surface],
    references: Sequence[Reference],
) -> Justification:
    """What can be said of a trace that is not in English: whether it speaks of each mention, and where.

    A clause that names one type of the schema, one mention that is not listed, and denies nothing, takes it.
    """
    spoken = {surfaces[one.mention].text: (one.start, one.end) for one in reversed(references)}
    findings = [
        Violation("not_justified", entity, f"the trace does not speak of {entity.text!r}")
        for entity in entities
        if entity.text not in spoken
    ]
    listed = frozenset(number for number, surface in enumerate(surfaces) if surface.listed)
    for number, name in _taken(trace, schema, references, listed):
        text = surfaces[number].text
        if number not in listed and text.lower() not in map(str.lower, schema):
            findings.append(
                Violation("missing_from_answer", Entity(text, name), f"the trace takes {text!r} as {name!r}")
            )
    note = "the trace is not in English: of what it says of each mention only plain verdicts were judged"
    return Justification(
        tuple(entities), tuple(spoken.get(entity.text) for entity in entities), tuple(findings), (note,)
    )


# What ends a clause in any script, and the words that deny in some languages.
_CLAUSE = re.compile(r"[^.;?!\n]+[.;?!]?\n*|\n+")
_DENIES = re.compile(
    "不|没|無|无|非|未|别|除|ない|ません|なし|ず|않|아니|없|\\b(?:nicht|kein\\w*|ohne|statt|weder|nur|pas|non|aucun\\w*|sans|ni|no|sin|nunca"
    "|não|nao|sem|nem|не|нет|ни|без|nie|bez|inte|ikke|niet|geen)\\b"
)


def _taken(
    trace: Trace, schema: Sequence[str], references: Sequence[Reference], listed: frozenset[int]
) -> Iterator[tuple[int, str]]:
    """The mentions of a trace in any language that a clause gives a type by its name in the schema.

    The subject is the first mention of the clause, a listed one before others, else that of the clause before.
    """
    names = {label: re.compile(rf"(?<![a-z]){re.escape(label.lower())}(?![a-z])") for label in schema}
    subject: int | None = None
    at = 0
    for clause in _CLAUSE.finditer(trace.low):
        begin = at
        while at < len(references) and references[at].start < clause.end():
            at += 1
        spoken = [reference.mention for reference in references[begin:at]]
        subject = next((one for one in spoken if one in listed), spoken[0] if spoken else subject)
        named = [label for label, pattern in names.items() if pattern.search(clause[0])]
        asks = clause[0].endswith("?")
        if subject is not None and len(named) == 1 and not asks and _DENIES.search(clause[0]) is None:
            yield subject, named[0]
        if clause[0].endswith("\n"):
            subject = None


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
