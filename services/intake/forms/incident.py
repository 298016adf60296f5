"""The form for security incidents (C-c, C-i), and the suppliers' own way in; it notices abuse (S3)."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from services.intake.forms import questions, reader
from services.intake.forms.abuse import NOTHING_ELSE
from services.intake.forms.domain import Answers, one
from services.intake.forms.forms import Form
from services.intake.forms.steps import Choice, Choices, Step, Wrong
from services.intake.reports.checks import TEXT_LIMIT
from services.intake.reports.commands import AccountInvolved, IncidentReport
from services.intake.reports.domain import Report, default_manager_alert
from shared.auth.permissions import Permission, Principal
from shared.events.vocabulary import (
    AlsoAffects,
    AssetOwner,
    Behaviour,
    Channel,
    Circumstance,
    Effect,
    FoundBy,
    ReportType,
    YesNoUnsure,
)
from shared.web.forms import Field, FormReader, Kind, Option

MOST_DIGITS = 12
_OF_A_SYSTEM = frozenset({Effect.ACCESS, Effect.MODIFICATION, Effect.DESTRUCTION})


def says_abuse(answers: Answers) -> bool:
    """Return whether someone is being abused, or may be (S3): then it is for the abuse team, by any form."""
    return answers.get("being_abused") in {("yes",), ("unsure",)}


def _may_tell_a_manager(answers: Answers) -> bool:
    """Return whether the reporter's manager may be told: of abuse, where the reporter says who they are (S3)."""
    return says_abuse(answers) and not questions.anonymous(answers)


def _nothing_to_report(name: str, message: str, answers: Answers) -> Sequence[Wrong]:
    """Return what is wrong with `name` where no one is abused and nothing is affected."""
    nothing = answers.get("being_abused") == ("no",) and answers.get("effects") == (NOTHING_ELSE,)
    return ((name, message),) if nothing else ()


def account_involved(answers: Answers) -> bool:
    """Return whether a social media account is involved."""
    return answers.get("social_account") == ("yes",)


def people(text: str | None) -> int | None:
    """Return how many people; None where it is empty.

    Raises:
        ValueError: it is no number that a person would type.
    """
    digits = (text or "").replace(",", "").replace(" ", "")
    if not digits:
        return None
    if not (digits.isascii() and digits.isdigit()) or len(digits) > MOST_DIGITS:
        raise ValueError
    return int(digits)


def as_abuse(answers: Answers) -> Answers:
    """Return what the answers say in the fields of the form for abuse."""
    effects = set(answers.get("effects", ()))
    taken_over = account_involved(answers) and answers.get("taken_over") == ("yes",)
    at_risk = (
        (AlsoAffects.DWP_INFORMATION, Effect.DISCLOSURE in effects),
        (AlsoAffects.SYSTEM, not taken_over and not effects.isdisjoint(_OF_A_SYSTEM)),
        (AlsoAffects.ACCOUNT_TAKEN_OVER, taken_over),
    )
    return {
        "also_affects": tuple(risk for risk, said in at_risk if said) or (NOTHING_ELSE,),
        "platform": answers.get("account_platform", ()) if account_involved(answers) else (),
    }


EFFECTS = (
    Option("access", "Someone got in, or may have", "To a system, a device, a building or an account"),
    Option("use", "Something was used by someone not allowed to", "For example a device, a sign-in or an account"),
    Option("disclosure", "Information was shown or sent to the wrong people", "Online, by email, on paper or aloud"),
    Option("modification", "Something was changed by someone not allowed to", "For example a record or a setting"),
    Option("loss", "Something was lost or stolen", "For example a laptop, a phone or papers"),
    Option("destruction", "Something was destroyed or deleted"),
)
CIRCUMSTANCES = (
    Option("actual", "It happened"),
    Option("suspected", "I think that it happened, but I am not sure"),
    Option("accidental", "It was an accident"),
    Option("deliberate", "Someone meant to do it"),
    Option("attempted", "Someone tried, and it may not have worked"),
)
ASSET_OWNER = (
    Option("dwp", "DWP’s"),
    Option("supplier", "A supplier’s, who uses it to provide a service to DWP"),
    Option("unsure", "I am not sure"),
)
CHOICES: Choices = {
    **questions.HAPPENED,
    **questions.ABUSE,
    **questions.SIGNED_IN,
    "platform": Choice(questions.PLATFORM, None),
    "effects": Choice(
        (*EFFECTS, Option(NOTHING_ELSE, "None of these: someone is being abused", "We ask about that later")),
        "Select what was affected, or ‘None of these’",
        alone=NOTHING_ELSE,
    ),
    "circumstances": Choice(CIRCUMSTANCES, "Select how it happened"),
    "asset_owner": Choice(ASSET_OWNER, "Select whose it is"),
    "still_happening": Choice(questions.YES_NO_UNSURE, "Select whether it is still going on"),
    "personal_data": Choice(questions.YES_NO_UNSURE, "Select whether information about people is involved"),
    "social_account": Choice(questions.YES_NO_UNSURE, "Select whether a social media account is involved"),
    "account_platform": Choice(questions.PLATFORM, "Select where the account is"),
    "taken_over": Choice(questions.YES_NO_UNSURE, "Select whether someone else controls the account"),
    "being_abused": Choice(questions.YES_NO_UNSURE, "Select whether someone is being abused"),
    "own_mistake": Choice((Option("yes", "Yes"), Option("no", "No")), None),
}


PEOPLE_AFFECTED = Field(
    "people_affected",
    "About how many people, if you know",
    hint="A number. A guess is enough.",
    only_if=("personal_data", YesNoUnsure.YES, YesNoUnsure.UNSURE),
)


def _number_of_people(answers: Answers) -> Sequence[Wrong]:
    try:
        _people(answers)
    except ValueError:
        return (("people_affected", "Number of people must be a whole number, like 40"),)
    return ()


WHERE_ABUSED = Step(
    "where",
    "Where is the abuse?",
    questions.WHERE_IT_CAN_BE_SEEN,
    asked=says_abuse,
)
STEPS = (
    Step(
        "what",
        "What was affected?",
        (
            Field(
                "effects",
                "What was affected?",
                Kind.CHECKBOXES,
                "Select all that apply. Report it even if you are not sure, or it was your own mistake: "
                "reporting early is what helps most.",
            ),
        ),
        template="incident/what.html",
        also_wrong=partial(_nothing_to_report, "effects", "Select what was affected: you said that no one is abused"),
    ),
    Step(
        "how",
        "How did it happen?",
        (Field("circumstances", "How did it happen?", Kind.CHECKBOXES, "Select all that apply."),),
    ),
    Step(
        "whose",
        "Whose is it?",
        (
            Field("asset_owner", "Who owns what was affected?", Kind.RADIOS),
            Field(
                "asset_note",
                "What is it?",
                Kind.TEXT,
                "For example a laptop, a list of customers or a sign-in.",
                longest=TEXT_LIMIT,
            ),
        ),
    ),
    Step(
        "when",
        "When was it?",
        (
            Field("occurred_at", "When did it happen?", Kind.MOMENT, "Leave everything empty if you do not know."),
            Field("discovered_at", "When was it discovered?", Kind.MOMENT, "For example, 27 3 2026."),
        ),
    ),
    Step("still-going-on", "Is it still going on?", (Field("still_happening", "Is it still going on?", Kind.RADIOS),)),
    Step(
        "personal-data",
        "Is information about people involved?",
        (
            Field(
                "personal_data",
                "Could anyone learn something about a person from it?",
                Kind.RADIOS,
                "For example names, addresses or what someone is paid.",
            ),
            PEOPLE_AFFECTED,
        ),
        also_wrong=_number_of_people,
    ),
    Step(
        "account",
        "Is a social media account involved?",
        (Field("social_account", "Is a social media account involved?", Kind.RADIOS),),
    ),
    Step(
        "which-account",
        "Which account is it?",
        (
            Field("account_platform", "Website or app", Kind.SELECT),
            Field("account_handle", "Its name", hint="For example @some_account."),
            Field("taken_over", "Has someone else taken control of it?", Kind.RADIOS),
        ),
        asked=account_involved,
    ),
    Step(
        "abuse",
        "Is someone being abused?",
        (
            Field(
                "being_abused",
                "Is someone being abused, threatened or exposed online?",
                Kind.RADIOS,
                "A colleague, a customer or anyone else. Another team looks after them.",
            ),
        ),
        also_wrong=partial(_nothing_to_report, "being_abused", "Select ‘Yes’, or go back and select what was affected"),
    ),
    questions.when_abused(questions.AFFECTED, says_abuse),
    WHERE_ABUSED,
    questions.when_abused(questions.KIND_OF_ABUSE, says_abuse),
    questions.WHAT_HAPPENED,
    questions.EVIDENCE,
    replace(
        questions.ABOUT_YOU,
        asks=(
            *questions.ABOUT_YOU.asks,
            Field("own_mistake", "Was it your own mistake?", Kind.RADIOS, "Telling us is the right thing to do."),
        ),
    ),
    questions.CONTACT,
    replace(questions.MANAGER, asked=_may_tell_a_manager),
    questions.which_form("This may be abuse of a person", "incident/which-form.html", says_abuse),
)


def supplier_step(text: str, labels: Sequence[str]) -> Step:
    """Return the page that suppliers begin with: its words and its fields are configuration (SS-014)."""
    asks = tuple(Field(name, label) for name, label in supplier_fields(labels))
    return Step("supplier", "About your organisation", asks, lead=(text,))


def supplier_fields(labels: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """Return the name of the field of each label."""
    return tuple((f"supplier_{number}", label) for number, label in enumerate(labels, 1))


def to_command(answers: Answers, principal: Principal | None, supplier_labels: Sequence[str] = ()) -> IncidentReport:
    """Return the referral that the answers make; what is missing is left empty, and refused later."""
    typed = FormReader(answers)
    reporter, abuse = reader.named_reporter(typed, principal), says_abuse(answers)
    supplier = principal is not None and principal.may(Permission.REPORT_AS_SUPPLIER)
    said = [(label, reader.name_of(typed, name)) for name, label in supplier_fields(supplier_labels)]
    unasked = reader.WhoIsTold(manager_alert=default_manager_alert(reporter, FoundBy.PERSON), manager_email=None)
    note = reader.text_of(typed, "asset_note")
    return IncidentReport(
        reporter=reporter,
        channel=Channel.SUPPLIER if supplier else Channel.STAFF,
        effects=typed.choices("effects", Effect),
        circumstances=typed.choices("circumstances", Circumstance),
        asset_owner=typed.choice("asset_owner", AssetOwner) or AssetOwner.UNSURE,
        asset_note=". ".join(text for text in (note, reader.labelled(*said)) if text) or None,
        discovered_at=reader.moment(typed, "discovered_at"),
        still_happening=typed.choice("still_happening", YesNoUnsure) or YesNoUnsure.UNSURE,
        personal_data=typed.choice("personal_data", YesNoUnsure) or YesNoUnsure.UNSURE,
        people_affected=_people_or_none(answers),
        own_mistake=one(answers, "own_mistake") == "yes",
        account=_account(answers, typed),
        behaviours=typed.choices("behaviours", Behaviour) if abuse else (),
        affected=reader.affected(typed) if abuse else (),
        suspected=reader.suspected(typed),
        **reader.occurrence(typed),
        **(reader.who_is_told(typed, asked=_may_tell_a_manager(answers)) if abuse else unasked),
    )


def _people(answers: Answers) -> int | None:
    """Return how many people it says; None if no information about people is involved.

    Raises:
        ValueError: it is no number that a person would type.
    """
    return people(one(answers, "people_affected")) if PEOPLE_AFFECTED.is_asked(answers) else None


def _people_or_none(answers: Answers) -> int | None:
    try:
        return _people(answers)
    except ValueError:
        return None


def _account(answers: Answers, typed: FormReader) -> AccountInvolved | None:
    platform = one(answers, "account_platform")
    if not account_involved(answers) or platform is None:
        return None
    taken_over = typed.choice("taken_over", YesNoUnsure) or YesNoUnsure.UNSURE
    return AccountInvolved(platform, reader.line_of(typed, "account_handle"), taken_over)


def _notes(report: Report) -> tuple[str, ...]:
    if not isinstance(report, IncidentReport):
        return ()
    return tuple(note for note, said in (("mistake", report.own_mistake), ("abuse", report.behaviours)) if said)


FORM = Form(
    name="incident",
    caption="Report a security incident",
    steps=STEPS,
    choices={
        **CHOICES,
        **questions.which_form_choice("Continue with the form for abuse", "Send it with this form anyway"),
    },
    to_command=to_command,
    sent="incident/sent.html",
    told="incident/told.html",
    kind=ReportType.SECURITY_INCIDENT,
    exits=True,
    to_other={"abuse": as_abuse},
    understands=frozenset({"platform", "known", "suspected_name", "suspected_staff_id", "suspected_handle"}),
    notes=_notes,
)


def supplier_form(text: str, labels: Sequence[str]) -> Form:
    """Return the form that suppliers and third parties begin with their own questions."""
    return replace(
        FORM,
        name="supplier-incident",
        caption="Report a security incident as a supplier",
        steps=(supplier_step(text, labels), *STEPS),
        to_command=partial(to_command, supplier_labels=tuple(labels)),
        needs=Permission.REPORT_AS_SUPPLIER,
    )
