"""Choosing by nested cross-validation: noise keeps the default, a difference is found, numbers worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from ragsys.evaluation.choosing import Choice, choose, pick
from ragsys.evaluation.records import MetricInfo

RECALL = MetricInfo("page_recall@5", "share of the gold pages in the first 5")
SECONDS = MetricInfo("seconds", "wall-clock", higher_is_better=False, bounds=(0, float("inf")), unit="s")


def labels(documents: int, each: int) -> list[str]:
    return [f"d{n:02}" for n in range(documents) for _ in range(each)]


def noise(seed: int, documents: int, each: int, candidates: int) -> dict[str, list[float | None]]:
    """Candidates that differ from the default at one question in ten, and are no better or worse than it."""
    random = np.random.default_rng(seed)
    base = random.random(documents * each) < random.beta(3, 2, documents).repeat(each)
    made: dict[str, list[float | None]] = {"default": base.astype(float).tolist()}
    for n in range(candidates):
        other = np.where(random.random(len(base)) < 0.1, random.random(len(base)) < base.mean(), base)
        made[f"c{n}"] = other.astype(float).tolist()
    return made


def better(seed: int, documents: int, each: int, gain: float) -> dict[str, list[float | None]]:
    """The same noise, and one more that is right at so many more questions."""
    made = noise(seed, documents, each, 8)
    random = np.random.default_rng(seed + 1000)
    missed = np.asarray(made["default"]) == 0
    right = missed & (random.random(len(missed)) < gain / missed.mean())
    made["better"] = (~missed | right).astype(float).tolist()
    return made


def test_noise_keeps_the_default() -> None:
    made = [choose(RECALL, noise(seed, 24, 5, 15), labels(24, 5), seed=seed) for seed in range(40)]
    wrong = [one for one in made if one.verdict == "choose"]
    assert len(wrong) <= 4
    assert all(one.use == "default" for one in made if one not in wrong)
    # the highest of sixteen looks better than the default; what choosing gives does not
    apparent = [max(one.tried, key=lambda tried: tried.gain.difference).gain.difference for one in made]
    assert np.mean(apparent) > 0.02
    assert abs(np.mean([one.gain.difference for one in made])) < 0.01


def test_a_real_difference_is_found() -> None:
    made = [choose(RECALL, better(seed, 40, 6, 0.12), labels(40, 6), seed=seed) for seed in range(10)]
    assert [one.use for one in made].count("better") >= 9
    one = made[0]
    assert (one.verdict, one.winner, one.more) == ("choose", "better", 0)
    assert one.gain.low > 0
    assert one.sentence.startswith("use better: choosing like this changes page_recall@5 by +.")
    assert next(tried for tried in one.tried if tried.name == "better").chosen > 0.9


def test_of_a_difference_on_few_documents_it_says_how_many_more_it_takes() -> None:
    scores = better(3, 9, 3, 0.3)
    few = choose(RECALL, scores, labels(9, 3), seed=1)
    assert (few.verdict, few.use) == ("too little", "default")
    assert few.more == few.needed - 27 > 0
    assert "9 documents are fewer than the 10 it takes" in few.sentence
    assert f"about {few.needed:,} questions on documents like these, {few.more:,} more" in few.sentence


def test_enough_data_without_a_gain_says_that_one_would_have_shown() -> None:
    random = np.random.default_rng(0)
    base = (random.random(3000) < 0.7).astype(float)
    other = np.where(random.random(3000) < 0.02, 1 - base, base)
    found = choose(RECALL, {"a": base.tolist(), "b": other.tolist()}, labels(60, 50), least=0.05, seed=0)
    assert (found.verdict, found.use) == ("keep", "a")
    assert found.needed < 3000
    assert found.sentence.endswith("a gain of .050 would probably have shown")


def test_equal_candidates_are_said_to_be_equal() -> None:
    same: list[float | None] = [float(n % 2) for n in range(24)]
    found = choose(RECALL, {"a": same, "b": same}, labels(12, 2))
    assert (found.verdict, found.needed, found.winner) == ("keep", 0, "a")
    assert "no candidate gives another page_recall@5" in found.sentence


def test_where_less_is_better_the_lower_one_is_chosen() -> None:
    slow: list[float | None] = [1.0 + n % 3 / 10 for n in range(36)]
    fast = [score / 2 for score in slow if score is not None]
    found = choose(SECONDS, {"slow": slow, "fast": list(fast)}, labels(12, 3), seed=0)
    assert (found.verdict, found.use) == ("choose", "fast")
    assert found.gain.difference == pytest.approx(-0.55)
    assert choose(SECONDS, {"fast": list(fast), "slow": slow}, labels(12, 3), seed=0).use == "fast"


def test_questions_without_a_score_of_every_candidate_are_left_out() -> None:
    scores: dict[str, list[float | None]] = {"a": [0.0, 1.0, None, 1.0], "b": [1.0, None, 1.0, 1.0]}
    found = choose(RECALL, scores, ["x", "x", "y", "y"])
    assert found.gain.n == 2
    assert found.tried[1].value.value == 1.0
    with pytest.raises(ValueError, match="on 1 documents"):
        choose(RECALL, {"a": [0.0, None], "b": [1.0, 1.0]}, ["x", "y"])


def test_the_order_of_questions_changes_nothing() -> None:
    scores, on = better(5, 15, 4, 0.1), labels(15, 4)
    order = np.random.default_rng(2).permutation(len(on))
    moved = {name: [of[n] for n in order] for name, of in scores.items()}
    one, other = choose(RECALL, scores, on, seed=4), choose(RECALL, moved, [on[n] for n in order], seed=4)

    def told(choice: Choice) -> tuple[object, ...]:
        return choice.use, choice.sentence, round(choice.gain.difference, 12), [one.chosen for one in choice.tried]

    assert told(one) == told(other)


def test_the_first_within_one_standard_error_of_the_best_is_picked() -> None:
    sizes = np.asarray([1.0, 1.0, 1.0, 1.0])
    # shortfall of the first to the second: 1, 0, 0, 0: mean .25, standard error .25
    assert pick(np.asarray([[0.0, 1.0, 1.0, 1.0], [1.0, 1.0, 1.0, 1.0]]), sizes) == 0
    # 1, 1, 0, 0: mean .5, standard error sqrt(4/3 * 1) / 4 = .289
    assert pick(np.asarray([[0.0, 0.0, 1.0, 1.0], [1.0, 1.0, 1.0, 1.0]]), sizes) == 1
    # of two equals the first, and a third that is best by luck does not beat what comes before it
    assert pick(np.asarray([[0.0, 0.0, 1.0, 1.0], [1.0, 1.0, 1.0, 1.0], [1.0, 1.0, 1.0, 1.0]]), sizes) == 1


def test_the_number_of_questions_needed_is_that_of_a_paired_test() -> None:
    # +1 on half of twelve documents, -1 on a third, none on the rest; two questions each
    per = [1.0] * 6 + [-1.0] * 4 + [0.0] * 2
    gains = np.repeat(per, 2)
    base = np.full(24, 2.0)
    found = choose(RECALL, {"a": base.tolist(), "b": (base + gains).tolist()}, labels(12, 2), seed=0)
    mean = sum(per) / 12
    error = (12 / 11 * sum((one - mean) ** 2 for one in per)) ** 0.5 / 12
    assert found.needed == int(np.ceil(24 * ((1.959964 + 0.841621) * error / mean) ** 2))
