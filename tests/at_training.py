"""Makes training/ importable, and gives its tests small settings, data and a toy to work on."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
TRAINING = ROOT / "training"
CONFIGS = TRAINING / "configs"
sys.path.insert(0, str(TRAINING))

COLUMNS = {"sft": ("guid", "dataset", "license", "prompt", "completion"), "cot": ("guid", "schema", "gold"),
           "grpo": ("guid", "dataset", "prompt", "gold", "schema")}


def write_corpus(folder: Path, config: str, rows: Sequence[Mapping[str, Any]]) -> Path:
    """A folder that holds one config as nercot writes it."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    (folder / config).mkdir(parents=True, exist_ok=True)
    entity = pa.struct([("text", pa.string()), ("label", pa.string()), ("start", pa.int32()), ("end", pa.int32())])
    message = pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))
    types = {"prompt": message, "completion": message, "schema": pa.list_(pa.string())}
    types["gold"] = pa.list_(entity) if config == "cot" else pa.string()
    schema = pa.schema([(name, types.get(name, pa.string())) for name in COLUMNS[config]])
    table = pa.Table.from_pylist([{name: row[name] for name in COLUMNS[config]} for row in rows], schema=schema)
    pq.write_table(table, folder / config / "train-00000-of-00001.parquet")
    return folder


def run(script: str, *arguments: object, folder: Path, ok: bool = True) -> subprocess.CompletedProcess[str]:
    """A script of training/ as a user runs it, on one thread."""
    done = subprocess.run(
        [sys.executable, str(TRAINING / script), *map(str, arguments)],
        cwd=folder,
        env={**os.environ, "OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"},
        capture_output=True,
        text=True,
        timeout=580,
    )
    assert not ok or done.returncode == 0, done.stderr[-3000:]
    return done
