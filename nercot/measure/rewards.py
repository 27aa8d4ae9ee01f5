"""Rewards for reinforcement learning (the paper's GRPO stage): pure functions of (completion, gold, schema).

In: a completion, the gold (Answer JSON as in the `grpo` config, or what else scored.py takes) and the schema.  Out: a
float in [0, 1].  Never raises, whatever the model wrote, and imports no training library; gold that cannot be read is
an InputError at once, for a training run on it would learn nothing.  What is rewarded is what validation keeps: the
same parser (answers.py) and the same comparison (spans.py); `paper` mode is the released code's, with its own reader.

The paper's reward is 10 x F1 + 1 x schema.  TRL adds several functions up itself: name two of the `trl_`
functions by their dotted path and give `reward_weights` 10 and 1.  verl takes one function, so `compute_score`
adds them up, and is the only one here that can exceed 1.
"""

from __future__ import annotations

import json
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

    Only labels with a mention count.  exact: they match as in validation (labels.py).  paper: the text is JSON to
    the released code, and its labels are in the schema, lower case and stripped on both sides.
    """
    check_mode(mode)
    if not isinstance(completion, str):
        return 0.0
    labels = _labels(schema)
    return float(_keeps_paper(completion, labels) if mode == "paper" else _keeps(completion, labels))


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
) -> float:
    """verl's reward: f1_weight x F1 + schema_weight x schema, so in [0, 11] with the paper's weights.

    `ground_truth` is the Answer JSON, `extra_info["schema"]` the schema; without one only an answer without
    labels earns the schema term.  The keyword arguments come from verl's `reward_kwargs`.
    """
    schema: Any = extra_info.get("schema") if isinstance(extra_info, Mapping) else None
    f1 = f1_reward(solution_str, ground_truth, (), mode)
    return f1_weight * f1 + schema_weight * schema_reward(solution_str, ground_truth, schema, mode)


def _keeps(completion: str, schema: tuple[str, ...]) -> bool:
    parsed = parse_answer(completion)
    return parsed.problem is None and all(match_label(label, schema) is not None for label, _ in parsed.mentions)


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
