"""The contracts of the smaller roles hold for a good component and catch a bad one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ragsys.errors import UsageError
from ragsys.evaluation.records import MetricInfo
from ragsys.testing.loaders import ContractError
from ragsys.testing.roles import check_enricher, check_judge, check_metric, check_suite, check_tool
from ragsys.types import BBox, Block, BlockKind, Page, Passage, Piece

PAGE = Page(1, 100, 100, (Block(0, BlockKind.TEXT, BBox(0, 0, 1, 1), "Flour costs four euros."),))
PASSAGE = Passage(0, (Piece(1, 0, 0, 23),), "Flour costs four euros.")


class Length:
    def __init__(self, shift: int = 0) -> None:
        self.shift = shift

    def enrich(self, pages: Any, passages: Any) -> dict[int, dict[str, Any]]:
        return {passage.ordinal + self.shift: {"length": len(passage.text)} for passage in passages}


class Overlap:
    def __init__(self, factor: float = 1.0) -> None:
        self.factor = factor

    def supports(self, sentence: str, passages: Any) -> float:
        words = set(sentence.split())
        return self.factor * len(words & set(" ".join(passages).split())) / len(words)


class Doubler:
    name, description = "double", "doubles a number"

    def __init__(self, careful: bool = True) -> None:
        self.careful = careful
        self.schema = {"type": "object", "properties": {"n": {"type": "integer"}}}

    def call(self, arguments: dict[str, Any]) -> dict[str, Any]:
        if self.careful and not isinstance(arguments.get("n"), int):
            raise UsageError("double: n must be a whole number")
        return {"n": 2 * arguments.get("n", 0)}


class Small:
    name, licence, revision, metrics = "small", "CC0", "1", ("exact",)

    def __init__(self, folder: Path, page: int = 1) -> None:
        self.root, self.page = folder, page

    def documents(self) -> list[Path]:
        path = self.root / "a.pdf"
        path.write_bytes(b"%PDF")
        return [path]

    def questions(self) -> list[dict[str, Any]]:
        return [{"id": "1", "question": "What?", "gold_pages": [{"doc": "a.pdf", "page": self.page}]}]


class Exact:
    info = MetricInfo("exact", "the answer is the gold answer")

    def __init__(self, scale: float = 1.0) -> None:
        self.scale = scale

    def score(self, question: dict[str, Any], outcome: dict[str, Any]) -> float | None:
        return None if "answer" not in question else self.scale * (question["answer"] == outcome["answer"])


def test_good_components_pass(tmp_path: Path) -> None:
    check_enricher(Length(), [PAGE], [PASSAGE])
    check_judge(Overlap(), "Flour costs four euros.", [PASSAGE.text])
    check_tool(Doubler(), {"n": 2}, {"n": "two"})
    assert len(check_suite(Small(tmp_path))) == 1
    check_metric(Exact(), {"answer": "4"}, [{"answer": "4"}, {"answer": "5"}])
    check_metric(Exact(), {}, [{"answer": "4"}])


def test_bad_components_are_caught(tmp_path: Path) -> None:
    with pytest.raises(ContractError, match="not given"):
        check_enricher(Length(shift=5), [PAGE], [PASSAGE])
    with pytest.raises(ContractError, match=r"0\.\.1"):
        check_judge(Overlap(factor=3), "Flour costs four euros.", [PASSAGE.text])
    with pytest.raises(ContractError, match="wrong arguments"):
        check_tool(Doubler(careful=False), {"n": 2}, {"n": "two"})
    with pytest.raises(ContractError, match="1-based"):
        check_suite(Small(tmp_path, page=0))
    with pytest.raises(ContractError, match="not in"):
        check_metric(Exact(scale=2), {"answer": "4"}, [{"answer": "4"}])
