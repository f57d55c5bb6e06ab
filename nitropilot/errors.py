"""The one error base every room builds its own tree on.

An error that a user can cause carries two short texts: *what* happened, with
the actual value in it, and *the fix*.  The command line prints both on one
line and exits with 2; the API puts them in ``{"error": {code, message, hint}}``.

    NitroPilotError
    ├── records.RecordsError
    ├── capture.CaptureError
    ├── controller.ControllerError
    ├── policy.PolicyError
    ├── engines.EngineError
    ├── agent.AgentError
    ├── training.TrainingError
    ├── pocket.PocketError
    ├── dataset.DatasetError
    ├── server.ServerError
    └── clusters.RayUnavailable
"""

from __future__ import annotations


class NitroPilotError(Exception):
    """An error with a message for people, a fix and a stable code.

    Args:
        message: What is wrong, naming the actual value.
        hint: What to do about it; may be empty when the message says it all.
    """

    code = "error"

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint

    def line(self) -> str:
        """The message and the fix as one line of text."""
        text = f"{self}; {self.hint}" if self.hint else str(self)
        return " ".join(text.split())
