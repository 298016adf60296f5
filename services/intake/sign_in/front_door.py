"""What signing in needs at run time: the key that signs sessions, and the people to choose from."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from shared.auth.personas import Persona, UnknownPersona, load_personas
from shared.auth.tokens import TokenIssuer
from shared.settings import ServiceSettings


@dataclass(frozen=True, slots=True)
class FrontDoor:
    """Issues session cookies. Without an issuer nobody can sign in here."""

    issuer: TokenIssuer | None = None
    personas: Sequence[Persona] = field(default_factory=tuple)

    def persona(self, staff_id: str) -> Persona:
        """Return the persona with `staff_id`.

        Raises:
            UnknownPersona: there is none.
        """
        for persona in self.personas:
            if persona.principal.staff_id == staff_id:
                return persona
        raise UnknownPersona


def open_front_door(settings: ServiceSettings) -> FrontDoor:
    """Read the signing key and the personas that the settings name; `app.state.front_door` keeps the result."""
    issuer = TokenIssuer(settings.signing_key_file.read_bytes()) if settings.signing_key_file else None
    personas = load_personas(settings.personas_file) if settings.personas_file else ()
    return FrontDoor(issuer, personas)
