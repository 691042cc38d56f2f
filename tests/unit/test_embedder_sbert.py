"""The sentence-transformers adapter against a stand-in of that package: what it asks for and makes of the reply."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

import numpy as np
import pytest
from ragsys_text.embed_options import SentenceTransformersOptions
from ragsys_text.sbert import SentenceTransformersEmbedder

from ragsys.errors import ConfigError
from ragsys.protocols import Context, Embedder
from ragsys.testing.embedders import check_embedder
from ragsys.types import Query


class Model:
    """Vectors count the letters a, b, c of prompt and text, plus one."""

    max_seq_length = 512
    made: ClassVar[list[Model]] = []

    def __init__(self, name: str, **settings: Any) -> None:
        if name == "missing":
            raise OSError("no file named model.safetensors")
        self.settings = settings
        self.calls: list[dict[str, Any]] = []
        Model.made.append(self)

    def encode(self, texts: list[str], *, prompt: str = "", normalize_embeddings: bool, **rest: Any) -> Any:
        self.calls.append({"prompt": prompt, **rest})
        rows = np.array([[1.0 + (prompt + text).count(letter) for letter in "abc"] for text in texts])
        return rows / np.linalg.norm(rows, axis=1, keepdims=True) if normalize_embeddings else rows

    def encode_query(self, texts: list[str], **rest: Any) -> Any:
        return self.encode(texts, prompt="a: ", **rest)

    def encode_document(self, texts: list[str], **rest: Any) -> Any:
        return self.encode(texts, prompt="b: ", **rest)


@pytest.fixture(autouse=True)
def stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("sentence_transformers")
    module.SentenceTransformer = Model  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "sentence_transformers", module)
    Model.made.clear()


def embedder(**options: Any) -> SentenceTransformersEmbedder:
    settings = {"model": "some/model", "dims": 3, "normalise": False} | options
    return SentenceTransformersEmbedder(SentenceTransformersOptions(**settings), Context(Path(), Path(), "abc"))


def vectors(made: SentenceTransformersEmbedder, text: str) -> tuple[list[float], list[float]]:
    name = made.specs[0].name
    return made.embed_items([text])[0][name].tolist(), made.embed_queries([Query(text)])[0][name].tolist()


def test_the_laws() -> None:
    made = embedder(normalise=True)
    assert isinstance(made, Embedder)
    check_embedder(made, ["a", "bb", "abc", "", "ccc"])


def test_it_is_built_without_loading_the_model_and_loads_once() -> None:
    made = embedder()
    assert made.specs[0].name == "sentence-transformers-abc"
    assert not Model.made
    vectors(made, "a")
    made.warm_up()
    assert len(Model.made) == 1


def test_the_models_own_prompts_unless_others_are_given() -> None:
    assert vectors(embedder(), "c") == ([1, 2, 2], [2, 1, 2])
    own = embedder(query_prefix="", passage_prefix="aa ")
    assert vectors(own, "c") == ([3, 1, 2], [1, 1, 2])


def test_settings_reach_the_library() -> None:
    made = embedder(device="cuda:1", revision="v2", max_tokens=99, batch=7)
    vectors(made, "a")
    (model,) = Model.made
    assert model.settings == {"device": "cuda:1", "revision": "v2", "trust_remote_code": False}
    assert model.max_seq_length == 99
    assert [call["batch_size"] for call in model.calls] == [7, 7]
    vectors(embedder(), "a")
    assert Model.made[1].settings == {"device": None, "revision": None, "trust_remote_code": False}
    assert Model.made[1].max_seq_length == 512


def test_errors() -> None:
    with pytest.raises(ConfigError, match="'missing' cannot be loaded: no file named"):
        embedder(model="missing").warm_up()
    with pytest.raises(ConfigError, match="dims: 3"):
        vectors(embedder(dims=768), "a")
