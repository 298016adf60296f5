"""How the pages answer when a case is not exported."""

from services.triage.export import domain
from shared.web.refusals import Refusal, Refusals

REFUSALS: Refusals = {
    domain.CannotBePrinted: Refusal(
        409,
        "cannot-be-printed",
        "No PDF can be made of this case now",
        "Try again in a minute. If it fails again, mask fewer words, or copy what you need by hand.",
    ),
    domain.ExportTooLarge: Refusal(
        409,
        "export-too-large",
        "The documents of this case are too large for one export",
        "Leave out what is internal.",
    ),
}
