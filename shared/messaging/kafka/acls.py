"""The ACLs of Apache Kafka: each service's user may write, read and watch what the topics declare, and nothing else.

The driver knows the requests of Kafka's protocol, but its admin client does not offer them.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from enum import IntEnum
from typing import Any, NamedTuple

from aiokafka import AIOKafkaClient
from aiokafka import errors as kafka_errors
from aiokafka.protocol.admin import (
    CreateAclsRequest,
    CreateAclsRequestStruct,
    DeleteAclsRequest,
    DeleteAclsRequestStruct,
    DescribeAclsRequest,
)
from aiokafka.protocol.api import Request

from shared.backoff import Backoff
from shared.errors import ExplainedError
from shared.events.topics import GROUPS, SERVICES, TOPICS, WATCHER, writer_of
from shared.messaging.kafka.connection import KafkaConnection, reachable
from shared.messaging.log import LogUnavailable

_DONE_WITHIN = 60.0
"""Seconds for all requests of one session."""
_SHOWN_WITHIN = timedelta(seconds=60)
_NOT_SHOWN = "Kafka accepted the ACLs but does not show them; `signpost topics diff --acls` says what differs"
_NO_AUTHORIZER = (
    "these brokers have no authorizer, so every user may read every topic: set authorizer.class.name there, "
    "or leave out --acls"
)
_ANY = 1
_LITERAL = 3
_ALLOW = 3
_EVERY_HOST = "*"


class Kind(IntEnum):
    """What an ACL is about. The numbers are those of Kafka's protocol, here and below."""

    TOPIC = 2
    GROUP = 3
    CLUSTER = 4
    TRANSACTIONAL_ID = 5


class Operation(IntEnum):
    """What a user may do. A user who may read or write may also describe."""

    ALL = 2
    READ = 3
    WRITE = 4
    DESCRIBE = 8


class NoAuthorizer(ExplainedError):
    """The brokers keep no ACLs."""


class Acl(NamedTuple):
    """One entry, with its fields in the order of Kafka's protocol."""

    kind: int
    name: str
    pattern: int
    principal: str
    host: str
    operation: int
    permission: int

    @classmethod
    def of(cls, user: str, operation: Operation, kind: Kind, name: str) -> "Acl":
        """Return the entry that allows `user` this operation on exactly this name, from every host."""
        return cls(kind, name, _LITERAL, _principal(user), _EVERY_HOST, operation, _ALLOW)


class AclDifference(NamedTuple):
    """One difference from the declaration."""

    acl: Acl
    what: str
    """`missing` or `undeclared`."""

    def __str__(self) -> str:
        """Return it as one line."""
        words = (_name(Operation, self.acl.operation), _name(Kind, self.acl.kind), self.acl.name)
        return f"{self.acl.principal} {' '.join(words)}: {self.what}"


def declared() -> frozenset[Acl]:
    """Return the ACLs that follow from `shared.events.topics`."""
    write, read, describe = Operation.WRITE, Operation.READ, Operation.DESCRIBE
    return frozenset(
        (
            *(Acl.of(writer, write, Kind.TOPIC, topic.name) for topic in TOPICS for writer in topic.writers),
            *(Acl.of(reader, read, Kind.TOPIC, topic.name) for topic in TOPICS for reader in topic.readers),
            *(Acl.of(WATCHER, describe, Kind.TOPIC, topic.name) for topic in TOPICS if topic.readers),
            *(Acl.of(service, read, Kind.GROUP, group) for group, service in GROUPS.items()),
            *(Acl.of(WATCHER, describe, Kind.GROUP, group) for group in GROUPS),
            *(Acl.of(service, write, Kind.TRANSACTIONAL_ID, writer_of(service)) for service in SERVICES),
        )
    )


class KafkaAcls:
    """The ACLs at the brokers of `connection`, whose user must be a super user there.

    Only entries of our own users are looked at: the services, and `external` for other systems.
    """

    def __init__(self, connection: KafkaConnection) -> None:
        self._connection = connection

    async def diff(self) -> Sequence[AclDifference]:
        """Return the differences from the declaration.

        Raises:
            NoAuthorizer: the brokers keep no ACLs.
        """
        async with self.client() as client:
            return _differences(await client.described())

    async def apply(self) -> Sequence[AclDifference]:
        """Create what is missing, delete what is not declared, and return the differences found.

        Raises:
            NoAuthorizer: the brokers keep no ACLs.
        """
        async with self.client() as client:
            found = _differences(await client.described())
            await client.create([one.acl for one in found if one.what == "missing"])
            await client.delete([one.acl for one in found if one.what == "undeclared"])
            await _until_shown(client)
            return found

    @asynccontextmanager
    async def client(self) -> AsyncIterator["AclClient"]:
        """Open a client of the driver for requests about ACLs."""
        client = AIOKafkaClient(**self._connection.arguments())
        async with reachable(_DONE_WITHIN):
            try:
                await client.bootstrap()
                yield AclClient(client)
            finally:
                await client.close()


class AclClient:
    """Asks any broker; it passes changes on to the controller."""

    def __init__(self, client: AIOKafkaClient) -> None:
        self._client = client

    async def described(self) -> frozenset[Acl]:
        """Return every entry, of every user.

        Raises:
            NoAuthorizer: the brokers keep no ACLs.
        """
        response = await self._send(DescribeAclsRequest(_ANY, None, _ANY, None, None, _ANY, _ANY))
        if response.error_code == kafka_errors.SecurityDisabled.errno:
            raise NoAuthorizer(_NO_AUTHORIZER)
        _check([response.error_code])
        return frozenset(
            Acl(kind, name, pattern, *entry) for kind, name, pattern, entries in response.resources for entry in entries
        )

    async def create(self, acls: Sequence[Acl]) -> None:
        if acls:
            response = await self._send(_Create(acls))
            _check(code for code, *_ in response.creation_responses)

    async def delete(self, acls: Sequence[Acl]) -> None:
        if acls:
            response = await self._send(_Delete(acls))
            _check(code for code, *_ in response.filter_responses)

    async def _send(self, request: Request) -> Any:  # noqa: ANN401 -- the driver has no types
        return await self._client.send(self._client.get_random_node(), request)


class _Create(CreateAclsRequest):  # type: ignore[misc]  # the driver has no types
    """Creates many entries; the driver's request has one."""

    def __init__(self, acls: Sequence[Acl]) -> None:
        self._acls = acls

    def build(self, request_struct_class: type[CreateAclsRequestStruct]) -> CreateAclsRequestStruct:
        return request_struct_class(list(self._acls))


class _Delete(DeleteAclsRequest):  # type: ignore[misc]  # the driver has no types
    """Deletes many entries; the driver's request has one."""

    def __init__(self, acls: Sequence[Acl]) -> None:
        self._acls = acls

    def build(self, request_struct_class: type[DeleteAclsRequestStruct]) -> DeleteAclsRequestStruct:
        return request_struct_class(list(self._acls))


def _differences(found: frozenset[Acl]) -> Sequence[AclDifference]:
    wanted = declared()
    ours = {acl.principal for acl in wanted}
    return [
        *(AclDifference(acl, "missing") for acl in sorted(wanted - found)),
        *(AclDifference(acl, "undeclared") for acl in sorted(found - wanted) if acl.principal in ours),
    ]


async def _until_shown(client: AclClient) -> None:
    """Wait until a broker shows what its controller has accepted; the controller answers before brokers know.

    Raises:
        LogUnavailable: it does not show it within a minute.
    """
    backoff = Backoff()
    try:
        async with asyncio.timeout(_SHOWN_WITHIN.total_seconds()):
            while _differences(await client.described()):  # noqa: ASYNC110 -- only asking tells
                await asyncio.sleep(backoff.next())
    except TimeoutError:
        raise LogUnavailable(_NOT_SHOWN) from None


def _check(codes: Iterable[int]) -> None:
    for code in codes:
        if code:
            raise kafka_errors.for_code(code)


def _principal(user: str) -> str:
    return f"User:{user}"


def _name(kinds: type[IntEnum], number: int) -> str:
    """Return what a person calls it; an entry that someone else made may have a number that we never use."""
    return next((kind.name.lower() for kind in kinds if kind == number), str(number))
