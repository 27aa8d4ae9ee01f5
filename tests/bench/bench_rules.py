"""What validation costs: rows per CPU second, beside a compiled JSON schema with a substring check, in one run.

    python tests/bench/bench_rules.py [ROWS.jsonl] [-n 5000]

ROWS: objects with sentence, schema and completion (and reasoning); without a file, rows are made up here: traces of
about 1,500 characters that name every mention and its type between sentences that name nothing.  Prints one line a
measurement and the ratio to fastjsonschema (needs `pip install fastjsonschema`; left out without it).
"""

from __future__ import annotations

import argparse
import json
import random
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from nercot.corpus.records import RULES, Answer, Record
from nercot.validation.rules import validate

SHAPE = ("malformed", "type_not_in_schema", "not_in_sentence", "duplicate")
SYLLABLES = ("ka", "lo", "mi", "ren", "stu", "va", "dor", "el", "fi", "gan", "hos", "tu")
TYPES = ("person", "organization", "location", "date", "event", "product", "disease", "chemical", "gene", "song")
ARGUES = (
    'Next there is "{m}". The words around it treat it as a {t}, so I take it as {t}. ',
    '"{m}" can be read in only one way here, and that is as a {t}. ',
    "{m}: its form and its place in the sentence point to a {t} → {t}. ",
)
FILLS = (
    "I go on with the words that follow. ",
    "Verbs and small words carry nothing for this task. ",
    "The border of the span was looked at once more, from both sides. ",
    "What stands around it is plain vocabulary. ",
)


def made_up(count: int, seed: int = 0) -> Iterator[dict[str, Any]]:
    """Rows of one to six mentions, with traces of about 1,500 characters."""
    draw = random.Random(seed)
    for _ in range(count):
        words = ["".join(draw.choices(SYLLABLES, k=draw.randint(1, 3))) for _ in range(24)]
        schema = sorted(draw.sample(TYPES, 5))
        entities: dict[str, list[str]] = {}
        trace = ""
        for at in sorted(draw.sample(range(0, 24, 3), draw.randint(1, 6))):
            words[at] = words[at].capitalize() + str(at)
            label = draw.choice(schema)
            entities.setdefault(label, []).append(words[at])
            trace += draw.choice(ARGUES).format(m=words[at], t=label)
        while len(trace) < 1500:
            trace += draw.choice(FILLS)
        body = json.dumps({"entities": entities}, indent=2)
        yield {"sentence": " ".join(words), "schema": schema, "completion": f"<think>\n{trace}\n</think>\n{body}"}


def rate(rows: Sequence[Any], check: Callable[[Any], bool], rounds: int = 3) -> tuple[float, int]:
    """(rows per CPU second, the best of `rounds`; rows for which the check holds)."""
    best, passed = 0.0, 0
    for _ in range(rounds):
        start = time.process_time()
        passed = sum(map(check, rows))
        best = max(best, len(rows) / (time.process_time() - start))
    return best, passed


def compiled_schema() -> Callable[[dict[str, Any]], bool] | None:
    """JSON by a compiled schema, labels and mentions by `in`: the peer with the fewest checks."""
    try:
        import fastjsonschema
    except ImportError:
        return None
    lists = {"type": "object", "additionalProperties": {"type": "array", "items": {"type": "string"}}}
    compiled = fastjsonschema.compile({"type": "object", "required": ["entities"], "properties": {"entities": lists}})

    def check(row: dict[str, Any]) -> bool:
        try:
            listed = compiled(json.loads(row["completion"].rpartition("</think>")[2]))["entities"]
        except ValueError:
            return False
        return all(
            label in row["schema"] and all(mention in row["sentence"] for mention in mentions)
            for label, mentions in listed.items()
        )

    return check


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("rows", nargs="?", type=Path)
    parser.add_argument("-n", type=int, default=5000)
    options = parser.parse_args()
    if options.rows is None:
        rows = list(made_up(options.n))
    else:
        rows = [json.loads(line) for line in options.rows.read_text(encoding="utf-8").splitlines()[: options.n]]
    records = [
        Record(
            "", "", row["sentence"], tuple(row["schema"]), answer=Answer("", row["completion"], row.get("reasoning"))
        )
        for row in rows
    ]
    peer = compiled_schema()
    base = rate(rows, peer) if peer is not None else None
    measured = {"parse, schema, grounding": SHAPE, "all rules": RULES}
    if base is not None:
        print(f"fastjsonschema: {base[0]:,.0f} rows per CPU second, {base[1]} of {len(rows)} pass")
    for name, rules in measured.items():
        speed, passed = rate(records, lambda record, rules=rules: validate(record, rules).valid)  # type: ignore[misc]
        ratio = f", {speed / base[0]:.3f} of fastjsonschema" if base is not None else ""
        print(f"{name}: {speed:,.0f} rows per CPU second, {passed} of {len(rows)} pass{ratio}")


if __name__ == "__main__":
    main()
