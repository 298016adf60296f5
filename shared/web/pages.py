"""Pages: one Jinja environment per service, GOV.UK components, and the data of every page, such as navigation."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import ClassVar

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import BytecodeCache, ChoiceLoader, Environment, FileSystemLoader, PackageLoader, PrefixLoader
from jinja2.bccache import Bucket
from markupsafe import Markup

from shared.auth.guard import current_principal
from shared.auth.permissions import Permission, Principal
from shared.runtime import WebParts, parts_of
from shared.web import times
from shared.web.forms import CSRF_FIELD, FormErrors, FormPage, FormReader
from shared.web.static_files import asset_url


@dataclass(frozen=True, slots=True)
class Entry:
    """One link. `needs`: any one of these permissions; empty means that everyone sees it."""

    text: str
    href: str
    needs: frozenset[Permission] = frozenset()
    about: str = ""
    """What one can do there, for the start page."""


_QUEUES = frozenset(
    {
        Permission.SMART_QUEUE,
        Permission.SIRT_QUEUE,
        Permission.TRIAGE_DESK_QUEUE,
        Permission.ADVICE_QUEUE,
        Permission.POLICY_STANDARDS_QUEUE,
    }
)

ENTRIES = (
    Entry("Report", "/"),
    Entry("Queue", "/cases", _QUEUES, "Find and work on your team’s cases."),
    Entry(
        "Operations",
        "/cases/operations",
        frozenset({Permission.SEE_OPERATIONS}),
        "See how many reports arrive, how long they take and whether anything is stuck.",
    ),
    Entry(
        "Dead letters",
        "/cases/operations/dead-letters",
        frozenset({Permission.OPERATE_DEAD_LETTERS}),
        "Look at events that a service could not handle, and let it try again.",
    ),
    Entry(
        "Rules",
        "/cases/rules",
        frozenset({Permission.SEE_RULES}),
        "Read which team gets which report, and under which clause of the policy.",
    ),
    Entry(
        "Accounts",
        "/accounts",
        frozenset({Permission.SEE_REGISTER}),
        "Look through the register of accounts, see your tasks, or download the register.",
    ),
    Entry("My team", "/alerts/my-team", frozenset({Permission.REPORT})),
    Entry("Is it official?", "/accounts/lookup"),
    Entry("Sessions", "/sessions", frozenset({Permission.ADMINISTER}), "Sign someone out of every service."),
)

_ONLY_ON_THE_START_PAGE = (
    Entry(
        "Report an incident as a supplier",
        "/report/supplier-incident",
        frozenset({Permission.REPORT_AS_SUPPLIER}),
        "Use this form if you work for an organisation that provides a service to the department.",
    ),
)


def work_of(principal: Principal | None) -> Sequence[Entry]:
    """Return the pages that are for this person because of a role, and not for everyone who works here."""
    if principal is None:
        return []
    roles_only = (entry for entry in (*ENTRIES, *_ONLY_ON_THE_START_PAGE) if entry.needs - {Permission.REPORT})
    return [entry for entry in roles_only if any(map(principal.may, entry.needs))]


def navigation(principal: Principal | None, path: str) -> Sequence[dict[str, object]]:
    """Return the `navigation` parameter of the GOV.UK service navigation for the page at `path`."""
    shown = [entry for entry in ENTRIES if not entry.needs or (principal and any(map(principal.may, entry.needs)))]
    here = max((entry for entry in shown if _covers(entry, path)), key=lambda entry: len(entry.href), default=None)
    return [
        {
            "text": e.text,
            "href": e.href,
            "current": e is here and e.href == path,
            "active": e is here and e.href != path,
        }
        for e in shown
    ]


def _covers(entry: Entry, path: str) -> bool:
    if entry.href == "/":
        return path.startswith("/report")
    if entry.href == "/cases/operations/dead-letters" and "/operations/dead-letters" in path:
        return True
    return path == entry.href or path.startswith(f"{entry.href}/")


SERVICE_NAME = "Signpost"
_OWN_TEMPLATES = Path(__file__).parent / "templates"


class _CompiledOnce(BytecodeCache):
    """Keeps compiled templates for the process, so that services in one process do not compile the components again."""

    _compiled: ClassVar[dict[str, bytes]] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if compiled := self._compiled.get(bucket.key):
            bucket.bytecode_from_string(compiled)

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._compiled[bucket.key] = bucket.bytecode_to_string()


def make_environment(templates: Sequence[Path]) -> Environment:
    """Return the environment of a service, with its own templates, the shared ones and GOV.UK's components."""
    environment = Environment(
        loader=ChoiceLoader(
            [
                FileSystemLoader([*templates, _OWN_TEMPLATES]),
                PrefixLoader({"govuk_frontend_jinja": PackageLoader("govuk_frontend_jinja")}),
            ]
        ),
        autoescape=True,
        auto_reload=False,
        bytecode_cache=_CompiledOnce(),
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"uk_time": times.uk_time, "uk_date": times.uk_date}
    environment.globals |= {"asset": asset_url, "service_name": SERVICE_NAME}
    return environment


def render(request: Request, template: str, status_code: int = 200, **context: object) -> HTMLResponse:
    """Render `template` for the person who makes the request.

    Every template knows `principal`, `csrf_token`, `csrf_input`, `service_name`, `nav`, `errors` and `now`.
    """
    environment = parts_of(request, WebParts).templates
    html = environment.get_template(template).render({**_for_every_page(request), **context})
    return HTMLResponse(html, status_code)


def show_form(
    request: Request,
    page: FormPage,
    form: FormReader | None = None,
    status_code: int = 422,
    *,
    template: str = "form.html",
) -> HTMLResponse:
    """Show a form, with what was typed; if `form` has errors, with these and `status_code`.

    `template` extends `form.html`, for a page that says more than its `FormPage`.
    """
    form = form or FormReader({})
    return render(request, template, status_code if form.errors else 200, page=page, form=form, errors=form.errors)


@dataclass(frozen=True, slots=True)
class CheckPage:
    """A page that shows the answers once more. Its buttons post them again, with what was chosen (`CheckStep`)."""

    title: str
    rows: Sequence[tuple[str, str]]
    """Questions and answers."""
    button: str
    action: str
    about: str | None = None
    says: Sequence[str] = ()
    """What happens next."""


def show_check(request: Request, page: CheckPage, form: FormReader) -> HTMLResponse:
    """Show the answers of a form once more, before they count."""
    return render(request, "check.html", page=page, form=form)


def _for_every_page(request: Request) -> dict[str, object]:
    principal = current_principal(request)
    parts = parts_of(request, WebParts)
    now, settings = parts.clock.now(), parts.settings
    token = request.scope["csrftoken"]()
    return {
        "principal": principal,
        "csrf_token": token,
        "csrf_input": Markup('<input type="hidden" name="{}" value="{}">').format(CSRF_FIELD, token),
        "nav": navigation(principal, request.url.path),
        "errors": FormErrors(),
        "now": now,
        "ago": partial(times.ago, now=now),
        "path": request.url.path,
        "sections": getattr(request.state, "sections", ()),
        "notice": getattr(request.state, "notice", None),
        "organisation": settings.organisation,
        "branded": settings.branded,
        "feedback_url": settings.feedback_url,
        "help_contact": settings.help_contact,
    }
