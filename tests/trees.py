"""Small InstructUIE trees of our own, and what is in them."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from nercot.corpus.benchmarks import suite

LABELS = ("person", "city", "ship")
# The folders of the paper's twenty, as InstructUIE names them.
TWENTY = tuple(benchmark.folder for benchmark in suite("twenty"))


def entity(sentence: str, name: str, label: str) -> dict[str, Any]:
    start = sentence.index(name)
    return {"name": name, "type": label, "pos": [start, start + len(name)]}


def row(dataset: str, number: int) -> dict[str, Any]:
    """A row with, by turns, no entity, one and two."""
    sentence = f"Mara{number} of {dataset} sailed to Oslo{number} today."
    found = [entity(sentence, f"Mara{number}", "person"), entity(sentence, f"Oslo{number}", "city")]
    return {"sentence": sentence, "entities": found[: number % 3]}


def rows(dataset: str, count: int) -> list[dict[str, Any]]:
    return [row(dataset, number) for number in range(count)]


def write_dataset(folder: Path, train: Sequence[Any], labels: Sequence[str] = LABELS, **splits: Sequence[Any]) -> None:
    folder.mkdir(parents=True)
    for name, listed in {"train": train, **splits}.items():
        (folder / f"{name}.json").write_text(json.dumps(listed), encoding="utf-8")
    (folder / "labels.json").write_text(json.dumps(labels), encoding="utf-8")


def write_tree(folder: Path, counts: Mapping[str, int]) -> Path:
    """A tree with so many training rows of each dataset, and ten of development."""
    for dataset, count in counts.items():
        write_dataset(folder / dataset, rows(dataset, count), dev=rows(f"{dataset} dev", 10))
    return folder


def twenty(folder: Path, seed: int = 0) -> Path:
    """A tree of the paper's twenty datasets, of unequal sizes."""
    draw = random.Random(seed)
    return write_tree(folder, {name: draw.randrange(5, 60) for name in TWENTY})


def shuffled(folder: Path, copy: Path, seed: int) -> Path:
    """The same rows in another order of files and rows."""
    draw = random.Random(seed)
    names = [path.name for path in folder.iterdir()]
    draw.shuffle(names)
    for name in names:
        listed = json.loads((folder / name / "train.json").read_text())
        draw.shuffle(listed)
        write_dataset(copy / name, listed)
    return copy


def recipe(path: Path, base: str, datasets: Sequence[str], **keys: Any) -> Path:
    """A recipe of the corpus `base` with datasets of its own; keys as `sample__size=10`."""
    import tomllib

    from nercot.corpus.resources import resource

    data = tomllib.loads(resource("corpora", f"{base}.toml").read_text(encoding="utf-8"))
    data["source"]["datasets"] = {name: {} for name in datasets}
    for key, value in keys.items():
        table, _, name = key.partition("__")
        data.setdefault(table, {})[name] = value
    path.write_text("".join(_toml(data)), encoding="utf-8")
    return path


def _toml(data: Mapping[str, Any]) -> list[str]:
    plain = [f"{key} = {_value(value)}\n" for key, value in data.items() if not isinstance(value, dict)]
    tables = [
        f"[{name}]\n" + "".join(f"{json.dumps(key)} = {_value(value)}\n" for key, value in table.items())
        for name, table in data.items()
        if isinstance(table, dict)
    ]
    return [*plain, *tables]


def _value(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)} = {_value(item)}" for key, item in value.items()) + "}"
    return json.dumps(value, ensure_ascii=False)
