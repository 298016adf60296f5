"""The email catcher keeps every accepted message complete, across restarts."""

import errno
from pathlib import Path

import aiosmtplib
import pytest

from services.embedded.mail_catcher import MailFolder, open_mail_catcher
from shared.ids import RandomIds

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
