"""Fewer emails: digests of messages that can wait, and one summary if a storm would fill a mailbox.

An urgent alert is never held, unless it is about one of very many cases or tasks that a colleague gave to the recipient
at once.
A held alert keeps its own state and acknowledgement, and the result of a summary applies to each alert in it. The
numbers are configuration.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from pydantic import TypeAdapter
from sqlalchemy import insert, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from services.notifier.delivery import domain
from services.notifier.delivery import handlers as delivery
from services.notifier.delivery.tables import HeldAlertRow
from shared.events.vocabulary import AlertPurpose
from shared.ids import AlertId, Ids, ReportId

_LONDON = ZoneInfo("Europe/London")
_GIVEN = frozenset({AlertPurpose.CASE_ASSIGNED, AlertPurpose.TASK_GIVEN})
_DAYS_LOOKED_AT = 3
_RECIPIENTS = 50
_NEW_DELIVERY = TypeAdapter(domain.NewDelivery)


@dataclass(frozen=True, slots=True)
class DigestRules:
    """Which messages wait for a digest, when digests are sent, and when a storm becomes a summary."""

    digest: frozenset[AlertPurpose]
    times: tuple[time, ...]
    """In UK local time."""
    at_most: timedelta
    """The longest that a message waits for its digest."""
    storm_after: int
    """More alerts than this to one recipient within `storm_window` become one summary."""
    storm_window: timedelta


def held_until(
    purpose: AlertPurpose, urgency: domain.Urgency, *, lately: int, now: datetime, rules: DigestRules
) -> datetime | None:
    """Return until when to hold an alert; None if it is sent at once.

    Args:
        purpose: why the alert is sent.
        urgency: how soon the recipient should act.
        lately: how many alerts the recipient was sent within the storm window before this one.
        now: the time of the decision.
        rules: which messages may wait.
    """
    if urgency is domain.Urgency.URGENT and purpose not in _GIVEN:
        return None
    if urgency is domain.Urgency.LOW and purpose in rules.digest:
        return next_digest(now, rules)
    return now + rules.storm_window if lately >= rules.storm_after else None


def next_digest(now: datetime, rules: DigestRules) -> datetime:
    """Return when the next digest is sent: at the next of the set times, or earlier if that is too late."""
    latest = now + rules.at_most
    return min([latest, *(moment for moment in _moments(now, rules.times) if moment > now)])


def _moments(now: datetime, times: Sequence[time]) -> list[datetime]:
    """Return the set times of today and the next days, as instants: a day with a clock change has 23 or 25 hours."""
    today = now.astimezone(_LONDON).date()
    days = [today + timedelta(days=number) for number in range(_DAYS_LOOKED_AT)]
    return [datetime.combine(day, at, tzinfo=_LONDON).astimezone(now.tzinfo) for day in days for at in times]


async def hold(session: AsyncSession, held: Sequence[tuple[domain.NewDelivery, datetime]]) -> None:
    """Hold first deliveries until their times."""
    if held:
        await session.execute(insert(HeldAlertRow), [_row(item, due_at) for item, due_at in held])


async def send_due(session: AsyncSession, now: datetime, *, ids: Ids) -> int:
    """Send each recipient who has a due alert everything held for them, in one message; return how many alerts."""
    due = select(HeldAlertRow).where(HeldAlertRow.due_at <= now).order_by(HeldAlertRow.due_at).limit(_RECIPIENTS)
    first = (await session.scalars(due.with_for_update(skip_locked=True))).all()
    if not first:
        return 0
    whom = {(row.recipient, row.channel) for row in first}
    waiting = (
        select(HeldAlertRow)
        .where(tuple_(HeldAlertRow.recipient, HeldAlertRow.channel).in_(whom), HeldAlertRow.due_at.is_not(None))
        .order_by(HeldAlertRow.asked_at, HeldAlertRow.alert_id)
        .with_for_update(skip_locked=True)
    )
    together: dict[tuple[str, str], list[HeldAlertRow]] = defaultdict(list)
    for row in await session.scalars(waiting):
        together[row.recipient, row.channel].append(row)
    deliveries = [_delivery(rows, ids) for rows in together.values()]
    for rows in together.values():
        for row in rows:
            row.due_at = None
    await session.flush()
    await delivery.enqueue(session, deliveries, now)
    return sum(map(len, together.values()))


async def one_by_one(session: AsyncSession, settled: Sequence[domain.Settled]) -> list[domain.Settled]:
    """Return the settled attempts, with each summary replaced by the alerts in it."""
    summaries = [item.alert_id for item in settled if item.kind is domain.DeliveryKind.SUMMARY]
    within: dict[AlertId, list[HeldAlertRow]] = defaultdict(list)
    if summaries:
        rows = await session.scalars(
            select(HeldAlertRow).where(HeldAlertRow.summary_id.in_(summaries)).order_by(HeldAlertRow.alert_id)
        )
        for row in rows:
            within[AlertId(row.summary_id)].append(row)  # type: ignore[arg-type]  # the query returns only rows that have one
    return [one for item in settled for one in _each(item, within)]


def _each(item: domain.Settled, within: dict[AlertId, list[HeldAlertRow]]) -> list[domain.Settled]:
    if item.kind is not domain.DeliveryKind.SUMMARY:
        return [item]
    return [
        replace(
            item,
            alert_id=AlertId(row.alert_id),
            report_id=ReportId(row.report_id) if row.report_id else None,
            kind=domain.DeliveryKind.ALERT,
            asked_at=row.asked_at,
        )
        for row in within[item.alert_id]
    ]


def _delivery(rows: Sequence[HeldAlertRow], ids: Ids) -> domain.NewDelivery:
    """Return one alert as it would have been sent, or several as a summary."""
    one = rows[0]
    if len(rows) == 1:
        return domain.NewDelivery(
            delivery_id=ids.uuid(),
            alert_id=AlertId(one.alert_id),
            report_id=ReportId(one.report_id) if one.report_id else None,
            kind=domain.DeliveryKind.ALERT,
            channel=one.channel,
            recipient=one.recipient,
            notice=one.notice,
            last_resort=one.last_resort,
            asked_at=one.asked_at,
        )
    summary = AlertId(ids.uuid())
    for row in rows:
        row.summary_id = summary
    return domain.NewDelivery(
        delivery_id=ids.uuid(),
        alert_id=summary,
        report_id=None,
        kind=domain.DeliveryKind.SUMMARY,
        channel=one.channel,
        recipient=one.recipient,
        notice=domain.stored_items(
            [domain.SummaryItem(AlertId(row.alert_id), domain.Notice.read(row.notice)) for row in rows]
        ),
        last_resort=all(row.last_resort for row in rows),
        asked_at=min(row.asked_at for row in rows),
    )


def _row(item: domain.NewDelivery, due_at: datetime) -> dict[str, object]:
    return {**_NEW_DELIVERY.dump_python(item, exclude={"delivery_id", "kind"}), "due_at": due_at}
