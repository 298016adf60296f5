"""Operators see Signpost live, and the page does not move while they read."""

import re

import httpx
import pytest
from playwright.async_api import Browser, expect

from tests.journeys.people import WIDE_TELEPHONE
from tests.support.browser import Visitor, person
from tests.support.embedded import EmbeddedSignpost
from tests.support.eventually import eventually

pytestmark = [
    pytest.mark.xdist_group("embedded"),
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.timeout(300),
]
REPORT = {
    "platform": "x",
    "content_kind": "comment",
    "behaviours": ["trolling"],
    "affected": [{"relation": "self"}],
    "narrative": "They answer everything I write with insults.",
}


async def report(signpost: EmbeddedSignpost) -> None:
    headers = {"authorization": f"Bearer {await signpost.token('reporter', 'S1002')}"}
    async with httpx.AsyncClient(base_url=signpost.url, headers=headers, timeout=60) as client:
        (await client.post("/report/api/v1/abuse-reports", json=REPORT)).raise_for_status()


async def accepted(visitor: Visitor) -> int:
    """Return the number of reports accepted today."""
    number = visitor.page.locator(".signpost-top__item", has_text="Accepted today").locator(".signpost-top__number")
    return int(await number.inner_text())


async def test_a_new_report_is_seen_without_loading_the_page_again(
    signpost: EmbeddedSignpost, browser: Browser
) -> None:
    async with person(browser, signpost.url) as visitor:
        await visitor.sign_in("Ruth Bell")
        await visitor.page.goto("/cases/operations?days=1")
        await expect(visitor.page.get_by_text("Live, updated")).to_be_visible()
        before = await accepted(visitor)
        funnel = visitor.page.locator("#panel-funnel")
        await funnel.get_by_text("Show as table").click()
        cell = funnel.get_by_role("row").nth(1).get_by_role("cell")
        read = await cell.inner_text()
        await report(signpost)
        await expect(funnel.get_by_role("button", name="Show newer figures")).to_be_visible()
        await eventually(lambda: _more(visitor, before))
        assert await cell.inner_text() == read, "what is being read has moved"
        await visitor.see("operations, newer figures")
        await funnel.get_by_role("button", name="Show newer figures").click()
        await expect(cell).not_to_have_text(read)
        await visitor.fits()


async def test_figures_that_do_not_come_are_said_to_be_stale_and_asked_for_again(
    signpost: EmbeddedSignpost, browser: Browser
) -> None:
    async with person(browser, signpost.url) as visitor:
        page = visitor.page
        await page.clock.install()
        await visitor.sign_in("Ruth Bell")
        await page.route("**/stream?*", lambda route: route.fulfill(status=502, body="no figures"))
        await page.goto("/cases/operations")
        await page.clock.fast_forward(11_000)
        await expect(page.get_by_text(re.compile(r"Stale since \d+:\d\d:\d\d[ap]m"))).to_be_visible()
        await visitor.see("operations, stale")
        await page.unroute_all()
        await page.clock.fast_forward(30_000)
        await expect(page.get_by_text("Live, updated")).to_be_visible()


async def test_what_comes_by_itself_can_be_paused(signpost: EmbeddedSignpost, browser: Browser) -> None:
    async with person(browser, signpost.url) as visitor:
        page = visitor.page
        await page.clock.install()
        await visitor.sign_in("Ruth Bell")
        await page.goto("/cases/operations")
        await expect(page.get_by_text("Live, updated")).to_be_visible()
        await page.get_by_role("button", name="Pause").click()
        await expect(page.get_by_text("Paused at")).to_be_visible()
        asked = []
        page.on("request", lambda request: asked.append(request.url))
        before = await accepted(visitor)
        await report(signpost)
        await page.clock.fast_forward(60_000)
        await expect(page.get_by_text("Paused at")).to_be_visible()
        assert (await accepted(visitor), asked) == (before, [])
        await visitor.see("operations, paused")
        await page.get_by_role("button", name="Go on").click()
        await expect(page.get_by_text("Live, updated")).to_be_visible()
        await eventually(lambda: _more(visitor, before))


async def _more(visitor: Visitor, than: int) -> bool | None:
    return await accepted(visitor) > than or None


async def test_the_figures_are_there_without_javascript(signpost: EmbeddedSignpost, browser: Browser) -> None:
    async with person(browser, signpost.url, javascript=False, width=320) as visitor:
        await visitor.sign_in("Ruth Bell")
        await visitor.page.goto("/cases/operations")
        await expect(visitor.page.get_by_text("Figures from")).to_be_visible()
        await visitor.page.locator("#panel-funnel").get_by_text("Show as table").click()
        await expect(visitor.page.get_by_role("row", name="Accepted")).to_be_visible()
        await visitor.see("operations without javascript")


_CURRENT = """selector => [...document.querySelectorAll(selector)].map(link => {
  const style = getComputedStyle(link);
  return [link.hasAttribute('aria-current'), style.outlineStyle + style.borderLeftColor + style.borderLeftWidth];
})"""


@pytest.mark.parametrize(
    ("who", "address", "links"),
    [
        ("Sam Reid", "/cases?view=mine", ".moj-side-navigation__item a"),
        ("Ruth Bell", "/cases/operations?days=7", ".moj-sub-navigation__link"),
    ],
)
async def test_the_current_one_of_several_links_is_seen_without_our_colours(
    signpost: EmbeddedSignpost, browser: Browser, who: str, address: str, links: str
) -> None:
    async with person(browser, signpost.url) as visitor:
        await visitor.sign_in(who)
        await visitor.page.emulate_media(forced_colors="active")
        await visitor.page.goto(address)
        drawn = await visitor.page.evaluate(_CURRENT, links)
        current, others = ({look for is_it, look in drawn if is_it is wanted} for wanted in (True, False))
        assert current
        assert others
        assert not current & others
        await visitor.picture(f"forced colours {who}")


async def test_a_swatch_is_seen_without_our_colours(signpost: EmbeddedSignpost, browser: Browser) -> None:
    async with person(browser, signpost.url) as visitor:
        await visitor.sign_in("Ruth Bell")
        await visitor.page.emulate_media(forced_colors="active", color_scheme="dark")
        await report(signpost)

        async def drawn() -> bool | None:
            await visitor.page.goto("/cases/operations")
            return await visitor.page.locator(".signpost-key").count() > 0 or None

        await eventually(drawn)
        keys = "[...document.querySelectorAll('.signpost-key')].map(key => getComputedStyle(key).backgroundColor)"
        assert set(await visitor.page.evaluate(keys)) == {"rgb(255, 255, 255)"}
        # axe takes the colours of the stylesheet for those that are shown: only light ones are alike.
        await visitor.page.emulate_media(forced_colors="active", color_scheme="light")
        await visitor.page.set_viewport_size({"width": WIDE_TELEPHONE, "height": 900})
        await visitor.see("operations, forced colours")
