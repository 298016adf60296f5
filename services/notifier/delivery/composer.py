"""Composes messages: six lines, no names, no narrative, the same words in text and in HTML."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape

from services.notifier.delivery import domain as messages
from services.notifier.delivery.english import ENGLISH, HOW_URGENT, REPEAT, Wording
from shared.events.vocabulary import AlertPurpose
from shared.ids import AlertId

AcknowledgementLink = Callable[[AlertId, messages.DeliveryKind, str, datetime], str]
"""The link by which a recipient (address) answers for an alert."""

MOST_LISTED = 20
"""How many alerts a summary lists; the rest are counted."""

_CALLED = {
    AlertPurpose.SHIFT_CHANGED: "To hand over",
    AlertPurpose.CASE_HANDED_OVER: "Team",
    AlertPurpose.MORE_CONTENT_ASKED: "Team",
    AlertPurpose.SECOND_REVIEW_WAITING: "Team",
}
"""What a message calls its reference that is not the reference of a report."""


@dataclass(frozen=True, slots=True)
class Composer:
    """Composes messages; the fields are what the texts need besides the facts."""

    acknowledgement_link: AcknowledgementLink
    public_url: str
    domain: str
    """Ends Message-IDs."""
    contacts: Mapping[messages.MessageClass, str]
    """The address that answers questions."""
    abuse_contact: str

    def __call__(self, attempt: messages.Attempt, now: datetime) -> messages.Message:
        """Return the message of `attempt`."""
        if attempt.kind is messages.DeliveryKind.SUMMARY:
            return self._summary(attempt, now)
        notice = messages.Notice.read(attempt.notice)
        reminder = attempt.kind is messages.DeliveryKind.REMINDER
        link = self._link(notice, attempt.alert_id, attempt.kind, attempt.recipient, now)
        lines = self._lines(notice, link)
        return self._message(attempt, _subject(notice, reminder=reminder), lines, [link], reminder=reminder)

    def _summary(self, attempt: messages.Attempt, now: datetime) -> messages.Message:
        items = messages.read_items(attempt.notice)
        links = [self._item_link(item, attempt.recipient, now) for item in items[:MOST_LISTED]]
        count = len(items)
        lines = [
            f"{count} messages for you are in this one, so that your mailbox stays readable.",
            *(f"{_item_line(item)}: {link}" for item, link in zip(items, links, strict=False)),
        ]
        if count > MOST_LISTED:
            lines.append(f"And {count - MOST_LISTED} more.")
        if any(item.notice.purpose in messages.ASKS for item in items):
            links.append(f"{self.public_url}/alerts/my-team")
            lines.append(f"Sign in to see all alerts sent to you: {links[-1]}")
        lines.append(f"Questions: write to {self.contacts[messages.MessageClass.TEAM]}.")
        return self._message(attempt, f"{count} messages from Signpost", lines, links, reminder=False)

    def _lines(self, notice: messages.Notice, link: str) -> list[str]:
        wording = wording_of(notice)
        return [
            wording.what,
            f"{_called(notice)}: {notice.reference}",
            HOW_URGENT[notice.urgency],
            wording.to_do,
            f"{wording.link}: {link}",
            f"Questions: write to {self._contact(notice.purpose)} and quote the reference.",
        ]

    def _contact(self, purpose: AlertPurpose) -> str:
        about_abuse = purpose in (AlertPurpose.ABUSE_REPORTED, AlertPurpose.ABUSE_FOUND)
        return self.abuse_contact if about_abuse else self.contacts[messages.CLASS_OF[purpose]]

    def _item_link(self, item: messages.SummaryItem, recipient: str, now: datetime) -> str:
        return self._link(item.notice, item.alert_id, messages.DeliveryKind.ALERT, recipient, now)

    def _link(
        self, notice: messages.Notice, alert_id: AlertId, kind: messages.DeliveryKind, recipient: str, now: datetime
    ) -> str:
        if notice.purpose in messages.ASKS:
            return self.acknowledgement_link(alert_id, kind, recipient, now)
        return f"{self.public_url}{notice.page or '/'}"

    def _message(
        self, attempt: messages.Attempt, subject: str, lines: list[str], links: Sequence[str], *, reminder: bool
    ) -> messages.Message:
        said = [*lines, REPEAT] if attempt.possible_repeat else lines
        return messages.Message(
            recipient=attempt.recipient,
            subject=subject,
            text="\n\n".join(said) + "\n",
            html=_html(said, links),
            message_id=message_id(attempt.alert_id, attempt.kind, self.domain),
            in_reply_to=message_id(attempt.alert_id, messages.DeliveryKind.ALERT, self.domain) if reminder else None,
            possible_repeat=attempt.possible_repeat,
        )


def message_id(alert_id: AlertId, kind: messages.DeliveryKind, domain: str) -> str:
    """Return the Message-ID of every attempt of this delivery."""
    return f"<{alert_id}.{kind.value}@{domain}>"


def wording_of(notice: messages.Notice) -> Wording:
    """Return the words for this purpose and role."""
    return ENGLISH[notice.purpose][notice.role]


def _called(notice: messages.Notice) -> str:
    if notice.reference.startswith("SP-"):
        return "Reference"
    return _CALLED.get(notice.purpose, "Account")


def _subject(notice: messages.Notice, *, reminder: bool) -> str:
    urgent = "urgent: " if notice.urgency is messages.Urgency.URGENT else ""
    sentence = f"{'reminder: ' if reminder else ''}{urgent}{wording_of(notice).subject}, {notice.reference}"
    return sentence[0].upper() + sentence[1:]


def _item_line(item: messages.SummaryItem) -> str:
    subject = wording_of(item.notice).subject
    return f"{item.notice.reference}, {subject}"


def _html(lines: Sequence[str], links: Sequence[str]) -> str:
    anchors = {escape(link): f'<a href="{escape(link)}">{escape(link)}</a>' for link in links}
    paragraphs = "".join(f"<p>{_with_anchor(escape(line), anchors)}</p>" for line in lines)
    return f'<!doctype html><html lang="en"><head><title>Signpost</title></head><body>{paragraphs}</body></html>'


def _with_anchor(line: str, anchors: Mapping[str, str]) -> str:
    """Make an anchor of the link at the end of a line; a line has at most one."""
    before, space, last = line.rpartition(" ")
    return f"{before}{space}{anchors[last]}" if last in anchors else line
