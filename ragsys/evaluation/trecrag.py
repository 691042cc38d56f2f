"""Answers in the form of the TREC RAG track (2024, which Ragnarök writes too, and 2025): one JSON object a topic.

Limits of the track: 400 words, counted by blanks after NFKC normalisation; 20 references in 2024, 100 in 2025. An
answer that is too long loses whole sentences at its end. References are the cited pages in the order of their first
citation; what is not cited is not listed. `notes` says how much of a run's answers these forms do not hold.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ragsys.evaluation.records import Outcome, Question
from ragsys.sentences import split

WORDS = 400
REFERENCES = 20
REFERENCES_2025 = 100
TEAM = "ragsys"
Named = Callable[[str, int], str]


def is_topics(questions: Sequence[Question]) -> bool:
    """Whether this is a suite of topics: not one of its questions has a gold answer."""
    return bool(questions) and not any("answer" in question or "answers" in question for question in questions)


def record(question: Question, outcome: Outcome, run: str, *, name: Named | None = None) -> dict[str, Any]:
    """The form of 2024: `run_id topic_id topic references response_length answer[{text, citations}]`.

    `name(doc, page)` gives a reference's id; left out, it is `trec.docid`. Citations are places in `references`.
    """
    references, answer, length = _answer(outcome, REFERENCES, name)
    return {
        "run_id": run,
        "topic_id": question["id"],
        "topic": question["question"],
        "references": references,
        "response_length": length,
        "answer": answer,
    }


def record_2025(
    question: Question, outcome: Outcome, run: str, *, team: str = TEAM, name: Named | None = None
) -> dict[str, Any]:
    """The form of 2025 (its first): `metadata{team_id run_id type narrative_id narrative} references answer`."""
    references, answer, _ = _answer(outcome, REFERENCES_2025, name)
    return {
        "metadata": {
            "team_id": team,
            "run_id": run,
            "type": "automatic",
            "narrative_id": question["id"],
            "narrative": question["question"],
        },
        "references": references,
        "answer": answer,
    }


def notes(outcomes: Mapping[str, Sequence[Outcome]]) -> list[str]:
    """What the records of each configuration do not hold; nothing of one that answered nothing."""
    said = []
    for config, found in outcomes.items():
        unanswered = cut = more = lost = 0
        for outcome in found:
            _, cited, length, without = _cited(outcome)
            unanswered += not outcome["answer"]
            cut += words(outcome["answer"] or "") > length
            more += max(0, len(_listed(cited)) - REFERENCES)
            lost += without
        told = {
            "topics without an answer": unanswered,
            f"answers longer than {WORDS} words, in part": cut,
            f"references beyond {REFERENCES} (2024)": more,
            "citations whose quotes share no word with a sentence of their answer": lost,
        }
        parts = [f"{count:,} {what}" for what, count in told.items() if count]
        if parts and unanswered < len(found):
            said.append(f"{config}: left out of the files for the TREC RAG track: {'; '.join(parts)}")
    return said


def line(record: dict[str, Any]) -> str:
    """A record as one line of JSON that any UTF-8 reader takes."""
    return json.dumps(record, ensure_ascii=False).encode("utf-8", "replace").decode("utf-8")


def words(text: str) -> int:
    """How many words the track counts."""
    return len(unicodedata.normalize("NFKC", text).split())


def trimmed(text: str, limit: int = WORDS) -> tuple[list[str], int]:
    """(the first sentences that together stay within the limit, their words)."""
    kept: list[str] = []
    total = 0
    for stretch in split(text):
        sentence = " ".join(text[stretch.start : stretch.end].split())
        if total + words(sentence) > limit:
            break
        total += words(sentence)
        kept.append(sentence)
    return kept, total


def _answer(outcome: Outcome, most: int, name: Named | None) -> tuple[list[str], list[dict[str, Any]], int]:
    sentences, cited, length, _ = _cited(outcome, name)
    references = _listed(cited)[:most]
    at = {label: n for n, label in enumerate(references)}
    answer = [
        {"text": sentence, "citations": [at[label] for label in labels if label in at]}
        for sentence, labels in zip(sentences, cited, strict=True)
    ]
    return references, answer, length


def _cited(outcome: Outcome, name: Named | None = None) -> tuple[list[str], list[list[str]], int, int]:
    """(sentences within the limit, the references of each, words of all, citations that have no sentence)."""
    from ragsys.evaluation.trec import docid

    sentences, length = trimmed(outcome["answer"] or "")
    cited: list[list[str]] = [[] for _ in sentences]
    bags = [_bag(sentence) for sentence in sentences]
    lost = 0
    for citation in outcome["citations"]:
        place = _sentence_of(citation["quote"], bags)
        label = (name or docid)(citation["doc"], citation["page"])
        lost += place is None
        if place is not None and label not in cited[place]:
            cited[place].append(label)
    return sentences, cited, length, lost


def _listed(cited: Sequence[Sequence[str]]) -> list[str]:
    return list(dict.fromkeys(label for labels in cited for label in labels))


def _sentence_of(quote: str, bags: Sequence[set[str]]) -> int | None:
    """The sentence that a quote speaks for: an outcome keeps no marks, so it is the one that shares most words with it.

    With a single sentence it is that one; a quote that shares no word with any of several is given to none.
    """
    if len(bags) < 2:
        return 0 if bags else None
    said = _bag(quote)
    shared = [len(said & bag) / (len(bag) or 1) for bag in bags]
    best = max(shared)
    return shared.index(best) if best > 0 else None


def _bag(text: str) -> set[str]:
    return set(re.findall(r"\w+", unicodedata.normalize("NFKC", text).casefold()))
