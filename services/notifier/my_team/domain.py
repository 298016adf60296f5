"""The documents that people acknowledge, and which are due. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Document:
    """A document that everyone must read."""

    key: str
    title: str
    address: str | None = None
    """Its URL, if it is public; the others are on the intranet."""


DOCUMENTS = (
    Document("policy", "Social Media Policy", "/policy"),
    Document("standard", "Social Media Standard"),
    Document("acceptable_use", "Acceptable Use Policy"),
    Document("standards_of_behaviour", "Standards of Behaviour"),
    Document(
        "civil_service_code",
        "Civil Service Code",
        "https://www.gov.uk/government/publications/civil-service-code/the-civil-service-code",
    ),
    Document("privacy_notice", "Employee Privacy Notice"),
)
"""The documents that the policy says must be read with it (C-d, C-f, X2)."""
KEYS = frozenset(document.key for document in DOCUMENTS)


@dataclass(frozen=True, slots=True)
class Awareness:
    """What one person has acknowledged of the current version."""

    done: Mapping[str, datetime]

    @property
    def due(self) -> tuple[Document, ...]:
        """Return the documents they have not acknowledged."""
        return tuple(document for document in DOCUMENTS if document.key not in self.done)

    @property
    def complete_since(self) -> datetime | None:
        """Return when the last one was acknowledged; None while any is due."""
        return None if self.due else max(self.done.values())
