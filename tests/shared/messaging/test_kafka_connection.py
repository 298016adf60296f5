"""Connecting to Kafka, and what its errors mean."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import count, repeat
from pathlib import Path

import pytest
from aiokafka import ConsumerRecord, TopicPartition
from aiokafka import errors as kafka_errors
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from shared.messaging.kafka import subscription
from shared.messaging.kafka.connection import KafkaConnection, Stoppable, reachable, stop
from shared.messaging.kafka.log import KafkaLog
from shared.messaging.kafka.subscription import KafkaSubscription
from shared.messaging.log import Fenced, LogUnavailable


@pytest.fixture
def ca_file(tmp_path: Path) -> Path:
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Tests")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now, now)
    certificate = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    path = tmp_path / "ca.pem"
    path.write_bytes(certificate.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM))
    return path


def test_a_plain_connection_has_no_secrets() -> None:
    assert KafkaConnection("broker:9092").arguments() == {
        "bootstrap_servers": "broker:9092",
        "security_protocol": "PLAINTEXT",
    }


def test_a_secured_connection_signs_in_and_checks_the_broker(ca_file: Path) -> None:
    connection = KafkaConnection("broker:9093", "SASL_SSL", "SCRAM-SHA-512", "signpost", "secret", ca_file)
    arguments = connection.arguments()
    context = arguments.pop("ssl_context")
    assert arguments == {
        "bootstrap_servers": "broker:9093",
        "security_protocol": "SASL_SSL",
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_plain_username": "signpost",
        "sasl_plain_password": "secret",
    }
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    assert len(context.get_ca_certs()) == 1


def test_a_password_is_not_shown() -> None:
    assert "secret" not in repr(KafkaConnection("broker:9093", "SASL_SSL", username="signpost", password="secret"))


@pytest.mark.parametrize(
    ("error", "meaning"),
    [
        (kafka_errors.ProducerFenced(), Fenced),
        (kafka_errors.CommitFailedError(), Fenced),
        (kafka_errors.RebalanceInProgressError(), Fenced),
        (kafka_errors.KafkaConnectionError(), LogUnavailable),
        (kafka_errors.NotEnoughReplicasError(), LogUnavailable),
        (ConnectionResetError(), LogUnavailable),
        (TimeoutError(), LogUnavailable),
    ],
)
async def test_the_drivers_errors_become_the_ports(error: Exception, meaning: type[Exception]) -> None:
    with pytest.raises(meaning):
        async with reachable():
            raise error


async def test_a_driver_that_waits_for_ever_is_a_log_that_is_away() -> None:
    with pytest.raises(LogUnavailable):
        async with reachable(within=0.01):
            await asyncio.Event().wait()


class Cancels:
    """A driver whose close waits for something that it has cancelled, as aiokafka's waits for its fetches."""

    async def stop(self) -> None:
        fetch = asyncio.create_task(asyncio.Event().wait())
        await asyncio.sleep(0)
        fetch.cancel()
        await fetch


class Breaks:
    """A driver whose close never ends."""

    async def stop(self) -> None:
        raise AssertionError


@pytest.mark.parametrize("driver", [Cancels(), Breaks()])
async def test_what_ends_inside_a_driver_ends_no_other_task(driver: Stoppable) -> None:
    await stop(driver)
    await asyncio.sleep(0)


class Idle:
    """A driver without records, whose brokers answered at `answers` (milliseconds), one fetch after the other."""

    def __init__(self, answers: Iterator[int]) -> None:
        self._answers = answers
        self.found: list[dict[TopicPartition, list[object]]] = []

    async def getmany(self, **_: int) -> dict[TopicPartition, list[object]]:
        await asyncio.sleep(0)
        return self.found.pop() if self.found else {}

    async def commit(self, _: dict[TopicPartition, int]) -> None:
        await asyncio.sleep(0)

    def assignment(self) -> set[TopicPartition]:
        return {TopicPartition("topic", 0)}

    def last_poll_timestamp(self, _: TopicPartition) -> int:
        return next(self._answers)

    def last_stable_offset(self, _: TopicPartition) -> None:
        return None


@pytest.fixture
def idle_for_long(monkeypatch: pytest.MonkeyPatch) -> Callable[[Iterator[int]], Awaitable[None]]:
    """Poll for longer than brokers may take to answer, which takes no time here."""
    monkeypatch.setattr(subscription, "ANSWERS_WITHIN", 0.0)

    async def poll(answers: Iterator[int]) -> None:
        member = KafkaSubscription(Idle(answers), timedelta(seconds=1))
        for _ in range(100):
            await member.poll(10, timedelta(seconds=0))

    return poll


async def test_an_empty_log_is_there(idle_for_long: Callable[[Iterator[int]], Awaitable[None]]) -> None:
    await idle_for_long(count())


async def test_a_log_that_answers_no_fetch_is_away(idle_for_long: Callable[[Iterator[int]], Awaitable[None]]) -> None:
    with pytest.raises(LogUnavailable):
        await idle_for_long(repeat(7))


async def test_silence_is_not_counted_while_a_batch_is_in_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subscription, "ANSWERS_WITHIN", 0.0)
    place, driver = TopicPartition("topic", 0), Idle(repeat(7))
    driver.found.append({place: [ConsumerRecord("topic", 0, 3, 0, 0, b"k", b"v", None, 1, 1, ())]})
    member = KafkaSubscription(driver, timedelta(seconds=1))
    await member.commit(await member.poll(10, timedelta(0)))
    assert not (await member.poll(10, timedelta(0))).records
    with pytest.raises(LogUnavailable):
        await member.poll(10, timedelta(0))


async def test_a_broker_that_is_not_there_is_a_log_that_is_away() -> None:
    with pytest.raises(LogUnavailable):
        await KafkaLog.open(KafkaConnection("127.0.0.1:1"))
