"""Scoring by a model: valid records -> requests to the judge, and the ledger's replies -> judged records.

The first readable judgement counts; an unreadable one is asked for again, `judge.attempts` times in all.
Without any the record is dropped as unscored, it is never given a 0.  The threshold is no matter of this
step: every score is kept (steps/select.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice

from nercot.corpus.recipe import Model, Recipe
from nercot.corpus.records import Judgement, Outcome, Record
from nercot.corpus.tables import judgement_row
from nercot.corpus.work import Row
from nercot.llm.address import content_of, provider_of
from nercot.llm.asking import request_body
from nercot.llm.messages import Reply, Request
from nercot.llm.prompts import judge_messages, judge_response_format, parse_judgement
from nercot.llm.recorded import asked_about, recorded_key
from nercot.steps.stage import Answers, Asking, RecordStage, Turn

BATCH = 200
FOLDER = "5-scored"


def stage(recipe: Recipe, prompts: Mapping[str, str], turn: Turn) -> RecordStage:
    """The last stage of a round: the judge scores what is valid."""
    model = recipe.judge
    settings = [content_of(model), recorded_key(model), model.attempts, prompts.get("judge")]
    asking = Asking("judge", model, Judge(recipe.name, model, prompts["judge"]), model.attempts)
    return RecordStage("score", FOLDER, _row, settings, asking=asking, turn=turn)


def _row(outcome: Outcome) -> Row:
    record = outcome.record
    assert record.judgement, "score keeps only judged records: give the outcome a reason"
    return judgement_row(record.judgement)


@dataclass(frozen=True, slots=True)
class Judge:
    """A model that scores traces, and the rubric it is given."""

    corpus: str
    model: Model
    template: str

    def request(self, record: Record, attempt: int) -> Request:
        """What this judge is asked about a record."""
        messages = judge_messages(record, self.template)
        body = request_body(self.model, messages, judge_response_format(self.model.rubric))
        of = asked_about(record) if self.model.is_recorded else ()
        return Request(self.corpus, "score", record.guid, provider_of(self.model), self.model.model, body, attempt, of)

    def requests(self, records: Iterator[Record], answers: Answers, ask: int) -> Iterator[Request]:
        """The requests of this time: of records that no earlier one judged readably."""
        while batch := list(islice(records, BATCH)):
            for record, replies in zip(batch, self._replies(batch, answers, ask - 1), strict=True):
                if None not in replies and not any(_judgement(reply, self.model.rubric) for reply in replies):
                    yield self.request(record, ask)

    def _replies(self, batch: list[Record], answers: Answers, attempts: int) -> list[list[Reply | None]]:
        """For each record the replies to its first so many requests, up to the first readable or missing one."""
        told: list[list[Reply | None]] = [[] for _ in batch]
        open_ones = list(zip(batch, told, strict=True))
        for ask in range(1, attempts + 1):
            replies = answers.replies_to([self.request(record, ask) for record, _ in open_ones])
            for (_, known), reply in zip(open_ones, replies, strict=True):
                known.append(reply)
            open_ones = [
                each
                for each in open_ones
                if each[1][-1] is not None and _judgement(each[1][-1], self.model.rubric) is None
            ]
        return told

    def outcomes(self, records: Iterator[Record], answers: Answers) -> Iterator[Outcome]:
        """The record step: the first readable judgement to each record."""
        while batch := list(islice(records, BATCH)):
            for record, replies in zip(batch, self._replies(batch, answers, self.model.attempts), strict=True):
                yield _outcome(record, replies, self.model)


def _judgement(reply: Reply | None, rubric: str) -> Judgement | None:
    return parse_judgement(reply.content, rubric) if reply and reply.kind == "answer" else None


def _outcome(record: Record, replies: Iterable[Reply | None], judge: Model) -> Outcome:
    details = []
    for reply in replies:
        if reply is None:
            return Outcome(record, pending=True)
        judgement = _judgement(reply, judge.rubric)
        if judgement:
            named = replace(judgement, judge=reply.model or judge.model, judge_key=reply.key)
            return Outcome(replace(record, judgement=named))
        details.append(reply.detail or f"{reply.kind} without a readable judgement")
    return Outcome(record, "unscored", f"{len(details)} judgements asked for; the last: {details[-1]}")
