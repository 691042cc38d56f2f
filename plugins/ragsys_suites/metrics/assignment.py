"""The best one-to-one pairing of rows and columns (Kuhn 1955, with potentials): exact, cubic, no package."""

from __future__ import annotations

from collections.abc import Sequence


def assign(gains: Sequence[Sequence[float]]) -> list[tuple[int, int]]:
    """Pairs (row, column) of the largest total gain; min(rows, columns) of them, by row.

    `gains` is a full matrix. Rows are added one at a time; each is placed along the cheapest alternating path, which
    the potentials keep non-negative.
    """
    if not gains or not gains[0]:
        return []
    rows, columns = len(gains), len(gains[0])
    if rows > columns:
        return sorted((row, column) for column, row in assign([list(column) for column in zip(*gains, strict=True)]))
    row_price, column_price = [0.0] * (rows + 1), [0.0] * (columns + 1)
    taken = [0] * (columns + 1)  # by column, from 1: its row, from 1; 0 is free
    for row in range(1, rows + 1):
        taken[0], here = row, 0
        slack, before, done = [float("inf")] * (columns + 1), [0] * (columns + 1), [False] * (columns + 1)
        while taken[here]:
            done[here] = True
            current, least, following = taken[here], float("inf"), 0
            for column in range(1, columns + 1):
                if done[column]:
                    continue
                cost = -gains[current - 1][column - 1] - row_price[current] - column_price[column]
                if cost < slack[column]:
                    slack[column], before[column] = cost, here
                if slack[column] < least:
                    least, following = slack[column], column
            for column in range(columns + 1):
                if done[column]:
                    row_price[taken[column]] += least
                    column_price[column] -= least
                else:
                    slack[column] -= least
            here = following
        while here:
            taken[here] = taken[before[here]]
            here = before[here]
    return sorted((row - 1, column - 1) for column, row in enumerate(taken) if column and row)
