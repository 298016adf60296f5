"""Pages that more than one form has."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from services.intake.drafts.domain import Answers
from services.intake.questions.domain import Ask, How, Step, Wrong, one
from services.intake.questions.switching import FIELD
from shared.events.vocabulary import ManagerAlert

Asked = Callable[[Answers], bool]


def _other_person_is_named(answers: Answers) -> Sequence[Wrong]:
    if one(answers, "manager_alert") == ManagerAlert.SOMEONE_ELSE and not one(answers, "manager_email"):
        return (("manager_email", "Enter the work email address of who should be told"),)
    return ()


AFFECTED = Step(
    "affected",
    "Who is affected?",
    (
        Ask("affected", "Who is affected?", How.CHECKBOXES),
        *(
            Ask(f"affected_{who}", "Their name, if you know it", How.TEXT)
            for who in ("colleague", "customer", "public", "group")
        ),
    ),
    template="questions/affected.html",
)
KIND_OF_ABUSE = Step(
    "kind",
    "What kind of abuse is it?",
    (
        Ask(
            "behaviours",
            "What kind of abuse is it?",
            How.CHECKBOXES,
            "Select all that fit. It does not have to be exact.",
        ),
    ),
    template="questions/kind.html",
)
WHERE_IT_CAN_BE_SEEN = (
    Ask("platform", "Website or app", How.SELECT),
    Ask("platform_name", "Its name, if you chose ‘Somewhere else’", How.TEXT),
    Ask("urls", "Links to it", How.LONG_TEXT, "One on each line. Leave empty if you have none."),
    Ask("handles", "Accounts that posted it", How.LONG_TEXT, "For example @some_account. One on each line."),
    Ask("content_state", "Can it still be seen online?", How.RADIOS),
)
WHEN = Step(
    "when",
    "When did it happen?",
    (
        Ask(
            "occurred_at",
            "When did it happen?",
            How.MOMENT,
            "For example, 27 3 2026. If it happened more than once, the last time. "
            "Leave everything empty if you do not know.",
        ),
    ),
)
WHAT_HAPPENED = Step(
    "what-happened",
    "What happened?",
    (
        Ask(
            "narrative",
            "What happened?",
            How.LONG_TEXT,
            "In your own words. Write as much or as little as you want, up to 50,000 characters.",
        ),
    ),
)
EVIDENCE = Step(
    "evidence",
    "What evidence is there?",
    (
        Ask("evidence", "What evidence is there?", How.CHECKBOXES),
        Ask("evidence_note", "Anything we should know about it", How.LONG_TEXT),
    ),
    template="questions/evidence.html",
)
MANAGER = Step(
    "manager",
    "Is it safe for your manager to know?",
    (
        Ask("manager_alert", "Is it safe for your manager to know?", How.RADIOS),
        Ask("manager_email", "Work email address of who to tell", How.EMAIL),
    ),
    template="questions/manager.html",
    also_wrong=_other_person_is_named,
)
ABOUT_YOU = Step(
    "about-you",
    "How do you want to report?",
    (Ask("confidentiality", "How do you want to report?", How.RADIOS),),
)
CONTACT = Step(
    "contact",
    "How can we contact you safely?",
    (
        Ask("name", "Your name", How.TEXT),
        Ask("email", "Your email address", How.EMAIL),
        Ask("worker_kind", "Are you", How.RADIOS),
        Ask("safe_contact", "A safe way to reach you", How.LONG_TEXT),
    ),
    template="questions/contact.html",
)


def when_abused(step: Step, abused: Asked) -> Step:
    """Return `step` as a form has it that is not for abuse: asked only where somebody is being abused (S3)."""
    return replace(step, asked=abused, numbered=False)


def which_form(title: str, template: str, asked: Asked) -> Step:
    """Return the page that says where these answers go, before they are sent, and offers the other form."""
    asks = (Ask(FIELD, "How do you want to go on?", How.RADIOS),)
    return Step("which-form", title, asks, template=template, numbered=False, listed=False, asked=asked)
