"""Annotation by a model: records -> requests, and the ledger's replies -> answered records.

Asking and reading are apart: what a model says goes to the ledger first (llm/endpoint.py), and this step
reads it there by the key of its request, online, after a crash, from a batch or from a release alike.
The embedded annotator (embedded.py) is no model and does not come through here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice

from nercot.corpus.recipe import Model
from nercot.corpus.records import Answer, Outcome, Record
from nercot.llm.address import provider_of
from nercot.llm.asking import request_body
from nercot.llm.ledger import Ledger
from nercot.llm.messages import Reply, Request
from nercot.llm.prompts import annotate_messages, annotate_response_format

BATCH = 200


@dataclass(frozen=True, slots=True)
class Teacher:
    """A model that annotates, and the prompt it is given."""

    corpus: str
    model: Model
    template: str

    def request(self, record: Record, attempt: int) -> Request:
        """What this teacher is asked about a record."""
        messages = annotate_messages(record, self.template)
        body = request_body(self.model, messages, annotate_response_format(record.schema), unasked=False)
        return Request(self.corpus, "annotate", record.guid, provider_of(self.model), self.model.model, body, attempt)

    def requests(self, records: Iterable[Record], attempt: int) -> Iterator[Request]:
        """The requests of many records, lazily."""
        return (self.request(record, attempt) for record in records)

    def outcomes(self, records: Iterator[Record], ledger: Ledger, attempt: int) -> Iterator[Outcome]:
        """The record step: what the ledger holds of each record's request."""
        while batch := list(islice(records, BATCH)):
            replies = ledger.replies_to([self.request(record, attempt) for record in batch])
            for record, reply in zip(batch, replies, strict=True):
                yield _outcome(record, reply, attempt, self.model.model)


def _outcome(record: Record, reply: Reply | None, attempt: int, asked: str) -> Outcome:
    if reply is None:
        return Outcome(record, pending=True)
    if reply.kind != "answer":
        return Outcome(record, reply.kind, reply.detail)
    answer = Answer(
        teacher=reply.model or asked,
        completion=reply.content,
        reasoning=reply.reasoning,
        attempt=attempt,
        request_key=reply.key,
        finish_reason=reply.finish_reason,
        tokens_in=reply.tokens_in,
        tokens_out=reply.tokens_out,
    )
    return Outcome(replace(record, answer=answer))
