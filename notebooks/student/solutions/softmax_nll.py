def softmax_nll(scores, y):
    rows = np.arange(len(y))
    Z = scores.value - scores.value.max(axis=1, keepdims=True)
    log_P = Z - np.log(np.exp(Z).sum(axis=1, keepdims=True))

    def pullback(g):
        d_Z = np.exp(log_P)
        d_Z[rows, y] -= 1
        return g * d_Z / len(y)

    return scores.tape.array(-log_P[rows, y].mean(), (scores, pullback))
