"""A hub of our own: serves repositories as the Hugging Face hub does, and fails on request."""

from __future__ import annotations

import hashlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping

COMMIT = "0123456789abcdef0123456789abcdef01234567"


class Hub:
    """One repository, ``lab/policy``, with these files.

    Args:
        files: Content by name.

    Attributes:
        ranges: The Range header of every request for a file's content.
        cuts: The next answers end after so many bytes, with the connection.
        lies: Files whose content is not what the repository says.
        stall: Set, the next content stops after its first bytes until it is cleared.
    """

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self.files = dict(files)
        self.ranges: list[str | None] = []
        self.cuts: list[int] = []
        self.lies: dict[str, bytes] = {}
        self.sent = 0
        self.go_on = threading.Event()
        self.go_on.set()
        hub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: object) -> None:
                """No noise."""

            def do_HEAD(self) -> None:
                hub.answer(self, body=False)

            def do_GET(self) -> None:
                hub.answer(self, body=True)

            def do_POST(self) -> None:
                hub.take(self)

            def do_PUT(self) -> None:
                hub.take(self)

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def close(self) -> None:
        """End it."""
        self.go_on.set()
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def answer(self, request: BaseHTTPRequestHandler, body: bool) -> None:
        """One request."""
        path = unquote(urlsplit(request.path).path)
        if path.startswith("/api/models/lab/policy"):
            revision = path.partition("/revision/")[2] or "main"
            if revision not in ("main", "v1", COMMIT):
                return self._error(request, 404, "RevisionNotFound")
            return self._send(request, 200, json.dumps(self._info()).encode(), body)
        prefix = f"/lab/policy/resolve/{COMMIT}/"
        if not path.startswith(prefix) or path.removeprefix(prefix) not in self.files:
            return self._error(request, 404, "RepoNotFound")
        return self._file(request, path.removeprefix(prefix), body)

    def take(self, request: BaseHTTPRequestHandler) -> None:
        """Something is sent: nothing is taken here; see ``taking_hub``."""
        self._error(request, 404, "RepoNotFound")

    def _info(self) -> dict[str, object]:
        return {
            "id": "lab/policy", "modelId": "lab/policy", "sha": COMMIT, "private": False,
            "tags": [], "downloads": 0, "likes": 0,
            "siblings": [self._sibling(name, data) for name, data in self.files.items()],
        }  # fmt: skip

    def _sibling(self, name: str, data: bytes) -> dict[str, object]:
        blob = hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()
        found: dict[str, object] = {"rfilename": name, "size": len(data), "blobId": blob}
        if not name.endswith(".json"):
            digest = hashlib.sha256(data).hexdigest()
            found["lfs"] = {"sha256": digest, "size": len(data), "pointerSize": 134}
        return found

    def _file(self, request: BaseHTTPRequestHandler, name: str, body: bool) -> None:
        data = self.lies.get(name, self.files[name])
        headers = {
            "ETag": f'"{hashlib.sha256(self.files[name]).hexdigest()}"',
            "X-Repo-Commit": COMMIT,
            "Accept-Ranges": "bytes",
        }
        if not body:
            return self._send(request, 200, data, body, headers)
        asked = request.headers.get("Range")
        self.ranges.append(asked)
        status = 200
        if asked is not None:
            first = int(asked.removeprefix("bytes=").partition("-")[0])
            headers["Content-Range"] = f"bytes {first}-{len(data) - 1}/{len(data)}"
            data, status = data[first:], 206
        return self._send(request, status, data, body, headers)

    def _send(
        self,
        request: BaseHTTPRequestHandler,
        status: int,
        data: bytes,
        body: bool,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        request.send_response(status)
        for name, value in (headers or {}).items():
            request.send_header(name, value)
        request.send_header("Content-Length", str(len(data)))
        request.end_headers()
        if not body:
            return
        if headers is None:
            request.wfile.write(data)
            return
        cut = self.cuts.pop(0) if self.cuts else None
        half = len(data) // 2 if not self.go_on.is_set() else 0
        if half:
            request.wfile.write(data[:half])
            request.wfile.flush()
            self.sent += half
            self.go_on.wait(300)
        rest = data[half:cut]
        try:
            request.wfile.write(rest)
            self.sent += len(rest)
        except ConnectionError:
            request.close_connection = True
        if cut is not None:
            request.close_connection = True

    def _error(self, request: BaseHTTPRequestHandler, status: int, code: str) -> None:
        request.send_response(status)
        request.send_header("X-Error-Code", code)
        request.send_header("Content-Length", "0")
        request.end_headers()
