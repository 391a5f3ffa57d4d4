def sigmoid(X):
    return 1 / (1 + np.exp(-X))


def dsigmoid(X):
    sig = sigmoid(X)
    return sig * (1 - sig)


x = np.linspace(-5, 5, 100)
plt.plot(x, sigmoid(x), label="sigmoid")
plt.plot(x, dsigmoid(x), label="dsigmoid")
plt.legend(loc="best");
