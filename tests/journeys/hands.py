"""Two ways to use a page: with a pointer, and with nothing but a keyboard."""

from typing import Protocol

from playwright.async_api import Page

_MOST_STEPS = 150
_NAME_OF_FOCUSED = """() => {
  const at = document.activeElement;
  if (!at || at === document.body) return '';
  const label = at.labels && at.labels.length ? at.labels[0].innerText : at.getAttribute('aria-label');
  return (label || at.textContent).replace(/\\s+/g, ' ').trim();
}"""
_KIND_OF_FOCUSED = """() => {
  const at = document.activeElement;
  return at.tagName === 'INPUT' ? at.type : at.tagName.toLowerCase();
}"""
_GROUP_OF_FOCUSED = """() => {
  const group = document.activeElement.closest('fieldset');
  return group ? group.querySelector('legend').innerText.trim() : '';
}"""
_GROUP_HAS = """wanted => {
  const at = document.activeElement;
  if (at.type !== 'radio') return false;
  const group = [...document.getElementsByName(at.name)];
  return group.some(one => one.labels[0].innerText.trim() === wanted);
}"""
_FOCUS_SHOWS = """() => {
  const at = document.activeElement;
  const styles = [getComputedStyle(at)];
  if (at.labels && at.labels.length) styles.push(getComputedStyle(at.labels[0], '::before'));
  return at.matches(':focus-visible') && styles.some(style =>
    (style.outlineStyle !== 'none' && style.outlineWidth !== '0px') || style.boxShadow !== 'none');
}"""


class Hands(Protocol):
    """How somebody answers and goes on."""

    async def choose(self, label: str) -> None:
        """Select the radio button called `label`."""

    async def tick(self, label: str) -> None:
        """Tick the checkbox called `label`."""

    async def pick(self, label: str, option: str) -> None:
        """Pick `option` in the list called `label`."""

    async def write(self, label: str, text: str) -> None:
        """Type `text` into the empty field called `label`."""

    async def write_in(self, group: str, label: str, text: str) -> None:
        """Type `text` into the empty field called `label` of the fields called `group` together."""

    async def press(self, name: str) -> None:
        """Press the button called `name`; the page that answers has come."""

    async def follow(self, name: str) -> None:
        """Follow the link called `name`."""

    async def unfold(self, name: str) -> None:
        """Open the part of the page that is called `name`."""


class Pointer:
    """A mouse or a finger."""

    def __init__(self, page: Page) -> None:
        self._page = page

    async def choose(self, label: str) -> None:
        await self._page.get_by_role("radio", name=label, exact=True).check()

    async def tick(self, label: str) -> None:
        await self._page.get_by_role("checkbox", name=label, exact=True).check()

    async def pick(self, label: str, option: str) -> None:
        await self._page.get_by_role("combobox", name=label, exact=True).select_option(option)

    async def write(self, label: str, text: str) -> None:
        await self._page.get_by_role("textbox", name=label, exact=True).fill(text)

    async def write_in(self, group: str, label: str, text: str) -> None:
        await self._page.get_by_role("group", name=group).get_by_role("textbox", name=label, exact=True).fill(text)

    async def press(self, name: str) -> None:
        async with self._page.expect_navigation():
            await self._page.get_by_role("button", name=name, exact=True).click()

    async def follow(self, name: str) -> None:
        async with self._page.expect_navigation():
            await self._page.get_by_role("link", name=name, exact=True).click()

    async def unfold(self, name: str) -> None:
        await self._page.locator("summary").get_by_text(name, exact=True).click()


class Keyboard:
    """Tab, Space, Enter, arrows and letters. Whatever has the focus must show it."""

    def __init__(self, page: Page) -> None:
        self._page = page

    async def choose(self, label: str) -> None:
        for _ in range(_MOST_STEPS):
            await self._key("Tab")
            if await self._page.evaluate(_GROUP_HAS, label):
                break
        else:
            raise AssertionError(f"no key leads to {label}")
        await self._key("Space")
        for _ in range(_MOST_STEPS):
            if await self._name() == label:
                return
            await self._key("ArrowDown")
        raise AssertionError(f"no arrow leads to {label}")

    async def tick(self, label: str) -> None:
        await self._go_to(label, "checkbox")
        await self._key("Space")

    async def pick(self, label: str, option: str) -> None:
        await self._go_to(label, "select")
        await self._page.keyboard.type(option)

    async def write(self, label: str, text: str) -> None:
        await self._go_to(label, "text", "textarea", "email")
        await self._page.keyboard.type(text)

    async def write_in(self, group: str, label: str, text: str) -> None:
        await self._go_to(label, "text")
        while await self._page.evaluate(_GROUP_OF_FOCUSED) != group:
            await self._go_to(label, "text")
        await self._page.keyboard.type(text)

    async def press(self, name: str) -> None:
        await self._go_to(name, "button")
        await self._enter()

    async def follow(self, name: str) -> None:
        await self._go_to(name, "a")
        await self._enter()

    async def unfold(self, name: str) -> None:
        await self._go_to(name, "summary")
        await self._page.keyboard.press("Enter")

    async def _enter(self) -> None:
        async with self._page.expect_navigation():
            await self._page.keyboard.press("Enter")

    async def _go_to(self, name: str, *kinds: str) -> None:
        for _ in range(_MOST_STEPS):
            await self._key("Tab")
            if await self._name() == name and await self._page.evaluate(_KIND_OF_FOCUSED) in kinds:
                return
        raise AssertionError(f"no key leads to {name} on {self._page.url}")

    async def _key(self, key: str) -> None:
        await self._page.keyboard.press(key)
        if await self._name():
            assert await self._page.evaluate(_FOCUS_SHOWS), f"nobody sees that {await self._name()} has the focus"

    async def _name(self) -> str:
        return str(await self._page.evaluate(_NAME_OF_FOCUSED))
