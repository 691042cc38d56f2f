"""What is said to a language model: pages as data with block ids, what came before, and the question last.

The order is made for servers that keep the beginning of a prompt: instructions, pages, history, values, question. Two
questions over the same pages share everything up to the first word that differs.

What comes from outside is data. It stands between delimiters that begin with `<`, and can hold none: a `<` that could
begin one, a bracketed id such as [3.7], and the tokens that chat templates are made of are written with other
characters there; every further line of a block is indented; what no reader of the page could see is left out.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from ragsys.actions import Turn, View
from ragsys.protocols import Message
from ragsys.types import Block, BlockKind, Evidence

# what could begin a delimiter or a template's token, in any of the characters that look like it; a run is looked at
# once, from its beginning: a page of thousands must not take the square of their number
_TAG = re.compile(r"(?<![<＜﹤])[<＜﹤]++(?=\s*+(?:[/|!?_]+\s*+)?[^\W\d])|[<＜﹤](?=[/|!?])")
_ID = re.compile(r"[\[［【](\s*(?:/?[A-Z]{2,}|\d+\s*[.．]\s*\d+[^\[\]［］【】\n]{0,300}|\d{1,3})\s*)[\]］】]")
_UNSEEN = re.compile(
    r"[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    r"\ud800-\udfff\U000e0000-\U000e007f]"
)


def conversation(
    prompt: str,
    question: str,
    evidence: Sequence[Evidence],
    *,
    texts: Sequence[str] | None = None,
    pictures: Mapping[int, Any] | None = None,
    montage: Any = None,
    history: Sequence[Turn] = (),
    values: Mapping[str, str] | None = None,
    question_images: Sequence[Any] = (),
) -> tuple[Message, ...]:
    """The instructions as the system's message, the pages and the question as the user's.

    `texts` are what `page_text` made of each page (else each is told whole), `pictures` {evidence number: image} follow
    the text of their page, `montage` is one image of all pages.
    """
    told = texts if texts is not None else [page_text(one) for one in evidence]
    parts: list[Any] = []
    for one, text in zip(evidence, told, strict=True):
        if parts and isinstance(parts[-1], str):
            parts[-1] += f"\n\n{text}"
        else:
            parts.append(text)
        if pictures and one.number in pictures:
            parts.append(pictures[one.number])
    parts += [montage] if montage is not None else []
    parts += [f"<earlier>\nAsked: {data(turn.question)}\nAnswered: {data(turn.answer)}\n</earlier>" for turn in history]
    parts += [f"<note>\n{name}: {data(text)}\n</note>" for name, text in (values or {}).items()]
    parts += question_images
    parts.append(f"Question: {_TOKEN.sub('‹|', _UNSEEN.sub('', question)).strip()}")
    return Message("system", (prompt.strip(),)), Message("user", tuple(parts))


_TOKEN = re.compile(r"<\s*\|")  # of a chat template: no question needs one


def pages_text(evidence: Sequence[Evidence]) -> str:
    """The pages with their block ids, each whole."""
    return "\n\n".join(page_text(one) for one in evidence)


def page_text(one: Evidence, only: Collection[int] | None = None, limit: int | None = None) -> str:
    """A page as text. `only` are the blocks that are told, `limit` the characters of their text altogether.

    What is over the limit is left out from the end; a block that is cut ends in an ellipsis.
    """
    head = f'<page number="{one.number}" file="{_attribute(one.path)}" page="{one.page.number}">'
    blocks = [block for block in told(one) if only is None or block.ordinal in only]
    room = limit
    lines = []
    for block in blocks:
        text = data(block.text)
        if room is not None:
            if len(text) > room:
                text = text[: room - 2].rstrip() + " …" if room >= 40 else ""
            room = max(0, room - len(text))
        if text.strip():
            lines.append(f"[{one.number}.{block.ordinal}] {text.strip()}")
    return "\n".join([head, *lines, "</page>"])


def told(one: Evidence) -> list[Block]:
    """The blocks of a page that are told: all but running headers and footers."""
    return [block for block in one.page.blocks if block.kind not in (BlockKind.HEADER, BlockKind.FOOTER)]


def data(text: str) -> str:
    """Text from outside as it stands in a prompt: it can neither close nor open what it stands in, nor pose as a block.

    Only its first line begins at the margin.
    """
    if not text.replace("\n", " ").isprintable():  # cheap, and mostly so
        text = _UNSEEN.sub("", text)
    if any(mark in text for mark in "<＜﹤"):
        text = _TAG.sub(lambda match: "‹" * len(match.group()), text)
    if any(mark in text for mark in "[［【"):
        text = _ID.sub(r"(\1)", text)
    return "\n    ".join(line.rstrip() for line in text.splitlines() if line.strip())


def _attribute(text: str) -> str:
    return re.sub(r"\s+", " ", data(text)).replace('"', "'").replace(">", "›")


def wants_images(view: View, reads_images: bool) -> bool:
    """Whether page images go with the text."""
    return reads_images and view != "text"
