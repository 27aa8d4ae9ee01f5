"""One Hub of our own for the whole run, and fresh caches: huggingface_hub and datasets read their environment
when they are imported, so it is set before any test module is."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hub_server import WRITER, HubServer, log_in
from hypothesis import HealthCheck, settings

# A machine that is busy with other things is no fault of a strategy.
settings.register_profile("nercot", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("nercot")

_HUB = pytest.StashKey[HubServer]()


def pytest_configure(config: pytest.Config) -> None:
    # Whatever starts this in the background ignores Ctrl-C, and so would every process of a test that sends one.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    folder = Path(tempfile.mkdtemp(prefix="nercot-tests-"))
    server = HubServer(folder / "hub").start()
    os.environ.update(
        HF_HOME=str(folder / "home"), HF_ENDPOINT=server.url, HF_HUB_DISABLE_XET="1", HF_HUB_DISABLE_TELEMETRY="1"
    )
    os.environ["NERCOT_CACHE"] = str(folder / "storages")
    for name in ("HF_TOKEN", "HF_HUB_CACHE", "HF_DATASETS_CACHE", "HF_TOKEN_PATH", "HF_HUB_OFFLINE"):
        os.environ.pop(name, None)
    config.stash[_HUB] = server


def pytest_unconfigure(config: pytest.Config) -> None:
    server = config.stash[_HUB]
    server.stop()
    shutil.rmtree(server.root.parent, ignore_errors=True)


@pytest.fixture
def hub(pytestconfig: pytest.Config) -> Iterator[HubServer]:
    """An empty Hub, an empty HF_HOME, and the writer of `org` logged in."""
    server = pytestconfig.stash[_HUB]
    server.reset()
    shutil.rmtree(os.environ["HF_HOME"], ignore_errors=True)
    log_in(WRITER)
    yield server
    server.reset()
