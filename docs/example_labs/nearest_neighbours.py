# %% [markdown]
# # k nearest neighbours
#
# A flower is of the kind that most of the flowers like it are of. Write this rule, for 150 irises.

# %%
import numpy as np
from sklearn.datasets import load_iris
iris = load_iris()  # four lengths of each flower, and its kind: 0, 1 or 2

# %% [markdown]
# ## 1. Distances
#
# Write the Euclidean distances between the rows of `A` and the rows of `B`: row *i*, column *j* has
# the distance between `A[i]` and `B[j]`.


# %% exercise="distances"
def distances(A, B):
    ### BEGIN SOLUTION
    return np.sqrt(((A[:, None, :] - B[None, :, :]) ** 2).sum(axis=-1))
    ### STUB
    # # TODO
    # return None
    ### END SOLUTION


# %% checks="distances"
title = "the distances between all rows of two arrays"
hints = [
    "Which shape has the result, and which axis is summed away?",
    "With an axis of length one in each array, NumPy forms all differences at once.",
    "d_ij = sqrt(sum over k of (A_ik - B_jk)²)",
]


def two_arrays(rng):
    return rng.normal(size=(5, 3)), rng.normal(size=(4, 3))


checks.shape(two_arrays)
checks.values(two_arrays, points=2)

checks.wrong("sum(axis=-1)", "sum(axis=0)", says="summed (or averaged) over the wrong axis")
checks.wrong("np.sqrt(", "(", says="distances(")
checks.wrong(" - B", " + B", says="sign")
checks.right("def distances(A, B):\n    return np.array([[np.linalg.norm(a - b) for b in B] for a in A])")

# %% [markdown]
# ## 2. The majority
#
# Write the label that occurs most often among some labels, 0, 1, 2, ...; of several such labels the
# smallest.


# %% exercise="majority"
def majority(labels):
    ### BEGIN SOLUTION
    return int(np.argmax(np.bincount(labels)))
    ### STUB
    # # TODO
    # return None
    ### END SOLUTION


# %% checks="majority"
title = "the most frequent label, of several the smallest"
hints = ["How often does each label occur?", "NumPy counts with bincount.", "argmax of the counts"]
checks.values([2, 1, 1, 0], [3, 3, 1, 1], lambda rng: rng.integers(0, 4, size=9), points=2)
checks.wrong("argmax", "max", says="majority([2, 1, 1, 0]) is 2, it must be 1")
checks.wrong("int(np.argmax(np.bincount(labels)))", "max(labels)", says="majority(")
checks.wrong("np.argmax(np.bincount(labels))", "labels[0]", says="majority(")
checks.right("def majority(labels):\n    labels = list(labels)\n    return max(sorted(labels), key=labels.count)")

# %% [markdown]
# ## 3. The classifier
#
# Write a class that keeps the samples in `fit` and predicts the kind of each row in `predict`.


# %% exercise="KNN"
class KNN:
    def __init__(self, k):
        self.k = k

    def fit(self, X, y):
        ### BEGIN SOLUTION
        self.X, self.y = X, y
        ### STUB
        # pass  # TODO
        ### END SOLUTION

    def predict(self, X):
        ### BEGIN SOLUTION
        nearest = np.argsort(distances(X, self.X), axis=1)[:, : self.k]
        return np.array([majority(self.y[row]) for row in nearest])
        ### STUB
        # return None  # TODO
        ### END SOLUTION


# %% checks="KNN" weight=2
title = "the classifier, by the majority of k neighbours"
hints = ["Print the neighbours of one flower.", "Sort the indices by distance, take k of them.", "argsort"]


def flowers(rng):
    order = rng.permutation(150)
    return iris_X[order[:100]], iris_y[order[:100]], iris_X[order[100:]], int(rng.integers(2, 8))


def used(KNN, X, y, new, k):
    model = KNN(k)
    model.fit(X, y)
    return model.predict(new)


iris_X, iris_y = solution.iris.data, solution.iris.target
checks.shape(flowers, call=used, what="KNN(k).predict(X)")
checks.values(flowers, call=used, what="KNN(k).predict(X)", points=2)


@checks.trains("the accuracy on 50 irises with k = 5", least=0.85)
def _(KNN, rng):
    X, y, new, _ = flowers(rng)
    order = rng.permutation(100)
    return np.mean(used(KNN, X[order[:60]], y[order[:60]], X[order[60:]], 5) == y[order[60:]])


checks.wrong("[:, : self.k]", "[:, -self.k :]", says="KNN(k).predict(X)")
checks.wrong("[:, : self.k]", "[:, :1]", says="KNN(k).predict(X)")
checks.wrong("axis=1", "axis=0", says="KNN")

# %% [markdown]
# Which `k` is best for new flowers? Draw the accuracy over `k`, and write what you see.


# %% exercise="discussion"
### BEGIN SOLUTION
discussion = "With few neighbours single odd flowers decide, with many the large groups do."
### STUB
# discussion = ""
### END SOLUTION

# %% checks="discussion"
title = "what the picture of the accuracy shows"
hints = ["Look at both ends of the curve."]
checks.text(words=8)
checks.human("Does the text explain both ends of the curve, and has the picture labelled axes?", points=3)
