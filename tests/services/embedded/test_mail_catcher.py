"""The email catcher keeps every accepted message complete, across restarts."""

import errno
import re
from pathlib import Path

import aiosmtplib
import pytest

from services.embedded.mail_catcher import PAGE, MailFolder, create_mail_pages, open_mail_catcher
from shared.ids import RandomIds
from tests.support.web import WebForTests, browsing

MAIL = (
    b"From: signpost@example.org\r\nTo: grace.okafor@example.org\r\nSubject: =?utf-8?q?Caf=C3=A9?=\r\n"
    b"Message-ID: <1@example.org>\r\nX-Signpost-Possible-Repeat: yes\r\n"
    b"Content-Type: text/plain; charset=utf-8\r\n\r\nRead this \xe2\x80\x93 please.\r\n"
)


async def test_a_mail_is_on_disk_before_it_is_accepted(tmp_path: Path) -> None:
    folder = MailFolder(tmp_path, RandomIds())
    async with open_mail_catcher(folder) as port, aiosmtplib.SMTP(hostname="127.0.0.1", port=port) as client:
        await client.sendmail("signpost@example.org", ["grace.okafor@example.org"], MAIL)
    (mail,) = MailFolder(tmp_path, RandomIds()).newest()
    assert (mail.to, mail.subject, mail.message_id) == ("grace.okafor@example.org", "Café", "<1@example.org>")
    assert "Read this – please." in mail.text
    assert mail.possible_repeat


async def test_a_mail_that_cannot_be_kept_is_to_be_sent_again_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    folder = MailFolder(tmp_path, RandomIds())
    async with open_mail_catcher(folder) as port, aiosmtplib.SMTP(hostname="127.0.0.1", port=port) as client:
        with monkeypatch.context() as disk:
            disk.setattr("os.fsync", full)
            with pytest.raises(aiosmtplib.SMTPDataError) as refused:
                await client.sendmail("signpost@example.org", ["grace.okafor@example.org"], MAIL)
        assert refused.value.code == 452
        await client.sendmail("signpost@example.org", ["grace.okafor@example.org"], MAIL)
    assert len(folder.newest()) == 1


async def test_the_newest_mail_comes_first_and_an_unknown_one_is_not_found(tmp_path: Path) -> None:
    folder = MailFolder(tmp_path, RandomIds())
    async with open_mail_catcher(folder) as port, aiosmtplib.SMTP(hostname="127.0.0.1", port=port) as client:
        for number in (1, 2):
            text = f"Subject: mail {number}\r\n\r\ntext\r\n"
            await client.sendmail("signpost@example.org", ["grace.okafor@example.org"], text)
    assert [mail.subject for mail in folder.newest()] == ["mail 2", "mail 1"]
    assert folder.get(folder.newest()[0].id)
    assert folder.get("../secrets") is None


async def test_every_email_can_be_reached_and_found_by_who_got_it(tmp_path: Path) -> None:
    folder, ids = MailFolder(tmp_path, RandomIds()), RandomIds()
    for number in range(2 * PAGE + 3):
        to = "Grace Okafor <grace.okafor@example.org>" if number % 10 == 0 else "tom.evans@example.org"
        (tmp_path / f"{ids.uuid()}.eml").write_text(f"To: {to}\nSubject: email {number}\n\ntext\n")
    (tmp_path / f"{ids.uuid()}.eml").write_text("Subject: to no one\n\ntext\n")
    app = create_mail_pages(WebForTests(tmp_path).settings(), folder)
    seen: list[int] = []
    async with browsing(app) as client:
        address: str | None = "/mail"
        while address:
            page = (await client.get(address)).text
            seen += [int(number) for number in re.findall(r">email (\d+)<", page)]
            older = re.search(r'href="(/mail\?[^"]*before=[^"]+)"', page)
            address = older[1].replace("&amp;", "&") if older else None
        assert seen == list(reversed(range(2 * PAGE + 3)))
        chosen = re.search(r'value="([0-9a-f]+)">grace.okafor@example.org', (await client.get("/mail")).text)
        assert chosen
        found = (await client.get("/mail", params={"mailbox": chosen[1]})).text
        assert re.findall(r">email (\d+)<", found) == [str(n) for n in range(2 * PAGE, -1, -10)]
        assert f'value="{chosen[1]}" selected' in found
        unknown = (await client.get("/mail", params={"mailbox": "nothing", "before": "nothing"})).text
        assert "No emails" in unknown
        assert "grace" not in chosen[1]
