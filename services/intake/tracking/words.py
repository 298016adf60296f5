"""What reporters are told, in words."""

from collections.abc import Mapping

from services.intake.tracking.domain import ManagerNews
from shared.events.vocabulary import Outcome, RecipientReason, Team

TEAM_NAMES = {
    Team.SMART: "the Social Media Abuse Response Team (SMART)",
    Team.SIRT: "the Security Incident Response Team (SIRT)",
    Team.LINE_MANAGER: "a line manager",
    Team.ADVICE_CENTRE: "the Security Advice Centre",
    Team.POLICY_STANDARDS: "the Security Policy and Standards Team",
    Team.TRIAGE_DESK: "the triage desk",
}

NEWS = {
    ManagerNews.BEING_TOLD: "is being told.",
    ManagerNews.TOLD: "has been told.",
    ManagerNews.ACKNOWLEDGED: "has been told and has confirmed it.",
    ManagerNews.NOT_REACHED: "could not be reached yet. We keep trying.",
}

WHO: Mapping[str, str] = {
    RecipientReason.REPORTERS_MANAGER: "Your manager",
    RecipientReason.NAMED_ON_REPORT: "The manager you named",
    RecipientReason.SOMEONE_ELSE_CHOSEN: "The person you chose",
    RecipientReason.CONFLICTED_NEXT_UP: "A more senior manager, instead of yours,",
    RecipientReason.FALLBACK_NO_MANAGER_KNOWN: "We do not know your manager, so the response desk",
    RecipientReason.FALLBACK_ADDRESS_NOT_ALLOWED: "We cannot send to the address you gave, so the response desk",
    RecipientReason.FALLBACK_ALL_CONFLICTED: "The response desk, instead of your managers,",
    RecipientReason.ESCALATED_NO_ANSWER: "The next person or team in line, because nobody answered,",
    RecipientReason.ESCALATED_NOT_MINE: "The next person or team in line, because somebody else is responsible,",
    RecipientReason.ESCALATED_CANNOT_ACT: "The next person or team in line, because the first one cannot act,",
    RecipientReason.ESCALATED_UNDELIVERABLE: "The next person or team in line, because the message did not arrive,",
}

NOBODY: Mapping[str, str] = {
    RecipientReason.NOBODY_REPORTER_ASKED_TO_WAIT: "Your manager has not been told. The team will ask you first.",
    RecipientReason.NOBODY_REPORTER_DECLINED: "Your manager has not been told, as you asked.",
    RecipientReason.NOBODY_CONFIDENTIAL: "Your manager has not been told, because you reported in confidence.",
    RecipientReason.NOBODY_ANONYMOUS: "No manager has been told, because you reported anonymously.",
    RecipientReason.NOBODY_NOT_REQUIRED: "No manager is told about this.",
    RecipientReason.NOBODY_FOUND_BY_MONITORING: "No manager is told until the person affected agrees.",
}

OUTCOMES: Mapping[str, str] = {
    Outcome.REPORTED_TO_PLATFORM: "It was reported to the website or app.",
    Outcome.REMOVED_BY_PLATFORM: "The website or app has removed it.",
    Outcome.SUPPORT_GIVEN: "Support was given.",
    Outcome.POLICE_REFERRAL: "It was passed to the police.",
    Outcome.NO_VIOLATION: "The team found that no rule was broken.",
    Outcome.INVALID_REPORT: "The team could not use the report.",
    Outcome.OUT_OF_SCOPE: "It is not something that the team can act on.",
    Outcome.WITHDRAWN: "It was ended because you withdrew it.",
    Outcome.ADVICE_GIVEN: "Advice was given.",
    Outcome.REFERRED: "It was passed to somebody else.",
    Outcome.INSUFFICIENT_INFORMATION: "There was not enough to go on.",
    Outcome.CONTAINED: "It was brought under control.",
    Outcome.ERADICATED: "The cause was removed.",
    Outcome.ACCEPTED: "The risk was accepted.",
    Outcome.FALSE_POSITIVE: "It turned out to be nothing.",
    Outcome.NOT_AN_INCIDENT: "It was not a security incident.",
    Outcome.ANSWERED: "Your question was answered.",
    Outcome.EXCEPTION_GRANTED: "The exception was granted.",
    Outcome.EXCEPTION_REFUSED: "The exception was not granted.",
}
"""What is not here is not told: that somebody else reported the same, for one."""
