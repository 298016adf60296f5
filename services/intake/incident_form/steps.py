"""The questions about a security incident (C-c), and those that notice abuse (S3)."""

from collections.abc import Sequence
from dataclasses import replace

from services.intake.drafts.domain import Answers
from services.intake.incident_form.domain import account_involved, people, says_abuse
from services.intake.questions import shared_steps
from services.intake.questions.domain import Ask, How, Step, Wrong, one
from services.intake.questions.shared_steps import when_abused, which_form


def _number_of_people(answers: Answers) -> Sequence[Wrong]:
    try:
        people(one(answers, "people_affected"))
    except ValueError:
        return (("people_affected", "How many people must be a whole number, like 40"),)
    return ()


WHERE_ABUSED = Step(
    "where",
    "Where is the abuse?",
    shared_steps.WHERE_IT_CAN_BE_SEEN,
    asked=says_abuse,
    numbered=False,
)
STEPS = (
    Step(
        "what",
        "What was affected?",
        (
            Ask(
                "effects",
                "What was affected?",
                How.CHECKBOXES,
                "Select all that fit. Report it even if you are not sure, or it was your own mistake: "
                "early is what counts.",
            ),
        ),
        template="incident/what.html",
    ),
    Step(
        "how",
        "How did it come about?",
        (Ask("circumstances", "How did it come about?", How.CHECKBOXES, "Select all that fit."),),
    ),
    Step(
        "whose",
        "Whose is it?",
        (
            Ask("asset_owner", "Who owns what was affected?", How.RADIOS),
            Ask("asset_note", "What is it?", How.LONG_TEXT, "For example a laptop, a list of customers or a sign-in."),
        ),
    ),
    Step(
        "when",
        "When was it?",
        (
            Ask("occurred_at", "When did it happen?", How.MOMENT, "Leave everything empty if you do not know."),
            Ask("discovered_at", "When was it discovered?", How.MOMENT, "For example, 27 3 2026."),
        ),
    ),
    Step("still-going-on", "Is it still going on?", (Ask("still_happening", "Is it still going on?", How.RADIOS),)),
    Step(
        "personal-data",
        "Is information about people involved?",
        (
            Ask(
                "personal_data",
                "Could anybody learn something about a person from it?",
                How.RADIOS,
                "For example names, addresses or what somebody is paid.",
            ),
            Ask("people_affected", "About how many people, if you know", How.TEXT, "A number. A guess is enough."),
        ),
        also_wrong=_number_of_people,
    ),
    Step(
        "account",
        "Is a social media account involved?",
        (Ask("social_account", "Is a social media account involved?", How.RADIOS),),
    ),
    Step(
        "which-account",
        "Which account is it?",
        (
            Ask("account_platform", "Website or app", How.SELECT),
            Ask("account_handle", "Its name", How.TEXT, "For example @some_account."),
            Ask("taken_over", "Has somebody else taken control of it?", How.RADIOS),
        ),
        asked=account_involved,
        numbered=False,
    ),
    Step(
        "abuse",
        "Is somebody being abused?",
        (
            Ask(
                "being_abused",
                "Is somebody being abused, threatened or exposed online?",
                How.RADIOS,
                "A colleague, a customer or anybody else. Another team looks after them.",
            ),
        ),
    ),
    when_abused(shared_steps.AFFECTED, says_abuse),
    WHERE_ABUSED,
    when_abused(shared_steps.KIND_OF_ABUSE, says_abuse),
    shared_steps.WHAT_HAPPENED,
    shared_steps.EVIDENCE,
    when_abused(shared_steps.MANAGER, says_abuse),
    replace(
        shared_steps.ABOUT_YOU,
        asks=(
            *shared_steps.ABOUT_YOU.asks,
            Ask("own_mistake", "Was it your own mistake?", How.RADIOS, "Telling us is the right thing to do."),
        ),
    ),
    shared_steps.CONTACT,
    which_form("This may be abuse of a person", "incident/which-form.html", says_abuse),
)


def supplier_step(text: str, labels: Sequence[str]) -> Step:
    """Return the page that suppliers begin with: its words and its fields are configuration (SS-014)."""
    asks = tuple(Ask(name, label, How.TEXT) for name, label in supplier_fields(labels))
    return Step("supplier", "About your organisation", asks, lead=(text,))


def supplier_fields(labels: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """Return the name of the field of each label."""
    return tuple((f"supplier_{number}", label) for number, label in enumerate(labels, 1))
