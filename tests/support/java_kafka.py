"""Apache Kafka as a process of its own: Apache's jars, fetched once by Maven, run by Java."""

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

from tests.support.ports import free_ports
from tests.support.postgres import locked

VERSION = "4.1.1"
_LOG4J = "2.25.3"
_CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "signpost-tests"
_CLUSTER_ID = "c2lnbnBvc3QtdGVzdHMta2"
_STARTS_WITHIN = 180.0
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


_LIGHT = ("-Xmx512m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")
"""It lives for minutes: compiling it well would take more of the machine than it saves."""


class NoKafka(Exception):
    """There is no Kafka, and none can be started."""


class KafkaDidNotStart(NoKafka):
    """Kafka was there but did not answer in time; another one may."""


class JavaKafka:
    """One Apache Kafka process on this machine, with its data in `folder`.

    Args:
        folder: where its data and its settings are.
        changed: settings besides the usual ones, or instead of them; `{broker}` and so on become what they are here.
    """

    def __init__(self, folder: Path, changed: Mapping[str, str] | None = None) -> None:
        if not (shutil.which("java") and shutil.which("mvn")):
            raise NoKafka(HOW_TO_GET_ONE)
        self._folder = folder
        self._java = ["java", *_LIGHT, "-cp", f"{_jars()}/*"]
        broker, controller, inside = free_ports(3)
        self.servers = f"127.0.0.1:{broker}"
        folder.mkdir(parents=True)
        self._properties = folder / "server.properties"
        lines = [_PROPERTIES, *(f"{name}={value}\n" for name, value in (changed or {}).items())]
        places = {"broker": broker, "controller": controller, "inside": inside, "data": folder / "log"}
        self._properties.write_text("".join(lines).format(**places))
        _run([*self._java, "kafka.tools.StorageTool", "format", "-t", _CLUSTER_ID, "-c", str(self._properties)])

    def start(self) -> int:
        """Start the process, wait until it answers, and return its id."""
        command = [*self._java, "kafka.Kafka", str(self._properties)]
        with (self._folder / "server.log").open("ab") as output:
            self._process = subprocess.Popen(command, stdout=output, stderr=output, start_new_session=True)
        _wait_until_itanswers(self._process, self.servers)
        return self._process.pid

    def kill(self) -> None:
        """End the process as a power cut would."""
        self._process.kill()
        self._process.wait()

    def pause(self) -> None:
        """Let the process hang: its connections stay, and nothing answers."""
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let the process go on."""
        self._process.send_signal(signal.SIGCONT)


def _jars() -> Path:
    """Return the folder of Kafka's jars, fetched once from Maven Central."""
    jars = _CACHE / f"kafka-{VERSION}"
    with locked("kafka-jars"):
        if not jars.exists():
            _fetch(jars)
    return jars


def _fetch(jars: Path) -> None:
    fetching = _CACHE / f"fetching-{VERSION}"
    fetching.mkdir(parents=True, exist_ok=True)
    (fetching / "pom.xml").write_text(_POM.format(kafka=VERSION, log4j=_LOG4J))
    _run(["mvn", "-B", "-q", "-f", f"{fetching}/pom.xml", "dependency:copy-dependencies", "-DoutputDirectory=lib"])
    (fetching / "lib").rename(jars)
    shutil.rmtree(fetching)


def _run(command: list[str]) -> None:
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        raise NoKafka(f"{HOW_TO_GET_ONE}\n{command[0]} failed: {(done.stderr or done.stdout)[-2000:]}")


def _wait_until_itanswers(process: "subprocess.Popen[bytes]", servers: str) -> None:
    deadline = time.monotonic() + _STARTS_WITHIN
    while not answers(servers):
        if process.poll() is not None or time.monotonic() > deadline:
            process.kill()
            raise KafkaDidNotStart(f"{HOW_TO_GET_ONE}\nKafka did not start.")
        time.sleep(0.1)


def answers(servers: str) -> bool:
    """Return whether something listens at `servers`."""
    host, _, port = servers.rpartition(":")
    try:
        with socket.create_connection((host.rpartition("://")[2], int(port)), timeout=1):
            return True
    except OSError:
        return False
