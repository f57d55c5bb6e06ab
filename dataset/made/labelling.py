"""Labels of a made video: what it shows is known, and nothing is read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nitropilot.dataset.output.filtering import Reason, filtered
from nitropilot.dataset.output.published import Labels, Piece, chunk_rows
from nitropilot.dataset.output.timing import Rows

if TYPE_CHECKING:
    from nitropilot.dataset.made.clip import Shown
    from nitropilot.dataset.made.looks import Look
    from nitropilot.dataset.output.facts import Facts


def labels_of(video_id: str, facts: Facts, shown: Shown, look: Look, hz: int) -> Labels:
    """All that is written of a video whose frame *n* is row *n*.

    Chunks of which less than half of the steps are active are not kept: the paper's rule.  What
    somebody else pressed is in its place, and left out.

    Args:
        video_id: Its name in the set.
        facts: What is known of it.
        shown: What it shows.
        look: Of the controller.
        hz: Frames and rows a second.
    """
    states, count = shown.states, len(shown.moments)
    numbers, none = np.arange(count), np.zeros(count, np.int64)
    rows = Rows(
        hz, numbers, numbers, none, states, np.ones(count, np.float32), np.ones(count, bool), none,
        np.zeros(count, bool),
    )  # fmt: skip
    chunks = rows.chunks(chunk_rows(hz))
    judged = filtered(rows, chunks)
    foreign = ~np.array(shown.taught, bool) & (judged.why == "")
    judged.why[foreign] = Reason.FOREIGN
    template = look.template
    piece = Piece(
        template.name, template.family, 1.0, look.opacity,
        look.pose.box(template.width, template.height), shown.size, template.outputs,
    )  # fmt: skip
    return Labels(video_id, facts, rows, chunks, judged, [piece])
