"""A run as TREC files: `run.trec` and `qrels.trec` over pages, which trec_eval, ir-measures and ranx read.

A page's name is its document's path, `#` and its number; blanks, control characters and `%` stand in it as `%20` and
the like, so that a name is one word and can be read back (`place`). Line formats: `qid Q0 docid rank score tag` and
`qid 0 docid grade`.
"""

from __future__ import annotations

import math
import re
import struct
import urllib.parse
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from ragsys.errors import SuiteError
from ragsys.evaluation import trecrag
from ragsys.evaluation.records import Outcome, Question, Scored
from ragsys.evaluation.writing import replace, writing

RUN = "run.trec"
QRELS = "qrels.trec"
_LOOSE = re.compile(r"[\s%\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_SAFE = re.compile(r"[^A-Za-z0-9._-]+")


def write(scored: Scored, folder: Path) -> list[Path]:
    """Write `run.trec` and `qrels.trec`, and for a suite of topics `rag.jsonl` (TREC RAG 2024) and `rag-2025.jsonl`.

    A TREC run is one configuration, and its readers take no notice of tags: `run.trec` is the first one's, and where
    there are several each has a `run.NAME.trec` of its own (`rag.NAME.jsonl` likewise).
    """
    several = len(scored.configs) > 1
    names = file_names([config.name for config in scored.configs])
    topics = trecrag.is_topics(scored.questions)
    made = [_write(folder / QRELS, qrels_lines(scored.questions))]
    for n, config in enumerate(scored.configs):
        outcomes = scored.outcomes.get(config.name, ())
        kinds = {"run{}.trec": list(run_lines(outcomes, config.name))}
        if topics and any(outcome["answer"] for outcome in outcomes):
            pairs = [(q, o) for q, o in zip(scored.questions, outcomes, strict=True) if o["answer"]]
            kinds["rag{}.jsonl"] = [trecrag.line(trecrag.record(q, o, config.name)) for q, o in pairs]
            kinds["rag-2025{}.jsonl"] = [trecrag.line(trecrag.record_2025(q, o, config.name)) for q, o in pairs]
        for kind, lines in kinds.items():
            if n == 0:
                made.append(_write(folder / kind.format(""), lines))
            if several:
                made.append(_write(folder / kind.format("." + names[config.name]), lines))
    return made


def run_lines(outcomes: Iterable[Outcome], tag: str) -> Iterator[str]:
    """A line a ranked page. Scores fall strictly with the rank, in single precision too, which is what trec_eval reads.

    A score that does not fall by itself is lowered by a millionth below the one before it: readers sort by score, and
    would otherwise break ties in an order of their own. A page that is ranked twice counts where it stands first.
    """
    for outcome in outcomes:
        seen: set[str] = set()
        last = math.inf
        for page in outcome["pages"]:
            name = docid(page["doc"], page["page"])
            if name in seen:
                continue
            seen.add(name)
            last = _below(page["score"], last)
            yield f"{word(outcome['id'])} Q0 {name} {len(seen)} {last:.9g} {word(tag)}"


def qrels_lines(questions: Iterable[Question]) -> Iterator[str]:
    """A line a gold page. Grades are whole numbers in TREC: others are rounded, and nothing relevant becomes 0."""
    for question in questions:
        grades: dict[str, int] = {}
        for gold in question.get("gold_pages", ()):
            grade = gold.get("grade", 1.0)
            name = docid(gold["doc"], gold["page"])
            grades[name] = max(grades.get(name, 0), max(1, round(grade)) if grade > 0 else 0)
        for name, whole in grades.items():
            yield f"{word(question['id'])} 0 {name} {whole}"


def docid(doc: str, page: int) -> str:
    """The name of a page: one word, see the module."""
    return f"{word(doc)}#{page}"


def place(docid: str) -> tuple[str, int]:
    """(document, page) of such a name. Raises `SuiteError` where it is none."""
    doc, mark, page = docid.rpartition("#")
    if not mark or not (page.isascii() and page.isdigit()):
        raise SuiteError(f"'{docid}' names no page: a document's path, # and a page number are expected")
    return urllib.parse.unquote(doc, errors="surrogatepass"), int(page)


def word(text: str) -> str:
    """A text as one word that is never empty."""
    return _LOOSE.sub(lambda hit: urllib.parse.quote(hit[0], safe="", errors="surrogatepass"), text) or "%"


def read_run(path: Path) -> dict[str, dict[str, dict[str, float]]]:
    """`{tag: {qid: {docid: score}}}`, best first. Raises `SuiteError` naming the line that is wrong."""
    found: dict[str, dict[str, dict[str, float]]] = {}
    for where, (qid, _, name, rank, score, tag) in _rows(path, 6, "qid Q0 docid rank score tag"):
        if not re.fullmatch(r"\d+", rank, re.ASCII):
            raise SuiteError(f"{where}: rank '{rank}' is no whole number")
        pages = found.setdefault(tag, {}).setdefault(qid, {})
        if name in pages:
            raise SuiteError(f"{where}: {name} is ranked twice for {qid}")
        pages[name] = _number(score, where)
    return {
        tag: {qid: dict(sorted(pages.items(), key=lambda item: -item[1])) for qid, pages in run.items()}
        for tag, run in found.items()
    }


def read_qrels(path: Path) -> dict[str, dict[str, int]]:
    """`{qid: {docid: grade}}`. Raises `SuiteError` naming the line that is wrong."""
    found: dict[str, dict[str, int]] = {}
    for where, (qid, _, name, grade) in _rows(path, 4, "qid 0 docid grade"):
        if not re.fullmatch(r"-?\d+", grade, re.ASCII):
            raise SuiteError(f"{where}: grade '{grade}' is no whole number")
        if name in found.setdefault(qid, {}):
            raise SuiteError(f"{where}: {name} is judged twice for {qid}")
        found[qid][name] = int(grade)
    return found


def file_names(configs: Sequence[str]) -> Mapping[str, str]:
    """{configuration: a name for its files}, unique where letter case does not count."""
    made: dict[str, str] = {}
    taken: set[str] = set()
    for config in configs:
        base = _SAFE.sub("-", Path(config).name).strip(".-") or "config"
        name, n = base, 1
        while name.lower() in taken:
            n += 1
            name = f"{base}-{n}"
        taken.add(name.lower())
        made[config] = name
    return made


def _below(score: float, last: float) -> float:
    """`score` in single precision, or what lies just below `last` where it is not less."""
    single = _single(score) if math.isfinite(score) else math.inf
    if single < last:
        return single
    return _single(last - max(abs(last) * 1e-6, 1e-9)) if math.isfinite(last) else 0.0


def _single(value: float) -> float:
    largest = 3.4e38
    return float(struct.unpack("<f", struct.pack("<f", min(max(value, -largest), largest)))[0])


def _number(text: str, where: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise SuiteError(f"{where}: score '{text}' is no number")
    return value


def _rows(path: Path, count: int, form: str) -> Iterator[tuple[str, list[str]]]:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SuiteError(f"{path}: cannot be read: {getattr(error, 'strerror', None) or 'not UTF-8'}") from error
    for n, line in enumerate(text.split("\n"), 1):
        parts = line.split()
        if not parts:
            continue
        if len(parts) != count:
            raise SuiteError(f"{path}:{n}: {len(parts)} columns, {count} are expected: {form}")
        yield f"{path}:{n}", parts


def _write(path: Path, lines: Iterable[str]) -> Path:
    data = "".join(line + "\n" for line in lines).encode("utf-8")
    with writing(path):
        replace(path, data)
    return path
