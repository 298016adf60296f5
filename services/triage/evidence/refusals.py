"""How the API and the pages answer when evidence is not shown."""

from services.triage.evidence import domain
from shared.web.refusals import Refusal, Refusals

REFUSALS: Refusals = {
    domain.EvidenceNotFound: Refusal(
        404, "evidence-not-found", "There is no such evidence on this case", "Look at the list of what there is."
    ),
    domain.EvidenceWithdrawn: Refusal(
        410, "evidence-removed", "The reporter took this evidence back", "Ask them for it if you still need it."
    ),
    domain.EvidenceInfected: Refusal(
        409,
        "evidence-infected",
        "The virus scanner found something in this file",
        "It cannot be opened here. Ask the security team how to look at it.",
    ),
    domain.EvidenceWithheld: Refusal(
        409,
        "evidence-withheld",
        "An email says who sent and received it, so it cannot be downloaded",
        "Open a preview of it.",
    ),
    domain.NothingToExport: Refusal(
        409, "nothing-to-export", "There is no evidence to export", "Nothing was added, or it cannot be opened."
    ),
    domain.TooMuchToExport: Refusal(
        409,
        "too-much-to-export",
        f"One export takes {domain.MOST_IN_AN_EXPORT} pieces of evidence",
        "Name some of them in evidence_ids, and export the rest after that.",
    ),
}
