"""How a model is laid over a machine: what it needs, how many GPUs, which precision, how long prompts may be."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest
from ragsys_generate.serve import machine as machines
from ragsys_generate.serve import needs
from ragsys_generate.serve.machine import Gpu, Machine, look
from ragsys_generate.serve.options import ServeOptions
from ragsys_generate.serve.plan import Place, Plan, make

from ragsys.errors import UsageError

GB = 10**9
H200 = Gpu("NVIDIA H200", 150 * GB, 150 * GB, (9, 0))
L4 = Gpu("NVIDIA L4", 24 * GB, 24 * GB, (8, 9))
T4 = Gpu("Tesla T4", 16 * GB, 16 * GB, (7, 5))
P100 = Gpu("Tesla P100", 16 * GB, 16 * GB, (6, 0))
LAPTOP = Machine("Linux", "x86_64", 8, 32 * GB, bfloat16=False)


def on(*gpus: Gpu) -> Machine:
    return Machine("Linux", "x86_64", 16, 128 * GB, True, gpus)


def planned(model: str, machine: Machine, place: Place | None = None, **options: object) -> Plan:
    return make(model, ServeOptions.model_validate(options), machine, place or Place())


def value(plan: Plan, flag: str) -> str | None:
    return plan.flags[plan.flags.index(flag) + 1] if flag in plan.flags else None


@pytest.mark.parametrize(
    ("name", "billions"),
    [
        ("Qwen/Qwen3-VL-8B-Instruct", 8),
        ("Qwen/Qwen3-VL-30B-A3B-Instruct", 30),
        ("SmolLM2-135M-Instruct", 0.135),
        ("google/gemma-3-27b-it", 27),
        ("Mixtral-8x7B-Instruct-v0.1", 56),
        ("Qwen2.5-VL-7B-Instruct-AWQ", 7),
        ("llava-1.5-7b-hf", 7),
        ("allenai/OLMo-2-0425-1B", 1),
    ],
)
def test_the_size_is_read_off_a_name(name: str, billions: float) -> None:
    found = needs.of(name)
    assert found is not None
    assert f"{billions:g} billion" in found.source


def test_a_name_without_a_size_tells_nothing() -> None:
    assert needs.of("org/phi-4-multimodal") is None
    assert needs.of("org/v2-model") is None
    stated = needs.of("org/phi-4-multimodal", billions=5.6)
    assert stated is not None
    assert stated.weights == pytest.approx(5.6e9 * 2 * 1.1)


def test_the_formula_can_be_followed_by_hand() -> None:
    found = needs.Needs(weights=16e9, cache=147_456, source="")
    # (16 GB + 32,768 x 147,456 B) / 2 + 2.5 GB + 5 % of 8 GB
    assert found.on_each(2, 32_768) == pytest.approx((16e9 + 32_768 * 147_456) / 2 + 2.5e9 + 0.4e9)
    # 2 x 21.6 GB less 16 GB, 5 % of them and 2 x 2.5 GB
    assert found.tokens(2, 21.6e9) == int((43.2e9 - 16.8e9 - 5e9) // 147_456)


@pytest.mark.parametrize(("suffix", "share"), [("", 2.0), ("-FP8", 1.05), ("-AWQ", 0.65), ("-GPTQ-Int4", 0.65)])
def test_quantized_weights_are_smaller(suffix: str, share: float) -> None:
    found = needs.of(f"Qwen/Qwen3-VL-8B-Instruct{suffix}")
    assert found is not None
    assert found.weights == pytest.approx(8e9 * share * 1.1)


def checkpoint(folder: Path, **about: object) -> Path:
    folder.mkdir()
    (folder / "model.safetensors").write_bytes(bytes(2000))
    (folder / "config.json").write_text(json.dumps(about), encoding="utf-8")
    return folder


def test_a_folder_tells_its_own_needs(tmp_path: Path) -> None:
    text = {"num_hidden_layers": 4, "num_attention_heads": 8, "num_key_value_heads": 2, "hidden_size": 64}
    seeing = checkpoint(
        tmp_path / "a", text_config={**text, "max_position_embeddings": 4096}, vision_config={}, dtype="bfloat16"
    )
    found = needs.of(str(seeing))
    assert found is not None
    assert (found.weights, found.cache) == (2000, 2 * 4 * 2 * 8 * 2)
    assert (found.context, found.images) == (4096, True)
    wide = needs.of(str(seeing), width=4.0)
    assert wide is not None
    assert (wide.weights, wide.cache) == (4000, 2 * 4 * 2 * 8 * 4)
    blind = needs.of(str(checkpoint(tmp_path / "b", **text, dtype="float32")))
    assert blind is not None
    assert (blind.weights, blind.images, blind.context) == (1000, False, None)


def test_one_large_gpu_takes_the_model_whole() -> None:
    plan = planned("Qwen/Qwen3-VL-8B-Instruct", on(H200))
    assert plan.device == "gpu"
    assert value(plan, "--dtype") == "bfloat16"
    assert value(plan, "--tensor-parallel-size") == "1"
    assert value(plan, "--data-parallel-size") is None
    assert value(plan, "--max-model-len") == "32768"
    assert value(plan, "--gpu-memory-utilization") == "0.90"
    assert value(plan, "--limit-mm-per-prompt") == '{"image":16,"video":0}'
    assert "--enable-prefix-caching" in plan.flags
    assert value(plan, "--host") == "127.0.0.1"


@pytest.mark.parametrize(
    ("model", "gpus", "tensor", "copies"),
    [
        ("Qwen3-VL-8B", (H200,) * 8, "1", "8"),
        ("Qwen3-VL-32B", (L4,) * 8, "8", None),
        ("Qwen2.5-VL-72B", (H200,) * 8, "2", "4"),
        ("Qwen3-VL-8B", (L4,) * 2, "2", None),
        ("Qwen3-VL-4B", (L4,) * 3, "1", "3"),
    ],
)
def test_a_model_is_laid_over_as_few_gpus_as_it_fits_on(
    model: str, gpus: tuple[Gpu, ...], tensor: str, copies: str | None
) -> None:
    plan = planned(model, on(*gpus))
    assert value(plan, "--tensor-parallel-size") == tensor
    assert value(plan, "--data-parallel-size") == copies


def test_prompts_are_shortened_to_what_fits_and_that_is_said() -> None:
    plan = planned("Qwen3-VL-8B", on(L4))
    length = int(value(plan, "--max-model-len") or 0)
    assert 4096 <= length < 32768
    assert length % 1024 == 0
    assert plan.context == length
    assert any("instead of 32768" in note for note in plan.notes)


def test_a_model_that_does_not_fit_says_by_how_much() -> None:
    with pytest.raises(UsageError, match=r"lacks [\d.]+ GB on 1 GPU with 14 GB") as caught:
        planned("Qwen3-VL-32B", on(T4))
    assert "4 bit" in str(caught.value)
    # 14.4 GB less 2.5 GB and 4,096 tokens of cache, of which 1 / 1.05 / 1.1 / 2 bytes
    assert "about 4.9 billion parameters fit" in str(caught.value)
    assert value(planned("some-4.7B", on(T4)), "--tensor-parallel-size") == "1"


def test_old_gpus_count_in_half_precision_or_not_at_all() -> None:
    assert value(planned("Qwen3-VL-2B", on(T4)), "--dtype") == "half"
    with pytest.raises(UsageError, match="P100 is too old"):
        planned("Qwen3-VL-2B", on(P100))


def test_memory_that_others_use_is_left_to_them() -> None:
    shared = Gpu("NVIDIA H200", 150 * GB, 75 * GB, (9, 0))
    assert float(value(planned("Qwen3-VL-8B", on(shared)), "--gpu-memory-utilization") or 1) == pytest.approx(0.49)


def test_what_is_stated_is_kept_to() -> None:
    plan = planned(
        "Qwen3-VL-8B",
        on(*(H200,) * 4),
        tensor_parallel=2,
        data_parallel=1,
        requests=32,
        images=4,
        flags=["--seed", "1"],
    )
    assert value(plan, "--tensor-parallel-size") == "2"
    assert "--data-parallel-size" not in plan.flags
    assert value(plan, "--max-num-seqs") == "32"
    assert plan.flags[-2:] == ("--seed", "1")
    assert '"image":4' in (value(plan, "--limit-mm-per-prompt") or "")
    with pytest.raises(UsageError, match="take 8 GPUs, there are 4"):
        planned("Qwen3-VL-8B", on(*(H200,) * 4), tensor_parallel=4, data_parallel=2)
    with pytest.raises(UsageError, match="there are 1 GPUs"):
        planned("Qwen3-VL-8B", on(H200), tensor_parallel=2)


def test_an_unknown_size_is_said_and_served_all_the_same() -> None:
    plan = planned("org/some-model", on(H200, H200))
    assert any("size is not known" in note for note in plan.notes)
    assert (plan.estimate, value(plan, "--tensor-parallel-size")) == ("", "1")


def test_a_model_of_text_takes_no_images(tmp_path: Path) -> None:
    folder = checkpoint(tmp_path / "text", num_hidden_layers=2, num_attention_heads=2, hidden_size=16)
    assert "--limit-mm-per-prompt" not in planned(str(folder), on(H200)).flags
    assert "--limit-mm-per-prompt" not in planned("Qwen3-8B", on(H200), images=0).flags


def test_a_processor_gets_the_cpu_build_with_its_environment() -> None:
    plan = planned("Qwen3-VL-2B", LAPTOP)
    assert plan.device == "cpu"
    assert value(plan, "--dtype") == "float32"
    assert value(plan, "--max-model-len") == "8192"
    assert "--enforce-eager" in plan.flags
    assert plan.environment["OMP_NUM_THREADS"] == "7"
    assert plan.environment["VLLM_CPU_OMP_THREADS_BIND"] == "nobind"
    # 0.8 x 32 GB less 2.2 billion x 4 B, 5 % of them and 2.5 GB
    assert plan.environment["VLLM_CPU_KVCACHE_SPACE"] == str(int((25.6e9 - 8.8e9 * 1.05 - 2.5e9) // 2**30))
    assert not any(flag.startswith("--gpu") for flag in plan.flags)
    with pytest.raises(UsageError, match="of memory"):
        planned("Qwen3-VL-8B", LAPTOP)


def test_an_open_server_needs_a_key() -> None:
    with pytest.raises(UsageError, match=r"0\.0\.0\.0 is open to the network"):
        planned("Qwen3-VL-2B", LAPTOP, Place(host="0.0.0.0"))
    place = Place(host="0.0.0.0", port=9000, key="secret")
    plan = planned("Qwen3-VL-2B", LAPTOP, place)
    assert place.url == "http://127.0.0.1:9000/v1"
    assert "secret" not in " ".join([*plan.flags, *plan.environment.values()])


def test_a_name_of_its_own_is_served() -> None:
    assert value(planned("Qwen3-VL-2B", LAPTOP, Place(name="reader")), "--served-model-name") == "reader"
    assert "--served-model-name" not in planned("Qwen3-VL-2B", LAPTOP, Place(name="Qwen3-VL-2B")).flags


SAID = """0, GPU-aaaa, NVIDIA H200, 143771, 143000, 9.0
1, GPU-bbbb, NVIDIA L4, 23034, 20000, 8.9
"""


@pytest.mark.parametrize(
    ("visible", "names"),
    [
        (None, ["NVIDIA H200", "NVIDIA L4"]),
        ("1", ["NVIDIA L4"]),
        ("GPU-aaaa", ["NVIDIA H200"]),
        ("", []),
        ("7", []),
    ],
)
def test_gpus_are_those_that_may_be_used(
    monkeypatch: pytest.MonkeyPatch, visible: str | None, names: Sequence[str]
) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if visible is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    found = look(lambda command: SAID)
    assert [gpu.name for gpu in found.gpus] == names
    if names:
        assert found.gpus[-1].capability == ((8, 9) if names[-1] == "NVIDIA L4" else (9, 0))
    else:
        assert "CUDA_VISIBLE_DEVICES" in found.note


def test_a_gpu_without_memory_of_its_own_has_the_machines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    (gpu,) = look(lambda command: "0, GPU-c, NVIDIA GB10, [N/A], [N/A], 12.1\n").gpus
    assert gpu.total > 10**8
    assert gpu.capability == (12, 1)


@pytest.mark.parametrize("error", [OSError("driver mismatch"), subprocess.TimeoutExpired("nvidia-smi", 20)])
def test_a_driver_that_does_not_answer_is_told(error: Exception) -> None:
    def ask(command: Sequence[str]) -> str:
        raise error

    found = look(ask)
    assert found.gpus == ()
    assert "does not answer" in found.note
    assert any("does not answer" in note for note in planned("Qwen3-VL-0.5B", found, parameters=0.01).notes)


def test_this_machine_can_be_looked_at() -> None:
    found = look()
    assert found.cores >= 1
    assert found.memory > 10**8
    assert found.described()
    assert (
        machines.Machine("Linux", "x", 1, GB, False).described()
        == "1 processor cores, 1 GB of memory free, no NVIDIA GPU"
    )
