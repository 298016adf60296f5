"""`signpost keys` makes the key pair that signs sessions, once."""

from pathlib import Path

from tests.services.cli.in_process import signpost
from tests.support.process import command


async def test_keys_are_made_once_each_half_in_its_own_place(tmp_path: Path) -> None:
    private, public = tmp_path / "intake" / "signing-key.pem", tmp_path / "all" / "verify-key.pem"
    for folder in (private.parent, public.parent):
        folder.mkdir()
    settings = {"SIGNPOST_SIGNING_KEY_FILE": str(private), "SIGNPOST_VERIFY_KEY_FILE": str(public)}
    code, output = await command("keys", settings=settings)
    assert (code, output) == (0, f"{private}: made\n")
    before = private.read_bytes(), public.read_bytes()
    again = await signpost("keys", **settings)
    assert (again.exit_code, again.output) == (0, f"{private}: is there already\n")
    assert (private.read_bytes(), public.read_bytes()) == before
