"""`extractive`: answers without a model. It scores every sentence and table row of the evidence for the question, takes
the fewest that cover it, says them as they stand, and abstains when too much of the question is not there."""

from __future__ import annotations

import math
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from ragsys.errors import GenerationError
from ragsys.protocols import Context, Reply, Request
from ragsys.types import JSON, BlockKind, Evidence, Usage
from ragsys.vocabulary import MONTHS

from . import kinds
from .candidates import Candidate, candidates, spoken
from .options import ExtractiveOptions
from .words import MEASURED, Question, Term, parts, read, tokens

AROUND, PAGE, ALIKE = 0.75, 0.5, 0.8  # what a term counts that stands in the heading, on the page, in another word
PAGE_NAME = 0.25  # a name elsewhere on the page: what is asked of one thing is not answered by another
AROUND_ROW = 0.9  # the same of a row: what it counts is said by its caption, not by itself
UNMEASURED = 0.15  # off what does not say the measure that is asked for
TITLE = 0.85  # a heading says less than a sentence with the same words
MORE = 0.18  # a further sentence must say at least this much of the question that no earlier one says or stands under
SAID = AROUND * ALIKE  # a term that is covered so far is said, or stands in the heading: no further sentence adds it
SHARE = 0.6  # and score at least this share of the best
BESIDE = 0.6  # and itself say this share of what the best says: the page that it stands on is not enough
FOLLOWERS = 3  # sentences or rows that a colon announces
FEW = 3  # a row with no more values is said whole
COLUMNS = 6  # of a row that are said when the question names none


@dataclass(frozen=True, slots=True)
class Scored:
    """A candidate with how well it answers, and how much of each term it covers."""

    candidate: Candidate
    score: float
    covers: tuple[float, ...]  # of each question term, 0..1


@dataclass(frozen=True, slots=True)
class _Pages:
    """What is read for a question: the candidates, and of each page by its number what a score needs."""

    pool: list[Candidate]
    words: dict[int, frozenset[str]]
    titles: dict[int, frozenset[str]]
    order: dict[int, float]  # 0..1, the best page first
    looked: str = ""  # what no candidate said, where only those that say it are in the pool

    def only(self, says: Callable[[Candidate], bool], looked: str) -> _Pages:
        """With no other candidates than those that say what the kind of question needs."""
        return replace(self, pool=[one for one in self.pool if says(one)], looked=looked)


_TOLD_TO_COMPARE = re.compile(r"\?\s+Compare(?: them|:)")


def _fit(part: str, there: _Pages) -> _Pages:
    """The candidates that can answer a question of its kind: a fact gives no reason, and no largest of several."""
    about = kinds.speaks_of(part)
    if kinds.asks_reason(part):
        looked = f"looked for a sentence that gives a reason and speaks of {about}: there is none on the pages read"
        return there.only(kinds.gives_reason, looked)
    if most := kinds.superlatives(part):
        looked = (
            f"looked for a sentence that says “{' '.join(most)}” and speaks of {about}: there is none on the pages read"
        )
        return there.only(lambda one: kinds.says_most(one, most), f"{looked}; this reader ranks no values itself")
    return there


class Extractive:
    """A generator that is no language model: it reads `question` and `evidence` of a request and no prompt."""

    reads_prompts = False
    reads_images = False
    notes = ("extractive: sentences and table cells quoted from the pages; no language model was used",)

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
        read_ = _Pages(
            [one for page in evidence for one in candidates(page, self.options.characters)],
            {page.number: _page_words(page) for page in evidence},
            {page.number: _title_words(page) for page in evidence},
            {page.number: n / max(1, len(evidence)) for n, page in enumerate(evidence)},
        )
        asked, compares = parts(text), False
        if len(asked) == 1 and (names := kinds.compared(asked[0])):
            found, confidence, *_ = self._part(read(asked[0]), read_.only(lambda one: kinds.says_both(one, names), ""))
            if not found:  # no sentence compares them: each is looked for
                asked, compares = list(kinds.sides(asked[0], names)), True
                if not asked:
                    note = f"looked for a sentence that compares {' and '.join(names)}: name a figure of both"
                    return {"sentences": [], "status": "abstained", "note": note, "confidence": 0.0}
        chosen: dict[tuple[int, str], Candidate] = {}
        missing: list[str] = []
        doubts: list[str] = [kinds.UNCOMPARED] if compares or _TOLD_TO_COMPARE.search(text) else []
        least = 1.0
        for part in asked:
            question = read(part)
            if len(asked) > 1:  # what the other parts speak of is what this one is about
                question = question.beside(read(" ".join(asked)))
            found, confidence, absent, doubt = self._part(question, _fit(part, read_))
            least = min(least, confidence)
            if absent:
                missing.append(f"{part}: {absent}" if len(asked) > 1 else absent)
            doubts += [doubt] if doubt else []
            for one in found:  # two parts may ask for two columns of one row
                said = _said(one, question)
                chosen.setdefault((id(one), said.text), said)
        return {
            "sentences": [
                {"text": one.text, "marks": [{"evidence": one.evidence, "block": one.block, "quote": one.quote}]}
                for one in chosen.values()
            ],
            "status": "abstained" if not chosen else "partial" if missing or doubts else "answered",
            "note": "; ".join(dict.fromkeys([*missing, *doubts] if chosen else missing)),
            "confidence": round(least, 4),
        }

    def _part(self, question: Question, there: _Pages) -> tuple[list[Candidate], float, str, str]:
        """What answers one part, how sure that is (0..1), what of it is missing, and what is to be doubted."""
        pool, pages, titles = there.pool, there.words, there.titles
        if not pool or not question.terms:
            absent = there.looked or "the pages that were found hold no text"
            return [], 0.0, absent if not pool else "it asks for nothing", ""
        weights = _weights(question, pool)
        ranked = sorted(
            (_score(one, question, weights, pages[one.evidence], there.order[one.evidence]) for one in pool),
            key=lambda one: -one.score,  # stable: what stands first goes first
        )
        chosen = self._choose(ranked, weights, question, titles)
        missing = _missing(question, chosen, pages)
        unmeasured = question.measures and not _held(question.measures, chosen[0].candidate, question, frozenset())
        confidence = max(0.0, min(1.0, chosen[0].score - 0.15 * len(missing) - (UNMEASURED if unmeasured else 0.0)))
        absent = f"nothing there on: {', '.join(question.word(stem) for stem in missing)}" if missing else ""
        if (
            unmeasured and question.wants == "number" and chosen[0].candidate.kind == "row"
        ):  # a figure of something else
            measures = ", ".join(sorted(question.word(stem).lower() for stem in question.measures))
            return [], min(confidence, self.options.abstain / 2), absent or f"nothing there on any {measures} of it", ""
        if confidence < self.options.abstain:
            return [], confidence, there.looked or absent or "no sentence covers enough of the question", ""
        return _announced([one.candidate for one in chosen], pool), confidence, absent, _doubt(question, chosen, titles)

    def _choose(
        self,
        ranked: Sequence[Scored],
        weights: Sequence[float],
        question: Question,
        titles: dict[int, frozenset[str]],
    ) -> list[Scored]:
        """Greedy: the best, then what adds most of the question, never the same words twice."""
        chosen = [ranked[0]]
        covered = list(ranked[0].covers)
        least = BESIDE * _spoken(ranked[0], weights)
        rest = [
            one
            for one in ranked[1:200]
            if one.score >= SHARE * ranked[0].score
            and _spoken(one, weights) >= least
            and _goes_with(one.candidate, ranked[0].candidate, question, titles)
        ]
        while rest and len(chosen) < self.options.sentences:
            gains = [
                sum(w * (c - had) for w, c, had in zip(weights, one.covers, covered, strict=True) if c > had < SAID)
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


def _spoken(one: Scored, weights: Sequence[float]) -> float:
    """The share of the question that a candidate says, or stands under."""
    return sum(weight for weight, cover in zip(weights, one.covers, strict=True) if cover >= SAID)


def _goes_with(one: Candidate, best: Candidate, question: Question, titles: dict[int, frozenset[str]]) -> bool:
    """Whether a further sentence is of the subject, a measure and a period that are asked for."""
    if question.years and not _held(question.years, one, question, titles[one.evidence]):
        return False
    if question.measures and not _held(question.measures, one, question, frozenset()):
        return False
    return _held(question.names, best, question, titles[best.evidence]) <= _held(
        question.names, one, question, titles[one.evidence]
    )


def _held(stems: frozenset[str], one: Candidate, question: Question, above: frozenset[str]) -> frozenset[str]:
    """Those of the stems, or words alike, that a candidate says or stands under."""
    said = frozenset(one.own) | one.heads | one.around | frozenset(tokens(one.caption)) | above
    alike = {term.stem: term.alike for term in question.terms}
    return frozenset(stem for stem in stems if stem in said or said & set(alike.get(stem, ())))


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


def _title_words(page: Evidence) -> frozenset[str]:
    """Of the document's title and file name and of the page's header: what the whole page is about."""
    name = re.sub(r"[_/\\.-]+", " ", page.path)
    headers = " ".join(block.text for block in page.page.blocks if block.kind is BlockKind.HEADER)
    return frozenset(tokens(f"{page.title} {name} {headers}"))


def _page_words(page: Evidence) -> frozenset[str]:
    return _title_words(page) | frozenset(tokens("\n".join(block.text for block in spoken(page))))


def _score(one: Candidate, question: Question, weights: Sequence[float], page: frozenset[str], behind: float) -> Scored:
    own = frozenset(one.own) | one.heads
    around = AROUND_ROW if one.kind in ("row", "line") else AROUND
    covers = tuple(_covers(term, own, one.around, page, around) for term in question.terms)
    if question.years and (years := _periods(one)) and not years & question.years:
        # it tells its own year, and that is another: no heading or page makes it an answer
        covers = tuple(0.0 if t.stem in question.years else c for t, c in zip(question.terms, covers, strict=True))
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
    return PAGE_NAME if term.named or term.stem in MEASURED else PAGE


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


def _periods(one: Candidate) -> frozenset[str]:
    """The years that a sentence gives, or a row and its columns do."""
    return frozenset(word for word in (*one.heads, *one.own) if _YEARS.fullmatch(word))


def _missing(question: Question, chosen: Sequence[Scored], pages: dict[int, frozenset[str]]) -> list[str]:
    """Years and names of the question that no page of the chosen sentences holds."""
    there = frozenset().union(*(pages[one.candidate.evidence] for one in chosen))
    return sorted((question.years | question.names) - there)


def _doubt(question: Question, chosen: Sequence[Scored], titles: dict[int, frozenset[str]]) -> str:
    """What is asked for by name, year or measure, and stands on the page but not in one fact with what was chosen."""
    held = [_held(question.measures, one.candidate, question, frozenset()) for one in chosen]
    most = max(map(len, held))
    said: set[str] = set()
    above: set[str] = set()  # a file name writes names together: "bestbuy_2023"
    for one, measures in zip(chosen, held, strict=True):
        if len(measures) == most:  # a sentence without the measure supplies no name and no year to the others
            said |= set(one.candidate.own) | one.candidate.heads | one.candidate.around
            above |= titles[one.candidate.evidence]
    said |= above
    named = {term.stem: term for term in question.terms if term.stem in question.names | question.years}
    unsaid = [
        term.word
        for stem, term in named.items()
        if stem not in said
        and not said & set(term.alike)
        and term.word.lower() not in MONTHS
        and not (len(term.word) > 2 and any(term.word.lower() in word for word in above))
    ]
    lacking = sorted(question.measures - frozenset().union(*held))
    doubts = [f"that this is about {', '.join(dict.fromkeys(unsaid))}"] if unsaid else []
    doubts += [f"any {', '.join(question.word(stem).lower() for stem in lacking)}"] if lacking else []
    return f"not said there: {'; '.join(doubts)}" if doubts else ""


def _said(one: Candidate, question: Question) -> Candidate:
    """A row as a sentence: its label, then the columns that the question names, else the first ones."""
    if one.kind != "row":
        return one
    shown = _columns(one.cells, question)[:COLUMNS]
    body = "; ".join(f"{head}: {value}" if head else value for head, value in shown)
    row = f"{one.label}, {body}" if one.label else body
    row = f"{row} ({one.scale})" if one.scale else row
    return replace(one, text=f"{one.caption}: {row}" if one.caption else row)


def _columns(cells: Sequence[tuple[str, str]], question: Question) -> list[tuple[str, str]]:
    """The cells of the columns that the question means: of its years first, then those that share most of its words.

    Columns of other years are never among them where any column has a year that is asked for.
    """
    years = [frozenset(word for word in tokens(head) if _YEARS.fullmatch(word)) for head, _ in cells]
    named = [n for n, found in enumerate(years) if found and found <= question.years]
    named = named or [n for n, found in enumerate(years) if found & question.years]
    left = named or list(range(len(cells)))
    asked = {stem for term in question.terms for stem in (term.stem, *term.alike)} - question.years
    shared = [len(asked & set(tokens(cells[n][0]))) for n in left]
    if max(shared) and (named or len(cells) > FEW):
        best = {
            year: max(c for n, c in zip(left, shared, strict=True) if years[n] == year)
            for year in map(years.__getitem__, left)
        }
        most = max(shared)
        left = [n for n, c in zip(left, shared, strict=True) if c == (best[years[n]] if named else most)]
    return [cells[n] for n in left]
