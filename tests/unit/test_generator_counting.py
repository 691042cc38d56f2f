"""Tokens are counted before a request is sent: text by its script, images by the rule of the model's family."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ragsys_generate.counting import family, image_tokens, text_tokens
from readers import asking, openai_at, picture
from serving import Chat, Serving, Status

VLLM = {"id": "reader", "root": "/models/Qwen2.5-VL-7B-Instruct", "owned_by": "vllm", "max_model_len": 300}

#: Tokens of SmolLM2's tokenizer (49,152 entries); those of larger vocabularies are fewer.
COUNTED = [
    ("How much energy per cubic metre does pulse flushing need, and who bears the cost of early termination?", 20),
    ("| D40 | 94 | 128 | 151 | 203 | 248 |\n| D60 | 12.5 | 1,034.75 | (3.2) | n/a | $4,120 |", 68),
    ("Die Wirtschaftlichkeitsberechnung der Gebäudeenergieversorgung berücksichtigt Fördermittel.", 36),
    ("Стоимость досрочного расторжения договора несёт арендатор.", 43),
    ("提前终止合同的费用由承租人承担，详见第三页。", 38),
    ("解約の費用は借主が負担します。", 28),
    ("계약 조기 해지 비용은 임차인이 부담합니다.", 47),
    ("يتحمل المستأجر تكلفة الإنهاء المبكر للعقد.", 40),
    ("किरायेदार जल्दी समाप्ति की लागत वहन करता है।", 47),
    ("ผู้เช่าเป็นผู้รับผิดชอบค่าใช้จ่าย", 62),
]


@pytest.mark.parametrize(("text", "tokens"), COUNTED)
def test_the_estimate_of_a_text_is_on_the_high_side_and_not_far_off(text: str, tokens: int) -> None:
    assert tokens <= text_tokens(text) <= 2.5 * tokens


@given(st.text(max_size=300), st.text(max_size=300))
def test_an_estimate_grows_with_its_text(first: str, second: str) -> None:
    assert max(text_tokens(first), text_tokens(second)) <= text_tokens(first + second) + 1
    assert text_tokens("") == 0


#: (rule, width, height, tokens without the marks around them), as the families' own image processors count.
IMAGES = [
    ("qwen2-vl", 280, 280, 100),
    ("qwen2-vl", 935, 1210, 33 * 43),
    ("qwen2-vl", 30, 30, 4),
    ("qwen3-vl", 935, 1210, 29 * 38),
    ("internvl", 448, 448, 256),
    ("internvl", 896, 448, 256 * 3),
    ("pixtral", 1024, 1024, 64 * 65),
    ("pixtral", 2048, 1024, 32 * 65),
    ("gemma3", 4000, 3000, 258),
    ("openai", 1024, 1024, 85 + 170 * 4),
    ("openai", 512, 512, 85 + 170),
]


@pytest.mark.parametrize(("rule", "width", "height", "tokens"), IMAGES)
def test_images_count_by_the_rule_of_their_family(rule: str, width: int, height: int, tokens: int) -> None:
    assert image_tokens(width, height, rule, "", None) == tokens + 2  # type: ignore[arg-type]


def test_the_bounds_of_the_server_s_processor_count() -> None:
    assert image_tokens(935, 1210, "qwen2-vl", "", (3136, 50176)) - 2 <= 64
    assert image_tokens(28, 28, "qwen2-vl", "", (40 * 784, 50 * 784)) - 2 >= 40


@pytest.mark.parametrize(
    ("model", "rule"),
    [
        ("Qwen/Qwen2.5-VL-7B-Instruct", "qwen2-vl"),
        ("qwen3-vl:8b", "qwen3-vl"),
        ("OpenGVLab/InternVL3-8B", "internvl"),
        ("gpt-4o-mini", "openai"),
        ("google/gemma-3-12b-it", "gemma3"),
        ("mistralai/Pixtral-12B-2409", "pixtral"),
        ("reader", None),
    ],
)
def test_the_family_is_known_by_the_name(model: str, rule: str | None) -> None:
    assert family(model) == rule


def test_an_unknown_family_counts_high() -> None:
    counts = [image_tokens(935, 1210, rule, "", None) for rule in ("qwen2-vl", "qwen3-vl", "gemma3", "openai")]
    assert image_tokens(935, 1210, "auto", "reader", None) >= max(counts)


def test_a_request_counts_its_text_and_its_images_as_they_are_sent() -> None:
    with Serving(models=[{**VLLM, "max_model_len": 100_000}]) as server:
        text = openai_at(server).tokens(asking("word " * 100))
        assert 100 < text < 300
        assert openai_at(server).tokens(asking("word " * 100, picture(280, 280))) == text + 102
        assert openai_at(server, image_side=140).tokens(asking("word " * 100, picture(280, 280))) == text + 27
        assert openai_at(server, image_tokens=500).tokens(asking("word " * 100, picture(), picture())) == text + 1000
        assert openai_at(server, images="no").tokens(asking("word " * 100, picture())) == text
        assert {asked.path for asked in server.others} <= {"/v1/models"}


def test_a_server_that_counts_is_asked_where_the_estimate_does_not_fit() -> None:
    with Serving(models=[VLLM], routes={"/tokenize": Status(200, {"count": 123, "max_model_len": 300})}) as server:
        request = asking("word " * 300, picture(280, 280), max_tokens=10)
        assert openai_at(server).tokens(request) == 123 + 102
        (asked,) = (asked for asked in server.others if asked.path == "/tokenize")
        assert asked.body["model"] == "reader"
        assert asked.body["messages"][1]["content"].startswith("word word")
        few = openai_at(server).tokens(asking("word", max_tokens=10))
        assert few < 123  # it fits by the estimate: nobody is asked
        assert openai_at(server, count="server").tokens(asking("word")) == 123
        assert openai_at(server, count="estimate").tokens(request) > 300


@pytest.mark.parametrize(
    "answer", [Status(404, {"detail": "Not Found"}), Status(200, {"count": "many"}), Status(200, "x")]
)
def test_a_server_that_does_not_count_leaves_the_estimate(answer: Status) -> None:
    with Serving(routes={"/tokenize": answer}) as server:
        assert 1 < openai_at(server, count="server").tokens(asking("word")) < 100


def test_counting_needs_no_server() -> None:
    with Serving([Chat("a")]) as server:
        url = server.url
    assert openai_at(url, model="m").tokens(asking("word " * 50)) > 50
