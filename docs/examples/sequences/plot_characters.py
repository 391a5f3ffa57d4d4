"""
A network writes, one character after another
=============================================

A character model predicts the next character of a text. Given its own guesses
as input, it writes. This is the well-known minimal recurrent network, in NumPy,
with the gradient taken by chainrule.
"""

import matplotlib.pyplot as plt
import numpy as np

import chainrule as cr

text = (
    "the chain rule tells how a change goes through a chain of functions. "
    "the change of the last is the product of the changes of each. "
    "a network is a chain of functions, "
    "so the rule tells how to change the weights. "
) * 4
alphabet = sorted(set(text))
codes = np.array([alphabet.index(letter) for letter in text])
K, UNITS, LENGTH = len(alphabet), 64, 24

# %%
# The samples are all pieces of 24 characters; the targets are the same pieces,
# one character later.

pieces = np.lib.stride_tricks.sliding_window_view(codes, LENGTH + 1)[
    : len(codes) // 4
]
X, Y = pieces[:, :-1], pieces[:, 1:]


def step(params, state, letter):
    state = np.tanh(
        params["into"][letter] + state @ params["again"] + params["b"]
    )
    return state, state @ params["out"] + params["c"]


def loss(params, X, Y):
    start = np.zeros((len(X), UNITS))
    _, scores = cr.scan(
        lambda state, letter: step(params, state, letter), start, X.T
    )
    chances = cr.functions.log_softmax(scores)
    return -np.mean(np.sum(chances * cr.one_hot(K, Y.T), axis=2))


rng = np.random.default_rng(0)
params = {
    "into": rng.normal(size=(K, UNITS)) * 0.1,
    "again": rng.normal(size=(UNITS, UNITS)) * 0.1,
    "b": np.zeros(UNITS),
    "out": rng.normal(size=(UNITS, K)) * 0.1,
    "c": np.zeros(K),
}
params, history = cr.minimize(
    loss, params, X, Y, optimizer=cr.optimizers.Adam(0.01), epochs=25, seed=0
)
print(f"loss of a character: {history.loss[0]:.2f} → {history.loss[-1]:.2f}")


# %%
# To write, the most probable character is taken each time and given to the
# network as its next input.


def write(opening, length):
    state, chances = np.zeros(UNITS), []
    letters = [alphabet.index(letter) for letter in opening]
    for position in range(length):
        state, scores = step(params, state, letters[position])
        chances.append(cr.softmax(scores[None])[0])
        if position >= len(opening) - 1:
            letters.append(int(scores.argmax()))
    return "".join(alphabet[code] for code in letters), np.array(chances)


sentence, chances = write("the ", 60)
print(sentence)

# %%
# Each column shows what the network expects after the character below it.
# Within a word it is sure; at the beginning of a word it hesitates.

shown = 36
figure, axes = plt.subplots(figsize=(9, 5), layout="constrained")
picture = axes.imshow(
    chances[:shown].T, cmap="viridis", aspect="auto", vmin=0, vmax=1
)
axes.set_xticks(
    range(shown), sentence[:shown].replace(" ", "␣"), family="monospace"
)
axes.set_yticks(
    range(K), "".join(alphabet).replace(" ", "␣"), family="monospace"
)
axes.set(xlabel="character that was read", ylabel="next character")
figure.colorbar(picture, label="probability")
plt.show()
