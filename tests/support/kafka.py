"""A real Apache Kafka for tests, found in this order: an address in the environment, Docker, Java with Maven."""

import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from testcontainers.community.kafka import KafkaContainer

from tests.support.ports import free_ports
from tests.support.postgres import locked

_VERSION = "4.1.1"
_LOG4J = "2.25.3"
_CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "signpost-tests"
_APPUSER = 1000
"""Whom the image runs as."""
_CLUSTER_ID = "c2lnbnBvc3QtdGVzdHMta2"
_SHARED = Path(tempfile.gettempdir()) / f"signpost-tests-{os.getuid()}"
_STARTS_WITHIN = 180.0
_STARTS = 3
"""How often: a port that was free may have been taken before Kafka, which takes seconds, listens on it."""
_DOCKER_ANSWERS_WITHIN = 5.0
HOW_TO_GET_ONE = (
    "NO KAFKA: tests on Apache Kafka are skipped. Set KAFKA_BOOTSTRAP_SERVERS, or start Docker, "
    "or install Java 17 and Maven (apt-get install openjdk-17-jre-headless maven)."
)
_POM = """<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>signpost</groupId><artifactId>kafka-for-tests</artifactId><version>1</version>
<dependencies>
<dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>{kafka}</version></dependency>
<dependency><groupId>org.apache.logging.log4j</groupId><artifactId>log4j-slf4j-impl</artifactId>
<version>{log4j}</version></dependency>
<dependency><groupId>org.apache.logging.log4j</groupId><artifactId>log4j-core</artifactId>
<version>{log4j}</version></dependency>
</dependencies></project>
"""
_PROPERTIES = """process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=PLAINTEXT://127.0.0.1:{broker},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{broker}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
log.dirs={data}
auto.create.topics.enable=false
offsets.topic.replication.factor=1
offsets.topic.num.partitions=5
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=5
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
"""


class NoKafka(Exception):
    """There is none, and none can be started."""


class KafkaDidNotStart(NoKafka):
    """It was there and did not answer in time; another one may."""


class ApacheKafka(KafkaContainer):
    """The official image, which starts by itself once it knows its advertised listeners."""

    def __init__(self) -> None:
        super().__init__(f"apache/kafka:{_VERSION}")
        self.kraft_enabled = True

    def configure(self) -> None:
        super().configure()  # type: ignore[no-untyped-call]  # the library's
        self.boot_command = ""
        self.with_env("KAFKA_AUTO_CREATE_TOPICS_ENABLE", "false")
        self.with_env("KAFKA_OFFSETS_TOPIC_NUM_PARTITIONS", "5")
        self.with_env("KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR", "1")
        self.with_env("KAFKA_TRANSACTION_STATE_LOG_MIN_ISR", "1")
        self.with_env("KAFKA_TRANSACTION_STATE_LOG_NUM_PARTITIONS", "5")
        self.with_env("KAFKA_SHARE_COORDINATOR_STATE_TOPIC_REPLICATION_FACTOR", "1")
        self.with_tmpfs_mount("/opt/kafka/config", f"uid={_APPUSER},gid={_APPUSER}")  # it writes its settings there

    def tc_start(self) -> None:
        host, port = self.get_container_host_ip(), self.get_exposed_port(self.port)
        listeners = f"{self.listener_name}://{host}:{port},BROKER://$(hostname):9092"
        script = f"export KAFKA_ADVERTISED_LISTENERS={listeners}\nexec /etc/kafka/docker/run\n"
        self.create_file(script.encode(), self.TC_START_SCRIPT)


@contextmanager
def running_kafka() -> Iterator[str]:
    """Yield bootstrap servers; a Kafka started here is shared by all test processes and stopped by the last of them.

    Raises:
        NoKafka: there is none.
    """
    if given := os.environ.get("KAFKA_BOOTSTRAP_SERVERS"):
        yield given
        return
    with ExitStack() as stack:
        with locked("kafka"):
            servers = _join() or _start()
        stack.callback(_leave)
        yield servers


def _join() -> str | None:
    """Register with a Kafka that another test process started and that still answers."""
    state = _read_state()
    if state is None or not _answers(str(state["servers"])):
        return None
    users = [pid for pid in _pids(state) if _lives(pid)]
    _write_state({**state, "users": [*users, os.getpid()]})
    return str(state["servers"])


def _start() -> str:
    state = _start_container() or _start_java()
    _write_state({**state, "users": [os.getpid()]})
    return str(state["servers"])


def _leave() -> None:
    with locked("kafka"):
        state = _read_state()
        if state is None:
            return
        users = [pid for pid in _pids(state) if pid != os.getpid() and _lives(pid)]
        if users:
            _write_state({**state, "users": users})
            return
        _state_file().unlink()
        _stop(state)


def _stop(state: dict[str, object]) -> None:
    if container := state.get("container"):
        subprocess.run(["docker", "rm", "--force", str(container)], check=False, capture_output=True)  # noqa: S607 -- as above
        return
    os.kill(int(str(state["pid"])), signal.SIGKILL)
    shutil.rmtree(str(state["data"]), ignore_errors=True)


def _start_container() -> dict[str, object] | None:
    try:
        engine = subprocess.run(
            ["docker", "image", "inspect", f"apache/kafka:{_VERSION}"],  # noqa: S607 -- whichever docker is on the path
            check=False,
            capture_output=True,
            timeout=_DOCKER_ANSWERS_WITHIN,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    if engine.returncode:
        return None
    os.environ.setdefault("TESTCONTAINERS_RYUK_DISABLED", "true")
    container = ApacheKafka()
    container.start()
    return {"container": container.get_wrapped_container().id, "servers": container.get_bootstrap_server()}


class JavaKafka:
    """One Apache Kafka process on this machine, with its data in `folder`."""

    def __init__(self, folder: Path) -> None:
        if not (shutil.which("java") and shutil.which("mvn")):
            raise NoKafka(HOW_TO_GET_ONE)
        self._folder = folder
        self._java = ["java", "-Xmx512m", "-cp", f"{_jars()}/*"]
        broker, controller = free_ports(2)
        self.servers = f"127.0.0.1:{broker}"
        folder.mkdir(parents=True)
        self._properties = folder / "server.properties"
        self._properties.write_text(_PROPERTIES.format(broker=broker, controller=controller, data=folder / "log"))
        _run([*self._java, "kafka.tools.StorageTool", "format", "-t", _CLUSTER_ID, "-c", str(self._properties)])

    def start(self) -> int:
        """Start the process, wait until it answers, and return its id."""
        command = [*self._java, "kafka.Kafka", str(self._properties)]
        with (self._folder / "server.log").open("ab") as output:
            self._process = subprocess.Popen(command, stdout=output, stderr=output, start_new_session=True)
        _wait_until_it_answers(self._process, self.servers)
        return self._process.pid

    def kill(self) -> None:
        """End the process as a power cut would."""
        self._process.kill()
        self._process.wait()

    def pause(self) -> None:
        """Let the process stand still: its connections stay, and nothing answers."""
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let the process go on."""
        self._process.send_signal(signal.SIGCONT)


def _start_java() -> dict[str, object]:
    for _ in range(_STARTS - 1):
        try:
            return _start_java_once()
        except KafkaDidNotStart:
            continue
    return _start_java_once()


def _start_java_once() -> dict[str, object]:
    kafka = JavaKafka(_SHARED / f"kafka-{uuid.uuid4().hex[:8]}")
    return {"pid": kafka.start(), "data": str(kafka._folder), "servers": kafka.servers}


def _jars() -> Path:
    """Return the folder of Kafka's jars, fetched once from Maven Central."""
    jars = _CACHE / f"kafka-{_VERSION}"
    with locked("kafka-jars"):
        if not jars.exists():
            _fetch(jars)
    return jars


def _fetch(jars: Path) -> None:
    fetching = _CACHE / f"fetching-{_VERSION}"
    fetching.mkdir(parents=True, exist_ok=True)
    (fetching / "pom.xml").write_text(_POM.format(kafka=_VERSION, log4j=_LOG4J))
    _run(["mvn", "-B", "-q", "-f", f"{fetching}/pom.xml", "dependency:copy-dependencies", "-DoutputDirectory=lib"])
    (fetching / "lib").rename(jars)
    shutil.rmtree(fetching)


def _run(command: list[str]) -> None:
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        raise NoKafka(f"{HOW_TO_GET_ONE}\n{command[0]} failed: {(done.stderr or done.stdout)[-2000:]}")


def _wait_until_it_answers(process: "subprocess.Popen[bytes]", servers: str) -> None:
    deadline = time.monotonic() + _STARTS_WITHIN
    while not _answers(servers):
        if process.poll() is not None or time.monotonic() > deadline:
            process.kill()
            raise KafkaDidNotStart(f"{HOW_TO_GET_ONE}\nKafka did not start.")
        time.sleep(0.1)


def _answers(servers: str) -> bool:
    host, _, port = servers.rpartition(":")
    try:
        with socket.create_connection((host.rpartition("://")[2], int(port)), timeout=1):
            return True
    except OSError:
        return False


def _lives(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


def _pids(state: dict[str, object]) -> list[int]:
    return [int(pid) for pid in state["users"]]  # type: ignore[attr-defined]  # JSON list


def _state_file() -> Path:
    return _SHARED / "kafka.json"


def _read_state() -> dict[str, object] | None:
    try:
        return dict(json.loads(_state_file().read_text()))
    except (OSError, json.JSONDecodeError):
        return None


def _write_state(state: dict[str, object]) -> None:
    _state_file().write_text(json.dumps(state))
