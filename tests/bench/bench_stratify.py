"""CPU and memory of a draw of 4,703 rows from a tree of 600,000: `nercot build re-subset`, whole, in its own process.

    python tests/bench/bench_stratify.py [ROWS]

Makes the tree first (twenty datasets of unequal sizes).  Prints one JSON line: rows drawn and rows there, CPU seconds
and MB of the build, and, as a measure of the machine, CPU seconds and MB to load the training files with `json.load`
in a process of its own.  The paper's sampler took 19.7 CPU s and 990 MB on such a tree; the aim is no more CPU and at
most 0.4 of the memory, and exactly as many rows as asked.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import tempfile
from pathlib import Path

SIZE, DATASETS = 4703, 20
_WORDS = [f"{head}{tail}" for head in ("Ka", "lo", "Mi", "ren", "Sto", "vu", "dai", "pe") for tail in range(400)]
_LABELS = ["person", "organization", "location", "date", "product", "disease"]
_LOAD = "import json, sys\nfor path in sys.argv[1:]: json.load(open(path, encoding='utf-8'))"


def main() -> None:
    """Measures and prints."""
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 600_000
    with tempfile.TemporaryDirectory(prefix="nercot-bench-") as root:
        folder = Path(root)
        names = _tree(folder / "NER", rows)
        recipe = _recipe(folder / "bench.toml", names)
        train = [str(folder / "NER" / name / "train.json") for name in names]
        load_cpu, load_mb = _measured([sys.executable, "-c", _LOAD, *train])
        build = [sys.executable, "-m", "nercot", "build", str(recipe), "--input", str(folder / "NER")]
        cpu, mb = _measured([*build, "--out", str(folder / "build")])
        manifest = json.loads((folder / "build" / "re-subset" / "candidate" / "manifest.json").read_text())
    step = manifest["steps"][-1]
    figures = {"drawn": step["kept"], "rows": step["in"], "cpu_s": cpu, "mb": mb, "load_cpu_s": load_cpu}
    print(json.dumps({**figures, "load_mb": load_mb}))


def _measured(command: list[str]) -> tuple[float, float]:
    """CPU seconds and peak memory in MB of a process."""
    code = (
        "import json, resource, subprocess, sys\n"
        "subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)\n"
        "used = resource.getrusage(resource.RUSAGE_CHILDREN)\n"
        "print(json.dumps([round(used.ru_utime + used.ru_stime, 1), round(used.ru_maxrss / 1024)]))"
    )
    ran = subprocess.run([sys.executable, "-c", code, *command], check=True, capture_output=True, text=True)
    seconds, megabytes = json.loads(ran.stdout)
    return seconds, megabytes


def _tree(folder: Path, rows: int) -> list[str]:
    """Datasets of sizes like 1, 1/2, 1/3, ..., nine tenths of each for training."""
    weights = [1 / (number + 1) ** 0.7 for number in range(DATASETS)]
    names = [f"Made {number}" for number in range(DATASETS)]
    for name, weight in zip(names, weights, strict=True):
        draw = random.Random(name)
        listed = [_row(draw) for _ in range(round(rows * weight / sum(weights)))]
        tenth = len(listed) // 10
        (folder / name).mkdir(parents=True)
        for split, part in (("dev", listed[:tenth]), ("train", listed[tenth:])):
            (folder / name / f"{split}.json").write_text(json.dumps(part), encoding="utf-8")
        (folder / name / "labels.json").write_text(json.dumps(_LABELS), encoding="utf-8")
    return names


def _row(draw: random.Random) -> dict[str, object]:
    words = draw.choices(_WORDS, k=draw.randrange(10, 48))
    entities = [
        {"name": words[place], "type": draw.choice(_LABELS), "pos": [0, 0]}
        for place in sorted(draw.sample(range(len(words)), draw.choice((0, 1, 2, 3, 4))))
    ]
    return {"sentence": " ".join(words), "entities": entities}


def _recipe(path: Path, names: list[str]) -> Path:
    datasets = "".join(f"[source.datasets.{json.dumps(name)}]\n" for name in names)
    head = 'steps = ["stratify"]\n[corpus]\nname = "re-subset"\n[source]\nsplit = "train"\n'
    tail = f'[sample]\nsize = {SIZE}\n[select]\nduplicates = "off"\n'
    path.write_text(head + datasets + tail, encoding="utf-8")
    return path


if __name__ == "__main__":
    main()
