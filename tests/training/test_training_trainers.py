"""What TRL's trainers make of our rows: packed, padding-free and padded give one loss; the advantage is R - mean(R)."""

from __future__ import annotations

import at_training
import pytest

pytest.importorskip("trl")

import grpo
import sft
import toy
from models import load_tokenizer
from settings import load_settings
from transformers import TrainerCallback

SFT = at_training.CONFIGS / "smoke-sft.toml"
GRPO = at_training.CONFIGS / "smoke-grpo.toml"

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("toy")
    toy.make(folder, rows=48)
    return folder


def _trainer(script, path, made, tmp_path, *overrides):
    places = [f"model.name={made / 'model'}", f"data.name={made / 'corpus'}"]
    settings = load_settings(path, script.__name__, [*places, *overrides])
    tokenizer = load_tokenizer(settings)
    return script.trainer_for(settings, tokenizer, tmp_path)[0], tokenizer


def _loss(trainer):
    """The mean loss of every learnt token, over all batches."""
    import torch

    total, tokens = 0.0, 0
    for batch in trainer.get_train_dataloader():
        # The first token of a row is never predicted, so its label would not count anyway.
        count = int((batch["labels"] != -100).sum())
        with torch.no_grad():
            loss = trainer.compute_loss(trainer.model.eval(), dict(batch), num_items_in_batch=torch.tensor(count))
        total, tokens = total + float(loss) * count, tokens + count
    return total / tokens, tokens


def test_packed_padding_free_and_padded_rows_give_the_same_loss(made, tmp_path):
    whole = ("data.limit=48", "train.per_device_train_batch_size=8", "train.dataloader_drop_last=false")
    padded, tokens = _loss(_trainer(sft, SFT, made, tmp_path, *whole)[0])
    free, free_tokens = _loss(_trainer(sft, SFT, made, tmp_path, *whole, "train.padding_free=true")[0])
    packing = (*whole, "train.packing=true", "train.per_device_train_batch_size=2")
    trainer = _trainer(sft, SFT, made, tmp_path, *packing)[0]
    packed, packed_tokens = _loss(trainer)
    assert len(trainer.train_dataset) < 24
    assert tokens == free_tokens == packed_tokens
    assert free == pytest.approx(padded, rel=1e-5)
    assert packed == pytest.approx(padded, rel=1e-5)


def test_a_batch_holds_the_labels_of_the_answer_alone(made, tmp_path):
    trainer, tokenizer = _trainer(sft, SFT, made, tmp_path, "data.limit=8", "train.per_device_train_batch_size=8")
    batch = next(iter(trainer.get_train_dataloader()))
    for ids, labels in zip(batch["input_ids"], batch["labels"], strict=True):
        learnt = tokenizer.decode(labels[labels != -100])
        assert learnt.startswith("<think>\n")
        assert learnt.endswith("\n}<|im_end|>")
        assert learnt in tokenizer.decode(ids)


def test_the_end_token_is_what_the_model_stops_at(made, tmp_path):
    trainer, tokenizer = _trainer(sft, SFT, made, tmp_path, "data.limit=8")
    end = tokenizer.convert_tokens_to_ids("<|im_end|>")
    assert trainer.model.config.eos_token_id == end
    stops = trainer.model.generation_config.eos_token_id
    assert end in (stops if isinstance(stops, list) else [stops])


def test_a_small_step_moves_the_weights_of_a_model_that_computes_in_bfloat16(made, tmp_path):
    """Of weights in bfloat16 a step of 1e-6 would move hardly any: they are float32 until they are saved."""
    import json

    import running
    import torch
    from safetensors.torch import load_file

    few = ("data.limit=32", "train.max_steps=1", "train.warmup_steps=0", "train.learning_rate=1e-6")
    places = [f"model.name={made / 'model'}", f"data.name={made / 'corpus'}", "model.dtype=bfloat16"]
    settings = load_settings(SFT, "sft", [*places, *few])
    tokenizer = load_tokenizer(settings)
    trainer, prepared = sft.trainer_for(settings, tokenizer, tmp_path)
    before = {name: weight.detach().clone() for name, weight in trainer.model.named_parameters()}
    moved = {}

    class Look(TrainerCallback):
        def on_train_end(self, *_, **__):
            moved.update({name: weight != before[name] for name, weight in trainer.model.named_parameters()})

    trainer.add_callback(Look())
    running.train_and_save(trainer, tokenizer, settings, prepared, tmp_path)
    assert sum(int(each.sum()) for each in moved.values()) > 0.9 * sum(each.numel() for each in moved.values())
    assert {each.dtype for each in load_file(tmp_path / "model/model.safetensors").values()} == {torch.bfloat16}
    assert json.loads((tmp_path / "model/config.json").read_text())["dtype"] == "bfloat16"


@pytest.mark.parametrize("launcher", ["ACCELERATE_USE_DEEPSPEED", "ACCELERATE_USE_FSDP"])
def test_sharded_or_with_adapters_a_model_is_loaded_as_it_computes(launcher, monkeypatch):
    import running

    whole = load_settings(at_training.CONFIGS / "qwen3-8b-sft-paper.toml", "sft")
    adapters = load_settings(at_training.CONFIGS / "qwen3-8b-sft-paper.toml", "sft", ["lora.r=4"])
    assert [running.model_kwargs(each)["dtype"] for each in (whole, adapters)] == ["float32", "bfloat16"]
    monkeypatch.setenv(launcher, "true")
    assert running.model_kwargs(whole)["dtype"] == "bfloat16"


def test_a_checkpoint_that_was_not_written_to_its_end_is_passed_over(tmp_path):
    import running

    assert running._last_checkpoint(tmp_path) is None
    for step, state in ((90, "{}"), (130, "{}"), (160, None), (190, '{"epo')):
        (tmp_path / f"checkpoint-{step}").mkdir()
        (tmp_path / f"checkpoint-{step}" / "model.safetensors").touch()
        if state is not None:
            (tmp_path / f"checkpoint-{step}" / "trainer_state.json").write_text(state)
    assert running._last_checkpoint(tmp_path) == str(tmp_path / "checkpoint-130")


def test_lora_trains_adapters_alone(made, tmp_path):
    trainer, _ = _trainer(sft, SFT, made, tmp_path, "data.limit=8", "lora.r=4")
    trained = [name for name, parameter in trainer.model.named_parameters() if parameter.requires_grad]
    assert trained
    assert all("lora_" in name for name in trained)


def test_the_advantage_is_the_reward_less_the_groups_mean(made, tmp_path):
    """R = 10 x F1 + 1 x schema, A = R - mean(R) with no division; what is only logged (weight 0) decides nothing."""
    import torch

    trainer, _ = _trainer(
        grpo, GRPO, made, tmp_path, "train.per_device_train_batch_size=8", "batch.size=8", "train.num_generations=4"
    )
    assert trainer.args.scale_rewards == "none"
    assert (trainer.epsilon_low, trainer.epsilon_high, trainer.beta) == (0.2, 0.2, 0.04)
    assert trainer.reward_weights.tolist() == [10.0, 1.0, 0.0, 0.0]
    given = torch.tensor([[1.0, 1, 0, 1], [0.5, 1, 0, 1], [0, 0, 1, 0], [0, 1, 0, 0], *([[1.0, 1, 0, 1]] * 4)])
    trainer._calculate_rewards = lambda *arguments: given
    trainer.model.train()
    rows = [trainer.train_dataset[0]] * 4 + [trainer.train_dataset[1]] * 4
    advantages = trainer._generate_and_score_completions(rows)["advantages"]
    assert advantages.tolist() == pytest.approx([11 - 4.5, 6 - 4.5, 0 - 4.5, 1 - 4.5, 0, 0, 0, 0])
    assert trainer._metrics["train"]["frac_reward_zero_std"] == [0.5]


def test_answers_without_a_trace_are_seen_in_the_log():
    said = ["<think>\nAda.\n</think>\n{}", "<think>\n\n</think>\n{}", '{"entities": {}}', "<think>\nnever closed"]
    assert grpo.traced([[{"role": "assistant", "content": text}] for text in said]) == [1.0, 0.0, 0.0, 0.0]


def test_steps_that_check_reckons_are_those_that_trl_makes(made, tmp_path):
    import check

    for script, path, overrides in (
        (sft, SFT, ("train.per_device_train_batch_size=4", "batch.size=16", "train.num_train_epochs=3")),
        (
            grpo,
            GRPO,
            ("train.max_steps=-1", "train.num_train_epochs=2", "train.per_device_train_batch_size=8", "batch.size=32"),
        ),
        (grpo, GRPO, ("train.max_steps=-1", "train.num_train_epochs=1", "train.num_iterations=4", "batch.size=64")),
    ):
        places = [f"model.name={made / 'model'}", f"data.name={made / 'corpus'}", *overrides]
        settings = load_settings(path, script.__name__, places)
        trainer, prepared = script.trainer_for(settings, load_tokenizer(settings), tmp_path)
        loader = trainer.get_train_dataloader()
        steps = trainer.set_initial_training_values(trainer.args, loader)[-1]
        assert check.steps_of(settings, len(prepared.rows), prepared, 1) == steps
