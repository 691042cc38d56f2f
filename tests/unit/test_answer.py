"""The way out as a whole, on a small library: events, answers, budgets, errors, saved files."""

from __future__ import annotations

import base64
import io
import json
import re
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from ragsys_agents.options import SingleOptions
from ragsys_agents.single import Picks, single
from ragsys_generate.extractive import Extractive
from ragsys_generate.options import ExtractiveOptions

from ragsys.actions import Kit, Look, Search, Task, Write
from ragsys.answer import answer, budget_of, marked, stream
from ragsys.answers import Answer, Citation, Statement
from ragsys.config import Budget
from ragsys.errors import ActionFailed, GenerationError, UsageError
from ragsys.protocols import Context, Reply
from ragsys.saved import save, to_html, to_markdown
from ragsys.steps import replay
from ragsys.testing.agents import MemoryHost, check_agent, drive, page_of
from ragsys.testing.generators import ScriptedGenerator
from ragsys.trace import TraceFolder
from ragsys.types import BlockKind, Draft, Hit, Level, Sentence, Span, Usage

PAGES = {
    ("acme", 1): page_of("The plant in Graz opened in 1987 and employs 450 people.", "It makes pumps."),
    ("acme", 2): page_of((BlockKind.TABLE, "|  | 2018 | 2017 |\n| Net sales | 5,363 | 4,869 |")),
    ("borg", 1): page_of("Change the oil of the gearbox after 500 hours."),
}
SINGLE = partial(single, options=SingleOptions())
HIT = Hit(Span("acme", 1, 1), 1, 2.0)


def host_of(tmp_path: Path, generator: Any = None, pages: Any = None, agent: Any = SINGLE) -> MemoryHost:
    """A library whose configured agent is `single`."""
    generator = generator or Extractive(ExtractiveOptions(), Context(tmp_path, tmp_path, "f"))
    return MemoryHost(tmp_path, pages or PAGES, generator, agents={"single": agent})


def test_a_question_is_answered_with_proved_citations(tmp_path: Path) -> None:
    made = answer(host_of(tmp_path), "When did the plant in Graz open?")
    assert made.status == "answered"
    assert made.text == "The plant in Graz opened in 1987 and employs 450 people [1]."
    assert made.unsupported == ()
    assert made.citations[0].level is Level.SUPPORTED
    assert made.citations[0].path == "acme.pdf"
    assert "[1] acme.pdf p.1 (supported)" in str(made)
    assert any("no language model" in note for note in made.notes)
    assert made.usage.calls == 0
    assert 0 < made.usage.seconds < 10
    assert made.confidence is not None
    assert 0.5 < made.confidence <= 1
    assert answer(host_of(tmp_path), "Who invented the telephone in Boston?").confidence < made.confidence  # type: ignore[operator]
    data = json.loads(json.dumps(made.to_json()))
    assert data["citations"][0]["bboxes"][0] == [round(v, 5) for v in made.citations[0].bboxes[0]]
    assert set(data) == {
        "question", "text", "status", "sentences", "citations", "unsupported", "evidence", "usage", "coverage", "notes",
        "trace", "config", "generator", "confidence",
    }  # fmt: skip


def test_a_citation_draws_its_page(tmp_path: Path) -> None:
    made = answer(host_of(tmp_path), "When did the plant in Graz open?")
    citation = made.citations[0]
    whole, part = citation.picture(72), citation.picture(72, crop=True)
    assert whole.size == (595, 842)
    assert part.width == 595
    assert part.height < 400
    x0, y0, x1, y1 = citation.bboxes[0].scaled(*whole.size)
    assert whole.getpixel((int((x0 + x1) / 2), int((y0 + y1) / 2))) != (255, 255, 255)
    assert whole.getpixel((2, 2)) == (255, 255, 255)


def test_events_come_in_order_and_the_last_is_the_answer(tmp_path: Path) -> None:
    events = list(stream(host_of(tmp_path), "When did the plant in Graz open?"))
    kinds = [event.kind for event in events]
    assert kinds[0] == "step"
    assert kinds[-1] == "answer"
    assert "text" in kinds
    assert kinds[-2] == "revised"
    assert isinstance(events[-1].data, Answer)


def test_nothing_found_is_abstained_not_made_up(tmp_path: Path) -> None:
    made = answer(host_of(tmp_path), "melting tungsten")
    assert made.status == "abstained"
    assert made.citations == ()
    assert "do not answer" in made.text
    assert "no page was found for this question" in made.notes


def test_a_models_false_sentence_is_listed(tmp_path: Path) -> None:
    generator = ScriptedGenerator(['It employs 540 people [1.0 "employs 450 people"]. It opened in 1987 [1.0].'])
    made = answer(host_of(tmp_path, generator), "plant in Graz")
    assert made.text == "It employs 540 people [1]. It opened in 1987 [2]."
    assert [one.text for one in made.unsupported] == ["It employs 540 people."]
    assert any("1 of 2 sentences" in note for note in made.notes)
    assert made.usage.calls == 1


def test_a_model_that_finds_nothing_abstains(tmp_path: Path) -> None:
    made = answer(host_of(tmp_path, ScriptedGenerator(["NOT FOUND: the year is missing"])), "plant in Graz")
    assert made.status == "abstained"
    assert "the year is missing" in made.notes


def test_the_trace_is_kept_and_replays(tmp_path: Path) -> None:
    made = answer(host_of(tmp_path), "When did the plant in Graz open?")
    trace = TraceFolder(tmp_path / "traces").load(made.trace)
    assert trace.header["question"] == "When did the plant in Graz open?"
    assert trace.end["status"] == "answered"
    kit = Kit(**trace.header["kit"])
    draft = replay(trace, SINGLE, task=Task(trace.header["question"]), kit=kit)
    assert draft is not None
    assert draft.sentences[0].text == made.sentences[0].text


def test_an_action_that_fails_is_the_users_error(tmp_path: Path) -> None:
    with pytest.raises(GenerationError, match="down"):
        answer(host_of(tmp_path, ScriptedGenerator([GenerationError("the server is down")])), "plant in Graz")
    assert TraceFolder(tmp_path / "traces").load("last").end["status"] == "failed"


def test_a_deadline_gives_a_partial_answer_that_says_so(tmp_path: Path) -> None:
    made = answer(host_of(tmp_path, ScriptedGenerator(["late"], delay=2)), "plant in Graz", budget={"seconds": 0.3})
    assert made.status == "partial"
    assert "budget ended" in made.text
    assert any("budget" in note for note in made.notes)


def test_leaving_a_stream_early_ends_its_work(tmp_path: Path) -> None:
    generator = ScriptedGenerator(["late " * 50], delay=0.05)
    events = stream(host_of(tmp_path, generator), "plant in Graz")
    for event in events:
        if event.kind == "text":
            break
    events.close()  # type: ignore[attr-defined]
    assert len(generator.requests) == 1


def test_a_budget_is_checked() -> None:
    assert budget_of(Budget(), {"seconds": 3}).seconds == 3
    for wrong in ({"second": 3}, {"seconds": 0}, {"calls": -1}):
        with pytest.raises(UsageError, match="budget"):
            budget_of(Budget(), wrong)


def test_single_keeps_the_law_of_agents() -> None:
    draft = Draft((Sentence("x"),))
    assert check_agent(SINGLE, Task("q"), [[HIT], None, draft]) == draft
    empty = check_agent(SINGLE, Task("q"), [[]])
    assert empty is not None
    assert empty.status == "abstained"


def test_single_looks_where_it_is_told_to_and_the_generator_reads() -> None:
    looking = partial(single, options=SingleOptions(look=True, pages=2))
    other = Hit(Span("b", 2, 2), 2, 1.0)
    actions, _ = drive(looking, Task("q"), [[HIT, other], None, Picks(pages=[2, 9]), Draft(())])
    assert [type(action) for action in actions[:1]] == [Search]
    assert isinstance(actions[2], Look)
    assert actions[3] == Write((other,))
    actions, _ = drive(looking, Task("q"), [[HIT, other], None, ActionFailed("look", ValueError("x")), Draft(())])
    assert actions[3] == Write((HIT, other))
    actions, _ = drive(looking, Task("q"), [[HIT, other], None, Draft(())], kit=Kit(reads_prompts=False))
    assert actions[2] == Write((HIT, other))


def test_marks_stand_before_the_full_stop() -> None:
    one = Statement("It is so.", (1, 2), Level.SUPPORTED)
    other = Statement("Row: 5", (3,), Level.SUPPORTED)
    assert marked((one, other, Statement("Is it?", (), Level.NONE))) == "It is so [1][2]. Row: 5 [3]. Is it?"


HOSTILE = '</blockquote><script>alert(1)</script><img src="http://evil/x.png" onerror=alert(2)>'


def test_saved_html_stands_alone_and_hostile_text_stays_text(tmp_path: Path) -> None:
    pages = {(f"x{HOSTILE[:9]}", 1): page_of(f"The plant {HOSTILE} opened in 1987.")}
    made = answer(host_of(tmp_path, pages=pages), f"When did the plant open? {HOSTILE}")
    assert made.citations
    text = save(made, tmp_path / "answer.html").read_text(encoding="utf-8")
    assert "<script" not in text
    assert '<img src="http' not in text
    assert "default-src 'none'" in text
    # its own pictures, its own anchors and the files of the documents, by their names in percent-encoding
    assert not re.findall(r'(?:src|href)="(?!data:image/jpeg;base64,|#c\d|[\w./%-]+#page=\d+")', text)
    found = re.findall(r"data:image/jpeg;base64,([A-Za-z0-9+/=]+)", text)
    assert len(found) == len(made.citations)
    assert Image.open(io.BytesIO(base64.b64decode(found[0]))).width > 300


def test_saved_markdown_stands_alone(tmp_path: Path) -> None:
    made = answer(host_of(tmp_path), "When did the plant in Graz open?")
    text = save(made, tmp_path / "deep" / "answer.md").read_text(encoding="utf-8")
    assert "1987" in text
    assert "\\[1\\]" in text
    assert "data:image/jpeg;base64," in text
    pages = {("x", 1): page_of(f"The plant [link](http://evil) {HOSTILE} opened in 1987.")}
    hostile = to_markdown(answer(host_of(tmp_path, pages=pages), "When did the plant open?"))
    assert "<script" not in hostile.replace("\\<script", "")
    assert "[link](http" not in hostile


def test_an_answer_is_saved_as_html_or_markdown_only(tmp_path: Path) -> None:
    made = Answer("q", "t", (), (), "abstained")
    with pytest.raises(UsageError, match=r"\.html or \.md"):
        save(made, tmp_path / "answer.pdf")
    assert "abstained" in to_html(made)


def test_a_saved_answer_says_which_files_are_gone(tmp_path: Path) -> None:
    made = answer(host_of(tmp_path), "When did the plant open?")
    gone = replace(made, citations=tuple(replace(one, gone=True) for one in made.citations))
    for write in (to_html, to_markdown):
        assert "the file is gone" not in write(made)
        assert "the file is gone" in write(gone)


def test_a_citation_from_elsewhere_has_no_picture() -> None:
    citation = Citation(1, 1, "d", "d.pdf", "", 1, (0,), (), "", Level.LOCATED, "p")
    with pytest.raises(ValueError, match="not attached"):
        citation.picture()


def test_a_cut_reply_is_a_partial_answer(tmp_path: Path) -> None:
    reply = Reply("It opened in 1987 [1.0].", None, Usage(1, 10, 10), "length")
    made = answer(host_of(tmp_path, ScriptedGenerator([reply])), "plant in Graz")
    assert made.status == "partial"
