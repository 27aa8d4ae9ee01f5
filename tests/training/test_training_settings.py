"""The config loader, and every config that ships."""

from __future__ import annotations

import at_training
import pytest

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
        assert len(reward_functions(settings)) == len(settings.rewards)
        assert list(settings.rewards.values()) in ([10.0, 1.0], [10.0, 1.0, 0.0])
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
    assert (grpo.batch.size, grpo.batch.gpus, grpo.data.dataset_line) == (448, 7, False)
    wanted = {"epsilon": 0.2, "epsilon_high": 0.28, "num_iterations": 4, "loss_type": "dr_grpo", "learning_rate": 1e-6}
    assert wanted.items() <= grpo.train.items()
    assert grpo.train["scale_rewards"] == "group"
    assert (grpo.data.max_tokens, grpo.train["max_completion_length"]) == (2048, 4096)
    assert list(grpo.rewards)[:2] == ["nercot.rewards.trl_f1_reward_paper", "nercot.rewards.trl_schema_reward_paper"]
    lines = {size: _load(at_training.CONFIGS / f"qwen3-{size}-sft-released-code.toml") for size in ("8b", "1.7b")}
    assert {size: settings.data.dataset_line for size, settings in lines.items()} == {"8b": True, "1.7b": False}


def test_the_families_of_table_5():
    families = {path.stem: _load(path).model.template for path in SHIPPED if path.stem.endswith("b-sft")}
    assert families == {
        "qwen3-4b-sft": "qwen3",
        "qwen2.5-7b-sft": "qwen2.5",
        "internlm2-7b-sft": "internlm2",
        "llama3.1-8b-sft": "llama3",
        "llama2-7b-sft": "llama2",
    }


TWO_NODES = ("--machine_rank", "1", "--main_process_ip", "10.0.0.1")


def _launched(name, *options):
    """What `accelerate launch --config_file` makes of one of our files: its arguments and the workers' environment."""
    from accelerate.commands.launch import _validate_launch_command, launch_command_parser
    from accelerate.utils.launch import prepare_deepspeed_cmd_env, prepare_multi_gpu_env

    path = at_training.CONFIGS / "accelerate" / f"{name}.yaml"
    asked = ["--config_file", str(path), *options, "training/sft.py", "CONFIG.toml"]
    arguments, defaults, _ = _validate_launch_command(launch_command_parser().parse_args(asked))
    arguments.deepspeed_fields_from_accelerate_config = ",".join(defaults.deepspeed_config)
    if arguments.use_deepspeed:
        return arguments, prepare_deepspeed_cmd_env(arguments)[1]
    return arguments, prepare_multi_gpu_env(arguments)


@pytest.mark.parametrize(
    ("name", "options", "processes"), [("zero3", (), (1, 8)), ("two-nodes", TWO_NODES, (2, 16))], ids=str
)
def test_accelerate_shards_with_zero_3(name, options, processes):
    arguments, environment = _launched(name, *options)
    assert (arguments.num_machines, arguments.num_processes) == processes
    wanted = {
        "ACCELERATE_USE_DEEPSPEED": "true",
        "ACCELERATE_DEEPSPEED_ZERO_STAGE": "3",
        "ACCELERATE_DEEPSPEED_ZERO3_INIT": "true",
        "ACCELERATE_DEEPSPEED_ZERO3_SAVE_16BIT_MODEL": "true",
        "ACCELERATE_MIXED_PRECISION": "bf16",
    }
    assert {key: environment[key].lower() for key in wanted} == wanted


def test_accelerate_shards_with_fsdp2(monkeypatch):
    from accelerate import FullyShardedDataParallelPlugin

    arguments, environment = _launched("fsdp2")
    assert (arguments.num_machines, arguments.num_processes, arguments.mixed_precision) == (1, 8, "bf16")
    for key in (key for key in environment if key.startswith("FSDP_")):
        monkeypatch.setenv(key, environment[key])
    monkeypatch.setenv("ACCELERATE_USE_FSDP", environment["ACCELERATE_USE_FSDP"])
    plugin = FullyShardedDataParallelPlugin()
    assert (plugin.fsdp_version, plugin.reshard_after_forward, plugin.activation_checkpointing) == (2, True, False)
    assert plugin.state_dict_type.name == "FULL_STATE_DICT"


def test_accelerate_starts_one_process_for_one_gpu():
    arguments, _ = _launched("one-gpu")
    assert (arguments.num_processes, arguments.mixed_precision) == (1, "bf16")
    assert not any((arguments.use_deepspeed, arguments.use_fsdp, arguments.multi_gpu))


def test_an_override_wins_over_the_file_and_the_file_over_what_it_extends(tmp_path):
    (tmp_path / "base.toml").write_text(GOOD + "[train]\nlearning_rate = 1e-5\nseed = 1\nnum_train_epochs = 2\n")
    (tmp_path / "mine.toml").write_text('extends = "base.toml"\n[train]\nseed = 2\nnum_train_epochs = 4\n')
    settings = load_settings(tmp_path / "mine.toml", "sft", ["train.num_train_epochs=7", "data.name=build/x"])
    assert settings.train == {"learning_rate": 1e-5, "seed": 2, "num_train_epochs": 7}
    assert settings.data.names == ("build/x",)
    assert as_table(settings)["train"]["seed"] == 2


def test_rewards_are_chosen_as_a_whole():
    assert len(_load(at_training.CONFIGS / "qwen3-8b-grpo-released-code.toml").rewards) == 3


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
        (GOOD + "[rewards]\nx = 1", "rewards are for GRPO; give this config to grpo.py"),
        (GOOD + "[train]\nmax_length = 3", "train.max_length follows from data.max_tokens; leave it out"),
        (GOOD + "[train]\nuse_cpu = true", "train.use_cpu needs model.attention sdpa or eager"),
        (GOOD + "[train]\npacking = true\npadding_free = true", "keep one"),
        (GOOD.replace('"qwen3"', '"qwen3"\ndtype = "float32"'), "flash_attention_2 needs bfloat16 or float16"),
        (
            GOOD.replace('"qwen3"', '"qwen3"\ndtype = "fp32"'),
            "model.dtype is 'fp32'; it can be bfloat16, float16, float32",
        ),
        (GOOD.replace("size = 32", "size = 0"), "must be at least 1"),
        (GOOD.replace('name = "d"', "name = []"), "data.name is empty"),
        (GOOD + "[lora]\nr = 0", "lora.r must be at least 1"),
        (GOOD + "[train]\npacking = 1", "train.packing is 1, which is not true or false"),
        (GOOD + "[train]\npacking = true\npacking_strategy = 'wrapped'", "cuts answers in two"),
        (GOOD + "[train]\nper_device_train_batch_size = 'x'", "train.per_device_train_batch_size is 'x', which is not"),
        (GOOD + "[train]\nper_device_train_batch_size = 0", "train.per_device_train_batch_size is 0; it must be at"),
        (GOOD + "[train]\nnum_train_epochs = 'many'", "train.num_train_epochs is 'many', which is not a number"),
        (GOOD + "[train]\nnum_train_epochs = 0", "train.num_train_epochs must be more than 0"),
        (GOOD + "[train]\nbf16 = true\nfp16 = true", "train.bf16 and train.fp16 are both on"),
        (GOOD + "[train]\nbf16 = false", "flash_attention_2 needs bfloat16 or float16"),
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
        (GRPO + "[train]\nnum_generations = 0", "at least 1"),
        (GRPO.replace('"grpo"', '"re"'), "GRPO takes the config grpo"),
        (GRPO + "[train]\nscale_rewards = 'std'", "train.scale_rewards is 'std'; it can be none, group, batch"),
    ],
)
def test_what_is_wrong_in_grpo_is_said_in_one_line(tmp_path, text, said):
    assert said in _refused(tmp_path, text, "grpo")


def test_sft_on_the_grpo_config_is_refused(tmp_path):
    assert "SFT takes the config sft" in _refused(tmp_path, GOOD, "sft", "data.config=grpo")


@pytest.mark.parametrize("key", OWNED)
def test_what_follows_from_other_tables_cannot_be_set_twice(tmp_path, key):
    assert f"train.{key} follows from" in _refused(tmp_path, GOOD, "sft", f"train.{key}=1")


def test_an_adapter_is_no_model_to_train(tmp_path):
    (tmp_path / "adapter_config.json").write_text("{}")
    said = _refused(tmp_path, GOOD, "sft", f"model.name={tmp_path}")
    assert "is an adapter; merge it (python training/finish.py RUN) and name RUN/final" in said


@pytest.mark.parametrize("name", ["nercot.rewards.no_such", "nercot.rewards.F1_WEIGHT", "no_such_module.f", "f"])
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


@pytest.mark.filterwarnings("ignore:`gradient_checkpointing`:FutureWarning")  # TRL's own default
@pytest.mark.parametrize(
    ("value", "said"),
    [
        ('learning_rate = "2e-5"', "train.learning_rate is '2e-5', which is not a number"),
        ("activation_checkpointing = 3", "train.activation_checkpointing is 3, which is not true or false"),
        ("seed = 1.5", "train.seed is 1.5, which is not a whole number"),
        ("optim = 3", "train.optim is 3, which is not a text"),
        ('optim = "none"', "train: "),
        ("report_to = [1]", "train.report_to is [1], which is not a text or a list of texts"),
    ],
)
def test_a_value_of_trl_of_another_type_is_refused_in_one_line(tmp_path, value, said):
    from trl import SFTConfig

    path = tmp_path / "mine.toml"
    path.write_text(f"{GOOD}[train]\n{value}\n")
    with pytest.raises(RecipeError) as refused:
        trainer_arguments(load_settings(path, "sft"), SFTConfig, output_dir="none")
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_quoted_key_of_an_override_is_the_key(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(GRPO)
    settings = load_settings(path, "grpo", ['rewards."nercot.rewards.trl_f1_reward"=5'])
    assert settings.rewards == {"nercot.rewards.trl_f1_reward": 5}


@pytest.mark.parametrize("gpus", range(1, 17))
def test_a_step_of_grpo_holds_whole_groups_on_any_number_of_gpus(gpus):
    settings = _load(at_training.CONFIGS / "qwen3-8b-grpo-paper.toml")
    assert settings.effective(gpus) % settings.generations() == 0
    assert abs(settings.effective(gpus) - 384) <= settings.per_device * gpus
    assert gpus not in (1, 2, 3, 4, 6, 8, 12, 16) or settings.effective(gpus) == 384


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
