"""The toy language: a corpus, a tokenizer and a random model that a CPU trains in minutes.

    python training/toy.py build/toy                  makes build/toy/corpus, held-out.jsonl and model
    python training/toy.py build/toy --score MODEL    span F1 of a trained model on the held-out sentences

A sentence names a person, a place, a company, or some of them: `captain Rumo saw firm Kalux`.  A model has to find
the names, tell their types, leave out those that were not asked for, and argue for its answer type by type, in the
corpora's own format.  What the scripts prove here holds for the path from rows to weights, not for any model's quality.
"""

from __future__ import annotations

import argparse
import itertools
import json
import random
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from settings import TEMPLATES

from nercot.corpus.records import Entity, content_guid
from nercot.llm.prompts import extract_messages
from nercot.validation.answers import render_answer
from nercot.validation.spans import Score, micro_f1

CUES = {"person": ("captain", "doctor"), "place": ("harbour", "village"), "company": ("firm", "bank")}
PROMPT = "Types: {{schema}}\n{{sentence}}"
_ENDS = {"person": ("mo", "ri", "sha"), "place": ("ten", "dor", "via"), "company": ("lux", "pan", "gex")}
_NAMES = {
    label: [
        f"{start}{end}".capitalize() for start, end in itertools.product(("ru", "ka", "lo", "mi", "te", "su"), ends)
    ]
    for label, ends in _ENDS.items()
}
_VERBS = ("saw", "left", "likes", "found", "passed", "asked")
_HELD_OUT = 200


def make(folder: Path, rows: int = 4000, seed: int = 0) -> None:
    """Writes `corpus/{sft,careless,grpo,preference}/train-*.parquet`, `held-out.jsonl` and `model/` into the folder.

    `careless` is `sft` by an annotator who overlooks every second entity.  In `preference` the rejected answer says the
    same, and its trace names every entity under the next type: a reader would refuse it.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    made = list(_rows(rows + _HELD_OUT, random.Random(seed)))
    train, held_out = made[:-_HELD_OUT], made[-_HELD_OUT:]
    columns = {
        "sft": ("guid", "dataset", "prompt", "completion"),
        "careless": ("guid", "dataset", "prompt", "completion"),
        "grpo": ("guid", "dataset", "prompt", "gold", "schema"),
        "preference": ("guid", "dataset", "prompt", "chosen", "rejected", "rejected_step"),
    }
    for config, names in columns.items():
        target = folder / "corpus" / config
        target.mkdir(parents=True, exist_ok=True)
        rows_of = [{**row, "completion": row["careless"]} for row in train] if config == "careless" else train
        table = pa.Table.from_pylist([{name: row[name] for name in names} for row in rows_of])
        pq.write_table(table, target / "train-00000-of-00001.parquet")
    (folder / "held-out.jsonl").write_text("".join(json.dumps(row) + "\n" for row in held_out), encoding="utf-8")
    tokenizer = make_tokenizer([row["prompt"][0]["content"] + row["completion"][0]["content"] for row in train])
    tokenizer.chat_template = (TEMPLATES / "qwen3.jinja").read_text(encoding="utf-8")
    tokenizer.save_pretrained(folder / "model")
    _model(len(tokenizer), seed).save_pretrained(folder / "model")


def _rows(count: int, draw: random.Random) -> Iterator[dict[str, Any]]:
    """Distinct rows with the columns of the configs sft and grpo."""
    seen: set[str] = set()
    while len(seen) < count:
        named = {label: draw.choice(_NAMES[label]) for label in draw.sample(list(CUES), draw.choice((1, 2, 2, 3)))}
        sentence, entities = _sentence(named, draw)
        schema = draw.sample(list(CUES), draw.choice((2, 3)))
        guid = content_guid(sentence, schema, "toy")
        if guid in seen:
            continue
        seen.add(guid)
        asked = [entity for entity in entities if entity.label in schema]
        seen_by_the_careless = {label: name for label, name in named.items() if draw.random() < 0.5}
        yield {
            "guid": guid,
            "dataset": "toy",
            "prompt": extract_messages(sentence, schema, None, PROMPT),
            "completion": _completion(named, asked, schema),
            "chosen": _completion(named, asked, schema),
            "rejected": _completion(named, asked, schema, _moved_on(named, schema)),
            "rejected_step": "read",
            "careless": _completion(seen_by_the_careless, asked, schema),
            "gold": render_answer(None, asked, schema),
            "schema": schema,
        }


def _moved_on(named: Mapping[str, str], schema: Sequence[str]) -> dict[str, str]:
    """What a faulty trace claims: each name under the type that comes next."""
    return {schema[place - 1]: named[label] for place, label in enumerate(schema) if label in named}


def _completion(
    named: Mapping[str, str],
    asked: Sequence[Entity],
    schema: Sequence[str],
    claimed: Mapping[str, str] | None = None,
) -> list[dict[str, str]]:
    """The Answer with the entities that were noticed, one a type; `claimed`: what its trace says in place of that."""
    said = named if claimed is None else claimed
    trace = "\n".join(f"{label}: {said.get(label, 'nothing')}" for label in schema)
    noticed = [entity for entity in asked if entity.label in named]
    return [{"role": "assistant", "content": render_answer(trace, noticed, schema)}]


def _sentence(named: Mapping[str, str], draw: random.Random) -> tuple[str, list[Entity]]:
    text, entities = "", []
    for number, (label, name) in enumerate(named.items()):
        text += (f" {draw.choice(_VERBS)} " if number else "") + f"{draw.choice(CUES[label])} "
        entities.append(Entity(name, label, len(text), len(text) + len(name)))
        text += name
    return text, entities


def make_tokenizer(texts: Sequence[str]) -> Any:
    """Byte-level BPE of at most 2,000 tokens with Qwen3's markers; think tags are ordinary added tokens, as there."""
    from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    # A name is the same token after a space and after a quote, or copying would have to be learnt per name.
    words = pre_tokenizers.Split(Regex(r"\w+|\s+|[^\w\s]+"), "isolated")
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([words, pre_tokenizers.ByteLevel(False, use_regex=False)])
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=2000, special_tokens=["<|endoftext|>", "<|im_start|>", "<|im_end|>"], initial_alphabet=alphabet
    )
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.add_tokens([AddedToken("<think>", normalized=False), AddedToken("</think>", normalized=False)])
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<|endoftext|>", pad_token="<|endoftext|>")


def _model(vocabulary: int, seed: int) -> Any:
    """A random Qwen3 of two layers."""
    import torch
    from transformers import Qwen3Config, Qwen3ForCausalLM

    torch.manual_seed(seed)
    return Qwen3ForCausalLM(
        Qwen3Config(
            vocab_size=vocabulary,
            hidden_size=64,
            intermediate_size=128,
            num_hidden_layers=2,
            num_attention_heads=4,
            num_key_value_heads=4,
            head_dim=32,
            max_position_embeddings=1024,
            tie_word_embeddings=True,
            initializer_range=0.1,  # at the usual 0.02 so narrow a model takes many times as long to begin to learn
            eos_token_id=0,
            bos_token_id=None,
        )
    )


def score(model_folder: Path, held_out: Path, rows: int = _HELD_OUT) -> Score:
    """Span F1 of a model on the first held-out rows, answered greedily."""
    wanted = [json.loads(line) for line in held_out.read_text(encoding="utf-8").splitlines()[:rows]]
    return micro_f1(answers(model_folder, [row["prompt"] for row in wanted]), [row["gold"] for row in wanted])


def answers(model_folder: Path, prompts: Sequence[Any], most: int = 160) -> list[str]:
    """What a saved model answers to each prompt, greedily, through the template it was saved with."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(model_folder, padding_side="left")
    model = AutoModelForCausalLM.from_pretrained(model_folder, dtype=torch.float32).eval()
    texts = []
    for start in range(0, len(prompts), 50):
        batch = tokenizer.apply_chat_template(
            list(prompts[start : start + 50]),
            add_generation_prompt=True,
            padding=True,
            return_tensors="pt",
            return_dict=True,
        )
        out = model.generate(**batch, max_new_tokens=most, do_sample=False)
        texts += tokenizer.batch_decode(out[:, batch["input_ids"].shape[1] :], skip_special_tokens=True)
    return texts


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description="The toy language: make its corpus and model, or score a trained one.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--score", type=Path, metavar="MODEL", help="a trained model's folder")
    arguments = parser.parse_args()
    if arguments.score is None:
        make(arguments.folder)
        return 0
    result = score(arguments.score, arguments.folder / "held-out.jsonl")
    print(f"span F1 {result.f1:.3f} on {_HELD_OUT} held-out sentences, {result.unreadable} unreadable answers")
    return 0


if __name__ == "__main__":
    sys.exit(main())
