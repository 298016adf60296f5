"""The identity provider as settings describe it; apart from the requests to it, as every command reads settings."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from shared.auth.permissions import Role
from shared.ids import StaffId

ALGORITHMS = ("RS256", "ES256", "EdDSA")
"""The algorithms to choose from. All are asymmetric, so that a published key cannot sign."""
_LONGEST = 250


@dataclass(frozen=True, slots=True)
class ClaimNames:
    """The names of the claims to read. A name with dots may also be a path: `realm_access.roles`."""

    roles: str = "groups"
    staff_id: str = "staff_id"
    name: str = "name"
    email: str = "email"


@dataclass(frozen=True, slots=True)
class ProviderConfig:
    """One identity provider, as the settings name it."""

    issuer: str
    discovery_url: str
    api_audience: str
    algorithms: tuple[str, ...] = ALGORITHMS
    leeway: timedelta = timedelta(seconds=30)
    claims: ClaimNames = field(default_factory=ClaimNames)
    roles: tuple[tuple[str, Role], ...] = ()
    """(the provider's group, our role); a group may give several roles."""

    def roles_of(self, claims: Mapping[str, object]) -> frozenset[Role]:
        """Return the roles that `claims` give; everyone the provider knows may report."""
        groups = _texts(claim(claims, self.claims.roles))
        return frozenset({Role.REPORTER, *(role for group, role in self.roles if group in groups)})

    def staff_id_of(self, claims: Mapping[str, object]) -> StaffId | None:
        """Return the staff id; None for a client, or a person without one."""
        text = short_text(claim(claims, self.claims.staff_id))
        return None if text is None else StaffId(text)

    def name_of(self, claims: Mapping[str, object]) -> str | None:
        """Return the person's name."""
        return short_text(claim(claims, self.claims.name))

    def email_of(self, claims: Mapping[str, object]) -> str | None:
        """Return the email address, unless the provider says that it is not verified."""
        return None if claims.get("email_verified") is False else short_text(claim(claims, self.claims.email))


def claim(claims: Mapping[str, object], name: str) -> object:
    """Return the claim `name` or, if there is none, the value at that path."""
    if name in claims:
        return claims[name]
    found: object = claims
    for part in name.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return found


def short_text(value: object) -> str | None:
    """Return `value` if it is a string that can be a name or an id, otherwise None."""
    text = value.strip() if isinstance(value, str) else ""
    return text if text and len(text) <= _LONGEST and text.isprintable() else None


def _texts(value: object) -> frozenset[str]:
    """Return a list of groups, or one text split at its spaces, as OAuth writes scopes (RFC 6749 §3.3)."""
    if isinstance(value, str):
        return frozenset({value, *value.split()})
    return frozenset(part for part in value if isinstance(part, str)) if isinstance(value, list) else frozenset()
