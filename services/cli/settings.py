"""Where a command finds its settings: the environment, or the data directory of an embedded Signpost."""

import os
from pathlib import Path
from typing import TypeVar

from services.embedded import postgres
from services.embedded.data_directory import DataDirectory
from services.intake.settings import IntakeSettings
from services.notifier.settings import NotifierSettings
from services.registry.settings import RegistrySettings
from services.triage.settings import TriageSettings
from shared.settings import InvalidSettings, ServiceSettings, load, refuse_unknown

S = TypeVar("S", bound=ServiceSettings)

KINDS: dict[str, type[ServiceSettings]] = {
    "intake": IntakeSettings,
    "triage": TriageSettings,
    "registry": RegistrySettings,
    "notifier": NotifierSettings,
}


def data_directory() -> DataDirectory:
    """Return the data directory: `SIGNPOST_DATA_DIR`, or `.signpost` where the command is run."""
    return DataDirectory(Path(os.environ.get("SIGNPOST_DATA_DIR", ".signpost")).resolve())


def settings_of(kind: type[S]) -> S:
    """Return settings of `kind`: from the environment where it names a secret key, else of the embedded Signpost.

    Raises:
        InvalidSettings: neither is usable; the message says what to do.
    """
    refuse_unknown(KINDS.values())
    if "SIGNPOST_SECRET_KEY" in os.environ:
        return load(kind)
    directory = data_directory()
    socket = postgres.socket_of_running(directory) if directory.exists else None
    if socket is None:
        message = f"no Signpost runs on {directory.path}; start it with `make run`, or set SIGNPOST_* for a service"
        raise InvalidSettings(message)
    return directory.settings(kind, socket)


def database_url(service: str) -> str:
    """Return the database URL of `service`."""
    return str(getattr(settings_of(KINDS[service]), f"{service}_database_url"))
