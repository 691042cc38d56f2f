"""What a question will need is opened ahead; what cannot be opened is left to the question."""

from __future__ import annotations

from typing import Any, cast

from ragsys import warming
from ragsys.protocols import Retriever


class _Opens:
    def __init__(self) -> None:
        self.opened = 0

    def warm_up(self) -> None:
        self.opened += 1


class _Fails:
    def warm_up(self) -> None:
        raise RuntimeError("no such model")


def test_all_are_opened_though_one_fails_and_one_has_nothing_to_open() -> None:
    opens = _Opens()
    given: list[Any] = [_Fails(), object(), opens]
    warming.begin(cast("list[Retriever]", given)).join(30)
    assert opens.opened == 1
