"""A scored run made by hand: configurations, sources, modalities, undefined scores, errors, hostile texts."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from typing import Any, cast

from PIL import Image, ImageDraw

from ragsys.evaluation.records import (
    Comparison,
    ConfigInfo,
    Estimate,
    MetricInfo,
    Outcome,
    Provenance,
    Question,
    Scored,
)
from ragsys.evaluation.statistics import adjusted, clusters, compare, estimate

HOSTILE = "</script><script>alert(1)</script> <b>|bold|</b> & \"quoted\" 'single' `code` \u202eturned \ud83d"
METRICS = (
    MetricInfo("page_recall@5", "share of the gold pages among the first five"),
    MetricInfo("answer_accuracy", "is the answer right, by rules for its type"),
    MetricInfo("tokens", "tokens of all model calls", higher_is_better=False, bounds=(0.0, math.inf), unit="tokens"),
    MetricInfo("seconds", "seconds of a question", higher_is_better=False, bounds=(0.0, math.inf), unit="s"),
)
#: configuration: (how often the gold page is first, how often it is found, tokens, seconds)
SKILLS = {
    "laptop": (0.5, 0.85, 900.0, 0.4),
    "laptop-lexical": (0.4, 0.7, 850.0, 0.05),
    "guess </script>|": (0.05, 0.3, 0.0, 0.01),
}
SOURCES = ("reports", "papers", HOSTILE)
MODALITIES = ("text", "table", "chart")


def questions(count: int) -> tuple[Question, ...]:
    """Over twelve documents of nine pages; every eighth has no answer, every third two gold pages and a gold box."""
    made: list[Any] = []
    for n in range(count):
        doc = f"folder/document {n % 12}.pdf"
        one: dict[str, Any] = {
            "id": f"q-{n:03d}" if n else HOSTILE,
            "question": f"What does table {n} of the report say about deliveries in the third quarter?"
            if n
            else HOSTILE,
            "source": SOURCES[n % 3],
            "evidence_modality": [MODALITIES[n % 3]],
        }
        if n % 8 == 7:
            one |= {"answer_type": "unanswerable"}
        else:
            pages = [1 + n % 9, 1 + (n + 1) % 9] if n % 3 == 0 else [1 + n % 9]
            one |= {
                "answer": str(100 + n) if n else HOSTILE,
                "answer_type": "int",
                "doc_ids": [doc],
                "gold_pages": [{"doc": doc, "page": page} for page in pages],
            }
            if n % 3 == 0:
                one["gold_boxes"] = [{"doc": doc, "page": pages[0], "bbox": [0.1, 0.3, 0.9, 0.45]}]
        made.append(one)
    return cast(tuple[Question, ...], tuple(made))


def outcome(question: Question, n: int, config: str, chance: random.Random) -> Outcome:
    """What a configuration of that skill gives; some questions end with an error, some are abstained from."""
    first, found, tokens, seconds = SKILLS[config]
    doc = f"folder/document {n % 12}.pdf"
    ranked = [(f"folder/document {d}.pdf", page) for d in range(12) for page in range(1, 10)]
    chance.shuffle(ranked)
    ranked = ranked[:20]
    gold = [(one["doc"], one["page"]) for one in question.get("gold_pages", ())]
    ranked = [place for place in ranked if place not in gold]
    for place in gold:
        luck = chance.random()
        if luck < found:
            ranked.insert(0 if luck < first else chance.randrange(1, 18), place)
    error = "GenerationError: the model did not reply " + HOSTILE if config == "laptop" and n in (0, 9) else None
    lost = error is not None and n == 9
    status = None if error else ("abstained" if chance.random() < 0.15 else "answered")
    right = chance.random() < found * 0.8
    answer = None if error else ("" if status == "abstained" else f"It says {100 + n if right else 7}. {HOSTILE[:9]}")
    return cast(
        Outcome,
        {
            "id": question["id"],
            "config": config,
            "pages": []
            if lost
            else [
                {
                    "doc": place[0],
                    "page": place[1],
                    "score": round(9.5 - 0.4 * rank, 3),
                    "stage_scores": {"lexical": 20.0 - rank, "dense": 0.8 - rank / 50},
                    "boxes": [[0.12, 0.32, 0.88, 0.4], [0.1, 0.6, 0.6, 0.7]],
                }
                for rank, place in enumerate(ranked[:20])
            ],
            "answer": answer,
            "status": status,
            "citations": []
            if error
            else [{"doc": doc, "page": 1 + n % 9, "bbox": [0.1, 0.5, 0.7, 0.55], "quote": "x", "level": "quoted"}],
            "usage": {"calls": 1, "input_tokens": tokens * chance.uniform(0.8, 1.2), "output_tokens": 0, "seconds": 0},
            "seconds": {"total": seconds * chance.uniform(0.5, 3)},
            "error": error,
        },
    )


def scores_of(metric: str, asked: Sequence[Question], given: Sequence[Outcome]) -> tuple[float | None, ...]:
    """The scores of `METRICS`, worked out here and not by the metrics of a plugin."""
    made: list[float | None] = []
    for question, one in zip(asked, given, strict=True):
        gold = {(page["doc"], page["page"]) for page in question.get("gold_pages", ())}
        if metric == "page_recall@5":
            top = {(page["doc"], page["page"]) for page in one["pages"][:5]}
            made.append(len(gold & top) / len(gold) if gold else None)
        elif metric == "answer_accuracy":
            right = question.get("answer", "nothing") in (one["answer"] or "")
            quiet = one["status"] == "abstained"
            made.append(float(quiet if question.get("answer_type") == "unanswerable" else right and not quiet))
        elif metric == "tokens":
            made.append(one["usage"]["input_tokens"])
        else:
            made.append(one["seconds"]["total"])
    return tuple(made)


def scored(count: int = 60, configs: Sequence[str] = tuple(SKILLS), notes: Sequence[str] = ()) -> Scored:
    """A whole evaluation, equal on every call with equal arguments."""
    asked = questions(count)
    labels = clusters(asked)
    chance = random.Random(7)
    outcomes = {name: tuple(outcome(q, n, name, chance) for n, q in enumerate(asked)) for name in configs}
    scores = {name: {m.name: scores_of(m.name, asked, outcomes[name]) for m in METRICS} for name in configs}
    groups: dict[str, dict[str, list[int]]] = {"source": {}, "modality": {}, "gold pages": {}, "document": {}}
    for n, question in enumerate(asked):
        groups["source"].setdefault(question["source"], []).append(n)
        groups["modality"].setdefault(question["evidence_modality"][0], []).append(n)
        groups["document"].setdefault(labels[n], []).append(n)
        if "gold_pages" in question:
            groups["gold pages"].setdefault(str(len(question["gold_pages"])), []).append(n)

    def over(name: str, metric: str, members: Sequence[int]) -> Estimate:
        return estimate([scores[name][metric][n] for n in members], [labels[n] for n in members], seed=1, samples=200)

    compared: list[Comparison] = [
        compare(metric, a, b, scores[a][metric.name], scores[b][metric.name], labels, seed=1, samples=200)
        for metric in METRICS[:2]
        for i, a in enumerate(configs)
        for b in configs[i + 1 :]
    ]
    return Scored(
        provenance=Provenance(
            suite="A suite & its <folder>",
            licence="CC BY 4.0",
            revision="r1",
            command="ragsys eval suite --config laptop | tee log",
            date="2026-11-21T07:00:00+00:00",
            commit="0123456789ab",
            machine="Linux x86_64, 2 cores, 24 GiB, Python 3.11.7",
            seed=1,
            versions={"ragsys": "0.1.0", "python": "3.11.7"},
        ),
        questions=asked,
        configs=tuple(
            ConfigInfo(name, f"{n}123456789abcdef", "extractive" if n else "", {"dense": 1.0 if n else 0.25})
            for n, name in enumerate(configs)
        ),
        metrics=METRICS,
        outcomes=outcomes,
        scores=scores,
        estimates={name: {m.name: over(name, m.name, range(count)) for m in METRICS} for name in configs},
        groups={
            by: {
                group: {name: {m.name: over(name, m.name, members) for m in METRICS} for name in configs}
                for group, members in parts.items()
            }
            for by, parts in groups.items()
        },
        comparisons=adjusted(compared),
        notes=tuple(notes),
    )


def picture(doc: str, page: int) -> Image.Image | None:
    """A page with something on it; document 4 cannot be drawn, document 5 has no pictures."""
    if "document 4" in doc:
        raise ValueError(f"{doc} is broken {HOSTILE}")
    if "document 5" in doc:
        return None
    image = Image.new("RGB", (595, 842), "white")
    pen = ImageDraw.Draw(image)
    pen.text((60, 50), f"{doc}, page {page}", fill="black", font_size=20)
    chance = random.Random(f"{doc} {page}")
    for row in range(36):
        width = 475 if row % 6 != 5 else chance.randrange(120, 400)
        pen.rectangle((60, 100 + row * 19, 60 + width, 107 + row * 19), fill=(120, 120, 120))
    return image
