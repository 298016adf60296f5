"""Sends messages by GOV.UK Notify. We set its reference, so that a repeat is recognised before it is sent.

The client blocks and is not thread-safe, so each call has its own client, in a thread.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar
from uuid import UUID

import structlog
from notifications_python_client.errors import APIError
from notifications_python_client.notifications import NotificationsAPIClient

from services.notifier.delivery.domain import DeliveryKind, Message, SendResult, SendResultKind
from shared.ids import AlertId

T = TypeVar("T")
_log = structlog.get_logger()
_OUR_FAULT = frozenset({400, 401, 403, 404, 405, 410})
_BAD_REQUEST, _SERVER_ERROR = 400, 500
_BAD_ADDRESS = "email_address"


@dataclass(frozen=True, slots=True)
class NotifyService:
    """The Notify service that sends, and its template, with the subject `((subject))` and the body `((body))`."""

    api_key: str
    template_id: str
    url: str
    timeout: timedelta


class NotifyChannel:
    """Hands messages to GOV.UK Notify; several at once."""

    name = "notify"

    def __init__(self, service: NotifyService) -> None:
        self._service = service

    async def send(self, message: Message) -> SendResult:
        try:
            async with asyncio.timeout(2 * self._service.timeout.total_seconds()):
                return await self._send(message)
        except Exception as error:  # noqa: BLE001 -- the port promises a result whatever goes wrong
            result = _result_of(error)
            _log.warning("notify_not_accepted", kind=result.kind.value, code=result.code, error=type(error).__name__)
            return result

    async def close(self) -> None:
        """Do nothing: no connection is kept open."""

    async def _send(self, message: Message) -> SendResult:
        if message.possible_repeat and (known := await self._call(lambda client: _known(client, message))):
            return SendResult(SendResultKind.ACCEPTED, provider_id=known)
        return SendResult(SendResultKind.ACCEPTED, 201, provider_id=await self._call(self._handing_over(message)))

    def _handing_over(self, message: Message) -> Callable[[NotificationsAPIClient], str]:
        def hand_over(client: NotificationsAPIClient) -> str:
            answer = client.send_email_notification(  # type: ignore[no-untyped-call]  # its package has no annotations
                email_address=message.recipient,
                template_id=self._service.template_id,
                personalisation={"subject": message.subject, "body": message.text},
                reference=reference_of(message.message_id),
            )
            return str(answer["id"])

        return hand_over

    async def _call(self, call: Callable[[NotificationsAPIClient], T]) -> T:
        return await asyncio.to_thread(lambda: call(self._client()))

    def _client(self) -> NotificationsAPIClient:
        seconds = self._service.timeout.total_seconds()
        return NotificationsAPIClient(  # type: ignore[no-untyped-call]  # as above
            self._service.api_key, base_url=self._service.url, timeout=seconds
        )


def reference_of(message_id: str) -> str:
    """Return our reference for Notify, made from the Message-ID: the same for every attempt."""
    return message_id.strip("<>").partition("@")[0]


def _known(client: NotificationsAPIClient, message: Message) -> str | None:
    """Return Notify's id of this message, if an earlier attempt reached Notify and did not fail."""
    reference = reference_of(message.message_id)
    found = client.get_all_notifications(reference=reference)  # type: ignore[no-untyped-call]  # as above
    return next((str(one["id"]) for one in found["notifications"] if not str(one["status"]).endswith("failure")), None)


def _result_of(error: Exception) -> SendResult:
    """Map Notify's documented errors: 400 and 403 stay until a person acts, 429 and 500 are temporary."""
    if not isinstance(error, APIError):
        unsure = isinstance(error, TimeoutError | OSError | KeyError)
        return SendResult(SendResultKind.TEMPORARY if unsure else SendResultKind.TECHNICAL, unsure=unsure)
    if error.response is None:
        # Without an answer, Notify may have it. The next attempt asks before it sends.
        return SendResult(SendResultKind.TEMPORARY, unsure=True)
    code = error.status_code
    if code not in _OUR_FAULT:
        return SendResult(SendResultKind.TEMPORARY, code, unsure=code >= _SERVER_ERROR)
    said = error.message
    about_address = code == _BAD_REQUEST and _BAD_ADDRESS in str(said)
    return SendResult(SendResultKind.PERMANENT if about_address else SendResultKind.TECHNICAL, code)


STATUSES: Mapping[str, SendResultKind] = {
    "delivered": SendResultKind.ACCEPTED,
    "permanent-failure": SendResultKind.PERMANENT,
    "temporary-failure": SendResultKind.TEMPORARY,
    "technical-failure": SendResultKind.TECHNICAL,
}
"""Notify's final statuses of an email; the others only say that it is in progress."""


def message_of(reference: str | None) -> tuple[AlertId, DeliveryKind] | None:
    """Return the message that a reference names; None if it is not one of ours."""
    alert_id, _, kind = (reference or "").partition(".")
    try:
        return AlertId(UUID(alert_id)), DeliveryKind(kind)
    except ValueError:
        return None
