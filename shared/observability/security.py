"""Security events: one log line each, with who by a keyed hash, and no content.

The hash is the same in all services, so that the lines of one person can be found. Only a holder of the secret key can
tell whose it is; `signpost sessions end` prints it.
"""

import structlog

from shared.auth.permissions import Principal
from shared.ids import folded_id
from shared.settings import ServiceSettings

_log = structlog.get_logger()
_DIGITS = 16
ANONYMOUS = "anonymous"
"""No one who had to sign in; it says nothing about who asked."""


def who_hash(settings: ServiceSettings, name: str) -> str:
    """Return the hash of a person by their staff id, or of a client by its subject."""
    return settings.derive_keys("security log").sign(folded_id(name).encode()).hex()[:_DIGITS]


def log_security_event(settings: ServiceSettings, reason: str, who: Principal | None, **fields: object) -> None:
    """Log that something was refused, or that someone used a power over others.

    Args:
        settings: the service's settings.
        reason: our own word for it, such as a problem's type.
        who: the signed-in person or client; None if the route needs no sign-in.
        fields: what else the allow-list of logs permits.
    """
    name = who and (who.staff_id or who.subject)
    _log.warning("security_event", reason=reason, who_hash=who_hash(settings, name) if name else ANONYMOUS, **fields)
