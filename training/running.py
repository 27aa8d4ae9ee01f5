"""What both scripts share: the command line, going on from a checkpoint, and what a run leaves behind.

In: the arguments of a script.  Out: `OUT/checkpoint-N` while training, then `OUT/model` (the model, or its adapter,
with the tokenizer and its template) and `OUT/run.json` (settings, data, versions, what was logged).  The same command
goes on from the last checkpoint.  Never trains over a run of other settings.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from check import report
from models import load_tokenizer
from rows import Prepared
from settings import Lora, Settings, as_table, load_settings

from nercot.errors import NercotError, OutputError

# Launchers that shard a model keep float32 weights of their own beside those that compute.
_SHARDED = ("ACCELERATE_USE_DEEPSPEED", "ACCELERATE_USE_FSDP")

Train = Callable[[Settings, Any, Path], None]


def script(kind: str, train: Train, about: str) -> int:
    """Runs a script: --check reports and stops, otherwise `train(settings, tokenizer, out)`.  Returns the exit code."""
    arguments = _arguments(about)
    try:
        settings = load_settings(arguments.config, kind, arguments.set)
        if arguments.check:
            return report(settings, arguments.tokenizer, arguments.gpus)
        out = arguments.out or Path("runs") / arguments.config.stem
        _same_run(settings, out)
        train(settings, load_tokenizer(settings, arguments.tokenizer), out)
    except NercotError as error:
        print(f"Error: {error}", file=sys.stderr)
        return error.exit_code
    return 0


def _arguments(about: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("config", type=Path, help="a TOML file of training/configs")
    parser.add_argument("--check", action="store_true", help="report lengths, batch, steps and memory, and stop")
    parser.add_argument("--out", type=Path, help="folder of checkpoints and model (default: runs/NAME of the config)")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="for example data.name=FOLDER")
    parser.add_argument("--tokenizer", type=Path, help="a local folder with the tokenizer")
    parser.add_argument("--gpus", type=int, help="what --check reckons with (default: batch.gpus of the config)")
    return parser.parse_args()


def gpus() -> int:
    """How many processes train together, as accelerate and torchrun tell them."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def first() -> bool:
    """Whether this is the process that writes and speaks."""
    return os.environ.get("RANK", "0") == "0"


def say(line: str) -> None:
    """One line for the user, once."""
    if first():
        print(line, file=sys.stderr)


def say_batch(settings: Settings) -> None:
    """What one optimizer step holds, before the first; a mismatch with what the config asks is said."""
    effective, wanted = settings.effective(gpus()), settings.batch.size
    unit = "completions" if settings.kind == "grpo" else "rows"
    say(f"effective batch {effective} {unit}" + ("" if effective == wanted else f"; the config asks for {wanted}"))


def lora_config(lora: Lora | None) -> Any:
    """What peft takes, None for full training."""
    if lora is None:
        return None
    from peft import LoraConfig

    return LoraConfig(
        r=lora.r, lora_alpha=lora.alpha, lora_dropout=lora.dropout, target_modules=lora.targets, task_type="CAUSAL_LM"
    )


def model_kwargs(settings: Settings) -> dict[str, Any]:
    """What the model is loaded with."""
    model = settings.model
    kwargs = {
        "dtype": "float32" if _trained_whole(settings) else model.dtype,
        "attn_implementation": model.attention,
        "trust_remote_code": model.trust_remote_code,
    }
    return kwargs if model.revision is None else {**kwargs, "revision": model.revision}


def _trained_whole(settings: Settings) -> bool:
    """Whether the optimizer moves the loaded weights themselves, which then have to be float32.

    A step of 1e-6 is lost when it is rounded to bfloat16; `train.bf16` computes in bfloat16 all the same.  DeepSpeed
    and FSDP keep float32 weights of their own, and LoRA's adapters are float32 whatever the model is.
    """
    sharded = any(os.environ.get(name, "false").lower() in ("true", "1") for name in _SHARDED)
    return settings.lora is None and not sharded


def train_and_save(trainer: Any, tokenizer: Any, settings: Settings, prepared: Prepared, out: Path) -> None:
    """Trains, from the last checkpoint if there is one; then saves model, tokenizer and run.json."""
    import torch

    checkpoint = _begin(settings, out)
    trainer.train(resume_from_checkpoint=checkpoint)
    if _trained_whole(settings):
        trainer.model.to(getattr(torch, settings.model.dtype))
    trainer.save_model(str(out / "model"))
    if first():
        tokenizer.save_pretrained(out / "model")
        _write(
            out / "run.json", {**_about(settings), "data": _data(settings, prepared), "log": trainer.state.log_history}
        )
    say(f"saved {out / 'model'}")


def _same_run(settings: Settings, out: Path) -> None:
    """An OutputError where `out` holds another run."""
    begun = out / "begun.json"
    if begun.is_file() and json.loads(begun.read_text(encoding="utf-8")) != _settings(settings):
        raise OutputError(f"{out}: holds a run of other settings; give another --out, or move it away")


def _begin(settings: Settings, out: Path) -> str | None:
    """Notes whose run `out` is; the checkpoint to go on from, None at the start."""
    if first():
        out.mkdir(parents=True, exist_ok=True)
        _write(out / "begun.json", _settings(settings))
    checkpoint = _last_checkpoint(out)
    if checkpoint:
        say(f"going on from {checkpoint}")
    return checkpoint


def _last_checkpoint(out: Path) -> str | None:
    """The last checkpoint that was written to its end: the trainer's state is what comes last."""
    whole = [folder for folder in out.glob("checkpoint-*") if _is_json(folder / "trainer_state.json")]
    return str(max(whole, key=lambda folder: int(folder.name.rpartition("-")[2]))) if whole else None


def _is_json(path: Path) -> bool:
    try:
        json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return True


def _settings(settings: Settings) -> dict[str, Any]:
    return {"settings": json.loads(json.dumps(as_table(settings)))}


def _about(settings: Settings) -> dict[str, Any]:
    libraries = ("torch", "transformers", "trl", "accelerate", "peft", "nercot")
    return {**_settings(settings), "versions": {name: version(name) for name in libraries}}


def _data(settings: Settings, prepared: Prepared) -> dict[str, Any]:
    """Which data, in which version, and how many rows of which fate."""
    corpora = [{"name": name, **_manifest(Path(name).expanduser())} for name in settings.data.names]
    return {"corpora": corpora, "rows": len(prepared.rows), "fates": dict(prepared.fates)}


def _manifest(folder: Path) -> dict[str, Any]:
    """What a release or candidate says of itself; nothing for a Hub id, whose revision stands in its name."""
    try:
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {key: manifest[key] for key in ("corpus", "version", "fingerprint") if key in manifest}


def _write(path: Path, content: Mapping[str, Any]) -> None:
    part = path.with_suffix(".part")
    part.write_text(json.dumps(content, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    part.replace(path)
