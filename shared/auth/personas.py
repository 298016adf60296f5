"""The sample people that you can sign in as in embedded mode."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, TypeAdapter

from shared.auth.permissions import Principal, Role
from shared.auth.tokens import TokenIssuer
from shared.ids import StaffId


class UnknownPersona(LookupError):
    """No persona has this staff id."""


class PersonaGroup(StrEnum):
    """What people do, to find one of them in the list."""

    REPORT = "report"
    RESPOND = "respond"
    ACCOUNTS = "accounts"
    RUN = "run"


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid")

    staff_id: str
    name: str
    email: str
    roles: frozenset[Role]
    about: str
    group: PersonaGroup = PersonaGroup.REPORT
    begin: bool = False


@dataclass(frozen=True, slots=True)
class Persona:
    """A person to sign in as, with one line on what to try as them."""

    principal: Principal
    about: str
    group: PersonaGroup = PersonaGroup.REPORT
    begin: bool = False
    """Whether to try this person first."""


def load_personas(path: Path) -> tuple[Persona, ...]:
    """Read the personas file; all of them may report."""
    entries = TypeAdapter(list[_Entry]).validate_python(yaml.safe_load(path.read_text(encoding="utf-8"))["personas"])
    return tuple(_persona(entry) for entry in entries)


def _persona(entry: _Entry) -> Persona:
    staff_id = StaffId(entry.staff_id)
    principal = Principal(staff_id, staff_id, entry.name, entry.email, entry.roles | {Role.REPORTER})
    return Persona(principal, entry.about, entry.group, entry.begin)


def client_principal(role: Role, staff_id: str | None, personas: tuple[Persona, ...] = ()) -> Principal:
    """Return the principal for `signpost token`: a persona's person in `role`, or a client without a person."""
    known = next((p.principal for p in personas if p.principal.staff_id == staff_id), None)
    subject = staff_id or f"client-{role.value}"
    return Principal(
        subject=subject,
        staff_id=None if staff_id is None else StaffId(staff_id),
        name=known.name if known else None,
        email=known.email if known else None,
        roles=frozenset({role, Role.REPORTER}),
    )


def issue_token(
    role: Role,
    subject: str | None,
    *,
    signing_key_file: Path,
    now: datetime,
    personas_file: Path | None = None,
) -> str:
    """Return a bearer token for `role`; `subject` is a staff id, or None for a client without a person."""
    personas = load_personas(personas_file) if personas_file else ()
    principal = client_principal(role, subject, personas)
    return TokenIssuer(signing_key_file.read_bytes()).bearer(principal, now)
