"""``SettingsStore``: the settings as they are now, their file, and who wants to hear of changes.

The file holds what differs from the defaults, is private and written whole or not at all.  What
the daemon was started with on its command line wins over the file for as long as it runs.
"""

from __future__ import annotations

import json
import logging
import threading
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from nitropilot.server.errors import SettingsInvalid
from nitropilot.server.store.paths import config_folder
from nitropilot.server.store.private import locked, write_private
from nitropilot.server.store.settings import Settings, allowed, sections

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    Nested = Mapping[str, Mapping[str, Any]]

log = logging.getLogger("nitropilot.settings")

LONGEST_SHOWN = 80


def settings_path() -> Path:
    """The file."""
    return config_folder() / "settings.json"


class SettingsStore:
    """Reads, changes and keeps the settings.  Thread-safe.

    Args:
        path: Their file; None for the usual one.
        overrides: What the command line said, by section and name.

    Raises:
        SettingsInvalid: The file, or an override, is wrong.
    """

    def __init__(self, path: Path | None = None, overrides: Nested | None = None) -> None:
        self.path = path or settings_path()
        self._overrides = {part: dict(values) for part, values in (overrides or {}).items()}
        self._listeners: list[Callable[[Settings], object]] = []
        self._lock = threading.RLock()
        self._current = self._with_overrides(self._read())

    @property
    def current(self) -> Settings:
        """The settings that count now."""
        return self._current

    @property
    def overridden(self) -> list[str]:
        """Names of settings that the command line decides."""
        return [f"{part}.{name}" for part in self._overrides for name in self._overrides[part]]

    def listen(self, listener: Callable[[Settings], object]) -> None:
        """Call ``listener`` with the settings now and after every change."""
        with self._lock:
            self._listeners.append(listener)
            listener(self._current)

    def change(self, changes: Mapping[str, Any]) -> Settings:
        """Change some settings and keep them.

        Args:
            changes: Values by section and name; null sets a default back where null is no value.

        Returns:
            All settings that count now.

        Raises:
            SettingsInvalid: A name or a value is wrong, or the file cannot be written; nothing
                has changed.
        """
        with self._lock:
            try:
                with locked(self.path):
                    kept = _merged(self._read(), changes)
                    checked = parse(kept)
                    current = self._with_overrides(kept)
                    write_private(self.path, _text(checked))
            except (OSError, TimeoutError) as error:
                raise SettingsInvalid(
                    f"cannot write {self.path}: {error}", "make room there, or make it yours"
                ) from error
            self._take(current)
        return self._current

    def reload(self) -> bool:
        """Read the file again; a wrong one is said and changes nothing.  Whether it was taken."""
        with self._lock:
            try:
                self._take(self._with_overrides(self._read()))
            except SettingsInvalid as error:
                log.error("the settings stay as they are: %s", error.line())
                return False
        log.info("read the settings again from %s", self.path)
        return True

    def _take(self, settings: Settings) -> None:
        if settings == self._current:
            return
        self._current = settings
        for listener in self._listeners:
            try:
                listener(settings)
            except Exception:  # one part that cannot follow must not keep the others back
                log.exception("a changed setting could not be taken everywhere")

    def _read(self) -> dict[str, Any]:
        """What the file says; checked only as far as it is an object."""
        try:
            values = json.loads(self.path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            raise SettingsInvalid(
                f"the settings in {self.path} cannot be read: {error}", "mend or delete the file"
            ) from error
        if not isinstance(values, dict):
            raise SettingsInvalid(f"{self.path} holds no object", "mend or delete the file")
        return values

    def _with_overrides(self, values: Mapping[str, Any]) -> Settings:
        return parse(_merged(parse(values).model_dump(exclude_unset=True), self._overrides))


def parse(values: Mapping[str, Any]) -> Settings:
    """Settings from values by section and name.

    Raises:
        SettingsInvalid: One is wrong; the message names it, its value and what it takes.
    """
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        raise _invalid([str(part) for part in first["loc"]], first) from None


def _invalid(where: list[str], first: Any) -> SettingsInvalid:
    key = ".".join(where[:2])
    if first["type"] == "extra_forbidden":
        kind = sections().get(where[0]) if len(where) > 1 else None
        known = list(kind.model_fields) if kind else list(sections())
        return SettingsInvalid(f"there is no setting {key!r}", f"there are {', '.join(known)}")
    if len(where) < 2 and first["type"] == "value_error":  # values that do not go together
        what, _, hint = str(first["ctx"]["error"]).partition(": ")
        return SettingsInvalid(f"{key}: {what}", hint)
    if len(where) < 2:
        return SettingsInvalid(f"{key} is no group of settings", 'write {"play": {"mode": ...}}')
    value = json.dumps(first["input"], default=str)
    shown = value if len(value) <= LONGEST_SHOWN else f"{value[:LONGEST_SHOWN]}..."
    if first["type"] == "value_error":  # a check of our own, which says itself what it wants
        return SettingsInvalid(f"{key} is {shown}", str(first["ctx"]["error"]))
    return SettingsInvalid(f"{key} is {shown}", f"it takes {allowed(key)}")


def _merged(values: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """``values`` with ``changes`` on top; null where that is no value means the default."""
    merged: dict[str, Any] = dict(values)
    for part, changed in changes.items():
        if not isinstance(changed, dict):
            merged[part] = changed  # which is refused by whoever checks
            continue
        inner = merged.get(part, {})
        inner = {**(inner if isinstance(inner, dict) else {}), **changed}
        merged[part] = {k: v for k, v in inner.items() if v is not None or not _resets(part, k)}
    return merged


def _resets(part: str, name: str) -> bool:
    """Whether null is no value of a setting.  Unknown names must stay, to be refused."""
    takes = allowed(f"{part}.{name}")
    return bool(takes) and not takes.endswith("null")


def _text(settings: Settings) -> str:
    changed = settings.model_dump(mode="json", exclude_defaults=True)
    return json.dumps({part: values for part, values in changed.items() if values}, indent=1) + "\n"
