"""Forms of the creation gate: their fields, and how answers become commands."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from services.registry.accounts.domain import CLASS_LABELS, Account, Vetting, faults
from services.registry.accounts.forms import PLATFORM_FIELDS, VETTING_FIELD
from services.registry.approvals.delegations import NewDelegation
from services.registry.approvals.domain import REQUESTED_CLASSES, AccountRequest, Draft, RequestAction
from services.registry.approvals.handlers import RequestDecision
from services.registry.context.forms import RegistryForm
from shared.events.vocabulary import AccountClass
from shared.ids import StaffId
from shared.people import Names
from shared.web.forms import Field, Kind, Option, options

PERSONAL = "Do not request a personal account: keep it apart from your work and off the register"
_CLASS_HINTS: Mapping[AccountClass, str] = {
    AccountClass.OFFICIAL: "Represents DWP or the Jobcentre Plus network",
    AccountClass.PROFESSIONAL_INDIVIDUAL: "An approved person speaks for DWP with it, on an approved device",
    AccountClass.LINKEDIN: "A colleague’s LinkedIn account, to be used officially from a DWP device",
}
_WHY = (
    Field("requirement", "Which strategic business requirement does it fulfil?", Kind.TEXT, group="Why it is needed"),
    Field("purpose", "What will it be used for?", Kind.TEXT, "One account has one purpose"),
)
_FIND_ID = "It is in the staff directory. The next page shows their name"
_WHO = (
    Field(
        "owner",
        "Staff ID of the person who will be responsible for it",
        Kind.ID,
        _FIND_ID,
        group="Who answers for it",
    ),
    Field(
        "approved_person",
        "Staff ID of the person who uses it",
        Kind.ID,
        f"Only for an individual’s account. {_FIND_ID}",
    ),
    VETTING_FIELD,
)
DRAFT_FIELDS = (
    replace(PLATFORM_FIELDS[0], group="The account"),
    *PLATFORM_FIELDS[1:],
    Field(
        "account_class",
        "What kind of account is it?",
        Kind.RADIOS,
        "A personal account is never registered. A union’s account is outside the policy",
        options({kind: CLASS_LABELS[kind] for kind in REQUESTED_CLASSES}, _CLASS_HINTS),
    ),
    Field("title", "What it is called (optional)"),
    *_WHY,
    *_WHO,
)
CHECK_FIELDS = (Field("title", "What it is called (optional)"), *_WHY, *_WHO)
"""The fields for an account whose platform, handle and class are known."""
DELEGATION_FIELDS = (
    Field("proxy", "Staff ID of your proxy", Kind.ID, _FIND_ID),
    Field("first_day", "First day", Kind.DAY),
    Field("last_day", "Last day", Kind.DAY, "It is valid until midnight. For example, 27 3 2026"),
    Field("reason", "Why", Kind.TEXT),
)


_OF_AN_APPROVER = (
    "To approve, say why you are the relevant member of the directorate. Otherwise, give the reason or say what has to "
    "change"
)


def decision_fields(
    steps: Iterable[tuple[RequestAction, str]], behalf: Sequence[StaffId], names: Names, *, in_own_right: bool
) -> tuple[Field, ...]:
    """Return the fields of a decision about a request: one of `steps`, for whom, and why."""
    labels = dict(steps)
    step = Field("step", "What should happen?", Kind.RADIOS, options=options(labels))
    why = Field("words", "Why", Kind.TEXT, _OF_AN_APPROVER if RequestAction.APPROVE in labels else "Give the reason")
    if not behalf:
        return (step, why)
    myself = (Option("", "Myself"),) if in_own_right else ()
    others = (Option(approver, f"As the proxy of {names(approver)}") for approver in behalf)
    whose = Field("on_behalf_of", "Who are you deciding for?", Kind.SELECT, options=(*myself, *others))
    return (step, whose, why)


def read_draft(form: RegistryForm, known: Account | AccountRequest | None = None) -> Draft | None:
    """Read a request; for a `known` account, platform, handle and class are not asked for."""
    if known is None:
        platform = form.platform()
        handle = form.handle(platform)
        personal = form.first("account_class") == "personal"
        needed = PERSONAL if personal else "Choose what kind of account it is"
        kind = form.one_of("account_class", REQUESTED_CLASSES, needed)
        account_class = AccountClass(kind) if kind else None
    else:
        of = known.registration if isinstance(known, Account) else known.draft
        platform, handle, account_class = of.platform, of.handle, of.account_class
    requirement = form.text("requirement", "Enter the strategic business requirement that it fulfils")
    purpose = form.text("purpose", "Enter what it will be used for")
    owner = form.staff_id("owner", "Enter the staff ID of the person who will be responsible for it")
    title, person = form.name("title"), form.staff_id("approved_person")
    vetting = form.choice("vetting_required", Vetting)
    if form.errors or not (platform and handle and account_class and requirement and purpose and owner):
        return None
    draft = Draft(platform, handle, account_class, requirement, purpose, owner, title, person, vetting)
    for fault in faults(draft.registration()):
        form.errors.add(fault.field, fault.message)
    return None if form.errors else draft


def read_decision(request: AccountRequest, form: RegistryForm) -> tuple[RequestAction, RequestDecision] | None:
    """Read a decision about a request; None if an error was recorded."""
    step = form.choice("step", RequestAction, "Choose what should happen to the request")
    version = form.version(beside="step")
    needed = "Enter why you are the relevant approver" if step is RequestAction.APPROVE else "Enter a reason"
    words = form.text("words", needed)
    behalf = form.staff_id("on_behalf_of")
    if form.errors or version is None or step is None or words is None:
        return None
    return step, RequestDecision(request.id, version, words, behalf)


def read_delegation(form: RegistryForm) -> NewDelegation | None:
    """Read a delegation; None if an error was recorded."""
    proxy = form.staff_id("proxy", "Enter the staff ID of your proxy")
    first = form.register_day("first_day", "The first day", "Enter the first day")
    last = form.register_day("last_day", "The last day", "Enter the last day")
    reason = form.text("reason", "Enter why you have a proxy")
    if form.errors or not (proxy and first and last and reason):
        return None
    return NewDelegation(proxy, first, last, reason)
