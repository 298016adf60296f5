"""The identity provider as settings describe it; apart from the requests to it, as every command reads settings."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from shared import text as rule
from shared.auth.permissions import Role
from shared.ids import StaffId

ALGORITHMS = ("RS256", "ES256", "EdDSA")
"""The algorithms to choose from. All are asymmetric, so that a published key cannot sign."""
SCOPES = frozenset({"scope", "scp"})
"""Claims that are a list in one text, separated by spaces (RFC 8693 §4.2; Entra calls it `scp`)."""
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
    role_separator: str | None = None
    """What separates groups where the claim is one text; without it, the text is one group."""

    def roles_of(self, claims: Mapping[str, object]) -> frozenset[Role]:
        """Return the roles that `claims` give; everyone the provider knows may report."""
        groups = self._groups(claim(claims, self.claims.roles))
        return frozenset({Role.REPORTER, *(role for group, role in self.roles if group in groups)})

    def staff_id_of(self, claims: Mapping[str, object]) -> StaffId | None:
        """Return the staff id; None for a client, or a person without one."""
        text = _line(claim(claims, self.claims.staff_id))
        return None if text is None else StaffId(text)

    def name_of(self, claims: Mapping[str, object]) -> str | None:
        """Return the person's name."""
        return _line(claim(claims, self.claims.name), joined=True)

    def email_of(self, claims: Mapping[str, object]) -> str | None:
        """Return the email address, unless the provider says anything but that it is verified."""
        return _line(claim(claims, self.claims.email)) if _is_true(claims.get("email_verified", True)) else None

    def unreadable(self, claims: Mapping[str, object]) -> Iterator[tuple[str, str]]:
        """Yield the setting or claim whose value cannot be read, and what kind of value it has; never the value."""
        if kind := self._unreadable_groups(claims):
            yield "SIGNPOST_OIDC_ROLE_CLAIM", kind
        for setting, name in (
            ("SIGNPOST_OIDC_STAFF_ID_CLAIM", self.claims.staff_id),
            ("SIGNPOST_OIDC_NAME_CLAIM", self.claims.name),
            ("SIGNPOST_OIDC_EMAIL_CLAIM", self.claims.email),
        ):
            value = claim(claims, name)
            if value not in (None, "") and _line(value) is None:
                yield setting, _kind(value)
        verified = claims.get("email_verified", True)
        if not _is_true(verified) and verified is not False and verified != "false":
            yield "email_verified", _kind(verified)

    def _groups(self, value: object) -> frozenset[str]:
        """Return the groups to the letter: a group is a key, and is never cleaned."""
        if isinstance(value, str):
            separator = self.role_separator or (" " if self.claims.roles in SCOPES else None)
            return frozenset([value] if separator is None else map(str.strip, value.split(separator))) - {""}
        texts = (part for part in value if isinstance(part, str)) if isinstance(value, list) else ()
        return frozenset(texts) - {""}

    def _unreadable_groups(self, claims: Mapping[str, object]) -> str | None:
        value = claim(claims, self.claims.roles)
        if value is None:
            return "overage" if _left_out(claims, self.claims.roles) else None
        if isinstance(value, str):
            known = {group for group, _ in self.roles}
            return "json" if _is_json(value) and known.isdisjoint(self._groups(value)) else None
        if isinstance(value, list):
            return None if all(isinstance(part, str) for part in value) else _kind(value)
        return _kind(value)


def claim(claims: Mapping[str, object], name: str) -> object:
    """Return the claim `name` or, if there is none, the value at that path; the keys on it may have dots as well."""
    if name in claims:
        return claims[name]
    for position in (place for place, letter in enumerate(name) if letter == "."):
        inner = claims.get(name[:position])
        if isinstance(inner, Mapping) and (found := claim(inner, name[position + 1 :])) is not None:
            return found
    return None


def subject_of(claims: Mapping[str, object]) -> str | None:
    """Return the claim `sub`, which is a key and never cleaned; None if it cannot be one."""
    value = claims.get("sub")
    text = value.strip() if isinstance(value, str) else ""
    return text if text and len(text) <= _LONGEST and text.isprintable() else None


def _line(value: object, *, joined: bool = False) -> str | None:
    try:
        line = (rule.name if joined else rule.line)(value) if isinstance(value, str) else ""
    except rule.ControlCharacter:
        return None
    return line if line and len(line) <= _LONGEST else None


def _is_true(value: object) -> bool:
    """Return whether a claim says yes: some providers write their booleans as texts."""
    return value is True or value == "true"


def _left_out(claims: Mapping[str, object], name: str) -> bool:
    """Return whether Entra left the groups out because there are too many of them."""
    elsewhere = claims.get("_claim_names")
    return (isinstance(elsewhere, Mapping) and name in elsewhere) or _is_true(claims.get("hasgroups"))


def _is_json(text: str) -> bool:
    try:
        return isinstance(json.loads(text), list | dict)
    except (ValueError, RecursionError):
        return False


def _kind(value: object) -> str:
    """Return what kind of value it is: `dict`, `list[int+str]`."""
    if isinstance(value, list):
        return f"list[{'+'.join(sorted({type(part).__name__ for part in value}))}]"
    return type(value).__name__
