"""All forms on the pages, filled in with canaries: once correctly, and once so that the form is shown again."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from html.parser import HTMLParser

import httpx

from services.intake.forms.forms import Form as QuestionForm
from services.intake.forms.session import FormParts
from shared.auth.permissions import Permission, Role
from shared.runtime import parts_in
from shared.web.forms import CSRF_FIELD
from tests.authorisation import table
from tests.authorisation.table import Row
from tests.authorisation.world import GRACE
from tests.canaries.sender import Sender, breaks, database_that, is_away

ABSENT_ID = "0190c6f0-0000-7000-8000-000000000000"
ROWS = table.load()
_QUERY = ("q", "state", "done", "next", "cursor", "topic", "after")
_PART = re.compile(r"{(\w+)(?::\w+)?}")
_NO_PAGE = ("/health/", "/metrics", "/assets/", ".csv", ".json", "/stream", "/sign-in/callback")
_TYPED = frozenset({"text", "search", "tel", "email", "url", "number", "textarea"})
_MOST_STEPS = 25
_WORDS = frozenset({"text", "words", "reason", "evidence", "what_was_done", "purpose"})
_OF_OPERATORS = ("device", "withdraw", "reinstate", "removal", "exception", "exception-end")
_SEE_MOST = (Role.COMMS, Role.APPROVER, Role.POLICY_STANDARDS, Role.REPORTER, Role.SMART_LEAD, Role.SIRT_LEAD)
_FIGURES = {"-day": "23", "-month": "11", "-year": "2026", "_time": "09:30", "people_affected": "3"}
_CSV = {
    "/accounts/import": "platform,handle,class,status,owner\nx,{0},official,live,{0}\n{0},{0},{0},{0},{0}",
    "/accounts/training/import": "staff_id,course,completed_on\n{0},Course {0},2026-11-20\n{0},{0},{0}",
}


@dataclass
class Shown:
    """A form on a page."""

    action: str
    fixed: dict[str, str] = field(default_factory=dict)
    chosen: dict[str, str] = field(default_factory=dict)
    typed: list[str] = field(default_factory=list)


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[Shown] = []
        self._open: Shown | None = None
        self._select = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._open = Shown(said.get("action", "")) if said.get("method", "").lower() == "post" else None
            self.found.extend([self._open] if self._open else [])
        elif self._open is not None:
            self._control(self._open, tag, said)

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._open = None

    def _control(self, form: Shown, tag: str, said: Mapping[str, str]) -> None:
        name, kind = said.get("name", self._select), said.get("type", "text") if tag == "input" else tag
        if tag == "select":
            self._select = name
        elif tag == "option" and said.get("value"):
            form.chosen[self._select] = said["value"]
        elif kind in {"radio", "checkbox"}:
            form.chosen.setdefault(name, said.get("value", "on"))
        elif kind in _TYPED:
            form.typed.append(name)
        elif (kind == "hidden" or tag == "button") and said.get("name"):
            form.fixed[name] = said.get("value", "")


def forms_in(page: str) -> list[Shown]:
    """Return the forms of a page that send something."""
    reading = _Forms()
    reading.feed(page)
    return reading.found


@dataclass
class Walk:
    """Each person opens every page that they may, and sends each form on it."""

    sender: Sender
    letters: Mapping[str, str]
    """Prefix of a service → one of its dead letters."""
    token: str
    sent: set[str] = field(default_factory=set)
    """`METHOD path (…)` of the table → sent with words that the sender chose."""
    fields: set[tuple[str, str]] = field(default_factory=set)
    """Form of intake, field → typed."""
    ended: set[str] = field(default_factory=set)
    """Intake's forms that were sent completely."""
    typed: int = 0
    _opened: set[str] = field(default_factory=set)
    _done: set[tuple[str, tuple[str, ...]]] = field(default_factory=set)

    async def everything(self) -> None:
        """Open all pages, and complete all forms of intake."""
        for row in ROWS.values():
            no_page = row.is_call or row.endless or any(part in row.path for part in _NO_PAGE)
            if row.method == "GET" and not no_page:
                await self._open_as_all(row)
        for form in parts_in(self.sender.world.services["intake"].app, FormParts).forms.values():
            await self._go_through(form)
        async with self.sender.client() as client:
            chosen = Shown("/sign-in", typed=["persona", "next"])
            await self._send(client, chosen, "/sign-in", {"accept": "text/html"})

    async def _open_as_all(self, row: Row) -> None:
        actions = _OF_OPERATORS if row.fill.get("action") in _OF_OPERATORS else (None,)
        for kind, seeing in (row.objects or {"": row.may}).items():
            ordered = sorted(seeing, key=str)
            for role in dict.fromkeys([*ordered[:2], *(role for role in _SEE_MOST if role in seeing)]):
                for action in actions:
                    filled = replace(row, fill={**row.fill, **({"action": action} if action else {})})
                    await self._open(filled, kind, role)

    async def _open(self, row: Row, kind: str, role: Role | None) -> None:
        """Open a page, once with words in its query, and send each of its forms."""
        address = _PART.sub(lambda part: self._filled(row, kind, part[1]), row.path)
        headers = {"accept": "text/html", **self.sender.world.bearer(role)}
        async with self.sender.client() as client:
            if address not in self._opened:
                self._opened.add(address)
                query = {name: self.sender.canaries.new(f"{row.route} query") for name in _QUERY}
                await self.sender.send(client, row.route, "GET", address, headers=headers, params=query)
            for form in await _forms(client, address, headers):
                await self._send(client, form, address, headers)

    async def _send(self, client: httpx.AsyncClient, form: Shown, address: str, headers: Mapping[str, str]) -> None:
        """Send a form with an error, so that it is shown again, and then correctly, as the page shows it by then."""
        action = form.action or address
        steps = (*sorted(form.typed), *sorted(form.fixed.keys() - {CSRF_FIELD}))
        shape = (re.sub(r"[0-9a-f-]{36}|SP-[0-9A-Z-]+", "*", action), steps)
        if shape in self._done:
            return
        self._done.add(shape)
        self.sent.update(name for name, row in ROWS.items() if _is(row, action, form))
        self.typed += len(form.typed)
        if form.typed:
            spoilt = {name: f"{self._typed(action, name)}\0" for name in form.typed}
            data = {**form.fixed, **spoilt}
            await self.sender.send(client, f"{action}, spoilt", "POST", action, data=data, headers=dict(headers))
            for failure in (breaks, is_away):
                whole = {**form.fixed, **form.chosen, **{name: self._typed(action, name) for name in form.typed}}
                async with database_that(self.sender.world, failure, str(whole)):
                    what = f"{action}, {failure.__name__}"
                    await self.sender.send(client, what, "POST", action, data=whole, headers=dict(headers))
        now = await _forms(client, address, headers)
        shown = next((found for found in now if found.action == form.action), form)
        data = {**shown.fixed, **shown.chosen, **{name: self._typed(action, name) for name in form.typed}}
        await self.sender.send(client, f"{action}, whole", "POST", action, data=data, headers=dict(headers))

    async def the_rest(self) -> None:
        """Send the requests that no page showed in the world's present state, as in the table of who may."""
        for name, row in ROWS.items():
            if row.method == "POST" and not row.is_call and name not in self.sent:
                for kind, seeing in (row.objects or {"": row.may}).items():
                    for role in sorted(seeing, key=str)[:2]:
                        await self._send_anyway(row, kind, role)
                self.sent.add(name)

    async def _send_anyway(self, row: Row, kind: str, role: Role | None) -> None:
        address = _PART.sub(lambda part: self._filled(row, kind, part[1]), row.path)
        headers = {"accept": "text/html", **self.sender.world.bearer(role)}
        async with self.sender.client() as client:
            [shown, *_] = await _forms(client, "/report/track", headers)
            for version in self.sender.versions(address):
                word = self.sender.canaries.new(f"{row.route} anything")
                said = {field: word if field in _WORDS else value for field, value in row.send.get("form", {}).items()}
                data = {CSRF_FIELD: shown.fixed[CSRF_FIELD], "beside": word, **said, "version": str(version)}
                answer = await self.sender.send(client, row.route, "POST", address, data=data, headers=dict(headers))
                if answer.status_code != httpx.codes.PRECONDITION_FAILED:
                    return

    def _typed(self, action: str, name: str) -> str:
        word = self.sender.canaries.new(f"{action} {name}")
        for end, value in _FIGURES.items():
            if name.endswith(end):
                return value
        if name == "csv":
            return _CSV[action].format(word)
        if "email" in name:
            return f"{word}@example.org"
        return f"https://example.com/{word}" if "url" in name else word

    def _filled(self, row: Row, kind: str, part: str) -> str:
        world = self.sender.world
        if part == "letter":
            return self.letters.get(row.path.split("/operations")[0], ABSENT_ID)
        if part == "token":
            return self.token
        if part == "rest" and kind:
            return world.references[kind].removeprefix("SP-")
        return row.fill.get(part) or world.address(part, kind, row.path) or ABSENT_ID

    async def _go_through(self, form: QuestionForm) -> None:
        """Answer a form page by page until it is sent, each page first with an error, and once saved for later."""
        role = (
            None
            if form.open_to_all
            else Role.SUPPLIER
            if form.needs is Permission.REPORT_AS_SUPPLIER
            else Role.REPORTER
        )
        headers = {"accept": "text/html", **self.sender.world.bearer(role, GRACE)}
        address = f"{form.base}/{form.steps[0].slug}"
        async with self.sender.client() as client:
            for _ in range(_MOST_STEPS):
                shown = next(found for found in await _forms(client, address, headers) if _own(found, address))
                self.fields.update((form.name, name) for name in shown.typed)
                self.sent.update(name for name, row in ROWS.items() if _is(row, address, shown))
                spoilt = {name: f"{self._typed(address, name)}\0" for name in shown.typed}
                whole = {name: self._typed(address, name) for name in shown.typed}
                await self._press_the_others(client, address, shown, whole, headers)
                data = {**shown.fixed, **spoilt}
                answer = await self.sender.send(client, address, "POST", address, data=data, headers=dict(headers))
                if not answer.is_redirect:
                    data = {**shown.fixed, **shown.chosen, **whole}
                    answer = await self.sender.send(client, address, "POST", address, data=data, headers=dict(headers))
                address = httpx.URL(answer.headers.get("location", address)).path
                if address.endswith("/sent"):
                    self.ended.add(form.name)
                    return

    async def _press_the_others(
        self,
        client: httpx.AsyncClient,
        address: str,
        shown: Shown,
        whole: Mapping[str, str],
        headers: Mapping[str, str],
    ) -> None:
        """Press each other button of a question once, and leave only the one that goes on.

        A file is added whose name and content are canaries, as a browser without scripts does.
        """
        pressed = {name: shown.fixed.pop(name, None) for name in ("add", "remove", "save")}
        for button in [name for name in ("add", "save") if pressed[name]]:
            name, content = (self._typed(address, what) for what in ("file name", "file content"))
            files = {"file": (f"{name}.txt", f"They wrote {content}".encode())} if button == "add" else None
            data = {**shown.fixed, **whole, button: "yes"}
            what = f"{address}, {button}"
            await self.sender.send(client, what, "POST", address, data=data, files=files, headers=dict(headers))


async def _forms(client: httpx.AsyncClient, address: str, headers: Mapping[str, str]) -> list[Shown]:
    return forms_in((await client.get(address, headers=dict(headers))).text)


def _own(form: Shown, address: str) -> bool:
    return not form.action or form.action.partition("?")[0] == address


def _is(row: Row, action: str, form: Shown) -> bool:
    if row.method != "POST":
        return False
    filled_in = {part: value for part, value in row.fill.items() if not value.startswith("@")}
    parts = _PART.split(row.path)  # text, name, text, …
    pattern = "".join(
        re.escape(part) if at % 2 == 0 else re.escape(filled_in.get(part, "")) or "[^/]+"
        for at, part in enumerate(parts)
    )
    step = row.send.get("form", {}).get("step")
    fits = step is None or step in {*form.chosen.values(), *form.fixed.values()}
    return fits and re.fullmatch(pattern, action.partition("?")[0]) is not None
