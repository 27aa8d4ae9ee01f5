"""llama.cpp's server in this process: a GGUF file as a teacher or a judge, asked like any other server.

In: the path of a GGUF file, or of a file on the Hub.  Out: an address on loopback for as long as the
context lasts.  Needs the extra `local`; nothing heavy is imported before it is used.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

from nercot.corpus.recipe import Model
from nercot.errors import EndpointError, InputError

# Requests that a local model answers at a time: more share the same processors.
LOCAL_SLOTS = 2
# A prompt with a page of text and a long trace fit; every slot takes its share of memory.
_CONTEXT_TOKENS = 8192
_HUB_FILE = re.compile(r"([\w.-]+/[\w.-]+?)(?:@([\w.-]+))?/(.+\.gguf)")


def model_name(model: str) -> str:
    """What ledger and rows call the model: the name of its file, not where it lies."""
    return Path(model).name


def model_file(model: str) -> Path:
    """The GGUF file: a path, or `org/name[@revision]/FILE.gguf`, which is fetched from the Hub.  Raises InputError."""
    path = Path(model).expanduser()
    if path.is_file():
        return path
    match = _HUB_FILE.fullmatch(model)
    if match is None:
        raise InputError(f"{model} is not there: name a GGUF file, or one on the Hub as org/name/FILE.gguf")
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    repo, revision, name = match.groups()
    try:
        return Path(hf_hub_download(repo, name, revision=revision))
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError, ValueError) as error:
        reason = str(error).strip().splitlines()[0]
        raise InputError(f"{model} cannot be fetched from the Hub: {reason}: check its name, or give a path") from error


def served(model: Model, stack: ExitStack) -> Model:
    """The model; a local one behind an address of this machine, until the stack is closed."""
    if not model.file:
        return model
    url = stack.enter_context(serving(model.file, LOCAL_SLOTS))
    return replace(model, url=(url,), concurrency=LOCAL_SLOTS)


@contextmanager
def serving(model: str, slots: int) -> Iterator[str]:
    """Serves the model while the context lasts; gives the address for `teacher.url`.

    `slots`: how many requests are answered at a time, each with 8,192 tokens of context.  Raises
    EndpointError without the extra, or for a file that llama.cpp cannot load.
    """
    try:
        import xllamacpp
    except ImportError as error:
        raise EndpointError('a local model needs llama.cpp: pip install "nercot[local]"') from error
    path = model_file(model)
    params = xllamacpp.CommonParams()
    params.model.path = str(path)
    params.model_alias = {model_name(model)}
    params.n_parallel = slots
    params.n_ctx = _CONTEXT_TOKENS * slots
    # Its threads wait by spinning, so half of the cores get more done than all of them.
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = max(1, (os.cpu_count() or 1) // 2)
    params.verbosity = 0
    params.ui = False
    try:
        server = xllamacpp.Server(params)
    except RuntimeError as error:
        raise EndpointError(
            f"llama.cpp cannot load {path}: give a GGUF file of a chat model that fits in memory"
        ) from error
    try:
        yield f"{server.listening_address}/v1"
    finally:
        # The server ends with its object.
        del server
