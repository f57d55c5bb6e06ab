"""What can go wrong around the daemon and the command line.

ServerError
├── PortInUse            another program listens there
├── HostRefused          not a loopback address
├── TokenFileError       the token cannot be read, written or kept private
├── TokenNotFound        no such named token
├── TokenRefused         a named token that cannot be made
├── CertificateError     TLS cannot be had from these files
├── NoDaemon             none runs that could be asked
├── SettingsInvalid      a setting, or the file of settings, is wrong
├── RecordingNotFound    no such recording, or no such file in one
├── RecordingBusy        a recording that is still being made
├── JobNotFound          no such job
├── JobRefused           a job that cannot be begun
├── PullFailed           a checkpoint could not be fetched
├── PushFailed           a data set or a policy could not be published
├── ImproveRefused       a policy cannot be improved like that, or here
├── HistoryDamaged       the file that says which policies play which game cannot be used
├── ServiceError         the daemon cannot be made to begin with the desktop
├── SessionNotFound      no such session
├── ImageInvalid         a body that is not an acceptable picture
├── RequestInvalid       a policy server's client asked in a way that it does not know
├── Busy                 too many requests of one kind wait already
├── Superseded           a newer observation of the same client came first
└── ShuttingDown         the daemon or policy server ends before it has come to a request
"""

from __future__ import annotations

from nitropilot.errors import NitroPilotError


class ServerError(NitroPilotError):
    """Any failure of the daemon itself."""

    code = "server_failed"


class PortInUse(ServerError):
    """The port is taken."""

    code = "port_in_use"


class HostRefused(ServerError):
    """The daemon only listens on loopback."""

    code = "host_refused"


class TokenFileError(ServerError):
    """The token's file is unusable."""

    code = "token_file"


class TokenNotFound(ServerError):
    """There is no named token with that id."""

    code = "token_not_found"


class TokenRefused(ServerError):
    """A named token cannot be made like that."""

    code = "token_refused"


class CertificateError(ServerError):
    """The files for TLS are missing, damaged or not each other's."""

    code = "certificate"


class NoDaemon(ServerError):
    """No daemon runs that could be asked."""

    code = "no_daemon"


class SessionNotFound(ServerError):
    """There is no session with that id."""

    code = "session_not_found"


class ImageInvalid(ServerError):
    """The body is not a picture that can be used."""

    code = "image_invalid"


class RequestInvalid(ServerError):
    """A request to the policy server has unknown, missing or wrong parts."""

    code = "invalid_request"


class Busy(ServerError):
    """Too many requests of one kind wait already."""

    code = "busy"


class Superseded(ServerError):
    """A request was not computed, as its client has sent a newer one."""

    code = "superseded"


class ShuttingDown(ServerError):
    """The daemon or the policy server ends."""

    code = "shutting_down"


class SettingsInvalid(ServerError):
    """A setting has a wrong name or value, or their file cannot be used."""

    code = "settings_invalid"


class RecordingNotFound(ServerError):
    """There is no recording of that id, or no file of that name in it."""

    code = "recording_not_found"


class RecordingBusy(ServerError):
    """The recording is still being made."""

    code = "recording_busy"


class JobNotFound(ServerError):
    """There is no job with that id."""

    code = "job_not_found"


class JobRefused(ServerError):
    """The job cannot be begun, as it is asked for or just now."""

    code = "job_refused"


class PullFailed(ServerError):
    """A checkpoint could not be fetched from the hub."""

    code = "pull_failed"


class PushFailed(ServerError):
    """A data set or a policy could not be published on the hub."""

    code = "push_failed"


class ImproveRefused(ServerError):
    """A policy cannot be improved as it is asked for, or not on this machine."""

    code = "improve_refused"


class HistoryDamaged(ServerError):
    """The file that says which policy plays which game cannot be read or written."""

    code = "improve_history"


class ServiceError(ServerError):
    """The system does not take the daemon as a service, or there is no command to run."""

    code = "service_failed"
