"""The paper's Table 2 for any model and corpus: what gold, answers, traces and RE each add.

    python training/ablation.py --benchmarks IE_INSTRUCTIONS/NER --out runs/ablation

In: an SFT and a GRPO config (their model and data), a folder of benchmarks, a command that serves a model.  Out:
`OUT/<row>/model` and `evaluation.json` for each row, `OUT/ablation.json`, and a table with the paper's column beside
ours.  What is done is not done again: a killed run goes on where it stood, in the middle of a training too.  Never
compares rows that were trained or measured differently: other settings need another --out.

"SFT on Pile-NER" learns the whole source with its own labels, the rows that the corpus dropped among them.  Without
trace there are two rows: the paper's code asks with one prompt whether there is a trace or not, ours has a prompt of
its own for answers at once.  Each row is measured with the prompt that it was trained on.

Three more rows decide whether valid traces make better students: the same sentences and answers with the traces that
were kept, with those that the reader refused, and with none, of a corpus that has the config preference.
"""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from serving import HERE, SERVE, evaluated, run, whole_model
from settings import load_settings

from nercot.corpus.benchmarks import paper_table
from nercot.errors import InputError, NercotError, OutputError


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the table: what it learns from (None: nothing), whether it is asked to reason, the paper's row."""

    name: str
    title: str
    answers: str | None
    trace: bool
    paper: str | None = None


ROWS = (
    Row("base", "base", None, False, "base"),
    Row("gold", "SFT on the whole source, its own labels", "gold", False, "SFT on Pile-NER"),
    Row("plain", "NER-CoT without trace", "plain", False, "NER-CoT without trace"),
    Row("same", "NER-CoT without trace, same prompt", "plain-same-prompt", True, "NER-CoT without trace"),
    Row("trace", "NER-CoT with trace", "trace", True, "NER-CoT with trace"),
    Row("re", "NER-CoT with trace + RE", None, True, "NER-CoT with trace + RE"),
)


# Whether traces that the reader keeps teach better than those that it refuses: on request (--rows kept,refused,none).
STUDENTS = (
    Row("kept", "same sentences and answers, kept traces", "pairs-kept", True),
    Row("refused", "same sentences and answers, refused traces", "pairs-refused", True),
    Row("none", "same sentences and answers, no trace", "pairs-plain", True),
)


def main() -> int:
    """The command line; returns the exit code."""
    arguments = _arguments()
    try:
        _same_run(arguments)
        for row in _chosen(arguments):
            _row(row, arguments)
        print(_table(arguments))
    except NercotError as error:
        print(f"Error: {error}", file=sys.stderr)
        return error.exit_code
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="The paper's Table 2 for any model and corpus.")
    parser.add_argument("--sft", type=Path, default=HERE / "configs/qwen3-1.7b-sft-paper.toml", help="SFT config")
    parser.add_argument("--grpo", type=Path, default=HERE / "configs/qwen3-1.7b-grpo-paper.toml", help="GRPO config")
    parser.add_argument("--sft-set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--grpo-set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--benchmarks", type=Path, required=True, metavar="DIR", help="as for nercot evaluate")
    parser.add_argument("--evaluate", default="--suite seven", help="options of nercot evaluate")
    parser.add_argument("--launch", default=sys.executable, help="for example: accelerate launch --config_file FILE")
    parser.add_argument("--serve", default=SERVE, help=f"default: {SERVE}")
    parser.add_argument("--rows", default=",".join(row.name for row in ROWS), help="comma-separated")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR")
    return parser.parse_args()


def _chosen(arguments: argparse.Namespace) -> list[Row]:
    names = arguments.rows.split(",")
    known = {row.name: row for row in (*ROWS, *STUDENTS)}
    if unknown := [name for name in names if name not in known]:
        raise InputError(f"--rows {unknown[0]}: there are {', '.join(known)}")
    return [row for row in known.values() if row.name in names]


def _same_run(arguments: argparse.Namespace) -> None:
    """Keeps what decides the figures; an OutputError where the folder holds other ones."""
    keys = ("sft", "grpo", "sft_set", "grpo_set", "benchmarks", "evaluate")
    asked = {key: json.loads(json.dumps(getattr(arguments, key), default=str)) for key in keys}
    path = arguments.out / "ablation-asked.json"
    if path.is_file() and json.loads(path.read_text(encoding="utf-8")) != asked:
        raise OutputError(f"{arguments.out}: holds an ablation with other settings; give another --out")
    arguments.out.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    part.write_text(json.dumps(asked, indent=2) + "\n", encoding="utf-8")
    part.replace(path)


def _row(row: Row, arguments: argparse.Namespace) -> None:
    """Trains and measures one row, as far as that is not done."""
    folder = arguments.out / row.name
    if (folder / "evaluation.json").is_file():
        return
    print(f"{row.name}: {row.title}", file=sys.stderr)
    model = _trained(row, arguments)
    template = load_settings(arguments.sft, "sft", arguments.sft_set).template
    options = ["--benchmarks", str(arguments.benchmarks), "--trace" if row.trace else "--no-trace"]
    options += shlex.split(arguments.evaluate)
    evaluated(model, f"ablation-{row.name}", folder, template, arguments.serve, options)


def _trained(row: Row, arguments: argparse.Namespace) -> str:
    """The model of a row: the base, or what its training makes of it."""
    if row.name == "base":
        return load_settings(arguments.sft, "sft", arguments.sft_set).model.name
    out = arguments.out / row.name
    if not (out / "run.json").is_file():
        if row.name == "re":
            start = _trained(next(row for row in ROWS if row.name == "trace"), arguments)
            script, config, values = "grpo.py", arguments.grpo, [f"model.name={start}", *arguments.grpo_set]
        else:
            script, config, values = "sft.py", arguments.sft, [f"data.answers={row.answers}", *arguments.sft_set]
        command = [*shlex.split(arguments.launch), str(HERE / script), str(config), "--out", str(out)]
        run([*command, *(part for value in values for part in ("--set", value))], f"{row.name}: {script}")
    return whole_model(out, row.name)


def _table(arguments: argparse.Namespace) -> str:
    """The table of all rows that are measured, in Markdown; also written as ablation.json."""
    paper = {row.model: row.average for row in paper_table("table2").rows}
    measured = [(row, _read(arguments.out / row.name / "evaluation.json")) for row in (*ROWS, *STUDENTS)]
    rows = [
        {"row": row.name, "title": row.title, "paper_table_2": paper.get(row.paper or "", "-"), **_figures(result)}
        for row, result in measured
        if result is not None
    ]
    (arguments.out / "ablation.json").write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")
    lines = ["| row | datasets | F1, exact | F1, paper's matching | the paper (Qwen3-1.7B) |", "|---|--:|--:|--:|--:|"]
    lines += [
        f"| {row['title']} | {row['datasets']} | {row['exact']:.1f} | {row['paper']:.1f} | {row['paper_table_2']} |"
        for row in rows
    ]
    return "\n".join(lines)


def _figures(result: Mapping[str, Any]) -> dict[str, Any]:
    average = result["average"]
    return {"datasets": len(result["datasets"]), **{mode: 100 * average[mode] for mode in ("exact", "paper")}}


def _read(path: Path) -> dict[str, Any] | None:
    if not path.is_file():
        return None
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


if __name__ == "__main__":
    sys.exit(main())
