"""Rewards for reinforcement learning (the paper's GRPO stage): pure functions of (completion, gold, schema).

In: a completion, the gold (Answer JSON as in the `grpo` config, or what else scored.py takes) and the schema.  Out: a
float in [0, 1].  Never raises, whatever the model wrote, and imports no training library; gold that cannot be read is
an InputError at once, for a training run on it would learn nothing.  What is rewarded is what validation keeps: the
same parser (answers.py) and the same comparison (spans.py); `paper` mode is the released code's, with its own reader.

The paper's reward is 10 x F1 + 1 x schema.  Neither looks at the trace: an answer without one earns all of it.
`trace_reward` does, and is of our own; the configs name it with weight 0, so that it is logged.

TRL adds several functions up itself: name two of the `trl_`
functions by their dotted path and give `reward_weights` 10 and 1.  verl takes one function, so `compute_score`
adds them up, and is the only one here that can exceed 1.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

from nercot.corpus.labels import match_label
from nercot.validation.answers import parse_answer
from nercot.validation.paper import paper_body, paper_label, read_paper
from nercot.validation.scored import Scorable
from nercot.validation.spans import Mode, check_mode, micro_f1

Gold: TypeAlias = Scorable

# A completion as TRL gives it: text, or a conversation as a list of {role, content}.
Completion: TypeAlias = str | Sequence[Mapping[str, Any]]

# The paper's weights; for TRL they stand in the trainer's config.
F1_WEIGHT = 10.0
SCHEMA_WEIGHT = 1.0


def f1_reward(completion: str, gold: Gold, schema: Iterable[str] = (), mode: Mode = "exact") -> float:
    """Span F1 of one completion; 0 where it cannot be read.  Raises InputError for gold that cannot be read.

    An empty answer to empty gold is worth 1, in paper mode 0.  The schema decides nothing here, since a label
    outside it matches no gold; it is taken for all rewards to be called alike.
    """
    check_mode(mode)
    if not isinstance(completion, str):
        return 0.0
    score = micro_f1([completion], [gold], mode)
    return 0.0 if score.unreadable else score.f1


def schema_reward(completion: str, gold: Gold, schema: Iterable[str], mode: Mode = "exact") -> float:
    """1 for a readable answer all of whose labels are in the schema, else 0; the gold decides nothing here.

    exact: as the paper says, "unpermitted entity types" earn nothing, listed with a mention or without; labels match
    as in validation (labels.py).  paper: as the released code has it, the text is JSON, and its labels that have a
    mention are in the schema, lower case and stripped on both sides.
    """
    check_mode(mode)
    if not isinstance(completion, str):
        return 0.0
    labels = _labels(schema)
    return float(_keeps_paper(completion, labels) if mode == "paper" else _keeps(completion, labels))


def trace_reward(completion: str, gold: Gold = "", schema: Iterable[str] = ()) -> float:
    """The share of the answer's mentions that its trace names; 0 without a trace or where it cannot be read.

    An answer without a mention has what it needs in any trace that says something: 1.  Case, Unicode form and white
    space are ignored; gold and schema decide nothing.  Not of the paper.
    """
    parsed = parse_answer(completion) if isinstance(completion, str) else None
    if parsed is None or parsed.problem is not None or not (parsed.cot or "").strip():
        return 0.0
    trace = _plain(parsed.cot or "")
    named = [_plain(mention) in trace for _, mention in parsed.mentions]
    return sum(named) / len(named) if named else 1.0


def trl_trace_reward(
    completions: Sequence[Completion], gold: Sequence[Gold], schema: Sequence[Iterable[str]], **columns: object
) -> list[float]:
    """`trace_reward` of each completion, for TRL's `reward_funcs`."""
    return [trace_reward(_text(text)) for text in completions]


def trl_f1_reward(
    completions: Sequence[Completion], gold: Sequence[Gold], schema: Sequence[Iterable[str]], **columns: object
) -> list[float]:
    """`f1_reward` of each completion, for TRL's `reward_funcs`; columns are those of the `grpo` config."""
    rows = zip(completions, gold, schema, strict=True)
    return [f1_reward(_text(text), right, labels) for text, right, labels in rows]


def trl_schema_reward(
    completions: Sequence[Completion], gold: Sequence[Gold], schema: Sequence[Iterable[str]], **columns: object
) -> list[float]:
    """`schema_reward` of each completion, for TRL's `reward_funcs`."""
    rows = zip(completions, gold, schema, strict=True)
    return [schema_reward(_text(text), right, labels) for text, right, labels in rows]


def trl_f1_reward_paper(
    completions: Sequence[Completion], gold: Sequence[Gold], schema: Sequence[Iterable[str]], **columns: object
) -> list[float]:
    """`f1_reward` in paper mode of each completion, for TRL's `reward_funcs`."""
    rows = zip(completions, gold, schema, strict=True)
    return [f1_reward(_text(text), right, labels, "paper") for text, right, labels in rows]


def trl_schema_reward_paper(
    completions: Sequence[Completion], gold: Sequence[Gold], schema: Sequence[Iterable[str]], **columns: object
) -> list[float]:
    """`schema_reward` in paper mode of each completion, for TRL's `reward_funcs`."""
    rows = zip(completions, gold, schema, strict=True)
    return [schema_reward(_text(text), right, labels, "paper") for text, right, labels in rows]


def compute_score(
    data_source: str,
    solution_str: str,
    ground_truth: Gold,
    extra_info: Mapping[str, Any] | None = None,
    *,
    mode: Mode = "exact",
    f1_weight: float = F1_WEIGHT,
    schema_weight: float = SCHEMA_WEIGHT,
    trace_weight: float = 0.0,
) -> float:
    """verl's reward: f1_weight x F1 + schema_weight x schema, so in [0, 11] with the paper's weights.

    `trace_weight` x `trace_reward` comes on top where a run asks for it.

    `ground_truth` is the Answer JSON, `extra_info["schema"]` the schema; without one only an answer without
    labels earns the schema term.  The keyword arguments come from verl's `reward_kwargs`.
    """
    schema: Any = extra_info.get("schema") if isinstance(extra_info, Mapping) else None
    f1 = f1_reward(solution_str, ground_truth, (), mode)
    total = f1_weight * f1 + schema_weight * schema_reward(solution_str, ground_truth, schema, mode)
    return total + trace_weight * trace_reward(solution_str) if trace_weight else total


def _keeps(completion: str, schema: tuple[str, ...]) -> bool:
    parsed = parse_answer(completion)
    return parsed.problem is None and all(match_label(label, schema) is not None for label in parsed.labels)


def _keeps_paper(completion: str, schema: tuple[str, ...]) -> bool:
    pairs = read_paper(completion)
    if not pairs:
        return pairs is not None and _is_json(paper_body(completion))
    return {label for _, label in pairs} <= {paper_label(label) for label in schema}


def _is_json(body: str | None) -> bool:
    try:
        json.loads(body or "")
    except (ValueError, RecursionError):
        return False
    return True


def _plain(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def _labels(schema: object) -> tuple[str, ...]:
    """The labels of a schema, a numpy array (verl) or a list; what is no text is none."""
    return tuple(label for label in schema if isinstance(label, str)) if isinstance(schema, Iterable) else ()


def _text(completion: object) -> str:
    """The text of a completion: of a conversation, the content of its last message; "" where there is none."""
    if isinstance(completion, list | tuple) and completion and isinstance(completion[-1], Mapping):
        completion = completion[-1].get("content")
        if isinstance(completion, list | tuple):  # parts, as multimodal templates have them
            texts = [part.get("text") for part in completion if isinstance(part, Mapping)]
            completion = "".join(text for text in texts if isinstance(text, str))
    return completion if isinstance(completion, str) else ""
