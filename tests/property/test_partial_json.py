"""Sentences are read out of JSON as it comes: however the stream is cut, the same text, and that of the whole."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ragsys.replying.drafts import TextFilter
from ragsys.replying.partial import SentenceReader

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30) | st.sampled_from(
    ['say "no"', "a\\b", "\u2028", "😀 up", "tab\there", "{}[],:", '"text": "x"', "\\u0041"]
)
CITE = st.fixed_dictionaries({"block": TEXT, "quote": TEXT})
OTHER = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
SENTENCE = st.fixed_dictionaries({"text": TEXT, "cites": st.lists(CITE, max_size=2)}, optional={"more": OTHER})
ANSWER = st.fixed_dictionaries(
    {"status": TEXT, "sentences": st.lists(SENTENCE, max_size=4), "missing": TEXT}, optional={"x": OTHER}
)


def read(text: str, cuts: list[int]) -> tuple[str, list[str]]:
    """What is shown of a text that comes in pieces, and the objects of its sentences."""
    shown: list[str] = []
    reader = SentenceReader(shown.append)
    places = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
    for start, end in pairwise(places):
        reader.feed(text[start:end])
    return "".join(shown), reader.whole


@given(ANSWER, st.lists(st.integers(0, 400), max_size=12), st.booleans(), st.sampled_from([None, 1]))
def test_every_split_gives_the_text_of_the_sentences(
    answer: dict[str, Any], cuts: list[int], ascii_only: bool, indent: int | None
) -> None:
    text = json.dumps(answer, ensure_ascii=ascii_only, indent=indent)
    shown, whole = read(text, cuts)
    assert shown == " ".join(one["text"] for one in answer["sentences"])
    assert [json.loads(one) for one in whole] == answer["sentences"]


@given(st.text(alphabet='{}[]",:\\utex sn1-', max_size=60), st.lists(st.integers(0, 60), max_size=8))
def test_what_is_no_json_gives_the_same_in_every_split(text: str, cuts: list[int]) -> None:
    text = '{"sentences": [{"text": "' + text
    assert read(text, cuts) == read(text, [])


@given(ANSWER, st.integers(0, 300))
def test_a_reply_that_is_cut_off_has_shown_a_beginning(answer: dict[str, Any], end: int) -> None:
    text = json.dumps(answer)
    shown, whole = read(text[:end], [])
    assert read(text, [])[0].startswith(shown)
    assert [json.loads(one) for one in whole] == answer["sentences"][: len(whole)]


@given(st.text(alphabet='ab [1.2]3"{`\n', max_size=50), st.integers(1, 5))
def test_streamed_text_of_either_form_does_not_depend_on_its_pieces(text: str, size: int) -> None:
    found = []
    for step in (max(1, len(text)), size):
        shown: list[str] = []
        stream = TextFilter(shown.append)
        for at in range(0, len(text), step):
            stream.feed(text[at : at + step])
        stream.end()
        found.append("".join(shown))
    assert found[0] == found[1]


def test_half_of_a_pair_and_deep_nesting_end_nothing() -> None:
    assert read('{"sentences":[{"text":"a\\ud83d\\ude00b\\ud83dc"}]}', [])[0] == "a😀b\ud83dc"
    deep = '{"x":' + "[" * 100_000
    assert read(deep, [])[0] == ""
    assert read('```json\n{"sentences": [{"text": "Yes."}]}\n```', [3, 9])[0] == "Yes."
