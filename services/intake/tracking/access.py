"""Who may follow a report: its reporter, or the holder of its receipt code. Everybody else hears the same "no"."""

from sqlalchemy.ext.asyncio import AsyncSession

from services.intake.reports.domain import ReceiptCodes
from services.intake.reports.queries import ReportKey, find_report, whole_report
from services.intake.tracking.attempts import Attempts
from shared.ids import InvalidReference, ReceiptCode, Reference


class ReportNotFound(Exception):
    """There is no such report, or it is not theirs: which of the two is nobody's business."""


class TooManyAttempts(Exception):
    """Too many wrong codes for one report; `wait` says for how many seconds."""

    def __init__(self, wait: int) -> None:
        super().__init__()
        self.wait = wait


class Access:
    """Decides who may follow a report."""

    def __init__(self, receipts: ReceiptCodes, attempts: Attempts) -> None:
        self._receipts = receipts
        self._attempts = attempts

    async def as_reporter(self, session: AsyncSession, reference: str, subject: str) -> ReportKey:
        """Return the report if `subject` made it.

        Raises:
            ReportNotFound: there is none, or somebody else made it.
        """
        return await self.allowed(session, reference, subject, passed=False)

    async def allowed(self, session: AsyncSession, reference: str, subject: str | None, *, passed: bool) -> ReportKey:
        """Return the report if `subject` made it, or its code was given before (`passed`).

        Raises:
            ReportNotFound: neither, or there is no such report.
        """
        report = await _find(session, reference)
        if report is None or not (passed or (subject is not None and report.reporter_subject == subject)):
            raise ReportNotFound
        return report

    async def with_receipt(self, session: AsyncSession, reference: str, code: str, client: str) -> ReportKey:
        """Return the report if `code` is its receipt code.

        Raises:
            ReportNotFound: there is none, or the code is not its code.
            TooManyAttempts: `client`, or all together, sent too many wrong codes for this report.
        """
        counted = _counted_as(reference)
        if wait := self._attempts.wait(client, counted):
            raise TooManyAttempts(wait)
        report = await _find(session, reference)
        matches = self._receipts.match(ReceiptCode.parse(code), report.receipt_hash if report else None)
        if report is None or not matches:
            self._attempts.failed(client, counted)
            raise ReportNotFound
        return report


def _counted_as(reference: str) -> str:
    """Return one name for every way to write a reference, so that no spelling starts a new count."""
    try:
        return whole_report(Reference.parse(reference))
    except InvalidReference:
        return ""


async def _find(session: AsyncSession, reference: str) -> ReportKey | None:
    try:
        return await find_report(session, Reference.parse(reference))
    except InvalidReference:
        return None
