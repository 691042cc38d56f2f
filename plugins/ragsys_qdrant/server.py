"""The server store: a Qdrant server or cluster through qdrant-client, REST or gRPC.

One collection a library. What its vectors are is kept in the collection's metadata; a collection without it was made by
something else and is left alone. `:memory:` as the address is the client's own engine, for tests.
"""

from __future__ import annotations

import logging
import math
import re
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from qdrant_client import QdrantClient, models

from ragsys.errors import StoreError
from ragsys.protocols import Context
from ragsys.store import Record, Schema
from ragsys.types import JSON, VectorSpec
from ragsys_qdrant import ranking, vectors
from ragsys_qdrant.base import Ask, Chunk, QdrantStore, Selection
from ragsys_qdrant.options import ServerOptions

log = logging.getLogger("ragsys.qdrant")

MEMORY = ":memory:"
MINIMUM = (1, 18)  # the first that adds a named vector to a collection that has points
_KEY = "ragsys"  # of the collection's metadata


def _in_clear(url: str) -> bool:
    """Whether what is sent to a URL can be read on its way: by plain http, to another machine than this one or one of
    its containers. Those are called by a name without a dot, which no other network resolves."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    near = host == "::1" or host.startswith("127.") or ("." not in host and ":" not in host)
    return parts.scheme == "http" and not near


class _ServerDialect:
    """How qdrant-client spells filters."""

    def equals(self, key: str, value: str | int) -> Any:
        return models.FieldCondition(key=key, match=models.MatchValue(value=value))

    def one_of(self, key: str, values: list[str] | list[int]) -> Any:
        return models.FieldCondition(key=key, match=models.MatchAny(any=values))

    def number_range(self, key: str, bounds: dict[str, float]) -> Any:
        return models.FieldCondition(key=key, range=models.Range(**bounds))

    def date_range(self, key: str, bounds: dict[str, str]) -> Any:
        return models.FieldCondition(key=key, range=models.DatetimeRange.model_validate(bounds))

    def has_vector(self, name: str) -> Any:
        return models.HasVectorCondition(has_vector=name)

    def has_id(self, ids: Sequence[str]) -> Any:
        return models.HasIdCondition(has_id=list(ids))

    def group(self, *, must: list[Any], should: list[Any], must_not: list[Any]) -> Any:
        return models.Filter(must=must or None, should=should or None, must_not=must_not or None)


class ServerStore(QdrantStore):
    """A library's points in a collection of a server. Raises `StoreError` at first use if the server cannot be had."""

    def __init__(self, options: ServerOptions, context: Context) -> None:
        super().__init__()
        self._options = options
        self.batch = options.batch
        self.collection = options.collection or f"ragsys-{context.state.parent.name}"
        self._client: QdrantClient | None = None

    dialect = _ServerDialect()

    @property
    def where(self) -> str:
        """The store in words, for errors."""
        return f"collection '{self.collection}' at {self._options.url}"

    @property
    def _live(self) -> QdrantClient:
        self._ready()
        if self._client is None:
            raise StoreError(f"{self.where} is not connected")
        return self._client

    @property
    def _remote(self) -> bool:
        """Whether there is a server; the client's own engine is exact, and warns when asked for an index."""
        return self._options.url != MEMORY

    @contextmanager
    def _request(self, what: str) -> Iterator[None]:
        """Whatever the client raises as a `StoreError` that says whether the server or the request is at fault."""
        try:
            yield
        except StoreError:
            raise
        except Exception as error:
            raise _explained(error, what, self.where, self._options) from error

    # -- opening and schema ------------------------------------------------------------------------------------------

    def _open(self) -> Schema | None:
        if self._client is None:
            with self._request("connect"):
                client = self._connected()
                _check_version(client.info().version, self._options.url)
            self._client = client
        with self._request("read the schema"):
            if not self._client.collection_exists(self.collection):
                return None
            metadata = self._client.get_collection(self.collection).config.metadata or {}
        if _KEY not in metadata:
            raise StoreError(
                f"{self.where} exists and was not made by ragsys",
                hint="name another: --set store.collection=NAME",
            )
        return vectors.parse(str(metadata[_KEY]), self.where).schema

    def _connected(self) -> QdrantClient:
        options = self._options
        if not self._remote:
            return QdrantClient(MEMORY)
        key = options.api_key.get_secret_value() if options.api_key else None
        if key and _in_clear(options.url):
            log.warning("the API key for %s goes over the network in clear: use https", options.url)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the client's own words on keys and versions; ours are above and below
            return QdrantClient(
                url=options.url,
                api_key=key,
                prefer_grpc=options.grpc,
                grpc_port=options.grpc_port,
                timeout=math.ceil(options.timeout),
                check_compatibility=False,
            )

    def _extend(self, old: Schema | None, new: Schema) -> None:
        client = self._client
        if client is None:
            raise StoreError(f"{self.where} is not connected")
        with self._request("change the schema"):
            if not client.collection_exists(self.collection):
                self._create(client)
            for name, spec in new.vectors.items():
                if old is None or name not in old.vectors:
                    client.create_vector_name(self.collection, name, _config(spec))
                    if self._remote and self._options.on_disk and spec.kind != "sparse":
                        client.update_collection(
                            self.collection, vectors_config={name: models.VectorParamsDiff(on_disk=True)}
                        )
            for name, kind in new.fields.items():
                if self._remote and (old is None or name not in old.fields):  # the client's own engine has no indexes
                    client.create_payload_index(self.collection, name, models.PayloadSchemaType(kind), wait=True)
        self._keep(client, new)

    def _create(self, client: QdrantClient) -> None:
        options = self._options
        client.create_collection(
            self.collection,
            vectors_config={},
            shard_number=options.shards,
            replication_factor=options.replicas,
            # with copies, a write counts once more than half of them have it
            write_consistency_factor=options.replicas // 2 + 1 if options.replicas else None,
            on_disk_payload=True,
            quantization_config=_quantization(options.quantization),
            hnsw_config=models.HnswConfigDiff(on_disk=True) if options.on_disk else None,
            metadata={_KEY: vectors.dump(Schema())},
        )

    def _shrink(self, name: str, new: Schema) -> None:
        with self._request("drop a vector"):
            self._live.delete_vector_name(self.collection, name)
        self._keep(self._live, new)

    def _keep(self, client: QdrantClient, schema: Schema) -> None:
        with self._request("keep the schema"):
            client.update_collection(self.collection, metadata={_KEY: vectors.dump(schema)})

    # -- writing -----------------------------------------------------------------------------------------------------

    def _sparse(self, ids: list[int], weights: list[float]) -> Any:
        return models.SparseVector(indices=ids, values=weights)

    def _upsert(self, points: Sequence[tuple[str, dict[str, Any], JSON]]) -> None:
        rows = [models.PointStruct(id=point, vector=vector, payload=payload) for point, vector, payload in points]
        with self._request("write"):
            self._live.upsert(self.collection, rows, wait=True)

    def _update(self, name: str, items: Sequence[tuple[str, Any]]) -> None:
        rows = [models.PointVectors(id=point, vector={name: vector}) for point, vector in items]
        with self._request("write vectors"):
            self._live.update_vectors(self.collection, rows, wait=True)

    def _set_payload(self, target: Any, payload: JSON, *, ids: bool) -> None:
        with self._request("write payload"):
            self._live.set_payload(self.collection, payload, points=target, wait=True)

    def _delete(self, where: Any) -> None:
        with self._request("delete"):
            self._live.delete(self.collection, models.FilterSelector(filter=where), wait=True)

    # -- reading -----------------------------------------------------------------------------------------------------

    def _query(self, ask: Ask) -> list[ranking.Raw]:
        with self._request("search"):
            found = self._live.query_points(
                self.collection,
                query=ask.vector,
                using=ask.spec.name,
                limit=ask.limit,
                query_filter=ask.where,
                with_payload=_selected(ask.payload),
                search_params=models.SearchParams(exact=True) if ask.exact and self._remote else None,
            ).points
        return [(str(point.id), point.score, point.payload or {}) for point in found]

    def _retrieve(self, ids: Sequence[str], payload: Selection, names: Sequence[str]) -> list[Record]:
        with self._request("read"):
            found = self._live.retrieve(
                self.collection, list(ids), with_payload=_selected(payload), with_vectors=list(names) or False
            )
        return [self._record(record) for record in found]

    def _scroll(self, where: Any, offset: Any, limit: int, payload: Selection, names: Sequence[str]) -> Chunk:
        with self._request("read"):
            found, following = self._live.scroll(
                self.collection,
                scroll_filter=where,
                offset=offset,
                limit=limit,
                with_payload=_selected(payload),
                with_vectors=list(names) or False,
            )
        return Chunk([self._record(record) for record in found], following)

    def _record(self, record: Any) -> Record:
        return Record(str(record.id), record.payload or {}, self._restored(record.vector))

    def _count(self, where: Any) -> int:
        with self._request("count"):
            return int(self._live.count(self.collection, count_filter=where, exact=True).count)

    # -- upkeep ------------------------------------------------------------------------------------------------------

    def flush(self) -> None:
        """Nothing to do: every write has waited until the server had it in its log and applied."""
        self._ready()

    def maintain(self) -> None:
        """Nothing to do: the server merges and indexes by itself."""
        self._ready()

    def _release(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None


def _selected(payload: Selection) -> Any:
    return payload if isinstance(payload, bool) else list(payload)


def _config(spec: VectorSpec) -> Any:
    if spec.kind == "sparse":
        return models.SparseVectorNameConfig(sparse=models.SparseVectorConfig())
    multi = models.MultiVectorConfig(comparator=models.MultiVectorComparator.MAX_SIM) if spec.kind == "multi" else None
    return models.DenseVectorNameConfig(
        dense=models.DenseVectorConfig(
            size=spec.dim,
            distance=models.Distance.DOT,
            multivector_config=multi,
            datatype=models.VectorStorageDatatype(spec.dtype),
        )
    )


def _quantization(kind: str) -> Any:
    if kind == "int8":
        return models.ScalarQuantization(scalar=models.ScalarQuantizationConfig(type=models.ScalarType.INT8))
    return models.BinaryQuantization(binary=models.BinaryQuantizationConfig()) if kind == "binary" else None


def _check_version(version: str, url: str) -> None:
    found = re.match(r"(\d+)\.(\d+)", version)
    if found is not None and (int(found[1]), int(found[2])) < MINIMUM:
        least = ".".join(map(str, MINIMUM))
        raise StoreError(
            f"the Qdrant server at {url} is version {version}; ragsys needs {least} or newer",
            hint="upgrade it: docker pull qdrant/qdrant, then start it on the same storage",
        )


def _explained(error: Exception, what: str, where: str, options: ServerOptions) -> StoreError:
    status = getattr(error, "status_code", None)
    if status in (401, 403):
        return StoreError(
            f"{where}: the server refused the API key ({status})", hint="set store.api_key: ${QDRANT_API_KEY}"
        )
    lines = str(error).strip().splitlines()
    text = lines[0][:300] if lines else type(error).__name__
    if status is None and type(error).__name__ in _UNREACHABLE:
        return StoreError(
            f"no Qdrant server answers at {options.url} ({text})",
            hint="start one: docker run -p 6333:6333 -p 6334:6334 qdrant/qdrant\n"
            "or use the embedded store: --set store=edge",
        )
    return StoreError(f"{where}: could not {what}: {text}", hint="ask the server's log")


#: Of qdrant-client, httpx and grpc; by name, so that none of them must be importable.
_UNREACHABLE = frozenset(
    {"ResponseHandlingException", "ConnectError", "ConnectTimeout", "ReadTimeout", "_InactiveRpcError", "OSError"}
    | {"ConnectionError", "ConnectionRefusedError", "TimeoutError"}
)
