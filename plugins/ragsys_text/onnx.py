"""Text models in onnxruntime: a session that gives one vector a text, and the embedder over any model's folder.

Every text runs alone, several at a time on a thread each, for two reasons. The law that a vector does not depend on
its batch mates then holds for every model: one that quantises activations as it runs takes their range over the whole
batch. And it is as fast: `eval/bench/dense.py` measures it beside padded batches and threads inside the session.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ragsys.errors import ConfigError
from ragsys.protocols import Context
from ragsys.types import FloatArray, VectorSpec
from ragsys_text.embedding import TextEmbedder

if TYPE_CHECKING:
    from ragsys_text.embed_options import OnnxOptions

Encode = Callable[[str], list[int]]
Pooling = Literal["mean", "cls", "last"]

_INPUTS = {"input_ids", "attention_mask", "token_type_ids", "position_ids"}
_INTEGERS = {"tensor(int64)": "int64", "tensor(int32)": "int32"}


class TextModel:
    """A session with its tokeniser: a text to a vector. Safe to use from several threads."""

    def __init__(
        self,
        file: Path,
        encode: Encode,
        *,
        name: str,
        dim: int,
        pooling: Pooling = "mean",
        output: str = "",
        normalise: bool = True,
    ) -> None:
        """Load `file` for the embedder `name`. Raises `ConfigError` where it cannot be loaded or lacks `output`."""
        import onnxruntime

        settings = onnxruntime.SessionOptions()
        settings.intra_op_num_threads = settings.inter_op_num_threads = 1  # texts run side by side instead
        settings.log_severity_level = 3  # errors
        # the further levels were no faster to load or to run, and their fusions move the last bits of a vector
        settings.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
        try:
            self._session: Any = onnxruntime.InferenceSession(file, settings, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime's errors share no base but Exception
            raise ConfigError(
                f"embedder '{name}': {file} cannot be loaded: {error}",
                hint="it must be an ONNX model that this version of onnxruntime runs on the CPU",
            ) from error
        outputs = [node.name for node in self._session.get_outputs()]
        if output and output not in outputs:
            raise ConfigError(
                f"embedder '{name}': {file} has no output '{output}'", hint=f"its outputs: {', '.join(outputs)}"
            )
        self._inputs = {node.name: _INTEGERS.get(node.type) for node in self._session.get_inputs()}
        strange = sorted(key for key, kind in self._inputs.items() if key not in _INPUTS or kind is None)
        if strange:
            raise ConfigError(
                f"embedder '{name}': {file} wants inputs that no text gives: {', '.join(strange)}",
                hint=f"inputs of integers with these names can be given: {', '.join(sorted(_INPUTS))}",
            )
        self._output = output or outputs[0]
        self._encode, self._name, self._dim = encode, name, dim
        self._pooling, self._normalise = pooling, normalise

    def vector(self, text: str) -> FloatArray:
        """(d,) float32. Raises `ConfigError` where the model makes another number of dimensions than was stated."""
        return self.run(self._encode(text))

    def states(self, text: str) -> FloatArray:
        """(tokens, d) float32: the model's last states, neither pooled nor scaled; (d,) of one that pools itself."""
        return self._states(self._encode(text))

    def _states(self, ids: Sequence[int]) -> FloatArray:
        import numpy as np

        row = np.array([ids or [0]])  # (1, tokens)
        made = {
            "input_ids": row,
            "attention_mask": np.ones_like(row),
            "token_type_ids": np.zeros_like(row),
            "position_ids": np.arange(row.shape[1])[None],
        }
        feed = {key: made[key].astype(kind) for key, kind in self._inputs.items()}
        states: FloatArray = self._session.run([self._output], feed)[0][0]
        return states

    def run(self, ids: Sequence[int]) -> FloatArray:
        """(d,) float32 of a text's token ids; no ids at all stand for one token of id 0."""
        import numpy as np

        states = self._states(ids)  # (tokens, d), or (d,) of a model that pools itself
        if states.ndim == 2:
            # without padding the attention mask is all ones, so the mean over it is the plain mean
            states = states.mean(axis=0) if self._pooling == "mean" else states[0 if self._pooling == "cls" else -1]
        vector: FloatArray = states.astype(np.float32)
        if vector.shape != (self._dim,):
            raise ConfigError(
                f"embedder '{self._name}': the model's output '{self._output}' has the shape {vector.shape}, "
                f"the options say {self._dim} dimensions",
                hint=f"write  dims: {vector.shape[0]}" if vector.ndim == 1 else "choose another one with  output: NAME",
            )
        if self._normalise:
            vector /= max(float(np.linalg.norm(vector)), 1e-12)
        return vector


class OnnxTextEmbedder(TextEmbedder[TextModel]):
    """Runs a `TextModel` over texts, one a thread."""

    def __init__(self, spec: VectorSpec, *, threads: int, query_prefix: str = "", passage_prefix: str = "") -> None:
        super().__init__(spec)
        self._threads = threads or min(8, cores())
        self._query_prefix, self._passage_prefix = query_prefix, passage_prefix

    def _vectors(self, texts: Sequence[str], *, query: bool) -> Sequence[FloatArray]:
        model = self.opened()
        prefix = self._query_prefix if query else self._passage_prefix
        texts = [prefix + text for text in texts]
        if len(texts) == 1 or self._threads == 1:
            return [model.vector(text) for text in texts]
        # the longest first: the last thread to end then ends soonest
        order = sorted(range(len(texts)), key=lambda n: -len(texts[n]))
        with ThreadPoolExecutor(min(self._threads, len(texts)), "embed") as pool:  # sessions run without the GIL
            made = dict(zip(order, pool.map(model.vector, [texts[n] for n in order]), strict=True))
        return [made[n] for n in range(len(texts))]


class OnnxEmbedder(OnnxTextEmbedder):
    """Any ONNX text model: a folder with the model's file and tokenizer.json."""

    def __init__(self, options: OnnxOptions, context: Context) -> None:
        """Raises `ConfigError` if the folder or one of its files is missing, or its dimensions are not known."""
        self._options = options
        self._folder = Path(options.path).expanduser()
        if not self._folder.is_dir():
            raise ConfigError(f"embedder 'onnx': path: there is no folder '{self._folder}'", hint=_HOLDS)
        for file in (options.file, "tokenizer.json"):
            if not (self._folder / file).is_file():
                raise ConfigError(f"embedder 'onnx': the folder '{self._folder}' holds no '{file}'", hint=_HOLDS)
        spec = VectorSpec(
            f"onnx-{context.fingerprint}",
            "dense",
            options.dims or _hidden_size(self._folder),
            distance="cosine" if options.normalise else "dot",
        )
        super().__init__(
            spec,
            threads=options.threads,
            query_prefix=options.query_prefix,
            passage_prefix=options.passage_prefix,
        )

    def _open(self) -> TextModel:
        from tokenizers import Tokenizer

        file = self._folder / "tokenizer.json"
        try:
            tokenizer: Any = Tokenizer.from_file(str(file))
        except Exception as error:  # tokenizers raises bare Exception
            raise ConfigError(
                f"embedder 'onnx': {file} cannot be read: {error}",
                hint="it must be a file of the tokenizers package, as models bring it",
            ) from error
        tokenizer.no_padding()
        tokenizer.enable_truncation(self._options.max_tokens)
        tokenizer.encode_special_tokens = True  # "[SEP]" in a document is text: it must not steer the model

        def encode(text: str) -> list[int]:
            ids: list[int] = tokenizer.encode(text).ids
            return ids

        return TextModel(
            self._folder / self._options.file,
            encode,
            name="onnx",
            dim=self._spec.dim,
            pooling=self._options.pooling,
            output=self._options.output,
            normalise=self._options.normalise,
        )


_HOLDS = "name the folder of an ONNX text model: it holds model.onnx (or the file named by `file`) and tokenizer.json"


def cores() -> int:
    """How many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):  # not on macOS and Windows
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _hidden_size(folder: Path) -> int:
    """`hidden_size` of the folder's config.json. Raises `ConfigError` where it is not stated."""
    try:
        size = json.loads((folder / "config.json").read_text(encoding="utf-8")).get("hidden_size")
    except (OSError, ValueError, AttributeError):
        size = None
    if not isinstance(size, int) or isinstance(size, bool) or size < 1:
        raise ConfigError(
            f"embedder 'onnx': '{folder}' has no config.json that states hidden_size",
            hint="write the model's number of dimensions, such as  dims: 384",
        ) from None
    return size
