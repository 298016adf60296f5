"""Makes any number of cases with all that a list, a search and a page of them reads: one statement for each table.

The cases are of five years, ending now. One in a hundred is open, in the newer half. Each has a report, up to three
links of its record, a deadline, a document and three keys; one on which work started has the tasks of its kind. Some
have notes, evidence, alerts, take-downs, other tasks or second reviews.
Twenty neighbours name one account, and four one link. Each 500th case begins a campaign of twenty; the newest thousand
are one campaign.

A report is of 30 words out of 20,000. Besides, `COMMON` is in every third, the words of `PHRASE` in every tenth, in a
row, `RARE` in five of all, however many there are, and `ABSENT` in none.

The numbers come from hashes of a case's number, so that every run makes the same. Hashes of the record are no true
ones: nothing here verifies it. Indexes are made after the rows; PostgreSQL then looks at them as autovacuum would.
"""

import asyncio
from collections.abc import Sequence

import asyncpg

from benchmarks.stage import plain

COMMON, RARE, ABSENT, PHRASE = "picture", "quokka", "zugzwang", "lie to customers"
ME = "S7042"
"""One of two hundred people who have cases."""
KEEPER = "S7043"
"""Another of them, who has ten saved views, each of another quarter."""

_CASES = """
with base as (
  select g, now() - interval '5 years' * (1 - g::float8 / $1) as at,
    g > $1 * 0.5 and hashint8(g) % 50 = 0 as open,
    abs(hashint8(g + 1)) % 1000 as a, abs(hashint8(g + 2)) % 1000 as b, abs(hashint8(g + 3)) % 1000 as c
  from generate_series(1, $1::bigint) as g)
insert into "case" (case_id, report_id, link_number, reference, report_type, team, state, priority, restricted,
  platform, behaviours, version, transfers, held_by, outcome, submitted_at, opened_at, due_at, at_risk_at, replied_at,
  review_asked_at, takedown, assignee, kept_from)
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
  case when b % 100 < 3 then 'removed' when b % 100 = 3 then 'refused' when open and c % 100 = 4 then 'due'
    when open and c % 100 = 5 then 'asked' else '' end,
  case when open and b between 400 and 800 or not open then 'S' || 7000 + a % 200 end,
  case when c = 500 then array['staff:s9999'] else '{}' end
from base
"""
_NUMBERED = """(select substr(reference, 4)::bigint as g, * from "case") as c"""
_HANDLE, _LINK = "'account' || g / 20", "'x.com/account' || g / 20 || '/status/' || g / 4"
_REPORTS = f"""
insert into report (report_id, reference, report_type, submitted_at, confidentiality, reporter_kind, reporter_staff_id,
  platform, content_kind, behaviours, also_affects, found_by, manager_alert, urls, handles, affected, suspected,
  narrative)
select report_id, reference, report_type, submitted_at, 'named', 'employee', 'S' || 100000 + g % 50000,
  platform, 'comment', case when report_type = 'abuse' then behaviours else '{{}}' end, '{{}}', 'person', 'yes',
  array['https://' || {_LINK}], array['@' || {_HANDLE}],
  jsonb_build_array(jsonb_build_object('relation', 'colleague', 'staff_id', 'S' || 200000 + g / 50)), '[]',
  words || case when g % 3 = 0 then ' {COMMON}' else '' end || case when g % 10 = 0 then ' they {PHRASE}' else '' end
    || case when g % ($1 / 5) = $1 / 10 then ' {RARE}' else '' end
from {_NUMBERED}, lateral (
  select string_agg('w' || to_hex(abs(hashint8(g * 31 + i)) % 20000), ' ') as words
  from generate_series(1, 30) as i) as said
"""  # noqa: S608 - own words
_DECISIONS = """
insert into decision (case_id, decided_at, rulebook, policy, rule, clause, team, priority, category, sentence,
  misdirected, matched, shadow, facts)
select case_id, opened_at, 'book', 'policy', 'abuse-of-a-user', 'S3', team, priority, '', 'A sentence.', false,
  '{}', '{}', '{}' from "case"
"""
_DEADLINES = """
insert into deadline (case_id, kind, started_at, due_at, at_risk_at, round_the_clock, met_at)
select case_id, 'respond', opened_at, coalesce(due_at, opened_at + interval '4 hours'),
  coalesce(at_risk_at, opened_at + interval '3 hours'), false, case when due_at is null then opened_at end from "case"
"""
_ACTIVITIES = """
insert into activity (chain_id, position, id, at, actor, action, before, after, digests, content, hash)
select case_id, position, uuidv7(opened_at - now()), opened_at + interval '1 minute' * position,
  case position when 1 then 'system:triage' else coalesce(assignee, 'S7000') end,
  case position when 1 then 'opened' when 2 then 'claimed' else 'resolved' end,
  '{}', jsonb_build_object('version', position::text, 'state', state, 'team', team), '{}', '{}',
  sha256(case_id::text::bytea)
from "case", generate_series(1, case when assignee is null then 1 when outcome is null then 2 else 3 end) as position
"""
_HEADS = """
insert into chain_head (chain_id, length, hash, anchored_length)
select chain_id, max(position), sha256(chain_id::text::bytea), max(position) from activity group by chain_id
"""
_NOTES = f"""
insert into note (note_id, case_id, at, author, shared, text)
select uuidv7(opened_at - now()), case_id, opened_at, 'S7000', g % 2 = 0, 'I rang the building, and they know.'
from {_NUMBERED} where g % 3 = 0
"""  # noqa: S608 - own words
_EVIDENCE = f"""
insert into evidence_item (evidence_id, report_id, case_id, added_at, added_by, sha256, sha256_sent, size, media_type,
  scan, cleaned)
select uuidv7(opened_at - now()), report_id, case_id, opened_at, 'reporter', md5(reference) || md5(reference),
  md5(reference) || md5(reference), 200000, 'image/png', 'clean', true
from {_NUMBERED} where g % 5 = 0
"""  # noqa: S608 - own words
_ALERTS = f"""
insert into told_alert (alert_id, report_id, purpose, reason, someone_told, decided_at, sent_at, delivered_at)
select uuidv7(opened_at - now()), report_id, 'abuse_reported', 'reporters_manager', true, opened_at, opened_at,
  opened_at
from {_NUMBERED} where g % 2 = 0
"""  # noqa: S608 - own words
_DOCUMENTS = f"""
insert into case_document (case_id, number, words)
select case_id, number,
  setweight(to_tsvector('pg_catalog.english', narrative) || to_tsvector('pg_catalog.simple', narrative), 'A')
  || array_to_tsvector(array[case when restricted then '=r:' else '=t:' end || team, '=n:s' || 200000 + g / 50,
    '=a:' || {_HANDLE}, '=a:x/' || {_HANDLE}, '=l:' || {_LINK}, '=l:x.com'] || blocks)
from (select c.*, narrative, row_number() over (order by opened_at, case_id) as number
    from {_NUMBERED} join report using (report_id)) as c,
  lateral (select array_agg('=' || level || ':' || (number >> (11 + level))) as blocks
    from generate_series(0, 12) as level) as windows
"""  # noqa: S608 - own words
_KEYS = f"""
insert into case_key (case_id, kind, key, report_id, at, expires_at)
select case_id, kind, key, report_id, opened_at, now() + interval '90 days'
from {_NUMBERED}, lateral (values ('link', {_LINK}), ('account', 'x:' || {_HANDLE}),
  ('person', 'id:s' || 200000 + g / 50)) as named (kind, key)
"""  # noqa: S608 - own words
_CAMPAIGNS = f"""
insert into campaign (campaign_id, state, made_at, decided_at, decided_by, dismissed_until, version, teams)
select case_id, said, opened_at, case when said <> 'suggested' then opened_at end,
  case when said <> 'suggested' then 'S7000' end,
  case when said = 'dismissed' then now() + interval '30 days' end, 0,
  array['smart', 'sirt', 'line_manager', 'advice_centre']
from {_NUMBERED}, lateral (
  select (array['suggested', 'confirmed', 'dismissed'])[1 + g / 500 % 3] as said) as decided
where g % 500 = 0
"""  # noqa: S608 - own words
_MEMBERS = f"""
insert into campaign_member (campaign_id, case_id, state, added_at)
select campaign_id, c.case_id, case when campaign.state = 'suggested' then 'suggested' else 'confirmed' end, opened_at
from {_NUMBERED}
join (select substr(reference, 4)::bigint as first, case_id from "case") as f
  on f.first = case when g > $1 - 1000 then $1 when g % 500 < 20 then g / 500 * 500 end
join campaign on campaign_id = f.case_id
"""  # noqa: S608 - own words
_SEEN_BY = "case when restricted then team || '/restricted' else team end"
_TASKS = f"""
insert into task (task_id, case_id, code, title, assignee, due_at, made_at, made_by, done_at, done_by, overdue,
  listed_for)
select uuidv7(opened_at - now()), case_id, '', 'Ring the building', assignee, opened_at + interval '1 day', opened_at,
  'S7000', case when outcome is not null then opened_at end, case when outcome is not null then 'S7000' end,
  outcome is null and opened_at < now() - interval '1 day', {_SEEN_BY}
from {_NUMBERED} where g % 20 = 0
"""  # noqa: S608 - own words
_TASKS_OF_KIND = f"""
insert into task (task_id, case_id, code, title, due_at, made_at, made_by, done_at, done_by, overdue, listed_for)
select uuidv7(opened_at - now()), case_id, code, '', opened_at + interval '1 hour' * hours, opened_at,
  'system:triage', case when is_done then opened_at end, case when is_done then 'S7000' end,
  outcome is null and not is_done and opened_at < now() - interval '1 hour' * hours,
  case when outcome is null then {_SEEN_BY} end
from {_NUMBERED}
join (values ('abuse', 'offer_support', 24), ('abuse', 'tell_platform', 24), ('misuse', 'check_register', 48),
  ('security_incident', 'tell_owner', 24), ('security_incident', 'personal_data', 24),
  ('security_incident', 'what_was_learnt', 240), ('enquiry', 'look_up_answers', 24), ('enquiry', 'name_the_rule', 48))
  as kind (report_type, code, hours) using (report_type),
  lateral (select abs(hashint8(g * 31 + length(code))) % 10 < 8 as is_done) as done
where state <> 'new'
"""  # noqa: S608 - own words
_OVERDUE = """
update "case" set task_overdue = true
where case_id in (select case_id from task where overdue and listed_for is not null)
"""
_TAKEDOWNS = f"""
insert into takedown (takedown_id, case_id, platform, link, link_number, category, how, reported_at, reported_by,
  state, chase_at, due_at, chases, chase_due, overdue, look_at, settled_at, settled_by)
select uuidv7(opened_at - now()), case_id, platform, 'https://' || {_LINK}, 1, 'harassment', 'web_form', opened_at,
  'S7000', case when is_settled then takedown else 'reported' end,
  case when takedown = 'asked' then now() + interval '1 day' end, opened_at + interval '7 days', 0,
  takedown = 'due', takedown = 'due', case when takedown = 'asked' then now() + interval '1 day' end,
  case when is_settled then opened_at end, case when is_settled then 'S7000' end
from {_NUMBERED}, lateral (select takedown in ('removed', 'refused') as is_settled) as settled where takedown <> ''
"""  # noqa: S608 - own words
_REVIEWS = f"""
insert into second_review (review_id, case_id, resolution, team, outcome, why, chosen_at, resolved_by, decided_at,
  decided_by, second_outcome)
select uuidv7(opened_at - now()), case_id, 1, team, outcome, 'sample', opened_at, 'S7000',
  case when is_old then opened_at end, case when is_old then 'S7001' end, case when is_old then outcome end
from (select g < $1 - 5000 as is_old, * from {_NUMBERED}) as c where outcome is not null and g % 100 = 1
"""  # noqa: S608 - own words
_VIEWS = f"""
insert into saved_view (view_id, version, owner, name, query, saved_at)
select gen_random_uuid(), 1, '{KEEPER}', 'View ' || i, (array['platform=mastodon', 'view=finished&platform=bluesky',
  'behaviour=doxing', 'view=finished&taken_down=removed', 'priority=P1'])[1 + i % 5]
  || '&since=' || (current_date - 180 * i)::text || '&until=' || (current_date - 180 * i + 90)::text, now()
from generate_series(0, 9) as i
"""  # noqa: S608 - own words
_ALL = (
    *((_REPORTS, _DOCUMENTS), (_ACTIVITIES, _HEADS), (_CAMPAIGNS, _MEMBERS), (_TASKS, _TASKS_OF_KIND, _OVERDUE)),
    *((one,) for one in (_KEYS, _DECISIONS, _DEADLINES, _NOTES, _EVIDENCE, _ALERTS, _TAKEDOWNS, _REVIEWS, _VIEWS)),
)
"""All but the cases, which they read: each statement after those before it in its group."""
_INDEXES = """
select indexrelid::regclass::text as name, pg_get_indexdef(indexrelid) as made
from pg_index join pg_class on pg_class.oid = indrelid
where relname = any($1) and not exists (select from pg_constraint where conindid = indexrelid)
"""
_LARGE = ["case", "report", "activity", "note", "evidence_item", "told_alert", "case_document", "case_key", "task"]


_AT_ONCE = 2
"""So many statements work beside each other."""
_MEMORY = "set work_mem = '256MB'; set maintenance_work_mem = '1GB'; set session_replication_role = replica"
"""What the making of rows and indexes may take. The rows are made in an order of our own."""


async def make(url: str, size: int) -> None:
    """Fill an empty database of triage with `size` cases."""
    async with asyncpg.create_pool(plain(url), min_size=1, max_size=_AT_ONCE, command_timeout=None) as pool:
        indexes = await pool.fetch(_INDEXES, _LARGE)
        for index in indexes:
            await pool.execute(f"drop index {index['name']}")
        for groups in ([(_CASES,)], _ALL, [(index["made"],) for index in indexes]):
            await asyncio.gather(*(_in_order(pool, group, size) for group in groups))
        await pool.execute("vacuum analyze")


async def _in_order(pool: asyncpg.Pool, statements: Sequence[str], size: int) -> None:
    async with pool.acquire() as connection:
        await connection.execute(_MEMORY)
        for statement in statements:
            await connection.execute(statement.replace("$1", str(size)))
