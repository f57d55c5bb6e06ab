"""A hub of our own to which something can be pushed, as the Hugging Face hub takes it.

Files that are large there (by their names) go to the storage for large files by their digests, and
are checked; a commit names them, and has the small ones in it.
"""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from tests.server.jobs.hub import Hub

if TYPE_CHECKING:
    from http.server import BaseHTTPRequestHandler

TOKEN = "hf_not_for_the_log"
LARGE = (".mp4", ".parquet", ".safetensors", ".gz")


@dataclass
class Repository:
    """What was pushed.

    Attributes:
        private: Whether only its owner sees it.
        files: Content by name.
        commits: How many.
    """

    private: bool
    files: dict[str, bytes] = field(default_factory=dict)
    commits: int = 0

    @property
    def sha(self) -> str:
        """Of the last commit."""
        return f"{self.commits:040x}"


class TakingHub(Hub):
    """Takes repositories, large files and commits from who has the token.

    Attributes:
        repositories: By kind and name, ``("dataset", "lab/set")``.
        storage: Large files by their digests.
        stored: Names of digests in the order in which they came.
        full_after: How many large files are taken; None: all.
    """

    def __init__(self) -> None:
        self.repositories: dict[tuple[str, str], Repository] = {}
        self.storage: dict[str, bytes] = {}
        self.stored: list[str] = []
        self.full_after: int | None = None
        super().__init__({})

    def answer(self, request: BaseHTTPRequestHandler, body: bool) -> None:
        """What is known of a repository."""
        found = self._found(unquote(urlsplit(request.path).path))
        if found is None:
            return self._error(request, 404, "RepoNotFound")
        name, repository = found
        siblings = [self._sibling(each, data) for each, data in repository.files.items()]
        return self._json(request, {
            "id": name, "modelId": name, "sha": repository.sha, "private": repository.private,
            "tags": [], "downloads": 0, "likes": 0, "siblings": siblings,
        })  # fmt: skip

    def take(self, request: BaseHTTPRequestHandler) -> None:
        """Something is sent."""
        data = request.rfile.read(int(request.headers.get("Content-Length") or 0))
        path = unquote(urlsplit(request.path).path)
        if path.startswith("/storage/"):
            return self._store(request, path.removeprefix("/storage/"), data)
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return self._error(request, 401, "Unauthorized")
        if path == "/api/validate-yaml":
            return self._json(request, {"errors": [], "warnings": []})
        if path == "/api/repos/create":
            return self._create(request, json.loads(data))
        if path.endswith("/info/lfs/objects/batch"):
            return self._batch(request, json.loads(data))
        found = self._found(path)
        if found is None:
            return self._error(request, 404, "RepoNotFound")
        if "/preupload/" in path:
            return self._modes(request, found[1], json.loads(data))
        return self._commit(request, found, data)

    def _found(self, path: str) -> tuple[str, Repository] | None:
        for (kind, name), repository in self.repositories.items():
            if path == f"/api/{kind}s/{name}" or path.startswith(f"/api/{kind}s/{name}/"):
                return name, repository
        return None

    def _create(self, request: BaseHTTPRequestHandler, asked: dict[str, Any]) -> None:
        kind, name = asked.get("type", "model"), f"{asked['organization']}/{asked['name']}"
        place = f"{self.url}/{'datasets/' if kind == 'dataset' else ''}{name}"
        if (kind, name) in self.repositories:
            return self._json(request, {"error": "it is there", "url": place}, 409)
        self.repositories[kind, name] = Repository(asked.get("visibility") == "private")
        return self._json(request, {"url": place})

    def _modes(
        self, request: BaseHTTPRequestHandler, repository: Repository, asked: dict[str, Any]
    ) -> None:
        files = []
        for each in asked["files"]:
            there = repository.files.get(each["path"])
            large = each["path"].endswith(LARGE)
            oid = None if there is None else _oid(there, large)
            mode = "lfs" if large else "regular"
            files.append({"path": each["path"], "uploadMode": mode, "shouldIgnore": False,
                          "oid": oid})  # fmt: skip
        self._json(request, {"files": files})

    def _batch(self, request: BaseHTTPRequestHandler, asked: dict[str, Any]) -> None:
        objects = []
        for each in asked["objects"]:
            said = {"oid": each["oid"], "size": each["size"]}
            if each["oid"] not in self.storage:
                said["actions"] = {"upload": {"href": f"{self.url}/storage/{each['oid']}"}}
            objects.append(said)
        self._json(request, {"transfer": "basic", "objects": objects})

    def _store(self, request: BaseHTTPRequestHandler, oid: str, data: bytes) -> None:
        full = self.full_after is not None and len(self.storage) >= self.full_after
        if full or request.headers.get("Authorization"):
            return self._error(request, 403, "Forbidden")
        if hashlib.sha256(data).hexdigest() != oid:
            return self._error(request, 400, "WrongContent")
        self.storage[oid] = data
        self.stored.append(oid)
        return self._json(request, {})

    def _commit(
        self, request: BaseHTTPRequestHandler, found: tuple[str, Repository], data: bytes
    ) -> None:
        name, repository = found
        for line in data.splitlines():
            said = json.loads(line)
            value = said["value"]
            if said["key"] == "file":
                repository.files[value["path"]] = base64.b64decode(value["content"])
            elif said["key"] == "lfsFile":
                repository.files[value["path"]] = self.storage[value["oid"]]
        repository.commits += 1
        url = f"{self.url}/{name}/commit/{repository.sha}"
        self._json(request, {"commitUrl": url, "commitOid": repository.sha})

    def _json(
        self, request: BaseHTTPRequestHandler, value: dict[str, Any], status: int = 200
    ) -> None:
        self._send(request, status, json.dumps(value).encode(), body=True)


def _oid(data: bytes, large: bool) -> str:
    """What the hub knows a file by."""
    if large:
        return hashlib.sha256(data).hexdigest()
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()
