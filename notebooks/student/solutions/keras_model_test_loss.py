def sample_nll(y_true, Y_pred, index):
    return -np.log(EPSILON + Y_pred[index, y_true[index]])


def average_nll(y_true, Y_pred):
    return np.mean([sample_nll(y_true, Y_pred, index) for index in range(len(y_true))])
