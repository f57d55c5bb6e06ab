"""``nitropilot improve``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer
from pydantic import Field, model_validator

from nitropilot.places import spelled
from nitropilot.server.cli.terminal.output import console, print_json, print_table
from nitropilot.server.cli.terminal.progress import progress_bar
from nitropilot.server.errors import ImproveRefused
from nitropilot.server.options.fields import A_LIST, Flag, Options

if TYPE_CHECKING:
    from nitropilot.server.improving.wish import ImproveWish


class ImproveOptions(Options):
    """What the command takes."""

    data: Annotated[tuple[str, ...], A_LIST] = Field(
        default=(), description="Folders: a recording, or what holds some; repeatable"
    )
    policy: str | None = Field(
        default=None, description="Policy to start from; default: what was accepted, or pocket"
    )
    out: str | None = Field(
        default=None, description="The new policy's file; default: one in the models folder"
    )
    game: str | None = Field(default=None, description="Of which game, where there are several")
    play: str | None = Field(
        default=None, description="Game of the arcade to compare in; default: the recordings'"
    )
    minutes: float = Field(default=20.0, gt=0, le=100_000, description="Of training")
    steps: int | None = Field(default=None, ge=1, description="Of training, in place of minutes")
    limit: float = Field(
        default=180.0, gt=0, le=100_000, description="Most minutes that all of it may take"
    )
    corrections: float = Field(
        default=2.0, gt=0, le=100, description="How much your rows count where you corrected"
    )
    before_takeover: float = Field(
        default=0.5, ge=0, le=60, description="Seconds before you took over that are not learned"
    )
    levels: int = Field(default=30, ge=1, le=10_000, description="Levels of each task to compare")
    batch_size: int = Field(default=32, ge=1, le=65536, description="Samples a step")
    seed: int = Field(default=0, ge=0, lt=2**31, description="Of the training")
    hz: float | None = Field(
        default=None, gt=0, le=1000,
        description="Rows a second that recordings of another rate are resampled to",
    )  # fmt: skip
    only_corrected: bool = Field(
        default=False, description="Learn only from recordings in which you took over"
    )
    estimate: bool = Field(default=False, description="Say how long it would take, and no more")
    status: bool = Field(default=False, description="Say what plays each game, and what is offered")
    accept: bool = Field(
        default=False, description="Play with the offered policy where no other is named"
    )
    offer: str | None = Field(
        default=None, description="With --accept: which, by its id; default: the newest"
    )
    back: bool = Field(default=False, description="Play with the policy of before again")
    as_json: Annotated[bool, Flag(names=("--json",))] = Field(
        default=False, description="Print one JSON object on stdout"
    )

    @model_validator(mode="after")
    def _one(self) -> ImproveOptions:
        asked = [name for name in ("estimate", "status", "accept", "back") if getattr(self, name)]
        if len(asked) > 1:
            raise ValueError(f"--{asked[0]} and --{asked[1]} are two things: give one")
        if self.offer is not None and not self.accept:
            raise ValueError("--offer goes with --accept")
        return self


def improve(options: ImproveOptions) -> None:
    """Let a policy learn from your recordings, corrections counting more, and compare.

    Nothing plays with the new policy before you --accept it, and --back undoes that.
    """
    if options.status or options.accept or options.back:
        _look_or_change(options)
        return
    from nitropilot.server.improving.history import HistoryStore
    from nitropilot.server.improving.improving import improve as run
    from nitropilot.server.improving.improving import plan

    if not options.data:
        raise ImproveRefused("no data is named", "name folders with recordings with --data")
    store = HistoryStore()
    wish = _wish(options, store)
    with progress_bar() as bar:
        bar("measuring how long it takes here", 0.0)
        planned = plan(wish)
    if options.estimate:
        if options.as_json:
            print_json(planned.facts())
        else:
            _say(planned.facts())
        return
    if not options.as_json:
        _say(planned.facts())
    with progress_bar() as bar:
        result = run(wish, planned, store, bar)
    if options.as_json:
        print_json(result)
        return
    screen = console()
    screen.print(result["found"], markup=False)
    screen.print(f"the new policy: {result['new']}", markup=False)
    if result["verdict"] != "worse":
        screen.print(
            "to play with it: nitropilot improve --accept, and --back to undo that", markup=False
        )


def _wish(options: ImproveOptions, store: Any) -> ImproveWish:
    from nitropilot.server.improving.gathering import gather
    from nitropilot.server.improving.improving import SCRATCH, start_policy
    from nitropilot.server.improving.wish import ImproveWish
    from nitropilot.server.store.paths import data_folder
    from nitropilot.server.store.policies import models_folder
    from nitropilot.server.store.settings_store import SettingsStore

    data = tuple(spelled(place) for place in options.data)
    history = store.read()  # whether it can be read is known before anything is trained
    policy = options.policy
    if policy is None:
        game = options.game or gather(data, None, False).game
        policy = start_policy(history.game(game).used)
    return ImproveWish(
        data=data, policy=policy, models=models_folder(SettingsStore().current),
        scratch=data_folder() / SCRATCH, game=options.game, play=options.play,
        minutes=options.minutes, steps=options.steps, limit_minutes=options.limit,
        corrections=options.corrections, before_takeover=options.before_takeover,
        levels=options.levels, batch_size=options.batch_size, seed=options.seed,
        only_corrected=options.only_corrected, hz=options.hz,
        out=spelled(options.out) if options.out else None,
    )  # fmt: skip


def _say(facts: dict[str, Any]) -> None:
    screen, data = console(), facts["data"]
    screen.print(
        f"{data['recordings']} recordings of {facts['game']}: {data['agent_minutes']:.1f} min of "
        f"the agent, {data['human_minutes']:.1f} of yours, {data['takeovers']} takeovers",
        markup=False,
    )
    screen.print(facts["estimate"]["text"], markup=False)


def _look_or_change(options: ImproveOptions) -> None:
    from nitropilot.server.improving.history import HistoryStore, the_game
    from nitropilot.server.improving.status import recordings_in, status, update
    from nitropilot.server.store.recordings import RecordingStore
    from nitropilot.server.store.settings_store import SettingsStore
    from nitropilot.training.formats.finding import find_takes

    store = HistoryStore()
    if options.accept:
        history = store.accept(the_game(store.read(), options.game), options.offer)
    elif options.back:
        history = store.back(the_game(store.read(), options.game))
    else:
        places = [spelled(place) for place in options.data]
        settings = SettingsStore()
        root = RecordingStore(lambda: settings.current).root
        named = find_takes(places) if places else []
        history = update(store, [*named, *recordings_in(root)])
    told = [
        each for each in status(history) if options.game is None or each["game"] == options.game
    ]
    if options.as_json:
        print_json({"file": str(store.path), "games": told})
        return
    if not told:
        typer.echo("no game has a policy of its own yet: nitropilot improve --data DIR")
    for each in told:
        rows = [("plays now", each["used"] or "pocket, or what --policy says"),
                ("before", each["previous"] or "")]  # fmt: skip
        rows += [(f"offered: {one['id']}", one["policy"]) for one in each["offers"]]
        rows += [(made["policy"], made["found"]) for made in each["candidates"]]
        rows += [(one["policy"] or one["fingerprint"][:12], one["text"]) for one in each["played"]]
        rows.append(("proposed", each["proposal"]))
        print_table(each["game"], ("what", "value"), rows)
