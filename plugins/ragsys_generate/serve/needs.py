"""What a model needs of memory: an estimate from its files, its name or its stated size.

    weights   = parameters x bytes a parameter                 (a file's own size where there are files)
    cache     = tokens x 2 x layers x key-value heads x head size x bytes a number
    a GPU of n holds (weights + cache) / n + SPARE + 5 % of its weights

The last line is for activations, CUDA graphs and an image encoder's largest batch. It is an estimate that errs to the
high side; the server measures for itself when it starts, and says when it does not fit.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SPARE = 2.5e9  # bytes on every GPU
SHARE = 0.05  # of the weights, beside them
VISION = 1.1  # a vision-language model's name counts its language part alone

#: Bytes a parameter of a model whose name says how it is stored; four bits come with scales and some whole layers.
_STORED = (
    (re.compile(r"awq|gptq|(?<![a-z])int4|w4a16|4-?bit|nvfp4|mxfp4|nf4", re.IGNORECASE), 0.65),
    (re.compile(r"fp8|int8|w8a8|8-?bit", re.IGNORECASE), 1.05),
)
_SIZE = re.compile(r"(?<![a-z0-9.])(?:(\d+)x)?(\d+(?:\.\d+)?)([bm])(?![a-z0-9])", re.IGNORECASE)
#: (up to so many billion parameters, bytes of cache a token at 2 bytes a number): 2 x layers x key-value heads x 128 x
#: 2 of published models with grouped queries, the largest of each class.
_CACHE = (
    (1.0, 28 * 8 * 512),
    (4.5, 36 * 8 * 512),
    (9.5, 36 * 8 * 512),
    (15.0, 48 * 8 * 512),
    (40.0, 64 * 8 * 512),
    (80.0, 80 * 8 * 512),
)
_MOST = 100 * 8 * 512
_LEAST = 4096  # tokens of cache that are reckoned beside the largest model


@dataclass(frozen=True, slots=True)
class Needs:
    """What a model needs, in bytes, at `width` bytes a number."""

    weights: float
    cache: float  # a token
    source: str  # where the numbers are from
    context: int | None = None  # tokens that the model was made for, where its files tell
    images: bool | None = None  # whether it reads images, where its files tell

    def on_each(self, gpus: int, tokens: int) -> float:
        """Bytes on each of `gpus` that hold the model together with a cache for `tokens`."""
        return (self.weights + self.cache * tokens) / gpus + SPARE + SHARE * self.weights / gpus

    def tokens(self, gpus: int, memory: float) -> int:
        """The tokens whose cache fits when every GPU may give `memory` bytes; negative where the weights do not."""
        left = memory * gpus - self.weights * (1 + SHARE) - SPARE * gpus
        return int(left // self.cache)


def largest(gpus: int, memory: float, width: float) -> float:
    """About how many billions of parameters of `width` bytes each fit when every GPU may give `memory` bytes."""
    left = (memory - SPARE) * gpus - _LEAST * _CACHE[1][1] * width / 2
    return max(0.0, left / (1 + SHARE) / VISION / width / 1e9)


def of(model: str, *, billions: float = 0.0, width: float = 2.0) -> Needs | None:
    """The needs of a model's name or folder, or None where nothing tells its size. `width` is 2 for 16 bits."""
    folder = Path(model)
    if folder.is_dir():
        found = _of_files(folder, width)
        if found is not None:
            return found
    named = _named(model)
    size = billions or named
    if not size:
        return None
    stored = next((bytes_ for pattern, bytes_ in _STORED if pattern.search(model)), width)
    cache = next((bytes_ for most, bytes_ in _CACHE if size <= most), _MOST) * width / 2
    source = f"{size:g} billion parameters, as {'stated' if billions else 'its name says'}"
    return Needs(size * 1e9 * stored * VISION, cache, source)


def _named(model: str) -> float:
    """The billions of parameters in a name: 30 of Qwen3-VL-30B-A3B, 0.135 of SmolLM2-135M, 56 of 8x7B; 0 without."""
    for copies, number, unit in _SIZE.findall(re.split(r"[/\\]", model)[-1]):
        return int(copies or 1) * float(number) * (1.0 if unit.lower() == "b" else 1e-3)
    return 0.0


def _of_files(folder: Path, width: float) -> Needs | None:
    """Of a checkpoint's own files: they are stored at 2 bytes a number unless its configuration says otherwise."""
    size = sum(file.stat().st_size for file in folder.glob("*.safetensors"))
    try:
        about = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if not size or not isinstance(about, dict):
        return None
    text = about.get("text_config") if isinstance(about.get("text_config"), dict) else about
    stored = 4.0 if str(about.get("dtype") or about.get("torch_dtype")) == "float32" else 2.0
    weights = size if "quantization_config" in about else size * width / stored
    layers, heads = _number(text, "num_hidden_layers"), _number(text, "num_attention_heads")
    wide = _number(text, "head_dim") or (_number(text, "hidden_size") // heads if heads else 0)
    kept = _number(text, "num_key_value_heads") or heads
    cache = 2.0 * layers * kept * wide * width or _CACHE[2][1]
    context = _number(text, "max_position_embeddings") or None
    return Needs(weights, cache, f"{size / 1e9:.2g} GB of weights in {folder}", context, "vision_config" in about)


def _number(data: Any, key: str) -> int:
    value = data.get(key)
    return value if isinstance(value, int) and value > 0 else 0
