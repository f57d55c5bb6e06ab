"""Named tokens: what the file holds, who may read it, and how fast a revocation counts."""

from __future__ import annotations

import hashlib
import json
import os
import stat
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from nitropilot.server.auth import Scope, TokenStore
from nitropilot.server.auth import tokens as tokens_module
from nitropilot.server.errors import TokenFileError, TokenNotFound, TokenRefused
from nitropilot.server.store.private import locked, write_private
from tests.server.processes import ROOT, command, environment
from tests.support import http

if TYPE_CHECKING:
    from pathlib import Path

    from tests.server.processes import Daemon

posix = pytest.mark.skipif(sys.platform == "win32", reason="Windows has access lists, not modes")


@pytest.fixture
def store(tmp_path: Path) -> TokenStore:
    """A store without a file."""
    return TokenStore(tmp_path / "config" / "tokens.json")


def test_no_file_is_no_tokens(store: TokenStore) -> None:
    """The first start must neither fail nor make files."""
    assert store.load() == store.current() == ()
    assert store.find("anything") is None
    assert not store.path.parent.exists()


def test_the_file_holds_digests_only(store: TokenStore) -> None:
    """A backup of it must not be a way in."""
    record, secret = store.create("Stream Deck", Scope.DECK)
    text = store.path.read_text()
    assert secret not in text
    assert record.digest == hashlib.sha256(secret.encode()).hexdigest()
    (entry,) = json.loads(text)["tokens"]
    assert set(entry) == {"id", "name", "scope", "digest", "created", "last_used"}
    assert entry["last_used"] is None
    assert abs(datetime.fromisoformat(entry["created"]) - datetime.now(UTC)) < timedelta(minutes=5)


@posix
def test_only_the_user_can_read_it(store: TokenStore) -> None:
    """Names say what a user has; a wide umask must not open them."""
    old = os.umask(0)
    try:
        store.create("a", Scope.DECK)
    finally:
        os.umask(old)
    assert {stat.S_IMODE(path.stat().st_mode) for path in store.path.parent.iterdir()} == {0o600}


def test_a_secret_finds_its_own_token_only(store: TokenStore) -> None:
    """Parts of it, its digest and other texts find nothing."""
    made = [store.create(name, Scope.DECK) for name in ("a", "b", "a")]
    assert len({record.id for record, _ in made}) == len({secret for _, secret in made}) == 3
    for record, secret in made:
        assert store.find(secret) == record
        for wrong in ("", secret[:-1], secret + "x", secret.upper(), record.digest, record.id):
            assert store.find(wrong) is None
        assert store.find("\ud800\xff") is None


def test_a_revoked_token_is_gone_for_every_store_at_once(store: TokenStore) -> None:
    """The command line revokes; the daemon, which has read the file before, must notice."""
    daemon = TokenStore(store.path)
    keep, kept_secret = store.create("keep", Scope.OVERLAY)
    for _ in range(20):  # as fast as a file system's clock may be too coarse for
        record, secret = store.create("x", Scope.DECK)
        assert daemon.find(secret) == record
        assert daemon.has(record.id)
        store.revoke(record.id)
        assert daemon.find(secret) is None
        assert not daemon.has(record.id)
    assert daemon.find(kept_secret) == keep
    with pytest.raises(TokenNotFound, match="nothing"):
        store.revoke("nothing")


def test_a_removed_file_is_no_tokens(store: TokenStore) -> None:
    """Deleting it is a way to revoke everything."""
    _, secret = store.create("a", Scope.ADMIN)
    assert store.find(secret)
    store.path.unlink()
    assert store.find(secret) is None


@pytest.mark.parametrize(
    "change",
    [
        lambda body: b"",
        lambda body: b"{",
        lambda body: b"[]",
        lambda body: b"\xff\xfe",
        lambda body: b"[" * 100_000,
        lambda body: json.dumps(body | {"version": 2}).encode(),
        lambda body: json.dumps(body | {"tokens": {}}).encode()[:-1],
        lambda body: json.dumps(body | {"tokens": [1]}).encode(),
        lambda body: json.dumps(body | {"tokens": [body["tokens"][0] | {"x": 1}]}).encode(),
        lambda body: json.dumps(body | {"tokens": [body["tokens"][0] | {"scope": "god"}]}).encode(),
        lambda body: json.dumps(body | {"tokens": [body["tokens"][0] | {"digest": ""}]}).encode(),
        lambda body: json.dumps(body | {"tokens": [body["tokens"][0] | {"id": 7}]}).encode(),
        lambda body: json.dumps(
            body | {"tokens": [body["tokens"][0] | {"last_used": "soon"}]}
        ).encode(),
    ],
)
def test_a_damaged_file_lets_nobody_in(store: TokenStore, change: Any) -> None:
    """Closed, not open; and never overwritten, as somebody may want to mend it."""
    _, secret = store.create("a", Scope.ADMIN)
    assert store.find(secret)
    damaged = change(json.loads(store.path.read_text()))
    store.path.write_bytes(damaged)
    assert store.find(secret) is None
    with pytest.raises(TokenFileError, match="damaged") as caught:
        store.create("b", Scope.DECK)
    assert "delete it" in caught.value.hint
    assert store.path.read_bytes() == damaged


@posix
def test_a_file_that_others_can_read_lets_nobody_in(store: TokenStore) -> None:
    """Who could read it could have written it."""
    _, secret = store.create("a", Scope.ADMIN)
    store.path.chmod(0o644)
    with pytest.raises(TokenFileError, match="mode 644"):
        store.load()
    os.utime(store.path)
    assert store.find(secret) is None


@pytest.mark.parametrize("name", ["", "x" * 65, "a\nb", "\x1b[31m", "\x00"])
def test_names_that_cannot_be_listed_are_refused(store: TokenStore, name: str) -> None:
    """A name is printed in tables and pages."""
    with pytest.raises(TokenRefused):
        store.create(name, Scope.DECK)
    assert not store.path.exists()


def test_there_is_a_most(store: TokenStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every request compares with every token."""
    monkeypatch.setattr(tokens_module, "MAX_TOKENS", 2)
    for name in "ab":
        store.create(name, Scope.DECK)
    with pytest.raises(TokenRefused, match="2 tokens"):
        store.create("c", Scope.DECK)


def test_a_use_is_seen_at_once_and_written_seldom(store: TokenStore) -> None:
    """Two hundred requests a second must not be two hundred writes."""
    _, secret = store.create("a", Scope.DECK)
    writes = set()
    for _ in range(50):
        found = store.find(secret)
        assert found is not None
        store.touch(found)
        writes.add(store.path.stat().st_mtime_ns)
    assert len(writes) == 1
    (record,) = store.listed()
    assert record.last_used is not None
    (saved,) = TokenStore(store.path).load()
    assert saved.last_used is not None, "the first use is written"


def test_a_use_is_written_again_when_the_saved_one_is_old(
    store: TokenStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise the list would show the first use for ever."""
    _, secret = store.create("a", Scope.DECK)
    monkeypatch.setattr(tokens_module, "SAVE_USE_AFTER", timedelta(0))
    found = store.find(secret)
    assert found is not None
    body = json.loads(store.path.read_text())
    body["tokens"][0]["last_used"] = "2020-01-01T00:00:00+00:00"
    write_private(store.path, json.dumps(body))
    found = store.find(secret)
    assert found is not None
    store.touch(found)
    (saved,) = store.load()
    assert saved.last_used is not None
    assert saved.last_used > "2025"


def test_a_use_never_waits_and_never_brings_a_token_back(store: TokenStore) -> None:
    """The daemon notes uses in its event loop, while the command line may be revoking."""
    record, secret = store.create("a", Scope.DECK)
    daemon = TokenStore(store.path)
    found = daemon.find(secret)
    assert found is not None
    with locked(store.path):
        daemon.touch(found)
    store.revoke(record.id)
    daemon.save_uses()
    assert daemon.load() == ()


def test_many_processes_lose_no_token(tmp_path: Path) -> None:
    """Read, change and write by two at once would keep only one of the changes."""
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", "nitropilot", "tokens", "create", "--name", f"n{number}",
             "--scope", "deck"], cwd=ROOT, env=environment(tmp_path, None), text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )
        for number in range(4)
    ]  # fmt: skip
    secrets = [process.communicate()[0].strip() for process in processes]
    assert [process.returncode for process in processes] == [0] * 4
    store = TokenStore(tmp_path / "config" / "tokens.json")
    assert {found.name for s in secrets if (found := store.find(s))} == {"n0", "n1", "n2", "n3"}


def test_a_process_that_died_holds_no_lock(tmp_path: Path) -> None:
    """A lock file that stays would end all changes for good."""
    path = tmp_path / "tokens.json"
    code = (
        "import os, sys, pathlib\n"
        "from nitropilot.server.store.private import locked\n"
        "with locked(pathlib.Path(sys.argv[1])):\n"
        "    os._exit(0)\n"
    )
    subprocess.run([sys.executable, "-c", code, str(path)], cwd=ROOT, check=True)
    with locked(path, 0):
        assert path.with_name("tokens.json.lock").exists()


def test_the_command_line(tmp_path: Path) -> None:
    """Create, list and revoke, for people and for scripts, with no daemon."""
    made = command("tokens", "create", "--scope", "overlay", "--name", "OBS", home=tmp_path)
    assert made.returncode == 0, made.stderr
    secret = made.stdout.strip()
    assert secret.startswith("np_")
    assert secret not in made.stderr
    listed = command("tokens", "list", "--json", home=tmp_path)
    (entry,) = json.loads(listed.stdout)["tokens"]
    assert (entry["name"], entry["scope"], entry["last_used"]) == ("OBS", "overlay", None)
    assert "digest" not in entry
    table = command("tokens", "list", home=tmp_path)
    assert entry["id"] in table.stdout
    assert secret not in table.stdout + listed.stdout
    done = command("tokens", "revoke", entry["id"], home=tmp_path)
    assert done.returncode == 0
    again = command("tokens", "revoke", entry["id"], home=tmp_path)
    assert again.returncode == 2
    assert again.stderr.count("\n") == 1
    assert entry["id"] in again.stderr
    assert json.loads(command("tokens", "list", "--json", home=tmp_path).stdout) == {"tokens": []}


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (("create", "--name", "x", "--scope", "god"), "god"),
        (("create", "--name", "", "--scope", "deck"), "''"),
        (("create", "--scope", "deck"), "--name"),
        (("revoke",), "ID"),
    ],
)
def test_mistakes_are_one_line(tmp_path: Path, arguments: tuple[str, ...], word: str) -> None:
    """As everywhere: exit 2, nothing on stdout, one line."""
    done = command("tokens", *arguments, home=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    assert word in done.stderr


def test_over_rest_and_revoked_beside_the_daemon(daemon: Daemon) -> None:
    """The daemon runs on; what another process revokes is refused at the next request."""
    answer = daemon.client.post("/api/v1/tokens", json={"name": "deck", "scope": "deck"})
    assert answer.status_code == 201
    made = answer.json()
    assert set(made) == {"token", "secret"}
    assert set(made["token"]) == {"id", "name", "scope", "created", "last_used"}
    headers = {"Authorization": f"Bearer {made['secret']}"}
    with http.Client(base_url=daemon.url, headers=headers) as deck:
        assert deck.get("/api/v1/sessions").status_code == 200
        listed = daemon.client.get("/api/v1/tokens")
        (entry,) = [t for t in listed.json() if t["id"] == made["token"]["id"]]
        assert entry["last_used"] is not None
        assert made["secret"] not in listed.text
        done = command("tokens", "revoke", entry["id"], home=daemon.home)
        assert done.returncode == 0, done.stderr
        assert deck.get("/api/v1/sessions").status_code == 401
    gone = daemon.client.delete(f"/api/v1/tokens/{entry['id']}")
    assert (gone.status_code, gone.json()["error"]["code"]) == (404, "token_not_found")


def test_a_token_made_beside_the_daemon_opens_and_is_deleted_over_rest(daemon: Daemon) -> None:
    """The other way round."""
    made = command(
        "tokens", "create", "--name", "x", "--scope", "overlay", "--json", home=daemon.home
    )
    body = json.loads(made.stdout)
    headers = {"Authorization": f"Bearer {body['secret']}"}
    assert http.get(f"{daemon.url}/api/v1/status", headers=headers).status_code == 200
    path = f"/api/v1/tokens/{body['token']['id']}"
    assert daemon.client.delete(path).status_code == 204
    assert http.get(f"{daemon.url}/api/v1/status", headers=headers).status_code == 401
    for bad in ({"name": "x"}, {"name": "", "scope": "deck"}, {"name": "x", "scope": "god"}):
        assert daemon.client.post("/api/v1/tokens", json=bad).status_code == 422
    odd = daemon.client.post("/api/v1/tokens", json={"name": "\x1b[31m", "scope": "deck"})
    assert (odd.status_code, odd.json()["error"]["code"]) == (422, "token_refused")
