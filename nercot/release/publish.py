"""Release -> Hub: one commit, one tag, read back.

In: a release folder (release.py) and a dataset's name.  Out: the dataset on the Hub, which then holds the
release's files and the tag `v<version>`; and what had to change for that.  Files that no release of this corpus put
there stay, and what somebody wrote into the card on the Hub is never lost without being asked for.  The repo is in
its old or its new state at any moment, and the same call ends what a cut line left.  A tag never moves.  Never
publishes what does not verify, and no text that may not be passed on.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi, constants, get_token
from huggingface_hub.errors import RepositoryNotFoundError, RevisionNotFoundError
from huggingface_hub.hf_api import RepoFile

from nercot.errors import InputError, OutputError, ShortfallError
from nercot.formats.hub import HUB_ERRORS, LOGIN, Patience, explain, passing, quiet, unreachable
from nercot.release.on_disk import ABOUT, File, OnDisk, is_manifest, read_release
from nercot.release.readback import Seen, read_back

Report = Callable[[str], None]
Verify = Callable[[Path], Sequence[str]]

# How long one call may be retried while the Hub is busy, in seconds.
PATIENCE = 600.0
# How many lines that would be lost are listed.
_SHOWN = 20
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
    config as they were read back, empty in a dry run.  `kept`: files on the Hub that no release put there.
    `unseen`: why a dry run could not look at the Hub, None where it did.
    """

    repo_id: str
    tag: str
    url: str
    commit: str | None
    changes: tuple[Change, ...]
    rows: Mapping[str, int] = field(default_factory=dict)
    dry_run: bool = False
    kept: tuple[str, ...] = ()
    unseen: str | None = None


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
    private.  `dry_run`: reads only.  `force`: also over a repo that holds something else or a newer version, or
    a card that somebody has edited there.
    `report` is given one line for every change and every pause.  `patience`: seconds.

    Raises InputError (no release, or one that may not be published), OutputError (the Hub refuses, or the
    repo holds something else), ShortfallError (it does not verify, the Hub stays busy, or what is read back
    differs).  All in one line.
    """
    if not _REPO_ID.fullmatch(repo_id):
        raise InputError(f"{repo_id!r} is not a dataset's name; write it as org/name")
    local = read_release(release)
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


def _dry(hub: _Hub, local: OnDisk, private: bool, force: bool) -> Published:
    """What would change; without a connection, all that would be sent to an empty repo."""
    try:
        remote = hub.look(local.tag)
    except HUB_ERRORS as error:
        if not unreachable(error):
            raise
        return _blind(hub, local, explain(error, hub.repo_id))
    changes = _plan(hub, local, remote, private, force)
    for change in changes:
        hub.report(f"would {change}")
    commit = None if any(change.action != "tag" for change in changes) else remote.tagged or remote.head
    return Published(hub.repo_id, local.tag, hub.url, commit, changes, dry_run=True, kept=remote.foreign)


def _blind(hub: _Hub, local: OnDisk, why: str) -> Published:
    changes = (*_differences(local, _Remote()), Change("tag", local.tag))
    for change in changes:
        hub.report(f"would {change}, unless it is there")
    hub.report(f"not seen: what {hub.repo_id} holds, and whether your login may write there ({why})")
    return Published(hub.repo_id, local.tag, hub.url, None, changes, dry_run=True, unseen=why)


def _publish(hub: _Hub, local: OnDisk, private: bool, force: bool) -> Published:
    if get_token() is None:
        raise OutputError(f"{hub.repo_id}: nobody is logged in to the Hub; {LOGIN} with a token that may write there")
    remote = hub.look(local.tag)
    changes = _plan(hub, local, remote, private, force)
    for change in changes:
        hub.report(str(change))
    if remote.head is None:
        hub.create(private)
        # Looked at again, and refused again: a repo may have come from elsewhere at the same moment.
        remote = hub.look(local.tag)
        _plan(hub, local, remote, private, force)
    commit = remote.tagged or hub.tag(hub.commit(local, remote), local.tag)
    hub.report(f"read back {hub.repo_id}@{local.tag}")
    seen = read_back(hub.repo_id, local.tag, list(local.configs), hub.ask.seconds)
    _compare(f"{hub.repo_id}@{local.tag}", local, commit, seen, remote.foreign)
    rows = {name: sum(config.rows.values()) for name, config in seen.configs.items()}
    return Published(hub.repo_id, local.tag, hub.url, commit, changes, rows, kept=remote.foreign)


# --- the repo on the Hub --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Remote:
    """The repo as it is: `head` None where there is no repo; `tagged`: the commit of the release's tag.

    `last`: tag and files of the version that the head's manifest names, as they were published.
    """

    head: str | None = None
    private: bool = True
    files: Mapping[str, RepoFile] = field(default_factory=dict)
    manifest: Mapping[str, Any] | None = None
    versions: tuple[str, ...] = ()
    tagged: str | None = None
    tagged_files: Mapping[str, RepoFile] = field(default_factory=dict)
    last: str | None = None
    last_files: Mapping[str, RepoFile] = field(default_factory=dict)

    @property
    def ours(self) -> frozenset[str]:
        """The files at the head that a release of nercot put there."""
        if self.manifest is None:
            return frozenset()
        return ABOUT | {str(file["path"]) for file in self.manifest["files"]}

    @property
    def foreign(self) -> tuple[str, ...]:
        """The files at the head that are somebody else's, and stay."""
        return tuple(sorted(set(self.files) - self.ours - _KEEP - ABOUT))


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
        last = f"v{manifest['version']}" if manifest else None
        last = last if last in versions and last != tag else None
        return _Remote(
            head=head,
            private=bool(info.private),
            files=files,
            manifest=manifest,
            versions=versions,
            tagged=tagged,
            tagged_files=self._files(tagged) if tagged else {},
            last=last,
            last_files=self._files(last) if last else {},
        )

    def content(self, path: str, revision: str) -> bytes:
        """The bytes of a small file of the repo."""
        get = partial(self._api.hf_hub_download, self.repo_id, path, repo_type="dataset", revision=revision)
        return Path(self.ask(get)).read_bytes()

    def lines(self, path: str, revision: str) -> list[str]:
        """The lines of a file of the repo that are not blank."""
        text = self.content(path, revision).decode("utf-8", "replace")
        return [line.strip() for line in text.splitlines() if line.strip()]

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
        return found if is_manifest(found) else None

    def _tagged(self, tag: str) -> str | None:
        try:
            return str(self.ask(lambda: self._api.dataset_info(self.repo_id, revision=tag)).sha)
        except RevisionNotFoundError:
            return None

    def edited(self, remote: _Remote, path: str) -> bool:
        """Whether a file at the head is not as the last release left it."""
        there = remote.files[path]
        if path in remote.last_files:
            return there.blob_id != remote.last_files[path].blob_id
        listed = {str(file["path"]): str(file["sha256"]) for file in (remote.manifest or {}).get("files", ())}
        if path not in listed:
            return False
        found = there.lfs.sha256 if there.lfs else hashlib.sha256(self.content(path, str(remote.head))).hexdigest()
        return found != listed[path]

    def create(self, private: bool) -> None:
        """Creates the repo; fine where an attempt whose reply was lost has done so."""
        self.ask(lambda: self._api.create_repo(self.repo_id, repo_type="dataset", private=private, exist_ok=True))

    def commit(self, local: OnDisk, remote: _Remote) -> str:
        """One commit on top of what was looked at; the head as it is where that holds the release already."""

        def attempt() -> str:
            # An attempt before this one may have arrived though its reply was lost.
            head = str(self._api.dataset_info(self.repo_id).sha)
            changes = _differences(local, replace(remote, files=self._files(head)))
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


def _plan(hub: _Hub, local: OnDisk, remote: _Remote, private: bool, force: bool) -> tuple[Change, ...]:
    """Every change in the order of doing; an OutputError where the repo must not be changed."""
    repo_id = hub.repo_id
    if remote.head is None:
        created = Change("create", f"{repo_id} ({'private' if private else 'public'})")
        return (created, *_differences(local, remote), Change("tag", local.tag))
    if private and not remote.private:
        raise OutputError(f"{repo_id}: is public; make it private in its settings, or leave out --private")
    if remote.tagged:
        if _differences(local, replace(remote, files=remote.tagged_files)):
            raise OutputError(
                f"{repo_id}: {local.tag} is there with other content, and never changes; release a new version"
            )
        return ()
    changes = _differences(local, remote)
    if changes and not force:
        _refuse(repo_id, local, remote)
        _refuse_loss(hub, local, remote, changes)
    _say_kept(hub, local, remote)
    return (*changes, Change("tag", local.tag))


def _say_kept(hub: _Hub, local: OnDisk, remote: _Remote) -> None:
    """Tells of files that stay; an OutputError where one would be loaded as if it were of the corpus."""
    for path in remote.foreign:
        if path.partition("/")[0] in local.configs:
            raise OutputError(
                f"{hub.repo_id}: {path} is of no release, and would be loaded with the config "
                f"{path.partition('/')[0]}; move it away on the Hub, then run this again"
            )
        hub.report(f"keep {path}, which no release put there")


def _refuse_loss(hub: _Hub, local: OnDisk, remote: _Remote, changes: tuple[Change, ...]) -> None:
    """An OutputError where a change would take away what somebody wrote on the Hub since the last release."""
    for change in changes:
        if change.what in remote.files and hub.edited(remote, change.what):
            lost = _lost(hub, local, remote, change.what)
            for line in lost[:_SHOWN]:
                hub.report(f"would be lost from {change.what}: {line}")
            if lost:
                raise OutputError(
                    f"{hub.repo_id}: {change.what} was edited on the Hub since {remote.last or 'it was published'}: "
                    f"{len(lost)} lines would be lost ({lost[0][:60]!r}); put them between the notes lines of the "
                    "candidate's README.md and release again, or --force to lose them"
                )


def _lost(hub: _Hub, local: OnDisk, remote: _Remote, path: str) -> list[str]:
    """The lines of a file on the Hub that neither the last release nor this one has."""
    if path.endswith(".parquet"):
        return [f"{path} as it is there"]
    known = set(hub.lines(path, remote.last)) if remote.last else set()
    mine = local.folder / path
    known |= {line.strip() for line in mine.read_text(encoding="utf-8").splitlines()} if mine.exists() else set()
    return [line for line in hub.lines(path, str(remote.head)) if line not in known]


def _refuse(repo_id: str, local: OnDisk, remote: _Remote) -> None:
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


def _differences(local: OnDisk, remote: _Remote) -> tuple[Change, ...]:
    """What turns the files that releases put into the repo into those of this release."""
    sent = [
        Change("replace" if path in remote.files else "add", path, file.size)
        for path, file in sorted(local.files.items())
        if path not in remote.files or not _same(file, remote.files[path])
    ]
    gone = [Change("delete", path) for path in sorted((remote.ours & set(remote.files)) - set(local.files))]
    return (*sent, *gone)


def _same(file: File, there: RepoFile) -> bool:
    return file.sha256 == there.lfs.sha256 if there.lfs else file.oid == there.blob_id


def _compare(where: str, local: OnDisk, commit: str, seen: Seen, foreign: Sequence[str]) -> None:
    """A ShortfallError where a stranger gets something else than what was released."""
    if seen.commit != commit:
        raise ShortfallError(f"{where}: read back as commit {seen.commit}, published as {commit}; run this again")
    files = {path: sha256 for path, sha256 in seen.files.items() if path not in _KEEP and path not in foreign}
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


def _features(local: OnDisk, config: str) -> Mapping[str, Any]:
    """The columns of a config as its first Parquet file has them."""
    import pyarrow.parquet as pq
    from datasets import Features

    first = next(path for path in sorted(local.files) if path.startswith(f"{config}/") and path.endswith(".parquet"))
    features: Mapping[str, Any] = Features.from_arrow_schema(pq.read_schema(local.folder / first)).to_dict()
    return features
