"""Decides how a model is served on a machine: on GPUs or its processor, how it is split, how long prompts may be."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from ragsys.errors import UsageError

from . import needs
from .machine import Gpu, Machine
from .needs import Needs
from .options import ServeOptions

LOOPBACK = ("127.0.0.1", "localhost", "::1")
_GIB = 2**30
_LEAST = 4096  # tokens: a page or two with their images; below it nothing can be read
_ROOM = 2  # whole prompts whose cache fits beside each other
_OLDEST = (7, 0)  # CUDA capability that vLLM runs on
_BFLOAT16 = (8, 0)
_KEPT_FREE = 5 * 2**27  # bytes of a GPU that other programs use, for what they allocate later
_CPU_SHARE = 0.8  # of the memory that is free
_CPU_CACHE = 16  # GiB at most: more prompts at once than a processor can work on
_CPU_CONTEXT = 8192  # tokens, where the configuration asks for more: a processor reads some hundred a second
_CPU_REQUESTS = 8


@dataclass(frozen=True, slots=True)
class Place:
    """Where a server listens, and under which name it serves the model."""

    host: str = "127.0.0.1"
    port: int = 8000
    name: str = ""  # "": the model's own
    key: str = ""  # what clients must send

    @property
    def url(self) -> str:
        """The address for a client on this machine."""
        host = "127.0.0.1" if self.host in ("0.0.0.0", "::", "") else self.host  # noqa: S104 - compared, not bound
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}/v1"


@dataclass(frozen=True, slots=True)
class Plan:
    """A server's flags without the model, its environment, and what was decided."""

    flags: tuple[str, ...]
    environment: dict[str, str]  # without the key
    device: str  # "gpu" | "cpu"
    context: int
    estimate: str  # of the memory; empty where the model's size is not known
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Shape:
    """How a model is laid over GPUs."""

    tensor: int
    data: int
    context: int
    notes: tuple[str, ...]


def make(model: str, options: ServeOptions, machine: Machine, place: Place) -> Plan:
    """The plan. Raises `UsageError` where the model does not fit, or anybody on the network could use the server."""
    if place.host not in LOOPBACK and not place.key:
        raise UsageError(
            f"a server on {place.host} is open to the network, and no key is set",
            hint="export VLLM_API_KEY=$(openssl rand -hex 24), for this command and for ragsys; or leave --host out",
        )
    plan = _on_gpus(model, options, machine) if machine.gpus else _on_cpu(model, options, machine)
    served = ("--served-model-name", place.name) if place.name and place.name != model else ()
    flags = (*served, "--host", place.host, "--port", str(place.port), *plan.flags, *options.flags)
    return replace(plan, flags=flags)


def _on_gpus(model: str, options: ServeOptions, machine: Machine) -> Plan:
    weakest = min(gpu.capability for gpu in machine.gpus)
    if weakest < _OLDEST:
        old = next(gpu.name for gpu in machine.gpus if gpu.capability == weakest)
        raise UsageError(
            f"{old} is too old: the server needs CUDA capability 7.0, it has {weakest[0]}.{weakest[1]}",
            hint="leave it out with CUDA_VISIBLE_DEVICES, or serve on the processor: CUDA_VISIBLE_DEVICES= ragsys ...",
        )
    found = needs.of(model, billions=options.parameters)
    share = _share(machine.gpus, options.memory)
    each = share * min(gpu.total for gpu in machine.gpus)
    shape = _shape(found, options, len(machine.gpus), each)
    estimate = ""
    if found is not None:
        taken = found.on_each(shape.tensor, shape.context)
        estimate = f"{taken / 1e9:.1f} GB on each GPU with one whole prompt, of {each / 1e9:.1f} GB ({found.source})"
    flags = [
        *("--dtype", "bfloat16" if weakest >= _BFLOAT16 else "half"),
        *("--max-model-len", str(shape.context)),
        *("--gpu-memory-utilization", f"{share:.2f}"),
        *("--tensor-parallel-size", str(shape.tensor)),
        *_common(options, found),
    ]
    if shape.data > 1:
        flags += ["--data-parallel-size", str(shape.data)]
    if options.requests:
        flags += ["--max-num-seqs", str(options.requests)]
    return Plan(tuple(flags), {}, "gpu", shape.context, estimate, shape.notes)


def _share(gpus: Sequence[Gpu], wanted: float) -> float:
    """The share of every GPU's memory that the server may take: less than is wanted where others use it already."""
    free = min((gpu.free - _KEPT_FREE) / gpu.total if gpu.free < 0.95 * gpu.total else 1.0 for gpu in gpus)
    return max(0.01, int(min(wanted, free) * 100) / 100)


def _shape(found: Needs | None, options: ServeOptions, gpus: int, each: float) -> _Shape:
    """Tensor parallel over as few GPUs as hold the model and two whole prompts, and a copy for each such group."""
    notes: list[str] = []
    context = options.context
    if found is None:
        notes.append("the model's size is not known, so that nothing was estimated: --set generator.serve.parameters=8")
    elif found.context is not None and found.context < context:
        context = found.context
        notes.append(f"the model was made for {context} tokens")
    if options.tensor_parallel > gpus:
        raise UsageError(f"tensor_parallel is {options.tensor_parallel}, there are {gpus} GPUs")
    sizes = [2**n for n in range(gpus.bit_length()) if 2**n <= gpus]  # heads are split evenly: powers of two
    tensor = options.tensor_parallel or next(
        (n for n in sizes if found is None or found.tokens(n, each) >= _ROOM * context), sizes[-1]
    )
    if found is not None and (fits := found.tokens(tensor, each)) < _ROOM * context:
        where = f"{tensor} GPU{'s' * (tensor > 1)} with {each / 1e9:.0f} GB"
        context, note = _shorter(found, fits, context, where, needs.largest(tensor, each, 2.0))
        notes += [note] if note else []
    data = options.data_parallel or max(1, gpus // tensor)
    if data * tensor > gpus:
        raise UsageError(f"{data} copies over {tensor} GPUs each take {data * tensor} GPUs, there are {gpus}")
    return _Shape(tensor, data, context, tuple(notes))


def _shorter(found: Needs, fits: int, context: int, where: str, largest: float) -> tuple[int, str]:
    """A context whose cache fits, and a word on it. Raises `UsageError` where the weights leave no room for one.

    `largest` is about how many billions of parameters would fit.
    """
    if fits >= context:
        return context, ""
    if fits < min(_LEAST, context):
        lacking = (min(_LEAST, context) - fits) * found.cache
        raise UsageError(
            f"the model does not fit: it lacks {lacking / 1e9:.1f} GB on {where} ({found.source})",
            hint=f"about {largest:.1f} billion parameters fit here, two to three times as many with 8 or 4 bit weights "
            "(FP8, AWQ): ragsys serve-model MODEL",
        )
    shorter = fits // 1024 * 1024 or fits
    return shorter, f"prompts are held to {shorter} tokens instead of {context}: the cache of more does not fit"


def _on_cpu(model: str, options: ServeOptions, machine: Machine) -> Plan:
    """The CPU build: eager, a few requests at once, a cache of a fixed size."""
    width = 2.0 if machine.bfloat16 else 4.0
    found = needs.of(model, billions=options.parameters, width=width)
    made_for = found.context if found is not None else None
    context = min(options.context, _CPU_CONTEXT, made_for or options.context)
    memory = _CPU_SHARE * machine.memory
    notes = ["on a processor a model answers slowly: minutes an answer for one with billions of parameters"]
    notes += [machine.note] if machine.note else []
    space, estimate = 4, ""
    if found is not None:
        fits = found.tokens(1, memory)
        where = f"{machine.memory / 1e9:.0f} GB of memory"
        context, note = _shorter(found, fits, context, where, needs.largest(1, memory, width))
        notes += [note] if note else []
        used = (options.requests or _CPU_REQUESTS) * context  # no more is taken than can be filled
        room, filled = int(fits * found.cache // _GIB), math.ceil(used * found.cache / _GIB)
        space = max(1, min(_CPU_CACHE, room, filled))
        taken = found.on_each(1, 0) + space * _GIB
        estimate = f"{taken / 1e9:.1f} GB of memory, {space} GiB of them for the cache ({found.source})"
    flags = (
        *("--dtype", "bfloat16" if machine.bfloat16 else "float32"),
        *("--max-model-len", str(context)),
        *("--max-num-seqs", str(options.requests or _CPU_REQUESTS)),
        "--enforce-eager",
        *_common(options, found),
    )
    environment = {
        "VLLM_CPU_KVCACHE_SPACE": str(space),  # GiB
        "VLLM_CPU_OMP_THREADS_BIND": "nobind",  # containers often hide how cores and memory lie
        "OMP_NUM_THREADS": str(max(1, machine.cores - 1)),  # one is for the server itself
    }
    return Plan(flags, environment, "cpu", context, estimate, tuple(notes))


def _common(options: ServeOptions, found: Needs | None) -> tuple[str, ...]:
    """Prompts that begin alike are computed once; JSON under a schema is held to its signs, because small models fill
    the room between them without end; images are bounded, so that memory is."""
    structured = _json(backend="xgrammar", disable_any_whitespace=True)
    flags = ("--enable-prefix-caching", "--structured-outputs-config", structured)
    if not options.images or (found is not None and found.images is False):
        return flags
    return (*flags, "--limit-mm-per-prompt", _json(image=options.images, video=0))


def _json(**values: object) -> str:
    return json.dumps(values, separators=(",", ":"))
