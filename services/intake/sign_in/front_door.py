"""What sign-in needs at run time: the key that signs sessions, and either a provider or people to choose from."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from services.intake.sign_in.oidc import OidcSignIn, SignInAttempts
from shared.auth.personas import Persona, UnknownPersona, load_personas
from shared.auth.tokens import TokenIssuer
from shared.runtime import Parts
from shared.settings import ServiceSettings
from shared.web.problems import Problem


@dataclass(frozen=True, slots=True)
class FrontDoor:
    """Issues session cookies. Without an issuer no one can sign in here."""

    issuer: TokenIssuer | None = None
    personas: Sequence[Persona] = field(default_factory=tuple)
    oidc: OidcSignIn | None = None
    attempts: SignInAttempts | None = None

    def persona(self, staff_id: str) -> Persona:
        """Return the persona with `staff_id`.

        Raises:
            UnknownPersona: there is none.
        """
        for persona in self.personas:
            if persona.principal.staff_id == staff_id:
                return persona
        raise UnknownPersona

    def tokens(self) -> TokenIssuer:
        """Return what signs sessions.

        Raises:
            Problem: 403 where no one can sign in.
        """
        if self.issuer is None:
            raise closed()
        return self.issuer

    def provider(self) -> tuple[OidcSignIn, SignInAttempts]:
        """Return what signs people in with the identity provider.

        Raises:
            Problem: 403 where there is none.
        """
        if self.issuer is None or self.oidc is None or self.attempts is None:
            raise closed()
        return self.oidc, self.attempts


@dataclass(frozen=True, kw_only=True)
class SignInParts(Parts):
    """What sign-in needs besides the parts of every service."""

    front_door: FrontDoor


def closed() -> Problem:
    """Return the refusal of a way to sign in that is turned off."""
    return Problem(403, "no-sign-in", "You cannot sign in here", "This way of signing in is turned off.")


def open_front_door(settings: ServiceSettings, oidc: OidcSignIn | None = None) -> FrontDoor:
    """Read the signing key and the personas that the settings name."""
    issuer = TokenIssuer(settings.signing_key_file.read_bytes()) if settings.signing_key_file else None
    personas = load_personas(settings.personas_file) if settings.personas_file else ()
    return FrontDoor(issuer, personas, oidc, SignInAttempts(settings.derive_keys("sign-in attempts")) if oidc else None)
