"""What can go wrong between a video and what was pressed in it.

DatasetError
├── BadTemplate       a preset, a picture or a template cannot be used
├── BadPlan           a list of videos to extract cannot be used
├── BadVideo          a video cannot be decoded, or shows nothing
├── BadWeights        a file of weights is missing, or another network's
├── NotExtracted      what is to be written has no place, or no room
├── ParserSettings    a learned reader cannot be made or trained so
└── ParserStopped     the training of one cannot go on
"""

from __future__ import annotations

from nitropilot.errors import NitroPilotError


class DatasetError(NitroPilotError):
    """Any failure of making a data set."""

    code = "dataset_failed"


class BadTemplate(DatasetError):
    """A preset, a picture or a template cannot be used."""

    code = "template_invalid"


class BadPlan(DatasetError):
    """A list of videos to extract cannot be used, or is not the only one."""

    code = "plan_invalid"


class BadVideo(DatasetError):
    """A video cannot be decoded, or shows nothing."""

    code = "video_unreadable"


class BadWeights(DatasetError):
    """A file of weights is missing, or another network's."""

    code = "weights_invalid"


class NotExtracted(DatasetError):
    """What is to be written has no place, or no room."""

    code = "dataset_not_written"


class ParserSettings(DatasetError):
    """What a learned reader is to be made of, or how it is to be trained, cannot be followed."""

    code = "parser_settings"


class ParserStopped(DatasetError):
    """The training of a learned reader cannot go on."""

    code = "parser_stopped"
