"""Reading by a model: valid records -> requests to the reader, and its replies -> records whose trace holds.

In: records with trace and grounded entities.  Out: one outcome each; a kept one carries its reading, and entities
with the evidence that the reader quotes; a dropped one the first thing that the reading says against the answer.
The reader never sees the answer, nor the drafts of it in the trace.  A record without a trace goes on unread.

What names a mention that is not in the sentence, a type that is not listed, or a passage that is not in the trace
is asked again, and told so, `reader.attempts` times in all; so is what cannot be read.  The last readable reading
counts.  Without any the record is dropped as unread.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from nercot.corpus.recipe import Model, Recipe
from nercot.corpus.records import Outcome, Reading, Record
from nercot.corpus.tables import entity_rows, reading_row
from nercot.corpus.work import Row
from nercot.llm.address import content_of, provider_of
from nercot.llm.asking import request_body
from nercot.llm.messages import Reply, Request
from nercot.llm.prompts import reading_messages, reading_response_format
from nercot.llm.recorded import asked_about, recorded_key
from nercot.steps.stage import Answers, Asking, RecordStage, Turn
from nercot.validation.reading import NotFound, compare, not_found, parse_reading

BATCH = 200
FOLDER = "4-read"


def stage(recipe: Recipe, prompts: Mapping[str, str], turn: Turn) -> RecordStage:
    """The stage between validation and judge: a model reads what each trace concludes."""
    model = recipe.reader
    settings = [content_of(model), recorded_key(model), model.attempts, prompts["reading"], recipe.rules]
    reader = Reader(recipe.name, model, prompts["reading"], recipe.rules)
    asking = Asking("reader", model, reader, model.attempts)
    return RecordStage("read", FOLDER, _row, settings, asking=asking, turn=turn)


def _row(outcome: Outcome) -> Row:
    record = outcome.record
    unread: Row = {"reading": None, "reader": None, "reader_key": None}
    said = unread if record.reading is None else reading_row(record.reading)
    return {"cot": record.cot, "entities": entity_rows(record.entities), **said}


@dataclass(frozen=True, slots=True)
class Reader:
    """A model that reads traces, the prompt it is given, and the rules that its readings serve (None: all)."""

    corpus: str
    model: Model
    template: str
    rules: tuple[str, ...] | None = None

    def request(self, record: Record, ask: int, again: NotFound | None = None) -> Request:
        """What this reader is asked about a record; `again`: what nobody finds of its last report."""
        messages = reading_messages(record, self.template, again)
        body = request_body(self.model, messages, reading_response_format(record.schema))
        of = asked_about(record) if self.model.is_recorded else ()
        return Request(self.corpus, "read", record.guid, provider_of(self.model), self.model.model, body, ask, of)

    def requests(self, records: Iterator[Record], answers: Answers, ask: int) -> Iterator[Request]:
        """The requests of this time: of records that no earlier one settled."""
        while batch := list(islice(filter(has_trace, records), BATCH)):
            for record, replies in zip(batch, self._replies(batch, answers, ask - 1), strict=True):
                if (request := self._next(record, replies)) is not None:
                    yield request

    def outcomes(self, records: Iterator[Record], answers: Answers) -> Iterator[Outcome]:
        """The record step: what the readings say of each record."""
        while batch := list(islice(records, BATCH)):
            read = filter(has_trace, batch)
            replies = iter(self._replies(list(read), answers, self.model.attempts))
            for record in batch:
                yield self._outcome(record, next(replies)) if has_trace(record) else Outcome(record)

    def told(self, records: Sequence[Record], answers: Answers) -> list[list[Reply | None]]:
        """For each record with a trace all replies about it, in the order in which they were asked for."""
        return self._replies(records, answers, self.model.attempts)

    def _replies(self, batch: Sequence[Record], answers: Answers, asks: int) -> list[list[Reply | None]]:
        """For each record the replies to its requests so far; what is asked next depends on what was said."""
        histories: list[list[Reply | None]] = [[] for _ in batch]
        for _ in range(asks):
            open_ones = [
                (history, request)
                for record, history in zip(batch, histories, strict=True)
                if (request := self._next(record, history)) is not None
            ]
            replies = answers.replies_to([request for _, request in open_ones])
            for (history, _), reply in zip(open_ones, replies, strict=True):
                history.append(reply)
        return histories

    def _next(self, record: Record, replies: Sequence[Reply | None]) -> Request | None:
        """The next request about a record, None where it is settled or waits for a reply."""
        if None in replies:
            return None
        last = _last(replies)
        again = None if last is None else not_found(record, last)
        if again is not None and not again and _reading(replies[-1]) is not None:
            return None
        return self.request(record, len(replies) + 1, again)

    def _outcome(self, record: Record, replies: Sequence[Reply | None]) -> Outcome:
        if None in replies:
            return Outcome(record, pending=True)
        reading = _last(replies)
        if reading is None:
            last = replies[-1]
            detail = (last and last.detail) or f"{last.kind if last else 'nothing'} without a readable reading"
            return Outcome(record, "unread", f"{len(replies)} readings asked for; the last: {detail}")
        named = replace(reading, reader=reading.reader if reading.reader != "unknown" else self.model.model)
        return read(record, named, self.rules)


def read(record: Record, reading: Reading, rules: Collection[str] | None = None) -> Outcome:
    """What a reading makes of a record, by the rules named (None: all)."""
    found = compare(record, reading, rules)
    known = replace(record, reading=reading, entities=found.entities)
    if not found.violations:
        return Outcome(known)
    first, others = found.violations[0], len(found.violations) - 1
    detail = first.detail + (f" (and {others} more)" if others else "")
    return Outcome(known, first.rule, detail, violations=found.violations)


def has_trace(record: Record) -> bool:
    """Whether there is anything to read."""
    return bool(record.cot and record.cot.strip())


def _last(replies: Sequence[Reply | None]) -> Reading | None:
    """The last readable reading, with who gave it."""
    for reply in reversed(replies):
        if (reading := _reading(reply)) is not None and reply is not None:
            return replace(reading, reader=reply.model or reading.reader, reader_key=reply.key)
    return None


def _reading(reply: Reply | None) -> Reading | None:
    return parse_reading(reply.content) if reply is not None and reply.kind == "answer" else None
