"""Annotation by a model: records -> requests, and the ledger's replies -> answered records.

Asking and reading are apart: what a model says goes to the ledger first (llm/endpoint.py), and this step
reads it there by the key of its request, online, after a crash, from a batch or from a release alike.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice

from nercot.corpus.recipe import Model, Recipe
from nercot.corpus.records import Answer, Outcome, Record
from nercot.corpus.tables import answer_row
from nercot.corpus.work import Row
from nercot.llm.address import content_of, provider_of
from nercot.llm.asking import request_body
from nercot.llm.messages import Reply, Request
from nercot.llm.prompts import annotate_messages, annotate_response_format
from nercot.llm.recorded import recorded_key
from nercot.steps.stage import FIRST, Answers, Asking, RecordStage, Turn

BATCH = 200
FOLDER = "2-raw"


def stage(recipe: Recipe, prompts: Mapping[str, str], turn: Turn) -> RecordStage:
    """The first stage of a round: the teacher answers."""
    model = recipe.teachers[turn.teacher]
    settings = [content_of(model), recorded_key(model), prompts.get("annotate"), turn.attempt, turn.ask]
    place = f"teacher.{turn.teacher + 1}" if len(recipe.teachers) > 1 else None
    asking = Asking("teacher", model, Teacher(recipe.name, model, prompts["annotate"], turn), place=place)
    return RecordStage("annotate", FOLDER, _row, settings, asking=asking, turn=turn)


def _row(outcome: Outcome) -> Row:
    record = outcome.record
    assert record.answer, "annotate keeps only answered records: give the outcome a reason"
    return answer_row(record.answer)


@dataclass(frozen=True, slots=True)
class Teacher:
    """A model that annotates, and the prompt it is given, in one round."""

    corpus: str
    model: Model
    template: str
    turn: Turn = FIRST

    def request(self, record: Record) -> Request:
        """What this teacher is asked about a record."""
        messages = annotate_messages(record, self.template)
        body = request_body(self.model, messages, annotate_response_format(record.schema), unasked=False)
        provider, ask = provider_of(self.model), self.turn.ask
        return Request(self.corpus, "annotate", record.guid, provider, self.model.model, body, ask)

    def requests(self, records: Iterator[Record], answers: Answers, ask: int) -> Iterator[Request]:
        """The requests of many records, lazily; one for each in a round."""
        return (self.request(record) for record in records)

    def outcomes(self, records: Iterator[Record], answers: Answers) -> Iterator[Outcome]:
        """The record step: the reply to each record's request."""
        while batch := list(islice(records, BATCH)):
            replies = answers.replies_to([self.request(record) for record in batch])
            for record, reply in zip(batch, replies, strict=True):
                yield _outcome(record, reply, self.turn.attempt, self.model.model)


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
