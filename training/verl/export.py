"""The `grpo` config of a corpus -> the two Parquet files that verl reads.

    python training/verl/export.py build/re-subset/candidate data/verl --dev 200

In: a corpus with the config grpo (folder or Hub id).  Out: `train.parquet` and `dev.parquet` with verl's columns
(data_source, prompt, ability, reward_model, extra_info); the schema goes into extra_info, where
`nercot.rewards.compute_score` looks for it, so the schema term is kept.  The dev rows are the corpus' own validation
split, or else those whose guid hashes lowest: the same rows whatever the order.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import pyarrow as pa
import pyarrow.parquet as pq
from rows import load_rows
from settings import Data

from nercot.errors import InputError, NercotError

_TEXT = pa.string()
_SCHEMA = pa.schema(
    {
        "data_source": _TEXT,
        "prompt": pa.list_(pa.struct({"role": _TEXT, "content": _TEXT})),
        "ability": _TEXT,
        "reward_model": pa.struct({"style": _TEXT, "ground_truth": _TEXT}),
        "extra_info": pa.struct({"guid": _TEXT, "split": _TEXT, "schema": pa.list_(_TEXT)}),
    }
)


def export(name: str, out: Path, dev: int) -> tuple[int, int]:
    """Writes both files; returns their rows (train, dev)."""
    train, held_out = _split(name, dev)
    out.mkdir(parents=True, exist_ok=True)
    for split, rows in (("train", train), ("dev", held_out)):
        table = pa.Table.from_pylist([_row(row, split) for row in rows], schema=_SCHEMA)
        pq.write_table(table, out / f"{split}.parquet")
    return len(train), len(held_out)


def _split(name: str, dev: int) -> tuple[list[Mapping[str, Any]], list[Mapping[str, Any]]]:
    rows = list(load_rows(Data(name, max_tokens=1, config="grpo")))
    try:
        return rows, list(load_rows(Data(name, max_tokens=1, config="grpo", split="validation")))
    except InputError:  # the corpus has no validation split
        if dev >= len(rows):
            raise InputError(f"--dev {dev}: {name} has {len(rows)} rows, so none would be left to train on") from None
    chosen = {row["guid"] for row in sorted(rows, key=_drawn)[:dev]}
    return [row for row in rows if row["guid"] not in chosen], [row for row in rows if row["guid"] in chosen]


def _drawn(row: Mapping[str, Any]) -> str:
    return hashlib.sha256(f"dev {row['guid']}".encode()).hexdigest()


def _row(row: Mapping[str, Any], split: str) -> dict[str, Any]:
    return {
        "data_source": row["dataset"],
        "prompt": row["prompt"],
        "ability": "named entity recognition",
        "reward_model": {"style": "rule", "ground_truth": row["gold"]},
        "extra_info": {"guid": row["guid"], "split": split, "schema": row["schema"]},
    }


def main(arguments: Iterable[str] | None = None) -> int:
    """The command line; returns the exit code."""
    parser = argparse.ArgumentParser(description="The grpo config of a corpus as verl reads it.")
    parser.add_argument("corpus", help="a folder or a Hub id (org/name[@revision])")
    parser.add_argument("out", type=Path)
    parser.add_argument("--dev", type=int, default=200, help="rows of dev.parquet where the corpus has no validation")
    asked = parser.parse_args(None if arguments is None else list(arguments))
    try:
        train, dev = export(asked.corpus, asked.out, asked.dev)
    except NercotError as error:
        print(f"Error: {error}", file=sys.stderr)
        return error.exit_code
    print(f"{asked.out}: train.parquet {train:,} rows, dev.parquet {dev:,} rows")
    return 0


if __name__ == "__main__":
    sys.exit(main())
