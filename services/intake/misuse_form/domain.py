"""What the answers to the form for misuse say about which form they belong to."""

from services.intake.drafts.domain import Answers


def being_abused(answers: Answers) -> bool:
    """Say whether the reporter says that somebody is being abused, or may be: a doubt goes to no manager either."""
    return answers.get("being_abused") in {("yes",), ("unsure",)}


def says_abuse(answers: Answers) -> bool:
    """Say whether it is for the abuse team, whatever the form (S1): abuse by a colleague goes to no manager."""
    return being_abused(answers) or "harassment" in answers.get("misuse", ())


def about_a_failure_to_report(answers: Answers) -> bool:
    """Say whether it is about an incident that somebody kept to themselves (C-c, C-i)."""
    return "failure_to_report" in answers.get("misuse", ())


def official_account(answers: Answers) -> bool:
    """Say whether an official account is said to be misused: it may be in somebody else's hands."""
    return answers.get("account_kind") == ("official",)


def as_abuse(answers: Answers) -> Answers:
    """Return what the answers say in the fields of the form for abuse: the subject is who is suspected."""
    subject = {f"suspected_{part}": answers.get(f"subject_{part}", ()) for part in ("name", "staff_id", "handle")}
    harassment = ("harassment",) if "harassment" in answers.get("misuse", ()) else ()
    at_risk = (
        ("dwp_information", answers.get("dwp_information") == ("yes",)),
        ("account_taken_over", official_account(answers) and answers.get("taken_over") == ("yes",)),
    )
    return {
        **subject,
        "known": ("colleague",) if any(subject.values()) else (),
        "behaviours": harassment,
        "also_affects": tuple(risk for risk, said in at_risk if said),
    }
