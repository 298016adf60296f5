"""The parts of the page that change: drawn once for the page and again for whoever looks on."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from jinja2 import Environment
from markupsafe import Markup

from services.triage.cases.views import duration
from services.triage.operations.dashboard import Dashboard
from services.triage.operations.domain import UK
from shared.web.dead_letters import address_of

TOP = "top"


def clock(moment: datetime) -> str:
    """Return a time of today to the second: `10:40:12am`."""
    return f"{moment.astimezone(UK):%I:%M:%S%p}".lstrip("0").lower()


@dataclass(frozen=True, slots=True)
class Fragments:
    """Draws for somebody; who `operates` dead letters gets links to them."""

    environment: Environment
    operates: bool

    def of(self, shown: Dashboard) -> Mapping[str, Markup]:
        """Return the inside of each part by the id of its place."""
        words = {"duration": duration, "timedelta": timedelta}
        top = self.environment.get_template("operations/top.html").render(top=shown.top, **words)
        panel = self.environment.get_template("operations/panel.html")
        letters = shown.letters if self.operates else ()
        drawn = {TOP: Markup(top)}  # noqa: S704 -- drawn by a template, which escapes
        for one in shown.panels:
            inside = panel.render(
                panel=one, days=shown.days, letters=letters, address_of=address_of, operates=self.operates
            )
            drawn[one.id] = Markup(inside)  # noqa: S704 -- as above
        return drawn
