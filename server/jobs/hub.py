"""The Hugging Face hub's own client, quiet, and what names of repositories look like."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any

from nitropilot.policy.errors import quoted

if TYPE_CHECKING:
    from nitropilot.server.errors import ServerError

NAME = re.compile(
    r"(?P<repo>[\w-][\w.-]{0,95}/[\w-][\w.-]{0,95})(?:@(?P<revision>[\w./-]{1,100}))?"
)
PATIENCE_S = 30.0
EXTRA = "pip install 'nitropilot[hub]'"


def check_name(text: str, failed: type[ServerError]) -> tuple[str, str | None]:
    """Repository and revision of ``namespace/name[@revision]``.

    Args:
        text: The name.
        failed: What is raised where it is nothing of the kind.
    """
    found = NAME.fullmatch(text)
    if found is None or ".." in text:
        raise failed(f"{quoted(text)} is no repository", "write namespace/name[@revision]")
    return found["repo"], found["revision"]


def client(failed: type[ServerError]) -> Any:
    """The hub's client; what it would print is told by us.

    Args:
        failed: What is raised where it is not installed.
    """
    # Read by the client when it is imported.
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    try:
        import huggingface_hub
        import huggingface_hub.file_download
        import huggingface_hub.repocard
    except ImportError as error:
        raise failed(f"{error.name} is not installed", EXTRA) from None
    return huggingface_hub


def first_line(error: Exception) -> str:
    """What an error of the client says, in a line."""
    lines = [line for line in str(error).splitlines() if line.strip()]
    return lines[0][:200] if lines else type(error).__name__
