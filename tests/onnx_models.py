"""ONNX text models small enough to check by hand, written without the onnx package.

Each looks its token ids up in a table (tokens, d). Field numbers are those of onnx.proto3 (ONNX IR version 8).
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path

FLOAT, INT64 = 1, 7


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _bytes(field: int, value: bytes | str) -> bytes:
    raw = value.encode() if isinstance(value, str) else value
    return _varint(field << 3 | 2) + _varint(len(raw)) + raw


def _node(kind: str, inputs: Sequence[str], outputs: Sequence[str], **attributes: int) -> bytes:
    body = b"".join(_bytes(1, name) for name in inputs) + b"".join(_bytes(2, name) for name in outputs)
    body += _bytes(4, kind)
    for name, value in attributes.items():
        body += _bytes(5, _bytes(1, name) + _number(3, value) + _number(20, 2))
    return _bytes(1, body)


def _value(field: int, name: str, kind: int, shape: Sequence[str | int]) -> bytes:
    dims = b"".join(_bytes(1, _bytes(2, dim) if isinstance(dim, str) else _number(1, dim)) for dim in shape)
    return _bytes(field, _bytes(1, name) + _bytes(2, _bytes(1, _number(1, kind) + _bytes(2, dims))))


def _constant(name: str, kind: int, shape: Sequence[int], raw: bytes) -> bytes:
    body = b"".join(_number(1, dim) for dim in shape) + _number(2, kind) + _bytes(8, name) + _bytes(9, raw)
    return _bytes(5, body)


def write_lookup(
    path: Path, table: Sequence[Sequence[float]], *, form: str = "tokens", input_name: str = "input_ids"
) -> None:
    """A model that gives each token its row of the table.

    `form`: "tokens" (batch, tokens, d); "pooled" (batch, d), the sum of the rows; "quantised": "tokens" through
    int8 with one scale for the whole batch, as dynamically quantised models compute.
    """
    dim = len(table[0])
    rows = b"".join(struct.pack("<f", value) for row in table for value in row)
    graph = _node("Gather", ["table", input_name], ["states"], axis=0)
    constants = _constant("table", FLOAT, (len(table), dim), rows)
    shape: tuple[str | int, ...] = ("batch", "tokens", dim)
    output = "states"
    if form == "pooled":
        graph += _node("ReduceSum", ["states", "axes"], ["sum"], keepdims=0)
        constants += _constant("axes", INT64, (1,), struct.pack("<q", 1))
        shape, output = ("batch", dim), "sum"
    elif form == "quantised":
        graph += _node("DynamicQuantizeLinear", ["states"], ["q", "scale", "zero"])
        graph += _node("DequantizeLinear", ["q", "scale", "zero"], ["rounded"])
        output = "rounded"
    graph += _bytes(2, "lookup") + constants
    graph += _value(11, input_name, INT64, ("batch", "tokens")) + _value(12, output, FLOAT, shape)
    path.write_bytes(_number(1, 8) + _bytes(7, graph) + _bytes(8, _bytes(1, "") + _number(2, 13)))


def write_tokenizer(path: Path, words: Sequence[str]) -> None:
    """tokenizer.json: words at white space are ids in the given order, unknown ones are id 0; no special tokens."""
    import tokenizers

    vocabulary = {word: n for n, word in enumerate(words)}
    made = tokenizers.Tokenizer(tokenizers.models.WordLevel(vocabulary, unk_token=words[0]))
    made.pre_tokenizer = tokenizers.pre_tokenizers.WhitespaceSplit()
    made.enable_padding(length=32)  # as MiniLM's own file has it: the embedder must take no notice
    made.enable_truncation(2)
    made.save(str(path))
