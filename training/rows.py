"""Rows of a corpus -> what a trainer eats: tokens with labels (SFT), prompts with gold (GRPO).

In: Hub datasets or folders as nercot builds them.  Out: datasets, and how many rows were left out and why.  The
answer's text is never changed: what is tokenized is prompt and answer in the verbatim template, and the labels are
the answer's tokens and the end token, nothing else.  A row for which that does not hold is left out and counted;
none is ever truncated, since half an answer teaches not to end.
"""

from __future__ import annotations

import hashlib
import re
import sys
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from settings import Data

from nercot.corpus.records import Entity
from nercot.errors import InputError
from nercot.formats.hub import download
from nercot.llm.prompts import default_template, extract_messages
from nercot.validation.answers import CLOSE, OPEN, render_answer
from nercot.validation.scored import entities_of

if TYPE_CHECKING:
    from datasets import Dataset

_HUB_ID = re.compile(r"[\w.-]+/[\w.-]+(@[\w./-]+)?")
_COLUMNS = {
    "sft": ("guid", "dataset", "prompt", "completion"),
    "grpo": ("guid", "dataset", "prompt", "gold", "schema"),
    "cot": ("guid", "sentence", "schema", "schema_descriptions", "gold"),
}

# Why a row is left out, in words for --check; `normalised` rows are kept and counted.
FATES = {
    "too_long": "longer than data.max_tokens: left out, never truncated",
    "holds_end_token": "the end token stands in the text: left out",
    "altered": "the tokenizer does not give the answer back: left out",
    "no_gold": "without gold: left out",
    "normalised": "the tokenizer normalises its Unicode (NFC): kept",
}
_KEPT = ("kept", "normalised")
PAIRS = ("pairs-kept", "pairs-refused", "pairs-plain")


@dataclass(frozen=True, slots=True)
class Prepared:
    """Rows for a trainer; `lengths`: tokens of every row that was read, `fates`: how many rows of each fate."""

    rows: Dataset
    lengths: Sequence[int]
    fates: Mapping[str, int]
    answers: Sequence[int] = ()


def load_rows(data: Data) -> Dataset:
    """The rows that the data's settings name, several datasets one after the other.

    Raises InputError in one line: no such dataset or config, columns missing, no row.
    """
    from datasets import concatenate_datasets, disable_progress_bars

    if not sys.stderr.isatty():
        disable_progress_bars()
    rows = concatenate_datasets([_columns(name, _load(name, data.config, data.split), data) for name in data.names])
    if data.limit is not None:
        rows = rows.select(range(min(data.limit, len(rows))))
    if not len(rows):
        raise InputError(f"{', '.join(data.names)}: the config {data.config} has no rows")
    return rows


def _load(name: str, config: str, split: str) -> Dataset:
    """One config of one corpus.  Read from its files: the datasets library would know a folder by its name alone."""
    from datasets import Dataset

    folder = Path(name).expanduser()
    if not folder.is_dir():
        if not _HUB_ID.fullmatch(name):
            raise InputError(f"{name}: neither a folder nor a Hub dataset (org/name); build it, or set data.name")
        repo, _, revision = name.partition("@")
        folder = download(repo, revision or None, config)
    files = sorted((folder / config).glob(f"{split}-*.parquet"))
    if not files:
        there = ", ".join(sorted(path.name for path in folder.iterdir() if any(path.glob("*.parquet"))))
        raise InputError(f"{name}: no {config}/{split}-*.parquet; there are the configs {there or '(none)'}")
    return Dataset.from_parquet([str(file) for file in files])


def _columns(name: str, rows: Dataset, data: Data) -> Dataset:
    """The columns that a trainer needs, and no other."""
    needed = _COLUMNS["grpo" if data.config == "grpo" else "sft"]
    if missing := [column for column in needed if column not in rows.column_names]:
        raise InputError(
            f"{name}: the config {data.config} has no column {missing[0]}; it has {', '.join(rows.column_names)}"
        )
    rows = rows.select_columns(list(needed))
    if data.answers == "gold":
        return _whole_source(name, data)
    if data.answers in PAIRS:
        return _pairs(name, data)
    return rows if data.answers == "trace" else _without_traces(name, rows, data)


def _whole_source(name: str, data: Data) -> Dataset:
    """Every row of the source with its own labels, asked for at once: those that were kept, and those that were not.

    A row whose text is not there (stand-off, unreadable) is left out; without gold its answer is None.
    """
    from datasets import Dataset

    made: dict[str, dict[str, Any]] = {}
    configs = [config for config in ("cot", "dropped") if config == "cot" or _has(name, config, data.split)]
    for config in configs:
        for row in _load(name, config, data.split).select_columns([*_COLUMNS["cot"], "dataset"]):
            if row["sentence"] is not None and row["schema"]:
                made.setdefault(row["guid"], _at_once(row))
    return Dataset.from_list(list(made.values()), features=_features())


def _pairs(name: str, data: Data) -> Dataset:
    """Records with a kept trace and one that the reader refused, one a record; all three ways have the same answers."""
    from datasets import Dataset

    made: dict[str, dict[str, Any]] = {}
    for row in _load(name, "preference", data.split):
        if row["rejected_step"] == "read":
            made.setdefault(row["guid"], _pair(row, data.answers))
    if not made:
        raise InputError(f"{name}: the config preference has no record whose other trace the reader refused")
    return Dataset.from_list(list(made.values()), features=_features())


def _pair(row: Mapping[str, Any], answers: str) -> dict[str, Any]:
    kept, refused = (row[side][-1]["content"] for side in ("chosen", "rejected"))
    body = _without_trace(kept)
    said = {"pairs-kept": kept, "pairs-refused": _trace(refused) + body, "pairs-plain": body}[answers]
    return {"guid": row["guid"], "dataset": row["dataset"], "prompt": row["prompt"], "answer": said}


def _trace(answer: str) -> str:
    """The think block of an Answer, up to its JSON; '' without one."""
    head, closed, _ = answer.partition(f"\n{CLOSE}\n")
    return head + closed if closed and answer.startswith(f"{OPEN}\n") else ""


def _at_once(row: Mapping[str, Any]) -> dict[str, Any]:
    asked = extract_messages(row["sentence"], row["schema"], row["schema_descriptions"], default_template("answer"))
    answer = _gold_answer(row)
    return {"guid": row["guid"], "dataset": row["dataset"], "prompt": asked, "answer": answer}


def _features() -> Any:
    """The columns of rows with gold; without them a source whose first rows have none would have a column of nulls."""
    from datasets import Features, List, Value

    text = Value("string")
    return Features({"guid": text, "dataset": text, "prompt": List({"role": text, "content": text}), "answer": text})


def _has(name: str, config: str, split: str) -> bool:
    """Whether a corpus has a config; what it dropped nothing for, it has none of."""
    try:
        return bool(len(_load(name, config, split)))
    except InputError:
        return False


def _without_traces(name: str, rows: Dataset, data: Data) -> Dataset:
    """The rows with answers without trace, asked for as `nercot evaluate --no-trace` does, or with their own prompt."""
    cot = {row["guid"]: row for row in _load(name, "cot", data.split).select_columns(list(_COLUMNS["cot"]))}

    def asked(row: dict[str, Any]) -> dict[str, Any]:
        record = cot.get(row["guid"])
        if record is None:
            raise InputError(f"{name}: the config cot lacks the row {row['guid']} of the config {data.config}")
        answer = _without_trace(row["completion"][-1]["content"])
        if data.answers == "plain-same-prompt":
            return {"answer": answer}
        asking = (record["sentence"], record["schema"], record["schema_descriptions"], default_template("answer"))
        return {"prompt": extract_messages(*asking), "answer": answer}

    return rows.map(asked, new_fingerprint=_fingerprint(rows, repr(data), name, default_template("answer")))


def _gold_answer(record: Mapping[str, Any]) -> str | None:
    """The source's own entities as an Answer, None where it has none."""
    if record["gold"] is None:
        return None
    entities = [Entity(item["text"], item["label"], item["start"], item["end"]) for item in record["gold"]]
    return render_answer(None, entities, record["schema"])


def _without_trace(answer: str) -> str:
    """An Answer's JSON: what follows the trace, which itself holds no think tag."""
    return answer.partition(f"\n{CLOSE}\n")[2] if answer.startswith(f"{OPEN}\n") else answer


def prompt_of(row: Mapping[str, Any], data: Data) -> list[dict[str, str]]:
    """The messages that the model is asked with."""
    messages = [dict(message) for message in row["prompt"]]
    if data.dataset_line:
        messages[-1]["content"] = f"This sentence is from {row['dataset']} dataset.\n\n{messages[-1]['content']}"
    return messages


def answer_of(row: Mapping[str, Any], data: Data) -> str | None:
    """The Answer that the model learns, verbatim; None where the source has no gold."""
    answer: str | None = row["completion"][-1]["content"] if data.answers == "trace" else row["answer"]
    return answer


def encode(tokenizer: Any, prompt: Sequence[Mapping[str, str]], answer: str) -> dict[str, Any]:
    """Token ids and labels of one row, and its fate: the labels are the answer's tokens and the end token.

    Labels of the prompt are -100.  The prompt's tokens are those that a server sends to the model.
    """
    asked = tokenizer.apply_chat_template(list(prompt), add_generation_prompt=True, return_dict=True)["input_ids"]
    whole = tokenizer.apply_chat_template(
        [*prompt, {"role": "assistant", "content": answer}], return_dict=True, return_assistant_tokens_mask=True
    )
    ids, mask = whole["input_ids"], whole["assistant_masks"]
    labels = [token if learned else -100 for token, learned in zip(ids, mask, strict=True)]
    return {"input_ids": ids, "labels": labels, "fate": _fate(tokenizer, asked, ids, labels, answer)}


def _fate(tokenizer: Any, asked: list[int], ids: list[int], labels: list[int], answer: str) -> str:
    learned = ids[len(asked) :]
    if ids[: len(asked)] != asked or labels != [-100] * len(asked) + learned or learned[-1] != tokenizer.eos_token_id:
        return "altered"
    if learned.count(tokenizer.eos_token_id) > 1:
        return "holds_end_token"
    back = tokenizer.decode(learned[:-1], clean_up_tokenization_spaces=False)
    if back == answer:
        return "kept"
    return "normalised" if back == unicodedata.normalize("NFC", answer) else "altered"


def prepare_sft(tokenizer: Any, data: Data, processes: int | None = None) -> Prepared:
    """The rows as `input_ids` and `labels`, which TRL's SFTTrainer takes as they are."""
    rows = load_rows(data)

    def encoded(row: dict[str, Any]) -> dict[str, Any]:
        answer = answer_of(row, data)
        if answer is None:
            return {"input_ids": [], "labels": [], "fate": "no_gold"}
        made = encode(tokenizer, prompt_of(row, data), answer)
        return {**made, "fate": "too_long"} if len(made["input_ids"]) > data.max_tokens else made

    key = _fingerprint(rows, repr(data), _state(tokenizer))
    made = rows.map(encoded, remove_columns=rows.column_names, num_proc=processes, new_fingerprint=key, desc="tokenize")
    return _kept(made, [len(ids) for ids in made["input_ids"]], [sum(x != -100 for x in ids) for ids in made["labels"]])


def prepare_grpo(tokenizer: Any, data: Data, processes: int | None = None) -> Prepared:
    """The rows with `prompt`, `gold`, `schema` and `dataset`, which TRL's GRPOTrainer takes as they are."""
    rows = load_rows(data)

    def measured(row: dict[str, Any]) -> dict[str, Any]:
        prompt = prompt_of(row, data)
        asked = tokenizer.apply_chat_template(prompt, add_generation_prompt=True, return_dict=True)["input_ids"]
        fate = "too_long" if len(asked) > data.max_tokens else "kept"
        return {
            "prompt": prompt,
            "tokens": len(asked),
            "gold_tokens": len(tokenizer(_gold_text(row))["input_ids"]),
            "fate": fate,
        }

    key = _fingerprint(rows, repr(data), _state(tokenizer))
    made = rows.map(measured, num_proc=processes, new_fingerprint=key, desc="measure")
    prepared = _kept(made, made["tokens"], made["gold_tokens"])
    return Prepared(
        prepared.rows.remove_columns(["tokens", "gold_tokens"]), prepared.lengths, prepared.fates, prepared.answers
    )


def _gold_text(row: Mapping[str, Any]) -> str:
    """The gold of a row as the Answer that earns everything; InputError for gold that no answer could reach."""
    gold = entities_of(row["gold"], gold=True)
    if gold is None:
        raise InputError(
            f"row {row['guid']}: its gold cannot be read, so no answer would earn anything; "
            "give an Answer, entities with text and label, or label -> mentions"
        )
    return row["gold"] if isinstance(row["gold"], str) else render_answer(None, gold, row["schema"])


def _state(tokenizer: Any) -> str:
    """All of a tokenizer that decides what it makes of a text."""
    return f"{tokenizer.backend_tokenizer.to_str()}{tokenizer.chat_template}{tokenizer.eos_token}"


def _fingerprint(rows: Dataset, *parts: str) -> str:
    """The name under which made rows are cached; the library would pickle the whole tokenizer to find one."""
    return hashlib.sha256("\0".join((rows._fingerprint, version("nercot"), *parts)).encode()).hexdigest()[:32]


def _kept(made: Dataset, lengths: Sequence[int], answers: Sequence[int]) -> Prepared:
    fates = list(made["fate"])
    rows = made.select([index for index, fate in enumerate(fates) if fate in _KEPT]).remove_columns("fate")
    if not len(rows):
        worst, count = Counter(fates).most_common(1)[0]
        raise InputError(f"no row is left to train on: {count} of {len(fates)} {FATES[worst]}")
    return Prepared(rows, list(lengths), Counter(fates), list(answers))
