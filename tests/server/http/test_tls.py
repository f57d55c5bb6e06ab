"""TLS and the way out of loopback."""

from __future__ import annotations

import socket
import ssl
import stat
import subprocess
import sys
from datetime import timedelta
from typing import TYPE_CHECKING

import httpx
import psutil
import pytest

from nitropilot.server.auth import browser as browser_module
from nitropilot.server.daemon.starting import names_of_this_machine
from nitropilot.server.errors import CertificateError, TokenFileError
from nitropilot.server.http import tls as tls_module
from nitropilot.server.http.tls import given, self_made
from tests.server.processes import Daemon, command
from tests.support import http

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NAMES = ["localhost", "127.0.0.1", "::1"]


def trusting(certificate: Path) -> ssl.SSLContext:
    """A client that trusts this certificate, and checks names."""
    return ssl.create_default_context(cafile=str(certificate))


def lan_address() -> str:
    """An IPv4 address of this machine that is not loopback."""
    for addresses in psutil.net_if_addrs().values():
        for one in addresses:
            if one.family == socket.AF_INET and not one.address.startswith(("127.", "169.254.")):
                return one.address
    pytest.skip("this machine has no network address")


@pytest.fixture(scope="module")
def lan(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A daemon on all interfaces, with a certificate of its own; ``client`` trusts it."""
    home = tmp_path_factory.mktemp("lan")
    daemon = Daemon(
        home, None, "--host", "0.0.0.0", "--allow-lan",
        client_of=lambda: trusting(home / "config" / "tls-certificate.pem"), warm_start=True,
    )  # fmt: skip
    yield daemon
    daemon.client.close()
    daemon.kill()


def test_it_is_made_once_and_kept_private(tmp_path: Path) -> None:
    """A new fingerprint at every start would teach users to ignore it."""
    first = self_made(NAMES, tmp_path)
    assert self_made(NAMES, tmp_path) == first
    assert self_made(["localhost"], tmp_path) == first
    if sys.platform != "win32":
        assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()} == {0o600}


def test_openssl_reads_what_we_say(tmp_path: Path) -> None:
    """The fingerprint that we print is the one that others show."""
    made = self_made([*NAMES, "my-pc.local", "192.168.1.5"], tmp_path)
    arguments = ["-noout", "-fingerprint", "-sha256", "-ext", "subjectAltName,basicConstraints"]
    try:
        done = subprocess.run(
            ["openssl", "x509", "-in", str(made.certificate), *arguments],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
    except FileNotFoundError:
        pytest.skip("there is no openssl command")
    assert made.fingerprint in done.stdout
    assert "CA:FALSE" in done.stdout
    for text in ("DNS:my-pc.local", "IP Address:192.168.1.5", "IP Address:0:0:0:0:0:0:0:1"):
        assert text in done.stdout


def test_a_new_name_makes_a_new_one(tmp_path: Path) -> None:
    """Browsers refuse a certificate for another address."""
    first = self_made(NAMES, tmp_path)
    assert self_made([*NAMES, "192.168.1.5"], tmp_path).fingerprint != first.fingerprint


def test_it_is_renewed_before_it_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not on the evening when it has ended."""
    monkeypatch.setattr(tls_module, "LIFETIME", timedelta(days=29))
    soon = self_made(NAMES, tmp_path)
    monkeypatch.undo()
    fresh = self_made(NAMES, tmp_path)
    assert fresh.fingerprint != soon.fingerprint
    assert self_made(NAMES, tmp_path) == fresh


@pytest.mark.parametrize("name", ["tls-certificate.pem", "tls-key.pem"])
@pytest.mark.parametrize("content", [None, b"", b"damaged"])
def test_a_damaged_own_one_is_replaced(tmp_path: Path, name: str, content: bytes | None) -> None:
    """It is ours: there is nothing to mend by hand."""
    first = self_made(NAMES, tmp_path)
    (tmp_path / name).unlink()
    if content is not None:
        (tmp_path / name).write_bytes(content)
        (tmp_path / name).chmod(0o600)
    second = self_made(NAMES, tmp_path)
    assert second.fingerprint != first.fingerprint
    second.context()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has access lists, not modes")
def test_a_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    """They could be the daemon."""
    self_made(NAMES, tmp_path)
    (tmp_path / "tls-key.pem").chmod(0o644)
    with pytest.raises(TokenFileError, match=r"TLS key.*mode 644"):
        self_made(NAMES, tmp_path)


def test_a_given_one_has_to_fit_its_key(tmp_path: Path) -> None:
    """At the start, in one line; not in every handshake."""
    one, other = self_made(NAMES, tmp_path / "a"), self_made(NAMES, tmp_path / "b")
    assert given(one.certificate, one.key).fingerprint == one.fingerprint
    empty = tmp_path / "empty.pem"
    empty.write_text("")
    for certificate, key in (
        (one.certificate, other.key), (one.key, one.key), (empty, one.key),
        (one.certificate, empty), (tmp_path / "none", one.key), (tmp_path, one.key),
    ):  # fmt: skip
        with pytest.raises(CertificateError):
            given(certificate, key)


def test_an_encrypted_key_asks_nobody(tmp_path: Path) -> None:
    """OpenSSL would ask on the terminal, and a daemon has none."""
    from cryptography.hazmat.primitives import serialization as s

    made = self_made(NAMES, tmp_path)
    key = s.load_pem_private_key(made.key.read_bytes(), None)
    secret = s.BestAvailableEncryption(b"password")
    made.key.write_bytes(key.private_bytes(s.Encoding.PEM, s.PrivateFormat.PKCS8, secret))
    with pytest.raises(CertificateError, match="cannot use"):
        given(made.certificate, made.key)


def test_beyond_loopback_it_speaks_tls_and_says_so(lan: Daemon) -> None:
    """The user sees who can come, and the fingerprint to compare."""
    said = lan.output()
    assert "https://127.0.0.1" in said
    assert "Other machines reach it too" in said
    made = self_made(NAMES, lan.home / "config")
    assert made.fingerprint in said
    assert lan.client.get("/api/v1/sessions").status_code == 200


def test_plain_http_gets_nothing(lan: Daemon) -> None:
    """Neither an answer nor the daemon's end."""
    with pytest.raises(httpx.TransportError):
        http.get(f"http://127.0.0.1:{lan.port}/healthz")
    assert lan.client.get("/healthz").status_code == 200


def test_old_tls_is_refused(lan: Daemon) -> None:
    """TLS 1.1 is broken."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with pytest.warns(DeprecationWarning):
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")
    with (
        socket.create_connection(("127.0.0.1", lan.port), 30) as raw,
        pytest.raises(ssl.SSLError),
    ):
        context.wrap_socket(raw)


def test_every_own_name_works_under_its_certificate(lan: Daemon) -> None:
    """By loopback and by the address that another machine would use."""
    address = lan_address()
    for name in ("127.0.0.1", "localhost", address):
        answer = lan.client.get(f"https://{name}:{lan.port}/api/v1/sessions")
        assert answer.status_code == 200, name
        own = {"Origin": f"https://{name}:{lan.port}"}
        assert lan.client.get("/api/v1/sessions", headers=own).status_code == 200


def test_other_names_are_refused_there_too(lan: Daemon) -> None:
    """Rebinding works on any address."""
    for host in ("evil.example", "0.0.0.0", "192.0.2.7"):
        headers = {"Host": f"{host}:{lan.port}"}
        assert lan.client.get("/healthz", headers=headers).status_code == 403
    for origin in (f"http://127.0.0.1:{lan.port}", f"https://192.0.2.7:{lan.port}"):
        assert lan.client.get("/healthz", headers={"Origin": origin}).status_code == 403


def test_the_cookie_is_secure_and_bound_to_the_host(lan: Daemon) -> None:
    """And the command that prints a link trusts nothing but the fingerprint."""
    printed = command("url", home=lan.home)
    assert printed.returncode == 0, printed.stderr
    link = printed.stdout.strip()
    assert link.startswith(f"https://127.0.0.1:{lan.port}/?code=")
    with http.Client(verify=trusting(lan.home / "config" / "tls-certificate.pem")) as browser:
        cookie = browser.get(link).headers["Set-Cookie"]
    assert cookie.startswith(f"__Host-nitropilot-{lan.port}=")
    assert "; Secure" in cookie
    assert f"Max-Age={int(browser_module.SESSION_LIFETIME_S)}" in cookie


def test_the_link_command_sends_nothing_to_another_certificate(lan: Daemon, tmp_path: Path) -> None:
    """Whoever answers must be the daemon that wrote the file."""
    (tmp_path / "config").mkdir()
    for name in ("daemon.json", "token"):
        text = (lan.home / "config" / name).read_text()
        made = self_made(NAMES, lan.home / "config").fingerprint
        (tmp_path / "config" / name).write_text(text.replace(made, "00:" * 31 + "00"))
        (tmp_path / "config" / name).chmod(0o600)
    done = command("url", home=tmp_path)
    assert done.returncode == 2
    assert "certificate" in done.stderr


def test_loopback_speaks_tls_when_asked(tmp_path: Path) -> None:
    """With a certificate of the user's."""
    made = self_made(NAMES, tmp_path / "mine")
    daemon = Daemon(
        tmp_path, None, "--tls-cert", str(made.certificate), "--tls-key", str(made.key),
        client_of=lambda: trusting(made.certificate), warm_start=True,
    )  # fmt: skip
    try:
        assert daemon.client.get("/healthz").status_code == 200
        assert made.fingerprint in daemon.output()
        assert not (tmp_path / "config" / "tls-key.pem").exists()
        assert command("url", home=tmp_path).returncode == 0
    finally:
        daemon.client.close()
        daemon.kill()


def test_without_tls_on_a_network_there_is_a_warning(tmp_path: Path) -> None:
    """The user may have a tunnel, but must have said so."""
    daemon = Daemon(tmp_path, None, "--host", "0.0.0.0", "--allow-lan", "--no-tls", warm_start=True)
    try:
        assert "WARNING: without TLS" in daemon.output()
        assert daemon.client.get("/healthz").status_code == 200
        address = f"http://{lan_address()}:{daemon.port}"
        assert daemon.client.get(f"{address}/api/v1/sessions").status_code == 200
        assert http.get(f"{address}/api/v1/sessions").status_code == 401
    finally:
        daemon.client.close()
        daemon.kill()


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (("--host", "0.0.0.0"), "--allow-lan"),
        (("--host", "[::]:0"), "--allow-lan"),
        (("--host", "example.com", "--allow-lan"), "example.com"),
        (("--host", "http://127.0.0.1"), "http://127.0.0.1"),
        (("--host", "127.0.0.1:7000", "--port", "7001"), "7001"),
        (("--port", "0", "--origin", "*"), "'*'"),
        (("--port", "0", "--tls-cert", "/nowhere.pem"), "--tls-key"),
        (("--port", "0", "--tls-cert", "/nowhere.pem", "--tls-key", "/nowhere.key"), "/nowhere"),
        (("--port", "0", "--no-tls", "--tls-cert", "/a", "--tls-key", "/b"), "--no-tls"),
    ],
)
def test_mistakes_are_one_line(tmp_path: Path, arguments: tuple[str, ...], word: str) -> None:
    """And a refused start leaves no token behind where the address was the mistake."""
    done = command("serve", *arguments, home=tmp_path)
    assert (done.returncode, done.stdout) == (2, ""), done.stderr
    assert done.stderr.count("\n") == 1
    assert word in done.stderr


def test_the_host_variable(tmp_path: Path) -> None:
    """What works as an option works as a variable, and is refused as one."""
    done = command("serve", home=tmp_path, NITROPILOT_HOST="0.0.0.0:0")
    assert done.returncode == 2
    assert "--allow-lan" in done.stderr
    assert not (tmp_path / "config").exists()


def test_the_names_of_one_address_are_few() -> None:
    """Bound to one address, the others of the machine are not promised."""
    names = names_of_this_machine("192.0.2.7")
    assert "192.0.2.7" in names
    assert lan_address() not in names
    assert lan_address() in names_of_this_machine("0.0.0.0")


def test_a_fingerprint_is_printed_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    """Rich knows ``:AB:`` as an emoji, and a fingerprint has it now and then."""
    from nitropilot.server.cli.daemon.serve import _say

    _say("1B:AB:CL:ID:VS:M:X")
    assert capsys.readouterr().err == "1B:AB:CL:ID:VS:M:X\n"
