EPSILON = 1e-8


def nll(Y_true, Y_pred):
    Y_true = np.atleast_2d(Y_true)
    Y_pred = np.atleast_2d(Y_pred)

    log_likelihoods = np.sum(Y_true * np.log(EPSILON + Y_pred), axis=1)
    return -np.mean(log_likelihoods)
