"""The people of a journey: each has their own browser, and a driver to use it."""

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Protocol

from playwright.async_api import Browser, Locator, Page, expect

from tests.journeys.input_drivers import InputDriver, Pointer
from tests.support.browser import Visitor, person
from tests.support.eventually import eventually

DESK, WIDE_TELEPHONE, TELEPHONE = 1280, 390, 320


WIDTHS = (TELEPHONE, DESK)
"""The widths at which pages are checked, if a journey names no others; people work at the last one."""


class Someone:
    """A person at a browser."""

    def __init__(self, visitor: Visitor, driver: InputDriver, widths: Sequence[int]) -> None:
        self.page = visitor.page
        self.driver = driver
        self._visitor = visitor
        self.of = ""
        """What the names of their pictures begin with."""
        self._widths = widths

    @property
    def main(self) -> Locator:
        """The page's main text."""
        return self.page.get_by_role("main")

    async def open(self, address: str) -> None:
        """Open `address`."""
        await self.page.goto(address)

    async def reads(self, *texts: str) -> None:
        """Find each of `texts` on the page."""
        for text in texts:
            await expect(self.main).to_contain_text(text)

    async def finds_nothing_of(self, *texts: str, within: Locator | None = None) -> None:
        """Find none of `texts` anywhere in the page or in one part of it, hidden or not."""
        whole = await self.page.content() if within is None else await within.inner_html()
        found = [text for text in texts if text in whole]
        assert not found, f"{self.page.url} says {found}"

    async def waits_for(self, address: str, *texts: str) -> None:
        """Open `address` again and again until it says all of `texts`."""

        async def said() -> bool | None:
            await self.page.goto(address)
            words = await self.main.inner_text()
            return True if all(text in words for text in texts) else None

        await eventually(said)

    async def claims(self, reference: str) -> None:
        """Claim a case in the queue that is open, which stays there at its row, and open the case."""
        await self.driver.press(f"Claim {reference}")
        await self.page.wait_for_url(f"**#{reference}")
        await self.driver.follow(reference)

    async def looks(self, name: str) -> None:
        """Check the page at each width, last at the one where they work: axe finds nothing there, and the page fits."""
        name, (*others, at_work) = f"{self.of}{name}", self._widths
        assert not re.search(r"</\w+>|&lt;", await self.main.inner_text()), f"{name} shows tags"
        for width in others:
            await self.page.set_viewport_size({"width": width, "height": 900})
            await self._visitor.picture(f"{name}, {width}")
            await self._visitor.fits()
        await self.page.set_viewport_size({"width": at_work, "height": 900})
        await self._visitor.see(name)
        await self._visitor.fits()

    async def looks_without_our_colours(self, name: str) -> None:
        """Check the page on a wide telephone in forced colours: axe finds nothing there, and the page fits."""
        await self.page.emulate_media(forced_colors="active")
        await self.page.set_viewport_size({"width": WIDE_TELEPHONE, "height": 900})
        await self._visitor.see(f"{self.of}{name}, forced colours")
        await self._visitor.fits()
        await self.page.emulate_media(forced_colors="none")
        await self.page.set_viewport_size({"width": self._widths[-1], "height": 900})

    async def is_refused(self, name: str, *messages: str) -> None:
        """Find an error summary with exactly `messages`; each link leads to the field to correct."""
        summary = self.page.get_by_role("alert")
        links = summary.get_by_role("link")
        assert await links.all_inner_texts() == list(messages), f"{name}: {await links.all_inner_texts()}"
        assert (await self.page.title()).startswith("Error: "), f"{name}: the title does not say that there is an error"
        for link in await links.all():
            await link.click()
            assert await self.page.evaluate(_CAN_BE_PUT_RIGHT), f"{name}: {await link.inner_text()} leads to no field"
        await self.looks(f"refused, {name}")


_CAN_BE_PUT_RIGHT = "() => ['INPUT', 'TEXTAREA', 'SELECT'].includes(document.activeElement.tagName)"


class Join(Protocol):
    """Lets a person join the journey; with a name, signed in."""

    def __call__(
        self,
        name: str | None = None,
        *,
        driver: Callable[[Page], InputDriver] = Pointer,
        javascript: bool = True,
        widths: Sequence[int] = WIDTHS,
    ) -> Awaitable[Someone]: ...


@asynccontextmanager
async def gathering(browser: Browser, url: str) -> AsyncIterator[Join]:
    """Open a browser for everyone who joins, and close them all at the end."""
    async with AsyncExitStack() as stack:

        async def join(
            name: str | None = None,
            *,
            driver: Callable[[Page], InputDriver] = Pointer,
            javascript: bool = True,
            widths: Sequence[int] = WIDTHS,
        ) -> Someone:
            visitor = await stack.enter_async_context(person(browser, url, javascript=javascript, width=widths[-1]))
            if name:
                await visitor.sign_in(name)
            return Someone(visitor, driver(visitor.page), widths)

        yield join
