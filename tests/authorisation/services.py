"""The four services as the authorisation tests open them."""

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import services.intake.app
import services.notifier.app
import services.registry.app
import services.triage.app
from services.intake.settings import IntakeSettings
from services.notifier.settings import NotifierSettings
from services.registry.settings import RegistrySettings
from services.triage.settings import TriageSettings
from shared.auth.tokens import ensure_key_files
from shared.runtime import Service
from shared.settings import ServiceSettings

ADDRESS = "http://127.0.0.1:8000"
OPENING: Mapping[str, Callable[..., AbstractAsyncContextManager[Service]]] = {
    "intake": services.intake.app.open_service,
    "triage": services.triage.app.open_service,
    "registry": services.registry.app.open_service,
    "notifier": services.notifier.app.open_service,
}
_SETTINGS: Mapping[str, type[ServiceSettings]] = {
    "intake": IntakeSettings,
    "triage": TriageSettings,
    "registry": RegistrySettings,
    "notifier": NotifierSettings,
}


def settings_of(name: str, database_url: str, folder: Path) -> ServiceSettings:
    """Return settings of a service that need only a database."""
    private, public = ensure_key_files(folder)
    given: dict[str, Any] = {
        "secret_key": "a secret that only tests have, no more",
        "signing_key_file": private,
        "verify_key_file": public,
        "event_log": "postgres",
        "public_url": ADDRESS,
        f"{name}_database_url": database_url,
        "intake_evidence_store": str(folder / "evidence"),
        "notifier_smtp_host": "127.0.0.1",
    }
    kind = _SETTINGS[name]
    return kind.model_validate({key: value for key, value in given.items() if key in kind.model_fields})
