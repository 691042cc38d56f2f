"""The store contract on the embedded engine, and what only it has: a lock, a folder, crashes."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from ragsys_qdrant import vectors
from ragsys_qdrant.edge import EdgeStore
from ragsys_qdrant.options import EdgeOptions

from ragsys.errors import LibraryBusy, StoreDamaged, StoreError
from ragsys.protocols import Context, Store
from ragsys.store import Between, Is, Not, Plan
from ragsys.testing.points import SCHEMA, WORDS, sample, words
from ragsys.testing.stores import StoreContract


def edge(folder: Path, **options: object) -> EdgeStore:
    return EdgeStore(EdgeOptions.model_validate(options), Context(folder, folder))


class TestEdgeStore(StoreContract):
    @pytest.fixture
    def opened(self, tmp_path: Path) -> Callable[..., Store]:
        return lambda name="library": edge(tmp_path / name / "store")


def test_construction_touches_nothing(tmp_path: Path) -> None:
    edge(tmp_path / "store")
    assert list(tmp_path.iterdir()) == []


def test_a_second_owner_is_refused_until_the_first_lets_go(tmp_path: Path) -> None:
    first = edge(tmp_path)
    first.ensure(SCHEMA)
    second = edge(tmp_path)
    with pytest.raises(LibraryBusy, match="another process"):
        second.count()
    first.close()
    assert second.count() == 0
    second.close()


def test_another_process_is_refused(tmp_path: Path) -> None:
    owner = edge(tmp_path)
    owner.ensure(SCHEMA)
    code = (
        "import sys; from pathlib import Path; from ragsys_qdrant.edge import EdgeStore;"
        "from ragsys_qdrant.options import EdgeOptions; from ragsys.protocols import Context;"
        "EdgeStore(EdgeOptions(), Context(Path(sys.argv[1]), Path(sys.argv[1]))).count()"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert "LibraryBusy" in done.stderr
    owner.upsert(sample())
    assert owner.count() == len(sample())
    owner.close()


def test_a_half_made_shard_is_made_anew(tmp_path: Path) -> None:
    (tmp_path / "shard" / "segments").mkdir(parents=True)
    (tmp_path / "creating").touch()
    (tmp_path / "shard" / "edge_config.json").write_text("{")
    store = edge(tmp_path)
    store.ensure(SCHEMA)
    store.upsert(sample())
    assert store.count() == len(sample())
    store.close()


@pytest.mark.parametrize(
    "text", ["", "{}", '{"format": 2}', '{"format": 3}', '{"format": 1, "vectors": {"x": {}}, "fields": {}}', "[1]"]
)
def test_a_foreign_schema_is_an_error_with_a_next_step(tmp_path: Path, text: str) -> None:
    (tmp_path / "schema.json").write_text(text)
    store = edge(tmp_path)
    with pytest.raises(StoreError) as caught:
        store.count()
    assert caught.value.hint
    store.close()


def test_a_damaged_shard_is_an_error_without_a_traceback(tmp_path: Path) -> None:
    store = edge(tmp_path)
    store.ensure(SCHEMA)
    store.close()
    (tmp_path / "shard" / "edge_config.json").write_text("{")
    broken = edge(tmp_path)
    with pytest.raises(StoreDamaged, match=r"edge_config\.json"):
        broken.count()
    broken.close()


def test_damaged_indexes_of_fields_are_made_again(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    asked = [Is("doc", "d2"), Between("page", 1, 2), Not(Is("doc", "d2"))]
    store = edge(tmp_path)
    store.ensure(SCHEMA)
    store.upsert(sample())
    before = [store.count(where) for where in asked]
    store.close()
    file = next(tmp_path.rglob("payload_index/*/page_0.dat"))
    file.write_bytes(b"")
    for told in ("are made again", ""):
        store = edge(tmp_path)
        assert [store.count(where) for where in asked] == before
        assert len(store._live.info().payload_schema) == len(SCHEMA.fields)
        store.close()
        assert told in caplog.text
        caplog.clear()
    assert file.stat().st_size or not file.exists()


def test_a_file_in_the_way_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError):
        edge(tmp_path / "file" / "store").count()


def test_text_that_is_no_unicode_is_refused_and_named(tmp_path: Path) -> None:
    store = edge(tmp_path)
    store.ensure(SCHEMA)
    bad = sample()[1]
    bad.payload["path"] = "\udcff.pdf"
    with pytest.raises(StoreError, match="path"):
        store.upsert([bad])
    store.close()


@pytest.mark.parametrize("name", ["texts.jsonl", "terms.u32"])
def test_a_store_that_lost_a_file_is_an_error_and_takes_nothing_more(tmp_path: Path, name: str) -> None:
    store = edge(tmp_path)
    store.ensure(SCHEMA)
    store.upsert(sample())
    store.close()
    (tmp_path / name).unlink()
    broken = edge(tmp_path)
    for _ in range(2):
        with pytest.raises(StoreError, match=name):
            broken.ensure(SCHEMA)
    broken.close()


def test_a_store_of_the_first_format_is_read_and_written_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as older:
        older.setattr(vectors, "FORMAT", 1)
        store = edge(tmp_path)
    store.ensure(SCHEMA)
    store.upsert(sample()[:40])
    store.close()
    assert json.loads((tmp_path / "schema.json").read_text())["format"] == 1
    store = edge(tmp_path)
    store.ensure(SCHEMA)
    store.upsert(sample()[40:])
    assert [record.payload for record in store.get([p.id for p in sample()])] == [p.payload for p in sample()]
    assert store.count(Is("doc", "d1")) == store.count(Is("doc", "d7")) == len(sample()) // 8
    before = [store.search(Plan(spec.name, query, 1000)) for spec, query in StoreContract().queries()]
    store.close()
    assert not (tmp_path / "texts.jsonl").exists()
    folded = edge(tmp_path / "folded")
    folded.ensure(SCHEMA)
    folded.upsert(sample())
    assert [folded.search(Plan(spec.name, query, 1000)) for spec, query in StoreContract().queries()] == before
    folded.close()


def test_an_older_version_refuses_what_it_would_misread(tmp_path: Path) -> None:
    store = edge(tmp_path)
    store.ensure(SCHEMA)
    store.close()
    assert json.loads((tmp_path / "schema.json").read_text())["format"] == 2


_WRITER = """
import sys
from pathlib import Path
from ragsys.protocols import Context
from ragsys.store import Is, Point
from ragsys.testing.points import SCHEMA, WORDS, identity, words
from ragsys_qdrant.edge import EdgeStore
from ragsys_qdrant.options import EdgeOptions

store = EdgeStore(EdgeOptions(wal=sys.argv[2] == "wal"), Context(Path(sys.argv[1]), Path(sys.argv[1])))
store.ensure(SCHEMA)
for doc in range(10_000):
    points = [
        Point(identity(doc * 100 + n), {"doc": f"d{doc}", "fill": "x" * 500}, {WORDS.name: words(doc, n + 20_000)})
        for n in range(40)
    ]
    store.upsert(points)
    if doc % 3 == 2:
        store.delete_where(Is("doc", f"d{doc - 1}"))
    store.flush()
    print(doc, flush=True)
"""


@pytest.mark.parametrize("log", ["wal", "none"])
def test_what_was_flushed_survives_a_kill(tmp_path: Path, log: str) -> None:
    writer = subprocess.Popen([sys.executable, "-c", _WRITER, str(tmp_path), log], stdout=subprocess.PIPE, text=True)
    assert writer.stdout is not None
    first = writer.stdout.readline()
    time.sleep(0.6)
    writer.kill()
    rest = writer.stdout.read().split()
    writer.wait()
    writer.stdout.close()
    acknowledged = int([first.strip(), *rest][-1])
    store = edge(tmp_path)
    for doc in range(acknowledged + 1):
        gone = doc % 3 == 1 and doc + 1 <= acknowledged
        if doc == acknowledged and doc % 3 == 1:
            continue  # the next step, not acknowledged, may have removed it
        assert store.count(Is("doc", f"d{doc}")) == (0 if gone else 40), doc
        assert len(store.search(Plan(WORDS.name, words(doc), 100, Is("doc", f"d{doc}")))) == (0 if gone else 40)
    assert all(len(record.payload["fill"]) == 500 for record in store.scroll(Is("doc", f"d{acknowledged}")))
    store.close()
