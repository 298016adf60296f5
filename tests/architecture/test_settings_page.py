"""docs/settings.md agrees with the settings classes."""

from tests.architecture import settings_table


def test_the_settings_page_is_what_the_code_says() -> None:
    written = settings_table.PAGE.read_text("utf-8")
    assert written == settings_table.page(), "run `make docs` and commit docs/settings.md"
