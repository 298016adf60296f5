"""The promises of `docker-compose.yml` that need no Docker to check; `make compose-test` runs the file."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import cast

import pytest
import yaml

from services.cli.serve import RoleKind
from services.intake.app import BODY_LIMIT, FORMS, streamed_bodies
from services.intake.evidence.domain import Limits
from shared.connections import ConnectionLimits
from shared.events.topics import SERVICES

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
CONTAINERS: Mapping[str, Mapping[str, object]] = yaml.safe_load(TEXT)["services"]
DEMO_ONLY = {name for name, container in CONTAINERS.items() if container.get("profiles") == ["demo"]}
OF_SIGNPOST = {name for name, container in CONTAINERS.items() if "build" in container}
_VARIABLE = re.compile(r"\$\{(?P<name>[A-Z0-9_]+)(?P<rule>:[?-])?(?P<text>[^}]*)\}")
_SECRET = re.compile(r"PASSWORD|SECRET|_KEY$")


def variables(value: object) -> Iterator[re.Match[str]]:
    """Yield what `value` takes from the environment."""
    if isinstance(value, str):
        yield from _VARIABLE.finditer(value)
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from variables(one)
    elif isinstance(value, list):
        for one in value:
            yield from variables(one)


def environment(name: str) -> Mapping[str, object]:
    """Return the environment of the container called `name`."""
    return cast(Mapping[str, object], CONTAINERS[name].get("environment", {}))


@pytest.mark.parametrize("name", sorted(CONTAINERS.keys() - DEMO_ONLY))
def test_no_container_has_a_secret_by_default(name: str) -> None:
    for found in variables(CONTAINERS[name]):
        if _SECRET.search(found["name"]):
            assert found["rule"] == ":?", f"{found['name']} of {name} can be left out"


def test_whatever_is_asked_for_is_named_when_it_is_missing() -> None:
    asked = [found for found in _VARIABLE.finditer(TEXT) if found["rule"] == ":?"]
    assert asked
    for found in asked:
        assert found["text"].startswith(f"set {found['name']} to "), found[0]


def test_the_demonstration_sets_whatever_is_asked_for_and_nothing_that_nobody_reads() -> None:
    lines = (ROOT / "deploy" / "demo.env").read_text(encoding="utf-8").splitlines()
    set_there = {line.partition("=")[0] for line in lines if line and not line.startswith("#")}
    asked = {found["name"] for found in _VARIABLE.finditer(TEXT) if found["rule"] == ":?"}
    read = {found["name"] for found in _VARIABLE.finditer(TEXT)} | {"COMPOSE_PROFILES"}
    passed_on = {key for name in CONTAINERS for key, value in environment(name).items() if value is None}
    assert asked <= set_there
    assert set_there <= read | passed_on


@pytest.mark.parametrize("name", sorted(OF_SIGNPOST))
def test_a_container_of_signpost_can_change_nothing_but_its_volumes(name: str) -> None:
    container = CONTAINERS[name]
    assert container["read_only"] is True
    assert container["cap_drop"] == ["ALL"]
    assert container["security_opt"] == ["no-new-privileges:true"]
    assert "user" not in container, "the image has an unprivileged user already"


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_is_given_its_own_database_and_no_other(service: str) -> None:
    urls = [name for name in environment(service) if name.endswith("_DATABASE_URL")]
    assert urls == [f"SIGNPOST_{service.upper()}_DATABASE_URL"]
    assert f"//{service}:${{{service.upper()}_DATABASE_PASSWORD" in str(environment(service)[urls[0]])


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_is_audited_by_a_process_of_its_own(service: str) -> None:
    own, auditor = CONTAINERS[service], CONTAINERS[f"{service}-auditor"]
    roles = {name: str(one["command"]).partition("--roles")[2] for name, one in (("own", own), ("auditor", auditor))}
    assert re.findall(r"\w+", roles["own"]) == [kind for kind in RoleKind if kind is not RoleKind.AUDITOR]
    assert re.findall(r"\w+", roles["auditor"]) == ["auditor"]
    assert auditor["environment"] == own["environment"]
    assert (auditor["restart"], auditor["healthcheck"]) == (own["restart"], own["healthcheck"])
    assert f"{service}-auditor:8000" in (ROOT / "deploy" / "prometheus" / "prometheus.yml").read_text("utf-8")


@pytest.mark.parametrize("user", [*SERVICES, "operator"])
def test_a_user_of_kafka_is_one_service_or_the_jobs_that_change_topics(user: str) -> None:
    jobs = {"topics", "operator"}
    password = f"{user.upper()}_KAFKA_PASSWORD"
    holders = {name for name in CONTAINERS if any(found["name"] == password for found in variables(environment(name)))}
    assert holders == {"kafka", *(jobs if user == "operator" else {user, f"{user}-auditor"})}
    for name in holders - {"kafka"}:
        assert environment(name)["SIGNPOST_KAFKA_SASL_USERNAME"] == user
        assert environment(name)["SIGNPOST_KAFKA_SECURITY_PROTOCOL"] == "SASL_PLAINTEXT"
    accounts = str(environment("kafka")["KAFKA_LISTENER_NAME_CLIENTS_PLAIN_SASL_JAAS_CONFIG"])
    assert f'user_{user}="${{{password}:?' in accounts


def test_only_intake_can_sign_sessions() -> None:
    holders = {name for name in CONTAINERS if "SIGNPOST_SIGNING_KEY_FILE" in environment(name)}
    mounted = {name for name, container in CONTAINERS.items() if "signing-key" in str(container.get("volumes"))}
    assert holders == mounted == {"intake", "intake-auditor", "keys"}  # the auditor is a process of intake
    assert "signing-key:/var/lib/signpost/signing-key:ro" in cast(list[str], CONTAINERS["intake"]["volumes"])


KEYS_PAGE = (ROOT / "docs" / "operations" / "keys.md").read_text("utf-8")


@pytest.mark.parametrize(
    "setting", sorted(set(re.findall(r"\bSIGNPOST_(?:SECRET|SIGNING|\w*VERIFY)_KEY\w*", KEYS_PAGE)))
)
def test_a_key_is_replaced_in_the_file_of_settings_alone(setting: str) -> None:
    """What keys.md tells people to set reaches every service that reads it, whether it is passed on or asked for."""
    for name in ["intake"] if "SIGNING" in setting else [*SERVICES, "migrations", "topics", "operator"]:
        value = environment(name).get(setting, "not there")
        assert value is None or str(value).startswith(f"${{{setting}:"), f"{name} does not take {setting}: {value}"


def test_no_step_of_replacing_keys_removes_what_is_asked_for() -> None:
    asked = {found["name"] for found in _VARIABLE.finditer(TEXT) if found["rule"] == ":?"}
    taken_away = set(re.findall(r"(?:remove|instead of|and no) `(\w+)`", KEYS_PAGE))
    assert "SIGNPOST_MORE_VERIFY_KEY_FILES" in taken_away
    assert not taken_away & asked


def test_a_pair_of_keys_is_made_where_services_look_for_it() -> None:
    """The job makes the pair that is used unless another is named; keys.md makes others beside it."""
    made, used = environment("keys"), {**environment("operator"), **environment("intake")}
    for setting, path in made.items():
        assert used[setting] == f"${{{setting}:-{path}}}"
        folder = str(path).rpartition("/")[0]
        assert f"{folder}:ro" not in str(CONTAINERS["keys"]["volumes"])
        assert folder in str(CONTAINERS["keys"]["volumes"])
        assert re.search(rf"`{setting}={folder}/new-[\w-]+\.pem`", KEYS_PAGE)


def test_every_port_is_open_to_this_machine_only_unless_somebody_says_otherwise() -> None:
    for name, container in CONTAINERS.items():
        for port in cast(list[str], container.get("ports", [])):
            assert port.startswith(("127.0.0.1:", "${SIGNPOST_LISTEN:-127.0.0.1:")), f"{name}: {port}"


def test_whatever_runs_on_has_a_limit_of_memory_and_says_whether_it_is_well() -> None:
    for name, container in CONTAINERS.items():
        if "restart" in container:
            assert "mem_limit" in container, name
            assert "healthcheck" in container or name == "mail", f"{name}: the image of mail has its own"


@pytest.mark.parametrize("name", sorted(CONTAINERS))
def test_a_container_keeps_no_capability_that_it_does_not_need(name: str) -> None:
    container = CONTAINERS[name]
    assert container["cap_drop"] == ["ALL"]
    assert container["security_opt"] == ["no-new-privileges:true"]
    kept = {
        "proxy": ["NET_BIND_SERVICE"],  # a capability of Caddy's file: without it, the file cannot be started
        "postgres": ["CHOWN", "DAC_OVERRIDE", "FOWNER", "SETGID", "SETUID"],
    }
    assert container.get("cap_add", []) == kept.get(name, [])


FRONT = "${SIGNPOST_FRONT_NETWORK:-172.31.250.0/24}"


def test_what_the_proxy_says_of_the_sender_is_believed_because_of_its_network() -> None:
    networks = yaml.safe_load(TEXT)["networks"]
    assert networks["front"]["ipam"]["config"] == [{"subnet": FRONT}]
    for service in SERVICES:
        assert environment(service)["SIGNPOST_TRUSTED_PROXIES"] == FRONT
        assert "SIGNPOST_RATE_LIMIT_ADDRESS" not in environment(service), "each address is counted by itself"
    assert environment("proxy")["SIGNPOST_FRONT_NETWORK"] == FRONT
    assert CONTAINERS["prometheus"]["networks"] == ["watch"], "who is on front is believed as the proxy is"


def test_the_proxy_limits_heads_bodies_and_time_as_the_services_do() -> None:
    text = (ROOT / "deploy" / "caddy" / "Caddyfile").read_text("utf-8")
    assert BODY_LIMIT == 640 * 1024
    assert ConnectionLimits().head_bytes == 64 * 1024
    for said in (
        "max_size 640KiB",
        "max_header_size 64KiB",
        "read_header 10s",
        "read_body 2h",
        "@without_files not path /report/*",
        "request_body @without_files",
        "trusted_proxies static {$SIGNPOST_FRONT_NETWORK}",
        "trusted_proxies_strict",
    ):
        assert text.count(said) == 1, said


def test_the_proxy_lets_the_largest_request_with_files_through() -> None:
    text = (ROOT / "deploy" / "caddy" / "Caddyfile").read_text("utf-8")
    largest = max(streamed_bodies(Limits(), FORMS).values())
    assert "request_body /report/* {\n\t\tmax_size 2GiB" in text
    assert largest <= 2 * 1024**3


def test_intake_and_the_audit_find_evidence_in_a_volume_of_its_own() -> None:
    for name, right in (("intake", ""), ("operator", ":ro")):
        assert environment(name)["SIGNPOST_INTAKE_EVIDENCE_STORE"] == (
            "${SIGNPOST_INTAKE_EVIDENCE_STORE:-/var/lib/signpost/evidence}"
        )
        assert f"evidence:/var/lib/signpost/evidence{right}" in cast(list[str], CONTAINERS[name]["volumes"])
    assert "/var/lib/signpost/evidence" in (ROOT / "deploy" / "Dockerfile").read_text("utf-8"), "it is the user's own"


MOVING = {"postgres:18", "caddy:2", "axllent/mailpit:v1.29"}
"""Tags that security fixes move; docs/operations/compose.md says how to pin them."""


def test_an_image_is_named_by_digest_unless_its_tag_moves() -> None:
    images = {str(container["image"]) for name, container in CONTAINERS.items() if name not in OF_SIGNPOST}
    by_tag = {image for image in images if not re.search(r"@sha256:[0-9a-f]{64}$", image)}
    assert by_tag == MOVING
    page = (ROOT / "docs" / "operations" / "compose.md").read_text("utf-8")
    assert [image for image in by_tag if image.removesuffix(":v1.29") not in page] == []


def test_an_image_that_is_built_again_has_the_code_of_now() -> None:
    """Else uv installs Signpost from its cache, which stays between builds, until pyproject.toml changes."""
    text = (ROOT / "deploy" / "Dockerfile").read_text("utf-8")
    installs = [line for line in text.splitlines() if "uv sync" in line and "--no-editable" in line]
    assert installs
    assert all("--refresh-package signpost" in line for line in installs)
