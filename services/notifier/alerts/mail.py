"""What an alert says: six lines, no names, no narrative (S3; design: screens, Mail)."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from html import escape

from services.notifier.alerts.domain import Urgency
from services.notifier.delivery.domain import Attempt, DeliveryKind, Message
from shared.events.vocabulary import RecipientReason
from shared.ids import AlertId


class Standing(StrEnum):
    """Why this person reads the alert; it decides how the first line is put."""

    MANAGER = "manager"
    NAMED = "named"
    CHOSEN = "chosen"
    NEXT_UP = "next_up"
    DESK = "desk"


@dataclass(frozen=True, slots=True)
class Notice:
    """The facts that an alert's text is made from."""

    reference: str
    urgency: Urgency
    standing: Standing

    def stored(self) -> Mapping[str, str]:
        """Return the facts as the delivery keeps them."""
        return {"reference": self.reference, "urgency": self.urgency.value, "standing": self.standing.value}


_STANDINGS = {
    RecipientReason.REPORTERS_MANAGER: Standing.MANAGER,
    RecipientReason.NAMED_ON_REPORT: Standing.NAMED,
    RecipientReason.SOMEONE_ELSE_CHOSEN: Standing.CHOSEN,
}

_WHAT = {
    Standing.MANAGER: "Someone you manage has reported social media abuse.",
    Standing.NAMED: "Someone who named you as their line manager has reported social media abuse.",
    Standing.CHOSEN: "A colleague has reported social media abuse and asked us to tell you.",
    Standing.NEXT_UP: "Someone in your reporting line has reported social media abuse.",
    Standing.DESK: "Social media abuse has been reported, and no line manager could be told.",
}
_HOW_URGENT = {
    Urgency.URGENT: "How urgent: act today.",
    Urgency.NORMAL: "How urgent: act within one working day.",
}
_SUPPORT = (
    "What to do: if you know who it is, ask in private whether they are safe and what support they need. Otherwise do "
    "not try to find out. Do not reply to the content. The Social Media Abuse Response Team (SMART) has the report."
)
_DESK = (
    "What to do: where SMART can name the person, arrange who supports them. Do not try to find out who reported. The "
    "Social Media Abuse Response Team (SMART) has the report."
)
_REPEAT = "You may have had this message before: we could not be sure that it reached you."


def standing_of(reason: RecipientReason, *, desk: bool) -> Standing:
    """Return how the recipient stands to the reporter; `desk` where it is the fallback recipient."""
    return Standing.DESK if desk else _STANDINGS.get(reason, Standing.NEXT_UP)


def message_id(alert_id: AlertId, kind: DeliveryKind, domain: str) -> str:
    """Return the Message-ID of every attempt of this delivery."""
    return f"<{alert_id}.{kind.value}@{domain}>"


def compose(attempt: Attempt, *, link: str, contact: str, domain: str) -> Message:
    """Render the message of `attempt`; `contact` is who answers questions."""
    notice = Notice(
        attempt.notice["reference"], Urgency(attempt.notice["urgency"]), Standing(attempt.notice["standing"])
    )
    reminder = attempt.kind is DeliveryKind.REMINDER
    lines = _lines(notice, link, contact)
    if attempt.possible_repeat:
        lines.append(_REPEAT)
    return Message(
        recipient=attempt.recipient,
        subject=_subject(notice, reminder=reminder),
        text="\n\n".join(lines) + "\n",
        html=_html(lines, link),
        message_id=message_id(attempt.alert_id, attempt.kind, domain),
        in_reply_to=message_id(attempt.alert_id, DeliveryKind.ALERT, domain) if reminder else None,
        possible_repeat=attempt.possible_repeat,
    )


def _lines(notice: Notice, link: str, contact: str) -> list[str]:
    return [
        _WHAT[notice.standing],
        f"Reference: {notice.reference}",
        _HOW_URGENT[notice.urgency],
        _DESK if notice.standing is Standing.DESK else _SUPPORT,
        f"Tell us that you have seen this: {link}",
        f"Questions: write to {contact} and quote the reference.",
    ]


def _subject(notice: Notice, *, reminder: bool) -> str:
    urgent = "urgent: " if notice.urgency is Urgency.URGENT else ""
    sentence = f"{'reminder: ' if reminder else ''}{urgent}social media abuse reported, {notice.reference}"
    return sentence[0].upper() + sentence[1:]


def _html(lines: list[str], link: str) -> str:
    anchor = f'<a href="{escape(link)}">{escape(link)}</a>'
    paragraphs = "".join(f"<p>{escape(line).replace(escape(link), anchor)}</p>" for line in lines)
    return f'<!doctype html><html lang="en"><head><title>Alert</title></head><body>{paragraphs}</body></html>'
