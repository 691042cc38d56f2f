"""`extractive`: answers without a model. It scores every sentence and table row of the evidence for the question, takes
the fewest that cover it, says them as they stand, and abstains when too much of the question is not there."""

from __future__ import annotations

import math
import re
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from ragsys.errors import GenerationError
from ragsys.protocols import Context, Reply, Request
from ragsys.types import JSON, Evidence, Usage

from .candidates import Candidate, candidates
from .options import ExtractiveOptions
from .words import Question, Term, parts, read, tokens

AROUND, PAGE, ALIKE = 0.75, 0.5, 0.8  # what a term counts that stands in the heading, on the page, in another word
PAGE_NAME = 0.25  # a name elsewhere on the page: what is asked of one thing is not answered by another
AROUND_ROW = 0.9  # the same of a row: what it counts is said by its caption, not by itself
TITLE = 0.85  # a heading says less than a sentence with the same words
MORE = 0.18  # a further sentence must cover at least this much of the question that no earlier one covers
SHARE = 0.6  # and score at least this share of the best
FOLLOWERS = 3  # sentences or rows that a colon announces
FEW = 3  # a row with no more values is said whole
COLUMNS = 6  # of a row that are said when the question names none


@dataclass(frozen=True, slots=True)
class Scored:
    """A candidate with how well it answers, and how much of each term it covers."""

    candidate: Candidate
    score: float
    covers: tuple[float, ...]  # of each question term, 0..1


class Extractive:
    """A generator that is no language model: it reads `question` and `evidence` of a request and no prompt."""

    reads_prompts = False
    reads_images = False
    notes = ("extractive: the sentences and table rows stand so on the pages; no model wrote this answer",)

    def __init__(self, options: ExtractiveOptions, context: Context) -> None:
        self.options = options
        self.context = context

    @property
    def identity(self) -> str:
        """Its name and the fingerprint of its options."""
        return f"extractive/{self.context.fingerprint or '1'}"

    def generate(self, request: Request) -> Reply:
        """The sentences as `data`: sentences with marks, status, note, confidence.

        Raises `GenerationError` on anything but writing: it reads no prompt and fills no schema.
        """
        if request.schema is not None or request.task != "write":
            raise GenerationError(
                f"the generator 'extractive' only writes answers, it cannot '{request.task}'",
                hint="configure a language model: generator: {use: ...}        see them all: ragsys plugins generator",
            )
        began = time.perf_counter()
        data = self.extract(request.question, request.evidence)
        text = " ".join(sentence["text"] for sentence in data["sentences"])
        return Reply(text, data, Usage(seconds=time.perf_counter() - began))

    def stream(self, request: Request) -> Iterator[str | Reply]:
        """Sentence by sentence, then the reply."""
        reply = self.generate(request)
        for n, sentence in enumerate(reply.data["sentences"]):
            yield (" " if n else "") + sentence["text"]
        yield reply

    def extract(self, text: str, evidence: Sequence[Evidence]) -> JSON:
        """The answer as JSON; `confidence` is the score of its best sentence, 0..1, the least over its parts."""
        pool = [one for page in evidence for one in candidates(page, self.options.characters)]
        pages = {page.number: _page_words(page) for page in evidence}
        order = {page.number: n / max(1, len(evidence)) for n, page in enumerate(evidence)}
        asked = parts(text)
        chosen: dict[int, Candidate] = {}
        missing: list[str] = []
        least = 1.0
        for part in asked:
            question = read(part)
            if len(asked) > 1:  # what the other parts speak of is what this one is about
                question = question.beside(read(text))
            found, confidence, absent = self._part(question, pool, pages, order)
            least = min(least, confidence)
            if absent:
                missing.append(f"{part}: {absent}" if len(asked) > 1 else absent)
            for one in found:
                chosen.setdefault(id(one), _said(one, question))
        return {
            "sentences": [
                {"text": one.text, "marks": [{"evidence": one.evidence, "block": one.block, "quote": one.quote}]}
                for one in chosen.values()
            ],
            "status": "abstained" if not chosen else "partial" if missing else "answered",
            "note": "; ".join(missing),
            "confidence": round(least, 4),
        }

    def _part(
        self,
        question: Question,
        pool: Sequence[Candidate],
        pages: dict[int, frozenset[str]],
        order: dict[int, float],
    ) -> tuple[list[Candidate], float, str]:
        """What answers one part, how sure that is (0..1), and what is missing if it is not sure enough."""
        if not pool or not question.terms:
            return [], 0.0, "the pages that were found hold no text"
        weights = _weights(question, pool)
        ranked = sorted(
            (_score(one, question, weights, pages[one.evidence], order[one.evidence]) for one in pool),
            key=lambda one: -one.score,  # stable: what stands first goes first
        )
        chosen = self._choose(ranked, weights)
        missing = _missing(question, chosen, pages)
        confidence = max(0.0, min(1.0, chosen[0].score - 0.15 * len(missing)))
        if confidence < self.options.abstain:
            nothing = f"nothing there on: {', '.join(missing)}"
            return [], confidence, nothing if missing else "no sentence covers enough of the question"
        return _announced([one.candidate for one in chosen], pool), confidence, ""

    def _choose(self, ranked: Sequence[Scored], weights: Sequence[float]) -> list[Scored]:
        """Greedy: the best, then what adds most of the question, never the same words twice."""
        chosen = [ranked[0]]
        covered = list(ranked[0].covers)
        rest = [one for one in ranked[1:200] if one.score >= SHARE * ranked[0].score]
        while rest and len(chosen) < self.options.sentences:
            gains = [
                sum(w * max(0.0, c - had) for w, c, had in zip(weights, one.covers, covered, strict=True))
                for one in rest
            ]
            at = max(range(len(rest)), key=lambda n: (gains[n] + 0.1 * rest[n].score, -n))
            if gains[at] < MORE:
                break
            best = rest.pop(at)
            if all(_overlap(best.candidate, one.candidate) < 0.7 for one in chosen):
                chosen.append(best)
                covered = [max(had, c) for had, c in zip(covered, best.covers, strict=True)]
        return chosen


def _announced(chosen: Sequence[Candidate], pool: Sequence[Candidate]) -> list[Candidate]:
    """With each sentence that ends in a colon, what it announces: the next sentences of its page, at most three."""
    places = {id(one): n for n, one in enumerate(pool)}
    found: list[Candidate] = []
    for one in chosen:
        found.append(one)
        if one.kind == "row" or not one.text.endswith(":"):
            continue
        at = places[id(one)]
        for follower in pool[at + 1 : at + 1 + FOLLOWERS]:
            if follower.evidence != one.evidence or follower.kind == "title" or follower.text.endswith(":"):
                break
            found.append(follower)
    return list({id(one): one for one in found}.values())


def _weights(question: Question, pool: Sequence[Candidate]) -> list[float]:
    """The share of each term in the question, by its own weight and its rarity among the candidates; they sum to 1."""
    seen: Counter[str] = Counter()
    for one in pool:
        seen.update(set(one.own))
    raw = [term.weight * math.log(1.5 + len(pool) / (1.0 + seen[term.stem])) for term in question.terms]
    total = sum(raw)
    return [value / total for value in raw]


def _page_words(page: Evidence) -> frozenset[str]:
    name = re.sub(r"[_/\\.-]+", " ", page.path)
    return frozenset(tokens(f"{page.title} {name} {page.page.text}"))


def _score(one: Candidate, question: Question, weights: Sequence[float], page: frozenset[str], behind: float) -> Scored:
    own = frozenset(one.own) | one.heads
    around = AROUND_ROW if one.kind in ("row", "line") else AROUND
    covers = tuple(_covers(term, own, one.around, page, around) for term in question.terms)
    score = sum(weight * cover for weight, cover in zip(weights, covers, strict=True))
    if question.pairs:
        score += 0.12 * len(question.pairs & set(pairwise(one.own))) / len(question.pairs)
    score += _kind_of_answer(one, question) + _exact(one, question)
    score *= TITLE if one.kind == "title" else 1.0
    score -= 0.06 * behind + 0.0002 * max(0, len(one.quote) - 240)
    return Scored(one, score, covers)


def _covers(term: Term, own: frozenset[str], around: frozenset[str], page: frozenset[str], beside: float) -> float:
    for words, value in ((own, 1.0), (around, beside)):
        if term.stem in words:
            return value
        if any(word in words for word in term.alike):
            return value * ALIKE
    if term.stem not in page:
        return 0.0
    return PAGE_NAME if term.named else PAGE


def _exact(one: Candidate, question: Question) -> float:
    """A bonus for a row whose label the question names whole: "Revenue" answers, "Cost of revenue" does not."""
    label = tokens(one.label)
    asked = {stem for term in question.terms for stem in (term.stem, *term.alike)}
    return 0.15 * sum(word in asked for word in label) / len(label) if label else 0.0


_YEARS = re.compile(r"(?:19|20)\d\d")
_PERSONAL = re.compile(r"\b[A-Z][a-z]+(?: [A-Z]\.)? [A-Z][a-z]+")
_MONTH = re.compile(r"\b(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*\b")


def _kind_of_answer(one: Candidate, question: Question) -> float:
    """A bonus for holding the kind of thing that is asked for, beyond what the question itself says."""
    asked = {term.stem for term in question.terms}
    if question.wants == "number":
        words = tokens(" ".join(value for _, value in one.cells)) if one.cells else one.own
        fresh = any(word[0].isdigit() and word not in asked and not _YEARS.fullmatch(word) for word in words)
        return 0.08 if fresh else -0.1
    if question.wants == "date":
        fresh = any(_YEARS.fullmatch(word) and word not in asked for word in one.own) or bool(_MONTH.search(one.quote))
        return 0.08 if fresh else -0.08
    if question.wants == "person":
        return 0.06 if _PERSONAL.search(one.quote) else -0.06
    return 0.0


def _overlap(one: Candidate, other: Candidate) -> float:
    mine, theirs = set(one.own), set(other.own)
    return len(mine & theirs) / max(1, min(len(mine), len(theirs)))


def _missing(question: Question, chosen: Sequence[Scored], pages: dict[int, frozenset[str]]) -> list[str]:
    """Years and names of the question that no page of the chosen sentences holds."""
    there = frozenset().union(*(pages[one.candidate.evidence] for one in chosen))
    return sorted((question.years | question.names) - there)


def _said(one: Candidate, question: Question) -> Candidate:
    """A row as a sentence: its label, then the columns that the question names, else the first ones."""
    if one.kind != "row":
        return one
    asked = {term.stem for term in question.terms}
    named = [(head, value) for head, value in one.cells if question.years & set(tokens(head))]
    if not named and len(one.cells) > FEW:
        scores = [len(asked & set(tokens(head))) for head, _ in one.cells]
        best = max(scores)
        named = [cell for cell, score in zip(one.cells, scores, strict=True) if best and score == best]
    shown = (named or list(one.cells))[:COLUMNS]
    body = "; ".join(f"{head}: {value}" if head else value for head, value in shown)
    row = f"{one.label}, {body}" if one.label else body
    return replace(one, text=f"{one.caption}: {row}" if one.caption else row)
