"""Forms of the creation gate: what is asked, and what was typed, read into commands."""

from collections.abc import Mapping
from enum import StrEnum

from services.registry.accounts.domain import CLASS_LABELS, Account, Vetting, faults
from services.registry.accounts.forms import VETTING_FIELD
from services.registry.approvals.delegations import NewDelegation
from services.registry.approvals.domain import REQUESTED_CLASSES, AccountRequest, Draft, RequestAction
from services.registry.approvals.handlers import RequestDecision
from services.registry.context.forms import Answers, Cells, Field, Kind
from shared.events.platforms import PLATFORMS
from shared.events.vocabulary import AccountClass
from shared.ids import StaffId
from shared.web.forms import FormErrors

PERSONAL = "A personal account is never requested: keep it apart from your work, and out of the register"
_CLASS_HINTS: Mapping[str, str] = {
    AccountClass.OFFICIAL: "Represents DWP or the Jobcentre Plus network",
    AccountClass.PROFESSIONAL_INDIVIDUAL: "An approved person speaks for DWP with it, on an approved device",
    AccountClass.LINKEDIN: "A colleague’s LinkedIn account, to be used officially from a DWP device",
}
_WHY = (
    Field("requirement", "Which strategic business requirement does it fulfil?", Kind.WORDS),
    Field("purpose", "What will it be used for?", Kind.WORDS, "One account has one purpose"),
)
_WHO = (
    Field("owner", "Staff ID of who will answer for it", Kind.ID),
    Field("approved_person", "Staff ID of the person who uses it", Kind.ID, "Only for an individual’s account"),
    VETTING_FIELD,
)
DRAFT_FIELDS = (
    Field("platform", "Platform", Kind.LIST, options={"": "Choose a platform", **PLATFORMS}),
    Field("handle", "Handle or address", hint="Such as @name, or the address of its profile"),
    Field(
        "account_class",
        "What kind of account is it?",
        Kind.CHOICE,
        "A personal account is never registered. A union’s account is outside the policy",
        {str(kind): CLASS_LABELS[kind] for kind in REQUESTED_CLASSES},
        _CLASS_HINTS,
    ),
    Field("title", "What it is called (optional)"),
    *_WHY,
    *_WHO,
)
CHECK_FIELDS = (Field("title", "What it is called (optional)"), *_WHY, *_WHO)
"""What is asked of an account whose platform, handle and class are known."""
DELEGATION_FIELDS = (
    Field("proxy", "Staff ID of your proxy", Kind.ID),
    Field("first_day", "First day", Kind.ID, "For example, 2027-03-31"),
    Field("last_day", "Last day", Kind.ID, "It counts until midnight"),
    Field("reason", "Why", Kind.WORDS),
)


class _Requested(StrEnum):
    OFFICIAL = AccountClass.OFFICIAL
    PROFESSIONAL_INDIVIDUAL = AccountClass.PROFESSIONAL_INDIVIDUAL
    LINKEDIN = AccountClass.LINKEDIN


def read_draft(answers: Answers, errors: FormErrors, known: Account | AccountRequest | None = None) -> Draft | None:
    """Read what is asked for; of a `known` account, platform, handle and class are not asked."""
    cells = Cells(answers, errors)
    if known is None:
        platform = cells.platform()
        handle = cells.handle(platform)
        if answers.get("account_class") == ["personal"]:
            errors.add("account_class", PERSONAL)
        kind = cells.choice("account_class", _Requested, "Choose what kind of account it is")
        account_class = AccountClass(kind) if kind else None
    else:
        of = known.registration if isinstance(known, Account) else known.draft
        platform, handle, account_class = of.platform, of.handle, of.account_class
    requirement = cells.words("requirement", "Enter the strategic business requirement that it fulfils")
    purpose = cells.words("purpose", "Enter what it will be used for")
    owner = cells.staff_id("owner", "Enter the staff ID of who will answer for it")
    title, person = cells.line("title"), cells.staff_id("approved_person")
    vetting = cells.choice("vetting_required", Vetting)
    if errors or not (platform and handle and account_class and requirement and purpose and owner):
        return None
    draft = Draft(platform, handle, account_class, requirement, purpose, owner, title, person, vetting)
    for fault in faults(draft.registration()):
        errors.add(fault.field, fault.message)
    return None if errors else draft


def read_decision(
    request: AccountRequest, answers: Answers, errors: FormErrors
) -> tuple[RequestAction, RequestDecision] | None:
    """Read what somebody decides; None where an error was recorded."""
    cells = Cells(answers, errors)
    step = cells.choice("step", RequestAction, "Choose what should happen to the request")
    version = cells.version("step")
    needed = "Say why you are the relevant approver" if step is RequestAction.APPROVE else "Enter a reason"
    words = cells.words("words", needed)
    behalf = cells.staff_id("on_behalf_of")
    if errors or step is None or words is None:
        return None
    return step, RequestDecision(request.id, version, words, behalf)


def read_delegation(answers: Answers, errors: FormErrors) -> NewDelegation | None:
    """Read who stands in; None where an error was recorded."""
    cells = Cells(answers, errors)
    proxy = cells.staff_id("proxy", "Enter the staff ID of your proxy")
    first, last = cells.day("first_day", "Enter the first day"), cells.day("last_day", "Enter the last day")
    reason = cells.words("reason", "Enter why you have a proxy")
    if errors or not (proxy and first and last and reason):
        return None
    return NewDelegation(StaffId(proxy), first, last, reason)
