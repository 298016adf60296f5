"""Emails, by Python's own parser: what a preview shows of one. Runs in the child process alone."""

import email.policy
import html.parser
from email.message import EmailMessage
from email.parser import BytesParser

from services.intake.media.child import Ending, Job, Refused

_SHOWN = ("From", "To", "Cc", "Date", "Subject")
_MOST_BYTES = 64 * 1024 * 1024
_LONGEST_TEXT = 20_000


def clean(_job: Job) -> None:
    """Refuse: what an email says about people is what it is for."""
    raise Refused(Ending.DAMAGED)


def preview(job: Job) -> None:
    """Write who sent it to whom and when, what is attached, and its text."""
    if job.media_type != "message/rfc822":
        raise Refused(Ending.DAMAGED)
    message = BytesParser(EmailMessage, policy=email.policy.default).parsebytes(job.source.read(_MOST_BYTES))
    job.output.write("\n".join((*_about(message), "", _text(message)))[:_LONGEST_TEXT].encode("utf-8", "replace"))


def _about(message: EmailMessage) -> list[str]:
    headers = [f"{name}: {_line(message[name])}" for name in _SHOWN if message[name]]
    names = [_line(part.get_filename() or part.get_content_type()) for part in message.iter_attachments()]
    return headers + ([f"Attached: {', '.join(names)}"] if names else [])


def _line(value: object) -> str:
    return " ".join(str(value).split())


def _text(message: EmailMessage) -> str:
    body = message.get_body(("plain", "html"))
    if body is None:
        return ""
    content = body.get_content()
    return _Words.of(content) if body.get_content_subtype() == "html" else content


class _Words(html.parser.HTMLParser):
    """The words of a page, without its markup."""

    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []
        self.silent = 0

    @classmethod
    def of(cls, page: str) -> str:
        reader = cls()
        reader.feed(page)
        return "".join(reader.words).strip()

    def handle_starttag(self, tag: str, attrs: object) -> None:  # noqa: ARG002  # the parser gives them
        self.silent += tag in {"script", "style", "head"}
        self.words += ["\n"] if tag in {"br", "p", "div", "tr", "li"} else []

    def handle_endtag(self, tag: str) -> None:
        self.silent -= tag in {"script", "style", "head"} and self.silent > 0

    def handle_data(self, data: str) -> None:
        self.words += [] if self.silent else [data]
