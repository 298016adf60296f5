"""The words of the product, as enums that every service shares.

A value in an event that this version does not know becomes `unrecognised`, and a person decides. So a newer writer
stops no reader. Forms and APIs never accept `unrecognised`.
"""

from enum import StrEnum
from typing import Annotated, Literal, TypeVar

from pydantic import BeforeValidator, Field

T = TypeVar("T")
UNRECOGNISED: Literal["unrecognised"] = "unrecognised"


def _text_becomes_unrecognised(value: object) -> object:
    return UNRECOGNISED if isinstance(value, str) else value


Open = Annotated[
    T | Annotated[Literal["unrecognised"], BeforeValidator(_text_becomes_unrecognised)],
    Field(union_mode="left_to_right"),
]
"""`Open[Behaviour]`: a behaviour, or `unrecognised` for one that only a newer writer knows."""


class ReportType(StrEnum):
    """What a person submits."""

    ABUSE = "abuse"
    MISUSE = "misuse"
    SECURITY_INCIDENT = "security_incident"
    ENQUIRY = "enquiry"
    POLICY_EXCEPTION = "policy_exception"


class Behaviour(StrEnum):
    """What an abuse report is about. The first eight are the policy's words, the last four are ours."""

    TROLLING = "trolling"
    CYBERSTALKING = "cyberstalking"
    CYBERBULLYING = "cyberbullying"
    DOXING = "doxing"
    HARASSMENT = "harassment"
    DISCRIMINATION = "discrimination"
    DEFAMATION = "defamation"
    UNAUTHORISED_RECORDING = "unauthorised_recording"
    THREAT = "threat"
    IMPERSONATION = "impersonation"
    INTIMATE_IMAGE = "intimate_image"
    OTHER = "other"


class MisuseBehaviour(StrEnum):
    """What a misuse report is about (S1, S4, S5, S7, S9, D-pia, C-c)."""

    SPEAKS_FOR_DEPARTMENT = "speaks_for_department"
    MIXED_ACCOUNT = "mixed_account"
    ASSOCIATION = "association"
    DISCLOSURE = "disclosure"
    HARASSMENT = "harassment"
    UNSANCTIONED_ACCOUNT = "unsanctioned_account"
    UNTRAINED_OPERATOR = "untrained_operator"
    UNAPPROVED_DEVICE = "unapproved_device"
    FAILURE_TO_REPORT = "failure_to_report"
    OTHER = "other"


class Effect(StrEnum):
    """What was done to an asset without authority (C-c)."""

    ACCESS = "access"
    USE = "use"
    DISCLOSURE = "disclosure"
    MODIFICATION = "modification"
    LOSS = "loss"
    DESTRUCTION = "destruction"


class Circumstance(StrEnum):
    """How it happened (C-c)."""

    ACTUAL = "actual"
    SUSPECTED = "suspected"
    ACCIDENTAL = "accidental"
    DELIBERATE = "deliberate"
    ATTEMPTED = "attempted"


class AssetOwner(StrEnum):
    """Whose asset it is (C-c)."""

    DWP = "dwp"
    SUPPLIER = "supplier"
    UNSURE = "unsure"


class YesNoUnsure(StrEnum):
    """An answer that the reporter may not know."""

    YES = "yes"
    NO = "no"
    UNSURE = "unsure"


class AccountKind(StrEnum):
    """What a misuse report says the account is; stated by the reporter, never inferred (D-personal)."""

    OFFICIAL = "official"
    PROFESSIONAL_INDIVIDUAL = "professional_individual"
    LINKEDIN = "linkedin"
    PERSONAL = "personal"
    UNSURE = "unsure"


class Device(StrEnum):
    """The device used (Sc-c): a fact, never a reason to refuse a report."""

    DWP = "dwp"
    PERSONAL = "personal"
    UNSURE = "unsure"


class Channel(StrEnum):
    """How a security incident came in: staff by the form, suppliers by their own (C-c, SS-014)."""

    STAFF = "staff"
    SUPPLIER = "supplier"


class EnquiryTopic(StrEnum):
    """What a person wants advice on (X1, X2, X3)."""

    POLICY = "policy"
    ACCOUNT = "account"
    TRAINING = "training"
    REQUIREMENT = "requirement"
    OTHER = "other"


class ExceptionKind(StrEnum):
    """A request for an exception, or a notice of an activity that may need one (C-e)."""

    REQUEST = "request"
    NOTICE = "notice"


class ContentKind(StrEnum):
    """What was posted (O1, O2: any user-generated content, recordings included)."""

    POST = "post"
    COMMENT = "comment"
    MESSAGE = "message"
    IMAGE = "image"
    VIDEO = "video"
    REVIEW = "review"
    CHATROOM = "chatroom"
    FORUM = "forum"
    BLOG = "blog"
    PROFILE = "profile"
    VIDEO_RECORDING = "video_recording"
    CALL_RECORDING = "call_recording"
    OTHER = "other"


class ContentState(StrEnum):
    """Where the content is now."""

    ONLINE = "online"
    DELETED = "deleted"
    PRIVATE = "private"
    NEVER_ONLINE = "never_online"
    UNSURE = "unsure"


class Relation(StrEnum):
    """How an affected or suspected person relates to the reporter and the department (Sc-a, S1)."""

    SELF = "self"
    COLLEAGUE = "colleague"
    CUSTOMER = "customer"
    PUBLIC = "public"
    GROUP = "group"
    UNKNOWN = "unknown"


class WorkerKind(StrEnum):
    """The kind of worker who reports (Sc-a)."""

    EMPLOYEE = "employee"
    CONTRACTOR = "contractor"
    CONSULTANT = "consultant"
    OTHER_WORKER = "other_worker"
    ALB_STAFF = "alb_staff"
    PUBLIC = "public"


class Confidentiality(StrEnum):
    """Who may know the reporter's name: those who work on the case, the response team only, or no one."""

    NAMED = "named"
    CONFIDENTIAL = "confidential"
    ANONYMOUS = "anonymous"


class ManagerAlert(StrEnum):
    """Whether it is safe for the reporter's manager to know (our choice under S3)."""

    YES = "yes"
    SOMEONE_ELSE = "someone_else"
    ASK_ME_FIRST = "ask_me_first"
    NO = "no"


class AlsoAffects(StrEnum):
    """What an abuse report says is at risk besides the person."""

    DWP_INFORMATION = "dwp_information"
    SYSTEM = "system"
    SANCTIONED_ACCOUNT = "sanctioned_account"
    ACCOUNT_TAKEN_OVER = "account_taken_over"


class FoundBy(StrEnum):
    """How it was noticed (C-h); only the role `monitoring` may say `monitoring`."""

    PERSON = "person"
    MONITORING = "monitoring"


class Team(StrEnum):
    """The team that works on a case."""

    SMART = "smart"
    SIRT = "sirt"
    LINE_MANAGER = "line_manager"
    ADVICE_CENTRE = "advice_centre"
    POLICY_STANDARDS = "policy_standards"
    TRIAGE_DESK = "triage_desk"


class Priority(StrEnum):
    """How soon a team acts: P1 first."""

    P1 = "P1"
    P2 = "P2"
    P3 = "P3"
    P4 = "P4"


class CaseState(StrEnum):
    """The state of a case."""

    NEW = "new"
    CLAIMED = "claimed"
    IN_PROGRESS = "in_progress"
    AWAITING_INFORMATION = "awaiting_information"
    MERGED = "merged"
    """It follows the case that it is merged into."""
    RESOLVED = "resolved"
    CLOSED = "closed"


class Outcome(StrEnum):
    """How a case ended; which outcomes are possible depends on the report's type."""

    REPORTED_TO_PLATFORM = "reported_to_platform"
    REMOVED_BY_PLATFORM = "removed_by_platform"
    SUPPORT_GIVEN = "support_given"
    POLICE_REFERRAL = "police_referral"
    NO_VIOLATION = "no_violation_found"
    INVALID_REPORT = "invalid_report"
    DUPLICATE = "duplicate"
    OUT_OF_SCOPE = "out_of_scope"
    WITHDRAWN = "withdrawn"
    NO_BREACH = "no_breach"
    ADVICE_GIVEN = "advice_given"
    INFORMAL_ACTION = "informal_action"
    DISCIPLINARY_ROUTE = "disciplinary_route"
    REFERRED = "referred"
    INSUFFICIENT_INFORMATION = "insufficient_information"
    EXEMPT = "exempt"
    CONTAINED = "contained"
    ERADICATED = "eradicated"
    ACCEPTED = "accepted"
    FALSE_POSITIVE = "false_positive"
    NOT_AN_INCIDENT = "not_an_incident"
    ANSWERED = "answered"
    EXCEPTION_GRANTED = "exception_granted"
    EXCEPTION_REFUSED = "exception_refused"


class Scan(StrEnum):
    """What the virus scanner said of a piece of evidence."""

    NOT_SCANNED = "not_scanned"
    """No scanner is set up, or it has not answered yet."""
    CLEAN = "clean"
    INFECTED = "infected"


class AddedBy(StrEnum):
    """Who added a piece of evidence."""

    REPORTER = "reporter"
    TEAM = "team"


class MessageKind(StrEnum):
    """Why a reporter writes."""

    MORE = "more"
    """More information."""
    ANSWER = "answer"
    """To the team's question."""
    ASKED_AGAIN = "asked_again"
    """How far the report is."""


class ReviewResult(StrEnum):
    """What looking at an outcome again came to."""

    UPHELD = "upheld"
    CHANGED = "changed"
    """The case is open again."""


class DeadlineKind(StrEnum):
    """What a deadline is for."""

    RESPOND = "respond"
    TAKE_OVER = "take_over"
    """To respond to a case that another team transferred."""
    UPDATE = "update"
    REVIEW = "review"
    """To look at an outcome again after its reporter asked for that; it counts from the request."""
    PERSONAL_DATA_BREACH = "personal_data_breach"
    """72 calendar hours from SIRT's recorded awareness; never paused (Sc-b)."""


class AlertPurpose(StrEnum):
    """Why someone is alerted."""

    ABUSE_REPORTED = "abuse_reported"
    MISUSE_REPORTED = "misuse_reported"
    """To the reporter's manager (R-c)."""
    MISUSE_ASSIGNED = "misuse_assigned"
    """To the subject's manager, who works on it (R-d)."""
    INCIDENT_REPORTED = "incident_reported"
    ENQUIRY_RECEIVED = "enquiry_received"
    MISDIRECTED = "misdirected"
    """To both teams."""
    REPORT_MOVED = "report_moved"
    """To a reporter who used the wrong form."""
    QUESTION_ASKED = "question_asked"
    MESSAGE_SENT = "message_sent"
    """To the reporter: their team wrote something for them to read."""
    REPORT_FINISHED = "report_finished"
    REPORTER_REPLIED = "reporter_replied"
    """To the responder who has the case: its reporter wrote, or sent evidence."""
    REVIEW_ASKED = "review_asked"
    """To the team's lead: the reporter asks for an outcome to be looked at again."""
    OUTCOME_REVIEWED = "outcome_reviewed"
    """To the reporter: the outcome was looked at again."""
    ABUSE_FOUND = "abuse_found"
    """To the person affected, if monitoring found it (C-h)."""
    ACCOUNT_TAKEN_OVER = "account_taken_over"
    URGENT_CASE = "urgent_case"
    DEADLINE_AT_RISK = "deadline_at_risk"
    DEADLINE_MISSED = "deadline_missed"
    SHIFT_CHANGED = "shift_changed"
    """To the team's lead: what the next shift takes over."""
    CASE_ASSIGNED = "case_assigned"
    """To the responder who was given the case by someone else."""
    TASK_GIVEN = "task_given"
    """To the colleague who was given a task of the case by someone else."""
    CASE_HANDED_OVER = "case_handed_over"
    """To the team's lead: someone handed a case over, no questions asked."""
    MORE_CONTENT_ASKED = "more_content_asked"
    """To the team's lead: someone asks to be shown more content today."""
    SECOND_REVIEW_WAITING = "second_review_waiting"
    """To the team's lead: another person is to decide about an outcome too."""
    ACCESS_GRANTED = "access_granted"
    ACCESS_WITHDRAWN = "access_withdrawn"
    REVIEW_DUE = "review_due"
    EXCEPTION_EXPIRED = "exception_expired"


class RecipientReason(StrEnum):
    """Why this recipient was chosen, or why no one was."""

    REPORTERS_MANAGER = "reporters_manager"
    NAMED_ON_REPORT = "named_on_report"
    SOMEONE_ELSE_CHOSEN = "someone_else_chosen"
    CONFLICTED_NEXT_UP = "conflicted_next_up"
    FALLBACK_NO_MANAGER_KNOWN = "fallback_no_manager_known"
    FALLBACK_ADDRESS_NOT_ALLOWED = "fallback_address_not_allowed"
    FALLBACK_ALL_CONFLICTED = "fallback_all_conflicted"
    NOBODY_REPORTER_ASKED_TO_WAIT = "nobody_reporter_asked_to_wait"
    NOBODY_REPORTER_DECLINED = "nobody_reporter_declined"
    NOBODY_CONFIDENTIAL = "nobody_confidential"
    NOBODY_ANONYMOUS = "nobody_anonymous"
    NOBODY_FOUND_BY_MONITORING = "nobody_found_by_monitoring"
    NOBODY_UNION_ACTIVITY = "nobody_union_activity"
    NOBODY_NOT_REQUIRED = "nobody_not_required"
    """The policy does not ask to tell a manager: incidents without abuse, enquiries."""
    NOBODY_MANAGER_WORKS_IT = "nobody_manager_works_it"
    """The reporter's manager works on the misuse case, and must not learn who reported it."""
    NOBODY_CANNOT_BE_REACHED = "nobody_cannot_be_reached"
    NOBODY_HAS_THE_CASE = "nobody_has_the_case"
    SUBJECTS_MANAGER = "subjects_manager"
    TEAM_MAILBOX = "team_mailbox"
    TEAM_LEAD = "team_lead"
    THE_REPORTER = "the_reporter"
    THE_RESPONDER = "the_responder"
    """Who has the case."""
    GIVEN_A_TASK = "given_a_task"
    PERSON_AFFECTED = "person_affected"
    ACCOUNT_OWNER = "account_owner"
    ACCOUNT_OPERATOR = "account_operator"
    COMMS = "comms"
    ESCALATED_NO_ANSWER = "escalated_no_answer"
    ESCALATED_NOT_MINE = "escalated_not_mine"
    ESCALATED_CANNOT_ACT = "escalated_cannot_act"
    ESCALATED_UNDELIVERABLE = "escalated_undeliverable"


class TeamAsked(StrEnum):
    """What a team's leads are asked for, apart from any case."""

    HAND_OVER = "hand_over"
    """Someone handed a case over, no questions asked."""
    MORE_CONTENT = "more_content"
    """Someone asks to be shown more content today."""
    SECOND_REVIEW = "second_review"
    """An outcome waits for another person to decide too."""


class ManagerAction(StrEnum):
    """What a manager did about misuse (R-d). Category and date only: details stay in the personnel system."""

    NO_BREACH = "no_breach"
    ADVICE_GIVEN = "advice_given"
    INFORMAL_ACTION = "informal_action"
    DISCIPLINARY_ROUTE = "disciplinary_route"
    INSUFFICIENT_INFORMATION = "insufficient_information"
    OUT_OF_SCOPE = "out_of_scope"


class Acknowledgement(StrEnum):
    """What a recipient answers."""

    CONFIRMED = "confirmed"
    NOT_MINE = "not_mine"
    CANNOT_ACT = "cannot_act"


class FailureKind(StrEnum):
    """Why an alert did not go out (the provider's own classes)."""

    TEMPORARY = "temporary"
    PERMANENT = "permanent"
    TECHNICAL = "technical"


class AccountClass(StrEnum):
    """What a social media account is (D-official, D-pia, D-linkedin, D-personal, C-j)."""

    OFFICIAL = "official"
    PROFESSIONAL_INDIVIDUAL = "professional_individual"
    LINKEDIN = "linkedin"
    UNION = "union"


class AccountStatus(StrEnum):
    """The state of an account."""

    APPROVED = "approved"
    """Approved, but no one has recorded yet that it exists on the platform and is ours."""
    LIVE = "live"
    LEGACY = "legacy"
    FROZEN = "frozen"
    CLOSED = "closed"


class WithdrawalReason(StrEnum):
    """Why a person may no longer operate an account (S5, Sc-c, D-pia, S8)."""

    TRAINING_LAPSED = "training_lapsed"
    VETTING_LAPSED = "vetting_lapsed"
    EXCEPTION_EXPIRED = "exception_expired"
    ACCOUNT_FROZEN = "account_frozen"
    ACCOUNT_CLOSED = "account_closed"
    BY_DECISION = "by_decision"
