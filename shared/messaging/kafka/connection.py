"""How to connect to Kafka, and what the driver's errors mean."""

import asyncio
import logging
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import structlog
from aiokafka import errors as kafka_errors
from aiokafka.helpers import create_ssl_context

from shared.messaging.log import Fenced, LogUnavailable

_log = structlog.get_logger()

_FENCED = (
    kafka_errors.ProducerFenced,
    kafka_errors.InvalidProducerEpoch,
    kafka_errors.InvalidProducerIdMapping,
    kafka_errors.CommitFailedError,
    kafka_errors.IllegalStateError,
    kafka_errors.IllegalGenerationError,
    kafka_errors.UnknownMemberIdError,
    kafka_errors.RebalanceInProgressError,
)
ANSWERS_WITHIN = 30.0
"""Seconds. The driver waits for ever if brokers are unavailable, or if one of its tasks has died."""
_CLOSES_WITHIN = 10.0
_IN_THE_CLEAR = "Sending username and password in the clear"
logging.getLogger("aiokafka.conn").addFilter(lambda record: record.msg != _IN_THE_CLEAR)
"""The driver says it at every connection with PLAIN and without TLS, which is what the settings ask for."""


class Stoppable(Protocol):
    """A client of the driver."""

    async def stop(self) -> None: ...


@dataclass(frozen=True, slots=True)
class KafkaConnection:
    """How to reach the brokers."""

    bootstrap_servers: str
    security_protocol: str = "PLAINTEXT"
    sasl_mechanism: str = "SCRAM-SHA-512"
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    ca_file: Path | None = None

    def arguments(self) -> dict[str, Any]:
        """Return the arguments of every client of the driver. Any: the driver has no types."""
        arguments: dict[str, Any] = {
            "bootstrap_servers": self.bootstrap_servers,
            "security_protocol": self.security_protocol,
        }
        if self.security_protocol.startswith("SASL"):
            arguments |= {
                "sasl_mechanism": self.sasl_mechanism,
                "sasl_plain_username": self.username,
                "sasl_plain_password": self.password,
            }
        if self.security_protocol.endswith("SSL"):
            arguments["ssl_context"] = self._ssl_context()
        return arguments

    def _ssl_context(self) -> ssl.SSLContext:
        context: ssl.SSLContext = create_ssl_context(cafile=str(self.ca_file) if self.ca_file else None)
        return context


@asynccontextmanager
async def reachable(within: float = ANSWERS_WITHIN) -> AsyncIterator[None]:
    """Turn the driver's errors into the port's; more than `within` seconds counts as `LogUnavailable`."""
    try:
        async with asyncio.timeout(within):
            yield
    except _FENCED as error:
        raise Fenced from error
    except (kafka_errors.KafkaError, OSError, TimeoutError) as error:
        raise LogUnavailable(type(error).__name__) from error


async def stop(client: Stoppable) -> None:
    """Stop a client; give up if it lost its brokers, was fenced, or does not end.

    It runs in its own task: the driver cancels its tasks, and a cancellation raised by its `stop` would look like the
    caller's.
    """
    stopping = asyncio.create_task(client.stop())
    await asyncio.wait({stopping}, timeout=_CLOSES_WITHIN)
    if not stopping.done():
        stopping.cancel()
        _log.info("client_let_go", error="TimeoutError")
    elif stopping.cancelled():
        _log.info("client_let_go", error="CancelledError")
    elif error := stopping.exception():
        _log.info("client_let_go", error=type(error).__name__)
