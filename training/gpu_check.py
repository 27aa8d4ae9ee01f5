"""One command for one large GPU: do SFT and GRPO of the paper's configs run on it, how fast, in how much memory.

    python training/gpu_check.py                 under 8 minutes; no weights, no network
    python training/gpu_check.py --tiny          the same on a CPU with two layers, to see that the check itself works

In: nothing; the model has Qwen3-8B's shape and random weights, the rows are made.  Out: a table (tokens per second,
peak memory beside the estimate of `--check`, loss, gradient norm) and, as the last line, the same as JSON.  Exit code 1
where a case fails or a figure is not finite, 2 without a GPU.  Liger and FlashAttention-2 are taken where they are
installed.  Each case is a process of its own, so that one that runs out of memory ends alone.  Says nothing about what
a model learns: random weights on made rows, and a made reward, since such a model earns 0 of the paper's.

GRPO with full training needs a reference model beside 16 bytes a parameter, which 8B on one GPU is not; it runs with
LoRA at 8B, and whole at the shape of Qwen3-1.7B.  Its completions are cut at 256 tokens, since transformers generates
them here and not vLLM.
"""

from __future__ import annotations

import argparse
import json
import math
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from check import estimate
from models import Shape
from settings import TEMPLATES, Settings, load_settings

from nercot.corpus.records import Entity, content_guid
from nercot.errors import InputError, NercotError, ShortfallError
from nercot.llm.prompts import extract_messages
from nercot.validation.answers import render_answer

HERE = Path(__file__).parent
_MINUTES = 8.0
_GIB = 2**30
_ROWS = 16
_SCHEMA = ["person", "place"]


@dataclass(frozen=True, slots=True)
class Case:
    """One training of a few steps; `size`: the shape of which Qwen3, `whole`: every weight and no LoRA."""

    name: str
    kind: str
    size: str = "8b"
    whole: bool = True
    liger: bool = True
    flash: bool = True


# The most telling first: what there is no time for is left out, and said.
CASES = (
    Case("sft", "sft"),
    Case("grpo-lora", "grpo", whole=False),
    Case("sft-lora", "sft", whole=False),
    Case("grpo-1.7b", "grpo", size="1.7b"),
    Case("sft-plain", "sft", liger=False, flash=False),
    Case("sft-flash", "sft", liger=False),
    Case("sft-liger", "sft", flash=False),
    Case("grpo-lora-plain", "grpo", whole=False, liger=False, flash=False),
)


@dataclass(frozen=True, slots=True)
class Scale:
    """How large: `tokens` of a row, `completion` and `generations` of GRPO, `shapes` of the models by size."""

    tokens: int
    completion: int
    generations: int
    shapes: Mapping[str, Mapping[str, Any]]


_QWEN3 = {"vocab_size": 151_936, "num_key_value_heads": 8, "head_dim": 128, "max_position_embeddings": 32_768}
_8B = {"hidden_size": 4096, "intermediate_size": 12_288, "num_hidden_layers": 36, "num_attention_heads": 32}
_17B = {"hidden_size": 2048, "intermediate_size": 6144, "num_hidden_layers": 28, "num_attention_heads": 16}
_TWO_LAYERS = {
    **{"vocab_size": 2048, "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2},
    **{"num_attention_heads": 4, "num_key_value_heads": 4, "head_dim": 32, "max_position_embeddings": 1024},
}
LARGE = Scale(8192, 256, 16, {"8b": {**_QWEN3, **_8B}, "1.7b": {**_QWEN3, **_17B, "tie_word_embeddings": True}})
TINY = Scale(320, 8, 16, {"8b": _TWO_LAYERS, "1.7b": _TWO_LAYERS})


def main() -> int:
    """The command line; returns the exit code."""
    arguments = _arguments()
    try:
        if arguments.case:
            case = next(case for case in CASES if case.name == arguments.case)
            print(json.dumps(run_case(case, arguments.tiny, arguments.steps)))
            return 0
        return _report(arguments)
    except NercotError as error:
        print(f"Error: {error}", file=sys.stderr)
        return error.exit_code


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description="Do the paper's configs run on this GPU, how fast, in how much memory?"
    )
    parser.add_argument("--tiny", action="store_true", help="two layers on a CPU: checks this check")
    parser.add_argument("--steps", type=int, default=3, help="optimizer steps of a case (default: 3)")
    parser.add_argument("--cases", default=",".join(case.name for case in CASES), help="comma-separated")
    parser.add_argument("--minutes", type=float, default=_MINUTES, help=f"in all (default: {_MINUTES:g})")
    parser.add_argument("--case", help=argparse.SUPPRESS)
    return parser.parse_args()


# --- all cases ------------------------------------------------------------------------------------


def _report(arguments: argparse.Namespace) -> int:
    device = _device(arguments.tiny)
    begun = time.monotonic()
    end = begun + 60 * arguments.minutes
    results = [_one(case, arguments, end) for case in _chosen(arguments)]
    print(f"{device}; {arguments.steps} steps a case")
    print("\n".join(_table(results)))
    ok = all(result.get("ok", result["state"] == "not run") for result in results)
    seconds = round(time.monotonic() - begun)
    print(json.dumps({"device": device, "ok": ok, "seconds": seconds, "versions": _versions(), "cases": results}))
    return 0 if ok and any(result["state"] == "run" for result in results) else 1


def _device(tiny: bool) -> str:
    import torch

    if tiny:
        return "CPU, two layers"
    if not torch.cuda.is_available():
        raise InputError("there is no GPU here; --tiny checks this check on a CPU")
    about = torch.cuda.get_device_properties(0)
    return f"{about.name}, {about.total_memory / _GIB:.0f} GiB"


def _versions() -> dict[str, str]:
    from importlib.metadata import version

    named = ("torch", "transformers", "trl", "peft", "liger_kernel", "flash_attn")
    return {name: version(name) for name in named if find_spec(name)}


def _chosen(arguments: argparse.Namespace) -> list[Case]:
    """The cases asked for; those that lack what they are there to show become equal to others and are left out."""
    names = arguments.cases.split(",")
    if unknown := set(names) - {case.name for case in CASES}:
        raise InputError(f"--cases {sorted(unknown)[0]}: there are {', '.join(case.name for case in CASES)}")
    seen: dict[Case, Case] = {}
    for case in CASES:
        if case.name in names:
            seen.setdefault(replace(_possible(case, arguments.tiny), name=""), case)
    return list(seen.values())


def _possible(case: Case, tiny: bool) -> Case:
    """The case with what is installed; a CPU has neither."""
    liger, flash = (not tiny and find_spec(name) is not None for name in ("liger_kernel", "flash_attn"))
    return replace(case, liger=case.liger and liger, flash=case.flash and flash)


def _one(case: Case, arguments: argparse.Namespace, end: float) -> dict[str, Any]:
    """What a case found, in a process of its own."""
    left = end - time.monotonic()
    possible = _possible(case, arguments.tiny)
    about = {"case": case.name, "liger": possible.liger, "flash_attention": possible.flash}
    if left < 5:
        return {**about, "state": "not run", "why": "no time left"}
    command = [sys.executable, str(Path(__file__).resolve()), "--case", case.name, "--steps", str(arguments.steps)]
    print(f"{case.name} ...", file=sys.stderr)
    try:
        done = subprocess.run(
            [*command, *(["--tiny"] if arguments.tiny else [])],
            capture_output=True,
            text=True,
            timeout=left,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return {**about, "state": "not run", "why": "no time left"}
    lines = done.stdout.strip().splitlines()
    if done.returncode or not lines:
        why = (done.stderr.strip().splitlines() or ["ended without a word"])[-1]
        return {**about, "state": "failed", "ok": False, "why": why[:300]}
    return {**about, "state": "run", **json.loads(lines[-1])}


def _table(results: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    yield "| case | Liger | FlashAttention-2 | tokens/s | peak GiB | estimate GiB | loss | gradient norm |"
    yield "|---|---|---|--:|--:|--:|--:|--:|"
    for result in results:
        head = f"| {result['case']} | {_yes(result['liger'])} | {_yes(result['flash_attention'])} |"
        if result["state"] != "run":
            yield f"{head} {result['state']}: {result['why']} | | | | |"
            continue
        yield (
            f"{head} {result['tokens_per_second']:,.0f} | {result['peak_gib']:.2f} | {result['estimate_gib']:.2f} "
            f"| {result['loss']:.4f} | {result['grad_norm']:.4f} |"
        )


def _yes(value: bool) -> str:
    return "yes" if value else "no"


def made_reward(completions: Sequence[Sequence[Mapping[str, str]]], **columns: object) -> list[float]:
    """Differs within a group: random weights earn 0 of the paper's rewards, and equal rewards have no gradient."""
    return [zlib.crc32(completion[-1]["content"].encode()) % 100 / 100 for completion in completions]


# --- one case -------------------------------------------------------------------------------------


def run_case(case: Case, tiny: bool, steps: int) -> dict[str, Any]:
    """Trains a few steps in this process; returns the figures.  Raises ShortfallError where nothing was logged."""
    scale, case = TINY if tiny else LARGE, _possible(case, tiny)
    with tempfile.TemporaryDirectory() as folder:
        tokenizer = _tokenizer()
        _write_rows(Path(folder), case, tokenizer, scale)
        settings = _settings(case, Path(folder), scale, tiny, steps)
        trainer, prepared, shape = _trainer(case, settings, tokenizer, Path(folder), scale)
        clock = _Clock()
        trainer.add_callback(clock.callback())
        trainer.train()
        return _figures(case, settings, trainer.state.log_history, clock, prepared, shape, tiny)


def _settings(case: Case, folder: Path, scale: Scale, tiny: bool, steps: int) -> Settings:
    """The paper's config on this machine: one GPU, made rows, a few steps."""
    sft = case.kind == "sft"
    values = [f"data.name={folder / 'corpus'}", f"train.max_steps={steps}", "train.logging_steps=1", "batch.gpus=1"]
    values += ["train.save_strategy=no", "train.save_steps=1000", f"train.use_liger_kernel={_toml(case.liger)}"]
    values += [f"model.attention={'flash_attention_2' if case.flash else 'sdpa'}", "train.warmup_steps=0"]
    rows = 1 if sft and case.whole else 4 if sft else scale.generations
    values += [f"train.per_device_train_batch_size={rows}", f"batch.size={rows}"]
    if sft:
        values += [f"data.max_tokens={scale.tokens}", f"train.padding_free={_toml(case.flash)}"]
    else:
        values += [f"train.num_generations={scale.generations}", f"train.max_completion_length={scale.completion}"]
        values += ["train.use_vllm=false", f"data.max_tokens={min(2048, scale.tokens)}"]
        values.append('rewards={"gpu_check.made_reward" = 1.0}')
    if not case.whole:
        values.append("lora.r=64")
    if tiny:
        values += [
            "train.use_cpu=true",
            "train.bf16=false",
            "model.dtype=float32",
            "train.activation_checkpointing=false",
        ]
    return load_settings(HERE / "configs" / f"qwen3-{case.size}-{case.kind}-paper.toml", case.kind, values)


def _toml(value: bool) -> str:
    return "true" if value else "false"


def _tokenizer() -> Any:
    """The toy's tokenizer: every text in few tokens of any kind will do."""
    from toy import make_tokenizer

    sentence = " ".join(f"Ann{number} left Oslo{number} again" for number in range(40))
    tokenizer = make_tokenizer([extract_messages(sentence, _SCHEMA)[0]["content"], sentence])
    tokenizer.chat_template = (TEMPLATES / "qwen3.jinja").read_text(encoding="utf-8")
    tokenizer.eos_token = "<|im_end|>"
    return tokenizer


def _write_rows(folder: Path, case: Case, tokenizer: Any, scale: Scale) -> None:
    """Rows as long as the limit allows: that is what memory is reckoned with."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    config = folder / "corpus" / case.kind
    config.mkdir(parents=True)
    limit = scale.tokens if case.kind == "sft" else min(2048, scale.tokens)
    rows = [_row(number, case.kind, _words(case.kind, tokenizer, limit)) for number in range(_ROWS)]
    pq.write_table(pa.Table.from_pylist(rows), config / "train-00000-of-00001.parquet")


def _words(kind: str, tokenizer: Any, limit: int) -> int:
    """How many words a row can have within the limit of tokens."""
    few, many = (_tokens(_row(0, kind, words), tokenizer) for words in (1, 101))
    return max(1, int((limit - few) / ((many - few) / 100) * 0.97))


def _tokens(row: Mapping[str, Any], tokenizer: Any) -> int:
    said = [*row["prompt"], *row.get("completion", ())]
    return len(tokenizer.apply_chat_template(said, add_generation_prompt=True, return_dict=True)["input_ids"])


def _row(number: int, kind: str, words: int) -> dict[str, Any]:
    """One made row; half of its words are the sentence, the others (in SFT) the argument."""
    share = words // 2 if kind == "sft" else words
    sentence = f"Ann{number % 10} left Oslo" + " again" * share
    person = Entity(f"Ann{number % 10}", "person", 0, 4)
    row = {
        "guid": content_guid(sentence, _SCHEMA, str(number)),
        "dataset": "made",
        "prompt": extract_messages(sentence, _SCHEMA),
    }
    if kind == "sft":
        said = render_answer("Ann left" + " again" * (words - share), [person], _SCHEMA)
        return {**row, "completion": [{"role": "assistant", "content": said}]}
    return {**row, "gold": render_answer(None, [person], _SCHEMA), "schema": _SCHEMA}


def _trainer(case: Case, settings: Settings, tokenizer: Any, folder: Path, scale: Scale) -> tuple[Any, Any, Shape]:
    """The trainer of the scripts themselves, with a model that was made and not loaded; and the model's size."""
    import grpo
    import sft
    import torch
    from transformers import AutoModelForCausalLM, Qwen3Config

    config = Qwen3Config(**scale.shapes[case.size], eos_token_id=tokenizer.eos_token_id, bos_token_id=None)
    config.pad_token_id = tokenizer.pad_token_id
    # Whole weights train in float32, as the scripts load them on one GPU; LoRA's base is bfloat16.
    dtype = torch.float32 if case.whole or settings.train.get("use_cpu") else torch.bfloat16
    with torch.device("cpu" if settings.train.get("use_cpu") else "cuda"):
        model = AutoModelForCausalLM.from_config(config, dtype=dtype, attn_implementation=settings.model.attention)
    shape = Shape(float(model.num_parameters()), config.num_hidden_layers, config.hidden_size)
    if case.kind == "grpo" and case.whole:
        # TRL loads the reference model a second time, from where the first one lies.
        model.to(torch.bfloat16).save_pretrained(folder / "model")
        settings, model = replace(settings, model=replace(settings.model, name=str(folder / "model"))), None
    make = grpo.trainer_for if case.kind == "grpo" else sft.trainer_for
    trainer, prepared = make(settings, tokenizer, folder / "out", model)
    return trainer, prepared, shape


class _Clock:
    """When each step ended: the first one, which compiles and warms up, is left out of the speed."""

    def __init__(self) -> None:
        self.ends: list[float] = []

    def callback(self) -> Any:
        """What the trainer calls."""
        from transformers import TrainerCallback

        ends = self.ends

        class Ends(TrainerCallback):
            def on_step_end(self, *_: Any, **__: Any) -> None:
                ends.append(time.monotonic())

        return Ends()

    def seconds_a_step(self) -> float:
        """The mean of the steps after the first; nan where there is one step only."""
        return (self.ends[-1] - self.ends[0]) / (len(self.ends) - 1) if len(self.ends) > 1 else math.nan


def _figures(
    case: Case,
    settings: Settings,
    log: Sequence[Mapping[str, Any]],
    clock: _Clock,
    prepared: Any,
    shape: Shape,
    tiny: bool,
) -> dict[str, Any]:
    logged = [entry for entry in log if "grad_norm" in entry]
    if not logged:
        raise ShortfallError(f"{case.name}: no step was logged")
    values = [float(entry[name]) for entry in logged for name in ("loss", "grad_norm")]
    tokens = settings.per_device * sum(prepared.lengths) / len(prepared.lengths)
    if case.kind == "grpo":
        tokens += settings.per_device * float(logged[-1].get("completions/mean_length", 0.0))
    states, activations = estimate(settings, shape, 1)
    last = logged[-1]
    return {
        "ok": all(map(math.isfinite, values)),
        "parameters": shape.parameters,
        "tokens_a_step": round(tokens),
        "tokens_per_second": tokens / clock.seconds_a_step(),
        "peak_gib": _peak(tiny) / _GIB,
        "estimate_gib": (states + activations) / _GIB,
        "loss": float(last["loss"]),
        "grad_norm": float(last["grad_norm"]),
    }


def _peak(tiny: bool) -> float:
    """Bytes: of the GPU what torch allocated at most; of a CPU the process, libraries and all."""
    if tiny:
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024.0
    import torch

    return float(torch.cuda.max_memory_allocated())


if __name__ == "__main__":
    sys.exit(main())
