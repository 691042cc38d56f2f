"""The letter of a multiple-choice answer, as MRAG-Bench reads it out of a reply (Hu et al. 2024; the rule is MMMU's).

    choice_accuracy  1 if the letter found is the gold one (`answer`), 0 if not, if none is found, or if it abstained

The letter found: of the choices that stand as `(X)`, else as ` X ` between blanks (, . ! ? ; : ' at the reply's ends
cut, one kind after the other), the last in the reply; else, in a reply of more than five words, of the choices whose
text it holds, case aside, the last. Letters are upper case: "a" is an article. The official script gives this last
step no texts to look for (score.py) and asks a model where no letter is found; here such a reply is wrong.

None without `meta.choices` ({letter: text}) and where no answer was asked for.
"""

from __future__ import annotations

from collections.abc import Mapping

from ragsys.evaluation.records import Outcome, Question
from ragsys_suites.metrics.base import attempted, simple

_ENDS = (",", ".", "!", "?", ";", ":", "'")
_WORDS = 5  # a reply must have more words than this to be searched for a choice's text


def chosen(reply: str, choices: Mapping[str, str]) -> str | None:
    """The letter that a reply names, None if it names none."""
    for mark in _ENDS:
        reply = reply.strip(mark)
    padded = f" {reply.strip()} "
    for form in ("({})", " {} "):
        places = {padded.rfind(form.format(letter)): letter for letter in choices}
        if max(places) >= 0:
            return places[max(places)]
    if len(reply.split()) <= _WORDS:
        return None
    lower = padded.lower()
    places = {lower.rfind(text.lower()): letter for letter, text in choices.items() if text}
    return places[max(places)] if places and max(places) >= 0 else None


def _score(question: Question, outcome: Outcome) -> float | None:
    choices = question.get("meta", {}).get("choices")
    if not choices or not attempted(outcome):
        return None
    return float(chosen(outcome["answer"] or "", choices) == question.get("answer"))


choice_accuracy = simple("choice_accuracy", "the letter of the right choice", _score)
