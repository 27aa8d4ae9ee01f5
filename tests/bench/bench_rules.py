"""What validation costs: rows per CPU second, beside a compiled JSON schema and an earlier commit, in one run.

    python tests/bench/bench_rules.py [ROWS.jsonl] [-n 3000] [--against COMMIT]

ROWS: objects with sentence, schema and completion (and reasoning); without a file, rows are made up here, in English,
Chinese, Arabic and accented Latin: traces of about 1,500 characters that name every mention and its type between
sentences that name nothing.  Prints one line a measurement, the ratio to fastjsonschema (needs `pip install
fastjsonschema`), and with --against the ratio to that commit, which is checked out into a temporary folder and
measured in turns with this one.

Seen on two cores that others used as well (2026-12-01), so the ratios of one run count: parse, schema and grounding
0.33 to 0.49 of fastjsonschema, below the aim of 0.5; all rules on English rows 7,300 to 13,300 rows per CPU second (88
times the rules of 0.1.0), below the aim of 15,000; on Chinese 7,000 to 7,800, Arabic 6,600 to 6,800, accented Latin
6,600 to 7,200, above that of 5,000.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

SHAPE = ("malformed", "type_not_in_schema", "not_in_sentence", "duplicate")
TYPES = ("person", "organization", "location", "date", "event", "product", "disease", "chemical", "gene", "song")
ROUNDS = 3


class Tongue(NamedTuple):
    """What made-up rows are put together from; `joint`: what stands between words."""

    syllables: tuple[str, ...]
    joint: str
    argues: tuple[str, ...]
    fills: tuple[str, ...]


TONGUES = {
    "english": Tongue(
        ("ka", "lo", "mi", "ren", "stu", "va", "dor", "el", "fi", "gan", "hos", "tu"),
        " ",
        (
            'Next there is "{m}". The words around it treat it as a {t}, so I take it as {t}. ',
            '"{m}" can be read in only one way here, and that is as a {t}. ',
            "{m}: its form and its place in the sentence point to a {t} → {t}. ",
        ),
        (
            "I go on with {w}, which is plain vocabulary. ",
            "The word {w} carries nothing for this task. ",
            "The border at {w} was looked at once more, from both sides. ",
        ),
    ),
    "chinese": Tongue(
        tuple("山水明天地人风云江海石林金木火土春秋东西南北"),
        "",
        ("接下来看“{m}”，从上下文来看它属于{t}，所以我把它标为{t}。", "“{m}”在句子里只能理解为{t}这一类。"),
        ("接着看{w}，它只是普通的词，不属于任何类型。", "{w}的边界我又检查了一遍，前后都没有问题。"),
    ),
    "arabic": Tongue(
        ("با", "تو", "مي", "رن", "سو", "كا", "دار", "لي", "في", "جن", "هو", "طا"),
        " ",
        ("ثم نجد «{m}» والسياق يدل على أنه {t} فأختاره كذلك. ", "أما {m} فلا يمكن فهمه في الجملة إلا بأنه {t}. "),
        ("الكلمة {w} عادية ولا تسمي شيئا. ", "نظرت مرة أخرى إلى حدود {w} من الجهتين. "),
    ),
    "accented": Tongue(
        ("ká", "ló", "mí", "řen", "štu", "vá", "dör", "él", "fí", "gån", "hôs", "tű"),
        " ",
        ("Dále je tu „{m}“; podle okolních slov jde o {t}, beru ho tedy jako {t}. ", "„{m}“ lze číst jen jako {t}. "),
        ("Slovo {w} tu nic nepojmenovává. ", "Hranici u {w} jsem si ověřil ještě jednou z obou stran. "),
    ),
}


def made_up(count: int, tongue: Tongue = TONGUES["english"], seed: int = 0) -> Iterator[dict[str, Any]]:
    """Rows of one to six mentions, with traces of about 1,500 characters."""
    draw = random.Random(seed)
    for _ in range(count):
        words = ["".join(draw.choices(tongue.syllables, k=draw.randint(2, 3))) for _ in range(24)]
        schema = sorted(draw.sample(TYPES, 5))
        entities: dict[str, list[str]] = {}
        trace = ""
        for at in sorted(draw.sample(range(0, 24, 3), draw.randint(1, 6))):
            words[at] = words[at].capitalize() + str(at)
            label = draw.choice(schema)
            entities.setdefault(label, []).append(words[at])
            trace += draw.choice(tongue.argues).format(m=words[at], t=label)
        while len(trace) < 1500:
            trace += draw.choice(tongue.fills).format(w=draw.choice(words))
        body = json.dumps({"entities": entities}, indent=2, ensure_ascii=False)
        sentence = tongue.joint.join(words)
        yield {"sentence": sentence, "schema": schema, "completion": f"<think>\n{trace}\n</think>\n{body}"}


def rate(rows: Sequence[Any], check: Callable[[Any], bool]) -> tuple[float, int]:
    """(rows per CPU second, the best of ROUNDS; rows for which the check holds)."""
    best, passed = 0.0, 0
    for _ in range(ROUNDS):
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


def measure(rows: Sequence[dict[str, Any]]) -> dict[str, tuple[float, int]]:
    """The figures of whichever nercot is imported, and of the peer."""
    try:
        from nercot.corpus.records import Answer, Record
        from nercot.validation.rules import validate
    except ImportError:  # the layout of 0.1.0
        from nercot.records import Answer, Record  # type: ignore[no-redef,import-not-found]
        from nercot.rules import validate  # type: ignore[no-redef,import-not-found]
    answered = [
        (row["sentence"], tuple(row["schema"]), Answer("", row["completion"], row.get("reasoning"))) for row in rows
    ]
    records = [Record("", "", sentence, schema, answer=answer) for sentence, schema, answer in answered]
    found = {}
    if (peer := compiled_schema()) is not None:
        found["fastjsonschema"] = rate(rows, peer)
    found["parse, schema, grounding"] = rate(records, lambda record: validate(record, SHAPE).valid)
    found["all rules"] = rate(records, lambda record: validate(record).valid)
    return found


def measured_apart(folder: Path, rows: Path, count: int) -> dict[str, tuple[float, int]]:
    """The figures of the nercot in a folder, from a process of its own."""
    command = [sys.executable, __file__, str(rows), "-n", str(count), "--measure"]
    done = subprocess.run(
        command, env={**os.environ, "PYTHONPATH": str(folder)}, capture_output=True, text=True, check=True
    )
    return {name: (speed, passed) for name, (speed, passed) in json.loads(done.stdout).items()}


def compare(rows: Path, count: int, before: Path | None) -> None:
    """Measures and prints, this nercot and the one before in turns."""
    here = Path(__file__).parents[2]
    now = measured_apart(here, rows, count)
    old = measured_apart(before, rows, count) if before else {}
    again = measured_apart(here, rows, count)
    now = {name: max(now[name], again[name]) for name in now}
    peer = now.get("fastjsonschema")
    for name, (speed, passed) in now.items():
        ratios = f", {speed / peer[0]:.3f} of fastjsonschema" if peer and peer[0] != speed else ""
        ratios += f", {speed / old[name][0]:.1f} times the earlier commit ({old[name][0]:,.0f})" if name in old else ""
        print(f"{name}: {speed:,.0f} rows per CPU second, {passed} of {count} pass{ratios}", flush=True)


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("rows", nargs="?", type=Path)
    parser.add_argument("-n", type=int, default=3000)
    parser.add_argument("--against", metavar="COMMIT")
    parser.add_argument("--measure", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        lines = options.rows.read_text(encoding="utf-8").splitlines()[: options.n]
        print(json.dumps(measure([json.loads(line) for line in lines])))
        return
    with tempfile.TemporaryDirectory() as folder:
        before = Path(folder) / "before" if options.against else None
        if before is not None:
            repository = ["git", "-C", str(Path(__file__).parents[2])]
            subprocess.run([*repository, "worktree", "add", "--detach", "-f", str(before), options.against], check=True)
        try:
            sets: dict[str, Tongue | None] = {"": None} if options.rows else dict(TONGUES)
            for name, tongue in sets.items():
                path = options.rows or Path(folder) / f"{name}.jsonl"
                if tongue is not None:
                    print(f"--- {name}", flush=True)
                    made = made_up(options.n, tongue)
                    path.write_text("".join(json.dumps(row) + "\n" for row in made), encoding="utf-8")
                compare(path, options.n, before)
        finally:
            if before is not None:
                subprocess.run([*repository, "worktree", "remove", "--force", str(before)], check=True)


if __name__ == "__main__":
    main()
