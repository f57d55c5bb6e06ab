"""``nitropilot engines``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from nitropilot.engines.chooser import backends, engine_reports
from nitropilot.places import spelled
from nitropilot.policy.naming import SIZES
from nitropilot.server.cli.engine.table import print_bench
from nitropilot.server.cli.terminal.output import JsonOption, console, print_json, print_table
from nitropilot.server.cli.terminal.progress import progress_bar
from nitropilot.server.jobs.building import BUILDERS, Order

engines = typer.Typer(help="Look at, prepare and measure engines.", no_args_is_help=True)

PolicyOption = Annotated[
    str, typer.Option(help="Checkpoint; full and tiny are policies with random weights.")
]
PrecisionOption = Annotated[str, typer.Option(help="auto, float32, bfloat16, int8 or fp8.")]


@engines.callback()
def _group() -> None:
    """Look at, prepare and measure engines."""


@engines.command("list")
def list_engines(as_json: Annotated[bool, JsonOption] = False) -> None:
    """Show every way to run a policy, whether it works here, and which one auto takes."""
    reports = engine_reports()
    pairs = list(zip(backends(), reports, strict=True))
    auto = next((b.label for b, r in pairs if b.automatic and r.available), None)
    if as_json:
        rows = [
            {
                "name": report.name,
                "engine": backend.engine,
                "device": backend.device,
                "available": report.available,
                "automatic": backend.automatic,
                "reason": report.reason,
                "hint": report.hint,
            }
            for backend, report in pairs
        ]
        print_json({"auto": auto, "engines": rows})
        return
    print_table(
        "the fastest first",
        ("engine", "here", "on what, or why not", "what helps"),
        [(r.name, "yes" if r.available else "no", r.reason, r.hint) for r in reports],
    )
    console().print(f"auto takes {auto}." if auto else "No engine works here.")


@engines.command()
def build(
    policy: PolicyOption,
    engine: Annotated[str, typer.Option(help=f"{', '.join(BUILDERS)}.")],
    precision: PrecisionOption = "auto",
    device: Annotated[str, typer.Option(help="Of openvino: cpu, gpu or npu.")] = "auto",
    target: Annotated[
        list[str] | None,
        typer.Option(help="Of tensorrt: cards to build for, such as sm89,sm120."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Of onnx: the file; of tensorrt: the folder.")
    ] = None,
    again: Annotated[bool, typer.Option(help="Build even what is there.")] = False,
    as_json: Annotated[bool, JsonOption] = False,
) -> None:
    """Compile a policy now, so that the first start is as quick as every other."""
    if engine not in BUILDERS:
        known = ", ".join(BUILDERS)
        raise typer.BadParameter(f"{engine!r} is not one of {known}", param_hint="--engine")
    targets = [name.strip() for text in target or () for name in text.split(",")]
    order = Order(
        policy_named(policy), precision, device, tuple(targets), out and spelled(out), again
    )
    order.refuse_strangers(engine)
    with progress_bar() as tell:
        built = BUILDERS[engine](order, tell)
    if as_json:
        print_json({"policy": order.policy, "engine": engine, "built": built})
        return
    for one in built:
        print_table(str(one["name"]), ("what", "value"), list(one.items()))


@engines.command()
def bench(
    policy: PolicyOption = "tiny",
    engine: Annotated[str, typer.Option(help="auto, tensorrt, openvino or torch.")] = "auto",
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, gpu or npu.")] = "auto",
    precision: PrecisionOption = "auto",
    baseline: Annotated[
        bool,
        typer.Option(help="Compare with the plain way: float32, everything anew at every step."),
    ] = False,
    repeat: Annotated[int, typer.Option(help="Chunks to measure.")] = 20,
    fresh_cache: Annotated[
        bool, typer.Option(help="Begin with an empty cache, to measure compiling too.")
    ] = False,
    roofline: Annotated[
        bool, typer.Option(help="Measure what the machine can do, and compare with that.")
    ] = True,
    as_json: Annotated[bool, JsonOption] = False,
) -> None:
    """Measure an engine: time of a chunk by part, start, memory, and the distance to the limit."""
    from nitropilot.engines.measure.bench import BenchSettings
    from nitropilot.engines.measure.bench import bench as measure

    settings = BenchSettings(
        policy_named(policy), engine, device, precision, repeat, baseline, fresh_cache, roofline,
        preload=("nitropilot.server.cli.play.play",),
    )  # fmt: skip
    with progress_bar() as tell:
        report: dict[str, Any] = measure(settings, tell)
    if as_json:
        print_json(report)
    else:
        print_bench(report)


def policy_named(text: str) -> str:
    """A policy as these commands name it: ``full`` and ``tiny`` are random weights."""
    return f"random:{text}" if text in SIZES else text
