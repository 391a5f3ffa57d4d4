def worst_predictions(Y_true, Y_pred, n=5):
    losses = -np.sum(Y_true * np.log(EPSILON + Y_pred), axis=1)
    return np.argsort(losses)[::-1][:n]
