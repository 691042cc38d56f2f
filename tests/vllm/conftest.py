"""What the tests with a real vLLM share: its environment, the models that it serves, readers of its servers."""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from servers import Server, free_port, vllm

from ragsys.config import Spec
from ragsys.plugins import Builder, registry
from ragsys.protocols import Generator

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
ENVIRONMENT = ROOT / ".venv-vllm"
CONTEXT = 2048  # tokens of the vision-language server
IMAGES = 8  # of one request to it
MakeReader = Callable[..., Generator]


@pytest.fixture(scope="session")
def python() -> Path:
    """The Python that has vLLM; without one the tests are skipped and say why."""
    if (ENVIRONMENT / ".ready").is_file():
        return ENVIRONMENT / "bin" / "python"
    impossible = ENVIRONMENT / "IMPOSSIBLE"
    if impossible.is_file():
        pytest.skip(f"vLLM cannot be installed here: {impossible.read_text(encoding='utf-8')}")
    pytest.skip("vLLM is not installed: make test-vllm installs it")


@pytest.fixture(scope="session")
def checkpoint(python: Path) -> Callable[[str], Path]:
    """Gives the folder of a model by its kind; it is made once for the environment."""
    maker = HERE / "checkpoints.py"
    revision = hashlib.sha256(maker.read_bytes()).hexdigest()[:8]

    def made(kind: str) -> Path:
        folder = ENVIRONMENT / "models" / f"{kind}-{revision}"
        if not folder.is_dir():
            done = subprocess.run(
                [python, maker, kind, folder], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
            )
            assert done.returncode == 0, done.stdout[-4000:]
        return folder

    return made


@pytest.fixture(scope="module")
def seeing(
    python: Path, checkpoint: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """A server of a vision-language model with random weights, called `tiny`."""
    port = free_port()
    flags = [
        *("--max-model-len", str(CONTEXT), "--limit-mm-per-prompt", f'{{"image":{IMAGES},"video":0}}'),
        # a model that is not trained would fill what JSON allows between its signs without end
        *("--structured-outputs-config", '{"backend":"xgrammar","disable_any_whitespace":true}'),
    ]
    command = vllm(python, checkpoint("vision"), "tiny", port, *flags)
    with Server(command, port, tmp_path_factory.mktemp("vllm") / "server.log") as server:
        yield server


@pytest.fixture(scope="module")
def reader(seeing: Server, tmp_path_factory: pytest.TempPathFactory) -> MakeReader:
    """Makes generators of the vision-language server; options are those of `openai`."""
    folder = tmp_path_factory.mktemp("reader")

    def make(**options: object) -> Generator:
        pixels = (4 * 28 * 28, 64 * 28 * 28)  # as the checkpoint's image processor is set
        given = {"model": "tiny", "image_tokens": "qwen2-vl", "processor_pixels": pixels, "restart": 240.0, **options}
        spec = Spec.model_validate({"use": "openai", "url": seeing.url, **given})
        generator: Generator = Builder(registry(), {}, folder, folder).build("generator", spec)
        return generator

    return make
