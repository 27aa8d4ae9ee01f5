"""A model behind an endpoint that is asked for entities: by evaluate and by extract, in the same words and way.

In: records, the prompt, the model.  Out: its answers in the ledger, and each record beside its own.  The defaults are
those of the paper's code: greedy, 4,096 tokens.  Never reads an answer, never asks for one that the ledger has.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from nercot.corpus.recipe import Model
from nercot.corpus.records import Record
from nercot.corpus.work import Report
from nercot.errors import ShortfallError
from nercot.llm.address import api_key, provider_of
from nercot.llm.asking import Progress, request_body
from nercot.llm.endpoint import Patience, ask_all
from nercot.llm.ledger import Ledger
from nercot.llm.messages import Reply, Request
from nercot.llm.prompts import default_template, extract_messages, read_template

# The paper's code decodes greedily, and an answer has at most so many tokens.
TEMPERATURE, MAX_TOKENS = 0.0, 4096

_BATCH = 200


@dataclass(frozen=True, slots=True)
class Prompted:
    """Who is asked and how.

    `step`: evaluate or extract.  `prompt`: a user's file in place of ours.  `trace`: whether the model is asked to
    reason first, or to answer at once.
    """

    step: str
    model: Model
    prompt: Path | None = None
    trace: bool = True
    retry_seconds: float = 600.0

    def check_keys(self) -> None:
        """An error where an address wants a key that is not there, before anything is read."""
        for url in self.model.url:
            api_key(self.model, url, self.step)

    def asked(self) -> dict[str, Any]:
        """What every request says beside the sentence: figures of other settings are other figures."""
        model = self.model
        return {
            "trace": self.trace,
            "prompt": self.prompt.name if self.prompt else f"{self._own}.md",
            "temperature": model.temperature,
            "max_tokens": model.max_tokens,
            **({"extra": dict(model.extra)} if model.extra else {}),
        }

    @property
    def _own(self) -> str:
        return "extract" if self.trace else "answer"

    def template(self) -> str:
        """The text of the prompt.  Raises RecipeError for a file that cannot be read."""
        return default_template(self._own) if self.prompt is None else read_template(self.prompt)

    def ask(self, records: Iterator[Record], ledger: Ledger, report: Report) -> int:
        """Has every record answered; returns how many calls that took.  Raises ShortfallError where answers lack."""
        template = self.template()

        def progress(seen: Progress) -> None:
            report(self.step, seen.done + seen.found, None)

        requests = (self._request(record, template) for record in records)
        patience = Patience(max_seconds=self.retry_seconds)
        asked = ask_all(requests, self.model, ledger, patience=patience, progress=progress)
        if asked.stopped or asked.progress.pending:
            why = asked.stopped or "their time for retries is used up"
            raise ShortfallError(
                f"{asked.progress.pending} answers are missing ({why}); the same command goes on from here"
            )
        return asked.progress.calls

    def replies(self, records: Iterator[Record], ledger: Ledger) -> Iterator[tuple[Record, Reply | None]]:
        """Each record with its reply, in order."""
        template = self.template()
        while batch := list(islice(records, _BATCH)):
            requests = [self._request(record, template) for record in batch]
            yield from zip(batch, ledger.replies_to(requests), strict=True)

    def _request(self, record: Record, template: str) -> Request:
        messages = extract_messages(record.sentence, record.schema, record.schema_descriptions, template)
        body = request_body(self.model, messages)
        return Request(self.step, self.step, record.guid, provider_of(self.model), self.model.model, body)
