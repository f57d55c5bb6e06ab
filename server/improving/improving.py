"""``improve``: fine-tune the policy that plays a game on how it went, and see what came of it.

gather     the recordings of one game
estimate   how long it takes here; what cannot be done in its time is refused
train      as ``nitropilot finetune``, corrections counting more
compare    old and new, where the game has tasks that can be played in process
offer      nothing plays with the new policy until somebody accepts it
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nitropilot.controller.processes import birth
from nitropilot.places import spelled
from nitropilot.policy import fingerprint
from nitropilot.policy.config import parse_config
from nitropilot.policy.files.formats import read_checkpoint
from nitropilot.policy.naming import DEFAULT, from_root, parse_random
from nitropilot.server.errors import ImproveRefused
from nitropilot.server.improving.comparing import Comparison, compare, tasks_of
from nitropilot.server.improving.estimating import Estimate, estimate
from nitropilot.server.improving.gathering import gather, require_rate
from nitropilot.server.improving.history import HistoryStore, require_there
from nitropilot.server.improving.known import Candidate
from nitropilot.server.store.private import locked
from nitropilot.simulator.benchmark.policies.errors import PolicyFailed
from nitropilot.simulator.benchmark.runner.stage import GameFailed
from nitropilot.simulator.benchmark.statistics.intervals import success_interval
from nitropilot.texts import shown
from nitropilot.training.errors import NotWritten, TrainingError
from nitropilot.training.trainer.files import NEWEST, written
from nitropilot.training.trainer.running import train

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from nitropilot.server.improving.gathering import Gathered
    from nitropilot.server.improving.wish import ImproveWish
    from nitropilot.training.trainer.config import TrainConfig
    from nitropilot.training.trainer.outcome import Outcome, Told

    Tell = Callable[[str, float], None]

IMPROVED, SCRATCH = "improved", "improving"
"""Folders: of new policies among the user's, and of runs that go on in the data folder."""
SAFETENSORS = ".safetensors"
OFFERED = (
    "nothing measures this game here: play with both in turn, recorded; `nitropilot improve "
    "--status` then proposes the one that you took the pad from less often"
)


@dataclass(frozen=True)
class Plan:
    """What will be done, as far as it can be known before.

    Attributes:
        gathered: What is learned from.
        tasks: In which old and new are compared; none where nothing can be measured.
        estimate: How long it takes.
        out: Where the new policy will be.
    """

    gathered: Gathered
    tasks: list[str]
    estimate: Estimate
    out: Path

    def facts(self) -> dict[str, Any]:
        """The same as JSON has it."""
        return {
            "game": self.gathered.game, "old": self.estimate.policy, "new": shown(self.out),
            "data": self.gathered.facts(), "tasks": self.tasks,
            "estimate": self.estimate.facts(),
        }  # fmt: skip


def start_policy(used: str | None) -> str:
    """What an improvement starts from where no policy is named.

    Args:
        used: What plays the game now, if anything was accepted for it.
    """
    return used or DEFAULT


def plan(wish: ImproveWish) -> Plan:
    """See what would be done, and measure how long it would take; nothing is changed.

    Raises:
        ImproveRefused: It cannot be done, or not in its time.
        TrainingError, PolicyError: The data or the policy cannot be used.
        StatisticsUnavailable: Old and new could not be compared.
    """
    if parse_random(wish.policy):
        raise ImproveRefused(
            f"{wish.policy} has random weights: there is nothing to improve",
            "use `nitropilot train`, and improve what comes of it",
        )
    require_there(wish.policy)
    gathered = gather(map(spelled, wish.data), wish.game, wish.only_corrected)
    require_rate([each.hz for each in gathered.recordings], _acts(wish.policy), wish.hz)
    tasks = tasks_of(wish.play or gathered.game)
    if wish.play and not tasks:
        raise ImproveRefused(
            f"no game of the arcade, and no task of one, is called {wish.play!r}",
            "leave --play out: then the new policy is offered and not measured",
        )
    if tasks:
        success_interval(0, 1)  # whether it can be computed is known before anything is trained
    out = spelled(wish.out) if wish.out else _new_file(wish.models, gathered.game)
    if out.suffix != SAFETENSORS:
        raise ImproveRefused(f"{out} would hold safetensors data", f"end its name in {SAFETENSORS}")
    _require_new(out)
    return Plan(gathered, tasks, estimate(wish, gathered, tasks), out)


def improve(wish: ImproveWish, planned: Plan, store: HistoryStore, tell: Tell) -> dict[str, Any]:
    """Do it.

    Args:
        wish: What.
        planned: As ``plan`` gave it.
        store: Is told of the candidate, and how its recordings went.
        tell: Is told what is done, and how much of all, 0 to 1.

    Returns:
        The plan's facts with ``training``, ``comparison``, ``verdict`` and ``found``.

    Raises:
        ImproveRefused, TrainingError, PolicyError: It went wrong; nothing is offered.
    """
    gathered, out = planned.gathered, planned.out
    folders = tuple(each.folder for each in gathered.recordings)
    share = 1.0 - (planned.estimate.comparing_s or 0.0) / planned.estimate.total_s
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise NotWritten(
            f"cannot make {out.parent}: {error.strerror}", "name another --out"
        ) from None
    with _alone(wish.scratch, out), _run_folder(wish.scratch) as folder:
        outcome = _trained(wish.config(folders), folder, lambda t: tell(t.text, t.done * share))
        new = folder / NEWEST
        mark = fingerprint(str(new))
        comparison, found = _compared(
            wish, str(new), mark, planned.tasks,
            lambda text, done: tell(text, share + done * (1.0 - share)),
        )  # fmt: skip
        with written(out) as part:
            shutil.copyfile(new, part)
    candidate = _candidate(wish.policy, out, mark, comparison, found)
    store.offer(gathered.game, candidate)
    store.tally({each.id: each.tally for each in gathered.recordings if each.tally})
    return planned.facts() | _result(outcome, comparison, candidate)


def _trained(config: TrainConfig, folder: Path, tell: Callable[[Told], None]) -> Outcome:
    """Train in a folder that goes with this run, whatever becomes of it.

    Raises:
        TrainingError: As ``train``; it names no file that is gone when it is read.
    """
    try:
        return train(config, folder, tell)
    except TrainingError as error:
        if str(folder) not in error.line():
            raise
        raise type(error)(
            str(error).replace(str(folder), "the run's folder"),
            "nothing of the run is kept: mend what is said, and begin it again",
        ) from None


def _compared(
    wish: ImproveWish, new: str, mark: str, tasks: list[str], tell: Tell
) -> tuple[Comparison | None, str]:
    """Old against new, and what came of it in words.

    Where the comparison fails the new policy is as whole as before: it is offered unmeasured.
    """
    if not tasks:
        return None, OFFERED
    try:
        comparison = compare(wish.policy, new, mark, tasks, wish.levels, tell)
    except (PolicyFailed, GameFailed) as error:
        return None, f"they could not be compared: {error}"
    return comparison, comparison.text


def _candidate(
    old: str, out: Path, mark: str, comparison: Comparison | None, found: str
) -> Candidate:
    return Candidate(
        policy=shown(out), fingerprint=mark,
        came_from=shown(from_root(old)), before=fingerprint(old),
        made=datetime.now(UTC).isoformat(timespec="seconds"),
        verdict=comparison.verdict if comparison else "offered",
        found=found,
    )  # fmt: skip


def _result(
    outcome: Outcome, comparison: Comparison | None, candidate: Candidate
) -> dict[str, Any]:
    return {
        "training": outcome.facts(),
        "comparison": comparison.facts() if comparison else None,
        "verdict": candidate.verdict,
        "found": candidate.found,
        "fingerprint": candidate.fingerprint,
    }


def _new_file(models: Path, game: str) -> Path:
    """A file for a new policy of a game, by the time; no game's name can lead elsewhere."""
    name = re.sub(r"[^A-Za-z0-9_-]+", "-", game).strip("-")[:60] or "game"
    stamp = f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{os.getpid()}"  # others may begin in this second
    folder = models / IMPROVED / name
    found, number = folder / f"{stamp}{SAFETENSORS}", 1
    while found.exists():
        number += 1
        found = folder / f"{stamp}-{number}{SAFETENSORS}"
    return found


def _acts(policy: str) -> float | None:
    """Actions a second that a policy was trained with, where its checkpoint says so."""
    return parse_config(read_checkpoint(policy).config, policy).nitropilot.action_hz


def _require_new(out: Path) -> None:
    if out.exists():
        raise ImproveRefused(
            f"{out} is there already", "name another --out: no policy of before is written over"
        )


@contextmanager
def _alone(scratch: Path, out: Path) -> Iterator[None]:
    """Be the only improvement that writes a file; the lock ends with the process.

    Raises:
        ImproveRefused: Another one is at it, or has written it meanwhile.
    """
    mark = scratch / hashlib.sha256(os.fsencode(out.resolve())).hexdigest()[:16]
    with ExitStack() as after, ExitStack() as held:
        try:
            held.enter_context(locked(mark, 0))
        except TimeoutError:
            raise ImproveRefused(
                f"another improvement is writing {out}", "name another --out, or wait for it"
            ) from None
        except OSError as error:
            raise NotWritten(f"cannot write to {scratch}: {error.strerror}", "make room") from None
        after.callback(_remove_empty, scratch)
        after.callback(_remove_lock, mark.with_name(f"{mark.name}.lock"))
        _require_new(out)
        yield


@contextmanager
def _run_folder(scratch: Path) -> Iterator[Path]:
    """A folder for the run's files, gone at the end; what killed runs left goes too."""
    _sweep(scratch)
    folder = scratch / f"{os.getpid()}-{birth(os.getpid())}"
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _remove_lock(path: Path) -> None:
    with suppress(OSError):  # somebody has it open again, and removes it
        path.unlink()


def _remove_empty(scratch: Path) -> None:
    with suppress(OSError):  # others may be in it
        scratch.rmdir()


def _sweep(scratch: Path) -> None:
    """Remove what runs left whose process is gone."""
    for folder in scratch.iterdir() if scratch.is_dir() else ():
        parts = re.fullmatch(r"(\d+)-([\d.]+)", folder.name)
        if parts and birth(int(parts[1])) != parts[2]:
            shutil.rmtree(folder, ignore_errors=True)
