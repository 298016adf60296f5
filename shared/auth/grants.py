"""Grants: a service that has authorised and audited an action lets another one carry it out, once and soon.

Triage makes a grant, intake checks it. It is encrypted with a key that all services derive from the secret key, so an
address that holds one shows nothing of what it grants or to whom.
"""

import base64
import binascii
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, field_serializer, field_validator

from shared.encryption import DecryptionFailed, Keys, Secret, decrypt_with_any

PURPOSE = "evidence grants"
"""What the keys of grants are derived for (`ServiceSettings.derive_keys`)."""
LIFETIME = timedelta(seconds=60)
"""Of a grant to see evidence; who adds a file still has to choose it, and gets ten minutes (decision 0058)."""
LONGEST = 10_000
"""Characters of a grant that is read at all: enough for 300 pieces of evidence."""
LONGEST_BACK = 2_000
"""Characters of the page to which a browser goes back."""
MOST_DOCUMENTS = 12 * 1024 * 1024
"""Bytes of the documents of an export, which are posted with its grant."""
MOST_UNPACKED = 64 * 1024 * 1024
"""Bytes of these documents before they are packed, and of what is added to prove them. Our choice."""


class GrantedAction(StrEnum):
    """What a grant lets its holder do."""

    DOWNLOAD = "download"
    """Read the original."""
    PREVIEW = "preview"
    """See a safe copy."""
    EXPORT = "export"
    """Read every piece of a case, with a manifest."""
    ADD = "add"
    """Add a piece of evidence to a report."""


class InvalidGrant(Exception):
    """The text is no grant, or it was made with other keys."""


class GrantExpired(Exception):
    """The grant was used, or its time is over."""


class Grant(BaseModel):
    """What one person may do once."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    grant_id: UUID
    action: GrantedAction
    report_id: UUID
    expires_at: AwareDatetime
    responder: Annotated[str, Field(repr=False)]
    """Staff id of the person whom it was given to."""
    case_id: UUID
    evidence_ids: tuple[UUID, ...] = ()
    """What may be read; empty for `add`. An address has no room for many of them as text."""
    sharp: bool = False
    """A preview is not blurred."""
    colour: bool = False
    """A preview is not grey."""
    copies: bool = False
    """What is read is a copy without who made it, where and with what."""
    documents: Annotated[str, Field(pattern=r"^([0-9a-f]{64})?$")] = ""
    """SHA-256 of the documents that an export of a case has beside the evidence: they are posted with the grant."""
    back: Annotated[
        str, Field(pattern=r"^(/cases/[A-Za-z0-9/-]+(\?[A-Za-z0-9%&=+._~-]+)?)?$", max_length=LONGEST_BACK)
    ] = ""
    """The page to which a browser goes once it added a file; empty for a program."""

    @field_serializer("evidence_ids", when_used="json")
    def _packed(self, ids: tuple[UUID, ...]) -> str:
        return base64.b64encode(b"".join(one.bytes for one in ids)).decode()

    @field_validator("evidence_ids", mode="before")
    @classmethod
    def _unpacked(cls, written: object) -> object:
        if not isinstance(written, str):
            return written
        packed = base64.b64decode(written, validate=True)
        return tuple(UUID(bytes=packed[start : start + 16]) for start in range(0, len(packed), 16))

    def seal(self, keys: Keys) -> str:
        """Return the grant as text for an address."""
        sealed = _secrets(keys)[0].encrypt(self.model_dump_json(exclude_defaults=True).encode())
        return base64.urlsafe_b64encode(sealed).decode().rstrip("=")

    @classmethod
    def unseal(cls, text: str, keys: Keys, now: datetime) -> "Grant":
        """Return the grant that `seal` wrote as `text`.

        Raises:
            InvalidGrant: it is none, or was made with other keys.
            GrantExpired: its time is over.
        """
        try:
            plain = decrypt_with_any(_secrets(keys), _bytes_of(text))
            grant = cls.model_validate_json(plain)
        except (DecryptionFailed, ValidationError):
            raise InvalidGrant from None
        if grant.expires_at <= now:
            raise GrantExpired
        return grant


def _secrets(keys: Keys) -> list[Secret]:
    return [Secret.derived(key, purpose=PURPOSE) for key in keys]


def _bytes_of(text: str) -> bytes:
    if len(text) > LONGEST:
        raise InvalidGrant
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        raise InvalidGrant from None
