"""TOML -> Settings: how one training runs.

In: a config file (`extends` names another one that it starts from) and `key=value` overrides.  Out: frozen
Settings, checked as far as they can be without a model or data.  An unknown key names the nearest known one.
Never loads a model, a tokenizer or data.

The table `train` goes to TRL's SFTConfig or GRPOConfig as it is; what follows from the other tables (OWNED) cannot
be set there as well.
"""

from __future__ import annotations

import dataclasses
import importlib
import math
import tomllib
import types
import typing
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rapidfuzz import process

from nercot.corpus.recipe_keys import parse_override
from nercot.errors import RecipeError

TEMPLATES = Path(__file__).parent / "templates"
# The last three: of records that have a trace that was kept and one that the reader refused.
ANSWERS = ("trace", "plain", "plain-same-prompt", "gold", "pairs-kept", "pairs-refused", "pairs-plain")
PRECISIONS = ("bfloat16", "float16", "float32")
ATTENTION = ("flash_attention_2", "sdpa", "eager")
SCALES = ("none", "group", "batch")

# Keys of TRL's configs that follow from other tables, and from which.
OWNED = {
    "output_dir": "--out",
    "max_length": "data.max_tokens",
    "model_init_kwargs": "model",
    "trust_remote_code": "model.trust_remote_code",
    "chat_template_path": "model.template",
    "eos_token": "model.template",
    "pad_token": "model.template",
    "completion_only_loss": "data (the loss is on the answer and its end token, always)",
    "assistant_only_loss": "data (the loss is on the answer and its end token, always)",
    "reward_weights": "rewards",
    "resume_from_checkpoint": "nothing: the same command goes on from the last checkpoint",
    "eval_strategy": "nothing: `nercot evaluate` measures the trained model",
    "push_to_hub": "finish.py --push, which looks at the repo first",
}

# Keys of TRL's configs that are reckoned with here, before TRL looks at them.
_COUNTS = (
    "per_device_train_batch_size",
    "gradient_accumulation_steps",
    "num_generations",
    "num_iterations",
    "generation_batch_size",
    "steps_per_generation",
    "max_completion_length",
)
_NUMBERS = ("num_train_epochs", "beta", "vllm_gpu_memory_utilization")
_SWITCHES = ("use_cpu", "bf16", "fp16", "packing", "padding_free", "use_liger_kernel", "use_vllm")


@dataclass(frozen=True, slots=True)
class Model:
    """What is trained: a Hub id or a folder, and the chat template (a family of templates/, or a .jinja file).

    `base`: the model that `name`, a run's folder, goes back to; --check reckons with it while the run is not there.
    """

    name: str
    template: str
    base: str | None = None
    revision: str | None = None
    dtype: str = "bfloat16"
    attention: str = "flash_attention_2"
    trust_remote_code: bool = False


@dataclass(frozen=True, slots=True)
class Data:
    """What it is trained on: Hub datasets (`org/name[@revision]`) or folders that hold `<config>/train-*.parquet`.

    `answers`: trace (as the corpus has them), plain (the same without trace) or gold (the source's own entities, for
    every row of the source that the corpus kept or dropped); the latter two need the config cot as well, gold
    `dropped` too, and are asked for with the prompt of `nercot evaluate --no-trace`.  plain-same-prompt: plain, asked
    for with the corpus' own prompt.  pairs-kept, pairs-refused, pairs-plain: of the config preference, the records that
    have a refused trace as well, with the trace that was kept, with the refused one, with none; the answer is always
    that of the kept one, so nothing but the trace differs.
    `max_tokens`: rows with more, prompt and answer together, are left out; in GRPO it counts the prompt alone.
    `dataset_line`: the released code's first line of a prompt, which names the dataset.
    """

    name: str | list[str]
    max_tokens: int
    config: str = "sft"
    split: str = "train"
    answers: str = "trace"
    dataset_line: bool = False
    limit: int | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """The datasets, one or several."""
        return (self.name,) if isinstance(self.name, str) else tuple(self.name)


@dataclass(frozen=True, slots=True)
class Batch:
    """`size`: the effective batch, rows in SFT and completions in GRPO; `gpus`: how many --check assumes."""

    size: int
    gpus: int = 8


@dataclass(frozen=True, slots=True)
class Lora:
    """Low-rank adapters instead of full training."""

    r: int = 64
    alpha: int = 128
    dropout: float = 0.0
    targets: str | list[str] = "all-linear"


@dataclass(frozen=True, slots=True)
class Settings:
    """One training; `kind` is sft or grpo, `rewards` are dotted paths of functions with their weights."""

    kind: str
    path: Path
    model: Model
    data: Data
    batch: Batch
    lora: Lora | None = None
    rewards: Mapping[str, float] = field(default_factory=dict)
    train: Mapping[str, Any] = field(default_factory=dict)

    @property
    def template(self) -> Path:
        """The chat template's file."""
        own = self.path.parent / self.model.template
        return own if own.suffix == ".jinja" else TEMPLATES / f"{self.model.template}.jinja"

    @property
    def per_device(self) -> int:
        """Rows (completions) of one forward pass on one GPU."""
        return int(self.train.get("per_device_train_batch_size", 8))

    def accumulation(self, gpus: int) -> int:
        """Forward passes of one optimizer step: as set, else what comes nearest to `batch.size` (in whole groups)."""
        if set_to := self.train.get("gradient_accumulation_steps"):
            return int(set_to)
        one_pass = self.per_device * gpus
        passes = self.generations() // math.gcd(one_pass, self.generations()) if self.kind == "grpo" else 1
        return max(1, round(self.batch.size / (one_pass * passes))) * passes

    def effective(self, gpus: int) -> int:
        """Rows (completions) of one optimizer step."""
        return self.per_device * gpus * self.accumulation(gpus)

    def generations(self) -> int:
        """G, completions of one prompt (GRPO)."""
        return int(self.train.get("num_generations", 8))


def load_settings(path: Path, kind: str, overrides: Sequence[str] = ()) -> Settings:
    """The settings in a file, with `key=value` overrides put in.

    Raises RecipeError in one line: no such file, no TOML, unknown key, wrong type, values that do not fit.
    """
    data = _read(path)
    for key, value in map(parse_override, overrides):
        _put(data, key, value)
    settings = _settings(data, path, kind)
    _check(settings)
    return settings


def as_table(settings: Settings) -> dict[str, Any]:
    """The settings as they were resolved, in JSON's types."""
    table = dataclasses.asdict(settings)
    return {key: value for key, value in table.items() if key != "path" and value not in (None, {})}


def _read(path: Path, below: tuple[Path, ...] = ()) -> dict[str, Any]:
    if path.resolve() in below:
        raise RecipeError(f"{path}: extends itself")
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RecipeError(f"{path}: not TOML: {error}") from error
    except OSError as error:
        raise RecipeError(f"{path}: cannot be read ({error.strerror}); name a file of training/configs") from error
    parent = data.pop("extends", None)
    return data if parent is None else _merged(_read(path.parent / parent, (*below, path.resolve())), data)


def _merged(under: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Tables key by key; `rewards` as a whole, since its keys are what is chosen."""
    merged = {**under, **over}
    for key in under.keys() & over.keys() - {"rewards"}:
        if isinstance(under[key], dict) and isinstance(over[key], dict):
            merged[key] = _merged(under[key], over[key])
    return merged


def _put(data: dict[str, Any], key: str, value: Any) -> None:
    table, _, name = key.partition(".")
    if not name:
        data[table] = value
    elif isinstance(data.setdefault(table, {}), dict):
        data[table][name.strip('"')] = value
    else:
        raise RecipeError(f"{key}: {table} is a value, not a table of keys")


def _settings(data: Mapping[str, Any], path: Path, kind: str) -> Settings:
    tables = {"model": Model, "data": Data, "batch": Batch, "lora": Lora}
    _no_unknown(path, data, (*tables, "rewards", "train"), "")
    if kind == "sft" and "rewards" in data:
        raise RecipeError(f"{path}: rewards are for GRPO; give this config to grpo.py")
    made: dict[str, Any] = {}
    for name, cls in tables.items():
        if name in data or name != "lora":
            made[name] = _table(path, cls, data.get(name, {}), name)
    rewards, train = data.get("rewards", {}), data.get("train", {})
    for name, value in (("rewards", rewards), ("train", train)):
        if not isinstance(value, dict):
            raise RecipeError(f"{path}: {name} must be a table of keys")
    return Settings(kind=kind, path=path, rewards=rewards, train=train, **made)


def _table(path: Path, cls: Callable[..., Any], data: Any, table: str) -> Any:
    """A dataclass out of a table of TOML, types checked."""
    if not isinstance(data, dict):
        raise RecipeError(f"{path}: {table} must be a table of keys")
    fields = {each.name: each for each in dataclasses.fields(cls)}  # type: ignore[arg-type]
    _no_unknown(path, data, fields, f"{table}.")
    hints = typing.get_type_hints(cls)
    for name, each in fields.items():
        if name not in data and each.default is dataclasses.MISSING:
            raise RecipeError(f"{path}: {table}.{name} is missing")
        if name in data:
            _typed(path, f"{table}.{name}", data[name], hints[name])
    return cls(**data)


def _is(value: Any, hint: Any) -> bool:
    """Whether a value of TOML is of a type."""
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if origin in _UNIONS:
        return any(_is(value, one) for one in inner)
    if origin is typing.Literal:
        return value in inner
    if origin is list:
        return isinstance(value, list) and all(_is(item, inner[0]) for item in value)
    if hint is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    return isinstance(value, origin or hint) and (hint is bool or not isinstance(value, bool))


_UNIONS = (types.UnionType, typing.Union)
_NAMES = {str: "a text", int: "a whole number", float: "a number", bool: "true or false", dict: "a table"}


def _named(hint: Any) -> str:
    """A type in words; what TOML cannot write is passed over."""
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if origin in _UNIONS:
        named = [_named(one) for one in inner if one is not types.NoneType]
        return " or ".join(name for name in dict.fromkeys(named) if name)
    if origin is list:
        return f"a list of {'numbers' if inner[0] is float else 'texts'}"
    return _NAMES.get(origin or hint, "")


def _no_unknown(path: Path, data: Iterable[str], known: Iterable[str], prefix: str) -> None:
    known = list(known)
    for name in data:
        if name not in known:
            near = process.extractOne(name, known)
            raise RecipeError(f"{path}: unknown key {prefix}{name}; did you mean {prefix}{near[0]}?")


def _check(settings: Settings) -> None:
    """What can be wrong together, before anything is loaded."""
    path, model, data, train = settings.path, settings.model, settings.data, settings.train
    _choice(path, "model.dtype", model.dtype, PRECISIONS)
    _choice(path, "model.attention", model.attention, ATTENTION)
    _choice(path, "data.answers", data.answers, ANSWERS)
    if not settings.template.is_file():
        families = ", ".join(sorted(file.stem for file in TEMPLATES.glob("*.jinja")))
        raise RecipeError(f"{path}: model.template {model.template!r} is none of {families}, nor a .jinja file")
    for name, owner in OWNED.items():
        if name in train:
            raise RecipeError(f"{path}: train.{name} follows from {owner}; leave it out")
    _reckoned(path, train)
    for wrong, line in _combinations(settings):
        if wrong:
            raise RecipeError(f"{path}: {line}")


def _reckoned(path: Path, train: Mapping[str, Any]) -> None:
    """The keys of the table `train` that are read here have the types that they are read as."""
    kinds = {**dict.fromkeys((*_COUNTS, "max_steps"), int), **dict.fromkeys(_NUMBERS, float)}
    kinds.update(dict.fromkeys(_SWITCHES, bool))
    for name in train.keys() & kinds:
        _typed(path, f"train.{name}", train[name], kinds[name])
    for name in _COUNTS:
        if train.get(name, 1) < 1:
            raise RecipeError(f"{path}: train.{name} is {train[name]}; it must be at least 1")
    if "scale_rewards" in train:
        _choice(path, "train.scale_rewards", train["scale_rewards"], SCALES)


def _typed(path: Path, key: str, value: Any, hint: Any) -> None:
    if not _is(value, hint):
        raise RecipeError(f"{path}: {key} is {value!r}, which is not {_named(hint)}")


def _choice(path: Path, key: str, value: str, choices: Sequence[str]) -> None:
    if value not in choices:
        raise RecipeError(f"{path}: {key} is {value!r}; it can be {', '.join(choices)}")


def _combinations(settings: Settings) -> list[tuple[bool, str]]:
    """(whether it is wrong, the line that says so)."""
    model, data, train = settings.model, settings.data, settings.train
    cpu, packed = bool(train.get("use_cpu")), bool(train.get("packing"))
    flash, mixed = model.attention == "flash_attention_2", train.get("bf16", True) or train.get("fp16")
    adapter = (Path(model.name).expanduser() / "adapter_config.json").is_file()
    grpo, copies = settings.kind == "grpo", settings.generations()
    return [
        (settings.batch.size < 1 or settings.batch.gpus < 1, "batch.size and batch.gpus must be at least 1"),
        (data.max_tokens < 1, "data.max_tokens must be at least 1"),
        (not all(data.names) or not data.names, "data.name is empty; name a folder or a Hub dataset"),
        (
            adapter,
            f"model.name {model.name} is an adapter; merge it (python training/finish.py RUN) and name RUN/final",
        ),
        (settings.lora is not None and settings.lora.r < 1, "lora.r must be at least 1"),
        (packed and bool(train.get("padding_free")), "train.packing and train.padding_free are both on; keep one"),
        (
            packed and train.get("packing_strategy") == "wrapped",
            "train.packing_strategy wrapped cuts answers in two; use bfd",
        ),
        (bool(train.get("bf16") and train.get("fp16")), "train.bf16 and train.fp16 are both on; keep one"),
        (train.get("num_train_epochs", 1) <= 0, "train.num_train_epochs must be more than 0"),
        (cpu and flash, "train.use_cpu needs model.attention sdpa or eager"),
        (cpu and bool(train.get("use_liger_kernel")), "train.use_liger_kernel needs a GPU; switch it off"),
        (cpu and bool(train.get("use_vllm")), "train.use_vllm needs a GPU; switch it off"),
        (
            flash and (model.dtype == "float32" or not mixed),
            "model.attention flash_attention_2 needs bfloat16 or float16 (model.dtype, and train.bf16 or train.fp16)",
        ),
        (
            model.dtype == "float16" and train.get("bf16", not train.get("fp16")),
            "model.dtype float16 needs train.fp16 = true and train.bf16 = false",
        ),
        (
            grpo and data.config != "grpo",
            f"data.config {data.config} has no gold to reward by; GRPO takes the config grpo",
        ),
        (grpo and data.answers != "trace", "data.answers is for SFT; in GRPO the model writes the answers"),
        (grpo and not settings.rewards, "rewards is empty; name at least one function and its weight"),
        (grpo and copies < 2, "train.num_generations must be at least 2: the advantage is within a group"),
        (
            grpo and settings.batch.size % copies != 0,
            f"batch.size {settings.batch.size} is no multiple of train.num_generations {copies}",
        ),
        (not grpo and data.config == "grpo", "data.config grpo has no completions; SFT takes the config sft"),
    ]


def reward_functions(settings: Settings) -> list[Callable[..., list[float]]]:
    """The functions that `rewards` names.  Raises RecipeError for a path that leads nowhere."""
    functions = []
    for name, weight in settings.rewards.items():
        module, _, attribute = name.rpartition(".")
        try:
            function = getattr(importlib.import_module(module), attribute)
        except (ImportError, AttributeError, ValueError) as error:
            raise RecipeError(f'{settings.path}: rewards."{name}" names no function ({error})') from error
        if not callable(function):
            raise RecipeError(f'{settings.path}: rewards."{name}" names no function but {function!r}')
        functions.append(function)
        if not _is(weight, float):
            raise RecipeError(f'{settings.path}: rewards."{name}" is {weight!r}, which is not a number')
    return functions


def trainer_arguments(settings: Settings, config: type[Any], **values: Any) -> Any:
    """`config` (SFTConfig or GRPOConfig) of the table `train` and `values`.

    Raises RecipeError for a key that it does not know or a value of another type, and in one line for values that it
    refuses.
    """
    _no_unknown(settings.path, settings.train, (each.name for each in dataclasses.fields(config)), "train.")
    hints = typing.get_type_hints(config)
    for name, value in settings.train.items():
        _typed(settings.path, f"train.{name}", value, hints[name])
    try:
        return config(**{**settings.train, **values})
    except (ValueError, TypeError) as error:
        raise RecipeError(f"{settings.path}: train: {' '.join(str(error).split())}") from error
