"""Signing in with the demonstration's Keycloak."""

from playwright.async_api import Page


async def sign_in(page: Page, username: str, password: str) -> None:
    """Go from Signpost to the provider's page, and come back as the person called `username` there."""
    await page.goto("/sign-in")
    await page.locator("#username").fill(username)
    await page.locator("#password").fill(password)
    await page.locator("#kc-login").click()
    await page.get_by_role("link", name="Sign out").wait_for()
