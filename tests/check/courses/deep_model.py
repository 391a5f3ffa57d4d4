"""A deep network with a cache for each layer, samples in columns, gradients in a dict."""

import numpy as np

from tests.check.collection import Run, Wrong


def sigmoid(Z):
    A = 1 / (1 + np.exp(-Z))
    return A, Z


def relu(Z):
    A = np.maximum(0, Z)
    return A, Z


def relu_backward(dA, cache):
    Z = cache
    dZ = np.array(dA, copy=True)
    dZ[Z <= 0] = 0
    return dZ


def sigmoid_backward(dA, cache):
    Z = cache
    s = 1 / (1 + np.exp(-Z))
    dZ = dA * s * (1 - s)
    return dZ


def linear_forward(A, W, b):
    Z = np.dot(W, A) + b
    return Z, (A, W, b)


def linear_activation_forward(A_prev, W, b, activation):
    Z, linear_cache = linear_forward(A_prev, W, b)
    A, activation_cache = (sigmoid if activation == "sigmoid" else relu)(Z)
    return A, (linear_cache, activation_cache)


def L_model_forward(X, parameters):
    caches = []
    A = X
    L = len(parameters) // 2
    for l in range(1, L):
        A, cache = linear_activation_forward(
            A, parameters["W" + str(l)], parameters["b" + str(l)], "relu"
        )
        caches.append(cache)
    AL, cache = linear_activation_forward(
        A, parameters["W" + str(L)], parameters["b" + str(L)], "sigmoid"
    )
    caches.append(cache)
    return AL, caches


def compute_cost(parameters, X, Y, lambd):
    AL, _ = L_model_forward(X, parameters)
    m = Y.shape[1]
    cost = (-1 / m) * np.sum(np.multiply(Y, np.log(AL)) + np.multiply(1 - Y, np.log(1 - AL)))
    L2 = sum(
        np.sum(np.square(parameters["W" + str(l)])) for l in range(1, len(parameters) // 2 + 1)
    )
    return np.squeeze(cost) + lambd / (2 * m) * L2


def linear_backward(dZ, cache, lambd):
    A_prev, W, b = cache
    m = A_prev.shape[1]
    dW = 1 / m * np.dot(dZ, A_prev.T) + lambd / m * W
    db = 1 / m * np.sum(dZ, axis=1, keepdims=True)
    dA_prev = np.dot(W.T, dZ)
    return dA_prev, dW, db


def linear_activation_backward(dA, cache, activation, lambd):
    linear_cache, activation_cache = cache
    if activation == "relu":
        dZ = relu_backward(dA, activation_cache)
    elif activation == "sigmoid":
        dZ = sigmoid_backward(dA, activation_cache)
    return linear_backward(dZ, linear_cache, lambd)


def L_model_backward(parameters, X, Y, lambd):
    AL, caches = L_model_forward(X, parameters)
    grads = {}
    L = len(caches)
    Y = Y.reshape(AL.shape)
    dAL = -(np.divide(Y, AL) - np.divide(1 - Y, 1 - AL))
    dA, grads["W" + str(L)], grads["b" + str(L)] = linear_activation_backward(
        dAL, caches[L - 1], "sigmoid", lambd
    )
    for l in reversed(range(L - 1)):
        dA, dW_temp, db_temp = linear_activation_backward(dA, caches[l], "relu", lambd)
        grads["W" + str(l + 1)] = dW_temp
        grads["b" + str(l + 1)] = db_temp
    return {name: grads[name] for name in parameters}


def problem(rng, sizes=(3, 5, 4, 1), n=7):
    parameters = {}
    for l in range(1, len(sizes)):
        parameters["W" + str(l)] = rng.normal(size=(sizes[l], sizes[l - 1])) / np.sqrt(sizes[l - 1])
        parameters["b" + str(l)] = rng.normal(size=(sizes[l], 1)) * 0.3
    return parameters, rng.normal(size=(sizes[0], n)), rng.integers(0, 2, (1, n)).astype(float), 0.4


RUNS = {"deep": Run("compute_cost", "L_model_backward", problem, {"n": 500})}


def wrong(style, right, mistaken, said, *also):
    return Wrong(style, right, mistaken, said, "deep", also)


SLOPE = r"relu|slope|derivative|Z <= 0|sigmoid"
AVERAGE = r"average|divi|1 / m"
WRONG = [
    wrong("relu_backward", "    dZ[Z <= 0] = 0\n", "", SLOPE),
    wrong("relu_backward", "dZ[Z <= 0] = 0", "dZ[dA <= 0] = 0", SLOPE + "|dA"),
    wrong("relu_backward", "dZ[Z <= 0] = 0", "dZ[Z <= 0] = 0.01", SLOPE + "|0"),
    wrong("sigmoid_backward", "dA * s * (1 - s)", "dA * Z * (1 - Z)", SLOPE),
    wrong("sigmoid_backward", "dA * s * (1 - s)", "s * (1 - s)", r"dA|chain|missing|multipl"),
    wrong("linear_backward", "1 / m * np.dot(dZ, A_prev.T)", "np.dot(dZ, A_prev.T)", AVERAGE),
    wrong(
        "linear_backward",
        "1 / m * np.sum(dZ, axis=1, keepdims=True)",
        "1 / m * np.sum(dZ)",
        r"axis|shape|sum",
    ),
    wrong("linear_backward", "lambd / m * W", "lambd * W", AVERAGE + "|penal|regulari|lambd"),
    wrong(
        "linear_backward",
        "lambd / m * W",
        "lambd / (2 * m) * W",
        r"factor|\b2\b|penal|regulari|half",
    ),
    wrong(
        "linear_backward",
        "dA_prev = np.dot(W.T, dZ)",
        "dA_prev = 1 / m * np.dot(W.T, dZ)",
        AVERAGE + "|twice",
    ),
    wrong(
        "linear_backward",
        "m = A_prev.shape[1]",
        "m = A_prev.shape[0]",
        r"shape|number of|average|axis",
    ),
    wrong(
        "L_model_backward",
        "dAL = -(np.divide(Y, AL) - np.divide(1 - Y, 1 - AL))",
        "dAL = AL - Y",
        r"divide|cross.entropy|dAL|derivative|log|AL|too often",
        "dZ = sigmoid_backward(dA, activation_cache)",
    ),
    wrong(
        "L_model_backward",
        "-(np.divide(Y, AL) - np.divide(1 - Y, 1 - AL))",
        "-(np.divide(Y, AL) + np.divide(1 - Y, 1 - AL))",
        r"sign|minus|\+",
    ),
    wrong(
        "L_model_backward",
        "-(np.divide(Y, AL) - np.divide(1 - Y, 1 - AL))",
        "(np.divide(Y, AL) - np.divide(1 - Y, 1 - AL))",
        r"sign|minus|negat",
    ),
    wrong(
        "linear_activation_backward",
        "dZ = relu_backward(dA, activation_cache)",
        "dZ = sigmoid_backward(dA, activation_cache)",
        SLOPE,
    ),
    wrong(
        "linear_backward",
        ("1 / m * np.dot(dZ, A_prev.T)", "1 / m * np.sum(dZ, axis=1, keepdims=True)"),
        ("np.dot(dZ, A_prev.T)", "np.sum(dZ, axis=1, keepdims=True)"),
        (AVERAGE, AVERAGE),
    ),
]
