"""The paper's Table 2 for any model and corpus: what gold, answers, traces and RE each add.

    python training/ablation.py --benchmarks IE_INSTRUCTIONS/NER --out runs/ablation

In: an SFT and a GRPO config (their model and data), a folder of benchmarks, a command that serves a model.  Out:
`OUT/<row>/model` and `evaluation.json` for each row, `OUT/ablation.json`, and a table with the paper's column beside
ours.  What is done is not done again: a killed run goes on where it stood, in the middle of a training too.  Never
compares rows that were trained or measured differently: other settings need another --out.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import os
import shlex
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from settings import load_settings

from nercot.corpus.benchmarks import paper_table
from nercot.errors import InputError, NercotError, OutputError, ShortfallError

HERE = Path(__file__).parent
# With the template: a base model has none, or one that rewrites the Answer.
_SERVE = "vllm serve {model} --port {port} --served-model-name {name} --chat-template {template}"
_START_SECONDS = 1800


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the table: what it learns from (None: nothing), and whether it is asked to reason."""

    name: str
    title: str
    answers: str | None
    trace: bool


ROWS = (
    Row("base", "base", None, False),
    Row("gold", "SFT on Pile-NER", "gold", False),
    Row("plain", "NER-CoT without trace", "plain", False),
    Row("trace", "NER-CoT with trace", "trace", True),
    Row("re", "NER-CoT with trace + RE", None, True),
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
    parser.add_argument("--evaluate", default="--suite seven --set temperature=0", help="options of nercot evaluate")
    parser.add_argument("--launch", default=sys.executable, help="for example: accelerate launch --config_file FILE")
    parser.add_argument("--serve", default=_SERVE, help=f"default: {_SERVE}")
    parser.add_argument("--rows", default=",".join(row.name for row in ROWS), help="comma-separated")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR")
    return parser.parse_args()


def _chosen(arguments: argparse.Namespace) -> list[Row]:
    names = arguments.rows.split(",")
    known = {row.name: row for row in ROWS}
    if unknown := [name for name in names if name not in known]:
        raise InputError(f"--rows {unknown[0]}: there are {', '.join(known)}")
    return [row for row in ROWS if row.name in names]


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
    name, model = f"ablation-{row.name}", _trained(row, arguments)
    template = load_settings(arguments.sft, "sft", arguments.sft_set).template
    with _served(arguments.serve, model=model, name=name, template=str(template)) as url:
        command = [sys.executable, "-m", "nercot", "evaluate", "--url", url, "--model", name]
        command += ["--benchmarks", str(arguments.benchmarks), "--out", str(folder)]
        # A ledger of its own: it knows a model by its name alone.
        command += ["--ledger", str(folder / "ledger.sqlite"), "--trace" if row.trace else "--no-trace"]
        _run([*command, *shlex.split(arguments.evaluate)], f"{row.name}: nercot evaluate")


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
        _run([*command, *(part for value in values for part in ("--set", value))], f"{row.name}: {script}")
    if not (out / "model" / "adapter_config.json").is_file():
        return str(out / "model")
    # A server and the next stage want a whole model.
    if not (out / "final" / "README.md").is_file():
        _run([sys.executable, str(HERE / "finish.py"), str(out)], f"{row.name}: finish.py")
    return str(out / "final")


def _run(command: Sequence[str], what: str) -> None:
    """Runs a command; a ShortfallError where it fails, which said why itself."""
    # What others print is no part of the table.
    code = subprocess.run(command, check=False, stdout=sys.stderr, preexec_fn=_dying_with(os.getpid())).returncode
    if code:
        raise ShortfallError(f"{what} ended with {code}; mend what it says above, and run the same command again")


def _dying_with(parent: int) -> Callable[[], None]:
    """What a child does first: it ends with `parent`, or a killed one's training would go on beside the next run's."""

    def arrange() -> None:
        ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG
        if os.getppid() != parent:  # killed before that was said
            os._exit(1)

    return arrange if sys.platform == "linux" else lambda: None


@contextmanager
def _served(command_line: str, **places: str) -> Iterator[str]:
    """Serves a model on a free port while the body runs; gives its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    quoted = {key: shlex.quote(value) for key, value in places.items()}
    try:
        command = shlex.split(command_line.format(port=port, **quoted))
    except (KeyError, ValueError) as error:
        raise InputError(f"--serve {command_line!r}: it can have {{model}} {{port}} {{name}} {{template}}") from error
    try:
        dying = _dying_with(os.getpid())
        server = subprocess.Popen(command, start_new_session=True, stdout=sys.stderr, preexec_fn=dying)
    except OSError as error:
        raise InputError(
            f"--serve: {command[0]} cannot be run ({error.strerror}); install it, or name another"
        ) from error
    try:
        url = f"http://127.0.0.1:{port}/v1"
        _wait(url, server, command[0])
        yield url
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait()


def _wait(url: str, server: subprocess.Popen[bytes], name: str) -> None:
    end = time.monotonic() + _START_SECONDS
    while time.monotonic() < end:
        if server.poll() is not None:
            raise ShortfallError(f"--serve: {name} ended with {server.returncode} before it answered; see above")
        try:
            with urllib.request.urlopen(f"{url}/models", timeout=10):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(1)
    raise ShortfallError(f"--serve: {name} did not answer at {url} within {_START_SECONDS} s")


def _table(arguments: argparse.Namespace) -> str:
    """The table of all rows that are measured, in Markdown; also written as ablation.json."""
    paper = {row.model: row.average for row in paper_table("table2").rows}
    measured = [(row, _read(arguments.out / row.name / "evaluation.json")) for row in ROWS]
    rows = [
        {"row": row.name, "title": row.title, "paper_table_2": paper[row.title], **_figures(result)}
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
