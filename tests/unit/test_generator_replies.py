"""JSON as models write it is read where it can be read in one way only, and never otherwise."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ragsys_generate import lenient
from ragsys_generate.replies import checked, parsed, spoken, thought
from readers import SCHEMA, asking

from ragsys.errors import GenerationError, RequestTooLarge
from ragsys.protocols import Message, Reply, Request
from ragsys.types import JSON, Usage

PUMP = {"name": "pump", "value": 3}
READABLE = {
    "plain": '{"name": "pump", "value": 3}',
    "fenced": '```json\n{"name": "pump", "value": 3}\n```',
    "fenced among words": 'Here it is:\n```\n{"name": "pump", "value": 3}\n```\nI hope this helps {you}!',
    "a fence that was not closed": '```json\n{"name": "pump", "value": 3}',
    "among words": 'Sure! {"name": "pump", "value": 3} is the answer.',
    "after thoughts": '<think>{"name": "x", "value": 1}?</think>\n{"name": "pump", "value": 3}',
    "comma at the end": '{"name": "pump", "value": 3,}',
    "single quotes": "{'name': 'pump', 'value': 3}",
    "bare keys": '{name: "pump", value: 3}',
    "comments": '{"name": "pump", // the thing\n "value": 3 /* of them */}',
    "no comma between lines": '{"name": "pump"\n "value": 3}',
    "no end": '{"value": 3, "name": "pump"\n',
    "said twice": '{"name": "pump", "value": 3}\n{"name": "pump", "value": 3}',
    "an example that does not fit": 'Like {"name": "..."}: {"name": "pump", "value": 3}',
    "a byte order mark": '\ufeff{"name": "pump", "value": 3}',
}


@pytest.mark.parametrize("text", READABLE.values(), ids=READABLE.keys())
def test_what_can_be_read_in_one_way_is_read(text: str) -> None:
    assert parsed(text, SCHEMA) == PUMP


UNREADABLE = {
    "nothing": "",
    "white space": " \n ",
    "words": "It is a pump.",
    "thoughts": '<think>{"name": "pump", "value": 3}',
    "two that differ": '{"name": "pump", "value": 3} or {"name": "pump", "value": 4}',
    "a key with two values": '{"name": "pump", "value": 3, "value": 4}',
    "a number that may go on": '{"name": "pump", "value": 3',
    "a text that may go on": '{"value": 3, "name": "pump',
    "a number with a unit": '{"name": "pump", "value": 3kg}',
    "a sum": '{"name": "pump", "value": 1+2}',
    "a comma as decimal point": '{"name": "pump", "value": 3,5}',
    "the wrong type": '{"name": "pump", "value": "three"}',
    "a key too many": '{"name": "pump", "value": 3, "unit": "kg"}',
    "no number": '{"name": "pump", "value": NaN}',
    "too deep": "[" * 100_000,
    "deep and closed": "[" * 5000 + "]" * 5000,
    "a null byte": "\x00",
    "the list of it": '[{"name": "pump", "value": 3}]',
}


@pytest.mark.parametrize("text", UNREADABLE.values(), ids=UNREADABLE.keys())
def test_what_cannot_be_read_in_one_way_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parsed(text, SCHEMA)


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ('{"a": "it says "no" twice"}', 'it says "no" twice'),
        ('{"a": "two\nlines"}', "two\nlines"),
        (r'{"a": "\alpha and \$5"}', r"\alpha and \$5"),
        (r'{"a": "\u00e9 \ud83d\ude00 \n"}', "é 😀 \n"),
        (r'{"a": "\ud83d"}', "\ud83d"),
        ("{'a': 'the \"net\" result'}", 'the "net" result'),
        ("{'a': 'don\\'t'}", "don't"),
        ("{'a': None}", None),
        ('{"a": True}', True),
        ('{"a": [1, 2.5, -3e2,]}', [1, 2.5, -300.0]),
    ],
)
def test_values_as_models_write_them(written: str, value: Any) -> None:
    assert parsed(written, {"type": "object", "required": ["a"]}) == {"a": value}


def rows(**more: Any) -> JSON:
    return {"type": "object", "properties": {"rows": {"type": "array", "items": SCHEMA, **more}}, "required": ["rows"]}


@pytest.mark.parametrize(
    ("cut", "whole"),
    [
        ('{"rows": [{"name": "a", "value": 1}, {"name": "b", "value": 2', 1),
        ('{"rows": [{"name": "a", "value": 1}, {"name": "b", "value": 2}', 2),
        ('{"rows": [{"name": "a", "value": 1}, {"name": "b", "value": 2}]', 2),
        ('{"rows": [{"name": "a", "value": 1}, {"na', 1),
        ('{"rows": [{"name": "a", "value": 1},', 1),
        ('{"rows": [', 0),
        ('{"rows": [{"na', 0),
    ],
)
def test_of_a_reply_that_was_cut_off_stays_what_was_whole(cut: str, whole: int) -> None:
    assert parsed(cut, rows()) == {"rows": [{"name": "a", "value": 1}, {"name": "b", "value": 2}][:whole]}
    with pytest.raises(ValueError, match="rows"):
        parsed(cut, rows(minItems=3))


def test_the_problem_is_told_with_its_place() -> None:
    with pytest.raises(ValueError, match=r"rows\[1\]\.value: 'x' is not of type 'integer'"):
        parsed('{"rows": [{"name": "a", "value": 1}, {"name": "b", "value": "x"}]}', rows())


def test_schemas_may_refer_to_their_own_parts_and_to_nothing_outside() -> None:
    schema = {"$defs": {"row": SCHEMA}, "type": "array", "items": {"$ref": "#/$defs/row"}}
    assert parsed(json.dumps([PUMP]), schema) == [PUMP]
    with pytest.raises(GenerationError, match="refers to"):
        parsed("[1]", {"items": {"$ref": "http://localhost:1/schema.json"}})


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(st.text(), VALUES, max_size=4), st.booleans())
def test_json_is_read_as_what_it_is(value: Any, indented: bool) -> None:
    text = json.dumps(value, ensure_ascii=not indented, indent=2 if indented else None)
    assert lenient.read(text).value == value


@given(st.dictionaries(st.text(), VALUES, max_size=4), st.data())
def test_every_beginning_of_json_is_read_or_refused_and_adds_nothing(value: Any, data: st.DataObject) -> None:
    text = json.dumps(value)
    cut = text[: data.draw(st.integers(1, len(text)))]
    assert part_of(lenient.read(cut).value, value)


def part_of(part: Any, whole: Any) -> bool:
    """Whether a value holds nothing that the other does not."""
    if isinstance(part, dict) and isinstance(whole, dict):
        return all(key in whole and part_of(item, whole[key]) for key, item in part.items())
    if isinstance(part, list) and isinstance(whole, list):
        return len(part) <= len(whole) and all(part_of(a, b) for a, b in zip(part, whole, strict=False))
    return bool(part == whole)


@given(st.text(alphabet=st.sampled_from("{}[]\"':,\\ \n`ab1-.<>/think"), max_size=60))
def test_anything_ends_in_a_value_that_fits_or_in_a_refusal(text: str) -> None:
    try:
        found = parsed(text, rows())
    except ValueError:
        return
    jsonschema.validate(found, rows())


def test_long_replies_are_read_in_time() -> None:
    for text in ('{"a": "' * 20_000, '"' * 100_000, "{'a':[" * 20_000, "```\n" * 20_000, '{"a": "b" "' * 10_000):
        with pytest.raises(ValueError, match=r"."):
            parsed(text, SCHEMA)


# -- thoughts ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a", "a"),
        ("<think>x</think>a", "a"),
        (" <thinking>\nx <b>\n</thinking>\n\n a", "a"),
        ("<think>x", ""),
        ("x\n</think>\n\na", "a"),
        ("the page says </think> here", "the page says </think> here"),
        ("a <think>b</think>", "a <think>b</think>"),
    ],
)
def test_thoughts_are_what_stands_before_the_reply(text: str, said: str) -> None:
    assert spoken(text) == said
    assert text[thought(text) :] == said


# -- asked again -------------------------------------------------------------------------------------------------------


class Model:
    """Gives the replies it was made with; keeps what it was asked."""

    def __init__(self, *replies: Reply | Exception) -> None:
        self.replies = list(replies)
        self.asked: list[Request] = []

    def __call__(self, request: Request) -> Reply:
        self.asked.append(request)
        reply = self.replies.pop(0)
        if isinstance(reply, Exception):
            raise reply
        return reply


def said(text: str, **fields: Any) -> Reply:
    return Reply(text, None, Usage(1, 10, 5), **fields)


def test_a_reply_that_fits_is_not_asked_for_again() -> None:
    model = Model()
    assert checked(asking(schema=SCHEMA), said(json.dumps(PUMP)), model).data == PUMP
    assert checked(asking(), said("It is a pump."), model).data is None
    assert not model.asked


def test_the_model_is_told_what_was_wrong_and_shown_the_schema() -> None:
    model = Model(said(json.dumps(PUMP)))
    request = asking("the question", schema=SCHEMA, deadline=9.0)
    reply = checked(request, said("pump" * 5000), model)
    assert (reply.data, reply.usage) == (PUMP, Usage(2, 20, 10))
    again = model.asked[0]
    assert again.messages[:2] == request.messages
    assert again.messages[2] == Message("assistant", (("pump" * 5000)[:4000],))
    assert "not JSON" in str(again.messages[3].parts[0])
    assert json.dumps(SCHEMA) in str(again.messages[3].parts[0])
    assert again.deadline is not None
    assert again.deadline <= 9.0


@pytest.mark.parametrize("second", [said("no"), said(""), RequestTooLarge("too long", what="tokens")])
def test_it_is_asked_again_only_once(second: Reply | Exception) -> None:
    model = Model(second, said(json.dumps(PUMP)))
    with pytest.raises(GenerationError, match="cannot be used") as caught:
        checked(asking(schema=SCHEMA), said("no"), model)
    assert not isinstance(caught.value, RequestTooLarge)  # the question was not too large, the repetition was
    assert len(model.asked) == 1
    assert caught.value.usage == (Usage(2, 20, 10) if isinstance(second, Reply) else Usage(1, 10, 5))


def test_a_call_that_was_given_up_is_not_asked_again() -> None:
    model = Model()
    assert checked(asking(schema=SCHEMA), said("", finish="cancelled"), model).finish == "cancelled"
    assert not model.asked


def test_text_that_was_shown_stays() -> None:
    shown = checked(asking(schema=SCHEMA), said("no"), Model(said(json.dumps(PUMP))), streamed=True)
    assert (shown.text, shown.data) == ("no", PUMP)
