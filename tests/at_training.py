"""Makes training/ importable, and gives its tests small settings, data and a toy to work on."""

from __future__ import annotations

import multiprocessing
import os
import runpy
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
TRAINING = ROOT / "training"
CONFIGS = TRAINING / "configs"
THREADS = {"OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}
sys.path.insert(0, str(TRAINING))

_FORKED = multiprocessing.get_context("forkserver")
_FORKED.set_forkserver_preload(
    [
        *("trl.trainer.sft_trainer", "trl.trainer.grpo_trainer", "peft", "nercot.measure.rewards"),
        *("transformers.models.qwen3.modeling_qwen3", "transformers.models.llama.modeling_llama"),
    ]
)

COLUMNS = {
    "sft": ("guid", "dataset", "license", "prompt", "completion"),
    "cot": ("guid", "dataset", "sentence", "schema", "schema_descriptions", "gold"),
    "grpo": ("guid", "dataset", "prompt", "gold", "schema"),
}
COLUMNS["dropped"] = COLUMNS["cot"]


def write_corpus(folder: Path, config: str, rows: Sequence[Mapping[str, Any]]) -> Path:
    """A folder that holds one config as nercot writes it."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    (folder / config).mkdir(parents=True, exist_ok=True)
    entity = pa.struct([("text", pa.string()), ("label", pa.string()), ("start", pa.int32()), ("end", pa.int32())])
    message = pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))
    types = {
        "prompt": message,
        "completion": message,
        "schema": pa.list_(pa.string()),
        "schema_descriptions": pa.list_(pa.string()),
    }
    types["gold"] = pa.list_(entity) if config in ("cot", "dropped") else pa.string()
    schema = pa.schema([(name, types.get(name, pa.string())) for name in COLUMNS[config]])
    table = pa.Table.from_pylist([{name: row[name] for name in COLUMNS[config]} for row in rows], schema=schema)
    pq.write_table(table, folder / config / "train-00000-of-00001.parquet")
    return folder


def run(
    script: str, *arguments: object, folder: Path, ok: bool = True, seconds: float = 580
) -> subprocess.CompletedProcess[str]:
    """A script of training/ as a user runs it, in a process of its own, on one thread.

    The process is forked from one that has imported the libraries: five seconds of every start would go to that.
    """
    line = [str(TRAINING / script), *map(str, arguments)]
    with tempfile.TemporaryDirectory() as told:
        process = _FORKED.Process(target=_script, args=(line, str(folder), {**os.environ, **THREADS}, told))
        process.start()
        process.join(seconds)
        process.kill()
        process.join()
        out, err = ((Path(told) / name).read_text(encoding="utf-8") for name in ("out", "err"))
        done = subprocess.CompletedProcess(line, process.exitcode, out, err)
    assert not ok or done.returncode == 0, done.stderr[-3000:]
    return done


def _script(line: list[str], folder: str, environment: Mapping[str, str], told: str) -> None:
    """In the forked process: what `python SCRIPT ARGUMENTS` does."""
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    for name, standard in (("out", 1), ("err", 2)):
        os.dup2(os.open(Path(told) / name, os.O_WRONLY | os.O_CREAT), standard)
    sys.argv = line
    sys.path[:0] = [str(Path(line[0]).parent), *filter(None, environment.get("PYTHONPATH", "").split(os.pathsep))]
    runpy.run_path(line[0], run_name="__main__")


def corpus_row(number: int, cot: str | None = "Ann left, so she is a person.", length: int = 1) -> dict[str, Any]:
    """One row with the columns of all three configs; its gold has one entity more than its answer."""
    from nercot.corpus.records import Entity, content_guid
    from nercot.llm.prompts import extract_messages
    from nercot.validation.answers import render_answer

    sentence, schema = f"Ann left Oslo {number} times" + " again" * length, ["person", "place"]
    person, place = Entity("Ann", "person", 0, 3), Entity("Oslo", "place", 9, 13)
    gold = [{"text": item.text, "label": item.label, "start": item.start, "end": item.end} for item in (person, place)]
    return {
        "guid": content_guid(sentence, schema, "made"),
        "dataset": "made",
        "license": "cc0-1.0",
        "sentence": sentence,
        "schema": schema,
        "schema_descriptions": None,
        "gold": gold,
        "prompt": extract_messages(sentence, schema),
        "completion": [{"role": "assistant", "content": render_answer(cot, [person], schema)}],
    }


def grpo_row(number: int) -> dict[str, Any]:
    """The same row with the columns of the config grpo."""
    from nercot.corpus.records import Entity
    from nercot.validation.answers import render_answer

    row = corpus_row(number)
    return {**row, "gold": render_answer(None, [Entity("Ann", "person", 0, 3)], row["schema"])}
