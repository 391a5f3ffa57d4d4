# %% [markdown]
# # Principal components of digits
#
# An image of 8 × 8 pixels is a point in 64 dimensions. Few directions explain most of how digits
# differ; you find them, and look at digits in {{COMPONENTS}} numbers in place of 64.

# %%
import numpy as np
from sklearn.datasets import load_digits

X = load_digits().data

# %% task="COMPONENTS"
def draw(rng):
    return {"COMPONENTS": rng.integers(3, 9)}


# %% [markdown]
# ## 1. Around the mean
#
# Write the rows of `X`, from which the mean of each column is subtracted.


# %% exercise="centred"
def centred(X):
    ### BEGIN SOLUTION
    return X - X.mean(axis=0)
    ### STUB
    # # TODO
    # return None
    ### END SOLUTION


# %% checks="centred"
title = "the data around their mean"
hints = ["What is the mean of each column of your result?", "The mean over the samples is a row.", "x - mean(x)"]


def table(rng):
    return rng.normal(2, 1, size=(7, 4)) @ rng.normal(size=(4, 4))


checks.shape(table)
checks.values(table, points=2)
checks.wrong("axis=0", "axis=1", says="centred(")
checks.wrong("X.mean(axis=0)", "X.mean()", says="axis")
checks.wrong("X - ", "X + ", says="sign")
checks.right("X.mean(axis=0)", "np.sum(X, axis=0) / len(X)")

# %% [markdown]
# ## 2. The directions
#
# Write the first `n` principal components as rows: orthogonal directions of length 1, the one with the
# largest variance first. Their signs are up to you.


# %% exercise="components"
def components(X, n):
    ### BEGIN SOLUTION
    values, vectors = np.linalg.eigh(np.cov(X, rowvar=False))
    return vectors.T[np.argsort(values)[::-1][:n]]
    ### STUB
    # # TODO
    # return None
    ### END SOLUTION


# %% checks="components" weight=2
title = "the directions of the largest variance"
hints = [
    "Which variance have the data along your first direction?",
    "They are eigenvectors of the covariance matrix; those of the largest eigenvalues come first.",
    "C v = λ v, with C = Xᵀ X / (n - 1) of centred data",
]


def without_sign(components, X, n):
    rows = expect.array(components(X, n), "components(X, n)")
    return np.abs(rows)


checks.shape(lambda rng: (table(rng), 2))


@checks.property("the rows are orthogonal and of length 1")
def _(components, rng):
    rows = components(table(rng), 3)
    return np.allclose(rows @ rows.T, np.eye(3), atol=1e-6)


checks.values(lambda rng: (table(rng), 3), call=without_sign, what="components(X, 3), without signs,", points=2)
checks.wrong("[::-1]", "", says="components(X, 3)")
checks.wrong("vectors.T", "vectors", says="components(X, 3)")
checks.wrong("[:n]", "", says="the shape (4, 4), it must be (2, 4)")
checks.right("""
def components(X, n):
    return np.linalg.svd(X - X.mean(axis=0), full_matrices=False)[2][:n]
""")

# %% [markdown]
# ## 3. Back again
#
# Write the data as they are after a way there and back: projected to your {{COMPONENTS}} components
# (`COMPONENTS` in the code), and back to all columns.


# %% exercise="compressed"
def compressed(X):
    ### BEGIN SOLUTION
    V = components(X, COMPONENTS)
    return centred(X) @ V.T @ V + X.mean(axis=0)
    ### STUB
    # # TODO
    # return None
    ### END SOLUTION


# %% checks="compressed"
title = "the data in few numbers, and back"
hints = ["Is the mean there again?", "Project the centred data, then multiply by the rows.", "x̂ = μ + V Vᵀ (x - μ)"]
checks.values(lambda rng: rng.normal(size=(30, 10)), lambda rng: solution.X[:200], points=2)
checks.wrong(" + X.mean(axis=0)", "", says="compressed(")
checks.wrong("COMPONENTS)", "COMPONENTS - 1)", says="compressed(")
checks.wrong("centred(X)", "X", says="compressed(")
