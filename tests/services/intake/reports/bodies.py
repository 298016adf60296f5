"""The kinds of report that need a sign-in: their URL, and the small body that a script sends."""

from collections.abc import Mapping
from typing import NamedTuple

from shared.events import intake
from shared.events.envelope import Event

V1 = "/report/api/v1"


class Kind(NamedTuple):
    """One kind."""

    address: str
    body: Mapping[str, object]
    event: type[Event]


MISUSE = Kind(
    f"{V1}/misuse-reports",
    {
        "subject": {"name": "Kit Marsh", "staff_id": "S2002"},
        "found_by": "person",
        "platform": "facebook",
        "behaviours": ["speaks_for_department"],
        "union_activity": "no",
        "narrative": "They answered as the department",
    },
    intake.MisuseReportSubmitted,
)
INCIDENT = Kind(
    f"{V1}/security-incidents",
    {
        "effects": ["disclosure"],
        "circumstances": ["suspected"],
        "asset_owner": "dwp",
        "discovered_at": "2026-01-05T09:30:00+00:00",
        "narrative": "A list was on the screen in the picture",
    },
    intake.SecurityIncidentSubmitted,
)
ENQUIRY = Kind(
    f"{V1}/enquiries", {"about": "policy", "narrative": "May I use a forum for work?"}, intake.EnquirySubmitted
)
EXCEPTION = Kind(
    f"{V1}/policy-exceptions",
    {
        "kind": "request",
        "business_case": "Claimants are on a network that we do not use",
        "platform": "tiktok",
        "wanted_until": "2027-03-31",
        "narrative": "Run an account there for a campaign",
    },
    intake.PolicyExceptionRequested,
)
KINDS = {"misuse": MISUSE, "security_incident": INCIDENT, "enquiry": ENQUIRY, "policy_exception": EXCEPTION}
