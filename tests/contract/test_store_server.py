"""The store contract through qdrant-client: on its own engine, and on a real server where QDRANT_URL is set."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from qdrant_client import models
from ragsys_qdrant import server
from ragsys_qdrant.options import ServerOptions
from ragsys_qdrant.server import ServerStore

from ragsys.errors import StoreError
from ragsys.protocols import Context, Store
from ragsys.testing.points import SCHEMA
from ragsys.testing.stores import StoreContract


def remote(state: Path, **options: object) -> ServerStore:
    return ServerStore(ServerOptions.model_validate(options), Context(state, state))


class TestMemoryStore(StoreContract):
    reopens = False

    @pytest.fixture
    def opened(self, tmp_path: Path) -> Callable[..., Store]:
        return lambda name="library": remote(tmp_path / name / "store", url=":memory:")


@pytest.mark.server
class TestServerStore(StoreContract):
    @pytest.fixture
    def opened(self, tmp_path: Path) -> Iterator[Callable[..., Store]]:
        made: list[ServerStore] = []
        run = uuid.uuid4().hex[:8]

        def make(name: str = "library") -> Store:
            key = os.environ.get("QDRANT_API_KEY")
            made.append(remote(tmp_path / f"{run}-{name}" / "store", url=os.environ["QDRANT_URL"], api_key=key))
            return made[-1]

        yield make
        for store in made:
            store.close()
        cleaner = remote(tmp_path / f"{run}-library" / "store", url=os.environ["QDRANT_URL"])
        cleaner.count()
        cleaner._live.delete_collection(cleaner.collection)
        cleaner.close()


def test_the_collection_is_named_after_the_library(tmp_path: Path) -> None:
    assert remote(tmp_path / "abc123" / "store-server-0").collection == "ragsys-abc123"
    assert remote(tmp_path, collection="mine").collection == "mine"


def test_a_dead_server_is_an_error_with_a_next_step(tmp_path: Path) -> None:
    store = remote(tmp_path, url="http://127.0.0.1:9", timeout=2)
    with pytest.raises(StoreError, match=r"no Qdrant server answers at http://127\.0\.0\.1:9") as caught:
        store.count()
    assert "docker run" in str(caught.value.hint)
    store.close()


def test_the_key_is_in_no_message(tmp_path: Path) -> None:
    store = remote(tmp_path, url="http://127.0.0.1:9", api_key="very-secret", timeout=2)
    with pytest.raises(StoreError) as caught:
        store.count()
    assert "very-secret" not in str(caught.value)
    assert "very-secret" not in repr(store._options)


@pytest.mark.parametrize(
    ("version", "old"), [("1.17.3", True), ("0.9.0", True), ("1.18.0", False), ("2.0.1-dev", False)]
)
def test_an_old_server_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str, old: bool) -> None:
    monkeypatch.setattr(server.QdrantClient, "info", lambda client: models.VersionInfo(title="", version=version))
    store = remote(tmp_path, url=":memory:")
    if old:
        with pytest.raises(StoreError, match=f"version {version}; ragsys needs 1.18"):
            store.count()
    else:
        assert store.count() == 0
    store.close()


def test_a_collection_of_something_else_is_left_alone(tmp_path: Path) -> None:
    store = remote(tmp_path, url=":memory:", collection="theirs")
    assert store.count() == 0
    store._live.create_collection("theirs", vectors_config={})
    with pytest.raises(StoreError, match="was not made by ragsys"):
        store.ensure(SCHEMA)
    store.close()
