"""Answers as texts: exact match, token F1, ANLS, ROUGE-L, and what MultiHop-RAG and VisDoMBench count.

All in 0..1, the best over the accepted answers. An unanswerable question is worth 1 if it was not answered; an
abstention from an answerable one 0, and so is a question that failed. None without a gold answer and where no answer
was asked for. Tokens are SQuAD's: lower case, without ASCII punctuation, without a, an, the (Rajpurkar et al. 2016).

    exact_match  1 if the tokens are equal
    token_f1     2PR/(P+R) of the shared tokens, each as often as both have it; two empty texts are equal
    anls         1 - NL where NL < .5, else 0; NL = Levenshtein / longer length, lower case, blanks as one space
                 (Biten et al. 2019; DocVQA)
    rouge_l      F1 of the longest common subsequence of tokens a-z and 0-9, lower case, not stemmed
                 (Lin 2004; as the package rouge-score with use_stemmer=False)
    visdom_f1    VisDoMBench's word F1: SQuAD's, so equal to token_f1 (Suri et al. 2025)
    multihop_accuracy            MultiHop-RAG (qa_evaluate.py): 1 if answer and gold share any blank-separated token, in
                 lower case: "no, the ..." against "the" is right. An abstention says "Insufficient information"
    multihop_accuracy_corrected  1 if the gold tokens stand together in the answer, in order; where gold is yes or no,
                 if the answer's only word of the two is the gold one

METEOR is left out: its synonym stage needs WordNet, and without it the number is another one.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from rapidfuzz.distance import LCSseq, Levenshtein

from ragsys.evaluation.records import Outcome, Question
from ragsys_suites.metrics.base import accepted, attempted, best, said, simple, unanswerable
from ragsys_suites.metrics.text import squad

_WORDS = re.compile(r"[a-z0-9]+")
_MODEL_ANSWER = re.compile(r'The answer to the question is "(.*?)"')
_YES_NO = frozenset({"yes", "no"})
#: What MultiHop-RAG's null queries expect.
_INSUFFICIENT = "Insufficient information"


def exact(gold: str, text: str) -> float:
    """1 if SQuAD's tokens are equal."""
    return float(squad(gold) == squad(text))


def f1_of(gold: Sequence[str], text: Sequence[str]) -> float:
    """F1 of tokens, each counted as often as both have it."""
    if not gold or not text:
        return float(gold == text)
    shared = sum((Counter(gold) & Counter(text)).values())
    return 2 * shared / (len(gold) + len(text))  # 2PR/(P+R) with P = shared/|text|, R = shared/|gold|


def token_overlap(gold: str, text: str) -> float:
    """SQuAD's F1."""
    return f1_of(squad(gold), squad(text))


def anls_of(gold: str, text: str) -> float:
    """1 - normalised Levenshtein distance, 0 from a distance of .5 on."""
    distance = Levenshtein.normalized_distance(" ".join(gold.lower().split()), " ".join(text.lower().split()))
    return 1.0 - distance if distance < 0.5 else 0.0


def rouge_of(gold: str, text: str) -> float:
    """F1 of the longest common subsequence."""
    right, given = _WORDS.findall(gold.lower()), _WORDS.findall(text.lower())
    if not right or not given:
        return 0.0
    return 2 * LCSseq.similarity(right, given) / (len(right) + len(given))


def contains(tokens: Sequence[str], part: Sequence[str]) -> bool:
    """Whether `part` stands in `tokens`, together and in order; nothing stands nowhere."""
    size = len(part)
    return bool(size) and any(tokens[at : at + size] == part for at in range(len(tokens) - size + 1))


def polarity(text: str) -> str:
    """ "yes" or "no": the word that opens the text, or the only one of the two in it; else nothing."""
    tokens = squad(text)
    if tokens and tokens[0] in _YES_NO:
        return tokens[0]
    found = sorted(_YES_NO.intersection(tokens))
    return found[0] if len(found) == 1 else ""


def _exact_match(question: Question, outcome: Outcome) -> float | None:
    return best(question, outcome, exact)


def _token_f1(question: Question, outcome: Outcome) -> float | None:
    return best(question, outcome, token_overlap)


def _anls(question: Question, outcome: Outcome) -> float | None:
    return best(question, outcome, anls_of)


def _rouge_l(question: Question, outcome: Outcome) -> float | None:
    return best(question, outcome, rouge_of)


def _multihop(question: Question, outcome: Outcome) -> float | None:
    gold = accepted(question) or ([_INSUFFICIENT] if unanswerable(question) else [])
    if not attempted(outcome) or not gold:
        return None
    text = said(outcome, refusal=_INSUFFICIENT)
    extracted = _MODEL_ANSWER.search(text)
    words = set((extracted[1] if extracted else text).lower().split())
    return float(any(words & set(one.lower().split()) for one in gold))


def _multihop_corrected(question: Question, outcome: Outcome) -> float | None:
    return best(question, outcome, _stands_in)


def _stands_in(gold: str, text: str) -> float:
    wanted = squad(gold)
    if len(wanted) == 1 and wanted[0] in _YES_NO:
        return float(polarity(text) == wanted[0])
    return float(contains(squad(text), wanted))


exact_match = simple("exact_match", "the answer equals a gold answer (SQuAD's normal form)", _exact_match)
token_f1 = simple("token_f1", "F1 of the words of answer and gold answer (SQuAD)", _token_f1)
visdom_f1 = simple("visdom_f1", "VisDoMBench's word F1 (SQuAD's)", _token_f1)
anls = simple("anls", "similarity of answer and gold answer by edits, 0 below one half", _anls)
rouge_l = simple("rouge_l", "F1 of the longest common subsequence of words", _rouge_l)
multihop_accuracy = simple("multihop_accuracy", "MultiHop-RAG: answer and gold share any word", _multihop)
multihop_accuracy_corrected = simple(
    "multihop_accuracy_corrected", "the gold answer stands in the answer", _multihop_corrected
)
