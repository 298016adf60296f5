"""A real Apache Kafka for tests, found in this order: an address in the environment, Docker, Java with Maven."""

import json
import os
import shutil
import signal
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from testcontainers.community.kafka import KafkaContainer

from tests.support.java_kafka import VERSION, JavaKafka, KafkaDidNotStart, answers
from tests.support.postgres import locked

_APPUSER = 1000
"""The user that runs in the image."""
_SHARED = Path(tempfile.gettempdir()) / f"signpost-tests-{os.getuid()}"
_STARTS = 3
"""How often to try: another process may take a free port in the seconds before Kafka listens on it."""
_DOCKER_ANSWERS_WITHIN = 5.0


class ApacheKafka(KafkaContainer):
    """The official image, which starts once it knows its advertised listeners."""

    def __init__(self) -> None:
        super().__init__(f"apache/kafka:{VERSION}")
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
        NoKafka: there is no Kafka.
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
    if state is None or not answers(str(state["servers"])):
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
            ["docker", "image", "inspect", f"apache/kafka:{VERSION}"],  # noqa: S607 -- whichever docker is on the path
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
