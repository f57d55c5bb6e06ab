"""``python -m nitropilot.dataset.skinmaking``: draw the skins that come along anew."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from nitropilot.dataset.skinmaking.catalogue import SKINS
from nitropilot.dataset.skinmaking.drawing import template
from nitropilot.dataset.skinmaking.preset import NAMES, write

FOLDER = Path(__file__).resolve().parents[1] / "skins"


def main(arguments: list[str] | None = None) -> int:
    """Write each skin's two files; the arguments are the command line's unless they are given."""
    parser = argparse.ArgumentParser("nitropilot.dataset.skinmaking")
    parser.add_argument("--out", type=Path, default=FOLDER, help="default: %(default)s")
    parser.add_argument("skins", nargs="*", choices=[[], *(skin.name for skin in SKINS)],
                        metavar="SKIN", help="default: all")  # fmt: skip
    options = parser.parse_args(arguments)
    for skin in SKINS:
        if options.skins and skin.name not in options.skins:
            continue
        folder = options.out / skin.name
        write(template(skin), folder, skin.player)
        print(f"{skin.name}: {(folder / NAMES[1]).stat().st_size / 1024:.0f} KiB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
