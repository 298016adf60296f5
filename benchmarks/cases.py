"""Row 4: the queue and the API's list among ten thousand, a million and ten million cases, made by one statement each.

The cases are of five years, ending now. One in a hundred is open. What is common, rare and absent is in `LOOKS`.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory

import asyncpg
from httpx import ASGITransport, AsyncClient
from pydantic import SecretStr

from benchmarks.findings import Figure, Findings, below
from benchmarks.stage import Stage, plain
from services.triage.app import open_service
from services.triage.settings import TriageSettings
from shared.auth.permissions import Principal, Role
from shared.auth.tokens import TokenIssuer, ensure_key_files
from shared.clock import SystemClock
from shared.ids import StaffId

ROW = "4 lists"
SIZES = "10000,1000000"
"""How many cases; `--cases` names others, such as ten million."""
_TIMES = 40
"""How often each page is asked for; the first eighth is not counted."""
_MOST_RATIO, _MOST_JSON, _MOST_PAGE = 1.5, 0.060, 0.150
_LIST, _PAGE = "/cases/api/v1/cases", "/cases"
LOOKS: Mapping[str, str] = {
    "queue": f"{_PAGE}",
    "mine": f"{_PAGE}?view=mine",
    "unclaimed": f"{_PAGE}?view=unclaimed",
    "replies": f"{_PAGE}?view=replies",
    "at risk": f"{_PAGE}?view=at-risk",
    "restricted": f"{_PAGE}?view=restricted",
    "look again": f"{_PAGE}?view=reviews",
    "finished": f"{_PAGE}?view=finished",
    "finished, by due time": f"{_PAGE}?view=finished&sort=due",
    "newest": f"{_LIST}",
    "by due time": f"{_LIST}?sort=due",
    "by priority": f"{_LIST}?view=all&sort=priority",
    "one team": f"{_LIST}?team=smart",
    "a common platform": f"{_LIST}?platform=x",
    "a rare platform": f"{_LIST}?platform=mastodon",
    "a platform of no case": f"{_LIST}?platform=telegram",
    "a rare platform and a behaviour": f"{_LIST}?platform=bluesky&behaviour=doxing",
    "a rare platform, finished, with counts": f"{_PAGE}?view=finished&platform=mastodon",
    "a rare platform, open, with counts": f"{_PAGE}?platform=mastodon",
    "a person's": f"{_LIST}?who=S7042",
    "a priority": f"{_LIST}?priority=P1",
    "a state": f"{_LIST}?state=resolved",
    "a quarter, three years ago": f"{_LIST}?since=2023-10-01&until=2023-12-31",
    "a platform in a quarter": f"{_LIST}?since=2023-10-01&until=2023-12-31&platform=mastodon",
}
_MAKE = """
with base as (
  select g, now() - interval '5 years' * (1 - g::float8 / $1) as at,
    g > $1 * 0.5 and hashint8(g) % 50 = 0 as open,
    abs(hashint8(g + 1)) % 1000 as a, abs(hashint8(g + 2)) % 1000 as b, abs(hashint8(g + 3)) % 1000 as c
  from generate_series(1, $1::bigint) as g)
insert into "case" (case_id, report_id, link_number, reference, report_type, team, state, priority, restricted,
  platform, behaviours, version, transfers, held_by, outcome, submitted_at, opened_at, due_at, at_risk_at, replied_at,
  review_asked_at, assignee, kept_from)
select uuidv7(at - now()), uuidv7(at - now()), 1, 'SP-' || g,
  case when a < 700 then 'abuse' when a < 800 then 'misuse' when a < 950 then 'security_incident' else 'enquiry' end,
  case when a < 700 then 'smart' when a < 800 then 'line_manager' when a < 950 then 'sirt' else 'advice_centre' end,
  case when not open then (array['resolved', 'closed', 'closed', 'closed'])[1 + b % 4]
    when b < 400 then 'new' when b < 800 then 'in_progress' else 'awaiting_information' end,
  case when c < 10 then 'P1' when c < 100 then 'P2' when c < 700 then 'P3' else 'P4' end,
  a between 700 and 799 or c = 999,
  case when b < 500 then 'x' when b < 900 then 'facebook' when b < 990 then 'instagram' when b < 999 then 'bluesky'
    else 'mastodon' end,
  case when c < 600 then array['harassment'] when c < 980 then array['trolling', 'harassment'] else array['doxing'] end,
  1, 0, '{}', case when not open then 'support_given' end, at, at,
  case when open and b < 800 then now() + interval '1 second' * (c - 100) * 60 end,
  case when open and b < 800 then now() + interval '1 second' * (c - 120) * 60 end,
  case when open and c % 100 = 7 then at end, case when not open and hashint8(g + 4) % 2000 = 0 then at end,
  case when open and b between 400 and 800 or not open then 'S' || 7000 + a % 200 end,
  case when c = 500 then array['staff:s9999'] else '{}' end
from base
"""
_DECIDE = """
insert into decision (case_id, decided_at, rulebook, policy, rule, clause, team, priority, category, sentence,
  misdirected, matched, shadow, facts)
select case_id, opened_at, 'book', 'policy', 'abuse-of-a-user', 'S3', team, priority, '', 'A sentence.', false,
  '{}', '{}', '{}' from "case"
"""


async def measure(stage: Stage, sizes: Sequence[int], findings: Findings, advance: Callable[[], None]) -> None:
    """Ask for every list among each number of cases."""
    took: dict[int, Mapping[str, list[float]]] = {}
    for size in sizes:
        async with stage.database("triage") as url:
            await make(url, size)
            async with stage.postgres.fresh() as log:
                took[size] = await _asked(url, log)
        advance()
    findings.conditions["lists"] = f"one person, who leads SMART and SIRT; each list {_TIMES} times, in turn"
    for size in sizes:
        findings.figures += [_figure(name, size, took[size][name]) for name in LOOKS]
    least, most = min(sizes), max(sizes)
    findings.figures += [
        below(
            ROW, f"{name}, {most:,} ÷ {least:,}", [_ratio(took[most][name], took[least][name])], _MOST_RATIO, unit="×"
        )
        for name in LOOKS
    ]


async def make(url: str, size: int) -> None:
    """Fill an empty database of triage with `size` cases, and let PostgreSQL look at them as autovacuum would."""
    connection = await asyncpg.connect(plain(url), command_timeout=None)
    try:
        await connection.execute("set session_replication_role = replica")  # reports and chains do not matter here
        await connection.execute(_MAKE.replace("$1", str(size)), timeout=None)
        await connection.execute(_DECIDE)
        await connection.execute("vacuum analyze")
    finally:
        await connection.close()


async def _asked(url: str, log: str) -> dict[str, list[float]]:
    """Return the seconds that each list took, each time it was asked for."""
    took: dict[str, list[float]] = {name: [] for name in LOOKS}
    with TemporaryDirectory() as folder:
        private, public = ensure_key_files(Path(folder))
        settings = TriageSettings(
            secret_key=SecretStr("a secret that only benchmarks have"),
            verify_key_file=public,
            event_log="postgres",
            triage_database_url=url,
            event_log_url=log,
        )
        issuer, clock = TokenIssuer(private.read_bytes()), SystemClock()
        roles = frozenset({Role.SMART_LEAD, Role.SIRT_LEAD})
        person = Principal("S7042", StaffId("S7042"), "A. Lead", "lead@example.org", roles)
        headers = {"authorization": f"Bearer {issuer.bearer(person, clock.now())}", "accept": "text/html"}
        async with open_service(settings) as service:
            transport = ASGITransport(service.app)
            async with AsyncClient(transport=transport, base_url="http://127.0.0.1", headers=headers) as client:
                for _ in range(_TIMES):
                    for name, address in LOOKS.items():
                        took[name].append(await _seconds(client, address))
    return {name: seconds[_TIMES // 8 :] for name, seconds in took.items()}


async def _seconds(client: AsyncClient, address: str) -> float:
    began = time.perf_counter()
    answer = await client.get(address)
    answer.raise_for_status()
    return time.perf_counter() - began


def _ratio(most: list[float], least: list[float]) -> float:
    return median(most) / median(least)


def _figure(name: str, size: int, seconds: list[float]) -> Figure:
    most = _MOST_JSON if LOOKS[name].startswith(_LIST) else _MOST_PAGE
    p95 = quantiles(seconds, n=20)[-1]
    return below(ROW, f"{name}, p95 among {size:,}", [p95], most, unit="s")
