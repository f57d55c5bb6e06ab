"""``ServeOptions``: what ``nitropilot serve`` can be told."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from nitropilot.policy.euler import Steps, parse_steps
from nitropilot.policy.naming import DEFAULT
from nitropilot.server.http.hosts import DEFAULT_HOST, DEFAULT_PORT, parse_bind
from nitropilot.server.options.fields import Flag, Options, flag_of
from nitropilot.server.store.settings import sections

if TYPE_CHECKING:
    from pydantic import BaseModel

    from nitropilot.server.daemon.starting import Place


@dataclass(frozen=True, kw_only=True)
class Setting(Flag):
    """Metadata: an option that decides a setting for as long as the daemon runs.

    The settings check it, so that the command line and their file get the same answers.

    Attributes:
        key: Of the setting, such as ``log.level``.
    """

    key: str

    def words(self, _model: type[BaseModel], _name: str) -> str:
        """The help: this one's own, or the setting's description."""
        section, _, name = self.key.partition(".")
        return super().words(sections()[section], name)


class ServeOptions(Options):
    """A daemon, or a policy server, as it is started."""

    policy: Annotated[
        str | None,
        Setting(
            key="play.policy",
            help=f"Checkpoint; default: {DEFAULT}, which comes along. Sessions may name another.",
        ),
    ] = None
    host: Annotated[str, Flag(env="NITROPILOT_HOST")] = Field(
        default=DEFAULT_HOST,
        description="Where to listen: host, host:port, [v6]:port or :port; an address that is not "
        "loopback needs --allow-lan, with --policy-server a token",
    )
    port: Annotated[int | None, Flag(env="NITROPILOT_PORT")] = Field(
        default=None, description=f"0 takes a free one; default {DEFAULT_PORT}"
    )
    allow_lan: Annotated[bool, Flag(names=("--allow-lan",))] = Field(
        default=False, description="Let other machines come (with a token, over TLS)"
    )
    origin: Annotated[str, Flag(env="NITROPILOT_ORIGINS")] = Field(
        default="",
        description="Further origins that the daemon is reached by, such as a proxy's",
    )
    tls: bool | None = Field(
        default=None, description="Speak TLS, or never; default: beyond loopback"
    )
    tls_cert: Path | None = Field(
        default=None, description="PEM certificate; without one, one is made"
    )
    tls_key: Path | None = Field(default=None, description="Its key")
    engine: Annotated[
        str | None,
        Setting(key="play.engine", help="Engine to run policies on; default: as in the settings."),
    ] = None
    device: Annotated[str | None, Setting(key="play.device", help="{takes}.")] = None
    precision: Annotated[str | None, Setting(key="play.precision", help="What to compute in.")] = (
        None
    )
    log_format: Annotated[
        str | None,
        Setting(key="log.format", help="text, or json: one object a line on stderr."),
    ] = None
    log_level: Annotated[str | None, Setting(key="log.level", help="{takes}.")] = None
    hotkey_toggle: Annotated[
        str | None, Setting(key="hotkeys.toggle", env="NITROPILOT_HOTKEY_TOGGLE")
    ] = None
    hotkey_panic: Annotated[
        str | None, Setting(key="hotkeys.panic", env="NITROPILOT_HOTKEY_PANIC")
    ] = None
    policy_server: Annotated[bool, Flag(names=("--policy-server",))] = Field(
        default=False,
        description="Be a policy server for other players instead of the daemon",
    )
    steps: Annotated[
        Steps | None,
        Setting(
            key="play.steps",
            read=parse_steps,
            help="Euler steps of the sampler, or auto: those that were measured to play best and "
            "are ready in time here; default: as the policy says.",
        ),
    ] = None
    max_batch: int = Field(
        default=8, ge=1, le=256, description="Policy server: most requests computed together"
    )
    max_clients: int = Field(
        default=32, ge=1, le=1024, description="Policy server: most clients at once"
    )
    server_token: Annotated[str, Flag(env="NITROPILOT_SERVER_TOKEN")] = Field(
        default="", repr=False, description="Policy server: what its clients have to send"
    )

    def place(self) -> Place:
        """Where to listen.

        Raises:
            HostRefused: It is no address.
            ServerError: There is no such port.
        """
        from nitropilot.server.daemon.starting import Place

        host, port = parse_bind(self.host, self.port)
        return Place(host, port, self.allow_lan, self.origin, self.tls, self.tls_cert, self.tls_key)

    def overrides(self) -> dict[str, dict[str, Any]]:
        """The settings that it decides, by section and name."""
        said: dict[str, dict[str, Any]] = {}
        for name, field in type(self).model_fields.items():
            flag, value = flag_of(field), getattr(self, name)
            if isinstance(flag, Setting) and value is not None:
                section, _, key = flag.key.partition(".")
                said.setdefault(section, {})[key] = value
        return said
