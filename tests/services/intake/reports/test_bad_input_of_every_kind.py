"""An invalid report is refused by the name of its field, and nothing of it is kept or repeated."""

from collections.abc import Mapping

from httpx import AsyncClient

from tests.services.intake.conftest import Intake
from tests.services.intake.reports.bodies import ENQUIRY, EXCEPTION, INCIDENT, KINDS, MISUSE, Kind
from tests.services.intake.reports.test_api import how_many
from tests.services.intake.reports.test_bad_input import CANARY, TOO_LONG, UNREADABLE

SOON = "2026-11-23T11:42:00+00:00"
Bad = tuple[str, Kind, Mapping[str, object], str]
OF_ALL: list[Bad] = [
    (f"{what} in {name}", kind, changes, field)
    for name, kind in KINDS.items()
    for what, changes, field in (
        ("an empty story", {"narrative": ""}, "narrative"),
        ("white space", {"narrative": " \u200b\n"}, "narrative"),
        ("100 KB", {"narrative": TOO_LONG}, "narrative"),
        ("U+0000", {"narrative": f"a\0{CANARY}"}, "narrative"),
        ("a number for a text", {"narrative": 5}, "narrative"),
        ("an unknown field", {CANARY: "x"}, CANARY),
        ("an unknown kind of worker", {"worker_kind": CANARY}, "worker_kind"),
        ("a text for yes or no", {"confidential": "yes"}, "confidential"),
        ("a long way to be reached", {"safe_contact": "n" * 4_001}, "safe_contact"),
    )
]
OF_OCCURRENCES: list[Bad] = [
    (f"{what} in {name}", KINDS[name], changes, field)
    for name in ("misuse", "security_incident")
    for what, changes, field in (
        ("an unknown platform", {"platform": CANARY}, "platform"),
        ("other without a name", {"platform": "other"}, "platform_name"),
        ("no URL", {"urls": [CANARY]}, "urls"),
        ("a script for a URL", {"urls": ["javascript:alert(1)"]}, "urls"),
        ("too many URLs", {"urls": [f"https://x.com/{n}" for n in range(21)]}, "urls"),
        ("U+0000 in a list", {"handles": [f"{CANARY}\0"]}, "handles.0"),
        ("the future", {"occurred_at": SOON}, "occurred_at"),
        ("no offset", {"occurred_at": "2026-11-22T11:42:00"}, "occurred_at"),
        ("long ago", {"occurred_at": "1066-10-14T09:00:00+00:00"}, "occurred_at"),
        ("no e-mail address", {"manager_email": CANARY}, "manager_email"),
        ("an unknown relation", {"affected": [{"relation": CANARY}]}, "affected.0.relation"),
        ("too many people", {"affected": [{"relation": "group"}] * 21}, "affected"),
        ("from the future", {"manager_alert": "unrecognised"}, "manager_alert"),
    )
]
OF_ONE: list[Bad] = [
    ("nothing of misuse", MISUSE, {"behaviours": []}, "behaviours"),
    ("misuse from the future", MISUSE, {"behaviours": ["unrecognised"]}, "behaviours.0"),
    ("abuse from the future", MISUSE, {"abuse_behaviours": ["unrecognised"]}, "abuse_behaviours.0"),
    ("about nobody", MISUSE, {"subject": {}}, "subject"),
    ("a long name", MISUSE, {"subject": {"name": "n" * 201}}, "subject.name"),
    ("a subject with more", MISUSE, {"subject": {"name": "K", "union": CANARY}}, "subject.union"),
    ("an unknown answer", MISUSE, {"union_activity": CANARY}, "union_activity"),
    ("an unknown account", MISUSE, {"account_kind": CANARY}, "account_kind"),
    ("an unknown hand", MISUSE, {"taken_over": CANARY}, "taken_over"),
    ("an unknown device", MISUSE, {"device": CANARY}, "device"),
    ("no reference", MISUSE, {"related_reference": CANARY}, "related_reference"),
    ("a reference misread", MISUSE, {"related_reference": "SP-0000-0001"}, "related_reference"),
    ("no effect", INCIDENT, {"effects": []}, "effects"),
    ("neither effect nor abuse", INCIDENT, {"effects": [], "behaviours": []}, "effects"),
    ("an unknown effect", INCIDENT, {"effects": [CANARY]}, "effects.0"),
    ("an effect from the future", INCIDENT, {"effects": ["unrecognised"]}, "effects.0"),
    ("no circumstance", INCIDENT, {"circumstances": []}, "circumstances"),
    ("an unknown owner", INCIDENT, {"asset_owner": CANARY}, "asset_owner"),
    ("discovered later", INCIDENT, {"discovered_at": SOON}, "discovered_at"),
    ("discovered before", INCIDENT, {"occurred_at": "2026-01-06T09:30:00+00:00"}, "discovered_at"),
    ("discovered, a number", INCIDENT, {"discovered_at": 1_700_000_000}, "discovered_at"),
    ("fewer than none", INCIDENT, {"people_affected": -1}, "people_affected"),
    ("more than there are", INCIDENT, {"people_affected": 10**9}, "people_affected"),
    ("half a person", INCIDENT, {"people_affected": 1.5}, "people_affected"),
    ("an unknown place", INCIDENT, {"account": {"platform": CANARY}}, "account"),
    ("a place left empty", INCIDENT, {"account": {"platform": " "}}, "account.platform"),
    ("U+0000 in an account", INCIDENT, {"account": {"platform": "x", "handle": f"{CANARY}\0"}}, "account.handle"),
    ("a long note", INCIDENT, {"asset_note": "n" * 4_001}, "asset_note"),
    ("an unknown topic", ENQUIRY, {"about": CANARY}, "about"),
    ("a topic from the future", ENQUIRY, {"about": "unrecognised"}, "about"),
    ("an unknown kind", EXCEPTION, {"kind": CANARY}, "kind"),
    ("no business case", EXCEPTION, {"business_case": " \u200b"}, "business_case"),
    ("until yesterday", EXCEPTION, {"wanted_until": "2026-11-22"}, "wanted_until"),
    ("no day", EXCEPTION, {"wanted_until": CANARY}, "wanted_until"),
    ("a number for a day", EXCEPTION, {"wanted_until": 20270331}, "wanted_until"),
    ("a place unknown", EXCEPTION, {"platform": CANARY}, "platform"),
]


async def test_a_bad_field_is_named_and_nothing_is_kept(intake: Intake, client: AsyncClient) -> None:
    unanswered = []
    for name, kind, changes, field in OF_ALL + OF_OCCURRENCES + OF_ONE:
        answer = await client.post(kind.address, json={**kind.body, **changes}, headers=intake.token())
        named = answer.status_code == 422 and field in [error["field"] for error in answer.json()["errors"]]
        echoed = CANARY in answer.text.replace(f'"field":"{CANARY}"', "")
        if not named or echoed or answer.headers["content-type"] != "application/problem+json":
            unanswered.append((name, answer.status_code, answer.text))
    assert unanswered == []
    assert await how_many(intake) == (0, 0, 0)


async def test_a_needed_field_that_is_missing_is_named(intake: Intake, client: AsyncClient) -> None:
    needed: list[tuple[Kind, tuple[str, ...]]] = [(MISUSE, ("platform", "behaviours", "narrative"))]
    needed += [(INCIDENT, ("effects", "circumstances", "asset_owner", "discovered_at", "narrative"))]
    needed += [(ENQUIRY, ("narrative",)), (EXCEPTION, ("narrative",))]
    for kind, names in needed:
        for field in names:
            body = {name: value for name, value in kind.body.items() if name != field}
            answer = await client.post(kind.address, json=body, headers=intake.token())
            assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field)


async def test_a_body_that_cannot_be_read_is_the_clients_fault(intake: Intake, client: AsyncClient) -> None:
    for kind in KINDS.values():
        for name, body in UNREADABLE.items():
            headers = {"content-type": "application/json", **intake.token()}
            answer = await client.post(kind.address, content=body, headers=headers)
            assert 400 <= answer.status_code < 500, (name, answer.text)
    assert await how_many(intake) == (0, 0, 0)
