"""What follows some of the reports: a file, an answer, and an outcome that another person looks at again."""

import asyncio
import struct
import zlib
from collections.abc import Awaitable, Callable, Mapping, Sequence

import httpx

from demo.readers import Case
from demo.reports import Sender
from demo.results import FollowUp, Row
from demo.tokens import Bearer
from shared.auth.permissions import Role
from shared.events.vocabulary import Team

RESPONDER = Sender(Role.SMART_RESPONDER, "S4001")
"""Resolves the cases."""
LEAD = Sender(Role.SMART_LEAD, "S4002")
"""Looks at their outcomes again."""
_ONE_IN = 8
_MOST = 24
_LOOK_AGAIN = 0.2
_NOT_YET = frozenset({httpx.codes.CONFLICT, httpx.codes.PRECONDITION_FAILED, httpx.codes.TOO_MANY_REQUESTS})
"""Something that has to come first is on its way, or came first."""
_SIDE = 16
Content = Mapping[str, object]


class _DidNotHappen(Exception):
    """A step was refused until there was no more time; the message names the step."""


def chosen(rows: Sequence[Row]) -> list[Row]:
    """Return the reports that something follows: some of those with one case, of SMART, by a person who signed in."""
    team = {RESPONDER.staff_id, LEAD.staff_id}
    fit = [
        row
        for row in rows
        if row.first and row.first.team == Team.SMART and not row.linked and row.answer.sender.staff_id
        if row.answer.sender.staff_id not in team
    ]
    return fit[::_ONE_IN][:_MOST]


class FollowingUp:
    """Does for each chosen report what a reporter and two responders would do, all at once."""

    def __init__(self, client: httpx.AsyncClient, bearer: Bearer, *, wait: float) -> None:
        self._client = client
        self._bearer = bearer
        self._until = asyncio.get_running_loop().time() + wait

    async def run(self, rows: Sequence[Row]) -> list[FollowUp]:
        """Return what came of the reports."""
        return list(await asyncio.gather(*(self._follow(row, row.first) for row in rows if row.first)))

    async def _follow(self, row: Row, case: Case) -> FollowUp:
        reporter, report = row.answer.sender, f"/report/api/v1/reports/{case.reference}"
        theirs = f"/cases/api/v1/cases/{case.case_id}"
        try:
            await self._send_file(reporter, report, row.answer.number)
            await self._change(RESPONDER, theirs, "claim", {})
            await self._change(RESPONDER, theirs, "notes", {"text": "Are the posts still there?", "shared": True})
            await self._post("the answer", reporter, f"{report}/messages", {"text": "Yes, all of them."})
            await self._seen("the file", f"{theirs}/evidence", lambda one: one["added_by"] == "reporter")
            await self._seen("the answer", f"{theirs}/conversation", lambda one: one["kind"] == "message")
            await self._change(RESPONDER, theirs, "threat", {"threat": False, "reason": "They are safe and at home."})
            await self._change(RESPONDER, theirs, "resolve", {"outcome": "support_given"})
            await self._post("the request to look again", reporter, f"{report}/review", {"reason": "It goes on."})
            await self._seen("the request to look again", f"{theirs}/review", lambda one: one["result"] is None)
            await self._change(LEAD, theirs, "review", {"result": "uphold", "reason": "All was done that can be."})
            await self._seen("the decision", f"{theirs}/review", lambda one: one["result"] == "upheld")
        except _DidNotHappen as error:
            return FollowUp(case.reference, str(error))
        return FollowUp(case.reference)

    async def _send_file(self, reporter: Sender, report: str, number: int) -> None:
        async def send() -> httpx.Response:
            file = {"file": ("what-i-saw.png", picture(number), "image/png")}
            return await self._client.post(f"{report}/evidence", files=file, headers=await self._signed(reporter))

        await self._until_done("the file", send)

    async def _post(self, step: str, sender: Sender, address: str, body: Content) -> None:
        async def post() -> httpx.Response:
            return await self._client.post(address, json=body, headers=await self._signed(sender))

        await self._until_done(step, post)

    async def _change(self, sender: Sender, case: str, step: str, body: Content) -> None:
        """Change the case as it is then: what the reporter sends meanwhile makes another version."""

        async def change() -> httpx.Response:
            read = await self._client.get(case, headers=await self._signed(sender))
            headers = await self._signed(sender) | {"If-Match": read.headers.get("etag", "")}
            return await self._client.post(f"{case}/{step}", json=body, headers=headers)

        await self._until_done(step, change)

    async def _seen(self, what: str, address: str, is_it: Callable[[Mapping[str, object]], bool]) -> None:
        """Wait until the lead finds it in a list of the case."""

        async def read() -> httpx.Response:
            answer = await self._client.get(address, headers=await self._signed(LEAD))
            found = answer.is_success and any(map(is_it, answer.json()["items"]))
            return answer if found or not answer.is_success else httpx.Response(httpx.codes.CONFLICT)

        await self._until_done(what, read)

    async def _until_done(self, step: str, ask: Callable[[], Awaitable[httpx.Response]]) -> None:
        """Ask until it is done.

        Raises:
            _DidNotHappen: it was refused, or there is no more time.
        """
        while True:
            try:
                answer = await ask()
            except httpx.TransportError:
                answer = httpx.Response(httpx.codes.SERVICE_UNAVAILABLE)
            if answer.is_success:
                return
            may_come = answer.is_server_error or answer.status_code in _NOT_YET
            if not may_come or asyncio.get_running_loop().time() >= self._until:
                raise _DidNotHappen(f"{step} ({answer.status_code})")
            await asyncio.sleep(_LOOK_AGAIN)

    async def _signed(self, sender: Sender) -> dict[str, str]:
        return {"Authorization": await self._bearer(sender)}


def picture(number: int) -> bytes:
    """Return a small grey picture (PNG), another for each number up to 255."""
    header = struct.pack(">2I5B", _SIDE, _SIDE, 8, 0, 0, 0, 0)
    lines = (b"\0" + bytes([number % 256]) * _SIDE) * _SIDE
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(lines)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in chunks)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
