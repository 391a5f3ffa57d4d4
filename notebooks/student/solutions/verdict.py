def verdict(train_loss, test_loss, train_accuracy, test_accuracy):
    if train_accuracy < 0.95:
        return "underfitting"
    if test_loss > 2 * train_loss and test_accuracy < train_accuracy:
        return "overfitting"
    return "neither"
