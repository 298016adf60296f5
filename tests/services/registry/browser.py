"""Fills in the registry's forms as a browser would."""

from httpx import AsyncClient, Response


async def submit(client: AsyncClient, page: str, action: str, **answers: str) -> Response:
    """Send a form with the token of the page it is on."""
    form = (await client.get(page)).text
    token = form.partition('name="csrftoken" value="')[2].partition('"')[0]
    return await client.post(action, data={"csrftoken": token, **answers})


def day(name: str, typed: str) -> dict[str, str]:
    """Return the three fields of a day that is typed as day, month and year."""
    return dict(zip((f"{name}-day", f"{name}-month", f"{name}-year"), typed.split(), strict=True))
