"""Nothing secret in what the daemon prints: logs are pasted into bug reports."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tests.attacks.conftest import Target
from tests.support import http

if TYPE_CHECKING:
    from pathlib import Path


def test_no_secret_is_printed(tmp_path: Path) -> None:
    """Every secret is used, well and badly, with all logging on; none is in the output.

    But for one: the first link, which is printed for the user to open, and is spent then.
    """
    target = Target(tmp_path, None, program=("-m", "nitropilot", "-v"))
    try:
        secrets = use_everything(target)
        link = re.search(r"\?code=(\S+)", target.output())
        assert link
        assert http.get(f"{target.url}/?code={link[1]}").status_code == 303
        assert http.get(f"{target.url}/?code={link[1]}").status_code in (401, 429)
    finally:
        target.client.close()
        target.kill()
    output = target.output()
    assert output.count(link[1]) == 1
    assert len(secrets) >= 5
    for secret in secrets:
        assert len(secret) >= 40
        assert secret not in output
        assert secret[:12] not in output
    assert "np_" not in output
    for file in tmp_path.rglob("*"):
        if file.is_file() and file.name != "token":
            text = file.read_text(errors="replace")
            assert not [secret for secret in secrets if secret in text], file


def use_everything(target: Target) -> set[str]:
    """Use tokens, codes and cookies in right and wrong ways; returns them."""
    made = target.client.post("/api/v1/tokens", json={"name": "d", "scope": "deck"}).json()
    code = target.client.post("/api/v1/auth/codes").json()["code"]
    unused = target.client.post("/api/v1/auth/codes").json()["code"]
    cookie = http.get(f"{target.url}/?code={code}").headers["Set-Cookie"].split(";")[0]
    secrets = {target.token, made["secret"], code, unused, cookie.partition("=")[2]}
    wrong = "w" * 43
    for path in ("/api/v1/status", "/api/v1/tokens", "/nothing", f"/?code={wrong}", "//"):
        for secret in (*secrets, wrong):
            for headers in (
                {"Authorization": f"Bearer {secret}"}, {"Authorization": secret},
                {"Cookie": f"{cookie.partition('=')[0]}={secret}"}, {"X": secret},
                {"Authorization": f"Bearer {secret}", "Host": "evil.example"},
                {"Authorization": f"Bearer {secret}", "Upgrade": "websocket",
                 "Connection": "Upgrade"},
            ):  # fmt: skip
                http.get(target.url + path, headers=headers)
        head = target.head("GET", path, f"Authorization: Bearer {target.token}", "Bad Header")
        target.status(head)
    target.client.delete(f"/api/v1/tokens/{made['token']['id']}")
    return secrets | {wrong}
