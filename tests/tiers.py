"""Two tiers of tests: `make test` runs the quick ones, `make test-all` the thorough ones as well.

A test is thorough if it holds breadth, such as random programs, whole labs or many kills, beyond a
behaviour that a quick test holds. Of a large family of cases, `sampled` leaves some quick.
``make test-all ARGS="--part 2/5"`` runs the quick tests with a fifth of the thorough ones.
"""

import itertools

import pytest

GOLDEN = (5**0.5 - 1) / 2


def quick_cases(count, total):
    """Return the numbers of `count` among `total` cases: one of each part, at various places of it.

    With equal distances the cases of a table in two dimensions could all be of one column.
    """
    count = min(count, total)
    ends = [part * total // count for part in range(count + 1)]
    return {
        begin + int(part * GOLDEN % 1 * (end - begin))
        for part, (begin, end) in enumerate(itertools.pairwise(ends))
    }


def mark_thorough(items):
    """Mark all cases of each sampled test as thorough, but the quick ones."""
    families = {}
    for item in items:
        if item.get_closest_marker("sampled"):
            families.setdefault(item.nodeid.partition("[")[0], []).append(item)
    for cases in families.values():
        quick = quick_cases(cases[0].get_closest_marker("sampled").kwargs["quick"], len(cases))
        for number, case in enumerate(cases):
            if number not in quick:
                case.add_marker(pytest.mark.thorough)


def split_part(items, part):
    """Split tests into those of a part and the others; each quick test is in every part.

    Of ``"2/5"``, thorough tests and those of peers are in every fifth of their modules, from the
    third on. A number that is too large begins anew.
    """
    number, count = map(int, part.split("/"))
    thorough = [item for item in items if is_thorough(item)]
    modules = sorted({item.path for item in thorough})[number % count :: count]
    others = [item for item in thorough if item.path not in modules]
    left_out = set(others)
    return [item for item in items if item not in left_out], others


def is_thorough(item):
    """Return true for a test that `make test` leaves out."""
    return item.get_closest_marker("thorough") is not None or "peers" in item.path.parts
