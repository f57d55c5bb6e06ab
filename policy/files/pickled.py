"""What a checkpoint's pickle may hold, checked before and after torch reads it.

``torch.load(weights_only=True)`` runs no foreign code, but it still makes byte arrays and
tensors of whatever size and kind a file asks for.  A checkpoint needs a handful of names;
asking for any other is refused from the opcodes alone.
"""

from __future__ import annotations

import json
from pickletools import genops
from typing import Any

KINDS = ("Float", "Double", "Half", "BFloat16", "Long", "Int", "Short", "Char", "Byte", "Bool")
NAMES = {
    "collections OrderedDict",
    "torch._utils _rebuild_parameter",
    "torch._utils _rebuild_tensor_v2",
    *(f"torch {kind}Storage" for kind in KINDS),
}
LOOKUPS = {"GLOBAL", "STACK_GLOBAL", "INST", "EXT1", "EXT2", "EXT4"}
MAX_CONFIG = 2**20


def foreign_name(pickled: bytes) -> str | None:
    """The first name that a pickle asks for and dense tensors and dicts do not need.

    Raises:
        ValueError: The bytes are not a pickle.
    """
    for opcode, argument, _ in genops(pickled):
        if opcode.name in LOOKUPS and argument not in NAMES:
            return str(argument).replace(" ", ".") if opcode.name == "GLOBAL" else opcode.name
    return None


def plain(config: object) -> Any:
    """A configuration as JSON holds it.

    Its text is measured while it grows: a few hundred bytes of pickle can hold a list of
    lists that would fill any memory once it is written out.

    Raises:
        ValueError: It is too long, or holds itself or anything but plain values.
    """
    pieces: list[str] = []
    length = 0
    try:
        for piece in json.JSONEncoder().iterencode(config):
            pieces.append(piece)
            length += len(piece)
            if length > MAX_CONFIG:
                raise ValueError(f"it is longer than {MAX_CONFIG} characters")
    except (TypeError, RecursionError) as error:
        raise ValueError(str(error)) from None
    return json.loads("".join(pieces))
