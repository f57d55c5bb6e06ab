"""What has to be the same: in all processes of a run, and whenever it is gone on with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nitropilot.training.errors import OtherRun
from nitropilot.training.trainer.config import TrainConfig
from nitropilot.training.trainer.files import load_state

if TYPE_CHECKING:
    from pathlib import Path

FREE = {
    "data": {"data", "frames_folder", "workers", "damaged"},
    "run": {
        "steps", "minutes", "device", "log_every", "validate_every", "validation_samples",
        "save_every", "keep_every", "tensorboard", "fsdp",
    },
}  # fmt: skip
"""What may change when a run is gone on with.  The data is compared by what is in it."""


def bound(config: TrainConfig) -> dict[str, Any]:
    """What has to be the same when a run is gone on with."""
    return config.model_dump(mode="json", exclude=FREE)


def agreed(config: TrainConfig) -> dict[str, Any]:
    """What all processes of a run have to be told alike: all but where things lie on a machine."""
    places = {"data": {"data", "frames_folder", "workers"}, "run": {"device"}}
    return config.model_dump(mode="json", exclude=places)


def require_same(one: dict[str, Any], other: dict[str, Any], folder: Path) -> None:
    """See that a run was told what it is told now.

    Args:
        one: What ``bound`` gave then.
        other: What it gives now.
        folder: Of the run.

    Raises:
        OtherRun: It was told something else.
    """
    usual = bound(TrainConfig())  # what a version told a run that did not know the field yet
    before = {name: usual[name] | one.get(name, {}) for name in usual}
    differ = [
        f"{section}.{name} was {before[section].get(name)!r} and is {value!r}"
        for section, fields in other.items()
        for name, value in fields.items()
        if before[section].get(name) != value
    ]
    if differ:
        raise OtherRun(
            f"the run in {folder} is another one: {'; '.join(differ[:3])}",
            "give the same options, or name another --out",
        )


def begun(config: TrainConfig, folder: Path) -> dict[str, Any] | None:
    """What there is to go on with, of a run that was told the same; None where none began.

    Raises:
        OtherRun: It was told something else, or cannot be read.
    """
    state = load_state(folder)
    if state is not None:
        require_same(state["told"], bound(config), folder)
    return state


def require_same_start(state: dict[str, Any], data: str, base: str, folder: Path) -> None:
    """See that a run that is gone on with had the same data, and began with the same policy.

    Weights that are frozen are not kept with a run: they are its base's.

    Args:
        state: Of the run.
        data: Digest of the data now.
        base: Digest of the policy that it begins with now.
        folder: Of the run.

    Raises:
        OtherRun: It had other data, or began with another policy.
    """
    if state["data"] != data:
        raise OtherRun(
            f"the run in {folder} had other data", "name the same recordings, or another --out"
        )
    before = state.get("base", base)  # runs of versions that did not keep it have all weights
    if before != base:
        raise OtherRun(
            f"the run in {folder} began with a policy of digest {before}, and it has {base} now",
            "put the policy back that it began with, or name another --out",
        )
