"""MRAMG-Bench's measures of the images in an answer (arXiv 2502.04176), 0..1.

The images of an answer are those it names, in order, each once: markdown `![...](NAME)` or `<img:NAME>`. Names are
compared without folder and ending. G: gold images in order, n of them; A: the answer's, m of them.

    image_precision  |A ∩ G| / m, 0 if it shows none     image_recall  |A ∩ G| / n     image_f1  2PR/(P+R)
    image_ordering   image_recall * (1 - min(d / max(n, m), 3) / 3), d the least cost of turning A into G: an image too
                     many costs 3, a missing one 2, a wrong one in its place 1 (p1 > p2 > p3 of the paper, with which
                     only ratios matter; that A is turned into G and not G into A is our reading)

None without gold images, and where no answer was asked for; 0 for an abstention.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from pathlib import PurePosixPath

from ragsys.evaluation.records import MetricInfo, Outcome, Question
from ragsys.options import Options
from ragsys.protocols import Context
from ragsys_suites.metrics.base import attempted, said
from ragsys_suites.metrics.boxes import f1

_IMAGE = re.compile(r"!\[[^\]\n]{0,500}\]\(<?([^)>\n]{1,500})>?\)|<img:([^>\n]{1,500})>")
_ENDINGS = frozenset({".png", ".jpg", ".jpeg", ".gif", ".webp", ".bmp", ".tif", ".tiff", ".svg"})
_EXTRA, _MISSING, _WRONG = 3.0, 2.0, 1.0


def named(name: str) -> str:
    """A name without folder and without the ending of an image; 3.1 and 3.2 are two names."""
    path = PurePosixPath(name.strip().replace("\\", "/"))
    return path.stem if path.suffix.lower() in _ENDINGS else path.name


def shown(text: str) -> list[str]:
    """The images that a text shows, in order, each once."""
    return list(dict.fromkeys(named(match[1] or match[2]) for match in _IMAGE.finditer(text)))


def distance(made: Sequence[str], wanted: Sequence[str]) -> float:
    """The least cost of turning `made` into `wanted`."""
    row = [_MISSING * column for column in range(len(wanted) + 1)]
    for count, one in enumerate(made, 1):
        before, row = row, [_EXTRA * count]
        for column, other in enumerate(wanted, 1):
            same = before[column - 1] + (0.0 if one == other else _WRONG)
            row.append(min(same, before[column] + _EXTRA, row[column - 1] + _MISSING))
    return row[-1]


def measured(measure: str, made: Sequence[str], wanted: Sequence[str]) -> float:
    """One of the measures of two lists of names."""
    both = len(set(made) & set(wanted))
    precision, recall = both / len(made) if made else 0.0, both / len(wanted)
    if measure == "ordering":
        cost = distance(made, wanted) / max(len(made), len(wanted))
        return recall * (1.0 - min(cost, _EXTRA) / _EXTRA)
    return {"precision": precision, "recall": recall, "f1": f1(precision, recall)}[measure]


class Images:
    """One of MRAMG-Bench's measures."""

    def __init__(self, measure: str, options: Options, context: Context) -> None:
        self._measure = measure
        self.info = MetricInfo(f"image_{measure}", f"MRAMG-Bench: {measure} of the images that the answer shows")

    def score(self, question: Question, outcome: Outcome) -> float | None:
        """See the module."""
        wanted = list(dict.fromkeys(map(named, question.get("gold_images") or ())))
        if not wanted or not attempted(outcome):
            return None
        return measured(self._measure, shown(said(outcome)), wanted)


image_precision = functools.partial(Images, "precision")
image_recall = functools.partial(Images, "recall")
image_f1 = functools.partial(Images, "f1")
image_ordering = functools.partial(Images, "ordering")
