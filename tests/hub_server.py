"""A small Hugging Face Hub on loopback, for the real huggingface_hub and datasets clients.

It serves dataset repos: create, commits (preupload, LFS, ndjson, parent check), tags, branches, trees, files
with Range.  State lies on disk (`root`), so that a second server on the same folder goes on where the first
ended.  `faults` makes requests fail on purpose; `log` says what was asked.  Never leaves loopback.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import secrets
import shutil
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

import yaml

Json = dict[str, Any]
_POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:{}\nsize {}\n"
_ATTRIBUTES = b"*.parquet filter=lfs diff=lfs merge=lfs -text\n*.png filter=lfs diff=lfs merge=lfs -text\n"


@dataclass(frozen=True)
class User:
    """Whose token it is: the namespaces where it may write, and the gated repos whose terms were accepted."""

    name: str
    write: tuple[str, ...] = ()
    accepted: tuple[str, ...] = ()


WRITER, READER = "token-of-the-writer", "token-of-the-reader"
USERS = {WRITER: User("writer", ("org", "writer")), READER: User("reader")}


def log_in(token: str | None) -> None:
    """What `hf auth login` leaves behind; None: logged out."""
    path = Path(os.environ["HF_HOME"]) / "token"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(token or "")


@dataclass
class Fault:
    """What goes wrong: `how` is a status, "cut" (the line breaks in the request), "lose" (done, but no reply),
    "half" (the line breaks in the reply), or a function that is called before the request is served.

    Of the requests whose "METHOD /path" matches, the first `skip` pass, the next `times` fail.
    """

    how: int | str | Callable[[], object]
    match: str = r"(POST|PUT|DELETE) "
    skip: int = 0
    times: int = 1
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = '{"error": "as told"}'

    def strikes(self, line: str) -> bool:
        """Whether this request fails; counts it."""
        if not re.match(self.match, line) or self.times == 0:
            return False
        if self.skip:
            self.skip -= 1
            return False
        self.times -= 1
        return True


@dataclass(frozen=True)
class Request:
    """One line of the log; `status` 0: no reply was sent."""

    method: str
    path: str
    status: int

    @property
    def write(self) -> bool:
        """Whether the request may change anything (listing paths is a POST, but only reads)."""
        return self.method not in ("GET", "HEAD") and "/paths-info/" not in self.path


@dataclass(frozen=True)
class Reply:
    """A status, a body and its headers."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


class Refused(Exception):
    """A reply that ends a request early."""

    def __init__(self, status: int, message: str, code: str | None = None) -> None:
        headers = {"X-Error-Message": message, "Content-Type": "application/json"}
        self.reply = Reply(
            status, json.dumps({"error": message}).encode(), headers | ({"X-Error-Code": code} if code else {})
        )


class HubServer:
    """The server; `url` is its address, `start` and `stop` its life."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.users = dict(USERS)
        self.faults: list[Fault] = []
        self.log: list[Request] = []
        self.lock = threading.RLock()
        self._httpd = _Httpd(("127.0.0.1", 0), _Handler)
        self._httpd.hub = self
        self._thread = threading.Thread(target=self._httpd.serve_forever, args=(0.05,), daemon=True)

    @property
    def port(self) -> int:
        """The port that the system gave."""
        return int(self._httpd.server_address[1])

    @property
    def url(self) -> str:
        """What HF_ENDPOINT has to be."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> HubServer:
        """Serves from now on."""
        self._thread.start()
        return self

    def stop(self) -> None:
        """Serves no more; the state stays on disk."""
        self._httpd.shutdown()
        self._httpd.server_close()

    def reset(self) -> None:
        """An empty Hub without faults."""
        with self.lock:
            shutil.rmtree(self.root, ignore_errors=True)
            self.faults, self.log, self.users = [], [], dict(USERS)

    def writes(self) -> list[Request]:
        """The requests that may have changed something."""
        return [request for request in self.log if request.write]

    # --- state --------------------------------------------------------------------------------------

    def repo(self, repo_id: str) -> Json:
        """A repo as it lies on disk; KeyError where there is none."""
        path = self._repo_path(repo_id)
        if not path.exists():
            raise KeyError(repo_id)
        found: Json = json.loads(path.read_text())
        return found

    def save(self, repo_id: str, repo: Json) -> None:
        """Writes a repo, whole or not at all."""
        path = self._repo_path(repo_id)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.with_suffix(".tmp").write_text(json.dumps(repo))
        os.replace(path.with_suffix(".tmp"), path)

    def create(self, repo_id: str, private: bool = False, **files: bytes) -> str:
        """A new repo with .gitattributes (and files), as the Hub makes one; its first commit."""
        self.save(repo_id, {"private": private, "gated": False, "commits": {}, "branches": {}, "tags": {}})
        return self.commit(repo_id, {".gitattributes": _ATTRIBUTES, **files}, "initial commit")

    def commit(self, repo_id: str, files: Mapping[str, bytes | None], title: str = "by hand") -> str:
        """A commit on main from outside; None deletes a file."""
        with self.lock:
            repo = self.repo(repo_id)
            tree = self.tree(repo, "main") if repo["branches"] else {}
            for path, data in files.items():
                tree.pop(path, None)
                if data is not None:
                    tree[path] = self.store(data, path.endswith((".parquet", ".png")))
            return self.add_commit(repo_id, repo, tree, title)

    def add_commit(self, repo_id: str, repo: Json, tree: Json, title: str, branch: str = "main") -> str:
        """Puts a tree on top of a branch."""
        parent = repo["branches"].get(branch)
        # Random, as a commit's time makes it: the client keeps in memory what it knows of a commit.
        oid = secrets.token_hex(20)
        repo["commits"][oid] = {"parent": parent, "title": title, "files": tree}
        repo["branches"][branch] = oid
        self.save(repo_id, repo)
        return oid

    def store(self, data: bytes, lfs: bool) -> Json:
        """Keeps a file's bytes; what a tree says of it."""
        sha = hashlib.sha256(data).hexdigest()
        self.object_path(sha).parent.mkdir(parents=True, exist_ok=True)
        self.object_path(sha).write_bytes(data)
        return _entry(data, sha, len(data), lfs)

    def object_path(self, sha: str) -> Path:
        """Where the bytes of that sha256 lie."""
        return self.root / "objects" / sha

    def tree(self, repo: Json, revision: str) -> Json:
        """The files at a branch, tag or commit."""
        return dict(repo["commits"][resolve(repo, revision)]["files"])

    def files(self, repo_id: str, revision: str = "main") -> dict[str, str]:
        """Path -> sha256 at a revision: what a stranger would get."""
        repo = self.repo(repo_id)
        return {path: entry["sha256"] for path, entry in self.tree(repo, revision).items()}

    def _repo_path(self, repo_id: str) -> Path:
        return self.root / "repos" / f"{repo_id.replace('/', '--')}.json"


def resolve(repo: Json, revision: str) -> str:
    """A branch, tag or commit as a commit."""
    for names in (repo["branches"], repo["tags"]):
        if revision in names:
            return str(names[revision])
    if revision in repo["commits"]:
        return revision
    raise Refused(404, f"Invalid rev id: {revision}", "RevisionNotFound")


def _entry(data: bytes | None, sha: str, size: int, lfs: bool) -> Json:
    shown = _POINTER.format(sha, size).encode() if lfs or data is None else data
    return {"oid": hashlib.sha1(b"blob %d\0" % len(shown) + shown).hexdigest(), "size": size, "sha256": sha, "lfs": lfs}


class _Httpd(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    hub: HubServer

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is no news."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Httpd

    def log_message(self, format: str, *args: Any) -> None:
        """The log is HubServer.log."""

    def _serve(self) -> None:
        hub, line = self.server.hub, f"{self.command} {self.path}"
        fault = next((fault for fault in list(hub.faults) if fault.strikes(line)), None)
        length = int(self.headers.get("Content-Length") or 0)
        if fault and fault.how == "cut":
            self.rfile.read(length // 2)
            return self._hang_up()
        body = self._body(length)
        if fault and isinstance(fault.how, int):
            return self._send(Reply(fault.how, fault.body.encode(), {"Content-Type": "text/plain", **fault.headers}))
        if fault and callable(fault.how):
            fault.how()
        try:
            with hub.lock:
                reply = _Call(hub, self.command, self.path, self.headers, body).answer()
        except Refused as refused:
            reply = refused.reply
        if fault and fault.how == "lose":
            return self._hang_up()
        return self._send(reply, half=bool(fault and fault.how == "half"))

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = _serve

    def _body(self, length: int) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(length)
        parts = []
        while size := int(self.rfile.readline().strip() or b"0", 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def _hang_up(self) -> None:
        self.server.hub.log.append(Request(self.command, self.path, 0))
        self.close_connection = True
        with suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)

    def _send(self, reply: Reply, half: bool = False) -> None:
        if not half:
            self.server.hub.log.append(Request(self.command, self.path, reply.status))
        self.send_response(reply.status)
        for name, value in {"Content-Length": str(len(reply.body)), **reply.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(reply.body[: len(reply.body) // 2] if half else reply.body)
        if half:
            self._hang_up()


def _json(value: Any, status: int = 200) -> Reply:
    return Reply(status, json.dumps(value).encode(), {"Content-Type": "application/json"})


_ROUTES: list[tuple[str, Callable[..., Reply]]] = []


def _route(pattern: str) -> Callable[[Callable[..., Reply]], Callable[..., Reply]]:
    def add(call: Callable[..., Reply]) -> Callable[..., Reply]:
        _ROUTES.append((pattern.replace("REPO", r"(?P<repo_id>[^/]+/[^/]+)"), call))
        return call

    return add


@dataclass
class _Call:
    """One request being answered."""

    hub: HubServer
    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes

    def answer(self) -> Reply:
        """What the route says."""
        line = f"{self.method} {urlsplit(self.target).path}"
        for pattern, call in _ROUTES:
            if found := re.fullmatch(pattern, line):
                return call(self, **{name: unquote(value or "") for name, value in found.groupdict().items()})
        raise Refused(404, f"no such route: {line}")

    def user(self) -> User | None:
        """Whose token came along."""
        token = (self.headers.get("Authorization") or "").removeprefix("Bearer ")
        if token and token not in self.hub.users:
            raise Refused(401, "Invalid credentials in Authorization header")
        return self.hub.users.get(token)

    def open(self, repo_id: str) -> Json:
        """A repo that the caller may see."""
        user = self.user()
        repo = None
        with suppress(KeyError):
            repo = self.hub.repo(repo_id)
        if repo is None or (repo["private"] and (not user or repo_id.split("/")[0] not in user.write)):
            raise Refused(404 if user else 401, "Repository not found", "RepoNotFound")
        return repo

    def read(self, repo_id: str) -> Json:
        """A repo whose files the caller may have."""
        repo, user = self.open(repo_id), self.user()
        if repo["gated"] and (user is None or repo_id not in user.accepted):
            raise Refused(403 if user else 401, f"Access to dataset {repo_id} is restricted.", "GatedRepo")
        return repo

    def edit(self, repo_id: str) -> Json:
        """A repo that the caller may change."""
        repo, user = self.open(repo_id), self.user()
        if user is None:
            raise Refused(401, "Invalid username or password.")
        if repo_id.split("/")[0] not in user.write:
            raise Refused(403, "Forbidden: you must have write access to this repo")
        return repo

    def json(self) -> Json:
        """The body."""
        found: Json = json.loads(self.body)
        return found


@_route(r"GET /api/whoami-v2")
def _whoami(call: _Call) -> Reply:
    user = call.user()
    if user is None:
        raise Refused(401, "Invalid username or password.")
    role = "write" if user.write else "read"
    return _json({"type": "user", "name": user.name, "orgs": [], "auth": {"accessToken": {"role": role}}})


@_route(r"POST /api/repos/create")
def _create(call: _Call) -> Reply:
    asked, user = call.json(), call.user()
    if user is None:
        raise Refused(401, "Invalid username or password.")
    space = asked.get("organization") or user.name
    if space not in user.write:
        raise Refused(403, f"You don't have the rights to create a dataset under the namespace {space}")
    repo_id = f"{space}/{asked['name']}"
    url = f"{call.hub.url}/datasets/{repo_id}"
    with suppress(KeyError):
        call.hub.repo(repo_id)
        return _json({"error": "You already created this dataset repo", "url": url}, 409)
    call.hub.create(repo_id, private=asked.get("visibility") == "private")
    return _json({"url": url})


@_route(r"PUT /api/datasets/REPO/settings")
def _settings(call: _Call, repo_id: str) -> Reply:
    call.hub.save(repo_id, call.edit(repo_id) | {"private": call.json()["visibility"] == "private"})
    return _json({})


@_route(r"POST /api/validate-yaml")
def _validate_yaml(call: _Call) -> Reply:
    head = re.match(r"---\n(.*?)\n---\n", call.json()["content"], re.DOTALL)
    errors = []
    try:
        yaml.safe_load(head[1] if head else "")
    except yaml.YAMLError as error:
        errors.append({"message": str(error).splitlines()[0]})
    return _json({"errors": errors, "warnings": []}, 400 if errors else 200)


@_route(r"POST /api/datasets/REPO/preupload/(?P<revision>[^/]+)")
def _preupload(call: _Call, repo_id: str, revision: str) -> Reply:
    tree = call.hub.tree(call.edit(repo_id), revision)
    return _json({"files": [_upload_mode(item["path"], tree.get(item["path"])) for item in call.json()["files"]]})


def _upload_mode(path: str, known: Json | None) -> Json:
    lfs = path.endswith((".parquet", ".png"))
    oid = known and (known["sha256"] if known["lfs"] else known["oid"])
    return {"path": path, "uploadMode": "lfs" if lfs else "regular", "shouldIgnore": False, "oid": oid}


@_route(r"POST /datasets/REPO\.git/info/lfs/objects/batch")
def _lfs_batch(call: _Call, repo_id: str) -> Reply:
    call.edit(repo_id)
    objects = []
    for item in call.json()["objects"]:
        href = f"{call.hub.url}/lfs/{item['oid']}"
        actions = {"upload": {"href": href}, "verify": {"href": f"{href}/verify"}}
        known = call.hub.object_path(item["oid"]).exists()
        objects.append(item if known else item | {"actions": actions})
    return _json({"transfer": "basic", "objects": objects})


@_route(r"PUT /lfs/(?P<sha>[0-9a-f]{64})")
def _lfs_put(call: _Call, sha: str) -> Reply:
    if hashlib.sha256(call.body).hexdigest() != sha:
        raise Refused(400, "the content does not have that sha256")
    call.hub.store(call.body, True)
    return Reply()


@_route(r"POST /lfs/(?P<sha>[0-9a-f]{64})/verify")
def _lfs_verify(call: _Call, sha: str) -> Reply:
    if not call.hub.object_path(sha).exists():
        raise Refused(404, "no such object")
    return _json({})


@_route(r"(GET|HEAD) /lfs/(?P<sha>[0-9a-f]{64})")
def _lfs_get(call: _Call, sha: str) -> Reply:
    return _ranged(call, call.hub.object_path(sha).read_bytes(), {"ETag": f'"{sha}"'})


@_route(r"POST /api/datasets/REPO/commit/(?P<revision>[^/]+)")
def _commit(call: _Call, repo_id: str, revision: str) -> Reply:
    repo = call.edit(repo_id)
    items = [json.loads(line) for line in call.body.splitlines()]
    header = items[0]["value"]
    if header.get("parentCommit") not in (None, repo["branches"].get(revision)):
        raise Refused(412, "A commit has happened since. Please refresh and try again.")
    tree = call.hub.tree(repo, revision)
    for item in items[1:]:
        _apply(call.hub, tree, item["key"], item["value"])
    oid = call.hub.add_commit(repo_id, repo, tree, header["summary"], revision)
    return _json({"success": True, "commitOid": oid, "commitUrl": f"{call.hub.url}/datasets/{repo_id}/commit/{oid}"})


def _apply(hub: HubServer, tree: Json, key: str, value: Json) -> None:
    path = value["path"]
    if key == "file":
        tree[path] = hub.store(base64.b64decode(value["content"]), False)
    elif key == "lfsFile":
        if not hub.object_path(value["oid"]).exists():
            raise Refused(400, f"LFS object of {path} was never uploaded")
        tree[path] = _entry(None, value["oid"], value["size"], True)
    elif key == "deletedFile" and path in tree:
        del tree[path]
    else:
        raise Refused(404, f"A file with this name doesn't exist: {path}", "EntryNotFound")


@_route(r"GET /api/datasets/REPO(/revision/(?P<revision>[^/]+))?")
def _info(call: _Call, repo_id: str, revision: str) -> Reply:
    repo = call.open(repo_id)
    sha = resolve(repo, revision or "main")
    files = [{"rfilename": path} for path in repo["commits"][sha]["files"]]
    about = {"private": repo["private"], "gated": "auto" if repo["gated"] else False, "disabled": False}
    return _json({"_id": repo_id, "id": repo_id, "sha": sha, "siblings": files, "tags": [], "downloads": 0, **about})


@_route(r"GET /api/datasets/REPO/tree/(?P<revision>[^/]+)(/(?P<folder>.*))?")
def _tree(call: _Call, repo_id: str, revision: str, folder: str) -> Reply:
    tree = call.hub.tree(call.read(repo_id), revision)
    recursive = parse_qs(urlsplit(call.target).query).get("recursive", ["False"])[0].lower() == "true"
    listed = list(_listing(tree, folder.strip("/"), recursive))
    if folder and not listed:
        raise Refused(404, f"{folder} does not exist", "EntryNotFound")
    return _json(listed)


def _listing(tree: Json, folder: str, recursive: bool) -> Iterator[Json]:
    prefix, folders = (f"{folder}/" if folder else ""), set()
    for path, entry in sorted(tree.items()):
        if not path.startswith(prefix):
            continue
        parts = path.removeprefix(prefix).split("/")
        parents = ["/".join(parts[:depth]) for depth in range(1, len(parts))]
        for parent in parents if recursive else parents[:1]:
            if parent not in folders:
                folders.add(parent)
                yield {
                    "type": "directory",
                    "oid": hashlib.sha1(parent.encode()).hexdigest(),
                    "size": 0,
                    "path": prefix + parent,
                }
        if recursive or len(parts) == 1:
            yield _listed(path, entry)


def _listed(path: str, entry: Json) -> Json:
    shown = {"type": "file", "oid": entry["oid"], "size": entry["size"], "path": path}
    lfs = {"oid": entry["sha256"], "size": entry["size"], "pointerSize": 134}
    return shown | {"lfs": lfs} if entry["lfs"] else shown


@_route(r"POST /api/datasets/REPO/paths-info/(?P<revision>[^/]+)")
def _paths_info(call: _Call, repo_id: str, revision: str) -> Reply:
    tree = call.hub.tree(call.read(repo_id), revision)
    form = parse_qs(call.body.decode())
    wanted = call.json()["paths"] if call.body.startswith(b"{") else form["paths"]
    everything = {item["path"]: item for item in _listing(tree, "", True)}
    return _json([everything[path] for path in wanted if path in everything])


@_route(r"GET /api/datasets/REPO/refs")
def _refs(call: _Call, repo_id: str) -> Reply:
    repo = call.open(repo_id)
    return _json({"branches": _named(repo["branches"], "heads"), "converts": [], "tags": _named(repo["tags"], "tags")})


def _named(names: Json, kind: str) -> list[Json]:
    return [{"name": name, "ref": f"refs/{kind}/{name}", "targetCommit": oid} for name, oid in names.items()]


@_route(r"GET /api/datasets/REPO/commits/(?P<revision>[^/]+)")
def _commits(call: _Call, repo_id: str, revision: str) -> Reply:
    repo = call.open(repo_id)
    oid: str | None = resolve(repo, revision)
    listed = []
    while oid:
        commit = repo["commits"][oid]
        date = "2026-01-01T00:00:00.000Z"
        listed.append({"id": oid, "title": commit["title"], "message": "", "authors": [], "date": date})
        oid = commit["parent"]
    return _json(listed)


@_route(r"POST /api/datasets/REPO/tag/(?P<revision>[^/]+)")
def _tag(call: _Call, repo_id: str, revision: str) -> Reply:
    repo, name = call.edit(repo_id), call.json()["tag"]
    if name in repo["tags"]:
        raise Refused(409, f"Tag {name} already exists")
    repo["tags"][name] = resolve(repo, revision)
    call.hub.save(repo_id, repo)
    return _json({})


@_route(r"DELETE /api/datasets/REPO/tag/(?P<name>[^/]+)")
def _untag(call: _Call, repo_id: str, name: str) -> Reply:
    repo = call.edit(repo_id)
    if repo["tags"].pop(name, None) is None:
        raise Refused(404, f"no tag {name}", "RevisionNotFound")
    call.hub.save(repo_id, repo)
    return _json({})


@_route(r"(GET|HEAD) /datasets/REPO/resolve/(?P<revision>[^/]+)/(?P<path>.+)")
def _resolve(call: _Call, repo_id: str, revision: str, path: str) -> Reply:
    repo = call.read(repo_id)
    commit = resolve(repo, revision)
    entry = repo["commits"][commit]["files"].get(path)
    if entry is None:
        missing = Refused(404, "Entry not found", "EntryNotFound").reply
        return replace(missing, headers={**missing.headers, "X-Repo-Commit": commit})
    headers = {"X-Repo-Commit": commit, "ETag": f'"{entry["oid"]}"'}
    if not entry["lfs"]:
        return _ranged(call, call.hub.object_path(entry["sha256"]).read_bytes(), headers)
    elsewhere = f"http://localhost:{call.hub.port}/lfs/{entry['sha256']}?name={quote(path)}"
    linked = {"X-Linked-Etag": f'"{entry["sha256"]}"', "X-Linked-Size": str(entry["size"]), "Location": elsewhere}
    return Reply(302, b"", headers | linked)


def _ranged(call: _Call, data: bytes, headers: Mapping[str, str]) -> Reply:
    asked = re.fullmatch(r"bytes=(\d+)-(\d*)", call.headers.get("Range") or "")
    headers = {"Accept-Ranges": "bytes", **headers}
    if not asked:
        return Reply(200, data, headers)
    start, end = int(asked[1]), min(int(asked[2] or len(data) - 1), len(data) - 1)
    return Reply(206, data[start : end + 1], headers | {"Content-Range": f"bytes {start}-{end}/{len(data)}"})
