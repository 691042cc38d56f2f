"""Messages between processes."""

from __future__ import annotations

import io

import pytest

from ragsys import frames


def test_messages_come_back_in_order() -> None:
    stream = io.BytesIO()
    frames.write(stream, {"type": "a", "text": "ü\ud800"}, b"\x00\x01")
    frames.write(stream, {"type": "b"})
    stream.seek(0)
    assert frames.read(stream) == ({"type": "a", "text": "ü\ud800"}, b"\x00\x01")
    assert frames.read(stream) == ({"type": "b"}, b"")
    assert frames.read(stream) is None


@pytest.mark.parametrize("cut", [3, 9, -1])
def test_a_message_cut_short_is_an_error(cut: int) -> None:
    stream = io.BytesIO()
    frames.write(stream, {"type": "a"}, b"12345")
    with pytest.raises(ValueError, match="cut short"):
        frames.read(io.BytesIO(stream.getvalue()[:cut]))


def test_a_message_over_the_limit_is_refused_before_it_is_read() -> None:
    with pytest.raises(ValueError, match="over the limit"):
        frames.read(io.BytesIO(b"\xff\xff\xff\xff\x00\x00\x00\x00"))


def test_a_header_must_be_an_object() -> None:
    with pytest.raises(ValueError, match="JSON object"):
        frames.read(io.BytesIO(b"\x02\x00\x00\x00\x00\x00\x00\x00[]"))
