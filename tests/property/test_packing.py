"""Whatever is packed comes back; base 85 is the published one; the dictionary never changes."""

from __future__ import annotations

import base64
import json
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragsys import packing
from ragsys.packing import from_text, pack, to_text, unpack

CONTENT = st.recursive(
    st.none() | st.integers(-(10**9), 10**9) | st.text(), lambda inner: st.lists(inner, max_size=6), max_leaves=20
)


@given(CONTENT)
def test_content_comes_back(content: object) -> None:
    assert unpack(pack(content)) == content


@given(CONTENT)
def test_content_that_was_packed_before_is_read(content: object) -> None:
    raw = json.dumps(content, ensure_ascii=False).encode("utf-8", "surrogatepass")
    assert unpack(base64.b64encode(zlib.compress(raw)).decode("ascii")) == content


def test_half_a_character_comes_back() -> None:
    assert unpack(pack(["\ud800 x"])) == ["\ud800 x"]


@given(st.binary(max_size=300))
def test_text_is_the_base_85_of_rfc_1924(data: bytes) -> None:
    text = to_text(data)
    assert text == base64.b85encode(data).decode("ascii")
    assert from_text(text) == data
    assert len(json.dumps(text)) == len(text) + 2  # nothing in it is escaped


@pytest.mark.parametrize("text", ["~~~~~", "a b", '"aaaa'])
def test_what_is_not_base_85_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="base 85"):
        from_text(text)


def test_the_dictionary_stays_as_it_is() -> None:
    """What was packed with it can be read with no other: a new dictionary needs a new mark beside the old one."""
    assert (len(packing._dictionary()), zlib.crc32(packing._dictionary())) == (5616, 3207000692)


def test_a_page_of_english_takes_less() -> None:
    text = (
        "Total revenues increased by 12% compared with the previous fiscal year, primarily because of higher sales "
        "of products and services in the United States and Europe. Operating expenses were lower."
    )
    assert len(pack([[0, [1000, 900, 9000, 1200], text]])) < 0.75 * len(zlib.compress(text.encode(), 9)) * 5 / 4
