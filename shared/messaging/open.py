"""Opens the event log of the settings, and its topics."""

from shared.errors import ExplainedError
from shared.messaging.kafka.acls import KafkaAcls
from shared.messaging.kafka.connection import KafkaConnection
from shared.messaging.kafka.log import KafkaLog
from shared.messaging.kafka.topics import KafkaTopics
from shared.messaging.log import EventLog
from shared.messaging.postgres.log import PostgresLog
from shared.messaging.topics_admin import Topics
from shared.settings import ServiceSettings


class EventLogNotConfigured(ExplainedError):
    """The settings choose a log but not its address; the message names the missing variable."""


async def open_log(settings: ServiceSettings) -> EventLog:
    """Open the log of `settings.event_log`: PostgreSQL (embedded) or Apache Kafka.

    Raises:
        EventLogNotConfigured: its address is missing.
        LogUnavailable: it cannot be reached.
    """
    if settings.event_log == "postgres":
        return await PostgresLog.open(_postgres_url(settings))
    return await KafkaLog.open(_kafka_connection(settings))


async def open_topics(settings: ServiceSettings) -> Topics:
    """Open the topics, for `topics_admin.diff` and `topics_admin.apply`.

    Raises:
        EventLogNotConfigured: the log's address is missing.
        LogUnavailable: it cannot be reached.
    """
    if settings.event_log == "postgres":
        return await PostgresLog.open(_postgres_url(settings), topics=())
    return KafkaTopics(_kafka_connection(settings), settings.kafka_replication_factor)


def open_acls(settings: ServiceSettings) -> KafkaAcls:
    """Open the ACLs of the brokers.

    Raises:
        EventLogNotConfigured: the log is not Kafka, or its address is missing.
    """
    if settings.event_log == "postgres":
        raise EventLogNotConfigured("ACLs are Kafka's: the embedded event log has one user, and no ACLs")
    return KafkaAcls(_kafka_connection(settings))


def _postgres_url(settings: ServiceSettings) -> str:
    if settings.event_log_url is None:
        raise EventLogNotConfigured("SIGNPOST_EVENT_LOG_URL")
    return settings.event_log_url


def _kafka_connection(settings: ServiceSettings) -> KafkaConnection:
    if settings.kafka_bootstrap_servers is None:
        raise EventLogNotConfigured("SIGNPOST_KAFKA_BOOTSTRAP_SERVERS")
    password = settings.kafka_sasl_password
    return KafkaConnection(
        bootstrap_servers=settings.kafka_bootstrap_servers,
        security_protocol=settings.kafka_security_protocol,
        sasl_mechanism=settings.kafka_sasl_mechanism,
        username=settings.kafka_sasl_username,
        password=password.get_secret_value() if password else None,
        ca_file=settings.kafka_ca_file,
    )
