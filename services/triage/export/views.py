"""What an export says of a case, in words: the document of which a PDF is made, and the timeline.

What people wrote, and what says who they are, is masked. Dates, codes and our own words are not: whatever someone
wrote, they stay as they are.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from services.triage.cases import activities, views
from services.triage.cases.queries import REPORTER
from services.triage.conversation.domain import Entry, EntryKind, Speaker
from services.triage.evidence import views as evidence
from services.triage.evidence.queries import EXPORTED, TEAM
from services.triage.export.domain import Choice, Kind, Purpose, Word
from services.triage.reports.domain import ANSWERS_IN_WORDS
from services.triage.takedowns.domain import Takedown
from services.triage.takedowns.forms import HOW_NAMES
from services.triage.takedowns.refusals import STATE_NAMES
from services.triage.tasks.domain import ThreatRecord
from services.triage.tasks.forms import RUNG_NAMES
from services.triage.whole.queries import Piece, Whole
from shared.audit.chain import Activity
from shared.audit.exports import digest
from shared.people import Names
from shared.text import without_control_characters
from shared.web.times import uk_date, uk_time

PURPOSES: Mapping[Purpose, str] = {
    Purpose.POLICE: "The police",
    Purpose.PLATFORM: "A platform",
    Purpose.COURT: "A court",
    Purpose.PRINT: "Print",
}
RECIPIENTS: Mapping[Purpose, str] = {one: words for one, words in PURPOSES.items() if one is not Purpose.PRINT}
MOST_MESSAGES = 1_000
"""Entries of the conversation, the newest: the documents have room for so many."""
_SPOKE: Mapping[EntryKind, str] = {
    EntryKind.MESSAGE: "The reporter wrote",
    EntryKind.ASKED_AGAIN: "The reporter asked how far it is",
    EntryKind.AGREED: "The reporter agreed that their manager is told",
    EntryKind.WITHDRAWN: "The reporter asked to withdraw",
    EntryKind.REVIEW: "The reporter asked to look at the outcome again",
    EntryKind.QUESTION: "The team asked",
    EntryKind.UPDATE: "The team wrote",
    EntryKind.NOTE: "Note of the team",
    EntryKind.EVIDENCE: "Evidence was added",
    EntryKind.OUTCOME: "Outcome",
    EntryKind.REOPENED: "Work continued",
    EntryKind.REVIEWED: "The outcome was looked at again",
}
_INTERNAL = frozenset({"purpose", "reason", "note"})
OUTSIDE = frozenset(
    {"opened", "claimed", "started", "transferred", "priority_changed", "resolved", "closed", "reopened"}
    | {"information_asked", "information_added", "note_shared", "withdrawal_asked"}
    | {"review_asked", "review_upheld", "review_changed"}
    | {"evidence_added", "evidence_removed", "evidence_scanned", "evidence_opened", "evidence_exported"}
    | {"takedown_reported", "takedown_chased", "takedown_removed", "takedown_refused", "takedown_restored"}
)
"""What an export without what is internal says of what happened; an action that is added later is left out."""
_FACTS_OUTSIDE = frozenset(
    {"state", "outcome", "priority", "team"}
    | {"evidence", "sha256", "size", "media_type", "scan", "takedown", "platform", "how"}
)
Masking = Callable[[str], str]
Document = dict[str, Any]
"""JSON: a title, facts about the export, and sections."""


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the document: rows of answers, or entries with a text each."""

    title: str
    rows: Iterable[tuple[str, str]] = ()
    entries: Iterable[tuple[str, str]] = field(default=())

    def content(self) -> Document:
        """Return it as JSON, without characters that no page can show."""
        return {
            "title": self.title,
            "rows": [[name, _plain(text)] for name, text in self.rows],
            "entries": [[_plain(head), _plain(text)] for head, text in self.entries],
        }


def _plain(text: str) -> str:
    return without_control_characters(text)


def document(whole: Whole, about: Iterable[tuple[str, str]], mask: Masking, *, internal: bool) -> Document:
    """Return what the PDF says of a case.

    Args:
        whole: the case, with content.
        about: who made it, for whom and why.
        mask: gives a text back without the words that are masked.
        internal: whether to include what the team wrote for itself, its tasks, support, and who was told.
    """
    sections = [
        Section("About this document", rows=about),
        Section("The case", rows=_case(whole)),
        Section("What was reported", rows=_answers(whole, mask, internal=internal), entries=_written(whole, mask)),
        Section("Conversation", entries=_conversation(whole.conversation, mask, internal=internal)),
        Section("Evidence", entries=[_piece(one, mask) for one in whole.evidence]),
        Section("Requests to platforms", entries=[_takedown(one, mask) for one in whole.takedowns]),
        Section("What happened", entries=_timeline(whole.timeline, mask, internal=internal)),
    ]
    if internal:
        sections += [
            Section("Threat to life", entries=[_threat(one, mask) for one in whole.threat]),
            Section("Tasks and support", entries=_tasks(whole, mask)),
            Section("People told", entries=_told(whole)),
        ]
    made = [section.content() for section in sections]
    return {
        "title": f"Case {whole.case.reference}",
        "sections": [one for one in made if one["rows"] or one["entries"]],
    }


def about(choice: Choice, by: str, now: datetime, links: int, mask: Masking) -> list[tuple[str, str]]:
    """Return who made a document, for whom and why."""
    return [
        ("Made by", f"Staff number {by}, {uk_time(now)}"),
        ("For", PURPOSES[choice.purpose]),
        *([("Why", mask(choice.reason))] if choice.reason else []),
        *([("Their reference", mask(choice.reference))] if choice.reference else []),
        ("Activity record", f"{links} entries when this was made"),
        ("Masked", "A label in square brackets, such as [name 1], stands for what says who another person is."),
    ]


def timeline(whole: Whole, mask: Masking, *, internal: bool) -> list[Document]:
    """Return what happened, oldest first, for programs; the position is the number that the person's pages show."""
    return [
        {
            "position": one.position,
            "at": one.at.isoformat(),
            "by": _who(one.actor, mask),
            "action": one.action,
            "says": activities.ACTIONS.get(one.action, one.action),
            "before": _facts(one.before, mask, internal=internal),
            "after": _facts(one.after, mask, internal=internal),
            "texts": {name: mask(_plain(text)) for name, text in one.personal.items()} if internal else {},
        }
        for one in whole.timeline
        if internal or one.action in OUTSIDE
    ]


def _who(actor: str, mask: Masking) -> str:
    """Return who did something; a staff number is masked as all others are."""
    return mask(actor) if _is_person(actor) else actor


def _is_person(actor: str) -> bool:
    return actor not in {REPORTER, TEAM} and not actor.startswith("system:")


def _facts(says: Mapping[str, str], mask: Masking, *, internal: bool) -> dict[str, str]:
    """Return what an activity changed: codes, and the people who have the case."""
    return {
        name: mask(value) if name in activities.PEOPLE else value
        for name, value in says.items()
        if internal or name in _FACTS_OUTSIDE
    }


def seen(whole: Whole) -> str:
    """Return a digest of all that an export may say of a case, whatever is masked; that people looked is left out.

    It tells whether the case still is as someone saw it: evidence, tasks and campaigns change no version of it.
    """
    done = [one for one in whole.timeline if one.action not in activities.KINDS["looks"] | {EXPORTED}]
    pieces = [replace(piece, custody=()) for piece in whole.evidence]
    as_it_is = replace(whole, timeline=done, evidence=pieces)
    return digest([document(as_it_is, (), str, internal=True), timeline(as_it_is, str, internal=True)])


def staff_in(whole: Whole) -> Mapping[str, str]:
    """Return the staff numbers of the people who worked on a case, each with what they are to it."""
    worked = activities.people_in(whole.timeline)
    worked += [piece.item.responder for piece in whole.evidence]
    managers = [says.get("manager") for one in whole.timeline for says in (one.before, one.after)]
    found = {one: "a colleague who worked on it" for one in worked if one and _is_person(one)}
    found |= {one: "the line manager" for one in managers if one}
    said = [one.author for one in whole.conversation if one.speaker is Speaker.TEAM and one.author]
    return {one: "the line manager" for one in said if _is_person(one)} | found


def staff_words(staff: Mapping[str, str], names: Names) -> Iterator[Word]:
    """Yield the words that say who these people are: their numbers and, as far as they are known, their names."""
    for staff_id, who in staff.items():
        yield Word(Kind.NUMBER, staff_id, who)
        if name := names.of(staff_id):
            yield Word(Kind.NAME, name, who)


def texts_of(whole: Whole) -> Iterator[str]:
    """Return what was written about a case besides the report, where people may be named."""
    yield from (entry.text for entry in whole.conversation if entry.text)
    yield from (one.link for one in whole.takedowns)
    yield from (piece.item.note for piece in whole.evidence if piece.item.note)
    yield from (text for one in whole.timeline for text in one.personal.values())
    yield from (one.title for one in whole.tasks)


def _case(whole: Whole) -> Iterator[tuple[str, str]]:
    case = whole.case
    yield "Reference", case.reference
    yield "Kind", views.TYPES[case.report_type]
    yield "Priority", case.priority
    yield "Team", views.FULL_TEAM_NAMES[case.team]
    yield "State", views.STATES[case.state]
    if case.outcome:
        yield "Outcome", views.OUTCOMES[case.outcome]
    yield "Reported", uk_time(case.submitted_at)


def _answers(whole: Whole, mask: Masking, *, internal: bool) -> Iterator[tuple[str, str]]:
    for row in views.rows(whole.report, Names(), grace=None, content=True):
        if lines := row.lines if internal else row.for_others:
            text = "; ".join(lines)
            yield row.key, mask(text) if row.typed else text
    for number, link in enumerate(whole.report.links, start=1):
        yield f"Link {number}", mask(link)
    if accounts := whole.report.account_names:
        yield "Accounts", ", ".join(map(mask, accounts))


def _written(whole: Whole, mask: Masking) -> Iterator[tuple[str, str]]:
    for name, text in whole.report.written.items():
        words = ANSWERS_IN_WORDS.get(name, name.replace("_", " "))
        yield f"In their words: {words}", mask(text)


def _conversation(said: Iterable[Entry], mask: Masking, *, internal: bool) -> list[tuple[str, str]]:
    shown = [one for one in said if internal or not (one.internal or one.kind is EntryKind.AGREED)]
    left = len(shown) - MOST_MESSAGES
    entries = [_entry(one, mask) for one in shown[max(0, left) :]]
    return [(f"{left} older entries are left out", ""), *entries] if left > 0 else entries


def _entry(one: Entry, mask: Masking) -> tuple[str, str]:
    author = f", staff number {mask(one.author)}" if one.speaker is Speaker.TEAM and one.author else ""
    said = views.words(one.outcome) if one.outcome else mask(one.text or "")
    return f"{_SPOKE[one.kind]}, {uk_time(one.at)}{author}", said


def _piece(piece: Piece, mask: Masking) -> tuple[str, str]:
    item, [shown] = piece.item, evidence.pieces([piece.item], {piece.item.evidence_id: ()})
    source = "the reporter" if item.from_reporter else f"staff number {_who(item.responder or TEAM, mask)}"
    lines = [
        f"{shown.facts}, from {source}, {uk_time(item.added_at)}.",
        f"SHA-256: {item.sha256}",
        *([f"Note: {mask(item.note)}"] if item.note else []),
        *([f"Taken back by the reporter, {uk_time(item.removed_at)}."] if item.removed_at else []),
        *(f"{evidence.done(entry)} by {_who(entry.by, mask)}, {uk_time(entry.at)}." for entry in piece.custody),
    ]
    return f"{shown.kind} {item.evidence_id}", "\n".join(lines)


def _takedown(one: Takedown, mask: Masking) -> tuple[str, str]:
    lines = [
        mask(one.link),
        f"Asked {uk_time(one.reported_at)}: {HOW_NAMES[one.how]}.",
        *([f"The platform’s reference: {mask(one.reference)}"] if one.reference else []),
        *([f"{STATE_NAMES[one.state]}, {uk_time(one.settled_at)}."] if one.settled_at else []),
    ]
    return f"{views.platform(one.platform)}: {STATE_NAMES[one.state]}", "\n".join(lines)


def _timeline(done: Iterable[Activity], mask: Masking, *, internal: bool) -> Iterator[tuple[str, str]]:
    for one in done:
        if not internal and one.action not in OUTSIDE:
            continue
        who = activities.actor(_who(one.actor, mask), "")
        facts = _facts(one.after, mask, internal=internal)
        says = {name: activities.changed(name, value) for name, value in facts.items() if name != "version"}
        changes = ["; ".join(f"{views.words(name)}: {value}" for name, value in says.items())]
        texts = [mask(text) for name, text in one.personal.items() if internal and name in _INTERNAL]
        yield (
            f"{uk_time(one.at)}: {activities.ACTIONS.get(one.action, one.action)} by {who}",
            "\n".join(changes + texts),
        )


def _threat(one: ThreatRecord, mask: Masking) -> tuple[str, str]:
    rung = f"{RUNG_NAMES[one.rung]} rung, {uk_time(one.rung_at)}." if one.rung and one.rung_at else ""
    police = f" Police reference: {mask(one.police_reference)}" if one.police_reference else ""
    return f"{'A threat' if one.threat else 'No threat'}, as recorded {uk_time(one.at)}", rung + police


def _tasks(whole: Whole, mask: Masking) -> Iterator[tuple[str, str]]:
    for one in whole.tasks:
        done = f"Done {uk_time(one.done_at)}." if one.done_at else "Not done yet."
        yield mask(one.title), done
    if whole.support:
        follow = f" Follow-up on {uk_date(whole.support.follow_up_on)}." if whole.support.follow_up_on else ""
        yield "Support", f"{views.words(whole.support.state)}, offered {uk_time(whole.support.offered_at)}.{follow}"


def _told(whole: Whole) -> Iterator[tuple[str, str]]:
    for one in whole.people_told:
        times = (("Decided", one.decided_at), ("Sent", one.sent_at), ("Delivered", one.delivered_at))
        yield f"{one.who}: {one.about}", " ".join(f"{name} {uk_time(at)}." for name, at in times if at)
