"""What processes that read documents are given: their environment and configuration hold no secrets."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from ragsys import ahead, workerconfig
from ragsys.config import Config, load
from ragsys.environment import without_secrets
from ragsys.layers import Layers
from ragsys.library import Library
from ragsys.plugins import Builder, registry

SECRETS = {
    "OPENAI_API_KEY": "hush", "AWS_SECRET_ACCESS_KEY": "hush", "HF_TOKEN": "hush", "QDRANT_API_KEY": "hush",
    "SSH_AUTH_SOCK": "hush", "MY_PASSWORD": "hush", "HTTPS_PROXY": "http://me:hush@proxy", "DATABASE_URL": "hush",
    "PYTHON_KEY": "hush", "KUBECONFIG": "hush",
}  # fmt: skip
NEEDED = {
    "PATH": "/bin", "HOME": "/home/me", "LANG": "C", "LC_ALL": "C.UTF-8", "TMPDIR": "/t", "PYTHONPATH": "/p",
    "VIRTUAL_ENV": "/v", "LD_LIBRARY_PATH": "/l", "TESSDATA_PREFIX": "/d", "OMP_NUM_THREADS": "1",
    "RAGSYS_HOME": "/r", "http_proxy": "http://proxy:3128", "XDG_CACHE_HOME": "/x", "SYSTEMROOT": "c:\\windows",
}  # fmt: skip


def test_a_process_gets_what_it_needs_and_no_secrets() -> None:
    assert without_secrets({**SECRETS, **NEEDED}) == NEEDED


def test_a_variable_that_a_plugin_needs_can_be_passed_by_name() -> None:
    named = {"RAGSYS_PASS_ENV": "MY_PASSWORD, HF_TOKEN"}
    passed = without_secrets({**SECRETS, **named})
    assert passed == {**named, "MY_PASSWORD": "hush", "HF_TOKEN": "hush"}


def test_a_parser_is_started_without_the_secrets_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    process = ahead.launch((sys.executable, "-c", "import os, json; print(json.dumps(dict(os.environ)))"))
    assert process.stdin is not None
    assert process.stdout is not None
    with process.stdin, process.stdout:
        seen = json.loads(process.stdout.read())
        process.wait(60)
    assert "hush" not in json.dumps(seen)
    assert seen["PATH"] == os.environ["PATH"]


SERVED = {
    "generator": {"use": "openai", "url": "http://127.0.0.1:1", "model": "m", "api_key": "hush"},
    "judge": None,
    "store": {"use": "server", "url": "http://127.0.0.1:1", "api_key": "hush"},
    "loaders": {"pdf": {"use": "pymupdf", "password": "open"}},
}


def kept(config: Config, tmp_path: Path) -> tuple[dict[str, Any], Layers]:
    layers = Layers(config, Builder(registry(), config.defaults, tmp_path, tmp_path))
    eager = [name for name, retriever in layers.retrievers.items() if retriever.eager]
    return workerconfig.of(config, registry(), eager, digesting=layers.digesting is not None), layers


def test_a_parser_is_sent_no_key_of_a_model_or_a_store(tmp_path: Path) -> None:
    part, _ = kept(load(SERVED), tmp_path)
    assert "hush" not in json.dumps(part)
    assert part["loaders"]["pdf"] == {"use": "pymupdf", "needs": {}, "password": "open"}  # what it reads with
    assert "chat" not in part
    assert "budget" not in part["answer"]


@pytest.mark.parametrize("given", [None, SERVED, {"index": {"layout": True}}, {"search": {"rank": None}}])
def test_a_parser_makes_of_its_part_the_layers_of_the_whole(given: Any, tmp_path: Path) -> None:
    config = load(given)
    part, whole = kept(config, tmp_path)
    its = Config.model_validate(json.loads(json.dumps(part)))
    layers = Layers(its, Builder(registry(), its.defaults, tmp_path, tmp_path))
    assert layers.makers(eager=True).keys() == whole.makers(eager=True).keys() != set()
    assert [spec for spec, _ in layers.makers(eager=True).values()] == [s for s, _ in whole.makers(eager=True).values()]
    assert not layers.makers(eager=False)  # no embedder is built
    for path in ("a.pdf",):
        assert layers.refined(path) == whole.refined(path)
        assert layers.passages(layers.plain(path)) == whole.passages(whole.plain(path))
    assert layers.digests == whole.digests
    assert (layers.digesting is None) == (whole.digesting is None)


def test_what_a_component_of_a_parser_needs_is_sent_whole(tmp_path: Path) -> None:
    """OCR by a model is a parser's own work: it gets that model's key."""
    config = load(SERVED)

    class WithOcr:
        def find(self, role: str, name: str) -> Any:
            found = registry().find(role, name)
            if role != "ocr":
                return found
            return type("Component", (), {"needs": {"model": "generator"}})

    part = workerconfig.of(config, WithOcr(), [], digesting=False)  # type: ignore[arg-type]
    assert part["generator"]["api_key"] == "hush"
    assert "api_key" not in part["store"]


def test_a_library_sends_the_part_alone(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    settings = {"generator": SERVED["generator"]}
    with Library(tmp_path / "docs", config=settings, background=False) as library:
        start = library.space.worker_start()
    assert "hush" not in json.dumps(start)
    assert start["config"]["generator"] == {"use": "openai"}
