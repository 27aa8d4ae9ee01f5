"""Hub dataset -> folder, through huggingface_hub's own cache and login; and what the Hub's refusals mean.

In: `org/name`, a revision (branch, tag or commit), a config.  Out: a folder with README.md, manifest.json
and the data files of that config.  A full commit whose files are all in the cache needs no network.
`Patience` and `explain` serve publish.py and readback.py as well.  Never takes, keeps or shows a token.
"""

from __future__ import annotations

import errno
import json
import os
import re
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from fnmatch import fnmatchcase
from functools import partial
from glob import escape
from logging import ERROR
from pathlib import Path
from typing import Any, TypeVar

import httpx2
from huggingface_hub import (
    HfApi,
    constants,
    get_cached_repo_tree,
    get_token,
    metadata_load,
    set_client_factory,
    snapshot_download,
)
from huggingface_hub.errors import (
    CachedRepoTreeNotFoundError,
    GatedRepoError,
    HfHubHTTPError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.utils import (  # type: ignore[attr-defined]  # exported, but lazily
    _http,
    are_progress_bars_disabled,
    disable_progress_bars,
    enable_progress_bars,
    logging,
    parse_ratelimit_headers,
)
from tenacity import RetryCallState, Retrying, retry_if_exception, stop_before_delay, wait_random_exponential

from nercot.corpus.waits import LOG, waiting
from nercot.errors import InputError, OutputError

T = TypeVar("T")
Card = Mapping[str, Any]

# All that the clients raise; httpx2's own errors where the line breaks, RuntimeError around an upload.
HUB_ERRORS = (httpx2.HTTPError, CachedRepoTreeNotFoundError, OSError, ValueError, RuntimeError)
_OFFLINE = (OfflineModeIsEnabled, LocalEntryNotFoundError, CachedRepoTreeNotFoundError)
LOGIN = "log in with `hf auth login`"

# How long a download goes on asking a busy Hub, in seconds.
READ_SECONDS = 60.0
# How long nothing may come on a line that stands, and how often in a row.  The clients' own default is to wait forever.
SILENT_SECONDS, CONNECT_SECONDS = 30.0, 5.0
_SILENCES = 2
_ABOUT = ("README.md", "manifest.json")
_COMMIT = re.compile(r"[0-9a-f]{40}")
_DATA = re.compile(
    r"\.(json|jsonl|ndjson|jsonlines|parquet|arrow|csv|xml|ann|pubtator|txt|tsv|conll|conllu|bio|iob2?|iobes)(\.gz|\.zst)?$",
    re.IGNORECASE,
)
_NOT_DATA = ("manifest.json", "croissant.json", "dataset_infos.json")
_BUSY = (408, 429, 500, 502, 503, 504)


def download(repo_id: str, revision: str | None = None, config: str | None = None) -> Path:
    """The folder in huggingface_hub's cache that holds one config of a dataset at one revision.

    `revision`: branch, tag or commit; None is the newest commit.  `config`: None is the default config;
    a dataset whose card lists none gives all its data files (.json .jsonl .parquet .txt, packed or not),
    or those in the folder of that name.

    Raises InputError in one line: no such dataset, revision or config, gated, offline, no network.
    """
    return _told(lambda: _download(repo_id, revision, config, Patience(READ_SECONDS)), repo_id, revision)


def _told(get: Callable[[], T], repo_id: str, revision: str | None) -> T:
    """What `get` gives; an error of the clients in one line."""
    try:
        with quiet():
            return get()
    except HUB_ERRORS as error:
        if getattr(error, "errno", None) == errno.ENOSPC:
            raise OutputError(f"{constants.HF_HUB_CACHE}: the disk is full; free some space, or set HF_HOME") from error
        raise InputError(explain(error, repo_id, revision)) from error


def download_whole(where: str) -> Path:
    """The folder in huggingface_hub's cache that holds all files of `org/name[@revision]`; raises as `download`."""
    repo_id, _, revision = where.partition("@")
    ask = Patience(READ_SECONDS)

    def whole() -> Path:
        commit = _commit(repo_id, revision or None, ask)
        return Path(ask(partial(snapshot_download, repo_id, repo_type="dataset", revision=commit)))

    return _told(whole, repo_id, revision or None)


def _download(repo_id: str, revision: str | None, config: str | None, ask: Patience) -> Path:
    commit = _commit(repo_id, revision, ask)
    folder = _fetch(repo_id, commit, _ABOUT, ask)
    listed = get_cached_repo_tree(repo_id, repo_type="dataset", revision=commit)
    wanted = _data_files(repo_id, _card(folder / "README.md"), [file.path for file in listed], config)
    return _fetch(repo_id, commit, wanted, ask)


def _commit(repo_id: str, revision: str | None, ask: Patience) -> str:
    """The commit behind a revision.  A branch or tag is always looked up: what the cache says may be stale."""
    if revision and _COMMIT.fullmatch(revision):
        return revision
    commit = str(ask(lambda: HfApi().dataset_info(repo_id, revision=revision).sha))
    ask.answered = True
    return commit


def _fetch(repo_id: str, commit: str, files: Sequence[str], ask: Patience) -> Path:
    """Files at a commit in the cache; huggingface_hub asks the Hub only for what is not there."""
    patterns = [escape(file) for file in files]
    get = partial(snapshot_download, repo_id, repo_type="dataset", revision=commit, allow_patterns=patterns)
    return Path(ask(get))


def _card(readme: Path) -> Card:
    """The YAML block of a dataset card; empty where there is none."""
    try:
        return metadata_load(readme) or {} if readme.exists() else {}
    except Exception as error:
        raise InputError(f"{readme}: the block of YAML at its top cannot be read; mend it on the Hub") from error


def card_configs(card: Card) -> list[dict[str, Any]]:
    """The configs that a card lists."""
    configs = card.get("configs")
    return [item for item in configs if isinstance(item, dict)] if isinstance(configs, list) else []


def _data_files(repo_id: str, card: Card, tree: Sequence[str], config: str | None) -> list[str]:
    """The paths of `tree` that belong to a config."""
    configs = card_configs(card)
    patterns = _patterns(_chosen(repo_id, configs, config)) if configs else [f"{config}/*" if config else "*"]
    files = [path for path in tree if any(_matches(path, pattern) for pattern in patterns)]
    files = files if configs else [path for path in files if _is_data(path)]
    if not files:
        asked = f"files of config {config!r}" if config else "data files (.json, .jsonl, .parquet, .txt)"
        raise InputError(f"{repo_id}: no {asked} at that revision; look at its file list on the Hub")
    return files


def _chosen(repo_id: str, configs: list[dict[str, Any]], config: str | None) -> dict[str, Any]:
    if config is None:
        return next((item for item in configs if item.get("default")), configs[0])
    names = [str(item.get("config_name")) for item in configs]
    if config not in names:
        raise InputError(f"{repo_id}: no config {config!r}; there are {', '.join(names)}")
    return configs[names.index(config)]


def _patterns(config: Card) -> list[str]:
    """The globs of a config: `data_files` as a string, a list, or split -> path(s); else its `data_dir`."""
    data = config.get("data_files") or f"{config.get('data_dir') or config.get('config_name')}/**"
    found: list[str] = []
    for entry in data if isinstance(data, list) else [data]:
        paths = entry.get("path") if isinstance(entry, dict) else entry
        found.extend(str(path).removeprefix("./") for path in (paths if isinstance(paths, list) else [paths]))
    return found


def _matches(path: str, pattern: str) -> bool:
    """Whether a glob may mean that path: `*` is allowed to cross folders here, the reader is exact."""
    return fnmatchcase(path, pattern) or fnmatchcase(path, pattern.replace("**/", ""))


def _is_data(path: str) -> bool:
    name = path.rpartition("/")[2]
    return bool(_DATA.search(name)) and name not in _NOT_DATA and not path.startswith(".") and "/." not in path


# --- what may go wrong ----------------------------------------------------------------------------


@dataclass(slots=True)
class Patience:
    """Calls the Hub, and again while it is busy (429, 5xx) or the line breaks, for up to `seconds` a call.

    Retry-After is obeyed; a pause that would not fit into what is left ends the call at once.  `answered`:
    whether the Hub was heard at all; until then no connection means no network, and is not tried twice.
    A server that takes the line and then says nothing is given up (Silence).
    `report` is told of every pause, in one line; waits are told to the log.
    """

    seconds: float
    report: Callable[[str], None] | None = None
    answered: bool = False
    silences: int = field(default=0, init=False)

    def __call__(self, call: Callable[[], T]) -> T:
        """What `call` returns; its own error once it is final."""
        # Calls are nested: what an outer one has counted comes back.
        counted, self.silences = self.silences, 0
        retrying = Retrying(
            retry=retry_if_exception(self._passes),
            wait=_pause,
            stop=stop_before_delay(self.seconds),
            before_sleep=self._tell,
            reraise=True,
        )
        try:
            with waiting("the Hub's answer"):
                return retrying(call)
        finally:
            self.silences = counted

    def _passes(self, error: BaseException) -> bool:
        cause = root_of(error)
        self.answered = self.answered or isinstance(cause, HfHubHTTPError)
        if isinstance(cause, Silence | Unheard):
            return False
        if isinstance(cause, httpx2.ReadTimeout | httpx2.WriteTimeout):
            self.silences += 1
            return self.answered and self.silences < _SILENCES
        if isinstance(cause, httpx2.ConnectError | httpx2.ConnectTimeout):
            return self.answered
        return passing(cause)

    def _tell(self, state: RetryCallState) -> None:
        if self.report and state.outcome and state.next_action:
            error = root_of(state.outcome.exception() or RuntimeError())
            said = f"the Hub answered {error.response.status_code}" if isinstance(error, HfHubHTTPError) else "cut off"
            said = f"silent for {SILENT_SECONDS:g} s" if isinstance(error, httpx2.ReadTimeout) else said
            self.report(f"{said}; again in {state.next_action.sleep:.1f} s")


def passing(error: BaseException) -> bool:
    """Whether the same call may well succeed later."""
    cause = root_of(error)
    if isinstance(cause, HfHubHTTPError):
        return cause.response.status_code in _BUSY
    # A busy Hub's page of HTML, where the client reads JSON before it looks at the status.
    return isinstance(cause, httpx2.TransportError | json.JSONDecodeError)


def unreachable(error: BaseException) -> bool:
    """Whether the Hub was not heard at all: no network, no server there, or HF_HUB_OFFLINE."""
    return isinstance(root_of(error), httpx2.TransportError | OfflineModeIsEnabled)


def root_of(error: BaseException) -> BaseException:
    """The answer or the broken line behind the error that a client wrapped around it."""
    cause: BaseException | None = error
    while cause and not isinstance(cause, HfHubHTTPError | httpx2.TransportError | OfflineModeIsEnabled):
        cause = cause.__cause__
    return cause or error


def _pause(state: RetryCallState) -> float:
    """Seconds until the next attempt: what the Hub asks for, else growing and random."""
    cause = root_of((state.outcome and state.outcome.exception()) or RuntimeError())
    asked = _asked(cause.response.headers) if isinstance(cause, HfHubHTTPError) else None
    return wait_random_exponential(multiplier=0.5, max=30)(state) if asked is None else asked


def _asked(headers: Mapping[str, str]) -> float | None:
    """The pause that Retry-After (seconds or a date) or the rate limit's headers ask for."""
    value = headers.get("Retry-After", "").strip()
    if re.fullmatch(r"\d+(\.\d+)?", value):
        return float(value)
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
    except (TypeError, ValueError):
        limit = parse_ratelimit_headers(headers)
        return float(limit.reset_in_seconds) if limit and limit.remaining == 0 else None


def explain(error: BaseException, repo_id: str, revision: str | None = None) -> str:
    """One line for a failed call: what, and what to do.  Never holds a token or an address with one."""
    where = f"{repo_id}@{revision}" if revision else repo_id
    cause = root_of(error)
    if constants.is_offline_mode() and isinstance(cause, _OFFLINE):
        return f"{where}: HF_HUB_OFFLINE is set; unset it (to read, a full commit that is in the cache will do)"
    if isinstance(cause, GatedRepoError):
        page = f"{constants.ENDPOINT}/datasets/{repo_id}"
        return f"{where}: gated; accept its terms at {page}, {LOGIN}, and run the same command again"
    if isinstance(cause, RevisionNotFoundError):
        return f"{where}: the dataset has no revision {revision!r}; name one of its branches, tags or commits"
    if isinstance(cause, RepositoryNotFoundError):
        return f"{where}: no such dataset on the Hub; check the name, and if it is private {LOGIN}"
    if isinstance(cause, HfHubHTTPError):
        return f"{where}: {_status_line(cause)}"
    if isinstance(cause, Silence | httpx2.ReadTimeout):
        silent = f"the Hub took the connection and then said nothing for {SILENT_SECONDS * _SILENCES:g} s"
        return f"{where}: {silent}; run the same command again, it goes on from there"
    if isinstance(cause, httpx2.TransportError):
        kind = type(cause.__cause__ if isinstance(cause, Unheard) else cause).__name__
        return f"{where}: no connection to the Hub ({kind}); check the network and run the same command again"
    said = f"{error}: {error.__cause__}" if error.__cause__ else str(error)
    return f"{where}: {_one_line(said) or type(error).__name__}"


_ADVICE = {
    401: f"the Hub does not accept your token; {LOGIN}",
    402: "the Hub wants a paid plan for this",
    403: f"your token may not do this; {LOGIN} with a token that may write there",
    404: f"not found; check the name, and that your token may see it ({LOGIN})",
    409: "in conflict with what is there; look at it on the Hub, then run the same command again",
    412: "somebody else committed meanwhile; look at it on the Hub, then run the same command again",
    413: "too large for the Hub",
}


def _status_line(error: HfHubHTTPError) -> str:
    status = error.response.status_code
    said = _one_line(error.server_message or "")
    again = "the Hub is busy; run the same command again later" if status in _BUSY else "the Hub refused"
    return f"{_ADVICE.get(status, again)} ({status}{': ' + said if said else ''})"


def _one_line(text: str) -> str:
    """The start of a text, on one line; should a server have sent the token back, it is taken out."""
    token = get_token()
    return " ".join((text.replace(token, "***") if token else text).split())[:200]


@contextmanager
def quiet() -> Iterator[None]:
    """Keeps back the clients' log lines (they name signed addresses), and their bars where no terminal is.

    Within it no call of the clients waits forever.
    """
    level, hidden = logging.get_verbosity(), are_progress_bars_disabled()
    bars = sys.stderr.isatty() or hidden or "HF_HUB_DISABLE_PROGRESS_BARS" in os.environ
    logging.set_verbosity(ERROR)
    if not bars:
        disable_progress_bars()
    try:
        with _bounded():
            yield
    finally:
        logging.set_verbosity(level)
        if not bars:
            enable_progress_bars()


class Silence(httpx2.TransportError):
    """The Hub took the line and said nothing, _SILENCES times in a row: final, for the clients' own retries too."""


class Unheard(httpx2.TransportError):
    """No connection, and the Hub was not heard before: no network, which the clients are not to try for half a minute.

    Its cause is the error of the line.
    """


@contextmanager
def _bounded() -> Iterator[None]:
    """Gives every call of huggingface_hub that names no limit one of SILENT_SECONDS; its own factory comes back."""
    usual = getattr(_http, "_GLOBAL_CLIENT_FACTORY", _http.default_client_factory)
    line = _Line()

    def factory() -> httpx2.Client:
        client: httpx2.Client = usual()
        setattr(client, "send", _Patient(client.send, line))  # noqa: B010  (a method, which types do not let be set)
        return client

    set_client_factory(factory)
    try:
        yield
    finally:
        set_client_factory(usual)


@dataclass(slots=True)
class _Line:
    """What is known of the line to the Hub: whether it was asked and heard, and how often in a row it was silent."""

    asked: bool = False
    heard: bool = False
    silences: int = 0

    def ask(self, host: str) -> None:
        """Says once who is asked, before the first wait."""
        if not self.asked:
            self.asked = True
            LOG.info("asking the Hub at %s", host)


class _Patient:
    """Sends as a client does, but never waits forever."""

    def __init__(self, send: Callable[..., httpx2.Response], line: _Line) -> None:
        self._send, self._line = send, line

    def __call__(self, request: httpx2.Request, **options: Any) -> httpx2.Response:
        given, line = request.extensions.get("timeout") or {}, self._line
        limits = {name: given.get(name) or SILENT_SECONDS for name in ("read", "write", "pool")}
        request.extensions["timeout"] = {**limits, "connect": given.get("connect") or CONNECT_SECONDS}
        line.ask(request.url.host)
        try:
            response = self._send(request, **options)
        except (httpx2.ConnectError, httpx2.ConnectTimeout) as error:
            if not line.heard:
                raise Unheard(str(error)) from error
            raise
        except (httpx2.ReadTimeout, httpx2.WriteTimeout) as error:
            line.silences += 1
            if line.silences >= _SILENCES:
                raise Silence(str(error)) from error
            raise
        line.heard, line.silences = True, 0
        return response
