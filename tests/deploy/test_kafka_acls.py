"""The broker of `docker-compose.yml`, run without a container: a service does what the topics declare, and no more."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from shared.events.topics import BY_NAME, GROUPS, SERVICES, TOPICS, WATCHER, writer_of
from shared.messaging.kafka.acls import Acl, AclDifference, KafkaAcls, Kind, NoAuthorizer, Operation, declared
from shared.messaging.kafka.connection import KafkaConnection
from shared.messaging.kafka.log import KafkaLog
from shared.messaging.kafka.topics import KafkaTopics
from shared.messaging.log import LogUnavailable, Record
from shared.messaging.open import EventLogNotConfigured
from tests.compose.engine import demo_settings
from tests.deploy.test_compose_file import environment
from tests.services.cli.in_process import lead_commands_to, signpost
from tests.support.java_kafka import JavaKafka, NoKafka
from tests.support.kafka_rights import joinable, readable, writable

pytestmark = [pytest.mark.xdist_group("kafka-acls"), pytest.mark.timeout(300)]

NAMES = sorted(BY_NAME)
_GIVEN = re.compile(r"\$\{(?P<name>\w+):\?[^}]*\}")
_HERE = {
    "//kafka:": "//127.0.0.1:",
    "//:": "//127.0.0.1:",
    ":9092": ":{broker}",
    ":9093": ":{controller}",
    ":9094": ":{inside}",
}


def given(text: object) -> str:
    """Return a setting of the file, with the demonstration's secrets."""
    secrets = demo_settings()
    return _GIVEN.sub(lambda found: secrets[found["name"]], str(text))


def brokers_settings() -> Mapping[str, str]:
    """Return the settings of the container `kafka`, with places of this machine."""
    settings = {name: given(value) for name, value in environment("kafka").items() if name.startswith("KAFKA_")}
    for there, here in _HERE.items():
        settings = {name: value.replace(there, here) for name, value in settings.items()}
    del settings["KAFKA_HEAP_OPTS"], settings["KAFKA_LOG_DIRS"]
    return {name.removeprefix("KAFKA_").lower().replace("_", "."): value for name, value in settings.items()}


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[JavaKafka]:
    try:
        kafka = JavaKafka(tmp_path_factory.mktemp("broker") / "kafka", brokers_settings())
    except NoKafka as error:
        pytest.skip(f"only a broker of our own can be set up like this: {error}")
    kafka.start()
    yield kafka
    kafka.kill()


def connection(broker: JavaKafka, container: str) -> KafkaConnection:
    """Return how the container of this name reaches Kafka."""
    settings = {name.removeprefix("SIGNPOST_KAFKA_"): given(value) for name, value in environment(container).items()}
    return KafkaConnection(
        broker.servers,
        settings["SECURITY_PROTOCOL"],
        settings["SASL_MECHANISM"],
        settings["SASL_USERNAME"],
        settings["SASL_PASSWORD"],
    )


@pytest.fixture
async def acls(broker: JavaKafka) -> KafkaAcls:
    """What `signpost topics apply --acls` leaves behind."""
    administrator = connection(broker, "topics")
    await KafkaTopics(administrator, 1).apply(TOPICS)
    found = KafkaAcls(administrator)
    await found.apply()
    assert await found.diff() == []
    return found


@pytest.mark.parametrize("service", SERVICES)
async def test_a_service_reads_writes_and_joins_what_is_declared_and_nothing_else(
    service: str, broker: JavaKafka, acls: KafkaAcls
) -> None:
    client = connection(broker, service).arguments()
    assert await readable(client, NAMES) == {topic.name for topic in TOPICS if service in topic.readers}
    assert await writable(client, NAMES) == {topic.name for topic in TOPICS if service in topic.writers}
    groups = [group for group in GROUPS if GROUPS[group] == service]
    reads = next(topic.name for topic in TOPICS if service in topic.readers)
    assert await joinable(client, GROUPS, reads) == set(groups)


async def _write(broker: JavaKafka, service: str) -> None:
    """Append a record to each topic of a service, with its own rights."""
    log = await KafkaLog.open(connection(broker, service))
    appender = await log.appender(writer_of(service))
    await appender.append([Record(topic.name, b"k", b"{}") for topic in TOPICS if service in topic.writers])
    await appender.close()


@pytest.mark.parametrize("service", SERVICES)
async def test_a_service_works_with_its_rights(service: str, broker: JavaKafka, acls: KafkaAcls) -> None:
    for writer in SERVICES:  # so that there is something to read, whichever test comes first
        await _write(broker, writer)
    log = await KafkaLog.open(connection(broker, service))
    group = next(group for group in GROUPS if GROUPS[group] == service)
    member = await log.subscribe(group, [topic.name for topic in TOPICS if service in topic.readers])
    await member.end_offsets()
    while not (batch := await member.poll(10, timedelta(seconds=1))).records:
        pass
    await member.commit(batch)
    await member.close()
    stranger = next(one for one in SERVICES if one != service)
    with pytest.raises(LogUnavailable, match="TransactionalIdAuthorizationFailed"):
        await log.appender(writer_of(stranger))


async def test_only_the_watcher_sees_how_far_every_group_is_behind(broker: JavaKafka, acls: KafkaAcls) -> None:
    for group, service in GROUPS.items():
        log = await KafkaLog.open(connection(broker, service))
        member = await log.subscribe(group, [next(topic.name for topic in TOPICS if service in topic.readers)])
        ends = await member.end_offsets()
        batch = await member.poll(1, timedelta(0))
        await member.commit(replace(batch, next_offsets=dict(ends)))
        await member.close()
    for service in SERVICES:
        log = await KafkaLog.open(connection(broker, service))
        if service == WATCHER:
            assert set(await log.behind(list(GROUPS))) == set(GROUPS)
            continue
        with pytest.raises(LogUnavailable, match="GroupAuthorizationFailed"):
            await log.behind(list(GROUPS))


async def test_what_is_not_declared_is_taken_away_and_other_users_keep_theirs(acls: KafkaAcls) -> None:
    stray = Acl.of("notifier", Operation.ALL, Kind.TOPIC, "intake.enquiries.v1")
    theirs = Acl.of("payroll", Operation.READ, Kind.TOPIC, "payroll.runs")
    lost = Acl.of("notifier", Operation.WRITE, Kind.TOPIC, "notifier.alerts.v1")
    async with acls.client() as client:
        await client.create([stray, theirs])
        await client.delete([lost])
    found = await acls.diff()
    assert found == [AclDifference(lost, "missing"), AclDifference(stray, "undeclared")]
    assert [str(one) for one in found] == [
        "User:notifier write topic notifier.alerts.v1: missing",
        "User:notifier all topic intake.enquiries.v1: undeclared",
    ]
    assert await acls.apply() == found
    assert await acls.diff() == []
    async with acls.client() as client:
        assert await client.described() == declared() | {theirs}


async def test_commands_show_what_differs_and_mend_it(
    broker: JavaKafka, acls: KafkaAcls, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lead_commands_to("postgresql+asyncpg://nobody@localhost/nothing", "intake", tmp_path, monkeypatch)
    for name, value in environment("topics").items():
        if name.startswith("SIGNPOST_KAFKA_"):
            monkeypatch.setenv(name, given(value))
    monkeypatch.setenv("SIGNPOST_KAFKA_BOOTSTRAP_SERVERS", broker.servers)
    async with acls.client() as client:
        await client.delete([Acl.of("notifier", Operation.WRITE, Kind.TOPIC, "notifier.alerts.v1")])
    ran = [await signpost("topics", command, "--acls") for command in ("diff", "apply", "diff")]
    assert [one.exit_code for one in ran] == [1, 0, 0]
    missing = "All topics are as declared.\nUser:notifier write topic notifier.alerts.v1: missing\n"
    declared_now = "All topics are as declared.\nAll ACLs are as declared.\n"
    assert [one.output for one in ran] == [missing, missing, declared_now]
    embedded = await signpost("topics", "apply", "--acls", SIGNPOST_EVENT_LOG="postgres")
    assert isinstance(embedded.exception, EventLogNotConfigured)


async def test_what_the_settings_ask_for_is_no_warning(
    broker: JavaKafka, acls: KafkaAcls, caplog: pytest.LogCaptureFixture
) -> None:
    await KafkaLog.open(connection(broker, "intake"))
    assert caplog.messages == []


async def test_a_wrong_password_is_refused(broker: JavaKafka) -> None:
    wrong = replace(connection(broker, "notifier"), password="guessed")
    with pytest.raises(LogUnavailable):
        await KafkaLog.open(wrong)


async def test_brokers_without_an_authorizer_are_named(kafka: str) -> None:
    with pytest.raises(NoAuthorizer, match="no authorizer"):
        await KafkaAcls(KafkaConnection(kafka)).apply()


def test_the_administrator_is_anonymous_only_inside_the_container() -> None:
    settings = brokers_settings()
    protocols = dict(pair.split(":") for pair in settings["listener.security.protocol.map"].split(","))
    assert protocols == {"CLIENTS": "SASL_PLAINTEXT", "BROKER": "PLAINTEXT", "CONTROLLER": "PLAINTEXT"}
    listeners = dict(str(one).split("://") for one in str(environment("kafka")["KAFKA_LISTENERS"]).split(","))
    open_to_all = {name for name, place in listeners.items() if not place.startswith("127.0.0.1:")}
    assert {protocols[name] for name in open_to_all} == {"SASL_PLAINTEXT"}
    assert settings["authorizer.class.name"] == "org.apache.kafka.metadata.authorizer.StandardAuthorizer"
    assert "allow.everyone.if.no.acl.found" not in settings
    assert settings["super.users"] == "User:ANONYMOUS;User:operator"
