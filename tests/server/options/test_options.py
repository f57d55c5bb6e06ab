"""One field is one option: at the command line, in the API, in the settings and on their page."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any, Literal

import pytest
import typer
from pydantic import Field, ValidationError
from typer.testing import CliRunner

from nitropilot import NitroPilotError
from nitropilot.agent import Mode, PlaySettings, parse_buttons
from nitropilot.agent.pad.guards import MENU_BUTTONS
from nitropilot.controller import KINDS, Button
from nitropilot.server.cli.daemon.serve_options import ServeOptions, Setting
from nitropilot.server.cli.play.options import PlayOptions
from nitropilot.server.cli.terminal.options import from_model, read_options
from nitropilot.server.options.fields import KEYBOARD, Flag, Options, Outside, flag_of, takes
from nitropilot.server.options.play import FROM_SETTINGS, HowToPlay, ThisPlay
from nitropilot.server.schemas.models import SessionRequest
from nitropilot.server.store.settings import PlaySettingsModel, Settings, allowed, flat
from nitropilot.server.store.settings_reference import page

if TYPE_CHECKING:
    from pydantic import BaseModel

KEYBOARD_ONLY = {"server", "server_token", "seconds", "out", "keep", "display", "as_json"}
"""Options of ``nitropilot play`` that a client of the daemon must not have, or has no use for."""
ENGINE = {"engine", "device", "precision"}
"""Sessions of a daemon share the engine that its settings name."""
ONE_GAME = {"window", "pid", "process", "launch", "headless"}
ONE_PLAY = {"action_offset", "game", "cfg_scale", "seed", "record", "draw", "trace_frames"}
"""``record`` has a section of settings to itself."""


def asks_for(command: Any, *arguments: str) -> str:
    """What a command of its own prints."""
    app = typer.Typer()
    app.command()(command)
    done = CliRunner().invoke(app, arguments, env={"COLUMNS": "200", "NO_COLOR": "1"})
    return re.sub(r"\x1b\[[0-9;]*m", "", done.output)


def names(model: type[BaseModel]) -> set[str]:
    """The fields of a model."""
    return set(model.model_fields)


def test_the_three_ways_to_ask_have_the_same_options() -> None:
    """An option that one of them forgot is asked for in vain there."""
    play, api, kept = names(PlayOptions), names(SessionRequest), names(PlaySettingsModel)
    assert play - api == KEYBOARD_ONLY | ENGINE
    assert api - play - {"only_record"} == kept - play == {"autoplay"}
    assert api - kept == ONE_GAME | ONE_PLAY | {"only_record"}
    assert kept - api == ENGINE
    assert names(HowToPlay) <= play & api & kept
    assert set(FROM_SETTINGS) == (api & kept) - {"policy"}


def test_every_field_is_an_option_of_the_command() -> None:
    """A field that the help does not show cannot be found."""
    for model in (PlayOptions, ServeOptions):
        shown = asks_for(from_model(lambda _options: None, model), "--help")
        for name, field in model.model_fields.items():
            flags = flag_of(field).names or (f"--{name.replace('_', '-')}",)
            for flag in flags:
                assert re.search(rf"{flag}\s", shown), flag
            assert flag_of(field).words(model, name).split()[0] in shown


def test_every_field_is_in_the_schema_and_on_the_page() -> None:
    """A client, and who edits the file of settings, read these instead of the code."""
    properties = SessionRequest.model_json_schema()["properties"]
    assert set(properties) == names(SessionRequest)
    for name in names(HowToPlay):
        assert properties[name]["description"], name
        assert f"`play.{name}`" in page()


def test_a_new_field_is_a_new_option_everywhere() -> None:
    """Written once: the classes below are put together as the real ones are."""

    class Bolder(HowToPlay):
        boldness: int = Field(default=3, ge=1, le=9, description="How daring the play is")

    class Play(Bolder, ThisPlay):
        """As ``PlayOptions``."""

    class Request(Bolder, ThisPlay):
        """As ``SessionRequest``."""

    for real in (PlayOptions, SessionRequest, PlaySettingsModel):
        assert issubclass(real, HowToPlay)
    heard: list[Play] = []
    command = from_model(heard.append, Play)
    line = next(each for each in asks_for(command, "--help").splitlines() if "boldness" in each)
    assert "How daring the play is." in line
    assert "3" in line
    assert "1<=x<=9" in line
    assert asks_for(command, "--boldness", "5") == ""
    assert heard[0].boldness == 5
    assert "9" in asks_for(command, "--boldness", "10")
    assert len(heard) == 1
    assert Request.model_json_schema()["properties"]["boldness"]["maximum"] == 9
    assert takes(Bolder, "boldness") == "a whole number from 1 to 9"


def test_the_agent_hears_of_every_option() -> None:
    """An option that is taken and then forgotten is worse than none."""
    others = {
        "mode": "realtime", "action_hz": 30.0, "actions_per_chunk": 2, "allow": ("start",),
        "controls": ("a",), "game": "SuperTux", "cfg_scale": 2.0, "seed": 7,
        "action_offset": 2,
    }  # fmt: skip
    elsewhere = {"pad", "record", "draw", "trace_frames", "steps"}
    assert set(others) | elsewhere == names(ThisPlay)
    found = [ThisPlay.model_validate({name: others[name]}).play_settings() for name in others]
    assert ThisPlay().play_settings() not in found
    assert ThisPlay.model_validate(others).play_settings() == PlaySettings(
        30.0, 2, Button.START, "SuperTux", 2.0, 7, Mode.REALTIME, ("a",), 2
    )


def test_the_words_are_the_rooms_words() -> None:
    """A mode or a pad that the options do not know could not be asked for."""
    properties = PlaySettingsModel.model_json_schema()["properties"]
    assert properties["mode"]["enum"] == list(Mode)
    assert properties["pad"]["enum"] == list(KINDS)
    buttons = properties["allow"]["items"]["enum"]
    assert parse_buttons(buttons) == MENU_BUTTONS


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("cfg_scale", 21.0, "less than or equal to 20"),
        ("actions_per_chunk", 257, "less than or equal to 256"),
        ("seed", 2**63, "less than 9223372036854775808"),
        ("process", "", "at least 1 character"),
        ("policy", "", "at least 1 character"),
        ("pad", "xbox", "'auto', 'vgamepad' or 'sdl'"),
        ("allow", ("turbo",), "'start', 'back' or 'guide'"),
    ],
)
def test_the_keyboard_may_go_further_than_the_network(name: str, value: Any, says: str) -> None:
    """A limit on strangers must not bind the player, and the player's freedom not be theirs."""
    with pytest.raises(ValidationError, match=re.escape(says)) as refused:
        SessionRequest.model_validate({"pid": 1} | {name: value})
    assert refused.value.errors()[0]["loc"][0] == name
    assert getattr(PlayOptions.model_validate({name: value}, context=KEYBOARD), name) == value
    with pytest.raises(ValidationError, match=re.escape(says)):
        PlayOptions.model_validate({name: value})


def test_serve_takes_settings_that_there_are() -> None:
    """What the command line decides is checked and named as the setting that it is."""
    keys = {flag.key for field in ServeOptions.model_fields.values()
            if isinstance(flag := flag_of(field), Setting)}  # fmt: skip
    assert keys <= set(flat(Settings()))
    given = ServeOptions(log_level="info", hotkey_panic="", engine="torch")
    assert given.overrides() == {
        "play": {"engine": "torch"}, "log": {"level": "info"}, "hotkeys": {"panic": ""}
    }  # fmt: skip
    assert ServeOptions().overrides() == {}
    shown = asks_for(from_model(lambda _options: None, ServeOptions), "--help")
    assert f"{allowed('log.level')}." in shown


def test_no_secret_is_shown_with_the_options() -> None:
    """Options are written into logs and error reports."""
    assert "hunter2" not in repr(PlayOptions(server_token="hunter2"))
    assert "hunter2" not in repr(ServeOptions(server_token="hunter2"))


class Odd(Options):
    """Every kind of field."""

    word: Literal["up", "down"] = Field(default="up", description="A word")
    words: tuple[str, ...] = Field(default=(), description="Words")
    text: Annotated[str, Outside(Literal["a"]), Flag(names=("--as",), env="ODD_TEXT")] = Field(
        default="a", max_length=3, description="A text"
    )
    number: Annotated[int | None, Flag(read=lambda text: int(text, 16))] = Field(
        default=None, description="In hexadecimal"
    )
    sure: bool | None = Field(default=None, description="Or not")


def test_every_kind_of_field_can_be_typed() -> None:
    """Names, variables, lists, words and what is not given."""
    heard: list[Odd] = []
    command = from_model(heard.append, Odd)
    assert asks_for(command) == ""
    more = ("--word", "down", "--words", "x", "--words", "y", "--as", "b", "--number", "ff")
    assert asks_for(command, *more, "--no-sure") == ""
    assert heard[0] == Odd()
    assert heard[1].model_dump() == {
        "word": "down", "words": ("x", "y"), "text": "b", "number": 255, "sure": False
    }  # fmt: skip
    assert "ODD_TEXT" in asks_for(command, "--help")
    assert "'sideways'" in asks_for(command, "--word", "sideways")


def test_what_typer_lets_pass_is_still_one_line() -> None:
    """A traceback of the model would tell the user about the program and not about the mistake."""
    with pytest.raises(typer.BadParameter) as refused:
        read_options(Odd, {"text": "four"})
    assert refused.value.param_hint == "--as"
    assert "3" in refused.value.message
    with pytest.raises(NitroPilotError, match="window handle"):
        read_options(PlayOptions, {"window": "my game"})
