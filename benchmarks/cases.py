"""Row 4: the queue, the search, the page of a case and of a campaign among ten thousand, a million, ten million cases.

`case_rows.py` says what the cases are. What is common, rare and absent is in `LOOKS`.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory
from urllib.parse import quote

import asyncpg
from httpx import ASGITransport, AsyncClient
from pydantic import SecretStr

from benchmarks.case_rows import ABSENT, COMMON, KEEPER, ME, PHRASE, RARE, make
from benchmarks.findings import Figure, Findings, below
from benchmarks.stage import Stage, plain
from services.triage.app import open_service
from services.triage.queue.domain import QueueView
from services.triage.settings import TriageSettings
from shared.auth.permissions import Principal, Role
from shared.auth.tokens import TokenIssuer, ensure_key_files
from shared.clock import SystemClock
from shared.ids import StaffId
from shared.runtime import keep_what_is_wired

ROW = "4 lists"
SIZES = "10000,1000000"
"""How many cases; `--cases` names others, such as ten million."""
_TIMES = 40
"""How often each page is asked for; the first eighth is not counted."""
_MOST_RATIO, _MOST_SEARCH_RATIO, _MOST_JSON, _MOST_PAGE = 1.5, 3, 0.060, 0.150
_API, _PAGE = "/cases/api/v1", "/cases"
_LIST = f"{_API}/cases"
_VIEWS: Mapping[str, str] = {
    "queue": f"{_PAGE}",
    **{view: f"{_PAGE}?view={view}" for view in QueueView if view is not QueueView.ALL},
    "finished, by due time": f"{_PAGE}?view=finished&sort=due",
    "newest": f"{_LIST}?sort=newest",
    "by due time": f"{_LIST}?sort=due",
    "by priority": f"{_LIST}?view=all&sort=priority",
    "oldest": f"{_LIST}?sort=oldest",
}
_FILTERS: Mapping[str, str] = {
    "one team": "team=smart",
    "a kind": "kind=misuse",
    "a behaviour": "behaviour=doxing",
    "a common platform": "platform=x",
    "a rare platform": "platform=mastodon",
    "a platform of no case": "platform=telegram",
    "a rare platform and a behaviour": "platform=bluesky&behaviour=doxing",
    "a person's": f"who={ME}",
    "a priority": "priority=P1",
    "a state": "state=resolved",
    "replies": "replies=yes",
    "taken down": "taken_down=removed",
    "to be asked again": "taken_down=due",
    "an overdue task": "tasks=overdue",
    "an overdue task and a rare platform": "tasks=overdue&platform=mastodon",
    "a campaign": "campaign={campaign_id}",
    "a quarter, three years ago": "since={then}&until={later}",
    "a platform in that quarter": "since={then}&until={later}&platform=mastodon",
    "a person's, taken down, in that quarter": f"since={{then}}&until={{later}}&taken_down=removed&who={ME}",
}
_SEARCHES: Mapping[str, str] = {
    "common": COMMON,
    "rare": RARE,
    "absent": ABSENT,
    "phrase": f'"{PHRASE}"',
    "account": "{account}",
    "common and absent": f"{COMMON} {ABSENT}",
}
SAVED = "queue, with ten saved views"
"""Looked at by the person who has them; all else by one who has none."""
LOOKS: Mapping[str, str] = {
    SAVED: _PAGE,
    **{f"view: {name}": address for name, address in _VIEWS.items()},
    **{f"filter: {name}": f"{_LIST}?{query}" for name, query in _FILTERS.items()},
    "filter: a rare platform, open, with counts": f"{_PAGE}?platform=mastodon",
    "filter: an overdue task, with counts": f"{_PAGE}?tasks=overdue",
    "filter: a large campaign, with counts": f"{_PAGE}?campaign={{largest}}",
    "filter: a rare platform, finished, with counts": f"{_PAGE}?view=finished&platform=mastodon",
    **{f"search: {name}": f"{_LIST}?q={quote(typed, safe='{}')}" for name, typed in _SEARCHES.items()},
    **{f"search page: {name}": f"{_PAGE}?q={quote(typed, safe='{}')}" for name, typed in _SEARCHES.items()},
    "tasks: page": f"{_PAGE}/tasks",
    "tasks: the team's": f"{_PAGE}/tasks?view=team",
    "tasks: overdue": f"{_API}/tasks?view=overdue",
    "repeat: page": f"{_PAGE}/repeat",
    "shift: page": f"{_PAGE}/shift",
    "second reviews: page": f"{_PAGE}/second-reviews",
    "case: page": f"{_PAGE}/{{reference}}",
    "case: related": f"{_PAGE}/{{reference}}/related",
    "case: timeline": f"{_PAGE}/{{reference}}/timeline",
    "case: whole": f"{_LIST}/{{case_id}}",
    "campaigns: page": f"{_PAGE}/campaigns",
    "campaigns: list": f"{_API}/campaigns",
    "campaign: page, of 20": f"{_PAGE}/campaigns/{{campaign_id}}",
    "campaign: page, of 1,000": f"{_PAGE}/campaigns/{{largest}}",
    "campaign: of 20": f"{_API}/campaigns/{{campaign_id}}",
}
_CHOSEN = """
select (select reference from "case" where facets @> '{open,smart}' order by opened_at desc limit 1) as reference,
  (select case_id::text from "case" where facets @> '{open,smart}' order by opened_at desc limit 1) as case_id,
  (select campaign_id::text from campaign where state = 'confirmed' order by campaign_id limit 1) as campaign_id,
  (select campaign_id::text from campaign order by campaign_id desc limit 1) as largest,
  'account' || (select max(substr(reference, 4)::bigint) / 40 from "case") as account,
  (current_date - 1100)::text as then, (current_date - 1010)::text as later
"""
"""What is looked at that has no fixed address."""


async def measure(stage: Stage, sizes: Sequence[int], findings: Findings, advance: Callable[[], None]) -> None:
    """Ask for every list and page among each number of cases."""
    took: dict[int, Mapping[str, list[float]]] = {}
    for size in sizes:
        url = await stage.filled("triage", f"cases_{size}", partial(make, size=size))
        async with stage.postgres.fresh() as log:
            took[size] = await _asked(url, log)
        advance()
    findings.conditions["lists"] = f"one person, who leads SMART and SIRT; each list {_TIMES} times, in turn"
    for size in sizes:
        findings.figures += [_figure(name, size, took[size][name]) for name in LOOKS]
    least, most = min(sizes), max(sizes)
    findings.figures += [
        below(
            ROW,
            f"{name}, {most:,} ÷ {least:,}",
            [_ratio(took[most][name], took[least][name])],
            _MOST_SEARCH_RATIO if name.startswith("search") else _MOST_RATIO,
            unit="×",
        )
        for name in LOOKS
    ]


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
        people = {who: Principal(who, StaffId(who), "A. Lead", "lead@example.org", roles) for who in (ME, KEEPER)}
        tokens = {who: f"Bearer {issuer.bearer(person, clock.now())}" for who, person in people.items()}
        addresses = await _addresses(url)
        async with open_service(settings) as service:
            keep_what_is_wired()
            transport = ASGITransport(service.app)
            async with AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
                for _ in range(_TIMES):
                    for name, address in addresses.items():
                        token = tokens[KEEPER if name == SAVED else ME]
                        took[name].append(await _seconds(client, address, token))
    return {name: seconds[_TIMES // 8 :] for name, seconds in took.items()}


async def _addresses(url: str) -> dict[str, str]:
    connection = await asyncpg.connect(plain(url))
    try:
        [chosen] = await connection.fetch(_CHOSEN)
    finally:
        await connection.close()
    return {name: address.format(**dict(chosen)) for name, address in LOOKS.items()}


async def _seconds(client: AsyncClient, address: str, token: str) -> float:
    began = time.perf_counter()
    answer = await client.get(address, headers={"authorization": token, "accept": "text/html"})
    answer.raise_for_status()
    return time.perf_counter() - began


def _ratio(most: list[float], least: list[float]) -> float:
    return median(most) / median(least)


def _figure(name: str, size: int, seconds: list[float]) -> Figure:
    most = _MOST_JSON if LOOKS[name].startswith(_API) else _MOST_PAGE
    p95 = quantiles(seconds, n=20)[-1]
    return below(ROW, f"{name}, p95 among {size:,}", [p95], most, unit="s")
