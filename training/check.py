"""--check: what a config would do with this data, this tokenizer and these GPUs.

In: settings, a tokenizer's folder or None.  Out: lines on stdout and an exit code: 0, or 2 where the tokenizer or
the data is missing (each in one line; the rest is checked all the same).  Never loads a model, never trains.
"""

from __future__ import annotations

import math
import sys
from dataclasses import replace
from pathlib import Path

from models import Shape, load_tokenizer, shape_of
from rows import FATES, Prepared, load_rows, prepare_grpo, prepare_sft
from settings import Settings, reward_functions, trainer_arguments

from nercot.errors import InputError

_PERCENTILES = (50, 90, 99, 100)
_GIB = 2**30


def report(settings: Settings, tokenizer: Path | None, gpus: int | None) -> int:
    """Prints the report; returns the exit code."""
    gpus = gpus or settings.batch.gpus
    _check_trainer(settings, gpus)
    problems: list[str] = []
    prepared, rows = _prepared(settings, tokenizer, problems)
    names = ", ".join(settings.data.names)
    print(f"config     {settings.path} ({settings.kind}), model {settings.model.name}, data {names}")
    if prepared is not None:
        for line in _lengths(settings, prepared):
            print(line)
    for line in (*_batch(settings, gpus), *_steps(settings, rows, prepared, gpus), _memory(settings, gpus)):
        print(line)
    for problem in problems:
        print(f"Error: {problem}", file=sys.stderr)
    return 2 if problems else 0


def _check_trainer(settings: Settings, gpus: int) -> None:
    """What TRL itself refuses; on a CPU its checks of bf16 are switched off, since a GPU is what is asked about."""
    from trl import GRPOConfig, SFTConfig

    grpo = settings.kind == "grpo"
    if grpo:
        reward_functions(settings)
    values = {**_in_one_process(settings, gpus), **_without_gpu()}
    trainer_arguments(settings, GRPOConfig if grpo else SFTConfig, output_dir="checked", **values)


def _in_one_process(settings: Settings, gpus: int) -> dict[str, int]:
    """The passes of all GPUs made by this process alone, so that TRL reckons with the batch that they will have."""
    passes = {"gradient_accumulation_steps": settings.accumulation(gpus) * gpus}
    if "steps_per_generation" in settings.train:
        passes["steps_per_generation"] = int(settings.train["steps_per_generation"]) * gpus
    return passes


def _without_gpu() -> dict[str, object]:
    import torch

    if torch.cuda.is_available():
        return {}
    return {"use_cpu": True, "bf16": False, "fp16": False, "tf32": None, "use_liger_kernel": False}


def _prepared(settings: Settings, path: Path | None, problems: list[str]) -> tuple[Prepared | None, int | None]:
    """(rows as a trainer would get them, how many were read); what is missing is added to `problems`."""
    rows = None
    try:
        rows = len(load_rows(settings.data))
    except InputError as error:
        problems.append(str(error))
    try:
        tokenizer = load_tokenizer(_there_or_base(settings), path)
        if rows is None:
            return None, None
        prepare = prepare_grpo if settings.kind == "grpo" else prepare_sft
        return prepare(tokenizer, settings.data), rows
    except InputError as error:
        problems.append(str(error))
        return None, rows


def _there_or_base(settings: Settings) -> Settings:
    """A run that another one has still to make has its base's tokenizer."""
    model = settings.model
    if model.base is None or Path(model.name).is_dir():
        return settings
    return replace(settings, model=replace(model, name=model.base))


def _lengths(settings: Settings, prepared: Prepared) -> list[str]:
    grpo = settings.kind == "grpo"
    whole, part = ("prompt", "gold") if grpo else ("row", "answer")
    lines = [
        f"tokens     {name:<7}" + "  ".join(f"{_label(p)} {_percentile(values, p):,}" for p in _PERCENTILES)
        for name, values in ((whole, prepared.lengths), (part, prepared.answers))
    ]
    over, most = prepared.fates.get("too_long", 0), f"{settings.data.max_tokens:,} tokens a {whole}"
    exceed = f"{over:,} of {len(prepared.lengths):,} rows exceed it"
    lines.append(f"limit      {most}; {exceed} and are left out, none is truncated")
    lines += [
        f"rows       {count:,} {FATES[fate]}"
        for fate, count in prepared.fates.items()
        if fate in FATES and fate != "too_long"
    ]
    if grpo:
        limit = int(settings.train.get("max_completion_length", 512))
        over = sum(tokens > limit for tokens in prepared.answers)
        lines.append(
            f"completion {limit:,} tokens; the gold alone exceeds that in {over:,} rows, whose answers would be cut off"
        )
    return lines


def _label(percentile: int) -> str:
    return "longest" if percentile == 100 else f"p{percentile}"


def _percentile(values: object, percentile: int) -> int:
    ordered = sorted(values)  # type: ignore[call-overload]
    return int(ordered[max(0, math.ceil(percentile / 100 * len(ordered)) - 1)])


def _batch(settings: Settings, gpus: int) -> list[str]:
    effective, wanted = settings.effective(gpus), settings.batch.size
    grpo = settings.kind == "grpo"
    unit = "completions" if grpo else ("packs" if settings.train.get("packing") else "rows")
    passes = settings.accumulation(gpus)
    line = f"batch      {effective:,} {unit} = {settings.per_device} a GPU x {gpus} GPUs x {passes} accumulated"
    if grpo:
        line += f" = {effective / settings.generations():g} prompts x {settings.generations()}"
    lines = [line, f"           the config asks for {wanted:,}: " + ("as asked" if effective == wanted else "MISMATCH")]
    if settings.train.get("packing"):
        lines.append("           a pack holds several rows, so a step sees more rows than the paper's")
    return lines


def _steps(settings: Settings, rows: int | None, prepared: Prepared | None, gpus: int) -> list[str]:
    if rows is None:
        return []
    used = len(prepared.rows) if prepared else rows
    steps, epochs = steps_of(settings, used, prepared, gpus), float(settings.train.get("num_train_epochs", 3))
    about = "" if prepared else " (without what the tokenizer would leave out)"
    why = "train.max_steps, on" if settings.train.get("max_steps", -1) > 0 else f"{epochs:g} epochs of"
    return [f"steps      {steps:,} = {why} {used:,} rows{about}"]


def steps_of(settings: Settings, rows: int, prepared: Prepared | None, gpus: int) -> int:
    """Optimizer steps of the whole training."""
    if (most := int(settings.train.get("max_steps", -1))) > 0:
        return most
    epochs, size = float(settings.train.get("num_train_epochs", 3)), settings.effective(gpus)
    if settings.kind == "grpo":
        # Whole generation batches only; each is used num_iterations times.
        each = int(settings.train.get("generation_batch_size", 0)) or (
            settings.per_device * gpus * int(settings.train.get("steps_per_generation", settings.accumulation(gpus)))
        )
        batches = rows * settings.generations() // each
        return math.ceil(epochs * batches * each * int(settings.train.get("num_iterations", 1)) / size)
    if settings.train.get("packing") and prepared is not None:
        rows = math.ceil(
            sum(prepared.rows.map(_length, remove_columns=prepared.rows.column_names)["n"]) / settings.data.max_tokens
        )
    return math.ceil(epochs * math.ceil(math.ceil(rows / (settings.per_device * gpus)) / settings.accumulation(gpus)))


def _length(row: dict[str, list[int]]) -> dict[str, int]:
    return {"n": len(row["input_ids"])}


def _memory(settings: Settings, gpus: int) -> str:
    shape = shape_of(settings)
    if shape is None:
        return f"memory     unknown: neither models.py nor a folder says how large {settings.model.name} is"
    states, activations = estimate(settings, shape, gpus)
    parts = [f"weights and optimizer {states / _GIB:.1f}", f"activations {activations / _GIB:.1f}"]
    total = states + activations
    if settings.train.get("use_vllm") and settings.train.get("vllm_mode", "colocate") == "colocate":
        share = float(settings.train.get("vllm_gpu_memory_utilization", 0.3))
        parts.append(f"and vLLM takes {share:.0%} of the GPU for itself")
    sharded = f", sharded over {gpus} GPUs (ZeRO-3 or FSDP2)" if gpus > 1 else ""
    return f"memory     about {total / _GIB:.0f} GiB a GPU ({', '.join(parts)}){sharded}"


def estimate(settings: Settings, shape: Shape, gpus: int) -> tuple[float, float]:
    """Bytes a GPU: of weights, gradients and optimizer, and of activations."""
    return _states(settings, shape, gpus), _activations(settings, shape)


def _states(settings: Settings, shape: Shape, gpus: int) -> float:
    """Bytes of weights, gradients and Adam's moments: 16 a parameter, sharded.

    Sharded they are 2 + 2 beside the launcher's float32 weights, 4, and the moments, 4 + 4; on one GPU 4 each.
    """
    frozen = 2.0 * shape.parameters / gpus
    if settings.lora is None:
        reference = (2.0 if gpus > 1 else 4.0) if settings.kind == "grpo" and settings.train.get("beta", 0.0) else 0.0
        return (16.0 + reference) * shape.parameters / gpus
    # A layer's linear maps are about 12 x hidden^2, as seven matrices of rank r adapters each.
    adapters = shape.layers * 7 * 2 * settings.lora.r * 2 * shape.hidden
    return frozen + 16.0 * adapters / gpus


def _activations(settings: Settings, shape: Shape) -> float:
    """Bytes that checkpointing keeps (a layer's input a token) and one layer in full (about 34 x hidden), in bf16."""
    longest = settings.data.max_tokens
    if settings.kind == "grpo":
        longest += int(settings.train.get("max_completion_length", 512))
    tokens = longest if settings.train.get("packing") else longest * settings.per_device
    checkpointed = bool(settings.train.get("activation_checkpointing", True))
    layer = 34.0 * shape.hidden
    return tokens * (2.0 * shape.layers * shape.hidden + layer if checkpointed else layer * shape.layers)
