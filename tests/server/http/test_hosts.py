"""Host, Origin and NITROPILOT_HOST: tables of what is ours, and what no text can become."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from nitropilot.engines.remote.connect import Address
from nitropilot.server.errors import HostRefused, ServerError
from nitropilot.server.http.hosts import (
    Authority,
    HostRules,
    parse_address,
    parse_authority,
    parse_bind,
    parse_origin,
    parse_origins,
)
from nitropilot.server.http.limits import address_key


@pytest.mark.parametrize(
    ("text", "name", "port"),
    [
        ("localhost:6487", "localhost", 6487),
        ("LOCALHOST:6487", "localhost", 6487),
        ("localhost", "localhost", 80),
        ("localhost:80", "localhost", 80),
        ("127.0.0.1:1", "127.0.0.1", 1),
        ("127.0.0.1:65535", "127.0.0.1", 65535),
        ("127.0.0.1:06487", "127.0.0.1", 6487),
        ("[::1]:6487", "::1", 6487),
        ("[::1]", "::1", 80),
        ("[0:0:0:0:0:0:0:1]:6487", "::1", 6487),
        ("[::FFFF:127.0.0.1]:6487", "::ffff:7f00:1", 6487),
        ("my-pc.local:6487", "my-pc.local", 6487),
        ("my_pc:6487", "my_pc", 6487),
        ("0.0.0.0:6487", "0.0.0.0", 6487),
    ],
)
def test_a_host_has_one_spelling(text: str, name: str, port: int) -> None:
    """What means the same must compare the same, or a check of one misses the other."""
    assert parse_authority(text) == Authority(name, port)


@pytest.mark.parametrize("tail", ["7f00:1", "127.0.0.1"])
def test_ipv4_in_ipv6_is_one_address_on_every_python(
    monkeypatch: pytest.MonkeyPatch, tail: str
) -> None:
    """Python 3.13 writes ``::ffff:127.0.0.1`` where those before wrote ``::ffff:7f00:1``; compared
    as text, the same daemon would know its own address on one of them only."""
    real = ipaddress.IPv6Address.__str__
    spelling = {"7f00:1": "::ffff:7f00:1", "127.0.0.1": "::ffff:127.0.0.1"}[tail]
    monkeypatch.setattr(
        ipaddress.IPv6Address, "__str__",
        lambda address: spelling if address.ipv4_mapped else real(address),
    )  # fmt: skip
    for text in ("[::ffff:127.0.0.1]:80", "[::ffff:7f00:1]:80", "[0:0:0:0:0:FFFF:7F00:1]"):
        found = parse_authority(text)
        assert found == Authority("::ffff:7f00:1", 80)
        assert parse_authority(str(found)) == found
    for local in ("::ffff:127.0.0.1", "::ffff:7f00:1", "127.0.0.1"):
        assert HostRules(local, 6487).host(["127.0.0.1:6487"], local)
        assert parse_address(local) == ipaddress.IPv4Address("127.0.0.1")
        assert address_key(local) == "127.0.0.1"
        assert Address(f"ws://[{local}]", local).is_loopback
    assert not Address("ws://[::ffff:8.8.8.8]", "::ffff:8.8.8.8").is_loopback


def test_a_missing_port_is_the_schemes() -> None:
    """Clients leave out 80 of http and 443 of https."""
    assert parse_authority("localhost", "https") == Authority("localhost", 443)
    assert parse_authority("localhost:443", "https") == parse_authority("localhost", "https")


@pytest.mark.parametrize(
    "text",
    [
        "", " ", ":", ":6487", "localhost:", "localhost:0", "localhost:65536", "localhost:-1",
        "localhost:+80", "localhost:6487x", "localhost:123456", "localhost: 6487",
        "localhost :6487", "localhost.", "localhost.:6487", "127.0.0.1.:6487", ".localhost",
        "a..b", "-a", "a-", "user@localhost:6487", "user:password@localhost", "localhost/",
        "localhost:6487/", "localhost?x", "localhost#x", "localhost\\@evil.example", "a b",
        "localhost,evil.example", "127.0.0.1:6487, evil.example", "127.1:6487", "127.0.1",
        "2130706433:6487", "0x7f000001", "0x7f.0.0.1", "0177.0.0.1", "127.0.0.01", "256.0.0.1",
        "1.2.3.4.5", "[::1", "::1", "::1:6487", "[::1]6487", "[::1]:", "[]", "[]:80", "[::1]x:80",
        "[127.0.0.1]:80", "[fe80::1%eth0]:80", "[::1%25lo]", "[[::1]]", "%6cocalhost",
        "l\u00f6calhost", "\uff4cocalhost", "127.0.0.\u0661", "local\x00host", "local\thost",
        "localhost\r\nX: y", "http://localhost", "*", "a" * 64, "a." * 127 + "a",
    ],
)  # fmt: skip
def test_what_no_client_of_ours_sends_is_no_host(text: str) -> None:
    """Each of these has made some parser and some check disagree about who is meant."""
    assert parse_authority(text) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("http://localhost:6487", "http://localhost:6487"),
        ("HTTP://LocalHost:6487", "http://localhost:6487"),
        ("http://localhost", "http://localhost:80"),
        ("https://[::1]", "https://[::1]:443"),
        ("null", None),
        ("", None),
        ("file://", None),
        ("chrome-extension://abcdef", None),
        ("//localhost:6487", None),
        ("localhost:6487", None),
        ("http://localhost:6487/", None),
        ("http://localhost:6487/path", None),
        ("http://user@localhost:6487", None),
        ("http:///localhost", None),
        ("http://localhost:6487 http://evil.example", None),
        ("ws://localhost:6487", None),
    ],
)
def test_origins(text: str, expected: str | None) -> None:
    """An origin is a scheme, a host and a port, and nothing after."""
    found = parse_origin(text)
    assert (str(found) if found else None) == expected


NAMES = ("localhost", "127.0.0.1", "[::1]")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("port", "secure", "suffix", "ours"),
    [
        (6487, False, ":6487", True),
        (6487, False, "", False),
        (6487, False, ":80", False),
        (6487, False, ":6488", False),
        (80, False, "", True),
        (80, False, ":80", True),
        (80, False, ":443", False),
        (443, True, "", True),
        (443, True, ":443", True),
        (443, True, ":80", False),
        (80, True, "", False),
    ],
)
def test_the_port_counts(name: str, port: int, secure: bool, suffix: str, ours: bool) -> None:
    """Another port of this machine is another program."""
    rules = HostRules("127.0.0.1", port, secure=secure)
    assert (rules.host([name + suffix]) is not None) is ours


@pytest.mark.parametrize("values", [[], ["localhost:6487"] * 2, ["localhost:6487", ""]])
def test_exactly_one_host(values: list[str]) -> None:
    """None comes with HTTP/1.0; of two, one part of a server may check the one it ignores."""
    assert HostRules("127.0.0.1", 6487).host(values) is None


@pytest.mark.parametrize(
    "text",
    [
        "evil.example:6487", "localhost.evil.example:6487", "127.0.0.1.nip.io:6487",
        "localtest.me:6487", "foo.localhost:6487", "0.0.0.0:6487", "[::]:6487", "127.0.0.2:6487",
        "[::ffff:127.0.0.1]:6487", "192.168.1.5:6487", "ip6-localhost:6487",
    ],
)  # fmt: skip
def test_names_that_only_lead_here_are_not_ours(text: str) -> None:
    """Whoever owns a name can point it here, and its pages then have that name as origin."""
    assert HostRules("127.0.0.1", 6487).host([text], "127.0.0.1") is None


@pytest.mark.parametrize("local", ["192.168.1.5", "::ffff:192.168.1.5"])
def test_the_address_that_a_request_came_to_is_ours(local: str) -> None:
    """On all interfaces, with an address that changes while the daemon runs."""
    rules = HostRules("0.0.0.0", 6487)
    here = rules.host(["192.168.1.5:6487"], local)
    assert here == Authority("192.168.1.5", 6487)
    assert rules.host(["192.168.1.6:6487"], local) is None
    assert rules.host(["192.168.1.5:6488"], local) is None
    assert rules.origin("http://192.168.1.5:6487", here)
    assert not rules.origin("http://192.168.1.6:6487", here)
    assert not rules.origin("https://192.168.1.5:6487", here)


def test_further_names_and_origins() -> None:
    """A proxy's name passes with exactly the scheme and port that were given."""
    origins = parse_origins("https://panel.example, http://pc:8080")
    rules = HostRules("127.0.0.1", 6487, names=["pc.local"], origins=origins)
    panel = rules.host(["panel.example"])
    assert panel == Authority("panel.example", 443)
    assert rules.origin("https://panel.example", panel)
    assert not rules.origin("http://panel.example:443", panel)
    assert not rules.origin("http://panel.example", panel)
    assert rules.host(["pc:8080"])
    assert rules.host(["PC.local:6487"])
    assert not rules.host(["pc"])
    assert not rules.host(["panel.example:80"])
    assert not rules.host(["panel.example:6487"])


@pytest.mark.parametrize("text", ["", "  ", ",", " , ,"])
def test_no_further_origins(text: str) -> None:
    """An empty variable is none."""
    assert parse_origins(text) == []


@pytest.mark.parametrize("text", ["*", "panel.example", "null", "https://a, *", "ftp://a"])
def test_a_wrong_origin_is_named(text: str) -> None:
    """A star that is ignored, or that lets everybody in, would both surprise somebody."""
    with pytest.raises(HostRefused, match="is not an origin"):
        parse_origins(text)


@pytest.mark.parametrize(
    ("text", "port", "expected"),
    [
        ("127.0.0.1", None, ("127.0.0.1", 6487)),
        ("127.0.0.1", 0, ("127.0.0.1", 0)),
        ("localhost", 7000, ("localhost", 7000)),
        ("127.0.0.1:7000", None, ("127.0.0.1", 7000)),
        ("127.0.0.1:7000", 7000, ("127.0.0.1", 7000)),
        ("127.0.0.1:0", None, ("127.0.0.1", 0)),
        (":7000", None, ("127.0.0.1", 7000)),
        ("::1", None, ("::1", 6487)),
        ("::", 7000, ("::", 7000)),
        ("[::1]", None, ("::1", 6487)),
        ("[::1]:7000", None, ("::1", 7000)),
        ("0.0.0.0", None, ("0.0.0.0", 6487)),
        ("0.0.0.0:7000", None, ("0.0.0.0", 7000)),
    ],
)
def test_where_to_listen(text: str, port: int | None, expected: tuple[str, int]) -> None:
    """The forms that people know from other daemons."""
    assert parse_bind(text, port) == expected


@pytest.mark.parametrize(
    "text",
    [
        "http://127.0.0.1:6487", "127.0.0.1/", "user@127.0.0.1", "127.0.0.1:", ":", "127.0.0.1:x",
        "127.0.0.1:123456", "[::1", "[::1]:", "[::1]7000", "[127.0.0.1]:7000", "[::1]:7x",
    ],
)  # fmt: skip
def test_what_is_no_place_to_listen_is_named(text: str) -> None:
    """One line with what was given, whichever way it is wrong."""
    with pytest.raises(HostRefused) as caught:
        parse_bind(text)
    assert repr(text) in str(caught.value)
    assert caught.value.hint


def test_two_ports_are_an_error() -> None:
    """Taking either one would be wrong for somebody."""
    with pytest.raises(ServerError, match=r"7000.*8000"):
        parse_bind("127.0.0.1:7000", 8000)


TEXTS = st.one_of(
    st.text(max_size=60),
    st.from_regex(r"\A[a-zA-Z0-9.:@%/\[\]x_-]{0,40}\Z"),
    st.builds("{}{}:{}".format, st.sampled_from(NAMES), st.text(max_size=3), st.integers()),
)


@given(TEXTS)
@example("localhost\n")
@example("127.0.0.1\n:80")
@example("0:80")
def test_an_accepted_host_means_the_same_to_others(text: str) -> None:
    """Whatever is accepted, the standard library's parser agrees about the host and port."""
    found = parse_authority(text)
    if found is None:
        return
    other = urlsplit(f"//{text}")
    assert other.username is None
    assert other.path == other.query == other.fragment == ""
    assert (other.port or 80) == found.port
    if ":" in found.name:
        assert ipaddress.ip_address(other.hostname or "") == ipaddress.ip_address(found.name)
    else:
        assert other.hostname == found.name
    assert parse_authority(str(found)) == found


@given(TEXTS, st.sampled_from([80, 6487]))
def test_only_our_own_names_ever_pass(text: str, port: int) -> None:
    """However a Host is twisted, it passes only as one of the names that we know."""
    found = HostRules("127.0.0.1", port).host([text], "127.0.0.1")
    assert found is None or (found.name in ("localhost", "127.0.0.1", "::1") and found.port == port)


@given(st.one_of(TEXTS, st.builds("http://{}".format, TEXTS)))
def test_only_our_own_origins_ever_pass(text: str) -> None:
    """The same for Origin."""
    rules = HostRules("127.0.0.1", 6487)
    if rules.origin(text, Authority("localhost", 6487)):
        expected = ("http://localhost:6487", "http://127.0.0.1:6487", "http://[::1]:6487")
        assert str(parse_origin(text)) in expected
        assert text.lower().startswith("http://")


@given(st.text(max_size=40), st.one_of(st.none(), st.integers(0, 65535)))
def test_any_place_is_a_pair_or_an_error_of_ours(text: str, port: int | None) -> None:
    """No variable's value may end the daemon in a traceback."""
    try:
        host, number = parse_bind(text, port)
    except ServerError:
        return
    assert isinstance(host, str)
    assert 0 <= number <= 99999
