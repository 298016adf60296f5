"""What must be true after every fault: nothing lost or repeated, order kept, every email sent, no record missing."""

import json
import math
import re
from collections import Counter
from dataclasses import dataclass

import asyncpg

from shared.events.topics import SERVICES, TOPICS, Cleanup, sessions_group
from tests.faults.environments import Environment
from tests.faults.stream import OtherSystems, Stream
from tests.support.eventually import eventually
from tests.support.mails import Mail, caught_mails

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_DISORDER = """
select count(*) from (
    select xmin::text::bigint < lag(xmin::text::bigint) over w
        or sequence <> 1 + coalesce(lag(sequence) over w, 0) as wrong
    from inbox where sequence is not null and topic <> all($1)
    window w as (partition by group_name, source, topic, subject order by sequence)
) steps where wrong
"""
"""Events handled in an earlier transaction than their predecessor, and gaps between events."""
_COMPACTED = [topic.name for topic in TOPICS if topic.cleanup is Cleanup.COMPACT]
_READ = "select count(*) from inbox where group_name = $1"
_UNDELIVERED = "select count(*) from delivery where state <> 'accepted'"
_DELIVERED = "select count(*) from delivery where state = 'accepted'"
_SENT = "select alert_id::text, kind from delivery"
_OPEN_ONCE = "select distinct alert_id::text from delivery join attempt using (delivery_id) where outcome <> 'accepted'"
"""Alerts with an attempt that a crash left open, or whose result is not known."""


@dataclass(frozen=True)
class Account:
    """What was found; `test_*` modules print it."""

    accepted: int
    cases: int
    mails: int
    repeated: int

    def __str__(self) -> str:
        return (
            f"{self.accepted} reports accepted, {self.cases} cases, {self.mails} mails, "
            f"{self.repeated} of them repeated and marked"
        )


async def assert_nothing_lost(environment: Environment, stream: Stream, others: OtherSystems) -> Account:
    """Check every promise that a fault may break, and return the figures."""
    assert not stream.surprises, (stream.surprises, environment.defects)
    accepted = len(stream.accepted) + others.inbound
    await _are_read(environment, "intake", "signpost-intake-inbound", others.inbound)
    for service in SERVICES:
        await _are_read(environment, service, sessions_group(service), others.ended)
    await _ledger_adds_up(environment, accepted)
    cases = await _one_case_each(environment, stream)
    for service in SERVICES:
        assert await _one(environment, service, _DISORDER, _COMPACTED) == 0, f"{service} handled events out of order"
    mails = await _every_mail_went_out(environment)
    code, output = await environment.command("audit", "verify")
    assert code == 0, output
    return Account(accepted, cases, len(mails), await _repeats(environment, mails))


async def _are_read(environment: Environment, service: str, group: str, events: int) -> None:
    """Wait for events that no ledger counts: those of other systems until intake has read them, and ended sessions."""

    async def all_are() -> bool | None:
        return await _one(environment, service, _READ, group) >= events or None

    await eventually(all_are)


async def _ledger_adds_up(environment: Environment, accepted: int) -> None:
    left, figures = math.inf, await _reconciled(environment)
    while 0 < figures["unaccounted"] < left:  # thousands may wait: go on as long as fewer are left after another minute
        left, figures = figures["unaccounted"], await _reconciled(environment)
    assert figures["unaccounted"] == figures["in_flight"] == figures["dead_lettered"] == 0, figures
    assert figures["added"] == figures["added_arrived"], figures
    assert figures["accepted"] == figures["cases"] == figures["alert_decisions"] == accepted, (figures, accepted)


async def _reconciled(environment: Environment) -> dict[str, int]:
    _code, output = await environment.command("reconcile", "--wait", "60", "--json")
    figures: dict[str, int] = json.loads(output)
    return figures


async def _one_case_each(environment: Environment, stream: Stream) -> int:
    rows = await _rows(environment, "triage", 'select report_id::text, team, link_number from "case"')
    first = Counter(row["report_id"] for row in rows if row["link_number"] == 1)
    assert not [report for report, count in first.items() if count != 1], "a report has two first cases"
    assert set(stream.accepted.values()) <= set(first), "a report has no case"
    assert len({(row["report_id"], row["link_number"]) for row in rows}) == len(rows)
    return len(rows)


async def _every_mail_went_out(environment: Environment) -> list[Mail]:
    delivered = await _one(environment, "notifier", _DELIVERED)

    async def more() -> int | None:
        now = await _one(environment, "notifier", _DELIVERED)
        return now if now > delivered else None

    # Thousands may wait, and missed deadlines add to them: each wait is for the next one, not for all.
    while await _one(environment, "notifier", _UNDELIVERED):
        delivered = await eventually(more)
    mails = caught_mails(environment.mails.parent)
    ids = {_alert(mail) for mail in mails}
    sent = {row["alert_id"] for row in await _rows(environment, "notifier", _SENT)}
    assert sent <= ids, f"{len(sent - ids)} alerts count as sent but have no email"
    assert ids <= sent, f"{len(ids - sent)} emails that no alert asked for"
    return mails


async def _repeats(environment: Environment, mails: list[Mail]) -> int:
    """Count repeated emails; each must say so, and be for an alert that was being sent at a crash."""
    open_once = {row["alert_id"] for row in await _rows(environment, "notifier", _OPEN_ONCE)}
    seen: set[str] = set()
    repeats = 0
    for mail in mails:
        if mail.message_id in seen:
            repeats += 1
            assert mail.possible_repeat, f"{mail.message_id} came again and does not say so"
            assert _alert(mail) in open_once, f"{mail.message_id} came again for no reason"
        seen.add(mail.message_id)
    return repeats


def _alert(mail: Mail) -> str:
    """Return an email's alert, from its Message-ID."""
    match = _UUID.search(mail.message_id)
    assert match, mail.message_id
    return match[0]


async def _rows(environment: Environment, service: str, query: str, *arguments: object) -> list[asyncpg.Record]:
    connection = await asyncpg.connect(environment.database_url(service))
    try:
        return await connection.fetch(query, *arguments)
    finally:
        await connection.close()


async def _one(environment: Environment, service: str, query: str, *arguments: object) -> int:
    return int((await _rows(environment, service, query, *arguments))[0][0])
