# %% [markdown]
# # A bigram language model
#
# A model that has only counted which letter follows which writes words that sound like those it has
# read. A dot marks the begin and the end of a word.

# %%
import numpy as np

names = "emma olivia ava isabella sophia mia amelia harper evelyn abigail ella lily aria".split()

# %% [markdown]
# ## 1. Counting
#
# Write a dict of how often each pair of letters occurs in some words, with the dots: `"ab"` has the
# pairs `".a"`, `"ab"` and `"b."`.


# %% exercise="count_pairs"
def count_pairs(words):
    ### BEGIN SOLUTION
    counts = {}
    for word in words:
        dotted = f".{word}."
        for pair in zip(dotted, dotted[1:]):
            counts["".join(pair)] = counts.get("".join(pair), 0) + 1
    return counts
    ### STUB
    # # TODO
    # return None
    ### END SOLUTION


# %% checks="count_pairs"
title = "how often each pair of letters occurs"
hints = ["Which pairs has the word 'a'?", "Put the dots first, then go through neighbours.", "zip with a shift"]


def some_words(rng):
    return ["".join(rng.choice(list("abc"), size=rng.integers(1, 6))) for _ in range(6)]


checks.values(["ab"], ["a", "aa"], some_words, points=2)
checks.wrong('f".{word}."', 'f".{word}"', says="it must be a dict with '.a', 'ab', 'b.'")
checks.wrong("+ 1", "+ 2", says="count_pairs(['ab'])['.a'] is 2, it must be 1")
checks.wrong('counts.get("".join(pair), 0) + 1', "1", says="is 1, it must be")
checks.right("""
from collections import Counter
def count_pairs(words):
    return Counter(a + b for w in words for a, b in zip("." + w, w + "."))
""")

# %% [markdown]
# ## 2. Probabilities
#
# Write the probability of each letter after a given one, as a dict.
# Pairs that never occur are left out.


# %% exercise="following"
def following(counts, letter):
    ### BEGIN SOLUTION
    own = {pair[1]: count for pair, count in counts.items() if pair[0] == letter}
    total = sum(own.values())
    return {other: count / total for other, count in own.items()}
    ### STUB
    # # TODO
    # return None
    ### END SOLUTION


# %% checks="following"
title = "the probabilities of the next letter"
hints = ["Do the probabilities sum to 1?", "Divide by the number of pairs that begin with the letter.", "n_ab / n_a"]


def counted(rng):
    words = some_words(rng)
    return solution.count_pairs(words), words[0][0]


checks.values(counted, points=2)


@checks.property("the probabilities sum to 1")
def _(following, rng):
    return np.isclose(sum(following(*counted(rng)).values()), 1)


checks.wrong("count / total", "count", says="following(")
checks.wrong("pair[0] == letter", "pair[1] == letter", says="following(")
checks.wrong("sum(own.values())", "sum(counts.values())", says="following(")

# %% [markdown]
# ## 3. How well it fits
#
# Write the average negative log likelihood of the pairs of some words. `epsilon` is the probability of
# a pair that was never seen.


# %% exercise="surprise"
def surprise(counts, words, epsilon=1e-3):
    ### BEGIN SOLUTION
    losses = []
    for pair, n in count_pairs(words).items():
        p = following(counts, pair[0]).get(pair[1], epsilon)
        losses += [-np.log(p)] * n
    return np.mean(losses)
    ### STUB
    # # TODO
    # return None
    ### END SOLUTION


# %% checks="surprise"
title = "the average negative log likelihood of words"
hints = ["What does a certain pair cost?", "Each pair costs minus the logarithm.", "-(1/n) Σ log p(b | a)"]
checks.finite(lambda rng: (solution.count_pairs(some_words(rng)), some_words(rng)))
checks.values(lambda rng: (solution.count_pairs(some_words(rng)), some_words(rng)), points=2)


@checks.trains("the surprise by the words that were counted", most=2.4)
def _(surprise, rng):
    words = list(rng.choice(solution.names, size=8, replace=False))
    return surprise(solution.count_pairs(words), words)


checks.wrong("-np.log", "np.log", says="the sign is wrong")
checks.wrong("np.mean", "np.sum", says="a sum stands where the average")
checks.wrong("* n", "* 1", says="surprise(")
