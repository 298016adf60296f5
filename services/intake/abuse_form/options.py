"""What can be chosen on the form for abuse alone; what other forms ask too is with the questions."""

from services.intake.questions.domain import Choice, Choices, Option
from services.intake.questions.options import ABUSE, BEHAVIOURS, CONFIDENTIALITY, CONTACT, HAPPENED, KNOWN

__all__ = ["ALSO_AFFECTS", "BEHAVIOURS", "CHOICES", "CONTENT_KIND", "NOTHING_ELSE"]

NOTHING_ELSE = "none"
SAFE = (
    Option("yes", "Yes, I can report now"),
    Option("no", "No, somebody could see my screen or stop me"),
    Option("danger", "Somebody is in immediate danger"),
)
CONTENT_KIND = (
    Option("post", "A post"),
    Option("comment", "A comment or reply"),
    Option("message", "A private message"),
    Option("image", "A picture"),
    Option("video", "A video"),
    Option("video_recording", "A video recording of somebody, made without their agreement"),
    Option("call_recording", "A recording of a call, made without agreement"),
    Option("review", "A review"),
    Option("chatroom", "A chatroom"),
    Option("forum", "A forum"),
    Option("blog", "A blog"),
    Option("profile", "A profile or an account"),
    Option("other", "Something else"),
)
ALSO_AFFECTS = (
    Option("dwp_information", "DWP information", "For example a screenshot of a DWP system, or customers' details"),
    Option("system", "A DWP computer system or device", "For example a suspicious link that somebody opened"),
    Option("sanctioned_account", "An official DWP account", "Somebody is trying to get control of it"),
    Option("account_taken_over", "An official DWP account was taken over", "Somebody else is posting from it"),
)
CHOICES: Choices = {
    **HAPPENED,
    **ABUSE,
    **CONTACT,
    "safe": Choice(SAFE, "Select whether it is safe for you to report now"),
    "content_kind": Choice(CONTENT_KIND, None),
    "also_affects": Choice(
        (*ALSO_AFFECTS, Option(NOTHING_ELSE, "None of these, or I do not know")),
        "Select what else is at risk, or ‘None of these’",
        many=True,
        alone=NOTHING_ELSE,
    ),
    "known": Choice(KNOWN, "Select whether you know who did it"),
    "confidentiality": Choice(CONFIDENTIALITY, "Select how you want to report"),
}
