"""Two ways to use a page: with a pointer, and with nothing but a keyboard."""

from collections.abc import Sequence
from typing import Protocol, TypedDict, cast

from playwright.async_api import FilePayload, Page

_MOST_STEPS = 150
_FOCUSED = """() => {
  const at = document.activeElement;
  if (!at || at === document.body) return {name: '', kind: '', group: '', shows: true};
  const label = at.labels && at.labels.length ? at.labels[0].innerText : at.getAttribute('aria-label');
  const fieldset = at.closest('fieldset');
  const styles = [getComputedStyle(at)];
  if (at.labels && at.labels.length) styles.push(getComputedStyle(at.labels[0], '::before'));
  return {
    name: (label || at.textContent).replace(/\\s+/g, ' ').trim(),
    kind: at.tagName === 'INPUT' ? at.type : at.role === 'button' ? 'button' : at.tagName.toLowerCase(),
    group: fieldset ? fieldset.querySelector('legend').innerText.trim() : '',
    shows: at.matches(':focus-visible') && styles.some(style =>
      (style.outlineStyle !== 'none' && style.outlineWidth !== '0px') || style.boxShadow !== 'none'),
  };
}"""
_GROUP_HAS = """wanted => {
  const at = document.activeElement;
  if (at.type !== 'radio') return false;
  const group = [...document.getElementsByName(at.name)];
  return group.some(one => one.labels[0].innerText.trim() === wanted);
}"""


class _Focused(TypedDict):
    """What has the focus: its label, its kind, the fields it belongs to, and whether the focus is visible."""

    name: str
    kind: str
    group: str
    shows: bool


class InputDriver(Protocol):
    """How a person answers and goes on."""

    async def choose(self, label: str) -> None:
        """Select the radio button called `label`."""

    async def tick(self, label: str) -> None:
        """Tick the checkbox called `label`."""

    async def pick(self, label: str, option: str) -> None:
        """Pick `option` in the list called `label`."""

    async def write(self, label: str, text: str) -> None:
        """Type `text` into the empty field called `label`."""

    async def write_in(self, group: str, label: str, text: str) -> None:
        """Type `text` into the empty field called `label` of the date input called `group`."""

    async def attach(self, label: str, files: Sequence[FilePayload]) -> None:
        """Choose `files` in the file field called `label`."""

    async def press(self, name: str) -> None:
        """Press the button called `name`, and wait for the next page."""

    async def download(self, name: str) -> bytes:
        """Press the button called `name`, and return the file that comes."""

    async def follow(self, name: str) -> None:
        """Follow the link called `name`."""

    async def unfold(self, name: str) -> None:
        """Open the part of the page called `name`."""


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

    async def attach(self, label: str, files: Sequence[FilePayload]) -> None:
        await self._page.get_by_label(label, exact=True).set_input_files(files)

    async def press(self, name: str) -> None:
        async with self._page.expect_navigation():
            await self._page.get_by_role("button", name=name, exact=True).click()

    async def download(self, name: str) -> bytes:
        async with self._page.expect_download() as downloading:
            await self._page.get_by_role("button", name=name, exact=True).filter(visible=True).click()
        return (await (await downloading.value).path()).read_bytes()

    async def follow(self, name: str) -> None:
        async with self._page.expect_navigation():
            await self._page.get_by_role("link", name=name, exact=True).click()

    async def unfold(self, name: str) -> None:
        await self._page.locator("summary").get_by_text(name, exact=True).click()


class Keyboard:
    """Tab, Space, Enter, arrows and letters. The focus must always be visible."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self.interactions = 0
        """Keys that submitted, followed, opened or chose something."""
        self.moves = 0
        """Keys that only moved the focus: Tab, arrows, `j` in a list. What is typed in a field counts as neither."""

    async def shortcut(self, key: str, *, leads_on: bool = True) -> None:
        """Press a shortcut, and wait for the next page if it leads to one."""
        self.interactions += 1
        if not leads_on:
            await self._page.keyboard.press(key)
            return
        async with self._page.expect_navigation():
            await self._page.keyboard.press(key)

    async def move(self, key: str) -> None:
        """Press a key that only moves the focus."""
        await self._key(key)

    async def pick_here(self, label: str, option: str) -> None:
        """Pick `option` in the list called `label`, which has the focus already."""
        focused = cast(_Focused, await self._page.evaluate(_FOCUSED))
        assert (focused["name"], focused["kind"]) == (label, "select"), focused
        await self._type_choice(option)

    async def choose(self, label: str) -> None:
        for _ in range(_MOST_STEPS):
            await self._key("Tab")
            if await self._page.evaluate(_GROUP_HAS, label):
                break
        else:
            raise AssertionError(f"no key leads to {label}")
        focused = await self._key("Space", interaction=True)
        for _ in range(_MOST_STEPS):
            if focused["name"] == label:
                return
            focused = await self._key("ArrowDown")
        raise AssertionError(f"no arrow leads to {label}")

    async def tick(self, label: str) -> None:
        await self._go_to(label, "checkbox")
        await self._key("Space", interaction=True)

    async def pick(self, label: str, option: str) -> None:
        await self._go_to(label, "select")
        await self._type_choice(option)

    async def _type_choice(self, option: str) -> None:
        self.interactions += 1
        await self._page.keyboard.type(option)

    async def write(self, label: str, text: str) -> None:
        await self._go_to(label, "text", "textarea", "email")
        await self._page.keyboard.type(text)

    async def write_in(self, group: str, label: str, text: str) -> None:
        while (await self._go_to(label, "text"))["group"] != group:
            pass
        await self._page.keyboard.type(text)

    async def attach(self, label: str, files: Sequence[FilePayload]) -> None:
        """Open the system's own dialogue by the keyboard, in which the files are chosen."""
        await self._go_to(label, "file")
        self.interactions += 1
        async with self._page.expect_file_chooser() as choosing:
            await self._page.keyboard.press("Space")
        await (await choosing.value).set_files(files)

    async def press(self, name: str) -> None:
        await self._go_to(name, "button")
        await self._enter()

    async def download(self, name: str) -> bytes:
        await self._go_to(name, "button")
        self.interactions += 1
        async with self._page.expect_download() as downloading:
            await self._page.keyboard.press("Enter")
        return (await (await downloading.value).path()).read_bytes()

    async def follow(self, name: str) -> None:
        here = cast(_Focused, await self._page.evaluate(_FOCUSED))
        if (here["name"], here["kind"]) != (name, "a"):  # an address with a place in it leads there
            await self._go_to(name, "a")
        await self._enter()

    async def unfold(self, name: str) -> None:
        await self._go_to(name, "summary")
        self.interactions += 1
        await self._page.keyboard.press("Enter")

    async def _enter(self) -> None:
        self.interactions += 1
        async with self._page.expect_navigation():
            await self._page.keyboard.press("Enter")

    async def _go_to(self, name: str, *kinds: str) -> _Focused:
        for _ in range(_MOST_STEPS):
            focused = await self._key("Tab")
            if focused["name"] == name and focused["kind"] in kinds:
                return focused
        raise AssertionError(f"no key leads to {name} on {self._page.url}")

    async def _key(self, key: str, *, interaction: bool = False) -> _Focused:
        """Press `key` and return what then has the focus."""
        self.interactions += interaction
        self.moves += not interaction
        await self._page.keyboard.press(key)
        focused = cast(_Focused, await self._page.evaluate(_FOCUSED))
        assert focused["shows"] or not focused["name"], f"no one sees that {focused['name']} has the focus"
        return focused
