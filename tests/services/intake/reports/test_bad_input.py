"""The response to an invalid report: a problem that names the field and never repeats the value."""

from httpx import AsyncClient

from tests.services.intake.conftest import START, Intake, small_body
from tests.services.intake.reports.test_api import ADDRESS, how_many

CANARY = "canary-7f3a"
TOO_LONG = "y" * 100_000

BAD: list[tuple[str, dict[str, object], str]] = [
    ("unknown platform", {"platform": CANARY}, "platform"),
    ("other platform without a name", {"platform": "other"}, "platform_name"),
    ("unknown behaviour", {"behaviours": ["harassment", CANARY]}, "behaviours.1"),
    ("no behaviour", {"behaviours": []}, "behaviours"),
    ("a behaviour from the future", {"behaviours": ["unrecognised"]}, "behaviours.0"),
    ("empty narrative", {"narrative": ""}, "narrative"),
    ("white space only", {"narrative": " \u200b\n"}, "narrative"),
    ("100 KB of narrative", {"narrative": TOO_LONG}, "narrative"),
    ("U+0000 in the narrative", {"narrative": f"a\0{CANARY}"}, "narrative"),
    ("U+0000 in a list", {"handles": [f"{CANARY}\0"]}, "handles.0"),
    ("a future time", {"occurred_at": "2026-11-23T11:42:00+00:00"}, "occurred_at"),
    ("a time without offset", {"occurred_at": "2026-11-22T11:42:00"}, "occurred_at"),
    ("a number for a time", {"occurred_at": 1_700_000_000}, "occurred_at"),
    ("digits for a time", {"occurred_at": "1700000000"}, "occurred_at"),
    ("a week date", {"occurred_at": "2026-W02-1T09:30:00Z"}, "occurred_at"),
    ("a space in a time", {"occurred_at": "2026-01-05 09:30:00Z"}, "occurred_at"),
    ("long ago", {"occurred_at": "1066-10-14T09:00:00+00:00"}, "occurred_at"),
    ("no URL", {"urls": [CANARY]}, "urls"),
    ("a script for a URL", {"urls": ["javascript:alert(1)"]}, "urls"),
    ("a URL with a space", {"urls": ["https://x.com/a b"]}, "urls"),
    ("a URL that is too long", {"urls": ["https://x.com/" + "a" * 3000]}, "urls.0"),
    ("too many URLs", {"urls": [f"https://x.com/{n}" for n in range(21)]}, "urls"),
    ("a number for a text", {"narrative": 5}, "narrative"),
    ("a text for a list", {"urls": CANARY}, "urls"),
    ("a text for yes or no", {"confidential": "yes"}, "confidential"),
    ("nobody affected", {"affected": []}, "affected"),
    ("an unknown relation", {"affected": [{"relation": CANARY}]}, "affected.0.relation"),
    ("an unknown field", {CANARY: "x"}, CANARY),
    ("an unknown field inside", {"affected": [{"relation": "self", "shoe_size": 9}]}, "affected.0.shoe_size"),
    ("no e-mail address", {"manager_email": CANARY}, "manager_email"),
    ("a name that is too long", {"suspected": [{"relation": "unknown", "name": "n" * 201}]}, "suspected.0.name"),
]


async def test_a_bad_field_is_named_and_nothing_is_kept(intake: Intake, client: AsyncClient) -> None:
    unanswered = []
    for name, changes, field in BAD:
        answer = await client.post(ADDRESS, json=small_body(**changes), headers=intake.token())
        named = answer.status_code == 422 and field in [error["field"] for error in answer.json()["errors"]]
        echoed = CANARY in answer.text.replace(f'"field":"{CANARY}"', "")
        if not named or echoed or answer.headers["content-type"] != "application/problem+json":
            unanswered.append((name, answer.status_code, answer.text))
    assert unanswered == []
    assert await how_many(intake) == (0, 0, 0)


async def test_a_missing_field_is_named(client: AsyncClient) -> None:
    for field in ("platform", "behaviours", "affected", "narrative"):
        body = {name: value for name, value in small_body().items() if name != field}
        answer = await client.post(ADDRESS, json=body)
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field)


UNREADABLE = {
    "broken UTF-8": b'{"narrative": "\xff\xfe"}',
    "broken JSON": b"{",
    "a list": b"[]",
    "nothing": b"",
    "half a character": b'{"narrative": "\\ud800"}',
    "a tower": b"[" * 100_000,
    "not a number": b'{"platform": NaN}',
}


async def test_a_body_that_cannot_be_read_is_the_clients_fault(intake: Intake, client: AsyncClient) -> None:
    for name, body in UNREADABLE.items():
        answer = await client.post(ADDRESS, content=body, headers={"content-type": "application/json"})
        assert 400 <= answer.status_code < 500, (name, answer.text)
        assert answer.headers["content-type"] == "application/problem+json", name
    assert await how_many(intake) == (0, 0, 0)


async def test_a_body_in_broken_utf8_is_named_as_such(client: AsyncClient) -> None:
    answer = await client.post(
        ADDRESS, content=UNREADABLE["broken UTF-8"], headers={"content-type": "application/json"}
    )
    message = "Some characters could not be read. Check the text and send it again."
    assert answer.status_code == 400
    assert answer.json()["errors"] == [{"field": "body", "message": message}]
    tower = await client.post(ADDRESS, content=UNREADABLE["a tower"], headers={"content-type": "application/json"})
    assert "errors" not in tower.json()


async def test_what_is_said_twice_is_kept_once(client: AsyncClient, intake: Intake) -> None:
    body = small_body(behaviours=["harassment", "harassment"], urls=["https://x.com/1", "https://x.com/1"])
    assert (await client.post(ADDRESS, json=body)).status_code == 201
    assert await how_many(intake) == (1, 1, 1)


async def test_a_clock_that_is_a_little_fast_is_forgiven(client: AsyncClient) -> None:
    body = small_body(occurred_at=START.replace(minute=START.minute + 3).isoformat())
    assert (await client.post(ADDRESS, json=body)).status_code == 201


async def test_an_anonymous_client_cannot_say_who_it_is_by_mistake(client: AsyncClient) -> None:
    for field in ("worker_kind", "safe_contact"):
        answer = await client.post(ADDRESS, json=small_body(**{field: "employee"}))
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field)
    answer = await client.post(ADDRESS, json=small_body(affected=[{"relation": "self", "name": "Priya"}]))
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "affected")
