"""Reads the emails that an embedded Signpost has caught."""

import email
import re
from collections import defaultdict
from dataclasses import dataclass
from email.policy import default
from pathlib import Path

_REFERENCE = re.compile(r"SP-[0-9A-Z]{4}-[0-9A-Z]{4}")
_ACKNOWLEDGE = re.compile(r"https?://\S+/alerts/acknowledge/\S+")


@dataclass(frozen=True, slots=True)
class Mail:
    """The parts of an email that tests use."""

    to: str
    reference: str
    """The reference of its report; empty if it is about something else, such as an account."""
    message_id: str
    possible_repeat: bool
    text: str
    raw: bytes

    @property
    def link(self) -> str:
        """The acknowledgement link."""
        match = _ACKNOWLEDGE.search(self.text)
        assert match, "the email has no acknowledgement link"
        return match[0]


def caught_mails(data_dir: Path) -> list[Mail]:
    """Return all emails in the order of their arrival."""
    return [_read(path) for path in sorted((data_dir / "mail").glob("*.eml"))]


def caught_alerts(data_dir: Path) -> list[Mail]:
    """Return the emails that ask for an acknowledgement: others inform teams, and no one waits for them."""
    return [mail for mail in caught_mails(data_dir) if _ACKNOWLEDGE.search(mail.text)]


def by_reference(mails: list[Mail]) -> dict[str, list[Mail]]:
    """Group emails by their report."""
    groups: dict[str, list[Mail]] = defaultdict(list)
    for mail in mails:
        groups[mail.reference].append(mail)
    return groups


def _read(path: Path) -> Mail:
    raw = path.read_bytes()
    message = email.message_from_bytes(raw, policy=default)
    body = message.get_body(preferencelist=("plain",))
    text = body.get_content() if body else ""
    match = _REFERENCE.search(text)
    return Mail(
        to=str(message["To"]),
        reference=match[0] if match else "",
        message_id=str(message["Message-ID"]),
        possible_repeat=message["X-Signpost-Possible-Repeat"] is not None,
        text=text,
        raw=raw,
    )
