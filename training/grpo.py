"""Reinforcement learning (the paper's RE stage): the `grpo` config of a corpus into TRL's GRPOTrainer.

    accelerate launch --config_file training/configs/accelerate/zero3.yaml training/grpo.py CONFIG.toml

The reward is the weighted sum of the functions that the config names, the paper's being 10 x F1 + 1 x schema; the
advantage is R - mean(R) within a group.  Each reward is logged by its name, and so are the share of completions that
cannot be read (`rewards/unreadable/mean`) and of those that have a trace (`rewards/traced/mean`: no reward of the
paper's asks for one, so a policy can train it away), their length, and the share of groups whose rewards are all alike.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rows import Prepared, prepare_grpo
from running import gpus, lora_config, model_kwargs, say_batch, script, train_and_save
from settings import Settings, reward_functions, trainer_arguments

from nercot.validation.answers import parse_answer


def unreadable(completions: Sequence[Sequence[dict[str, str]]], **columns: object) -> list[float]:
    """1 for each completion that holds no answer: logged with weight 0, so it decides nothing."""
    return [float(parse_answer(completion[-1]["content"]).problem is not None) for completion in completions]


def traced(completions: Sequence[Sequence[dict[str, str]]], **columns: object) -> list[float]:
    """1 for each completion that argues before it answers: logged with weight 0 as well."""
    return [float(bool((parse_answer(completion[-1]["content"]).cot or "").strip())) for completion in completions]


def train(settings: Settings, tokenizer: Any, out: Path) -> None:
    """One run of GRPO: `out/model`, `out/run.json`."""
    trainer, prepared = trainer_for(settings, tokenizer, out)
    say_batch(settings)
    train_and_save(trainer, tokenizer, settings, prepared, out)


def trainer_for(settings: Settings, tokenizer: Any, out: Path, model: Any = None) -> tuple[Any, Prepared]:
    """TRL's trainer and the rows it trains on; `model`: one that is made already, in place of the one that is named."""
    from accelerate import PartialState
    from trl import GRPOConfig, GRPOTrainer

    functions = reward_functions(settings)
    arguments = trainer_arguments(
        settings,
        GRPOConfig,
        output_dir=str(out),
        gradient_accumulation_steps=settings.accumulation(gpus()),
        model_init_kwargs=None if model is not None else model_kwargs(settings),
        reward_weights=[*settings.rewards.values(), 0.0, 0.0],
    )
    with PartialState().main_process_first():
        prepared = prepare_grpo(tokenizer, settings.data)
    trainer = GRPOTrainer(
        model=settings.model.name if model is None else model,
        reward_funcs=[*functions, unreadable, traced],
        args=arguments,
        train_dataset=prepared.rows,
        processing_class=tokenizer,
        peft_config=lora_config(settings.lora),
    )
    return trainer, prepared


if __name__ == "__main__":
    sys.exit(script("grpo", train, "Reinforcement learning on the grpo config of a corpus."))
