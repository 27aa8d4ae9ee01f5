"""Supervised fine-tuning: the `sft` config of a corpus into TRL's SFTTrainer.

    accelerate launch --config_file training/configs/accelerate/zero3.yaml training/sft.py CONFIG.toml

The loss is on the answer and its end token.  Rows come tokenized and labelled from rows.py, so neither TRL nor a
chat template touches the text.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from rows import Prepared, prepare_sft
from running import gpus, lora_config, model_kwargs, say_batch, script, train_and_save
from settings import Settings, trainer_arguments


def train(settings: Settings, tokenizer: Any, out: Path) -> None:
    """One run of SFT: `out/model`, `out/run.json`."""
    trainer, prepared = trainer_for(settings, tokenizer, out)
    say_batch(settings)
    train_and_save(trainer, tokenizer, settings, prepared, out)


def trainer_for(settings: Settings, tokenizer: Any, out: Path, model: Any = None) -> tuple[Any, Prepared]:
    """TRL's trainer and the rows it trains on; `model`: one that is made already, in place of the one that is named."""
    from accelerate import PartialState
    from trl import SFTConfig, SFTTrainer

    packed = bool(settings.train.get("packing"))
    arguments = trainer_arguments(
        settings,
        SFTConfig,
        output_dir=str(out),
        max_length=settings.data.max_tokens if packed else None,
        gradient_accumulation_steps=settings.accumulation(gpus()),
        model_init_kwargs=None if model is not None else model_kwargs(settings),
        eos_token=tokenizer.eos_token,
    )
    with PartialState().main_process_first():
        prepared = prepare_sft(tokenizer, settings.data, arguments.dataset_num_proc)
    trainer = SFTTrainer(
        model=settings.model.name if model is None else model,
        args=arguments,
        train_dataset=prepared.rows,
        processing_class=tokenizer,
        peft_config=lora_config(settings.lora),
    )
    return trainer, prepared


if __name__ == "__main__":
    sys.exit(script("sft", train, "Supervised fine-tuning on the sft config of a corpus."))
