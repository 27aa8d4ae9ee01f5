"""The config loader, and every config that ships."""

from __future__ import annotations

import at_training
import pytest
import yaml

pytest.importorskip("trl")

from settings import OWNED, as_table, load_settings, reward_functions, trainer_arguments

from nercot.errors import RecipeError

BASES = {"sft-paper", "sft-released-code", "grpo-paper", "grpo-released-code"}
SHIPPED = sorted(path for path in at_training.CONFIGS.glob("*.toml") if path.stem not in BASES)
KINDS = {path.stem: "grpo" if "grpo" in path.stem else "sft" for path in SHIPPED}


def _load(path, *overrides):
    return load_settings(path, KINDS[path.stem], overrides)


def _refused(tmp_path, text, kind="sft", *overrides):
    path = tmp_path / "mine.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(RecipeError) as refused:
        load_settings(path, kind, overrides)
    line = str(refused.value)
    assert "\n" not in line
    return line


GOOD = """
[model]
name = "m"
template = "qwen3"
[data]
name = "d"
max_tokens = 100
[batch]
size = 32
"""


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_every_config_loads_and_trl_takes_it(path):
    from trl import GRPOConfig, SFTConfig

    settings = _load(path)
    assert settings.effective(settings.batch.gpus) == settings.batch.size
    if settings.kind == "grpo":
        assert len(reward_functions(settings)) == 2
        assert list(settings.rewards.values()) == [10.0, 1.0]
    # bf16 and Liger are a GPU's; all other keys are TRL's own to judge.
    without = ["train.bf16=false", "train.use_cpu=true", "train.use_liger_kernel=false", "model.attention=sdpa"]
    if settings.train.get("use_vllm"):
        without.append("train.use_vllm=false")
    settings = _load(path, *without)
    config = GRPOConfig if settings.kind == "grpo" else SFTConfig
    arguments = trainer_arguments(
        settings, config, output_dir="none", gradient_accumulation_steps=settings.accumulation(1)
    )
    assert arguments.learning_rate == settings.train["learning_rate"]


def test_the_papers_numbers():
    sft = _load(at_training.CONFIGS / "qwen3-8b-sft-paper.toml")
    assert (sft.model.name, sft.model.template) == ("Qwen/Qwen3-8B-Base", "qwen3")
    assert (sft.data.max_tokens, sft.batch.size, sft.data.dataset_line) == (8192, 256, False)
    wanted = {"num_train_epochs": 5, "learning_rate": 2e-5, "lr_scheduler_type": "cosine", "bf16": True}
    assert wanted.items() <= sft.train.items()
    grpo = _load(at_training.CONFIGS / "qwen3-8b-grpo-paper.toml")
    assert (grpo.batch.size, grpo.generations()) == (384, 16)
    wanted = {"epsilon": 0.2, "beta": 0.04, "num_iterations": 1, "scale_rewards": "none", "loss_type": "grpo"}
    assert wanted.items() <= grpo.train.items()
    assert "epsilon_high" not in grpo.train


def test_the_released_codes_numbers():
    grpo = _load(at_training.CONFIGS / "qwen3-8b-grpo-released-code.toml")
    assert (grpo.batch.size, grpo.batch.gpus, grpo.data.dataset_line) == (448, 7, True)
    wanted = {"epsilon": 0.2, "epsilon_high": 0.28, "num_iterations": 4, "loss_type": "dr_grpo", "learning_rate": 1e-6}
    assert wanted.items() <= grpo.train.items()
    assert (grpo.data.max_tokens, grpo.train["max_completion_length"]) == (2048, 4096)
    assert list(grpo.rewards) == ["nercot.rewards.trl_f1_reward_paper", "nercot.rewards.trl_schema_reward_paper"]
    assert _load(at_training.CONFIGS / "qwen3-1.7b-sft-released-code.toml").data.dataset_line


def test_the_families_of_table_5():
    families = {path.stem: _load(path).model.template for path in SHIPPED if path.stem.endswith("b-sft")}
    assert families == {
        "qwen3-4b-sft": "qwen3",
        "qwen2.5-7b-sft": "qwen2.5",
        "internlm2-7b-sft": "internlm2",
        "llama3.1-8b-sft": "llama3",
        "llama2-7b-sft": "llama2",
    }


def test_accelerate_files_name_their_processes():
    processes = {
        path.stem: (yaml.safe_load(path.read_text())["num_machines"], yaml.safe_load(path.read_text())["num_processes"])
        for path in (at_training.CONFIGS / "accelerate").glob("*.yaml")
    }
    assert processes == {"one-gpu": (1, 1), "zero3": (1, 8), "fsdp2": (1, 8), "two-nodes": (2, 16)}


def test_an_override_wins_over_the_file_and_the_file_over_what_it_extends(tmp_path):
    (tmp_path / "base.toml").write_text(GOOD + "[train]\nlearning_rate = 1e-5\nseed = 1\nnum_train_epochs = 2\n")
    (tmp_path / "mine.toml").write_text('extends = "base.toml"\n[train]\nseed = 2\nnum_train_epochs = 4\n')
    settings = load_settings(tmp_path / "mine.toml", "sft", ["train.num_train_epochs=7", "data.name=build/x"])
    assert settings.train == {"learning_rate": 1e-5, "seed": 2, "num_train_epochs": 7}
    assert settings.data.names == ("build/x",)
    assert as_table(settings)["train"]["seed"] == 2


def test_rewards_are_chosen_as_a_whole():
    assert len(_load(at_training.CONFIGS / "qwen3-8b-grpo-released-code.toml").rewards) == 2


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("modle = 1", "unknown key modle; did you mean model?"),
        (GOOD + "[train]\n[lora]\nrank = 3", "unknown key lora.rank; did you mean lora."),
        (GOOD.replace("max_tokens", "max_token"), "unknown key data.max_token; did you mean data.max_tokens?"),
        (GOOD.replace('name = "m"', ""), "model.name is missing"),
        (GOOD.replace("size = 32", "size = '32'"), "batch.size is '32', which is not a whole number"),
        (GOOD.replace("max_tokens = 100", "max_tokens = true"), "data.max_tokens is True"),
        (GOOD.replace("qwen3", "qwen9"), "none of internlm2, llama2, llama3, qwen2.5, qwen3"),
        (GOOD + "[rewards]\nx = 1", "unknown key rewards"),
        (GOOD + "[train]\nmax_length = 3", "train.max_length follows from data.max_tokens; leave it out"),
        (GOOD + "[train]\nuse_cpu = true", "train.use_cpu needs model.attention sdpa or eager"),
        (GOOD + "[train]\npacking = true\npadding_free = true", "keep one"),
        (GOOD.replace('"qwen3"', '"qwen3"\ndtype = "float32"'), "flash_attention_2 needs bfloat16 or float16"),
        (
            GOOD.replace('"qwen3"', '"qwen3"\ndtype = "fp32"'),
            "model.dtype is 'fp32'; it can be bfloat16, float16, float32",
        ),
        (GOOD.replace("size = 32", "size = 0"), "must be at least 1"),
        ("x = ", "not TOML"),
        ('extends = "mine.toml"', "extends itself"),
        ('extends = "gone.toml"', "cannot be read"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(tmp_path, text, said):
    assert said in _refused(tmp_path, text)


GRPO = GOOD.replace('name = "d"', 'name = "d"\nconfig = "grpo"') + '[rewards]\n"nercot.rewards.trl_f1_reward" = 1\n'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (GRPO.replace('config = "grpo"', ""), "GRPO takes the config grpo"),
        (GRPO.split("[rewards]")[0], "rewards is empty"),
        (GRPO + "[train]\nnum_generations = 5", "batch.size 32 is no multiple of train.num_generations 5"),
        (GRPO + "[train]\nnum_generations = 1", "at least 2"),
    ],
)
def test_what_is_wrong_in_grpo_is_said_in_one_line(tmp_path, text, said):
    assert said in _refused(tmp_path, text, "grpo")


def test_sft_on_the_grpo_config_is_refused(tmp_path):
    assert "SFT takes the config sft" in _refused(tmp_path, GOOD, "sft", "data.config=grpo")


@pytest.mark.parametrize("key", OWNED)
def test_what_follows_from_other_tables_cannot_be_set_twice(tmp_path, key):
    assert f"train.{key} follows from" in _refused(tmp_path, GOOD, "sft", f"train.{key}=1")


@pytest.mark.parametrize("name", ["nercot.rewards.no_such", "no_such_module.f", "f"])
def test_a_reward_that_is_none_is_refused(tmp_path, name):
    path = tmp_path / "mine.toml"
    path.write_text(GRPO.replace("nercot.rewards.trl_f1_reward", name))
    with pytest.raises(RecipeError, match="names no function"):
        reward_functions(load_settings(path, "grpo"))


def test_an_unknown_key_of_trl_names_the_nearest(tmp_path):
    from trl import SFTConfig

    path = tmp_path / "mine.toml"
    path.write_text(GOOD + "[train]\nlearning_rates = 1e-5\n")
    with pytest.raises(RecipeError, match=r"unknown key train.learning_rates; did you mean train.learning_rate\?"):
        trainer_arguments(load_settings(path, "sft"), SFTConfig, output_dir="none")


def test_accumulation_is_reckoned_from_the_batch_and_the_gpus(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(GOOD + "[train]\nper_device_train_batch_size = 4\n")
    settings = load_settings(path, "sft", ["batch.size=256"])
    assert [(settings.accumulation(gpus), settings.effective(gpus)) for gpus in (1, 8, 16)] == [
        (64, 256),
        (8, 256),
        (4, 256),
    ]
    assert settings.effective(7) == 252
    assert load_settings(path, "sft", ["batch.size=256", "train.gradient_accumulation_steps=3"]).effective(8) == 96
