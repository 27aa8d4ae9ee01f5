"""CPU seconds of the metrics and rewards, beside seqeval where it can be imported: one run, one machine.

    python tests/bench/bench_metrics.py [ROWS]

Prints one JSON line: seconds from answers (traces of 1,500 characters) in both modes, seqeval's on the tags of
as many sentences, their ratio (at most 1.4 is the aim), and seconds for the rewards of 384 x 16 completions.
"""

from __future__ import annotations

import json
import random
import sys
import time
from collections.abc import Callable

from nercot.measure.rewards import f1_reward, schema_reward
from nercot.validation.spans import micro_f1

LABELS = ("person", "organization", "location", "date", "product", "disease")
THOUGHT = "The words around it decide which of the types fits, so I read the sentence once more before I go on. "


def main() -> None:
    """Measures and prints."""
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 50_000
    draw = random.Random(1)
    golds, answers, tags, guesses = zip(*(_row(draw) for _ in range(rows)), strict=True)
    figures: dict[str, float] = {
        "rows": rows,
        "paper": _seconds(lambda: micro_f1(answers, golds, "paper")),
        "exact": _seconds(lambda: micro_f1(answers, golds, "exact")),
        "rewards": _seconds(lambda: _rewards(answers[: 384 * 16], golds[: 384 * 16])),
    }
    try:
        from seqeval.metrics import f1_score
    except ImportError:
        print("seqeval cannot be imported here: no ratio", file=sys.stderr)
    else:
        figures["seqeval"] = _seconds(lambda: f1_score(list(tags), list(guesses)))
        figures["ratio"] = figures["paper"] / figures["seqeval"]
    print(json.dumps({name: round(value, 3) for name, value in figures.items()}))


def _row(draw: random.Random) -> tuple[dict[str, list[str]], str, list[str], list[str]]:
    """(gold, answer, gold tags, tags of the answer) of one sentence of 24 words."""
    gold: dict[str, list[str]] = {}
    found: dict[str, list[str]] = {}
    tags, guesses = ["O"] * 24, ["O"] * 24
    for at in range(0, 4 * draw.randrange(6), 4):
        size, label, guess = draw.choice((1, 2, 3)), draw.choice(LABELS), draw.choice(LABELS)
        guess = label if draw.random() < 0.9 else guess
        mention = " ".join(f"Word{draw.randrange(30_000)}" for _ in range(size))
        gold.setdefault(label, []).append(mention)
        found.setdefault(guess, []).append(mention)
        tags[at : at + size] = _tags(label, size)
        guesses[at : at + size] = _tags(guess, size)
    body = json.dumps({"entities": found}, indent=2)
    return gold, f"<think>\n{THOUGHT * 15}\n</think>\n{body}", tags, guesses


def _tags(label: str, size: int) -> list[str]:
    return [f"B-{label}", *[f"I-{label}"] * (size - 1)]


def _rewards(answers: tuple[str, ...], golds: tuple[dict[str, list[str]], ...]) -> None:
    for answer, gold in zip(answers, golds, strict=True):
        text = json.dumps({"entities": gold})
        f1_reward(answer, text, LABELS)
        schema_reward(answer, text, LABELS)


def _seconds(work: Callable[[], object]) -> float:
    """The median CPU time of three runs."""
    times = []
    for _ in range(3):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return sorted(times)[1]


if __name__ == "__main__":
    main()
