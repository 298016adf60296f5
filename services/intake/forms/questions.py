"""Questions and choices of more than one form, in plain words. The policy's own words are behind the link to it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from services.intake.forms.domain import Answers, one
from services.intake.forms.steps import Choice, Choices, Step, Wrong
from services.intake.reports.checks import NARRATIVE_LIMIT, TEXT_LIMIT
from shared.events.platforms import PLATFORMS
from shared.events.vocabulary import Confidentiality, ManagerAlert
from shared.web.forms import Field, Kind, Option

AFFECTED_OPTIONS = (
    Option("self", "Me"),
    Option("colleague", "A colleague"),
    Option("customer", "A customer"),
    Option("public", "Another member of the public"),
    Option("group", "A team or a group of people"),
)
PLATFORM = tuple(Option(slug, "Somewhere else" if slug == "other" else label) for slug, label in PLATFORMS.items())
CONTENT_STATE = (
    Option("online", "Yes"),
    Option("deleted", "No, it was deleted"),
    Option("private", "It is private: only some people can see it"),
    Option("never_online", "It was never online", "For example a threat to post something"),
    Option("unsure", "I am not sure"),
)
BEHAVIOURS = (
    Option("harassment", "Harassment", "Unwanted contact or comments that upset, frighten or humiliate someone"),
    Option("threat", "A threat", "Saying that someone will be hurt, or something of theirs damaged"),
    Option("doxing", "Publishing private details", "Doxing: putting a home address, phone number or family online"),
    Option("trolling", "Trolling", "Provoking people on purpose to get a reaction, for fun or for gain"),
    Option("cyberbullying", "Online bullying", "Picking on someone again and again, alone or as a group"),
    Option("cyberstalking", "Online stalking", "Following or watching someone online so that they feel unsafe"),
    Option("discrimination", "Discrimination", "Abuse because of race, religion, sex, disability, age or who they are"),
    Option("defamation", "Lies about someone", "Defamation: false claims that damage how others see a person"),
    Option(
        "unauthorised_recording",
        "Recording without agreement",
        "Filming someone, or recording a call, and sharing it or threatening to",
    ),
    Option("impersonation", "Pretending to be someone", "An account or message made to look like a real person"),
    Option("intimate_image", "An intimate picture or video", "Shared, or threatened to be, without agreement"),
    Option("other", "Something else", "You can describe it in your own words later"),
)
EVIDENCE_OPTIONS = (
    Option("screenshots", "Screenshots"),
    Option("messages", "Messages or emails"),
    Option("recording", "A recording"),
    Option("witness", "Someone else who saw it"),
    Option("blocked", "I cannot open it: it is blocked on our network"),
)
KNOWN = (
    Option("unknown", "No"),
    Option("colleague", "Yes, or I suspect a colleague"),
    Option("customer", "Yes, or I suspect a customer"),
    Option("public", "Yes, or I suspect someone else"),
)
MANAGER_OPTIONS = (
    Option("yes", "Yes, tell my manager"),
    Option("someone_else", "Tell someone else instead"),
    Option("ask_me_first", "Ask me first", "The response team talks to you before we tell anyone"),
    Option("no", "No, do not tell my manager"),
)
CONFIDENTIALITY = (
    Option("named", "In my name", "The teams that work on your report know who you are."),
    Option("confidential", "In confidence", "Only the response team knows who you are."),
    Option("anonymous", "Without saying who I am", "We keep nothing about you: no name, no address, no device."),
)
WORKER_KIND = (
    Option("employee", "An employee"),
    Option("contractor", "A contractor"),
    Option("consultant", "A consultant"),
    Option("alb_staff", "Staff of an arm’s length body"),
    Option("other_worker", "Another kind of worker"),
    Option("public", "A member of the public"),
)
YES_NO_UNSURE = (Option("yes", "Yes"), Option("no", "No"), Option("unsure", "I am not sure"))

EVIDENCE_CHOICES: Choices = {"evidence": Choice(EVIDENCE_OPTIONS, None)}
HAPPENED: Choices = {
    "platform": Choice(PLATFORM, "Select where it happened"),
    "content_state": Choice(CONTENT_STATE, None),
    **EVIDENCE_CHOICES,
}
"""Of everything that happened somewhere."""
ABUSE: Choices = {
    "affected": Choice(AFFECTED_OPTIONS, "Select who is affected"),
    "behaviours": Choice(BEHAVIOURS, "Select what kind of abuse it is"),
    "manager_alert": Choice(MANAGER_OPTIONS, "Select whether it is safe for your manager to know"),
}
TELL_SOMEONE_CHOICE = Choice(
    (Option("yes", "Ask me whether someone should be told, such as my manager", "They may work out that it was you."),),
    None,
)
CONTACT_CHOICES: Choices = {"worker_kind": Choice(WORKER_KIND, None)}
SIGNED_IN: Choices = {
    "confidentiality": Choice(CONFIDENTIALITY[:2], "Select how you want to report"),
    **CONTACT_CHOICES,
}


FIELD, SWITCH = "which_form", "switch"
Asked = Callable[[Answers], bool]


def anonymous(answers: Answers) -> bool:
    """Return whether the reporter does not say who they are."""
    return one(answers, "confidentiality") == Confidentiality.ANONYMOUS


def _says_who(answers: Answers) -> bool:
    return not anonymous(answers)


def _other_person_is_named(answers: Answers) -> Sequence[Wrong]:
    if one(answers, "manager_alert") == ManagerAlert.SOMEONE_ELSE and not one(answers, "someone_email"):
        return (("someone_email", "Enter the work email address of the person to tell"),)
    return ()


AFFECTED = Step(
    "affected",
    "Who is affected?",
    (
        Field(
            "affected",
            "Who is affected?",
            Kind.CHECKBOXES,
            "Select all that apply. You can report for someone else.",
        ),
        Field("affected_colleague", "Their name, if you know it", only_if=("affected", "colleague")),
        Field("affected_customer", "Who they are, if you know", only_if=("affected", "customer")),
        Field("affected_public", "Who they are, if you know", only_if=("affected", "public")),
        Field("affected_group", "Which team or group", only_if=("affected", "group")),
    ),
    template="forms/heading-first.html",
)
KIND_OF_ABUSE = Step(
    "kind",
    "What kind of abuse is it?",
    (
        Field(
            "behaviours",
            "What kind of abuse is it?",
            Kind.CHECKBOXES,
            "Select all that apply. It does not have to be exact.",
        ),
    ),
    template="forms/kind.html",
)
PLATFORM_NAME = Field("platform_name", "Its name, if you chose ‘Somewhere else’", only_if=("platform", "other"))
WHERE_IT_CAN_BE_SEEN = (
    Field("platform", "Website or app", Kind.SELECT),
    PLATFORM_NAME,
    Field("urls", "Links to it", Kind.TEXT, "One on each line. Leave empty if you have none."),
    Field("handles", "Accounts that posted it", Kind.TEXT, "For example @some_account. One on each line."),
    Field("content_state", "Can it still be seen online?", Kind.RADIOS),
)
WHEN = Step(
    "when",
    "When did it happen?",
    (
        Field(
            "occurred_at",
            "When did it happen?",
            Kind.MOMENT,
            "For example, 27 3 2026. If it happened more than once, the last time. "
            "Leave everything empty if you do not know.",
        ),
    ),
)
WHAT_HAPPENED = Step(
    "what-happened",
    "What happened?",
    (
        Field(
            "narrative",
            "What happened?",
            Kind.TEXT,
            "In your own words. Write as much or as little as you want.",
            longest=NARRATIVE_LIMIT,
        ),
    ),
)
CAPTURE = "seen_"
MOST_CAPTURES = 10
"""Links of one report of which a form asks what could be seen."""


def capture_field(number: int) -> str:
    """Return the field for what could be seen at the link `number`, counted from 0."""
    return f"{CAPTURE}{number}"


def _captures_too_long(answers: Answers) -> Sequence[Wrong]:
    fields = [(number, capture_field(number)) for number in range(MOST_CAPTURES)]
    message = f"What you saw at link {{}} must be {TEXT_LIMIT:,} characters or fewer"
    return [
        (field, message.format(number + 1)) for number, field in fields if len(one(answers, field) or "") > TEXT_LIMIT
    ]


EVIDENCE = Step(
    "evidence",
    "What evidence is there?",
    (
        Field(
            "evidence",
            "What evidence is there?",
            Kind.CHECKBOXES,
            "Select all that you have. It is fine to have none.",
        ),
        Field(
            "evidence_note",
            "Anything we should know about it",
            Kind.TEXT,
            "For example where it is kept, or who saw it. Leave empty if there is nothing to add.",
            longest=TEXT_LIMIT,
        ),
        *(
            Field(capture_field(number), f"What you saw at link {number + 1}", Kind.TEXT, longest=TEXT_LIMIT)
            for number in range(MOST_CAPTURES)
        ),
    ),
    template="forms/evidence.html",
    also_wrong=_captures_too_long,
    takes_files=True,
)
FILES = Step("evidence", "Do you want to add files?", (), template="forms/files.html", takes_files=True)
"""Of a form that is not about something that happened."""
MANAGER = Step(
    "manager",
    "Is it safe for your manager to know?",
    (
        Field(
            "manager_alert",
            "Is it safe for your manager to know?",
            Kind.RADIOS,
            "The policy asks that your manager is told of abuse when the team is, so that they can support you. If "
            "your manager is involved, or you do not feel safe, choose another answer.",
        ),
        Field(
            "manager_email",
            "Work email address of your manager, if you know it",
            Kind.EMAIL,
            only_if=("manager_alert", "yes"),
        ),
        Field(
            "someone_email",
            "Work email address of the person to tell",
            Kind.EMAIL,
            "They do not see that it was you, unless you tell them.",
            only_if=("manager_alert", "someone_else"),
        ),
    ),
    template="forms/manager.html",
    also_wrong=_other_person_is_named,
)
TELL_SOMEONE = Field(
    "tell_someone",
    "Should anyone besides the team be told?",
    Kind.CHECKBOXES,
    only_if=("confidentiality", Confidentiality.ANONYMOUS),
)
ABOUT_YOU = Step(
    "about-you",
    "How do you want to report?",
    (Field("confidentiality", "How do you want to report?", Kind.RADIOS),),
)
CONTACT = Step(
    "contact",
    "How can we contact you safely?",
    (
        Field("name", "Your name"),
        Field("email", "Your email address", Kind.EMAIL),
        Field("worker_kind", "Are you", Kind.RADIOS),
        Field(
            "safe_contact",
            "A safe way to reach you",
            Kind.TEXT,
            "For example: call my own phone after 6pm, never leave a message. Or an email address alone: only then do "
            "we send email there. Leave empty if your own email is safe.",
            longest=TEXT_LIMIT,
        ),
    ),
    template="forms/contact.html",
    asked=_says_who,
)


def when_abused(step: Step, abused: Asked) -> Step:
    """Return `step` as a form has it that is not for abuse: asked only where someone is being abused (S3)."""
    return replace(step, asked=abused)


def which_form(title: str, template: str, asked: Asked) -> Step:
    """Return the page that says where these answers go, before they are sent, and offers the other form."""
    asks = (Field(FIELD, "How do you want to continue?", Kind.RADIOS),)
    return Step("which-form", title, asks, template=template, numbered=False, listed=False, asked=asked)


def which_form_choice(switch_label: str, stay_label: str) -> Mapping[str, Choice]:
    """Return the choice between going on with the other form and with this one."""
    options = (Option(SWITCH, switch_label, "We keep all your answers."), Option("stay", stay_label))
    return {FIELD: Choice(options, "Select how you want to continue")}
