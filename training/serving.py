"""What the tables that train and measure share: other programs that run and end with this one, a served model.

In: command lines.  Out: their success, or an error in one line.  Never leaves a training or a server behind: on Linux
they end with the process that started them, however it ends.
"""

from __future__ import annotations

import ctypes
import os
import shlex
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from nercot.errors import InputError, ShortfallError

HERE = Path(__file__).parent
# With the template: a base model has none, or one that rewrites the Answer.
SERVE = "vllm serve {model} --port {port} --served-model-name {name} --chat-template {template}"
_START_SECONDS = 1800


def run(command: Sequence[str], what: str) -> None:
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
def served(command_line: str, **places: str) -> Iterator[str]:
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


def whole_model(out: Path, what: str) -> str:
    """The folder of a run's model; an adapter is merged first, since a server and the next stage want a whole model."""
    if not (out / "model" / "adapter_config.json").is_file():
        return str(out / "model")
    if not (out / "final" / "README.md").is_file():
        run([sys.executable, str(HERE / "finish.py"), str(out)], f"{what}: finish.py")
    return str(out / "final")


def evaluated(model: str, name: str, folder: Path, template: Path, serve: str, options: Sequence[str]) -> None:
    """Serves a model and measures it with `nercot evaluate`; writes `folder/evaluation.json`."""
    with served(serve, model=model, name=name, template=str(template)) as url:
        command = [sys.executable, "-m", "nercot", "evaluate", "--url", url, "--model", name, "--out", str(folder)]
        # A ledger of its own: it knows a model by its name alone.
        run([*command, "--ledger", str(folder / "ledger.sqlite"), *options], f"{name}: nercot evaluate")
