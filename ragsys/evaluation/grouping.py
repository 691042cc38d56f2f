"""Groups of a suite's questions: by source, modality of the evidence, type of answer, gold pages, document."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from ragsys.evaluation.records import Question

_MANY = 3  # gold pages and more are one group


def groups_of(questions: Sequence[Question], documents: Sequence[str]) -> dict[str, dict[str, list[int]]]:
    """{by: {group: positions of its questions}}; a kind of group that all questions share or none states is left out.

    `documents` is one label a question, see `statistics.clusters`. A question may be in several groups of a kind.
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
        if len(parts) > 1:
            found[kind] = {name: parts[name] for name in sorted(parts)}
    return found


def _gold(question: Question) -> list[str]:
    if "gold_pages" not in question:
        return []
    pages = len({(page["doc"], page["page"]) for page in question["gold_pages"] if page.get("grade", 1.0) > 0})
    return [str(pages) if pages < _MANY else f"{_MANY} or more"]
