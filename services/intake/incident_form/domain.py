"""What the answers to the form for security incidents say about which form they belong to."""

from services.intake.drafts.domain import Answers

MOST_DIGITS = 12


def says_abuse(answers: Answers) -> bool:
    """Say whether somebody is being abused, or may be (S3): then it is for the abuse team, whatever the form."""
    return answers.get("being_abused") in {("yes",), ("unsure",)}


def account_involved(answers: Answers) -> bool:
    """Say whether a social media account is involved."""
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
    at_risk = [
        risk
        for risk, said in (
            ("dwp_information", "disclosure" in effects),
            ("system", bool(effects & {"access", "modification", "destruction"}) and not taken_over),
            ("account_taken_over", taken_over),
        )
        if said
    ]
    return {
        "also_affects": tuple(at_risk) or ("none",),
        "platform": answers.get("account_platform", ()) if account_involved(answers) else (),
    }
