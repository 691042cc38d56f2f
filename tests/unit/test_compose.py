"""docker-compose.yml: valid under the Compose Specification's schema, closed to the network, and what it says it is."""

from __future__ import annotations

import copy
import http.server
import json
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from check_jsonschema.builtin_schemas import get_builtin_schema
from jsonschema import Draft202012Validator, ValidationError

from ragsys.config import load
from ragsys.plugins import registry

ROOT = Path(__file__).parents[2]
PINNED = re.compile(r"(?:[\w.-]+/)*[\w.-]+:v?\d+\.\d+\.\d+[\w.-]*")
VARIABLE = re.compile(r"\$\{(?P<name>[A-Z_]+)(?::(?P<kind>[-?])(?P<text>[^}]*))?\}")


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    return dict(yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8")))


def services(compose: Mapping[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return list(compose["services"].items())


def check(compose: Mapping[str, Any]) -> None:
    """Raise `ValidationError` where the file breaks the specification's schema."""
    schema = get_builtin_schema("vendor.compose-spec")
    Draft202012Validator.check_schema(schema)
    Draft202012Validator(schema).validate(compose)


def test_it_is_valid_under_the_specification(compose: dict[str, Any]) -> None:
    check(compose)


@pytest.mark.parametrize(
    ("service", "key", "value"),
    [("vllm", "imgae", "x"), ("qdrant", "ports", {"a": "b"}), ("ragsys", "restart", ["always"]), ("vllm", "deploy", 3)],
)
def test_the_schema_finds_mistakes(compose: dict[str, Any], service: str, key: str, value: Any) -> None:
    wrong = copy.deepcopy(compose)
    wrong["services"][service][key] = value
    with pytest.raises(ValidationError):
        check(wrong)


def test_images_are_pinned(compose: dict[str, Any]) -> None:
    for name, service in services(compose):
        assert PINNED.fullmatch(service["image"]), name


def test_the_image_of_ragsys_is_called_by_its_version(compose: dict[str, Any]) -> None:
    (version,) = re.findall(r'^version = "(.+)"$', (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE)
    assert {service["image"] for _, service in services(compose) if "build" in service} == {f"ragsys:{version}"}


def test_every_dependency_exists_is_healthy_first_and_starts_with_it(compose: dict[str, Any]) -> None:
    by_name = dict(services(compose))
    found = 0
    for name, service in services(compose):
        for needed, how in service.get("depends_on", {}).items():
            found += 1
            assert how == {"condition": "service_healthy"}, name
            assert "healthcheck" in by_name[needed], name
            profiles = set(by_name[needed].get("profiles", ()))
            assert not profiles or set(service["profiles"]) <= profiles, f"{name} starts without {needed}"
    assert found >= 3


def test_every_service_says_when_it_is_healthy(compose: dict[str, Any]) -> None:
    for name, service in services(compose):
        health = service["healthcheck"]
        assert health["test"][0] == "CMD", name  # a list: no shell of an image is needed
        assert {"interval", "timeout", "retries", "start_period"} <= set(health), name


def test_ports_are_on_the_loopback_address(compose: dict[str, Any]) -> None:
    published = [port for _, service in services(compose) for port in service.get("ports", ())]
    assert len(published) == 3
    assert all(re.fullmatch(r"127\.0\.0\.1:\d+:\d+", port) for port in published)


def test_named_volumes_are_declared_and_used(compose: dict[str, Any]) -> None:
    mounted = [volume.split(":") for _, service in services(compose) for volume in service.get("volumes", ())]
    named = {parts[0] for parts in mounted if re.fullmatch(r"[a-z]+", parts[0])}
    assert named == set(compose["volumes"])


def test_keys_come_from_the_environment_and_have_no_default(compose: dict[str, Any]) -> None:
    text = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
    kinds: dict[str, set[str | None]] = {}
    for match in VARIABLE.finditer(text):
        kinds.setdefault(match["name"], set()).add(match["kind"])
    for key in ("QDRANT_API_KEY", "VLLM_API_KEY"):
        assert "?" in kinds[key], f"{key} is required"
        assert "-" not in kinds[key], f"{key} has a default"
    for name, allowed in kinds.items():
        assert allowed & {"-", "?"}, f"{name} is neither required nor has a default"
        assert re.search(rf"^#.*\b{name}\b", text, re.MULTILINE), f"{name} is not explained"
    server = dict(services(compose))["qdrant"]["environment"]
    assert server["QDRANT__SERVICE__API_KEY"].startswith("${QDRANT_API_KEY:?")


def resolved(value: str, environment: Mapping[str, str]) -> str:
    """As Compose does it."""
    return VARIABLE.sub(lambda m: environment.get(m["name"]) or (m["text"] if m["kind"] == "-" else "") or "", value)


@pytest.mark.parametrize(("service", "generator"), [("ragsys", "openai"), ("ragsys-cpu", "extractive")])
def test_ragsys_runs_a_preset_against_the_services_beside_it(
    compose: dict[str, Any], monkeypatch: pytest.MonkeyPatch, service: str, generator: str
) -> None:
    chosen = {"QDRANT_API_KEY": "one", "VLLM_API_KEY": "two"}
    about = dict(services(compose))[service]
    environment = {name: resolved(value, chosen) for name, value in about["environment"].items()}
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert environment["RAGSYS_CONFIG"] in registry().resources("preset")
    config = load()
    assert config.generator.use == generator
    assert config.store.use == "server"
    assert config.store.options["url"] == "http://qdrant:6333"
    assert config.store.options["api_key"] == "one"
    if generator == "openai":
        served = dict(services(compose))["vllm"]
        assert config.generator.options["url"] == "http://vllm:8000/v1"
        assert config.generator.options["api_key"] == "two"
        assert config.generator.options["model"] == resolved(served["command"][0], chosen)
        assert config.answer.agent.options["view"] == "pages"
        assert f"--max-model-len={config.generator.options['serve']['context']}" in [
            resolved(word, chosen) for word in served["command"]
        ]
    hosts = {match for value in environment.values() for match in re.findall(r"http://([a-z]+):", value)}
    assert hosts == set(about["depends_on"])


def test_the_served_models_command_is_one_of_the_servers(compose: dict[str, Any]) -> None:
    """Its flags are those that `ragsys serve-model` writes, which a real server takes in its own tests."""
    from ragsys_generate.serve.machine import Gpu, Machine
    from ragsys_generate.serve.options import ServeOptions
    from ragsys_generate.serve.plan import Place, make

    gpus = (Gpu("one", 10**11, 10**11, (9, 0)),) * 2
    machine = Machine("Linux", "x86_64", 8, 10**11, True, gpus)
    plan = make("Qwen3-VL-8B", ServeOptions(), machine, Place())
    command = [resolved(word, {}) for word in dict(services(compose))["vllm"]["command"]]
    used = dict(word.partition("=")[::2] for word in command[1:])
    assert set(used) <= {flag for flag in plan.flags if flag.startswith("--")}
    assert json.loads(used["--limit-mm-per-prompt"]) == {"image": 16, "video": 0}


def test_the_gpu_is_asked_for(compose: dict[str, Any]) -> None:
    devices = dict(services(compose))["vllm"]["deploy"]["resources"]["reservations"]["devices"]
    assert devices == [{"driver": "nvidia", "count": "all", "capabilities": ["gpu"]}]


def test_documents_are_mounted_read_only_and_ragsys_can_do_little(compose: dict[str, Any]) -> None:
    for name in ("ragsys", "ragsys-cpu"):
        service = dict(services(compose))[name]
        assert service["volumes"][0].endswith(":/documents:ro")
        assert service["cap_drop"] == ["ALL"]
        assert service["read_only"] is True


class _Ready(http.server.BaseHTTPRequestHandler):
    status = 200

    def do_GET(self) -> None:
        assert self.path == "/readyz"
        self.send_response(self.status)
        self.end_headers()

    def log_message(self, *given: Any) -> None:
        """Nothing."""


@pytest.fixture
def ready() -> Iterator[http.server.ThreadingHTTPServer]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Ready) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash here")
@pytest.mark.parametrize(("status", "healthy"), [(200, True), (503, False)])
def test_the_health_check_without_curl_tells_ready_from_not(
    compose: dict[str, Any],
    ready: http.server.ThreadingHTTPServer,
    monkeypatch: pytest.MonkeyPatch,
    status: int,
    healthy: bool,
) -> None:
    monkeypatch.setattr(_Ready, "status", status)
    test = dict(services(compose))["qdrant"]["healthcheck"]["test"]
    words = [word.replace("$$", "$").replace("6333", str(ready.server_address[1])) for word in test[1:]]
    done = subprocess.run(words, capture_output=True, timeout=20, check=False)
    assert (done.returncode == 0) == healthy, done.stderr
    gone = subprocess.run([word.replace(str(ready.server_address[1]), "1") for word in words], capture_output=True)
    assert gone.returncode != 0


def test_the_image_of_ragsys_is_small_and_runs_as_nobody_special() -> None:
    lines = [line.strip() for line in (ROOT / "Dockerfile").read_text(encoding="utf-8").splitlines()]
    bases = [line.split()[1] for line in lines if line.startswith("FROM")]
    assert len(bases) == 2
    assert all(PINNED.fullmatch(base) and "slim" in base for base in bases)
    last = lines[max(n for n, line in enumerate(lines) if line.startswith("FROM")) :]
    assert [line for line in last if line.startswith("USER")] == ["USER ragsys"]
    assert last.index("USER ragsys") < last.index('ENTRYPOINT ["ragsys"]')


def test_what_the_image_is_built_of_is_let_through() -> None:
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").split()
    assert lines[0] == "*"
    kept = {line.removeprefix("!") for line in lines if line.startswith("!")}
    assert kept >= {
        "ragsys",
        "plugins",
        "configs",
        "locks",
        "setup.py",
        "pyproject.toml",
        "README.md",
        "LICENSE",
        "THIRD_PARTY.md",
    }
    assert all((ROOT / name).exists() for name in kept)


@pytest.mark.parametrize(
    ("url", "warned"),
    [
        ("http://qdrant:6333", False),  # the store of docker-compose.yml
        ("http://127.0.0.1:6333", False),
        ("http://localhost:6333", False),
        ("http://[::1]:6333", False),
        ("https://qdrant.example.org", False),
        ("http://qdrant.example.org:6333", True),
        ("http://10.0.0.7:6333", True),
        ("http://[2001:db8::1]:6333", True),
    ],
)
def test_a_key_in_clear_is_warned_of_where_it_leaves_the_machine(
    url: str, warned: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ragsys_qdrant import server
    from ragsys_qdrant.options import ServerOptions

    from ragsys.protocols import Context

    told: list[str] = []
    monkeypatch.setattr(server.log, "warning", lambda text, *of: told.append(text % of))
    store = server.ServerStore(ServerOptions.model_validate({"url": url, "api_key": "hush"}), Context(ROOT, ROOT))
    store._connected().close()
    assert any("goes over the network in clear" in one for one in told) is warned
    assert "hush" not in str(told)
