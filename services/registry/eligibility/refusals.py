"""The answer to each refusal to record training or vetting."""

from services.registry.context import dependencies as context
from services.registry.eligibility.handlers import OwnVetting
from shared.web.refusals import Refusal, Refusals

REFUSALS: Refusals = {
    **context.REFUSALS,
    OwnVetting: Refusal(403, "own-vetting", "Another person records your own vetting", field="staff_id"),
}
