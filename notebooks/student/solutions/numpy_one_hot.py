def one_hot(n_classes, y):
    return np.eye(n_classes)[y]
