"""Says in words what a decision says in codes."""

from shared.events.vocabulary import Team

TEAM_NAMES = {
    Team.SMART: "SMART",
    Team.SIRT: "SIRT",
    Team.LINE_MANAGER: "the line manager",
    Team.ADVICE_CENTRE: "the Security Advice Centre",
    Team.POLICY_STANDARDS: "Security Policy and Standards",
    Team.TRIAGE_DESK: "the triage desk",
}
"""How a team is named in a sentence."""

_CLAUSES = {
    "P": "purpose {}",
    "O": "overview {}",
    "Sc-": "scope {}",
    "D-": "the definition of {}",
    "S": "statement {}",
    "R-": "responsibilities {}",
    "C-": "compliance {}",
    "X": "closing paragraph {}",
}


def clause_words(clause: str) -> str:
    """Return for example `statement 3` for S3 and `compliance h` for C-h."""
    prefix = max((prefix for prefix in _CLAUSES if clause.startswith(prefix)), key=len)
    return _CLAUSES[prefix].format(clause.removeprefix(prefix).replace("-", " "))


def explanation(team: Team, rule: str, clause: str, sentence: str) -> str:
    """Return why a case was sent where it was, for anybody to read."""
    return f"Sent to {TEAM_NAMES[team]} by rule {rule} because of {clause_words(clause)}. {sentence}"
