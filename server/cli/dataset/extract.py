"""``nitropilot dataset extract``: what players pressed, out of videos with a controller in them."""

from __future__ import annotations

from contextlib import nullcontext
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nitropilot.places import spelled
from nitropilot.server.cli.terminal.output import print_json, print_note, print_table
from nitropilot.server.cli.terminal.progress import progress_bar

if TYPE_CHECKING:
    from nitropilot.dataset.output.facts import Facts
    from nitropilot.dataset.output.result import VideoResult

COLUMNS = ("video", "controller", "score", "minutes in", "minutes out", "dropped", "")


class Rate(StrEnum):
    """Rows a second that can be had."""

    THIRTY = "30"
    SIXTY = "60"


def extract(
    out: Annotated[Path, typer.Option(help="The data set; one that is there is gone on with.")],
    sources: Annotated[
        list[Path] | None, typer.Argument(metavar="SRC...", help="A video, or a folder of some.")
    ] = None,
    plan: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="A list of `dataset plan`, in place of SRC..."),
    ] = None,
    ray: Annotated[
        str | None,
        typer.Option(
            metavar="HOST:PORT",
            help="Extract on the machines of a Ray cluster: the address of its head; or local, on "
            "all cores of this one.",
        ),
    ] = None,
    jobs: Annotated[
        int | None,
        typer.Option(min=1, help="Most videos at once with --ray; else one a core."),
    ] = None,
    hz: Annotated[
        Rate | None,
        typer.Option(help="Rows a second; otherwise 30 for videos of up to 32 frames, else 60."),
    ] = None,
    active: Annotated[
        float,
        typer.Option(min=0, max=1, help="Least share of active steps in 20 s; the paper: 0.5"),
    ] = 0.5,
    templates: Annotated[
        Path | None, typer.Option(help="Templates of your own, beside those that come along.")
    ] = None,
    facts: Annotated[
        Path | None,
        typer.Option(help="CSV: video, game, creator, genre, url, licence; beside .info.json."),
    ] = None,
    xfeat_weights: Annotated[
        Path | None,
        typer.Option(help="XFeat's weights: finds skins beside SIFT; needs kornia."),
    ] = None,
    detector: Annotated[
        Path | None,
        typer.Option(help="Weights that find controllers no template knows; with --parser."),
    ] = None,
    parser: Annotated[
        Path | None, typer.Option(help="Weights that read them; with --detector.")
    ] = None,
    cap: Annotated[
        float | None, typer.Option(min=0, help="Most hours that are kept of one creator.")
    ] = None,
    pack: Annotated[
        bool, typer.Option("--pack", help="Also write each shard as an archive.")
    ] = False,
    as_json: Annotated[
        bool,
        typer.Option(
            "--json",
            help="Print what became of each SRC as a JSON list; report.json has all of the set.",
        ),
    ] = False,
) -> None:
    """Read what players pressed off the controllers in videos, and write it as training data.

    The same command goes on where it was stopped.  Videos without a controller, and such that are
    set aside, are handled: the exit status is 0.
    """
    from nitropilot.clusters import joined
    from nitropilot.dataset.extracting.cluster import RayWorkers
    from nitropilot.dataset.extracting.folder import SetFolder
    from nitropilot.dataset.extracting.one import ways_of
    from nitropilot.dataset.extracting.options import Options
    from nitropilot.dataset.extracting.run import Run
    from nitropilot.dataset.extracting.workers import Here
    from nitropilot.dataset.output.facts import read_table
    from nitropilot.dataset.output.packing import pack as write_archives
    from nitropilot.dataset.output.report import PAGE, write_report
    from nitropilot.dataset.output.result import lasting

    folder = spelled(out)
    if jobs and not ray:
        raise typer.BadParameter("it counts videos on Ray: give --ray too", param_hint="--jobs")
    root, videos, table = _wanted(sources or [], plan, folder)
    table |= read_table(spelled(facts)) if facts else {}
    own = str(spelled(templates)) if templates else None
    weights = str(spelled(xfeat_weights)) if xfeat_weights else None
    finds, reads = (str(spelled(file)) if file else None for file in (detector, parser))
    options = Options(int(hz) if hz else None, active, own, cap, weights, finds, reads)
    made = SetFolder(folder)
    made.check(options)
    ways = ways_of(options) if ray is None or weights or finds or reads else None
    with (
        joined(ray) if ray else nullcontext() as cluster,
        made.opened(options),
        progress_bar(reports=True) as tell,
    ):
        if made.again:
            print_note("there are other templates or weights than before: videos without a "
                       f"controller are looked at again ({made.again})")  # fmt: skip
        workers = (
            RayWorkers(cluster, made, options, jobs, cards=parser is not None)
            if cluster
            else Here(options, ways)
        )
        handled = 0

        def told(result: VideoResult) -> None:
            nonlocal handled
            handled += 1
            tell(result.line(), handled / len(videos))

        results = Run(made, options, workers).over(videos, root, table, told)
        if pack:
            write_archives(folder, made.shards)
        write_report(folder, list(made.results.values()), made.samples)
    if as_json:
        print_json([result.public() for result in results])
        return
    print_table("Videos", COLUMNS, map(_line, results))
    _note_gone([one.source for one in made.results.values()])
    whole, kept = sum(one.hours_in for one in results), sum(one.hours_out for one in results)
    print_note(f"{lasting(kept)} of {lasting(whole)} are kept in {folder}; see {folder / PAGE}")


def _wanted(
    sources: list[Path], plan: Path | None, out: Path
) -> tuple[Path, list[Path], dict[str, Facts]]:
    """The common folder, the videos, and what a plan says of them."""
    from nitropilot.dataset.errors import BadPlan
    from nitropilot.dataset.extracting.sources import find_videos
    from nitropilot.dataset.planning.planfile import read_plan

    if plan is None:
        if not sources:
            raise BadPlan("no video is named", "name videos or folders, or give --plan FILE")
        return *find_videos(map(spelled, sources), out), {}
    if sources:
        raise BadPlan(f"both {sources[0]} and --plan are given", "leave one of them out")
    found = read_plan(spelled(plan))
    if found.missing:
        print_note(
            f"{len(found.missing)} videos of the plan are not there and are left out, such as "
            f"{found.missing[0]}"
        )
    return found.root, found.videos, found.table


def _note_gone(sources: list[str]) -> None:
    """Labels stay when their video goes; who trains needs both."""
    gone = [source for source in sources if not Path(source).exists()]
    if gone:
        print_note(
            f"videos that are not there any more ({len(gone)}, such as {gone[0]}): their labels "
            "stay, and cannot be learned from without them"
        )


def _line(one: VideoResult) -> tuple[str, ...]:
    dropped = ", ".join(f"{name} {seconds:.0f} s" for name, seconds in one.dropped.items())
    return (
        one.video_id, one.overlay.skin or "none", f"{one.overlay.score:.2f}",
        f"{60 * one.hours_in:.1f}", f"{60 * one.hours_out:.1f}", dropped,
        f"set aside: {one.set_aside}" if one.set_aside else one.damage,
    )  # fmt: skip
