"""The config preference as TRL's DPOTrainer takes it: unchanged, with the chat template of our models."""

from __future__ import annotations

import at_training
import pytest

pytest.importorskip("trl")

import toy
from transformers import AutoModelForCausalLM, AutoTokenizer

import nercot

assert at_training.TRAINING.is_dir()
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning")


def test_dpo_takes_the_pairs_of_the_quickstart_unchanged(tmp_path):
    from datasets import load_dataset
    from trl import DPOConfig, DPOTrainer

    toy.make(tmp_path / "toy", rows=48)
    candidate = nercot.build("quickstart", nercot.BuildOptions(tmp_path / "build")).candidate
    pairs = load_dataset(str(candidate), "preference", split="train", cache_dir=str(tmp_path / "cache"))
    settings = DPOConfig(
        output_dir=str(tmp_path / "out"),
        max_steps=1,
        per_device_train_batch_size=1,
        max_length=8192,
        use_cpu=True,
        bf16=False,
        gradient_checkpointing=False,
        report_to=[],
    )
    model = AutoModelForCausalLM.from_pretrained(tmp_path / "toy/model")
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "toy/model")
    trainer = DPOTrainer(model, args=settings, train_dataset=pairs, processing_class=tokenizer)
    assert len(trainer.train_dataset) == len(pairs)
    assert trainer.train().global_step == 1
