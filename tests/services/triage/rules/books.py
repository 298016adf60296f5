"""Rule books for tests: the packaged one with a change."""

from services.triage.routing import rulebook


def book_with(*changes: tuple[str, str]) -> str:
    """Return the packaged book with each first text replaced by the second."""
    text = rulebook.PACKAGED.read_text("utf-8")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    return text


RECORDINGS_TO_SIRT = (
    """('unauthorised_recording' in behaviours || content_kind in ['video_recording', 'call_recording'])
    team: smart""",
    """('unauthorised_recording' in behaviours || content_kind in ['video_recording', 'call_recording'])
    team: sirt""",
)
RECORDINGS_RENAMED = ("  - id: unauthorised-recording", "  - id: recordings")
EVERYTHING_TO_THE_DESK = (
    """rules:
""",
    """rules:
  - id: desk-first
    clause: R-c
    state: live
    when: "true"
    team: triage_desk
    category: unclear
    sentence: A person reads every report first.
""",
)
RULE_WITH_A_TYPO = ("earlier_reports >= 3", "eerlier_reports >= 3")
