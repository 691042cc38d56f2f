"""Retrieval scores as two benchmarks compute them, where that is not the usual way; the usual one stands beside it.

MultiHop-RAG (yixuantt/MultiHop-RAG, retrieval_evaluate.py): a passage is right if it holds a gold text once blanks and
line feeds are taken out of both, case kept; null queries (no gold texts) are skipped. Its loop runs to rank 11, which
changes nothing. The usual forms are `passage_hits@K`, `passage_map@10` and `passage_mrr@10`.

    multihop_hits@K  1 if any of the first K is right (4 and 10 are reported)
    multihop_map     sum over ranks 1..10 of (gold texts first found at the rank / rank) / min(|G|, 10): not an average
                     precision, since what was found before does not count; two texts found at ranks 1 and 2 give .75
    multihop_mrr     1 / first right rank of ten, else 0

UniDoc-Bench (retrieval_eval.py), over pages, binary. The usual forms are `page_ndcg@10` and `page_precision@10`.

    unidoc_ndcg@K       DCG / DCG of the *retrieved* labels sorted: gold that was not found does not lower it; 0 if none
    unidoc_precision@K  right pages / pages retrieved (K or fewer); 0 if none
"""

from __future__ import annotations

from ragsys.evaluation.records import MetricInfo, Outcome, Question
from ragsys.protocols import Context
from ragsys_suites.metrics.base import simple
from ragsys_suites.metrics.options import TopOptions
from ragsys_suites.metrics.retrieval import dcg, page_matches, ranked_passages

_LAST = 10  # ranks that MultiHop-RAG looks at


def _right(question: Question, outcome: Outcome, most: int = _LAST) -> tuple[list[str], list[str]] | None:
    """Gold texts and the first passages, without blanks and line feeds."""
    passages = ranked_passages(outcome)
    gold = [one["text"] for one in question.get("gold_passages") or ()]
    if passages is None or not gold:
        return None
    return [_packed(text) for text in gold], [_packed(text) for text in passages[:most]]


def _packed(text: str) -> str:
    return text.replace(" ", "").replace("\n", "")


class MultihopHits:
    """1 if any of the first k passages is right."""

    def __init__(self, options: TopOptions, context: Context) -> None:
        self._k = options.k
        self.info = MetricInfo(
            f"multihop_hits@{options.k}", f"MultiHop-RAG: a gold text is in the first {options.k} passages"
        )

    def score(self, question: Question, outcome: Outcome) -> float | None:
        """See the module."""
        found = _right(question, outcome, self._k)
        if found is None:
            return None
        gold, passages = found
        return float(any(text in passage for passage in passages for text in gold))


def _map(question: Question, outcome: Outcome) -> float | None:
    found = _right(question, outcome)
    if found is None:
        return None
    gold, passages = found
    seen: set[str] = set()
    total = 0.0
    for rank, passage in enumerate(passages, 1):
        new = {text for text in gold if text in passage} - seen
        seen |= new
        total += len(new) / rank
    return min(1.0, total / min(len(gold), _LAST))  # above 1 only with more than ten gold texts; theirs have four


def _mrr(question: Question, outcome: Outcome) -> float | None:
    found = _right(question, outcome)
    if found is None:
        return None
    gold, passages = found
    ranks = (rank for rank, passage in enumerate(passages, 1) if any(text in passage for text in gold))
    return next((1.0 / rank for rank in ranks), 0.0)


multihop_map = simple("multihop_map", "MultiHop-RAG's MAP@10: new gold texts at a rank / rank", _map)
multihop_mrr = simple("multihop_mrr", "MultiHop-RAG's MRR@10", _mrr)


class UnidocNdcg:
    """nDCG whose ideal is made of the retrieved labels."""

    def __init__(self, options: TopOptions, context: Context) -> None:
        self._k = options.k
        self.info = MetricInfo(
            f"unidoc_ndcg@{options.k}", "UniDoc-Bench's nDCG of pages: its ideal is of retrieved pages, so it is high"
        )

    def score(self, question: Question, outcome: Outcome) -> float | None:
        """See the module."""
        matches = page_matches(question, outcome)
        if matches is None:
            return None
        labels = [float(bool(found)) for found in matches.cut(self._k)]
        ideal = dcg(sorted(labels, reverse=True))
        return dcg(labels) / ideal if ideal else 0.0


class UnidocPrecision:
    """Precision over what was retrieved."""

    def __init__(self, options: TopOptions, context: Context) -> None:
        self._k = options.k
        self.info = MetricInfo(
            f"unidoc_precision@{options.k}", "UniDoc-Bench: share of the retrieved pages that is gold"
        )

    def score(self, question: Question, outcome: Outcome) -> float | None:
        """See the module."""
        matches = page_matches(question, outcome)
        if matches is None:
            return None
        found = matches.cut(self._k)
        return sum(map(bool, found)) / len(found) if found else 0.0
