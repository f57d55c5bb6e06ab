"""``NITROPILOT_REQUIRE=all``: a skip for want of what a package brings is a failure."""

from __future__ import annotations

import pytest

from tests.support import require

pytest_plugins = ["pytester"]

WAYS = {
    "at run time": "import pytest\ndef test(): pytest.skip('{0}')\n",
    "in a fixture": (
        "import pytest\n@pytest.fixture\ndef part(): pytest.skip('{0}')\ndef test(part): ...\n"
    ),
    "by a mark": "import pytest\n@pytest.mark.skip(reason='{0}')\ndef test(): ...\n",
    "by a condition": "import pytest\n@pytest.mark.skipif(True, reason='{0}')\ndef test(): ...\n",
    "by an import": (
        "import pytest\ndef test(): pytest.importorskip('no_such_module', reason='{0}')\n"
    ),
    "a whole module": "import pytest\npytest.skip('{0}', allow_module_level=True)\n",
    "a module by an import": "import pytest\npytest.importorskip('no_such_one', reason='{0}')\n",
    "as unittest does": (
        "import unittest\nclass TestIt(unittest.TestCase):\n"
        "    def test(self): self.skipTest('{0}')\n"
    ),
}
LISTED, UNLISTED = "there is no card 7", "no browser here"


def run(pytester: pytest.Pytester, code: str) -> pytest.RunResult:
    """Run a module of tests with a list of one reason."""
    folder = pytester.mkdir("tests")
    row = "[[skip]]\nreason = 'there is no card \\d+'\nlacks = 'a card'\n"
    (folder / "may_skip.toml").write_text(row)
    pytester.makepyfile(code)
    return pytester.runpytest_inprocess("-p", "no:cacheprovider", plugins=[require])


@pytest.mark.parametrize("way", WAYS)
def test_a_skip_that_is_not_listed_fails(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    """Every way to skip that pytest has; one that is forgotten lets its tests go undone."""
    monkeypatch.setenv(require.VARIABLE, "all")
    result = run(pytester, WAYS[way].format(UNLISTED))
    assert result.ret != 0
    counts = result.parseoutcomes()
    assert counts.get("failed", 0) + counts.get("errors", 0) == 1, counts
    assert f"has no such reason: {UNLISTED}" in result.stdout.str()


@pytest.mark.parametrize("way", WAYS)
def test_a_listed_skip_stays_one(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    """Nobody can install a card."""
    monkeypatch.setenv(require.VARIABLE, "all")
    result = run(pytester, WAYS[way].format(LISTED))
    assert result.parseoutcomes() == {"skipped": 1}


@pytest.mark.parametrize("way", WAYS)
def test_without_the_variable_all_skip(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    """A newcomer without Chromium is not to see a red browser test."""
    monkeypatch.delenv(require.VARIABLE, raising=False)
    result = run(pytester, WAYS[way].format(UNLISTED))
    assert result.parseoutcomes() == {"skipped": 1}


def test_an_expected_failure_is_no_skip(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pytest reports it as skipped."""
    monkeypatch.setenv(require.VARIABLE, "all")
    result = run(pytester, "import pytest\n@pytest.mark.xfail\ndef test(): assert False\n")
    assert result.parseoutcomes() == {"xfailed": 1}


def test_a_part_of_a_reason_is_not_enough(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``there is no card 7, and no browser`` would pass for the card's sake."""
    monkeypatch.setenv(require.VARIABLE, "all")
    result = run(pytester, WAYS["at run time"].format(f"{LISTED}, and {UNLISTED}"))
    assert result.parseoutcomes() == {"failed": 1}


def test_a_misspelt_word_is_said(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``NITROPILOT_REQUIRE=yes`` must not require nothing."""
    monkeypatch.setenv(require.VARIABLE, "yes")
    result = run(pytester, "def test(): ...\n")
    assert result.ret == pytest.ExitCode.USAGE_ERROR


def test_the_plugin_is_in_use(pytestconfig: pytest.Config) -> None:
    """Everything above holds of a plugin that nobody loads, too."""
    hooks = pytestconfig.hook.pytest_make_collect_report.get_hookimpls()
    assert any(hook.function is require.pytest_make_collect_report for hook in hooks)
    hooks = pytestconfig.hook.pytest_runtest_makereport.get_hookimpls()
    assert any(hook.function is require.pytest_runtest_makereport for hook in hooks)


def test_the_list_is_no_open_door(pytestconfig: pytest.Config) -> None:
    """A pattern that matches what is merely not installed would let it go."""
    allowed = require.read_allowed(pytestconfig.rootpath / require.LIST)
    for reason in (
        "no Chromium here; on Debian: apt-get install chromium",
        "supertux is not installed",
        "openbox is not installed",
        "tensorrt on cuda: tensorrt_rtx cannot be loaded: libfoo",
        "tensorrt on cuda: neither tensorrt_rtx nor tensorrt is installed",
        "tensorrt on cuda: cuda-bindings is not installed",
        "openvino on cpu: openvino is not installed",
        "no C compiler to build the preloaded library",
        "could not import 'onnx': No module named 'onnx'",
        "",
    ):
        assert not require.is_allowed(reason, allowed), reason
    for one in allowed:
        assert one.lacks
