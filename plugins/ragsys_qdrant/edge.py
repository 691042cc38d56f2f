"""The embedded store: Qdrant's engine inside the process (qdrant-edge). One folder, one shard, one owner.

Folder: `lock` (held while open), `shard/` (the engine's), `schema.json` (what its vectors are), what the engine knows
by number (`folding`), `seal.json` (what the files held when they were closed), and `creating` until there is a schema.
The lock is taken first of all: a second load of a shard damages the one that is open.

The write-ahead log is off by default: what `flush` returned on is on the disk, what was not flushed may be lost in a
crash, and the shard loads either way. The engine holds Python's lock during every call, so writes go in small batches.

The engine maps files that have holes: a disk that is full when a hole is filled ends the whole process (SIGBUS), and no
error can be caught. So free space is looked at before every write, with a margin that no write comes near.
"""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import portalocker
import qdrant_edge as engine

from ragsys.errors import DiskFull, EngineFailed, LibraryBusy, StoreDamaged, StoreError
from ragsys.protocols import Context
from ragsys.store import FieldType, Record, Schema
from ragsys.types import JSON, Sparse, Vector, VectorSpec
from ragsys_qdrant import ranking, vectors
from ragsys_qdrant.base import Ask, Chunk, QdrantStore, Selection
from ragsys_qdrant.dialect import EdgeDialect
from ragsys_qdrant.folding import TERMS, TEXTS, Folded, Folding
from ragsys_qdrant.limits import explained
from ragsys_qdrant.options import EdgeOptions
from ragsys_qdrant.seal import Seal

log = logging.getLogger("ragsys")
_UPDATE = engine.UpdateOperation
_ROOM = 64 << 20  # bytes that must be free before a write: many times what the largest one takes
_INDEXES = "/payload_index"  # in a segment's folder; what is in it follows from the points
_PLACEHOLDER = "none"  # the engine makes no shard without a vector
_FIELDS: dict[str, engine.PayloadSchemaType | engine.IntegerIndexParams] = {
    "keyword": engine.PayloadSchemaType.Keyword,
    # ranges only: an index for single numbers as well would take twice the room
    "integer": engine.IntegerIndexParams(lookup=False, range=True),
    "datetime": engine.PayloadSchemaType.Datetime,
}


@contextmanager
def _engine(what: str, where: str) -> Iterator[None]:
    """Whatever the engine raises, panics included, as a `StoreError`."""
    try:
        yield
    except StoreError:
        raise
    except BaseException as error:
        # a panic of the engine's Rust code is a BaseException of no importable type
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise
        raise explained(error, what, where) from error


class EdgeStore(QdrantStore):
    """A library's points in its own folder. Raises `LibraryBusy` at first use if another process has them open."""

    batch = 256  # the engine holds Python's lock for about 30 ms for this many points

    def __init__(self, options: EdgeOptions, context: Context) -> None:
        super().__init__()
        self._options = options
        self._folder = context.state
        self._lock: Any = None
        self._shard: engine.EdgeShard | None = None
        self._format = vectors.FORMAT
        self._folding = Folding()
        self._writing = threading.RLock()  # no point is made durable before what its numbers stand for
        self._unflushed = False  # something was written since the last flush
        self._seal = Seal(self._folder)
        self._written = False  # something was written since it was opened

    @property
    def dialect(self) -> EdgeDialect:
        """How the engine spells filters."""
        self._ready()
        return EdgeDialect(self._folding)

    @property
    def where(self) -> str:
        """The store in words, for errors."""
        return f"store {self._folder}"

    @property
    def _home(self) -> Path:
        return self._folder / "shard"

    @property
    def _schema_file(self) -> Path:
        return self._folder / "schema.json"

    @property
    def _creating(self) -> Path:
        return self._folder / "creating"  # there until there is a schema

    @property
    def _live(self) -> engine.EdgeShard:
        self._ready()
        if self._shard is None:
            raise StoreError(f"{self.where} holds nothing yet", hint="call ensure(schema) first")
        return self._shard

    # -- opening and schema ------------------------------------------------------------------------------------------

    def _open(self) -> Schema | None:
        if self._lock is None:
            self._take_lock()
        if self._shard is not None:
            return None
        if not self._schema_file.exists() and (self._creating.exists() or not self._left()):
            return None  # nothing was ever stored, or all of it was given up
        if damaged := self._seal.broken():
            if not all(_INDEXES in name for name in damaged):
                raise StoreDamaged(self.where, damaged)
            log.warning("%s: damaged indexes of its fields are made again: %s", self.where, ", ".join(damaged))
            for path in self._home.glob(f"segments/*{_INDEXES}"):
                shutil.rmtree(path)
        if not self._schema_file.exists():
            raise StoreDamaged(self.where, [self._schema_file.name], "a file is lost")
        self._need_room()  # loading fills holes too
        schema, self._format = self._parsed()
        self._seal.open()
        if self._format > 1:
            self._folding = Folded(self._folder, schema.recurring, durable=self._options.wal)
        try:
            with _engine("load", self.where):
                self._shard = engine.EdgeShard.load(str(self._home))
                for spec in schema.vectors.values():  # a crash in `drop_vector` leaves one that the engine has let go
                    self._shard.update(_creation(spec))
                self._index(self._shard, schema.fields, missing=True)
        except EngineFailed as error:
            if self._seal.known:  # the files are as they were closed: something else is wrong
                raise
            raise StoreDamaged(self.where, (), error.message) from error
        return schema

    def _left(self) -> bool:
        """Whether there is anything that a store has written."""
        return self._home.exists() or self._seal.exists() or any((self._folder / n).exists() for n in (TEXTS, TERMS))

    def _parsed(self) -> vectors.Parsed:
        """The stored schema and its format."""
        try:
            text = self._schema_file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise StoreDamaged(self.where, [self._schema_file.name], f"a file cannot be read ({error})") from error
        return vectors.parse(text, str(self._schema_file))

    def _take_lock(self) -> None:
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            handle = (self._folder / "lock").open("a+b")
        except OSError as error:
            raise StoreError(f"{self._folder}: {error.strerror or error}", hint="may you write there?") from error
        try:
            portalocker.lock(handle, portalocker.LockFlags.EXCLUSIVE | portalocker.LockFlags.NON_BLOCKING)
        except portalocker.LockException as error:
            handle.close()
            raise LibraryBusy(
                f"{self.where} is open in another process",
                hint="wait until it ends, or ask through it: the owner serves other commands",
            ) from error
        self._lock = handle

    def _need_room(self, more: int = 0) -> None:
        """Raises `DiskFull` if the disk has not the margin and `more` bytes left."""
        try:
            free = shutil.disk_usage(self._folder).free
        except OSError:  # a file system that does not tell
            return
        if free < _ROOM + more:
            raise DiskFull(self.where, free, _ROOM + more)

    def _extend(self, old: Schema | None, new: Schema) -> None:
        self._need_room()
        self._written = True
        with _engine("change the schema", self.where):
            if self._shard is None:
                if self._format > 1:
                    self._folding = Folded.create(self._folder, new.recurring, durable=self._options.wal)
                self._shard = self._created(new)
            shard = self._shard
            for name, spec in new.vectors.items():
                if old is None or name not in old.vectors:
                    shard.update(_creation(spec))
            self._index(shard, {n: kind for n, kind in new.fields.items() if old is None or n not in old.fields})
            self._folding.sync()
            shard.flush()
        self._keep(new)

    def _index(self, shard: engine.EdgeShard, fields: Mapping[str, FieldType], *, missing: bool = False) -> None:
        """Make the indexes of these fields; with `missing` those alone that the engine lacks: it makes them of what the
        points hold."""
        have = shard.info().payload_schema if missing else ()
        for name, kind in fields.items():
            if (key := self._folding.key(name, new=True)) not in have:
                shard.update(_UPDATE.create_field_index(key, _FIELDS[kind]))

    def _created(self, schema: Schema) -> engine.EdgeShard:
        """A new shard. What a crash left while one was created holds nothing that was ever acknowledged."""
        self._creating.touch()
        shutil.rmtree(self._home, ignore_errors=True)
        dense = {
            name: engine.EdgeVectorParams(
                spec.dim, engine.Distance.Dot, datatype=_datatype(spec), multivector_config=_multi(spec)
            )
            for name, spec in schema.vectors.items()
            if spec.kind != "sparse"
        }
        weights = {
            name: engine.EdgeSparseVectorParams() for name, spec in schema.vectors.items() if spec.kind == "sparse"
        }
        if not dense and not weights:
            weights[_PLACEHOLDER] = engine.EdgeSparseVectorParams()
        config = engine.EdgeConfig(
            vectors=dense or None,
            sparse_vectors=weights or None,
            optimizers=engine.EdgeOptimizersConfig(indexing_threshold=self._options.hnsw_above_mb * 1024),
            wal_enabled=self._options.wal,
        )
        return engine.EdgeShard.create(str(self._home), config)

    def _shrink(self, name: str, new: Schema) -> None:
        self._written = True
        with _engine("drop a vector", self.where):
            self._live.update(_UPDATE.delete_vector_name(name))
            self._live.flush()
        self._keep(new)

    def _keep(self, schema: Schema) -> None:
        fresh = self._schema_file.with_suffix(".new")
        try:
            with fresh.open("w", encoding="utf-8") as file:
                file.write(vectors.dump(schema, self._format))
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(self._schema_file)
            self._creating.unlink(missing_ok=True)
        except OSError as error:
            raise StoreError(f"{self._schema_file}: {error.strerror or error}", hint="is the disk full?") from error

    # -- writing -----------------------------------------------------------------------------------------------------

    def _write(self, operation: Any) -> None:
        self._need_room()
        self._unflushed = self._written = True
        self._folding.write()
        self._live.update(operation)

    def _sparse(self, ids: list[int], weights: list[float]) -> Any:
        return engine.SparseVector(self._folding.terms(ids), weights)

    def _sparse_query(self, ids: list[int], weights: list[float]) -> Any:
        return engine.SparseVector(*self._folding.asked(ids, weights))

    def _upsert(self, points: Sequence[tuple[str, dict[str, Any], JSON]]) -> None:
        with self._writing, _engine("write", self.where):
            fold = self._folding.fold
            rows = [engine.Point(point, found, fold(payload)) for point, found, payload in points]
            self._write(_UPDATE.upsert_points(rows))

    def _update(self, name: str, items: Sequence[tuple[str, Any]]) -> None:
        rows = [engine.PointVectors(point, {name: vector}) for point, vector in items]
        with self._writing, _engine("write vectors", self.where):
            self._write(_UPDATE.update_vectors(rows))

    def _set_payload(self, target: Any, payload: JSON, *, ids: bool) -> None:
        make = _UPDATE.set_payload if ids else _UPDATE.set_payload_by_filter
        with self._writing, _engine("write payload", self.where):
            self._write(make(target, self._folding.fold(payload)))

    def _delete(self, where: Any) -> None:
        with _engine("delete", self.where):
            self._write(_UPDATE.delete_points_by_filter(where))

    # -- reading -----------------------------------------------------------------------------------------------------

    def _query(self, ask: Ask) -> list[ranking.Raw]:
        request = engine.QueryRequest(
            limit=ask.limit,
            query=engine.Query.Nearest(ask.vector, using=ask.spec.name),
            filter=ask.where,
            with_payload=self._selected(ask.payload),
            params=engine.SearchParams(exact=True) if ask.exact else None,
        )
        with _engine("search", self.where):
            found = self._live.query(request)
        unfold = self._folding.unfold
        return [(str(point.id), point.score, unfold(point.payload or {})) for point in found]

    def _retrieve(self, ids: Sequence[str], payload: Selection, names: Sequence[str]) -> list[Record]:
        with _engine("read", self.where):
            found = self._live.retrieve(list(ids), self._selected(payload), list(names) or False)
        return [self._record(record) for record in found]

    def _scroll(self, where: Any, offset: Any, limit: int, payload: Selection, names: Sequence[str]) -> Chunk:
        request = engine.ScrollRequest(
            offset=offset,
            limit=limit,
            filter=where,
            with_payload=self._selected(payload),
            with_vector=list(names) or False,
        )
        with _engine("read", self.where):
            found, following = self._live.scroll(request)
        return Chunk([self._record(record) for record in found], following)

    def _record(self, record: Any) -> Record:
        return Record(str(record.id), self._folding.unfold(record.payload or {}), self._restored(record.vector))

    def _restored(self, found: Mapping[str, Any] | None) -> dict[str, Vector]:
        restored = super()._restored(found)
        fold = self._folding
        return {name: fold.restored(v) if isinstance(v, Sparse) else v for name, v in restored.items()}

    def _selected(self, payload: Selection) -> Any:
        return payload if isinstance(payload, bool) else self._folding.known(payload) or False

    def _count(self, where: Any) -> int:
        with _engine("count", self.where):
            return self._live.count(engine.CountRequest(exact=True, filter=where))

    # -- upkeep ------------------------------------------------------------------------------------------------------

    def flush(self) -> None:
        """Return when everything written is on the disk; at once if nothing was written since the last time."""
        if self._unflushed and self._ready() is not None:
            with self._writing, _engine("flush", self.where):
                self._folding.sync()
                self._live.flush()
            self._unflushed = False

    def maintain(self) -> None:
        """Vacuum deleted points, build what searches need above `hnsw_above_mb`. Blocks the process while it runs."""
        if self._ready() is not None:
            self._need_room(_allocated(self._home))  # segments are written again beside the old ones
            self._written = True
            with self._writing, _engine("tidy up", self.where):
                self._folding.sync()
                self._live.optimize()
                self._live.flush()

    def discard(self) -> None:
        """Give up everything without opening it: one step, after which the next opening finds an empty store."""
        if self._shard is not None:
            raise StoreError(f"{self.where} is open")
        if self._lock is None:
            self._take_lock()
        try:
            self._creating.touch()
            self._schema_file.unlink(missing_ok=True)  # this is the step
            self._seal.open()
            for path in (self._folder / TEXTS, self._folder / TERMS):
                path.unlink(missing_ok=True)
            shutil.rmtree(self._home, ignore_errors=True)
        except OSError as error:
            raise StoreError(f"{self._folder}: {error.strerror or error}", hint="may you write there?") from error

    @property
    def sealed(self) -> bool:
        """Whether it was known at opening what the files held when the store was closed."""
        return self._seal.known

    def damaged(self) -> list[str]:
        """The files that are not as they were when the store was closed; only before anything is written to it."""
        with self._writing:
            return [] if self._written else self._seal.unread()  # not opened for it: the engine may just have refused

    def _release(self) -> None:
        try:
            if self._shard is not None:
                self._folding.sync()
                with _engine("close", self.where):
                    if self._unflushed:
                        self._shard.flush()
                    if self._written:
                        self._seal.mark()
                    self._shard.close()
                with contextlib.suppress(OSError):  # without a seal nothing is claimed
                    self._seal.close(written=self._written)
        finally:
            self._shard = None
            self._folding.close()
            if self._lock is not None:
                portalocker.unlock(self._lock)
                self._lock.close()
                self._lock = None


def _allocated(folder: Path) -> int:
    """The bytes that a folder's files take on the disk, holes left out where the system tells."""
    stats = [path.stat() for path in folder.rglob("*")]
    return sum(stat.st_blocks * 512 if hasattr(stat, "st_blocks") else stat.st_size for stat in stats)


def _datatype(spec: VectorSpec) -> Any:
    return engine.VectorStorageDatatype.Float16 if spec.dtype == "float16" else engine.VectorStorageDatatype.Float32


def _multi(spec: VectorSpec) -> Any:
    return engine.MultiVectorConfig(engine.MultiVectorComparator.MaxSim) if spec.kind == "multi" else None


def _creation(spec: VectorSpec) -> Any:
    """Idempotent: a vector that exists with the same settings stays as it is."""
    if spec.kind == "sparse":
        return _UPDATE.create_sparse_vector(spec.name)
    return _UPDATE.create_dense_vector(
        spec.name, spec.dim, engine.Distance.Dot, multivector_config=_multi(spec), datatype=_datatype(spec)
    )
