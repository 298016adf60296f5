"""Words of reports: what people are asked, and what they can answer."""

from enum import StrEnum


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
    """How it came about (C-c)."""

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
    """An answer that need not be known."""

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
    """What was used (Sc-c): a fact, never a reason to turn a report away."""

    DWP = "dwp"
    PERSONAL = "personal"
    UNSURE = "unsure"


class Channel(StrEnum):
    """By which way a security incident came in: staff by the form, suppliers by their own (C-c, SS-014)."""

    STAFF = "staff"
    SUPPLIER = "supplier"


class EnquiryTopic(StrEnum):
    """What somebody wants advice on (X1, X2, X3)."""

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
    """Who a person affected, or suspected, is to the reporter and the department (Sc-a, S1)."""

    SELF = "self"
    COLLEAGUE = "colleague"
    CUSTOMER = "customer"
    PUBLIC = "public"
    GROUP = "group"
    UNKNOWN = "unknown"


class WorkerKind(StrEnum):
    """Who reports (Sc-a)."""

    EMPLOYEE = "employee"
    CONTRACTOR = "contractor"
    CONSULTANT = "consultant"
    OTHER_WORKER = "other_worker"
    ALB_STAFF = "alb_staff"
    PUBLIC = "public"


class Confidentiality(StrEnum):
    """How a reporter wants to be known: named to those who work the case, to the response team only, or to nobody."""

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
    """What an abuse report says is at risk beside the person."""

    DWP_INFORMATION = "dwp_information"
    SYSTEM = "system"
    SANCTIONED_ACCOUNT = "sanctioned_account"
    ACCOUNT_TAKEN_OVER = "account_taken_over"


class FoundBy(StrEnum):
    """How it was noticed (C-h); only the role `monitoring` may say `monitoring`."""

    PERSON = "person"
    MONITORING = "monitoring"
