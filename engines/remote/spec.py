"""A policy's facts on the wire: what a policy server says first, and what is believed of it.

The names are those of the metadata, one flat map:

    policy, fingerprint, random, image_size, frames, horizon, action_dim, steps, games,
    game_rows, tokens_per_frame, sequence_length, old_layout,
    action_shift, frame_spacing, action_hz, actions, trained_on   the ``PolicySpec``
    engine, device, precision                                     what computes
    features                                                      see ``FEATURES``
    server, version, protocol                                     ``nitropilot``, and which

A client takes none of the sizes on trust: they decide how much it allocates and sends.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nitropilot.engines.base import PolicySpec
from nitropilot.engines.errors import WireError
from nitropilot.policy.actions import ACTION_DIM
from nitropilot.policy.naming import trained_games
from nitropilot.version import __version__

if TYPE_CHECKING:
    from nitropilot.engines.base import Engine

PROTOCOL = 1
FEATURES = ("prefix", "planes")
"""``prefix``: chunks can be joined; ``planes``: ``images`` may be uint8."""

SIZES = {
    "image_size": (1, 2048),
    "frames": (1, 64),
    "horizon": (1, 1024),
    "action_dim": (ACTION_DIM, ACTION_DIM),
    "steps": (1, 10_000),
    "game_rows": (0, 1_000_000),
    "tokens_per_frame": (0, 2**16),
    "sequence_length": (0, 2**20),
}
"""Smallest and largest that is believed."""
TICKS = (0, 10_000)
"""Of a shift or a spacing, of which older servers say nothing."""
RATES = (1.0, 1000.0)
OBSERVATION_BYTES = 30 * 2**20
"""Of one observation in float32, so that a request fits into a message."""
TEXT = 200
GAMES = 5000


@dataclass(frozen=True)
class Welcome:
    """What a server said of itself, checked.

    Attributes:
        spec: Its policy.
        runs: The engine and the device behind it, for people.
        precision: What it computes in.
        features: Those of ``FEATURES`` that it has.
    """

    spec: PolicySpec
    runs: str
    precision: str
    features: frozenset[str]


def metadata_of(engine: Engine, max_batch: int) -> dict[str, Any]:
    """What a server that runs ``engine`` says first."""
    spec, info = engine.spec, engine.info
    return {
        "server": "nitropilot",
        "version": __version__,
        "protocol": PROTOCOL,
        "features": [name for name in FEATURES if name != "prefix" or engine.joins],
        "policy": spec.name,
        "fingerprint": spec.fingerprint,
        "random": spec.is_random,
        "old_layout": spec.old_layout,
        "games": dict(spec.games),
        **{name: getattr(spec, name) for name in SIZES},
        "action_shift": spec.action_shift,
        "frame_spacing": spec.frame_spacing,
        "action_hz": spec.action_hz,
        "actions": spec.actions,
        "trained_on": None if spec.trained_on is None else list(spec.trained_on),
        "engine": info.name,
        "device": info.device,
        "precision": info.precision,
        "max_batch": max_batch,
    }


def welcome_from(metadata: Any) -> Welcome:
    """Check what a server said first.

    Raises:
        WireError: It is another kind of server, or what it says cannot be.
    """
    if not isinstance(metadata, dict):
        raise WireError(f"its first message is a {type(metadata).__name__}, not a map")
    needed = {*SIZES, "protocol", "policy", "fingerprint", "random", "old_layout", "games"}
    if missing := sorted(needed - metadata.keys()):
        raise WireError(
            "it is no NitroPilot policy server: it says nothing of " + ", ".join(missing),
            "start one with `nitropilot serve --policy-server`",
        )
    protocol = metadata["protocol"]
    if type(protocol) is not int or protocol != PROTOCOL:
        raise WireError(
            f"it speaks protocol {str(protocol)[:20]!r}, this client {PROTOCOL}",
            "install the same version of NitroPilot on both",
        )
    sizes = {name: _whole(metadata[name], name, *limits) for name, limits in SIZES.items()}
    if sizes["frames"] * 3 * sizes["image_size"] ** 2 * 4 > OBSERVATION_BYTES:
        raise WireError(f"observations of {sizes['frames']} x {sizes['image_size']}² are too large")
    games = _games(metadata["games"], sizes["game_rows"])
    spec = PolicySpec(
        name=_text(metadata["policy"], "policy"),
        fingerprint=_text(metadata["fingerprint"], "fingerprint"),
        is_random=_truth(metadata["random"], "random"),
        old_layout=_truth(metadata["old_layout"], "old_layout"),
        games=games,
        action_shift=_whole(metadata.get("action_shift", 1), "action_shift", *TICKS),
        frame_spacing=_whole(metadata.get("frame_spacing", 1), "frame_spacing", *TICKS),
        action_hz=_rate(metadata.get("action_hz")),
        actions=_played(metadata.get("actions"), sizes["horizon"]),
        trained_on=_trained_on(metadata, games),
        **sizes,
    )
    runs = [_text(metadata.get(name, ""), name) for name in ("engine", "device")]
    return Welcome(
        spec,
        " on ".join(part for part in runs if part),
        _text(metadata.get("precision", ""), "precision"),
        _features(metadata.get("features", [])),
    )


def _rate(value: Any) -> float | None:
    if value is None:
        return None
    low, high = RATES
    if type(value) not in (int, float) or not low <= value <= high:
        raise WireError(f"its action_hz is {str(value)[:40]}", f"from {low:g} to {high:g} can be")
    return float(value)


def _played(value: Any, horizon: int) -> int | None:
    return None if value is None else _whole(value, "actions", 1, horizon)


def _trained_on(metadata: dict[str, Any], rows: dict[str, int]) -> tuple[str, ...] | None:
    """Games of its training; older servers say no more than which have a row of their own."""
    value = metadata.get("trained_on")
    if value is None:
        return trained_games(None, rows)
    if not isinstance(value, list) or len(value) > GAMES:
        raise WireError(f"its trained_on is no list of at most {GAMES} names")
    return tuple(_text(name, "game's name") for name in value)


def _whole(value: Any, name: str, low: int, high: int) -> int:
    if type(value) is not int or not low <= value <= high:
        raise WireError(f"its {name} is {str(value)[:40]}", f"from {low} to {high} can be")
    return value


def _text(value: Any, name: str) -> str:
    if not isinstance(value, str) or len(value) > TEXT or not value.isprintable():
        raise WireError(f"its {name} is not a short text")
    return value


def _truth(value: Any, name: str) -> bool:
    if not isinstance(value, bool):
        raise WireError(f"its {name} is {str(value)[:40]}, neither true nor false")
    return value


def _games(value: Any, rows: int) -> dict[str, int]:
    if not isinstance(value, dict) or len(value) > GAMES:
        raise WireError(f"its games are no map of at most {GAMES} names")
    for name, row in value.items():
        _text(name, "game's name")
        if type(row) is not int or not 0 <= row < rows:
            raise WireError(f"its game {name!r} has row {str(row)[:40]} of {rows}")
    return value


def _features(value: Any) -> frozenset[str]:
    if not isinstance(value, list):
        raise WireError("its features are no list")
    return frozenset(name for name in value if isinstance(name, str) and name in FEATURES)
