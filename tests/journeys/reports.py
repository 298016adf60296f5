"""Reports as a program sends them: for journeys that begin after the form."""

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import httpx
from pydantic import BaseModel

from services.embedded.data_directory import SAMPLE
from shared.auth.permissions import Principal
from shared.auth.personas import load_personas
from shared.auth.tokens import TokenIssuer
from shared.clock import SystemClock
from shared.ids import StaffId
from tests.support.embedded import EmbeddedSignpost
from tests.support.eventually import eventually

WORDS = "What was seen, in the reporter's own words."
ABUSE: Mapping[str, object] = {
    "platform": "instagram",
    "content_kind": "message",
    "urls": ["https://www.instagram.com/p/C1a2B3c4D5e/"],
    "behaviours": ["harassment"],
    "affected": [{"relation": "self"}],
    "narrative": WORDS,
}
MISUSE: Mapping[str, object] = {
    "subject": {"name": "Tom Evans", "staff_id": "S1002"},
    "platform": "facebook",
    "behaviours": ["speaks_for_department"],
    "union_activity": "no",
    "account_kind": "personal",
    "narrative": WORDS,
}
INCIDENT: Mapping[str, object] = {
    "effects": ["disclosure"],
    "circumstances": ["suspected"],
    "asset_owner": "dwp",
    "discovered_at": "2026-01-05T09:30:00+00:00",
    "narrative": WORDS,
}
ENQUIRY: Mapping[str, object] = {"about": "policy", "narrative": "May I answer customers from my own account?"}
EXCEPTION: Mapping[str, object] = {
    "kind": "request",
    "business_case": "Nobody reads our leaflets.",
    "narrative": "Films of three minutes on a website that the policy does not know.",
}
_ADDRESSES = {
    "abuse": "abuse-reports",
    "misuse": "misuse-reports",
    "incident": "security-incidents",
    "enquiry": "enquiries",
    "exception": "policy-exceptions",
}


_REPORTERS = ("S1001", "S1002", "S2001", "S3001")
_PLAIN = ("trolling", "harassment", "cyberbullying")
_WHAT = ("a reply under my post", "a comment on a photo of my office", "a post that names my job", "a message to me")
_HOW = ("It calls me lazy.", "It says that I lie to customers.", "It mocks how I speak.", "It came three times.")


def plain_reports(seed: int, count: int, platform: str) -> Iterator[tuple[str, Mapping[str, object]]]:
    """Yield who reports, and reports of which each becomes one plain case of SMART: nothing in common, no danger."""
    dice = random.Random(seed)
    for _ in range(count):
        words = f"Number {dice.getrandbits(40):x}: {dice.choice(_WHAT)}. {dice.choice(_HOW)}"
        said = {"urls": [f"https://www.{platform}.com/pin/{dice.randrange(10**11, 10**12)}/"], "narrative": words}
        behaviour = {"platform": platform, "behaviours": [dice.choice(_PLAIN)]}
        yield dice.choice(_REPORTERS), {**ABUSE, **said, **behaviour, "content_kind": dice.choice(("message", "post"))}


def burst(count: int, link: str) -> Iterator[tuple[str | None, Mapping[str, object]]]:
    """Yield who reports, some without a name, and reports of one post in different words."""
    for number in range(count):
        words = f"Customers send me one picture of our front door, the last at {number // 60 + 9}:{number % 60:02}"
        said = {"urls": [link], "narrative": words, "affected": [{"relation": "unknown"}]}
        yield (None, *_REPORTERS)[number % 5], {**ABUSE, **said}


@dataclass(frozen=True, slots=True)
class Sent:
    """An accepted report."""

    report_id: str
    reference: str


class Routing(BaseModel):
    """Why a case was routed as it was."""

    rule: str
    clause: str
    misdirected: bool


class Case(BaseModel):
    """A case, as the API shows it."""

    case_id: str
    reference: str
    team: str
    state: str
    priority: str
    restricted: bool
    routing: Routing


class Program:
    """Sends reports and reads cases as the sample people."""

    def __init__(self, signpost: EmbeddedSignpost, client: httpx.AsyncClient) -> None:
        key = (signpost.data_dir / "keys" / "signing-key.pem").read_bytes()
        self._issuer = TokenIssuer(key)
        self._people = {one.principal.staff_id: one.principal for one in load_personas(SAMPLE / "personas.yaml")}
        self._client = client

    async def send(self, form: str, body: Mapping[str, object], staff_id: str | None = "S1001") -> Sent:
        """Send a report through the form's API; without a `staff_id`, without a name."""
        headers = self._headers(staff_id) if staff_id else {}
        answer = await self._client.post(f"/report/api/v1/{_ADDRESSES[form]}", json=body, headers=headers)
        assert answer.status_code == httpx.codes.CREATED, answer.text
        return Sent(answer.json()["report_id"], answer.json()["reference"])

    async def attach(self, reference: str, name: str, content: bytes, staff_id: str = "S1001") -> None:
        """Send a file with a report, as its reporter."""
        address = f"/report/api/v1/reports/{reference}/evidence"
        answer = await self._client.post(address, files={"file": (name, content)}, headers=self._headers(staff_id))
        assert answer.status_code == httpx.codes.CREATED, answer.text

    async def cases(self, staff_id: str, report_id: str, team: str | None = None) -> list[Case]:
        """Return the cases of a report that this person may see, in full."""
        wanted = {"report_id": report_id, "sort": "newest"} | ({"team": team} if team else {})
        listed = (await self._get("/cases/api/v1/cases", staff_id, wanted)).json()["items"]
        found = [await self._get(f"/cases/api/v1/cases/{one['case_id']}", staff_id, {}) for one in listed]
        return [Case.model_validate_json(answer.content) for answer in found]

    async def case(self, staff_id: str, report_id: str, team: str | None = None) -> Case:
        """Wait for the case of a report that this person may see."""

        async def there() -> Case | None:
            return next(iter(await self.cases(staff_id, report_id, team)), None)

        return await eventually(there)

    async def ask(
        self, staff_id: str, address: str, body: Mapping[str, object] | None = None, version: int | None = None
    ) -> dict[str, Any]:
        """Return an API's response: to `body` if there is one, with `version` if a decision needs one."""
        headers = self._headers(staff_id) | ({"if-match": f'"{version}"'} if version else {})
        method = "GET" if body is None else "POST"
        answer = await self._client.request(method, address, json=body, headers=headers)
        found: dict[str, Any] = answer.raise_for_status().json()
        return found

    async def _get(self, address: str, staff_id: str, parameters: Mapping[str, str]) -> httpx.Response:
        answer = await self._client.get(address, params=parameters, headers=self._headers(staff_id))
        return answer.raise_for_status()

    def _headers(self, staff_id: str) -> dict[str, str]:
        person: Principal = self._people[StaffId(staff_id)]
        return {"authorization": f"Bearer {self._issuer.bearer(person, SystemClock().now())}"}
