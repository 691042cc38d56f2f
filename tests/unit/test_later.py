"""A sequence that is worked out when it is first looked at."""

from __future__ import annotations

import pickle

from ragsys.codec import plain
from ragsys.later import Later


def test_it_is_worked_out_once_and_only_when_looked_at() -> None:
    runs: list[int] = []

    def make() -> list[str]:
        runs.append(1)
        return ["a", "b"]

    later = Later(make)
    assert runs == []
    assert (len(later), later[0], later[-1:], list(later)) == (2, "a", ("b",), ["a", "b"])
    assert runs == [1]


def test_it_stands_for_its_tuple() -> None:
    later = Later(lambda: (1, 2))
    assert later == (1, 2) == Later(lambda: [1, 2])
    assert later != (1,)
    assert (repr(later), hash(later), plain(later)) == ("(1, 2)", hash((1, 2)), [1, 2])
    assert pickle.loads(pickle.dumps(later)) == (1, 2)
    assert not Later(tuple)
