"""The list of slow proofs, and what draws from it and runs it."""

from __future__ import annotations

import hashlib
import re
import shlex
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from scripts.proof_list import ALWAYS, IN_TURN, LIST, ListError, Plan, drawn, read_plan
from scripts.slow_proofs import last_draws, main

COMMITS = [hashlib.sha1(str(number).encode()).hexdigest() for number in range(300)]
LONGEST_MINUTES = 10
MOST_OF_THE_REST = 8
ROW = '[[proof]]\nname = "{}"\ncommand = "{}"\nminutes = {}\nwhen = "{}"\n'
TOP = 'minutes = {}\n[tests]\ncommand = "{}"\nminutes = 1\n'


def text_of(*rows: tuple[str, str, float, str], minutes: float = 10, tests: str = "true") -> str:
    """A list as a file has it."""
    return TOP.format(minutes, tests) + "".join(ROW.format(*row) for row in rows)


def python(code: str) -> str:
    """A command that runs a line of Python, as a row holds it."""
    return f"{sys.executable} -c '{code}'"


@pytest.fixture(scope="module")
def plan(pytestconfig: pytest.Config) -> Plan:
    """The project's own list."""
    return read_plan((pytestconfig.rootpath / LIST).read_text(encoding="utf-8"))


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty repository that we are in."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".ci").mkdir()
    git("init", "--quiet")
    return tmp_path


def git(*words: str) -> str:
    """What a git command prints."""
    who = ("-c", "user.name=nobody", "-c", "user.email=nobody@example.org")
    return subprocess.run(
        ["git", *who, *words], check=True, capture_output=True, text=True
    ).stdout.strip()


def commit(text: str | None) -> str:
    """Commit this list, or none; returns the digest."""
    path = Path(LIST)
    if text is None:
        path.unlink(missing_ok=True)
    else:
        path.write_text(text)
    git("add", "--all")
    git("commit", "--quiet", "--allow-empty", "--message", "A change")
    return git("rev-parse", "HEAD")


def test_no_row_is_longer_than_may_be(plan: Plan) -> None:
    """A row that does not fit into what is left would wait for its turn for ever."""
    for proof in plan.proofs:
        assert 0 < proof.minutes <= LONGEST_MINUTES, proof.name
        if proof.when == IN_TURN:
            assert proof.minutes <= plan.left, proof.name


def test_turns_come_round(plan: Plan) -> None:
    """With too much in turn for the minutes left, a proof is run so seldom that it proves
    nothing."""
    in_turn = sum(proof.minutes for proof in plan.rows(IN_TURN))
    assert plan.left > 0
    assert in_turn <= MOST_OF_THE_REST * plan.left


def test_every_row_has_its_turn(plan: Plan) -> None:
    """An order that favours names or short rows too much would leave some out."""
    turns = Counter(row.name for digest in COMMITS for row in drawn(plan, digest))
    for proof in plan.rows(IN_TURN):
        assert turns[proof.name] >= len(COMMITS) / 25, (proof.name, turns)


def test_what_is_drawn_fits(plan: Plan) -> None:
    """Continuous integration has an end of its own after so many minutes."""
    for digest in COMMITS:
        assert sum(row.minutes for row in drawn(plan, digest)) <= plan.left


def test_the_rows_are_targets_of_make(plan: Plan, pytestconfig: pytest.Config) -> None:
    """A row whose target or variable was renamed fails on the day that it has its turn, or
    proves less than it says."""
    makefile = (pytestconfig.rootpath / "Makefile").read_text(encoding="utf-8")
    for proof in (plan.tests, *plan.proofs):
        program, target, *variables = shlex.split(proof.command)
        assert program == "make"
        recipe = re.search(rf"^{re.escape(target)}:.*\n((?:\t.*\n)+)", makefile, re.MULTILINE)
        assert recipe is not None, proof.command
        for variable in variables:
            name = re.escape(variable.partition("=")[0])
            assert re.search(rf"\$\({name}\)|\$\$\{{{name}\b", recipe[1]), variable


def test_slow_tests_have_rows(plan: Plan, pytestconfig: pytest.Config) -> None:
    """A test that make test leaves out and no row runs is a test that nobody runs."""
    makefile = (pytestconfig.rootpath / "Makefile").read_text(encoding="utf-8")
    targets = {shlex.split(proof.command)[1] for proof in plan.proofs}
    reached = {
        path
        for target, path in re.findall(
            r'^(\S+):.*\n\t.*pytest .*-m (?:slow|"slow or not slow") (\S+)', makefile, re.MULTILINE
        )
        if target in targets
    }
    assert reached
    for path in (pytestconfig.rootpath / "tests").rglob("test_*.py"):
        if "pytest.mark." + "slow" in path.read_text(encoding="utf-8"):
            name = path.relative_to(pytestconfig.rootpath)
            assert any(name.is_relative_to(one) for one in reached), name


def test_plain_pytest_leaves_slow_tests_out(pytestconfig: pytest.Config) -> None:
    """``make test`` would boot machines and build images."""
    options = pytestconfig.getini("addopts")
    assert options[options.index("-m") + 1] == "not slow"


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("minutes = ", "cannot be read"),
        ("minutes = 5", "tests"),
        (text_of(("a", "true", 1, "at times")), "at times"),
        (text_of(("a", "true", 1, ALWAYS), ("a", "true", 2, IN_TURN)), "two rows"),
        (text_of(("tests", "true", 1, ALWAYS)), "two rows"),
        (text_of() + "[[proof]]\nname = 'a'\n", "missing"),
        (text_of() + ROW.format("a", "true", 1, ALWAYS) + "often = 3\n", "often"),
    ],
)
def test_a_list_with_a_mistake_is_refused(text: str, word: str) -> None:
    """A row that is misspelt and silently left out is a proof that is not run."""
    with pytest.raises(ListError, match=word):
        read_plan(text)


@pytest.mark.parametrize(
    "text",
    [
        text_of(("a", "tru'e", 1, IN_TURN)), text_of(("a", "", 1, IN_TURN)),
        text_of(("a", "true", -9, IN_TURN)), text_of(("a", "true", float("nan"), IN_TURN)),
        text_of(("a", "true", 0, ALWAYS)), text_of(("", "true", 1, ALWAYS)),
        text_of().replace("minutes = 10", 'minutes = "10"'), text_of(tests=""),
        text_of() + '[[proofs]]\nname = "a"\n',
        text_of(("a", "true", 1, IN_TURN)).replace('name = "a"', 'name = ["a"]'),
    ],
)  # fmt: skip
def test_what_could_not_be_drawn_or_run_is_refused(text: str) -> None:
    """Found out after the tests, it would cost the run; found in an old commit, every run."""
    with pytest.raises(ListError):
        read_plan(text)


def test_the_same_commit_draws_the_same(plan: Plan) -> None:
    """What was proved of a commit must be known without a file that says so."""
    assert drawn(plan, COMMITS[0]) == drawn(plan, COMMITS[0])
    turned = Plan(plan.minutes, plan.tests, plan.proofs[::-1])
    for digest in COMMITS:
        assert drawn(turned, digest) == drawn(plan, digest), "the place in the file counts"
    assert len({tuple(row.name for row in drawn(plan, digest)) for digest in COMMITS}) > 3


def test_a_failing_row_fails_the_run(checkout: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """A red row in the middle of an hour's output must not be green at the end; and the rows
    after it are what else is wrong."""
    rows = [
        ("good", python("print(1)"), 1, ALWAYS),
        ("bad", python("raise SystemExit(3)"), 1, ALWAYS),
        ("not there", "no-such-program-here", 1, ALWAYS),
        ("last", python("print(20 + 22)"), 1, IN_TURN),
        ("long", python("print(600 + 66)"), 9, IN_TURN),
    ]
    digest = commit(text_of(*rows, minutes=5))
    assert main([]) == 1
    out = capfd.readouterr().out
    assert "bad: failed with status 3" in out
    assert "not there: failed with status 127" in out
    assert "good: passed" in out
    assert re.search(r"^42$", out, re.MULTILINE), "a row after the failed one did not run"
    assert "666" not in out
    end = out.partition("Did not run:")[2]
    assert re.search(r"9 min  long", end)
    assert re.search(rf"{digest[:12]}  last", end)
    assert re.search(r"never +long", end)
    assert main(["--only", "good"]) == 0


def test_tests_that_fail_fail_the_run(checkout: Path) -> None:
    """They are no row, and count all the same."""
    commit(text_of(tests="false"))
    assert main([]) == 1


def test_what_the_history_drew(checkout: Path) -> None:
    """Each commit drew from the list as it was then, if it had one that could be read."""
    commit(None)
    old = commit(text_of(("old", "true", 1, IN_TURN)))
    both = commit(text_of(("old", "true", 1, IN_TURN), ("new", "true", 1, IN_TURN)))
    commit("minutes = ")
    commit(None)
    commit(text_of(("later", "true", 99, IN_TURN)))
    found, seen = last_draws(["old", "new", "later"])
    assert found == {"old": both, "new": both}
    assert seen == 6
    assert old != both


def test_a_shallow_clone_and_no_clone(
    checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Continuous integration often fetches one commit, and a source package has none."""
    text = text_of(("a", "true", 1, IN_TURN))
    commit(text)
    last = commit(text + "# more\n")
    git("clone", "--quiet", "--depth", "1", f"file://{checkout}", str(tmp_path / "shallow"))
    monkeypatch.chdir(tmp_path / "shallow")
    assert last_draws(["a", "b"]) == ({"a": last}, 1)
    bare = tmp_path / "bare"
    (bare / ".ci").mkdir(parents=True)
    (bare / LIST).write_text(text)
    monkeypatch.chdir(bare)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    assert main([]) == 0
    assert last_draws(["a"]) == ({}, 0)


def test_switches(checkout: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """What is asked for is printed, run or refused."""
    commit(text_of(("a", "false", 1, ALWAYS), ("b", "false", 1, IN_TURN)))
    assert main(["--list"]) == main(["--dry-run"]) == 0
    out = capfd.readouterr().out
    assert "would run tests: true" in out
    assert "b: false  <- drawn by this commit" in out
    assert main(["--all", "--dry-run"]) == 0
    assert capfd.readouterr().out.splitlines() == ["would run a: false", "would run b: false"]
    assert main(["--only", "c"]) == 2
    assert "no row 'c'" in capfd.readouterr().err
    Path(LIST).unlink()
    assert main([]) == 2
