"""The paper's Figure 3: a trained model goes on with a share of one training set, over several draws.

    python training/few_shot.py --input CoNLL03/train.txt --benchmarks CoNLL03 --out runs/few-shot

In: a training set with gold, a folder with its test set, a config of SFT a share (configs/few-shot-*.toml).  Out:
`OUT/<share>/<seed>/model` and `evaluation.json`, `OUT/few-shot.json`, and a table: mean and spread (sample standard
deviation) over the draws, with the paper's figures beside them.  Like UIE, whose setup the paper follows, the draw is
repeated with other seeds; how often is ours (10), and so is the batch of 32, since the paper names neither and its 256
would be more rows than 1 % has.  The rows have no trace, so the model is asked to answer at once, in training and
afterwards; --trace measures the other way.  What is done is not done again.
"""

from __future__ import annotations

import argparse
import json
import shlex
import statistics
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from serving import HERE, SERVE, evaluated, run, whole_model
from settings import load_settings

from nercot.corpus.benchmarks import paper_table
from nercot.errors import InputError, NercotError, OutputError

SHARES = ("1", "5", "10")
_DATASET = "CoNLL03"


def main() -> int:
    """The command line; returns the exit code."""
    arguments = _arguments()
    try:
        _same_run(arguments)
        for share, seed in _draws(arguments):
            _one(share, seed, arguments)
        print(_table(arguments))
    except NercotError as error:
        print(f"Error: {error}", file=sys.stderr)
        return error.exit_code
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="The paper's Figure 3, over several draws.")
    parser.add_argument("--input", type=Path, required=True, metavar="PATH", help="the training set, in any format")
    parser.add_argument("--benchmarks", type=Path, required=True, metavar="DIR", help="as for nercot evaluate")
    parser.add_argument("--shares", default=",".join(SHARES), help="of configs/few-shot-*.toml, in per cent")
    parser.add_argument("--seeds", type=int, default=10, metavar="N", help="draws of each share (default: 10)")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="of the configs")
    parser.add_argument("--trace", action="store_true", help="measure with the prompt that asks for a trace")
    parser.add_argument("--evaluate", default="", help="more options of nercot evaluate")
    parser.add_argument("--launch", default=sys.executable, help="for example: accelerate launch --config_file FILE")
    parser.add_argument("--serve", default=SERVE, help=f"default: {SERVE}")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR")
    return parser.parse_args()


def _draws(arguments: argparse.Namespace) -> Iterator[tuple[str, int]]:
    for share in arguments.shares.split(","):
        if not _config(share).is_file():
            raise InputError(f"--shares {share}: there is no {_config(share).name}; there are {', '.join(SHARES)}")
        yield from ((share, seed) for seed in range(arguments.seeds))


def _config(share: str) -> Path:
    return HERE / "configs" / f"few-shot-{share}.toml"


def _same_run(arguments: argparse.Namespace) -> None:
    """Keeps what decides the figures; an OutputError where the folder holds other ones."""
    keys = ("input", "benchmarks", "set", "trace", "evaluate")
    asked = {key: json.loads(json.dumps(getattr(arguments, key), default=str)) for key in keys}
    path = arguments.out / "few-shot-asked.json"
    if path.is_file() and json.loads(path.read_text(encoding="utf-8")) != asked:
        raise OutputError(f"{arguments.out}: holds draws of other settings; give another --out")
    arguments.out.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(asked, indent=2) + "\n", encoding="utf-8")


def _one(share: str, seed: int, arguments: argparse.Namespace) -> None:
    """Draws, trains and measures, as far as that is not done."""
    folder = arguments.out / share / str(seed)
    if (folder / "evaluation.json").is_file():
        return
    name = f"few-shot-{share}-{seed}"
    print(f"{name}: {share} % of {arguments.input}, draw {seed}", file=sys.stderr)
    values = [f"data.name={_drawn(share, seed, name, arguments)}", f"train.seed={seed}", *arguments.set]
    if not (folder / "run.json").is_file():
        command = [*shlex.split(arguments.launch), str(HERE / "sft.py"), str(_config(share)), "--out", str(folder)]
        run([*command, *(part for value in values for part in ("--set", value))], f"{name}: sft.py")
    template = load_settings(_config(share), "sft", values).template
    options = ["--benchmarks", str(arguments.benchmarks), "--trace" if arguments.trace else "--no-trace"]
    options += shlex.split(arguments.evaluate)
    evaluated(whole_model(folder, name), name, folder, template, arguments.serve, options)


def _drawn(share: str, seed: int, name: str, arguments: argparse.Namespace) -> Path:
    """The candidate with the rows of one draw."""
    builds = arguments.out / "drawn"
    candidate = builds / name / "candidate"
    if not (candidate / "manifest.json").is_file():
        settings = (f"sample.size={int(share) / 100}", f"sample.seed={seed}", f"corpus.name={name}")
        command = [sys.executable, "-m", "nercot", "build", "few-shot", "--input", str(arguments.input)]
        command += ["--out", str(builds), *(part for value in settings for part in ("--set", value))]
        run(command, f"{name}: nercot build few-shot")
    return candidate.absolute()


def _table(arguments: argparse.Namespace) -> str:
    """Mean and spread of each share, in Markdown, with the paper's figures; also written as few-shot.json."""
    paper = {row.model: row.scores for row in paper_table("figure3").rows}
    rows = [_share(share, arguments.out / share) for share in SHARES if (arguments.out / share).is_dir()]
    (arguments.out / "few-shot.json").write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")
    mode = "asked to reason first" if arguments.trace else "asked to answer at once, as the rows are"
    heads = f"| share | draws | F1, exact: mean | spread | F1, paper's matching: mean | spread | {' | '.join(paper)} |"
    lines = [f"{_DATASET}, {mode}; batch as in the configs (ours).", "", heads, "|---|" + "--:|" * (5 + len(paper))]
    for row in rows:
        cells = [f"{row[mode][part]:.1f}" for mode in ("exact", "paper") for part in ("mean", "spread")]
        cells += [str(scores.get(f"{row['share']} %", "-")) for scores in paper.values()]
        lines.append(f"| {row['share']} % | {row['draws']} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _share(share: str, folder: Path) -> dict[str, Any]:
    files = sorted(folder.glob("*/evaluation.json"), key=lambda path: int(path.parent.name))
    found = [json.loads(path.read_text(encoding="utf-8"))["average"] for path in files]
    figures = {mode: [100 * average[mode] for average in found] for mode in ("exact", "paper")}
    return {"share": share, "draws": len(files), **{mode: _spread(values) for mode, values in figures.items()}}


def _spread(values: list[float]) -> dict[str, Any]:
    return {
        "mean": statistics.fmean(values),
        "spread": statistics.stdev(values) if len(values) > 1 else 0.0,
        "values": values,
    }


if __name__ == "__main__":
    sys.exit(main())
