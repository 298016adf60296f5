"""What a reporter may do with a report after sending it, and when not."""

from services.intake.reports.checks import NARRATIVE_LIMIT, is_blank
from services.intake.reports.domain import Refusal, ReportRefused

MOST = 100
"""Additions to one report: more than anybody writes, fewer than a machine."""
ASKED_AGAIN = "The reporter asks how far this is."


class TooManyAdditions(Exception):
    """Nobody adds that often."""


class NothingToAgreeTo(Exception):
    """The report did not ask to wait with telling the manager, or it was agreed already."""


class AskedAlready(Exception):
    """It was sent, or asked, less than a day ago."""


def check_text(text: str) -> None:
    """Ask for something to read, that can be kept.

    Raises:
        ReportRefused: the text is empty, too long or holds U+0000.
    """
    if is_blank(text):
        raise ReportRefused((Refusal("text", "Enter what you want to add"),))
    if len(text) > NARRATIVE_LIMIT:
        raise ReportRefused((Refusal("text", f"This must be {NARRATIVE_LIMIT:,} characters or fewer"),))
    if "\0" in text:
        raise ReportRefused((Refusal("text", "Remove the character that cannot be kept (U+0000)"),))
