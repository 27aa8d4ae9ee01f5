"""Small releases as the tests of publishing and reading need them: real Parquet files, card and manifest."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from datasets import Features
from huggingface_hub import DatasetCard, DatasetCardData

from nercot.corpus.records import content_guid
from nercot.corpus.tables import COLUMNS, table

Row = dict[str, Any]


def cot_rows(count: int, score: float = 9.0) -> list[Row]:
    """Rows of the config `cot`, one of them without entities."""
    return sorted((_cot_row(number, score) for number in range(count)), key=lambda row: row["guid"])


def _cot_row(number: int, score: float) -> Row:
    sentence, schema = f"Mara Lindqvist moved to house {number} in Oslo.", ["person", "location", "ship"]
    found = (
        [] if number == 0 else [_entity(sentence, "Mara Lindqvist", "person"), _entity(sentence, "Oslo", "location")]
    )
    sub = dict.fromkeys(("grounding", "boundary", "type", "completeness", "coherence", "score"), score)
    return {
        "guid": content_guid(sentence, schema, "made"),
        "dataset": "made",
        "split": "train",
        "license": "cc0-1.0",
        "sentence": sentence,
        "schema": schema,
        "gold": found,
        "cot": "She moves, so she is a person; one lives in Oslo.",
        "entities": found,
        "score": score,
        "judge": "unknown",
        "judgement": {**sub, "reason": ""},
    }


def _entity(sentence: str, text: str, label: str) -> Row:
    start = sentence.index(text)
    return {"text": text, "label": label, "start": start, "end": start + len(text), "match": "exact"}


def sft_rows(rows: list[Row]) -> list[Row]:
    """Rows of the config `sft` for rows of `cot`."""
    return [
        {
            "guid": row["guid"],
            "dataset": row["dataset"],
            "license": row["license"],
            "prompt": [{"role": "user", "content": row["sentence"]}],
            "completion": [{"role": "assistant", "content": row["cot"]}],
        }
        for row in rows
    ]


def make_release(
    folder: Path, version: str, configs: dict[str, list[Row]], kinds: dict[str, str] | None = None, **manifest: Any
) -> Path:
    """A release folder: one Parquet file a config, the first config is the default.

    `kinds`: whose columns a config has, where not those of its own name.
    """
    files, card = [], []
    for name, rows in configs.items():
        path = folder / name / "train-00000-of-00001.parquet"
        path.parent.mkdir(parents=True)
        kind = (kinds or {}).get(name, name)
        with table(path, kind) as out:
            for row in rows:
                out.add(row)
        files.append(_listed(folder, path, len(rows)))
        card.append((name, Features.from_arrow_schema(COLUMNS[kind]), len(rows)))
    (folder / "README.md").write_text(card_text(card, version), encoding="utf-8")
    (folder / "croissant.json").write_text("{}\n")
    (folder / "CHANGELOG.md").write_text(f"# {version}\n")
    written = {"corpus": "made", "version": version, "fingerprint": _print_of(configs), "files": files, **manifest}
    (folder / "manifest.json").write_text(json.dumps(written, indent=2) + "\n")
    return folder


def _listed(folder: Path, path: Path, rows: int) -> Row:
    return {"path": path.relative_to(folder).as_posix(), "sha256": sha256(path), "rows": rows}


def sha256(path: Path) -> str:
    """Of a file, in hex."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _print_of(configs: dict[str, list[Row]]) -> str:
    return hashlib.sha256(json.dumps(configs, sort_keys=True).encode()).hexdigest()


def card_text(configs: list[tuple[str, Features, int]], version: str) -> str:
    """A card with configs and the features of each."""
    listed = [
        {"config_name": name, "data_files": [{"split": "train", "path": f"{name}/train-*"}]} for name, _, _ in configs
    ]
    listed[0]["default"] = True
    info = [
        {
            "config_name": name,
            "version": version,
            "features": columns._to_yaml_list(),
            "splits": [{"name": "train", "num_examples": rows}],
        }
        for name, columns, rows in configs
    ]
    data = DatasetCardData(language=["en"], license="cc0-1.0", configs=listed, dataset_info=info)
    return str(DatasetCard(f"---\n{data.to_yaml()}\n---\n\n# made {version}\n"))


def tree(folder: Path) -> dict[str, str]:
    """Path -> sha256 of all files below a folder."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): sha256(path) for path in paths}
