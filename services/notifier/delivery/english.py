"""The English texts, purpose by purpose and role by role. Each becomes six lines in text and in HTML.

No text names a person or repeats what a reporter wrote; a test reads them all.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from services.notifier.delivery.domain import RecipientRole, Urgency
from shared.events.vocabulary import AlertPurpose


@dataclass(frozen=True, slots=True)
class Wording:
    """The words of a message; the rest of its six lines is the same everywhere."""

    subject: str
    """Without a capital letter, so that `Urgent: ` can come before it."""
    what: str
    to_do: str
    link: str = "See it in Signpost"


HOW_URGENT = {
    Urgency.URGENT: "How urgent: act today.",
    Urgency.NORMAL: "How urgent: act within one working day.",
    Urgency.LOW: "How urgent: when you next can.",
}
ASK = "Tell us that you have seen this"
REPEAT = "You may have had this message before: we could not be sure that it reached you."

_ABUSE, _MISUSE = "social media abuse reported", "social media misuse reported"
_SUPPORT = (
    "What to do: if you know who it is, ask in private whether they are safe and what support they need. Otherwise do "
    "not try to find out. Do not reply to the content. The Social Media Abuse Response Team (SMART) has the report."
)
_DESK = (
    "What to do: where SMART can name the person, arrange who supports them. Do not try to find out who reported. The "
    "Social Media Abuse Response Team (SMART) has the report."
)
_WORK_IT = (
    "What to do: read the allegation and the evidence in Signpost, decide, and record what you did and when. Keep the "
    "details in the personnel system. If it is a security matter, refer it to SIRT there. Do not try to find out who "
    "reported it."
)
_THANK_THEM = (
    "What to do: if you know who it is, thank them, and let the team that has the report do its work. Do not look into "
    "it yourself, and do not try to find out more."
)
_FIND_MANAGER = (
    "What to do: find out who may work this case, and give it to them or to another team. It is in the triage desk's "
    "queue."
)


def _abuse(what: str, to_do: str = _SUPPORT) -> Wording:
    return Wording(_ABUSE, what, to_do, ASK)


def _misuse(what: str) -> Wording:
    return Wording(_MISUSE, what, _THANK_THEM, ASK)


def _assigned(what: str, to_do: str = _WORK_IT) -> Wording:
    return Wording("a misuse case for you to work on", what, to_do, ASK)


ENGLISH: Mapping[AlertPurpose, Mapping[RecipientRole, Wording]] = {
    AlertPurpose.ABUSE_REPORTED: {
        RecipientRole.MANAGER: _abuse("Someone you manage has reported social media abuse."),
        RecipientRole.NAMED: _abuse("Someone who named you as their line manager has reported social media abuse."),
        RecipientRole.CHOSEN: _abuse("A colleague has reported social media abuse and asked us to tell you."),
        RecipientRole.NEXT_UP: _abuse("Someone in your reporting line has reported social media abuse."),
        RecipientRole.DESK: _abuse("Social media abuse has been reported, and no line manager could be told.", _DESK),
    },
    AlertPurpose.MISUSE_REPORTED: {
        RecipientRole.MANAGER: _misuse("Someone you manage has reported misuse of social media."),
        RecipientRole.NAMED: _misuse(
            "Someone who named you as their line manager has reported misuse of social media."
        ),
        RecipientRole.CHOSEN: _misuse("A colleague has reported misuse of social media and asked us to tell you."),
        RecipientRole.NEXT_UP: _misuse("Someone in your reporting line has reported misuse of social media."),
        RecipientRole.DESK: _misuse("Misuse of social media has been reported, and no line manager could be told."),
    },
    AlertPurpose.MISUSE_ASSIGNED: {
        RecipientRole.MANAGER: _assigned("A report says that someone you manage may have misused social media."),
        RecipientRole.NEXT_UP: _assigned(
            "A report says that someone in your reporting line may have misused social media."
        ),
        RecipientRole.DESK: _assigned("No manager can work on a case of social media misuse.", _FIND_MANAGER),
    },
    AlertPurpose.MISDIRECTED: {
        RecipientRole.TEAM: Wording(
            "a report was sent using another team's form",
            "A report was sent using the wrong form and is with the right team now.",
            "What to do: if the case is in your queue, work on it as if it had been sent to you first; its times and "
            "evidence are kept. If not, there is nothing to do.",
        ),
    },
    AlertPurpose.URGENT_CASE: {
        RecipientRole.TEAM: Wording(
            "a case needs the person on call",
            "Your team has received an urgent case outside its working hours.",
            "What to do: open the case, claim it and act on it now, or hand it over.",
        ),
    },
    AlertPurpose.DEADLINE_AT_RISK: {
        RecipientRole.LEAD: Wording(
            "a deadline is at risk",
            "A case of your team has used most of its time.",
            "What to do: see who has the case, and give it to someone who can act in time.",
        ),
    },
    AlertPurpose.DEADLINE_MISSED: {
        RecipientRole.LEAD: Wording(
            "a deadline was missed",
            "A case of your team has missed a deadline.",
            "What to do: see what keeps the case, and give it to someone who can act now.",
        ),
    },
    AlertPurpose.SHIFT_CHANGED: {
        RecipientRole.LEAD: Wording(
            "a shift begins",
            "A shift of your team begins, and there is work to hand over.",
            "What to do: read the list with the people who go and those who come. It has the last note of each case.",
            "Shift hand-over",
        ),
    },
    AlertPurpose.CASE_ASSIGNED: {
        RecipientRole.RESPONDER: Wording(
            "a colleague has given you a case",
            "A colleague has given you a case. It is yours for four hours, so that you can begin.",
            "What to do: read the case and its notes, and begin; or give it to someone else.",
            "Open the case",
        ),
        RecipientRole.LEAD: Wording(
            "a case was given to a colleague",
            "A case of your team was given to someone whose address we do not have.",
            "What to do: see who has the case, and tell them.",
            "Open the case",
        ),
    },
    AlertPurpose.TASK_GIVEN: {
        RecipientRole.RESPONDER: Wording(
            "a colleague has given you a task",
            "A colleague has given you a task of a case.",
            "What to do: see what it is and by when, and tick it off once it is done; or tell them that you cannot.",
            "See the tasks of the case",
        ),
        RecipientRole.LEAD: Wording(
            "a task was given to a colleague",
            "A task of one of your team's cases was given to someone whose address we do not have.",
            "What to do: see who is to do it, and tell them.",
            "See the tasks of the case",
        ),
    },
    AlertPurpose.CASE_HANDED_OVER: {
        RecipientRole.LEAD: Wording(
            "a colleague has handed a case over",
            "A colleague has handed a case over, no questions asked. It is back in the queue.",
            "What to do: see which one it is, and give it to someone else. Do not ask your colleague why.",
            "See it in Signpost",
        ),
    },
    AlertPurpose.MORE_CONTENT_ASKED: {
        RecipientRole.LEAD: Wording(
            "a colleague asks to be shown more today",
            "A colleague has seen as much upsetting content today as is good for them, and asks to be shown more.",
            "What to do: talk to them first. They can also hand their cases over. Then decide in Signpost.",
            "See who asks",
        ),
    },
    AlertPurpose.SECOND_REVIEW_WAITING: {
        RecipientRole.LEAD: Wording(
            "an outcome needs a second person",
            "An outcome of your team was chosen for a second review: another person decides too, without knowing it.",
            "What to do: ask someone who did not resolve the case to decide.",
            "Second reviews",
        ),
    },
    AlertPurpose.REPORTER_REPLIED: {
        RecipientRole.RESPONDER: Wording(
            "a reporter has written",
            "The reporter of one of your cases has written or sent evidence, and no one has read it yet.",
            "What to do: read it in the case's conversation, and answer there.",
            "Read it in Signpost",
        ),
        RecipientRole.LEAD: Wording(
            "a reporter has written",
            "The reporter of one of your team's cases has written or sent evidence. We have no address of the person "
            "who has the case.",
            "What to do: see who has the case, and ask them to read its conversation.",
            "Read it in Signpost",
        ),
    },
    AlertPurpose.REPORT_MOVED: {
        RecipientRole.REPORTER: Wording(
            "your report is with another team",
            "Your report is with the team that deals with this. It was sent using another form; that is all right.",
            "What to do: nothing. The time you sent it and what you added are kept.",
            "Follow your report",
        ),
    },
    AlertPurpose.QUESTION_ASKED: {
        RecipientRole.REPORTER: Wording(
            "the team has a question about your report",
            "The team working on your report has asked you a question and is waiting for your answer.",
            "What to do: read the question on your report's page and answer it there, when it is safe for you.",
            "Read the question",
        ),
    },
    AlertPurpose.MESSAGE_SENT: {
        RecipientRole.REPORTER: Wording(
            "there is a message about your report",
            "The team working on your report has written to you.",
            "What to do: read the message on your report's page when it is safe for you. You can answer it there.",
            "Read the message",
        ),
    },
    AlertPurpose.REPORT_FINISHED: {
        RecipientRole.REPORTER: Wording(
            "there is news of your report",
            "There is an outcome to your report.",
            "What to do: look at your report's page to see what it says. If it happens again, report it again.",
            "Follow your report",
        ),
        RecipientRole.MISUSE_REPORTER: Wording(
            "your report is finished",
            "The work on your report is finished. We cannot say more about it.",
            "What to do: nothing. Thank you for telling us.",
            "Follow your report",
        ),
    },
    AlertPurpose.REVIEW_ASKED: {
        RecipientRole.LEAD: Wording(
            "an outcome is to be looked at again",
            "The reporter of a finished case of your team asks for its outcome to be looked at again.",
            "What to do: give it to someone who did not resolve the case. It says in Signpost until when.",
        ),
    },
    AlertPurpose.OUTCOME_REVIEWED: {
        RecipientRole.REPORTER: Wording(
            "there is news of your request",
            "You asked for the outcome of your report to be looked at again. There is news of that.",
            "What to do: read it on your report's page when it is safe for you.",
            "Read the news",
        ),
        RecipientRole.MISUSE_REPORTER: Wording(
            "your report was looked at again",
            "You asked for your report to be looked at again, and that was done. We cannot say more about it.",
            "What to do: nothing. Thank you for telling us.",
            "Follow your report",
        ),
    },
    AlertPurpose.ABUSE_FOUND: {
        RecipientRole.AFFECTED: Wording(
            "something about you was found online",
            "Routine monitoring found content on social media that may be abuse of you. Your manager was not told.",
            "What to do: do not reply to it, and keep copies if you have seen it. The Social Media Abuse Response Team "
            "(SMART) has it. Ask them for support, or whether your manager should know. In immediate danger, call 999.",
            "Report something yourself, or add to this",
        ),
    },
    AlertPurpose.ACCOUNT_TAKEN_OVER: {
        RecipientRole.COMMS: Wording(
            "an official account may be taken over",
            "A report says that someone else controls an official account.",
            "What to do: work with the Security Incident Response Team (SIRT), who have the case, to get it back. Stop "
            "planned posts until then.",
            "Open the register of accounts",
        ),
    },
    AlertPurpose.ACCESS_GRANTED: {
        RecipientRole.OPERATOR: Wording(
            "you may operate an account",
            "You passed every check and may now operate a social media account of the department.",
            "What to do: read what applies to the account before you use it.",
            "See the account",
        ),
    },
    AlertPurpose.ACCESS_WITHDRAWN: {
        RecipientRole.OPERATOR: Wording(
            "you may no longer operate an account",
            "You may no longer operate a social media account of the department.",
            "What to do: stop using it now and sign out of it everywhere. The account's page says what is missing.",
            "See the account",
        ),
        RecipientRole.OWNER: Wording(
            "an operator's access has to be removed",
            "An operator may no longer use a social media account that you answer for.",
            "What to do: remove their access on the platform, and add the evidence to the account's page.",
            "See the account",
        ),
    },
    AlertPurpose.REVIEW_DUE: {
        RecipientRole.OWNER: Wording(
            "an account's review is due",
            "The periodic review of a social media account that you answer for is due.",
            "What to do: check that the account still meets its requirement, and record keep, change or close.",
            "See the account",
        ),
    },
    AlertPurpose.EXCEPTION_EXPIRED: {
        RecipientRole.OPERATOR: Wording(
            "a security policy exception has ended",
            "The exception that let you use an account on your own device has ended.",
            "What to do: use the account on an approved device only, or ask for a new exception.",
            "See the account",
        ),
        RecipientRole.OWNER: Wording(
            "a security policy exception has ended",
            "An exception for a social media account that you answer for has ended.",
            "What to do: see on the account's page who may still operate it, and from where.",
            "See the account",
        ),
    },
}
