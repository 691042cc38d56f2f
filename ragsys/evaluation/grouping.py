"""Groups of a suite's questions: by source, modality of the evidence, type of answer, gold pages, document."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from ragsys.evaluation.records import Question

_NONE = "not stated"
_MANY = 3  # gold pages and more are one group


_STATED = ("source", "modality", "answer type")  # of these a benchmark may say nothing for some questions


def groups_of(questions: Sequence[Question], documents: Sequence[str]) -> dict[str, dict[str, list[int]]]:
    """{by: {group: positions of its questions}}; a kind of group that all questions share or none states is left out.

    `documents` is one label a question, see `statistics.clusters`. A question may be in several groups of a kind; of
    source, modality and type of answer, those that state none are a group of their own.
    """
    kinds: Mapping[str, Callable[[int], Iterable[str]]] = {
        "source": lambda n: filter(None, [questions[n].get("source", "")]),
        "modality": lambda n: dict.fromkeys(questions[n].get("evidence_modality", ())),
        "answer type": lambda n: filter(None, [questions[n].get("answer_type", "")]),
        "gold pages": lambda n: _gold(questions[n]),
        "document": lambda n: [documents[n]] if documents[n] != questions[n]["id"] else [],
    }
    found: dict[str, dict[str, list[int]]] = {}
    for kind, of in kinds.items():
        parts: dict[str, list[int]] = {}
        for n in range(len(questions)):
            for group in of(n):
                parts.setdefault(group, []).append(n)
        stated = {n for members in parts.values() for n in members}
        if kind in _STATED and parts and len(stated) < len(questions):
            parts[_NONE] = [*parts.get(_NONE, ()), *(n for n in range(len(questions)) if n not in stated)]
        if len(parts) > 1:
            found[kind] = {name: parts[name] for name in sorted(parts, key=lambda name: (name == _NONE, name))}
    return found


def _gold(question: Question) -> list[str]:
    if "gold_pages" not in question:
        return []
    pages = len({(page["doc"], page["page"]) for page in question["gold_pages"] if page.get("grade", 1.0) > 0})
    return [str(pages) if pages < _MANY else f"{_MANY} or more"]
