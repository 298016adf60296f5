"""What can be an address of a page or of a person. Whether anything is there is another question."""

import ipaddress
from urllib.parse import urlsplit

LABEL_LIMIT = 63
"""Characters between the dots of a host name (RFC 1035)."""


def is_web_address(text: str) -> bool:
    """Say whether `text` is an http or https address of a named host."""
    if any(character.isspace() or not character.isprintable() for character in text):
        return False
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and (_is_host_name(host) or _is_address(host))


def is_email(text: str) -> bool:
    """Say whether `text` could be an address; whether mail may go there is decided by who sends it."""
    local, at, domain = text.rpartition("@")
    return bool(at and local) and "@" not in local and not any(c.isspace() for c in text) and _is_host_name(domain)


def _is_host_name(host: str) -> bool:
    labels = host.removesuffix(".").split(".")
    return len(labels) > 1 and all(
        0 < len(label) <= LABEL_LIMIT and label.replace("-", "").isalnum() and not label.startswith("-")
        for label in labels
    )


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
