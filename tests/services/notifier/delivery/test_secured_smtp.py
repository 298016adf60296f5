"""STARTTLS and sign-in, against a real server with its own certificate."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from services.notifier.delivery.domain import Message, SendResultKind
from services.notifier.delivery.smtp import MailServer, SmtpChannel
from shared.clock import SystemClock
from tests.services.notifier.mail_server import MailServerForTests

MESSAGE = Message("grace.okafor@example.org", "Subject", "Text", "<p>Text</p>", "<one@example.org>")


@asynccontextmanager
async def secured(folder: Path) -> AsyncIterator[MailServerForTests]:
    """A server that takes email only after STARTTLS and a sign-in."""
    certificate, key = _certificate(folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    handler, loop = MailServerForTests(), asyncio.get_running_loop()

    def protocol() -> SMTP:
        return SMTP(
            handler,
            hostname="mail.test",
            loop=loop,
            tls_context=context,
            require_starttls=True,
            authenticator=_only_signpost,
            auth_required=True,
        )

    server = await loop.create_server(protocol, "127.0.0.1", 0)
    handler.port = server.sockets[0].getsockname()[1]
    try:
        yield handler
    finally:
        server.close()


async def test_mail_is_taken_after_starttls_and_sign_in(tmp_path: Path) -> None:
    async with secured(tmp_path) as server:
        outcome = await _send(server, ca_file=tmp_path / "ca.pem", password="right")
    assert outcome is SendResultKind.ACCEPTED
    assert len(server.mails) == 1


async def test_a_wrong_password_is_ours_to_mend_and_is_tried_again(tmp_path: Path) -> None:
    async with secured(tmp_path) as server:
        outcome = await _send(server, ca_file=tmp_path / "ca.pem", password="wrong")
    assert outcome is SendResultKind.TECHNICAL
    assert server.mails == []


async def test_a_certificate_that_nobody_we_know_signed_gets_no_mail(tmp_path: Path) -> None:
    async with secured(tmp_path) as server:
        outcome = await _send(server, ca_file=None, password="right")
    assert outcome in {SendResultKind.TEMPORARY, SendResultKind.TECHNICAL}
    assert server.mails == []


async def test_a_server_without_starttls_gets_no_mail_where_it_is_required(tmp_path: Path) -> None:
    handler, loop = MailServerForTests(), asyncio.get_running_loop()
    plain = await loop.create_server(lambda: SMTP(handler, hostname="mail.test", loop=loop), "127.0.0.1", 0)
    handler.port = plain.sockets[0].getsockname()[1]
    outcome = await _send(handler, ca_file=None, password=None)
    plain.close()
    assert outcome is SendResultKind.TECHNICAL
    assert handler.mails == []


async def _send(server: MailServerForTests, *, ca_file: Path | None, password: str | None) -> SendResultKind:
    where = MailServer(
        "127.0.0.1",
        server.port,
        "Signpost <signpost@example.org>",
        starttls=True,
        ca_file=ca_file,
        username="signpost" if password else None,
        password=password,
        timeout=timedelta(seconds=5),
    )
    channel = SmtpChannel(where, SystemClock())
    outcome = await channel.send(MESSAGE)
    await channel.close()
    return outcome.kind


def _only_signpost(_server: object, _session: object, _envelope: object, _how: str, given: object) -> AuthResult:
    right = isinstance(given, LoginPassword) and given == LoginPassword(b"signpost", b"right")
    return AuthResult(success=right, handled=right)


def _certificate(folder: Path) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mail.test")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    public, private = folder / "ca.pem", folder / "key.pem"
    public.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return public, private
