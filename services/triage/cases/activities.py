"""What the activity record of a case says, in words."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from services.triage.cases.views import CLOCKS, OUTCOMES, SHORT_TEAM_NAMES, STATES, words
from shared.audit.chain import Activity
from shared.web.times import uk_time

ACTIONS = {
    "opened": "Case opened",
    "claimed": "Claimed",
    "assigned": "Assigned to a colleague",
    "priority_changed": "Priority changed",
    "released": "Released",
    "started": "Work started",
    "note_added": "Internal note added",
    "note_shared": "Note shared with the reporter",
    "information_asked": "Reporter asked for information",
    "information_added": "The reporter added something",
    "manager_agreed": "The reporter agreed that their manager is told",
    "withdrawal_asked": "The reporter asked to withdraw",
    "transferred": "Transferred",
    "resolved": "Resolved",
    "closed": "Closed",
    "reopened": "Reopened",
    "merged": "Merged into another case",
    "merged_in": "Another case was merged into it",
    "merged_replied": "The reporter of a merged case wrote or sent something",
    "unmerged": "Taken out of the case that it was merged into",
    "merged_out": "A merged case was taken out of it",
    "priority_follows": "Its priority follows the cases that are merged into it",
    "kept_from_changed": "Who may not open it changed with the cases merged into it",
    "split": "A part of it became a linked case",
    "split_undone": "The split was undone",
    "review_asked": "The reporter asked for the outcome to be looked at again",
    "review_upheld": "Outcome looked at again: it stands",
    "review_changed": "Outcome looked at again: it does not stand, and work continues",
    "second_review_chosen": "Chosen for a second review by another person",
    "second_review_ended": "The second review ended, because the case has another outcome",
    "second_review_agrees": "Second review: another person came to the same outcome",
    "second_review_differs": "Second review: another person came to another outcome",
    "exempted": "Outside the policy: closed, and who it was about erased",
    "erased": "What this record said before was erased",
    "report_erased": "Who the report was about was erased, because a linked case is outside the policy",
    "not_exempted": "Not trade union activity: sent on by the rules",
    "manager_assigned": "A line manager has it",
    "manager_missing": "No line manager can work it",
    "manager_acted": "The line manager recorded an action",
    "manager_looked": "The line manager opened it",
    "referred_to_sirt": "The line manager referred it to SIRT",
    "misuse_opened": "Linked case of misuse opened",
    "breach_aware": "SIRT is aware of a breach of personal data",
    "breach_decided": "Decided who is told about the breach",
    "compromise_confirmed": "Confirmed that an account is taken over",
    "conflict_declared": "Declared a conflict of interest: the case is kept from them",
    "conflict_ended": "A lead let someone see the case again who had declared a conflict of interest",
    "person_named": "A colleague was named to see the case",
    "page_opened": "The restricted case was opened",
    "content_shown": "What was written was shown",
    "conversation_read": "The conversation was read",
    "bulk_undone": "An action on many cases was undone: the case is as it was before",
    "nobody_took_it": "No one of the team took it: given to the triage desk",
    "evidence_added": "Evidence was added",
    "evidence_removed": "The reporter took evidence back",
    "evidence_scanned": "The virus scanner looked at evidence",
    "evidence_opened": "Evidence was opened",
    "evidence_exported": "The evidence was exported",
    "case_exported": "The case was exported",
    "case_printed": "The case was printed",
    "evidence_upload_allowed": "A file may be added as evidence",
    "takedown_reported": "A platform was asked to remove a link",
    "takedown_chased": "The platform was asked again",
    "takedown_removed": "The platform removed it",
    "takedown_refused": "The platform refused to remove it",
    "takedown_restored": "What was removed is back",
    "takedown_form_made": "A form for the platform’s machine was made",
    "takedown_form_waits": "The form was not taken, and is sent again",
    "takedown_form_sent": "The form was sent",
    "takedown_form_failed": "The form could not be sent",
    "takedown_chase_due": "Time to ask the platform again",
    "takedown_overdue": "The platform’s answer is overdue",
    "campaign_joined": "Put in a campaign",
    "campaign_left": "Taken out of a campaign",
    "campaign_made": "Campaign made",
    "campaign_confirmed": "Campaign confirmed",
    "campaign_named": "Campaign named",
    "campaign_cases_added": "Cases added to the campaign",
    "campaign_cases_taken_out": "Cases taken out of the campaign",
    "campaign_dismissed": "Campaign dismissed",
    "task_added": "Task added",
    "task_done": "Task done",
    "task_undone": "Task not done after all",
    "task_given": "Task given to someone, or another day",
    "tasks_made": "Tasks of this kind of case added",
    "task_overdue": "The time of a task has passed",
    "support_offered": "Support offered",
    "support_accepted": "Support accepted",
    "support_declined": "Support declined",
    "threat_answered": "Said whether there is a threat to life",
    "lease_expired": "Claim ran out",
    "deadline_at_risk": "Deadline at risk",
    "deadline_missed": "Deadline missed",
}

_FROM_REPORTER = frozenset({"information_added", "withdrawal_asked", "review_asked"})
_NOTES = frozenset({"note_added", "note_shared", "information_asked"}) | _FROM_REPORTER
_CLOCKS = frozenset(
    {"deadline_at_risk", "deadline_missed", "lease_expired", "breach_aware", "breach_decided"}
    | {"takedown_chase_due", "takedown_overdue", "task_overdue"}
)
_EVIDENCE = frozenset(action for action in ACTIONS if action.startswith("evidence_"))
_LOOKS = frozenset(
    {"content_shown", "conversation_read", "page_opened", "manager_looked", "person_named", "evidence_opened"}
    | {"case_exported", "case_printed"}
)
KINDS: Mapping[str, frozenset[str]] = {
    "work": frozenset(ACTIONS) - _NOTES - _EVIDENCE - _CLOCKS - _LOOKS,
    "notes": _NOTES,
    "evidence": _EVIDENCE,
    "clocks": _CLOCKS,
    "looks": _LOOKS,
}
_OF_CAMPAIGNS = frozenset({"campaign_joined", "campaign_left"})
_OF_SECOND_REVIEWS = frozenset(action for action in ACTIONS if action.startswith("second_review_"))
PEOPLE = ("assignee", "manager")
"""What an activity changes that is a person."""
KIND_NAMES = {
    "": "Everything",
    "work": "Work",
    "notes": "Notes",
    "evidence": "Evidence",
    "clocks": "Clocks",
    "looks": "Who looked",
}
_AS_IT_IS = frozenset(
    {
        "rule",
        "accounts",
        "assignee",
        "version",
        "priority",
        "priority_stays",
        "acted_on",
        "evidence",
        "sha256",
        "statement",
        "size",
        "media_type",
        "takedown",
        "task",
        "tasks",
        "follow_up_on",
    }
)
"""What an activity changes whose value is no code."""


def changed(name: str, value: str) -> str:
    """Return a value of the activity record for people to read: `smart` → `SMART`."""
    known: Mapping[str, Mapping[str, str]] = {
        "team": {team.value: text for team, text in SHORT_TEAM_NAMES.items()},
        "state": {state.value: text for state, text in STATES.items()},
        "outcome": {outcome.value: text for outcome, text in OUTCOMES.items()},
        "clock": {kind.value: text for kind, text in CLOCKS.items()},
    }
    if name in {"due_at", "review_asked_at", "rung_at"}:
        return uk_time(datetime.fromisoformat(value))
    if name in {"reviews", "second_reviews"}:
        return value[:8]
    if name in _AS_IT_IS:
        return value
    return known.get(name, {}).get(value) or words(value)


def actor(subject: str, me: str) -> str:
    """Return the words for who did something, shown to `me`."""
    if subject.startswith("system:"):
        return "Signpost"
    return {me: "you", "reporter": "the reporter"}.get(subject, subject)


def people_in(done: Iterable[Activity]) -> list[str | None]:
    """Return the staff ids in these activities: who did them, and who had the case before and after."""
    found: list[str | None] = []
    for one in done:
        found += [one.actor, *map(one.before.get, PEOPLE), *map(one.after.get, PEOPLE)]
    return found


def without_campaigns(done: Sequence[Activity], hidden: Collection[str]) -> list[Activity]:
    """Return the activities without what they say of some campaigns, counted anew, so that none is seen to be absent.

    Which cases a campaign has may say that one of them is about the reader.
    """
    if not hidden:
        return list(done)
    left = [one for one in done if one.action not in _OF_CAMPAIGNS or one.after.get("campaign") not in hidden]
    found = []
    for position, one in enumerate(left, start=done[0].position):
        said = {name: value for name, value in one.after.items() if name != "campaign" or value not in hidden}
        found.append(replace(one, after=said, position=position))
    return found


def without_second_reviews(done: Sequence[Activity]) -> list[Activity]:
    """Return the activities without second reviews, counted anew: who may decide, and who was first, know of none."""
    left = [one for one in done if one.action not in _OF_SECOND_REVIEWS]
    return [replace(one, position=position) for position, one in enumerate(left, start=1)]


def of_kind(done: Sequence[Activity], kind: str) -> list[Activity]:
    """Return the activities of a kind, newest first; all of them without a kind."""
    return [activity for activity in reversed(done) if not kind or activity.action in KINDS[kind]]
