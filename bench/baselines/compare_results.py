"""Comparing two results in plain Python, as evaluation scripts do: tuples, Counter, and every order of columns.

The rule is the published one of Spider's test suites: the same multiset of rows (or the same list) under some order of
the columns, where a column is only tried in a place whose values include all of its own.
"""

import random
import time
from collections import Counter
from itertools import permutations

from stdio import serve


def table(rows):
    return [(i, f"name {i % 977}", i / 7, None if i % 2 == 0 else "x") for i in range(rows)]


def same(gold, predicted, ordered):
    if len(gold) != len(predicted):
        return False
    if not gold:
        return True
    width = len(gold[0])
    if len(predicted[0]) != width:
        return False
    gold_columns = [set(column) for column in zip(*gold)]
    predicted_columns = [set(column) for column in zip(*predicted)]
    fits = [[gold_columns[g] == predicted_columns[p] for p in range(width)] for g in range(width)]
    wanted = gold if ordered else Counter(gold)
    for order in permutations(range(width)):
        if not all(fits[g][p] for g, p in enumerate(order)):
            continue
        moved = [tuple(row[p] for p in order) for row in predicted]
        if (moved if ordered else Counter(moved)) == wanted:
            return True
    return False


def bird(gold, predicted):
    return set(predicted) == set(gold)


def measure(rows, case, rule, repeats):
    """Milliseconds of each comparison."""
    times = []
    for _ in range(repeats):
        # Fresh rows each time: fetched rows share no objects, and no string has its hash yet.
        gold, predicted = table(rows), table(rows)
        if case != "same-order":
            random.Random(5).shuffle(predicted)
        if case == "permuted-columns":
            predicted = [(d, c, b, a) for a, b, c, d in predicted]
        start = time.perf_counter()
        matched = bird(gold, predicted) if rule == "bird" else same(gold, predicted, False)
        times.append((time.perf_counter() - start) * 1000)
        assert matched
    return times


serve(measure=measure)
