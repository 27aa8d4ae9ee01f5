"""The configs of a corpus as load_dataset gives them and as TRL's own trainers take them: no code in between."""

from __future__ import annotations

import at_training
import pytest

pytest.importorskip("trl")

import toy
from datasets import load_dataset
from transformers import AutoModelForCausalLM, AutoTokenizer
from trl import DPOConfig, DPOTrainer, GRPOConfig, GRPOTrainer, SFTConfig, SFTTrainer

import nercot
from nercot import rewards
from nercot.corpus.resources import resource

assert at_training.TRAINING.is_dir()
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning")

STEP = {"max_steps": 1, "use_cpu": True, "bf16": False, "gradient_checkpointing": False, "report_to": []}

DRAW = """
steps = ["stratify"]
[corpus]
name = "drawn"
[source]
path = "{path}"
[sample]
size = 20
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A tiny model, the quickstart, and a draw from the quickstart's gold."""
    folder = tmp_path_factory.mktemp("unchanged")
    toy.make(folder / "toy", rows=48)
    nercot.build("quickstart", nercot.BuildOptions(folder / "build"))
    (folder / "drawn.toml").write_text(DRAW.format(path=resource("corpora", "quickstart.jsonl")))
    nercot.build(str(folder / "drawn.toml"), nercot.BuildOptions(folder / "build"))
    return folder


def loaded(made, corpus, config):
    folder = made / "build" / corpus / "candidate"
    return load_dataset(str(folder), config, split="train", cache_dir=str(made / "cache"))


def model_and_tokenizer(made):
    folder = made / "toy/model"
    return AutoModelForCausalLM.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)


@pytest.mark.parametrize(
    ("corpus", "config", "count"),
    [
        ("quickstart", "cot", 184),
        ("quickstart", "raw", 310),
        ("quickstart", "dropped", 17),
        ("quickstart", "sft", 184),
        ("quickstart", "preference", 91),
        ("drawn", "re", 20),
        ("drawn", "grpo", 20),
    ],
)
def test_load_dataset_gives_every_config(made, corpus, config, count):
    assert len(loaded(made, corpus, config)) == count


def test_sft_takes_prompts_and_completions(made, tmp_path):
    rows = loaded(made, "quickstart", "sft")
    model, tokenizer = model_and_tokenizer(made)
    settings = SFTConfig(str(tmp_path), per_device_train_batch_size=1, max_length=8192, **STEP)
    trainer = SFTTrainer(model, args=settings, train_dataset=rows, processing_class=tokenizer)
    assert len(trainer.train_dataset) == len(rows)
    assert trainer.train().global_step == 1


def test_dpo_takes_the_pairs(made, tmp_path):
    pairs = loaded(made, "quickstart", "preference")
    model, tokenizer = model_and_tokenizer(made)
    settings = DPOConfig(str(tmp_path), per_device_train_batch_size=1, max_length=8192, **STEP)
    trainer = DPOTrainer(model, args=settings, train_dataset=pairs, processing_class=tokenizer)
    assert len(trainer.train_dataset) == len(pairs)
    assert trainer.train().global_step == 1


def test_grpo_takes_the_draw_with_our_rewards(made, tmp_path):
    rows = loaded(made, "drawn", "grpo")
    model, tokenizer = model_and_tokenizer(made)
    sizes = {"per_device_train_batch_size": 2, "num_generations": 2, "max_completion_length": 8}
    trainer = GRPOTrainer(
        model,
        reward_funcs=[rewards.trl_f1_reward, rewards.trl_schema_reward],
        args=GRPOConfig(str(tmp_path), **sizes, **STEP),
        train_dataset=rows,
        processing_class=tokenizer,
    )
    assert trainer.train().global_step == 1
