"""The data directory of an embedded Signpost: its lock, its secrets, and the settings derived from it."""

import fcntl
import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from shared.auth.tokens import ensure_key_files
from shared.errors import ExplainedError
from shared.events.topics import SERVICES
from shared.settings import ServiceSettings, made

LOG_DATABASE = "log"
ROLES = (*SERVICES, LOG_DATABASE)
"""Each is a PostgreSQL role and the database it owns."""

SAMPLE = Path(__file__).resolve().parents[2] / "deploy" / "sample"

S = TypeVar("S", bound=ServiceSettings)


class DataDirectoryUnusable(ExplainedError):
    """The data directory cannot be used; the message is one line for a person."""


class AlreadyRunning(DataDirectoryUnusable):
    """Another Signpost uses the data directory."""


@dataclass(frozen=True, slots=True)
class DataDirectory:
    """Paths and secrets of one embedded Signpost."""

    path: Path

    @property
    def postgres(self) -> Path:
        return self.path / "postgres"

    @property
    def mail(self) -> Path:
        return self.path / "mail"

    @property
    def evidence(self) -> Path:
        """The folder of the files that people send."""
        return self.path / "evidence"

    @property
    def anchors(self) -> Path:
        """The folder where the audit chains' roots are published, outside the database."""
        return self.path / "anchors"

    @property
    def keys(self) -> Path:
        return self.path / "keys"

    @property
    def _secrets(self) -> Path:
        return self.path / "secrets.json"

    @property
    def exists(self) -> bool:
        """Whether a Signpost was ever started here."""
        return self._secrets.exists()

    def prepare(self) -> None:
        """Create missing folders, passwords and keys; existing ones stay.

        Raises:
            DataDirectoryUnusable: it cannot be written.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            for folder in (self.mail, self.keys, self.anchors, self.evidence):
                folder.mkdir(mode=0o700, exist_ok=True)
            if not self._secrets.exists():
                _write_private(self._secrets, json.dumps({name: secrets.token_hex(32) for name in (*ROLES, "key")}))
            ensure_key_files(self.keys)
        except OSError as error:
            message = f"cannot write to the data directory {self.path} ({error.strerror}); set SIGNPOST_DATA_DIR"
            raise DataDirectoryUnusable(message) from None

    def password(self, role: str) -> str:
        """Return the PostgreSQL password of `role`.

        Raises:
            DataDirectoryUnusable: the file of secrets is damaged.
        """
        try:
            return str(json.loads(self._secrets.read_text())[role])
        except (ValueError, KeyError) as error:
            message = f"{self._secrets} cannot be read; put it back from a copy: without it the data stays locked"
            raise DataDirectoryUnusable(message) from error

    def database_url(self, role: str, socket: Path) -> str:
        """Return the SQLAlchemy URL of the database that `role` owns, on the server at `socket`."""
        return f"postgresql+asyncpg://{role}:{self.password(role)}@/{role}?host={socket}"

    def settings(self, kind: type[S], socket: Path, **more: object) -> S:
        """Return settings of `kind` for a service of this directory.

        Raises:
            InvalidSettings: a variable in the environment conflicts with them.
        """
        signing_key, verify_key = ensure_key_files(self.keys)
        values: dict[str, object] = {
            "secret_key": self.password("key"),
            "signing_key_file": signing_key,
            "verify_key_file": verify_key,
            "personas_file": SAMPLE / "personas.yaml",
            "audit_anchors_dir": self.anchors,
            "intake_evidence_store": str(self.evidence),
            "event_log": "postgres",
            "event_log_url": self.database_url(LOG_DATABASE, socket),
            **{f"{service}_database_url": self.database_url(service, socket) for service in SERVICES},
            **more,
        }
        return made(kind, {name: value for name, value in values.items() if name in kind.model_fields})

    @contextmanager
    def held(self) -> Iterator[None]:
        """Lock the directory while this process uses it; the lock ends with the process.

        Raises:
            AlreadyRunning: another process has locked it.
            DataDirectoryUnusable: it cannot be written.
        """
        self.prepare()
        with (self.path / "lock").open("a") as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                message = f"another Signpost is already running on {self.path}; stop it or set SIGNPOST_DATA_DIR"
                raise AlreadyRunning(message) from None
            yield


def _write_private(path: Path, text: str) -> None:
    temporary = path.with_suffix(".new")
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as handle:
        handle.write(text)
        handle.flush()
        os.fsync(handle.fileno())
    temporary.replace(path)
