"""How the API and the pages answer when a reply template is not stored."""

from services.triage.conversation import domain
from shared.web.refusals import Refusal, Refusals

REFUSALS: Refusals = {
    domain.TemplateNotFound: Refusal(404, "template-not-found", "There is no such template", "It may be withdrawn."),
    domain.TemplateChanged: Refusal(
        412, "template-changed", "Someone changed the template since you read it", "Read it again.", field="text"
    ),
    domain.NotYourTemplate: Refusal(
        403, "not-your-template", "Only a lead of the team changes its templates", "Ask a lead.", field="team"
    ),
    domain.NoSuchField: Refusal(
        422,
        "no-such-field",
        "The text has a field in braces that no case fills in",
        f"Use {', '.join('{' + name + '}' for name in domain.FIELDS)}, or leave the braces out.",
        field="text",
    ),
}
