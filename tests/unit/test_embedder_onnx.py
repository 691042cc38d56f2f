"""The embedder over a model's folder: pooling, prefixes, cuts and errors, on models whose vectors are known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx_models import write_lookup, write_tokenizer
from ragsys_text.embed_options import OnnxOptions
from ragsys_text.onnx import OnnxEmbedder, TextModel

from ragsys.errors import ConfigError, UsageError
from ragsys.protocols import Context, Embedder
from ragsys.testing.embedders import check_embedder
from ragsys.testing.loaders import ContractError
from ragsys.types import Query

pytest.importorskip("tokenizers")

WORDS = ("?", "east", "north", "up", "far")
TABLE = ((1.0, 1.0, 1.0), (1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0), (40.0, -70.0, 13.0))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_lookup(tmp_path / "model.onnx", TABLE)
    write_tokenizer(tmp_path / "tokenizer.json", WORDS)
    return tmp_path


def embedder(folder: Path, **options: Any) -> OnnxEmbedder:
    settings = {"dims": 3, "normalise": False, "max_tokens": 8} | options
    return OnnxEmbedder(OnnxOptions(path=str(folder), **settings), Context(folder, folder, "abc"))


def vector(made: OnnxEmbedder, text: str) -> list[float]:
    values: list[float] = made.embed_items([text])[0]["onnx-abc"].tolist()
    return values


def test_the_laws(folder: Path) -> None:
    made = embedder(folder)
    assert isinstance(made, Embedder)
    check_embedder(made, ["east", "", "north north up", "far far", "unknown words"], tolerance=0)


def test_the_batch_law_holds_for_a_model_that_quantises_as_it_runs(folder: Path) -> None:
    write_lookup(folder / "model.onnx", TABLE, form="quantised")
    check_embedder(embedder(folder), ["east", "north up", "far", "up"], tolerance=0)


def test_such_a_model_breaks_the_law_in_batches(folder: Path) -> None:
    """The reason why texts run alone: the same session on a batch moves a text's vector, and the contract says so."""
    write_lookup(folder / "model.onnx", TABLE, form="quantised")

    class Batching(OnnxEmbedder):
        def _vectors(self, texts: Any, *, query: bool) -> Any:
            ids = np.array([[WORDS.index(text)] for text in texts])
            return list(self.opened()._session.run(None, {"input_ids": ids})[0][:, 0])

    made = Batching(OnnxOptions(path=str(folder), dims=3, normalise=False), Context(folder, folder, "abc"))
    with pytest.raises(ContractError, match="alone"):
        check_embedder(made, ["east", "north", "far"])


@pytest.mark.parametrize(
    ("pooling", "expected"), [("mean", [0.5, 0.25, 0.25]), ("cls", [1.0, 0.0, 0.0]), ("last", [0.0, 0.0, 1.0])]
)
def test_pooling(folder: Path, pooling: str, expected: list[float]) -> None:
    assert vector(embedder(folder, pooling=pooling), "east east north up") == expected


def test_a_model_that_pools_itself(folder: Path) -> None:
    write_lookup(folder / "model.onnx", TABLE, form="pooled")
    assert vector(embedder(folder), "east east up") == [2.0, 0.0, 1.0]


def test_vectors_of_length_one(folder: Path) -> None:
    made = embedder(folder, normalise=True)
    assert made.specs[0].distance == "cosine"
    assert vector(made, "east up") == pytest.approx([0.5**0.5, 0.0, 0.5**0.5])
    assert embedder(folder).specs[0].distance == "dot"


def test_prefixes_go_before_their_kind_of_text(folder: Path) -> None:
    made = embedder(folder, query_prefix="up ", passage_prefix="north ", pooling="cls")
    assert vector(made, "east") == [0.0, 1.0, 0.0]
    assert made.embed_queries([Query("east")])[0]["onnx-abc"].tolist() == [0.0, 0.0, 1.0]


def test_long_texts_are_cut_and_empty_ones_have_a_vector(folder: Path) -> None:
    assert vector(embedder(folder, max_tokens=8), "east " * 8 + "far " * 90) == [1.0, 0.0, 0.0]
    assert vector(embedder(folder), "") == [1.0, 1.0, 1.0]


def test_any_number_of_threads_gives_the_same(folder: Path) -> None:
    texts = ["east", "north up", "far", "", "up up east"] * 5
    alone = embedder(folder, threads=1).embed_items(texts)
    for threads in (2, 3, 64):
        made = embedder(folder, threads=threads).embed_items(texts)
        assert all(np.array_equal(a["onnx-abc"], b["onnx-abc"]) for a, b in zip(alone, made, strict=True))


def test_dimensions_come_from_the_models_config(folder: Path) -> None:
    (folder / "config.json").write_text('{"hidden_size": 3}')
    assert embedder(folder, dims=0).specs[0].dim == 3


def test_an_image_is_refused(folder: Path) -> None:
    image = pytest.importorskip("PIL.Image").new("RGB", (4, 4))
    with pytest.raises(UsageError, match="image"):
        embedder(folder).embed_items(["east", image])


def test_errors_name_what_is_missing(folder: Path) -> None:
    with pytest.raises(ConfigError, match="there is no folder"):
        embedder(folder / "nowhere")
    with pytest.raises(ConfigError, match=r"holds no 'int8\.onnx'"):
        embedder(folder, file="int8.onnx")
    for content in (None, "{", "[]", "{}", '{"hidden_size": true}'):
        if content is not None:
            (folder / "config.json").write_text(content)
        with pytest.raises(ConfigError, match="dims: 384"):
            embedder(folder, dims=0)
    (folder / "tokenizer.json").unlink()
    with pytest.raises(ConfigError, match=r"holds no 'tokenizer\.json'"):
        embedder(folder)


def test_errors_of_broken_files(folder: Path) -> None:
    (folder / "model.onnx").write_bytes(b"no model")
    with pytest.raises(ConfigError, match=r"model\.onnx cannot be loaded"):
        embedder(folder).warm_up()
    (folder / "tokenizer.json").write_text("{}")
    with pytest.raises(ConfigError, match=r"tokenizer\.json cannot be read"):
        embedder(folder).warm_up()


def test_errors_of_a_model_that_does_not_fit(folder: Path) -> None:
    with pytest.raises(ConfigError, match="has no output 'pooled'") as no_output:
        embedder(folder, output="pooled").warm_up()
    assert "states" in str(no_output.value)
    with pytest.raises(ConfigError, match="dims: 3"):
        vector(embedder(folder, dims=4), "east")
    write_lookup(folder / "model.onnx", TABLE, input_name="pixel_values")
    with pytest.raises(ConfigError, match="pixel_values"):
        embedder(folder).warm_up()


def test_names_of_special_tokens_in_a_text_are_text(folder: Path) -> None:
    tokenizers = pytest.importorskip("tokenizers")
    tokenizer = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.add_special_tokens(["far"])
    tokenizer.save(str(folder / "tokenizer.json"))
    assert vector(embedder(folder, pooling="last"), "farup") == [1.0, 1.0, 1.0]  # one unknown word, not far and up


def test_a_failed_opening_is_tried_again(folder: Path) -> None:
    whole = (folder / "model.onnx").read_bytes()
    made = embedder(folder)
    (folder / "model.onnx").write_bytes(b"half")
    with pytest.raises(ConfigError):
        made.warm_up()
    (folder / "model.onnx").write_bytes(whole)
    assert vector(made, "up") == [0.0, 0.0, 1.0]
    assert isinstance(made.opened(), TextModel)
