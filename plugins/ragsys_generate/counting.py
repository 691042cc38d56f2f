"""How many tokens a request holds, before it is sent: text by its script, images by the rule of the model's family."""

from __future__ import annotations

import math
import re
from collections.abc import Callable

from .options import ImageRule

#: Tokens a character, on the high side. Measured with the tokenizers of SmolLM2 (49,152 entries) and Qwen2.5 (151,936):
#: digits and signs have a token each, a space before a digit has one too; Chinese has 1.7 tokens a character with the
#: one and 0.7 with the other.
_SCRIPTS = (
    (re.compile(r"[A-Za-z]+"), 1 / 3.0),
    (re.compile(r"[A-Za-z]{12,}"), 0.1),  # long words are compounds or rare: this much more
    (re.compile(r"[0-9]"), 1.0),
    (re.compile(r" (?=[0-9])"), 1.0),
    (re.compile(r"[\u00c0-\u024f\u1e00-\u1eff]"), 1.8),  # Latin letters with marks
    (re.compile(r"[\u0370-\u052f\u0590-\u06ff]"), 1.15),  # Greek, Cyrillic, Hebrew, Arabic
    (re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\uff00-\uffef]"), 2.0),  # Chinese, Japanese
    (re.compile(r"[\uac00-\ud7af]"), 2.7),  # Korean
    (re.compile(r"[\u0700-\u1dff]"), 2.0),  # South and South-East Asian and other scripts
    (re.compile(r"[^\w\s]"), 1.1),  # signs
    (re.compile(r"\n\s*|[ \t]{2,}"), 1.0),  # of other space, words take theirs along
    (re.compile(r"[\U00010000-\U0010ffff]"), 3.0),  # emoji and rare characters, by their bytes
)
MESSAGE = 8  # tokens of a message's frame in a chat template
FRAME = 2  # tokens around an image


def text_tokens(text: str) -> int:
    """An estimate of the tokens of a text that errs to the high side."""
    return math.ceil(sum(weight * sum(map(len, script.findall(text))) for script, weight in _SCRIPTS))


def image_tokens(width: int, height: int, rule: ImageRule | int, model: str, pixels: tuple[int, int] | None) -> int:
    """The tokens of an image of so many pixels. `pixels` are the bounds that the server's processor is set to."""
    if isinstance(rule, int):
        return rule
    chosen = rule if rule != "auto" else family(model)
    return FRAME + (_RULES[chosen](width, height, pixels) if chosen else _patches(width, height, 28, pixels, None))


def family(model: str) -> ImageRule | None:
    """The rule of a model by its name; None where the name tells nothing."""
    name = model.lower()
    for pattern, rule in _FAMILIES:
        if re.search(pattern, name):
            return rule
    return None


_FAMILIES: tuple[tuple[str, ImageRule], ...] = (
    (r"qwen[-_.]?3.*vl|qwen[-_.]?3\.[5-9]", "qwen3-vl"),
    (r"qwen[-_.]?2.*vl|mimo-vl|olmocr|nanonets|dots\.ocr", "qwen2-vl"),
    (r"internvl", "internvl"),
    (r"pixtral|mistral-small-3|magistral", "pixtral"),
    (r"gemma-?3", "gemma3"),
    (r"^(gpt-4o|gpt-4\.1|chatgpt|o[13])", "openai"),
)


def _patches(width: int, height: int, side: int, pixels: tuple[int, int] | None, bounds: tuple[int, int] | None) -> int:
    """A token for each square of `side` pixels, the image scaled between two numbers of pixels (Qwen2-VL,
    `smart_resize`)."""
    least, most = pixels or bounds or (1, width * height * 2)
    tall, wide = (max(side, round(edge / side) * side) for edge in (height, width))
    if tall * wide > most:
        scale = math.sqrt(height * width / most)
        tall, wide = (max(side, math.floor(edge / scale / side) * side) for edge in (height, width))
    elif tall * wide < least:
        scale = math.sqrt(least / (height * width))
        tall, wide = (math.ceil(edge * scale / side) * side for edge in (height, width))
    return tall * wide // side**2


def _qwen2(width: int, height: int, pixels: tuple[int, int] | None) -> int:
    return _patches(width, height, 28, pixels, (4 * 28**2, 16384 * 28**2))


def _qwen3(width: int, height: int, pixels: tuple[int, int] | None) -> int:
    return _patches(width, height, 32, pixels, (64 * 32**2, 16384 * 32**2))


def _internvl(width: int, height: int, pixels: tuple[int, int] | None) -> int:
    """256 tokens a tile of 448 pixels: as many tiles as fit the shape best, 12 at most, and a thumbnail."""
    shape, area, side = width / height, width * height, 448
    grids = sorted({(w, h) for w in range(1, 13) for h in range(1, 13) if w * h <= 12}, key=lambda g: g[0] * g[1])
    best, least = (1, 1), math.inf
    for grid in grids:
        off = abs(shape - grid[0] / grid[1])
        if off < least or (off == least and area > 0.5 * side**2 * grid[0] * grid[1]):
            best, least = grid, off
    tiles = best[0] * best[1]
    return 256 * (tiles + (tiles > 1))


def _pixtral(width: int, height: int, pixels: tuple[int, int] | None) -> int:
    """A token a patch of 16 pixels and one a row, within a square of 1024 pixels."""
    scale = max(1.0, max(width, height) / 1024)
    rows, columns = (math.ceil(math.floor(edge / scale) / 16) for edge in (height, width))
    return rows * (columns + 1)


def _gemma3(width: int, height: int, pixels: tuple[int, int] | None) -> int:
    """Always the same."""
    return 256 + 2


def _openai(width: int, height: int, pixels: tuple[int, int] | None) -> int:
    """85 tokens, and 170 a tile of 512 pixels: within 2048 pixels, then the short side within 768."""
    scale = min(1.0, 2048 / max(width, height))
    scale *= min(1.0, 768 / (scale * min(width, height)))
    return 85 + 170 * math.ceil(width * scale / 512) * math.ceil(height * scale / 512)


_RULES: dict[str, Callable[[int, int, tuple[int, int] | None], int]] = {
    "qwen2-vl": _qwen2,
    "qwen3-vl": _qwen3,
    "internvl": _internvl,
    "pixtral": _pixtral,
    "gemma3": _gemma3,
    "openai": _openai,
}
