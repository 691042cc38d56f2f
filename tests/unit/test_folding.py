"""What the embedded store keeps by number comes back as it was, from files that a crash may have cut."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from ragsys_qdrant.folding import TERMS, TEXTS, Folded

from ragsys.errors import StoreError
from ragsys.types import Sparse

PAYLOAD = {"doc": "a" * 64, "page": 3, "dirs": ["x", 1, "x/y"], "text": "doc", "size": [1.5, 2.0], "none": None}


def made(folder: Path) -> Folded:
    return Folded.create(folder, {"doc", "dirs", "size", "none"}, durable=False)


def reopened(folder: Path) -> Folded:
    return Folded(folder, {"doc", "dirs", "size", "none"}, durable=False)


def test_a_payload_comes_back_and_is_short(tmp_path: Path) -> None:
    first = made(tmp_path)
    folded = first.fold(PAYLOAD)
    assert first.unfold(folded) == PAYLOAD
    assert len(str(folded)) < len(str(PAYLOAD)) / 1.5
    assert "doc" in folded.values()  # the text of a key that does not recur stays
    first.write()
    first.close()
    second = reopened(tmp_path)
    assert second.unfold(folded) == PAYLOAD
    assert second.fold(PAYLOAD) == folded
    second.close()


def test_conditions_ask_for_numbers_and_for_nothing_where_there_is_none(tmp_path: Path) -> None:
    folding = made(tmp_path)
    folded = folding.fold(PAYLOAD)
    assert folded[folding.key("doc")] == folding.value("doc", "a" * 64)
    assert folding.value("doc", "b") not in [*folded.values(), folding.value("dirs", "x")]
    assert folding.value("doc", 7) == 7
    assert folding.value("text", "doc") == "doc"
    assert folding.key("absent") not in folded
    assert folding.key("size[]") == folding.key("size") + "[]"
    assert folding.known(["absent", "page", "dirs.x"]) == [folding.key("page"), folding.key("dirs") + ".x"]
    made_now = folding.key("date", new=True)
    assert made_now not in folded
    assert folding.key("date") == made_now
    folding.close()


def test_terms_come_back_in_order_and_a_query_keeps_the_known_ones(tmp_path: Path) -> None:
    folding = made(tmp_path)
    assert folding.terms([9, 4_000_000_000]) == [0, 1]
    assert folding.terms([5, 9, 77, 4_000_000_000]) == [2, 0, 3, 1]
    back = folding.restored(Sparse(np.array([0, 1, 2], np.uint32), np.array([0.1, 0.2, 0.3], np.float32)))
    assert back.indices.tolist() == [5, 9, 4_000_000_000]
    assert back.values.tolist() == pytest.approx([0.3, 0.1, 0.2])
    assert folding.asked([5, 6, 77], [1.0, 2.0, 3.0]) == ([2, 3], [1.0, 3.0])
    folding.write()
    folding.sync()
    folding.close()
    again = reopened(tmp_path)
    assert again.terms([77, 6]) == [3, 4]
    again.close()


def test_numbers_are_given_once_by_many_threads(tmp_path: Path) -> None:
    folding = made(tmp_path)

    def work(seed: int) -> None:
        for n in range(300):
            folding.terms([n, (n * seed) % 97])
            folding.fold({f"k{n % 50}": seed, "doc": f"d{(n * seed) % 89}"})
            folding.write()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, (1, 3, 5, 7)))
    terms, payload = folding.terms(list(range(300))), folding.fold({"doc": "d7", "k3": 1})
    folding.close()
    assert sorted(terms) == list(range(300))
    again = reopened(tmp_path)
    assert again.terms(list(range(300))) == terms
    assert again.unfold(payload) == {"doc": "d7", "k3": 1}
    again.close()


def test_what_a_crash_left_of_an_entry_goes(tmp_path: Path) -> None:
    first = made(tmp_path)
    folded = first.fold(PAYLOAD)
    first.terms([1, 2])
    first.write()
    first.close()
    for name in (TEXTS, TERMS):
        with (tmp_path / name).open("ab") as file:
            file.write(b'"h')
    second = reopened(tmp_path)
    assert second.unfold(folded) == PAYLOAD
    new = second.fold({"doc": "new"})
    assert second.terms([2, 3]) == [1, 2]
    second.write()
    second.close()
    third = reopened(tmp_path)
    assert third.unfold(new) == {"doc": "new"}
    assert third.terms([1, 2, 3]) == [0, 1, 2]
    third.close()


def test_files_that_lack_something_are_errors_with_a_next_step(tmp_path: Path) -> None:
    first = made(tmp_path)
    folded = first.fold(PAYLOAD)
    first.close()  # without `write`
    second = reopened(tmp_path)
    with pytest.raises(StoreError, match=TEXTS):
        second.unfold(folded)
    with pytest.raises(StoreError, match=TERMS):
        second.restored(Sparse(np.array([0], np.uint32), np.array([1.0], np.float32)))
    second.close()
    (tmp_path / TEXTS).write_bytes(b"[1]\n")
    with pytest.raises(StoreError, match="none of a store"):
        reopened(tmp_path)
    (tmp_path / TEXTS).unlink()
    with pytest.raises(StoreError) as caught:
        reopened(tmp_path)
    assert caught.value.hint


def test_text_that_is_no_unicode_gets_no_number(tmp_path: Path) -> None:
    folding = made(tmp_path)
    with pytest.raises(StoreError):
        folding.fold({"doc": "\udcff"})
    folding.fold({"doc": "fine"})
    folding.write()
    folding.close()
    reopened(tmp_path).close()
