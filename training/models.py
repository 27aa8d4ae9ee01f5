"""Tokenizers with a verbatim chat template, and the sizes of the models that the configs name.

In: a model's settings.  Out: its tokenizer, whose chat template copies every message as it is and whose end token is
the one that closes an answer; it is saved with the model, so a server uses the same template.  Never adds a token:
a family's markers are in its models' vocabularies already.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from settings import Settings

from nercot.errors import InputError
from nercot.formats.hub import READ_SECONDS, Patience, quiet, root_of

# A tokenizer's files and what tells its class, by their endings; never weights.
_SMALL = ("*.json", "*.jinja", "*.model", "*.txt", "*.py")


@dataclass(frozen=True, slots=True)
class Family:
    """The token that ends an answer, and the one that fills a batch up (None: the tokenizer's own)."""

    end: str
    pad: str | None = None


FAMILIES = {
    "qwen3": Family("<|im_end|>", "<|endoftext|>"),
    "qwen2.5": Family("<|im_end|>", "<|endoftext|>"),
    "internlm2": Family("<|im_end|>"),
    "llama3": Family("<|eot_id|>", "<|finetune_right_pad_id|>"),
    "llama2": Family("</s>", "<unk>"),
}


@dataclass(frozen=True, slots=True)
class Shape:
    """Parameters, layers and width of a model, for the memory estimate."""

    parameters: float
    layers: int
    hidden: int


SHAPES = {
    "Qwen/Qwen3-8B-Base": Shape(8.19e9, 36, 4096),
    "Qwen/Qwen3-4B-Base": Shape(4.02e9, 36, 2560),
    "Qwen/Qwen3-1.7B-Base": Shape(1.72e9, 28, 2048),
    "Qwen/Qwen2.5-7B": Shape(7.62e9, 28, 3584),
    "internlm/internlm2-7b": Shape(7.74e9, 32, 4096),
    "meta-llama/Llama-3.1-8B": Shape(8.03e9, 32, 4096),
    "meta-llama/Llama-2-7b-hf": Shape(6.74e9, 32, 4096),
}


def load_tokenizer(settings: Settings, path: Path | None = None) -> Any:
    """The tokenizer of `settings.model`, or the one in the folder `path`, with the family's template.

    Raises InputError in one line: it is not here and cannot be fetched, or lacks the template's end token.
    """
    from transformers import AutoTokenizer

    model = settings.model
    name = str(path or model.name)
    try:
        folder = Path(name).expanduser()
        folder = folder if folder.is_dir() else _fetched(name, model.revision)
        tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=model.trust_remote_code)
    except Exception as error:  # whatever a foreign folder or a cut line makes the library raise
        raise InputError(
            f"the tokenizer {name} is neither a folder with one, nor in the cache, nor can it be fetched; "
            f"check the name and the network, or give --tokenizer PATH ({type(root_of(error)).__name__})"
        ) from error
    _with_template(tokenizer, settings, name)
    return tokenizer


def _fetched(name: str, revision: str | None) -> Path:
    """The folder in the cache with a model's small files.  Without a network it fails at once, transformers in 60 s."""
    from huggingface_hub import snapshot_download

    get = partial(snapshot_download, name, revision=revision, allow_patterns=_SMALL)
    with quiet():
        return Path(Patience(READ_SECONDS)(get))


def _with_template(tokenizer: Any, settings: Settings, name: str) -> None:
    family = FAMILIES.get(settings.template.stem, Family(tokenizer.eos_token))
    vocabulary = tokenizer.get_vocab()
    if not tokenizer.is_fast:
        raise InputError(f"the tokenizer {name} has no fast version, without which the answer's tokens cannot be told")
    if family.end not in vocabulary:
        raise InputError(
            f"the tokenizer {name} has no token {family.end}, which ends an answer in the template "
            f"{settings.template.stem}; choose the model's own family in model.template"
        )
    tokenizer.chat_template = settings.template.read_text(encoding="utf-8")
    tokenizer.eos_token = family.end
    # Llama 3's tokenizers ask for spaces before punctuation to be taken out of what they decode: not of an Answer.
    tokenizer.clean_up_tokenization_spaces = False
    if family.pad in vocabulary:
        tokenizer.pad_token = family.pad
    elif tokenizer.pad_token is None:
        tokenizer.pad_token = family.end


def shape_of(settings: Settings) -> Shape | None:
    """The size of the model: of the table, of its base, or of the config in its folder; None where none says."""
    name = settings.model.name
    known = SHAPES.get(name) or SHAPES.get(settings.model.base or "")
    if known or not (Path(name) / "config.json").is_file():
        return known
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    config = AutoConfig.from_pretrained(name, trust_remote_code=settings.model.trust_remote_code)
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(config, trust_remote_code=settings.model.trust_remote_code)
    return Shape(float(model.num_parameters()), config.num_hidden_layers, config.hidden_size)
