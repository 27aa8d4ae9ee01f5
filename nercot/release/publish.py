"""Release -> Hub: one commit, one tag, read back.

In: a release folder (release.py) and a dataset's name.  Out: the dataset on the Hub, which then holds the
release's files, no other, and the tag `v<version>`; and what had to change for that.  The repo is in its
old or its new state at any moment, and the same call ends what a cut line left.  A tag never moves.  Never
publishes what does not verify, and no text that may not be passed on.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi, constants, get_token
from huggingface_hub.errors import RepositoryNotFoundError, RevisionNotFoundError
from huggingface_hub.hf_api import RepoFile

from nercot.errors import InputError, OutputError, ShortfallError
from nercot.formats.hub import HUB_ERRORS, LOGIN, Patience, card_configs, explain, passing, quiet
from nercot.release.readback import Seen, read_back

Report = Callable[[str], None]
Verify = Callable[[Path], Sequence[str]]

# How long one call may be retried while the Hub is busy, in seconds.
PATIENCE = 600.0
# What a release holds besides the files that its manifest lists.
_ABOUT = frozenset(("README.md", "manifest.json", "croissant.json", "CHANGELOG.md"))
# The Hub's own file: which paths are LFS.
_KEEP = frozenset((".gitattributes",))
_VERSION = re.compile(r"v?(\d+)\.(\d+)\.(\d+)")
_REPO_ID = re.compile(r"[\w-][\w.-]*/[\w-][\w.-]*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that publishing does: create, add, replace, delete or tag; `size` in bytes, of files that are sent."""

    action: str
    what: str
    size: int | None = None

    def __str__(self) -> str:
        return f"{self.action} {self.what}" + ("" if self.size is None else f" ({self.size:,} bytes)")


@dataclass(frozen=True, slots=True)
class Published:
    """What was done (or, in a dry run, would be): `changes` in order; none: it was published already.

    `commit`: the commit that the tag names, None in a dry run that would make it.  `rows`: rows of each
    config as they were read back, empty in a dry run.
    """

    repo_id: str
    tag: str
    url: str
    commit: str | None
    changes: tuple[Change, ...]
    rows: Mapping[str, int] = field(default_factory=dict)
    dry_run: bool = False


def publish(
    release: Path,
    repo_id: str,
    *,
    verify: Verify,
    private: bool = False,
    dry_run: bool = False,
    force: bool = False,
    report: Report | None = None,
    patience: float = PATIENCE,
) -> Published:
    """Makes the dataset `repo_id` hold this release, tagged `v<version>`, and reads it back.

    `verify` says in lines what is wrong with the release; none: nothing.  `private`: a new repo is
    private.  `dry_run`: reads only.  `force`: also over a repo that holds something else or a newer version.
    `report` is given one line for every change and every pause.  `patience`: seconds.

    Raises InputError (no release, or one that may not be published), OutputError (the Hub refuses, or the
    repo holds something else), ShortfallError (it does not verify, the Hub stays busy, or what is read back
    differs).  All in one line.
    """
    if not _REPO_ID.fullmatch(repo_id):
        raise InputError(f"{repo_id!r} is not a dataset's name; write it as org/name")
    local = _read_release(release)
    if problems := list(verify(release)):
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        raise ShortfallError(f"{release}: not published, it does not verify: {problems[0]}{more}")
    hub = _Hub(repo_id, Patience(patience, report), report or (lambda line: None))
    try:
        with quiet():
            return _dry(hub, local, private, force) if dry_run else _publish(hub, local, private, force)
    except HUB_ERRORS as error:
        kind = ShortfallError if passing(error) else OutputError
        raise kind(explain(error, repo_id)) from error


def _dry(hub: _Hub, local: _Release, private: bool, force: bool) -> Published:
    remote = hub.look(local.tag)
    changes = _plan(hub.repo_id, local, remote, private, force)
    for change in changes:
        hub.report(f"would {change}")
    commit = None if any(change.action != "tag" for change in changes) else remote.tagged or remote.head
    return Published(hub.repo_id, local.tag, hub.url, commit, changes, dry_run=True)


def _publish(hub: _Hub, local: _Release, private: bool, force: bool) -> Published:
    if get_token() is None:
        raise OutputError(f"{hub.repo_id}: nobody is logged in to the Hub; {LOGIN} with a token that may write there")
    remote = hub.look(local.tag)
    changes = _plan(hub.repo_id, local, remote, private, force)
    for change in changes:
        hub.report(str(change))
    if remote.head is None:
        hub.create(private)
        # Looked at again, and refused again: a repo may have come from elsewhere at the same moment.
        remote = hub.look(local.tag)
        _plan(hub.repo_id, local, remote, private, force)
    commit = remote.tagged or hub.tag(hub.commit(local, remote), local.tag)
    hub.report(f"read back {hub.repo_id}@{local.tag}")
    seen = read_back(hub.repo_id, local.tag, list(local.configs), hub.ask.seconds)
    _compare(f"{hub.repo_id}@{local.tag}", local, commit, seen)
    rows = {name: sum(config.rows.values()) for name, config in seen.configs.items()}
    return Published(hub.repo_id, local.tag, hub.url, commit, changes, rows)


# --- the release on disk --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _File:
    """A file: size in bytes, and its hash as git (`oid`) and as LFS (`sha256`) name it."""

    size: int
    sha256: str
    oid: str


@dataclass(frozen=True, slots=True)
class _Release:
    folder: Path
    corpus: str
    version: str
    fingerprint: str
    files: Mapping[str, _File]
    configs: Mapping[str, int]

    @property
    def tag(self) -> str:
        return f"v{self.version}"


def _read_release(folder: Path) -> _Release:
    """A release folder; InputError where it is none, or not all there, or may not be published."""
    manifest = _manifest(folder)
    if manifest.get("restricted_text"):
        raise InputError(
            f"{folder}: holds rows whose licence does not allow passing their text on; release them as stand-off"
        )
    listed = {str(file["path"]): file for file in manifest["files"]}
    files = {path.relative_to(folder).as_posix(): _hashed(path) for path in _walk(folder)}
    for path in [*listed, "README.md"]:
        if path not in files:
            raise InputError(f"{folder / path}: missing; a release is published whole, so release it again")
    for path, file in files.items():
        if path not in listed and path not in _ABOUT:
            raise InputError(f"{folder / path}: not part of the release (manifest.json does not list it); move it away")
        if path in listed and file.sha256 != listed[path]["sha256"]:
            raise InputError(f"{folder / path}: changed since it was released; release it again")
    rows = Counter[str]()
    for path, file in listed.items():
        rows[path.partition("/")[0]] += file.get("rows") or 0
    configs = {name: rows[name] for name in _config_names(folder / "README.md")}
    for name, count in configs.items():
        if not count:
            raise InputError(f"{folder}: config {name} has no rows, and would not load; release it again")
    return _Release(folder, manifest["corpus"], manifest["version"], manifest["fingerprint"], files, configs)


def _manifest(folder: Path) -> dict[str, Any]:
    path = folder / "manifest.json"
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: not there or not JSON; name a release, releases/<corpus>/<version>") from error
    if not _is_manifest(found) or not re.fullmatch(r"\d+\.\d+\.\d+", found["version"]):
        raise InputError(f"{path}: not the manifest of a release; name a folder releases/<corpus>/<version>")
    manifest: dict[str, Any] = found
    return manifest


def _is_manifest(found: Any) -> bool:
    """Whether JSON is a manifest of ours."""
    texts = ("corpus", "version", "fingerprint")
    if not isinstance(found, dict) or not all(isinstance(found.get(key), str) for key in texts):
        return False
    files = found.get("files")
    return isinstance(files, list) and all(isinstance(file, dict) and {"path", "sha256"} <= set(file) for file in files)


def _walk(folder: Path) -> Iterator[Path]:
    """The files of a release; hidden ones (a file browser's) are no part of it."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not any(part.startswith(".") for part in path.relative_to(folder).parts):
            yield path


def _hashed(path: Path) -> _File:
    size = path.stat().st_size
    sha256, oid = hashlib.sha256(), hashlib.sha1(b"blob %d\0" % size)
    with path.open("rb") as handle:
        while block := handle.read(1 << 20):
            sha256.update(block)
            oid.update(block)
    return _File(size, sha256.hexdigest(), oid.hexdigest())


def _config_names(readme: Path) -> list[str]:
    from huggingface_hub import metadata_load

    try:
        configs = card_configs(metadata_load(readme) or {})
    except Exception as error:
        raise InputError(f"{readme}: the block of YAML at its top cannot be read; release it again") from error
    if not configs:
        raise InputError(f"{readme}: lists no configs, so nothing could be loaded; release it again")
    return [str(config["config_name"]) for config in configs]


# --- the repo on the Hub --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Remote:
    """The repo as it is: `head` None where there is no repo; `tagged`: the commit of the release's tag."""

    head: str | None = None
    private: bool = True
    files: Mapping[str, RepoFile] = field(default_factory=dict)
    manifest: Mapping[str, Any] | None = None
    versions: tuple[str, ...] = ()
    tagged: str | None = None
    tagged_files: Mapping[str, RepoFile] = field(default_factory=dict)


class _Hub:
    """One dataset repo, looked at and changed; every call is patient."""

    def __init__(self, repo_id: str, ask: Patience, report: Report) -> None:
        self.repo_id, self.ask, self.report = repo_id, ask, report
        self.url = f"{constants.ENDPOINT}/datasets/{repo_id}"
        self._api = HfApi()

    def look(self, tag: str) -> _Remote:
        """The repo as it is now."""
        try:
            info = self.ask(lambda: self._api.dataset_info(self.repo_id))
        except RepositoryNotFoundError:
            return _Remote()
        self.ask.answered = True
        refs = self.ask(lambda: self._api.list_repo_refs(self.repo_id, repo_type="dataset"))
        head, files = str(info.sha), self._files(str(info.sha))
        manifest = self._manifest(head) if "manifest.json" in files else None
        named = [ref.name for ref in refs.tags] + ([str(manifest["version"])] if manifest else [])
        versions = tuple(name for name in named if _VERSION.fullmatch(name))
        tagged = self._tagged(tag)
        return _Remote(
            head, bool(info.private), files, manifest, versions, tagged, self._files(tagged) if tagged else {}
        )

    def _files(self, commit: str) -> dict[str, RepoFile]:
        def listed() -> dict[str, RepoFile]:
            entries = self._api.list_repo_tree(self.repo_id, repo_type="dataset", revision=commit, recursive=True)
            return {entry.path: entry for entry in entries if isinstance(entry, RepoFile)}

        return self.ask(listed)

    def _manifest(self, commit: str) -> Mapping[str, Any] | None:
        """The manifest at a commit, None where it is not ours."""
        path = self.ask(
            lambda: self._api.hf_hub_download(self.repo_id, "manifest.json", repo_type="dataset", revision=commit)
        )
        try:
            found = json.loads(Path(path).read_bytes())
        except ValueError:
            return None
        return found if _is_manifest(found) else None

    def _tagged(self, tag: str) -> str | None:
        try:
            return str(self.ask(lambda: self._api.dataset_info(self.repo_id, revision=tag)).sha)
        except RevisionNotFoundError:
            return None

    def create(self, private: bool) -> None:
        """Creates the repo; fine where an attempt whose reply was lost has done so."""
        self.ask(lambda: self._api.create_repo(self.repo_id, repo_type="dataset", private=private, exist_ok=True))

    def commit(self, local: _Release, remote: _Remote) -> str:
        """One commit on top of what was looked at; the head as it is where that holds the release already."""

        def attempt() -> str:
            # An attempt before this one may have arrived though its reply was lost.
            head = str(self._api.dataset_info(self.repo_id).sha)
            changes = _differences(local, self._files(head))
            if not changes:
                return head
            if head != remote.head:
                raise OutputError(f"{self.repo_id}: somebody else committed meanwhile; look at it, then run this again")
            return self._api.create_commit(
                self.repo_id,
                operations=[_operation(local.folder, change) for change in changes],
                commit_message=f"{local.corpus} {local.version}",
                commit_description=f"fingerprint {local.fingerprint}",
                repo_type="dataset",
                parent_commit=head,
            ).oid

        return self.ask(attempt)

    def tag(self, commit: str, tag: str) -> str:
        """Tags a commit; fine where an attempt whose reply was lost has done so."""

        def attempt() -> str:
            tagged = self._tagged(tag)
            if tagged is None:
                self._api.create_tag(self.repo_id, tag=tag, revision=commit, repo_type="dataset")
            elif tagged != commit:
                raise OutputError(f"{self.repo_id}: somebody else made {tag} meanwhile; look at it on the Hub")
            return commit

        return self.ask(attempt)


def _operation(folder: Path, change: Change) -> CommitOperationAdd | CommitOperationDelete:
    if change.action == "delete":
        return CommitOperationDelete(change.what, is_folder=False)
    return CommitOperationAdd(change.what, folder / change.what)


# --- what has to change ---------------------------------------------------------------------------


def _plan(repo_id: str, local: _Release, remote: _Remote, private: bool, force: bool) -> tuple[Change, ...]:
    """Every change in the order of doing; an OutputError where the repo must not be changed."""
    if remote.head is None:
        created = Change("create", f"{repo_id} ({'private' if private else 'public'})")
        return (created, *_differences(local, {}), Change("tag", local.tag))
    if private and not remote.private:
        raise OutputError(f"{repo_id}: is public; make it private in its settings, or leave out --private")
    if remote.tagged:
        if _differences(local, remote.tagged_files):
            raise OutputError(
                f"{repo_id}: {local.tag} is there with other content, and never changes; release a new version"
            )
        return ()
    changes = _differences(local, remote.files)
    if changes and not force:
        _refuse(repo_id, local, remote)
    return (*changes, Change("tag", local.tag))


def _refuse(repo_id: str, local: _Release, remote: _Remote) -> None:
    """An OutputError where the repo holds something else than older versions of this corpus."""
    foreign = sorted(set(remote.files) - _KEEP)
    if remote.manifest is None and foreign:
        raise OutputError(f"{repo_id}: holds {foreign[0]}, but no nercot corpus; choose another name, or --force")
    if remote.manifest and remote.manifest["corpus"] != local.corpus:
        other = remote.manifest["corpus"]
        raise OutputError(f"{repo_id}: holds the corpus {other}, not {local.corpus}; choose another name, or --force")
    newest = max(remote.versions, key=_order, default="0.0.0")
    if _order(newest) > _order(local.version):
        raise OutputError(
            f"{repo_id}: holds {newest}, which is newer than {local.version}; publish a newer one, or --force"
        )


def _order(version: str) -> tuple[int, ...]:
    found = _VERSION.fullmatch(version)
    return tuple(int(part) for part in found.groups()) if found else ()


def _differences(local: _Release, remote: Mapping[str, RepoFile]) -> tuple[Change, ...]:
    """What turns the files of the repo into those of the release."""
    sent = [
        Change("replace" if path in remote else "add", path, file.size)
        for path, file in sorted(local.files.items())
        if path not in remote or not _same(file, remote[path])
    ]
    gone = [Change("delete", path) for path in sorted(set(remote) - set(local.files) - _KEEP)]
    return (*sent, *gone)


def _same(file: _File, there: RepoFile) -> bool:
    return file.sha256 == there.lfs.sha256 if there.lfs else file.oid == there.blob_id


def _compare(where: str, local: _Release, commit: str, seen: Seen) -> None:
    """A ShortfallError where a stranger gets something else than what was released."""
    if seen.commit != commit:
        raise ShortfallError(f"{where}: read back as commit {seen.commit}, published as {commit}; run this again")
    files = {path: sha256 for path, sha256 in seen.files.items() if path not in _KEEP}
    wrong = sorted(set(files.items()) ^ {(path, file.sha256) for path, file in local.files.items()})
    if wrong:
        raise ShortfallError(
            f"{where}: {wrong[0][0]} reads back otherwise than it was published; look at it on the Hub"
        )
    for name, rows in local.configs.items():
        config = seen.configs[name]
        if sum(config.rows.values()) != rows:
            found = sum(config.rows.values())
            raise ShortfallError(f"{where}: config {name} loads {found} rows, {rows} were released; release it again")
        if config.features != _features(local, name):
            raise ShortfallError(f"{where}: config {name} loads with other columns than its files; release it again")


def _features(local: _Release, config: str) -> Mapping[str, Any]:
    """The columns of a config as its first Parquet file has them."""
    import pyarrow.parquet as pq
    from datasets import Features

    first = next(path for path in sorted(local.files) if path.startswith(f"{config}/") and path.endswith(".parquet"))
    features: Mapping[str, Any] = Features.from_arrow_schema(pq.read_schema(local.folder / first)).to_dict()
    return features
