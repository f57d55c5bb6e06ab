"""The suites of each room, low to high: docs/architecture.md in a form that a test can follow.

A line is one step; what stands in a line may import what stands in it or in lines above it.
A name is a suite (a folder) or a module at the top of its room.
"""

from __future__ import annotations

from tests.house.imports import files, module_name

SUITES: dict[str, str] = {
    "records": """
        errors timeline
        format
        rows
        columns sound
        writer reader pairs
    """,
    "capture": """
        errors window
        frame processes base
        x11 win32
        mss_grabber bounded
        finder chooser
        sight
    """,
    "controller": """
        errors state processes
        ledger
        pads
        clock
        human
        pausing
        hand
    """,
    "policy": """
        errors sizes
        euler
        steps_rows
        config naming actions observation
        shipped
        network
        files
    """,
    "engines": """
        errors wish
        base cache
        batch fingerprint spec fallback speeds calibration
        chooser
        chunk_times
        pytorch
        openvino onnx
        tensorrt
        remote
        measure
    """,
    "agent": """
        errors
        values cancelling
        pad fair_play
        target
        record
        events
        play
        session
    """,
    "simulator": """
        arcade
        games
        environments
        benchmark demonstrations
    """,
    "simulator.benchmark": """
        statistics
        results
        reports policies
        runner
        beside
    """,
    "simulator.arcade": """
        core
        paint
        games
        rules
        game tasks
        window trials
        runner judged __main__
    """,
    "training": """
        errors batch
        formats processes
        optimise data checks
        objective
        trainer
        evaluation
        reports
    """,
    "pocket": """
        errors recipe
        samples
        learning
        measuring run
        reporting
        __main__
    """,
    "dataset": """
        errors pad pose
        templates
        drawing skinmaking
        video
        synth locating
        styles
        reading
        detecting parsing
        output
        extracting made
        scoring
    """,
    "server": """
        errors
        options
        store
        http pages
        host improving
        schemas
        jobs
        events
        sessions
        auth
        web
        api
        daemon
        policy_server
        cli
    """,
    "server.cli": """
        terminal
        engine play benchmark training dataset
        daemon
        main
    """,
}


def steps(place: str) -> dict[str, int]:
    """How high each suite and top module of a room (or of a suite with suites) stands."""
    lines = SUITES[place].strip().splitlines()
    return {name: height for height, line in enumerate(lines) for name in line.split()}


def part(module: str, place: str) -> str:
    """The suite or top module of ``place`` that a module belongs to; "" for ``place`` itself."""
    return module.removeprefix(f"{place}.").split(".")[0] if module != place else ""


def parts(place: str) -> set[str]:
    """The suites and top modules that ``place`` really has."""
    modules = (module_name(path) for path in files(place.replace(".", "/"), "py"))
    return {name for module in modules if (name := part(module, place))}
