"""CPU seconds and peak memory of near-duplicate detection, beside plain rensa: one run, one machine.

    python tests/bench/bench_duplicates.py ROWS.parquet [ROWS]

ROWS.parquet has a column `sentence`.  Plain rensa (128 hashes, 16 bands, query before insert) finds who might
resemble an earlier one; ours finds it and confirms it word by word.  Each runs in a process of its own, on
sentences in memory, RUNS times by turns.  Prints one JSON line, of the median runs: seconds, MB above the
sentences, rows found, and the ratio of the seconds (at most 1.5 is the aim, and at most 1,000 MB more).
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pyarrow.parquet as pq

RUNS = 3


def main() -> None:
    """Measures both, each in a fresh process, and prints."""
    source, rows = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else "0"
    runs = [(_measure("rensa", source, rows), _measure("ours", source, rows)) for _ in range(RUNS)]
    rensa, ours = (sorted(side, key=lambda run: run["cpu_s"])[RUNS // 2] for side in zip(*runs, strict=True))
    print(json.dumps({"rensa": rensa, "ours": ours, "cpu_ratio": round(ours["cpu_s"] / rensa["cpu_s"], 2)}))


def _measure(name: str, source: str, rows: str) -> dict[str, float]:
    command = [sys.executable, __file__, "--one", name, source, rows]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    measured: dict[str, float] = json.loads(done.stdout)
    return measured


def one(name: str, source: str, rows: int) -> dict[str, float]:
    """Runs one of the two."""
    sentences = pq.read_table(source, columns=["sentence"])["sentence"].to_pylist()
    sentences = sentences[: rows or len(sentences)]
    before, start = _memory("VmRSS"), time.process_time()
    found = _rensa(sentences) if name == "rensa" else _ours(sentences)
    spent = time.process_time() - start
    return {
        "rows": len(sentences),
        "cpu_s": round(spent, 2),
        "mb": round(_memory("VmHWM") - before),
        "found": found,
    }


def _memory(what: str) -> float:
    """VmRSS (now) or VmHWM (peak) of this process in MB."""
    status = Path("/proc/self/status").read_text()
    return next(int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith(what))


def _rensa(sentences: list[str]) -> int:
    import rensa

    index = rensa.RMinHashLSH(threshold=0.8, num_perm=128, num_bands=16)
    found = 0
    for number, sentence in enumerate(sentences):
        signature = rensa.RMinHash(num_perm=128, seed=1)
        signature.update(sentence.lower().split())
        if index.query(signature):
            found += 1
        else:
            index.insert(number, signature)
    return found


def _ours(sentences: list[str]) -> int:
    from nercot.steps.duplicates import near_duplicates

    return len(near_duplicates(lambda: sentences))


if __name__ == "__main__":
    if sys.argv[1] == "--one":
        print(json.dumps(one(sys.argv[2], sys.argv[3], int(sys.argv[4]))))
    else:
        main()
