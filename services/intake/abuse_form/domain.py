"""What the answers to the form for abuse say about which form they belong to."""

from services.intake.drafts.domain import Answers

NOTHING_ELSE = "none"


def says_only_incident(answers: Answers) -> bool:
    """Say whether nothing of it is abuse of a person, but something of the department is at risk."""
    at_risk = set(answers.get("also_affects", ())) - {NOTHING_ELSE}
    return bool(at_risk) and set(answers.get("behaviours", ())) == {"other"}


def as_incident(answers: Answers) -> Answers:
    """Return what the answers say in the fields of the form for security incidents."""
    at_risk = set(answers.get("also_affects", ()))
    taken_over = "account_taken_over" in at_risk
    account = taken_over or "sanctioned_account" in at_risk
    effects = [
        effect
        for effect, said in (
            ("access", "system" in at_risk or account),
            ("disclosure", "dwp_information" in at_risk),
        )
        if said
    ]
    return {
        "effects": tuple(effects),
        "asset_owner": ("dwp",),
        "social_account": ("yes",) if account else (),
        "account_platform": answers.get("platform", ()) if account else (),
        "taken_over": ("yes",) if taken_over else (),
        "being_abused": ("no",) if says_only_incident(answers) else (),
    }
