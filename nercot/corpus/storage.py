"""Object storage: whole objects in and out of a bucket, through fsspec (s3://, gs://, file://, memory://, ...).

In: a URL with a scheme, names below it.  Out: bytes and files.  Writes whole objects only (a half-written upload is
never seen), creates only where nothing is (claims), and reads by name: a listing may be stale, so that it decides
nothing but what people are shown.  Renames nothing, and never shows a credential.
"""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from tenacity import Retrying, retry_if_exception, stop_after_delay, wait_random_exponential

from nercot.errors import InputError, NercotError, OutputError

_T = TypeVar("_T")

# How long an object that the storage cannot serve (503, a cut line) is asked for again, in seconds.
RETRY_SECONDS = 60.0
# Schemes whose parser is no part of the base install.
_EXTRAS = {"s3": "s3", "s3a": "s3"}
# Trying again is ours alone: the client's own tries would multiply with it, in silence.
_S3: dict[str, Any] = {
    "config_kwargs": {"retries": {"total_max_attempts": 1}, "connect_timeout": 10, "read_timeout": 60}
}
_BUSY = (429, 500, 502, 503, 504)
# What a missing object and a claim that is taken already look like.
_ABSENT = (FileNotFoundError,)


def is_remote(where: str | Path) -> bool:
    """Whether a path is the URL of a storage, such as s3://bucket/prefix."""
    return "://" in str(where)


class Storage:
    """The objects below one URL.

    Raises InputError or OutputError in one line: no such bucket, no credentials, no answer, a missing extra.
    """

    def __init__(self, url: str, retry_seconds: float = RETRY_SECONDS) -> None:
        self.url = url.rstrip("/")
        self._retry_seconds = retry_seconds
        self._fs, self._root = _file_system(self.url)

    def at(self, name: str) -> str:
        """The URL of an object."""
        return f"{self.url}/{name}" if name else self.url

    def read(self, name: str) -> bytes | None:
        """The bytes of an object; None where there is none."""
        try:
            found = self._do(lambda: self._fs.cat_file(self._key(name)), InputError, name)
        except _ABSENT:
            return None
        return bytes(found)

    def write(self, name: str, data: bytes) -> None:
        """Puts an object in one request, in place of what was there."""
        self._parent(name)
        self._do(lambda: self._fs.pipe_file(self._key(name), data), OutputError, name)

    def create(self, name: str, data: bytes) -> bool:
        """Puts an object where none is; False where there is one.  Of several that try at once one succeeds."""
        self._parent(name)
        try:
            self._do(lambda: self._create(self._key(name), data), OutputError, name)
        except FileExistsError:
            # The answer to a first try may have been lost: then what lies there is ours.
            return self.read(name) == data
        return True

    def _create(self, key: str, data: bytes) -> None:
        if "file" in _protocols(self._fs):
            with open(key, "xb") as handle:
                handle.write(data)
            return
        self._fs.pipe_file(key, data, mode="create")

    def upload(self, path: Path, name: str) -> str:
        """Puts a file in place of what was there; returns its sha256."""
        digest = file_hash(path)
        self._parent(name)
        self._do(lambda: self._fs.put_file(str(path), self._key(name)), OutputError, name)
        return digest

    def download(self, name: str, path: Path, sha256: str | None = None) -> None:
        """Writes an object to `path`, whole or not at all; another content than `sha256` is an InputError."""
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
        try:
            self._do(lambda: self._fs.get_file(self._key(name), str(temporary)), InputError, name)
            if sha256 is not None and file_hash(temporary) != sha256:
                raise InputError(f"{self.at(name)}: another content than its index says; run the same command again")
            os.replace(temporary, path)
        except FileNotFoundError as error:
            raise InputError(f"{self.at(name)}: no such object; check the address") from error
        finally:
            temporary.unlink(missing_ok=True)

    def remove(self, name: str) -> None:
        """Takes an object away, if it is there."""
        try:
            self._do(lambda: self._fs.rm_file(self._key(name)), OutputError, name)
        except _ABSENT:
            return

    def names(self, prefix: str = "") -> list[str]:
        """The names of the objects below a prefix, sorted; one that has just been written may be missing."""
        start = self._key(prefix)
        try:
            found = self._do(lambda: self._fs.find(start), InputError, prefix)
        except _ABSENT:
            return []
        cut = len(self._root) + 1
        # A key that ends in a slash is somebody's mark of a folder.
        return sorted(name[cut:] for name in found if not name.endswith("/") and name.startswith(self._root))

    def is_object(self) -> bool:
        """Whether the URL itself is one object, not the beginning of several."""
        try:
            return bool(self._do(lambda: self._fs.info(self._root), InputError, "")["type"] == "file")
        except _ABSENT:
            return False

    def _key(self, name: str) -> str:
        return f"{self._root}/{name}" if name else self._root

    def _parent(self, name: str) -> None:
        """Makes the folder of a name where the storage has folders (an object store has none)."""
        if "file" in _protocols(self._fs):
            Path(self._key(name)).parent.mkdir(parents=True, exist_ok=True)

    def _do(self, action: Callable[[], _T], kind: type[NercotError], name: str) -> _T:
        """Does it, again while the storage is busy; what it says in the end is one line."""
        retrying = Retrying(
            stop=stop_after_delay(self._retry_seconds),
            wait=wait_random_exponential(multiplier=0.2, max=5),
            retry=retry_if_exception(_is_passing),
            reraise=True,
        )
        try:
            return retrying(action)
        except (FileNotFoundError, FileExistsError):
            # A bucket that is not there looks like an object that is not there.
            if self._has_bucket():
                raise
            raise kind(f"{self.url}: no such bucket; make it, or check the address") from None
        except Exception as error:
            raise kind(f"{self.at(name)}: {_says(error)}") from error

    def _has_bucket(self) -> bool:
        if not {"s3", "s3a", "gs", "gcs"} & _protocols(self._fs):
            return True
        try:
            return bool(self._fs.exists(self._root.partition("/")[0]))
        except Exception as error:  # its own line says why it cannot be asked
            raise InputError(f"{self.url}: {_says(error)}") from error


def file_hash(path: Path) -> str:
    """The sha256 of a file."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def _protocols(fs: Any) -> set[str]:
    return {fs.protocol} if isinstance(fs.protocol, str) else set(fs.protocol)


def _file_system(url: str) -> tuple[Any, str]:
    """fsspec's file system for a URL, without its cache of listings, and the path there."""
    from fsspec.core import url_to_fs

    scheme = url.partition("://")[0]
    try:
        own = _S3 if scheme in _EXTRAS else {}
        fs, root = url_to_fs(url, use_listings_cache=False, skip_instance_cache=True, **own)
        fs.retries = 1
    except ImportError as error:
        extra = _EXTRAS.get(scheme)
        what = f"pip install 'nercot[{extra}]'" if extra else f"install the package that fsspec needs for it ({error})"
        raise InputError(f"{url}: {scheme}:// needs one more package: {what}") from error
    except ValueError as error:
        raise InputError(f"{url}: no storage of that kind is known ({error}); use s3://bucket/prefix") from error
    return fs, str(root).rstrip("/")


def _is_passing(error: BaseException) -> bool:
    """Whether the same request may go through later: the storage is busy, or the line was cut."""
    if isinstance(error, ConnectionError | TimeoutError):
        return True
    if isinstance(error, OSError) and error.errno in (errno.EBUSY, errno.EIO):
        return True
    response = getattr(error, "response", None) or getattr(error.__cause__, "response", None)
    told = response.get("ResponseMetadata", {}) if isinstance(response, dict) else {}
    return int(told.get("HTTPStatusCode") or 0) in _BUSY


def _says(error: BaseException) -> str:
    """What a storage's client says, in one line that says what to do."""
    text = " ".join(str(error).split())[:200]
    if "credentials" in text.lower() or type(error).__name__ == "NoCredentialsError":
        return "no credentials; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or log in with your cloud's own tool"
    if isinstance(error, PermissionError):
        return f"not allowed ({text or 'access denied'}); check the credentials and the bucket's policy"
    if isinstance(error, ConnectionError | TimeoutError) or "connect" in text.lower():
        return f"no answer ({text}); check the network and AWS_ENDPOINT_URL"
    return f"{type(error).__name__}: {text}"


# --- local copies ---------------------------------------------------------------------------------------------


def cache_folder(url: str) -> Path:
    """Where this machine keeps its copy of what lies below a URL (NERCOT_CACHE, else ~/.cache/nercot)."""
    base = Path(os.environ.get("NERCOT_CACHE") or Path.home() / ".cache" / "nercot")
    return base / hashlib.sha256(url.rstrip("/").encode()).hexdigest()[:16]


def fetch(where: str) -> Path:
    """The local copy of one object, or of all objects below a URL: what every command reads that takes a PATH."""
    storage, folder = Storage(where), cache_folder(where) / "read"
    if storage.is_object():
        path = folder / where.rpartition("/")[2]
        storage.download("", path)
        return path
    names = storage.names()
    if not names:
        raise InputError(f"{where}: nothing lies there; check the address")
    for name in names:
        storage.download(name, _inside(folder, name))
    _forget_others(folder, set(names))
    return folder


def _inside(folder: Path, name: str) -> Path:
    """Where an object goes; a name that would lead out of the folder is refused."""
    path = folder / name
    if not path.resolve().is_relative_to(folder.resolve()):
        raise InputError(f"{name}: an object's name must not lead out of its folder")
    return path


def _forget_others(folder: Path, names: set[str]) -> None:
    for path in [path for path in folder.rglob("*") if path.is_file()]:
        if path.relative_to(folder).as_posix() not in names:
            path.unlink()


def mount_warning(path: Path) -> str | None:
    """What to say of a ledger on a network mount, which SQLite cannot lock reliably; None on a disk."""
    kind = mount_kind(path)
    if kind not in NETWORK_MOUNTS:
        return None
    return f"{path} lies on a network mount ({kind}); give --ledger a path on this machine's own disk"


# fmt: off
NETWORK_MOUNTS = frozenset((
    "nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "ceph", "glusterfs", "lustre", "beegfs", "gpfs", "fuse.sshfs",
    "fuse.s3fs", "fuse.gcsfuse", "fuse.rclone", "fuse.glusterfs", "fuse.goofys", "fuse.juicefs", "fuse.mount-s3",
))
# fmt: on


def mount_kind(path: Path, mounts: Path = Path("/proc/self/mountinfo")) -> str:
    """The kind of file system that a path lies on, as Linux names it; empty where that is not known."""
    try:
        lines = mounts.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    wanted, best, kind = str(path.expanduser().absolute()), "", ""
    for line in lines:
        before, dash, after = line.partition(" - ")
        fields = before.split()
        if not dash or len(fields) < 5:
            continue
        point = fields[4].replace("\\040", " ")
        inside = wanted == point or wanted.startswith(point.rstrip("/") + "/")
        if inside and len(point) >= len(best):
            best, kind = point, after.split()[0]
    return kind
