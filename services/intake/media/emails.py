"""Emails, by Python's own parser: what a preview shows of one. Runs in the child process alone."""

import codecs
import email.policy
import html.parser
from collections.abc import Sequence
from contextlib import suppress
from email.message import EmailMessage
from email.parser import BytesParser
from encodings.aliases import aliases

from services.intake.media import outlook
from services.intake.media.child import Ending, Job, Refused

_PEOPLE, _OTHERS = ("From", "To", "Cc"), ("Date", "Subject")
_MOST_BYTES = 64 * 1024 * 1024
_LONGEST_TEXT = 20_000
for encoding in set(aliases.values()):  # an email names any of them, and later no file can be opened
    with suppress(LookupError):
        codecs.lookup(encoding)


def clean(_job: Job) -> None:
    """Refuse: what an email says about people is what it is for."""
    raise Refused(Ending.DAMAGED)


def preview(job: Job) -> None:
    """Write who sent it to whom and when, what is attached, and its text."""
    shown = _of_outlook(job) if job.media_type == "application/vnd.ms-outlook" else _of_any_other(job)
    job.output.write(shown[:_LONGEST_TEXT].encode("utf-8", "replace"))


def _of_outlook(job: Job) -> str:
    message = outlook.read(job.source)
    headers = [f"{name}: {_line(message.headers[name])}" for name in _shown(job) if message.headers[name]]
    text = message.text or _Words.of(message.page.decode("utf-8", "replace"))
    return "\n".join((*headers, *_attached(message.attached), "", text))


def _of_any_other(job: Job) -> str:
    message = BytesParser(EmailMessage, policy=email.policy.default).parsebytes(job.source.read(_MOST_BYTES))
    headers = [f"{name}: {_line(message[name])}" for name in _shown(job) if message[name]]
    names = [part.get_filename() or part.get_content_type() for part in message.iter_attachments()]
    return "\n".join((*headers, *_attached(names), "", _text(message)))


def _shown(job: Job) -> Sequence[str]:
    return (*_PEOPLE, *_OTHERS) if job.look.people else _OTHERS


def _attached(names: Sequence[str]) -> list[str]:
    return [f"Attached: {', '.join(map(_line, names))}"] if names else []


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
