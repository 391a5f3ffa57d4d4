"""The lab's own cells, unchanged, on the models of `chainrule.lab`."""

import matplotlib.pyplot as plt
import numpy as np

from chainrule import one_hot
from chainrule.lab import LogisticRegression, NeuralNet


def test_the_cells_of_softmax_regression(digits, capsys):
    X_train, X_test = digits.X_train, digits.X_test
    y_train, y_test = digits.y_train, digits.y_test

    n_features = X_train.shape[1]
    n_classes = len(np.unique(y_train))
    lr = LogisticRegression(n_features, n_classes)

    print("Evaluation of the untrained model:")
    train_loss = lr.loss(X_train, y_train)
    train_acc = lr.accuracy(X_train, y_train)
    test_acc = lr.accuracy(X_test, y_test)
    print("train loss: %0.4f, train acc: %0.3f, test acc: %0.3f"
          % (train_loss, train_acc, test_acc))  # fmt: skip

    learning_rate = 0.01
    for i, (x, y) in enumerate(zip(X_train, y_train)):  # noqa: B905
        lr.train(x, y, learning_rate)
        if i % 100 == 0:
            train_loss = lr.loss(X_train, y_train)
            train_acc = lr.accuracy(X_train, y_train)
            test_acc = lr.accuracy(X_test, y_test)
            print("Update #%d, train loss: %0.4f, train acc: %0.3f, test acc: %0.3f"
                  % (i, train_loss, train_acc, test_acc))  # fmt: skip

    assert 0.225 <= train_loss <= 0.245
    assert capsys.readouterr().out.count("Update #") == 16


def test_the_cells_of_the_hidden_layer(digits, capsys):
    X_train, X_test = digits.X_train, digits.X_test
    y_train, y_test = digits.y_train, digits.y_test
    scaler = digits.scaler

    def plot_prediction(model, sample_idx=0, classes=range(10)):
        fig, (ax0, ax1) = plt.subplots(nrows=1, ncols=2, figsize=(10, 4))
        ax0.imshow(scaler.inverse_transform(X_test[sample_idx : sample_idx + 1]).reshape(8, 8))
        ax1.bar(classes, one_hot(len(classes), y_test[sample_idx]), label="true")
        ax1.bar(classes, model.forward(X_test[sample_idx]), label="prediction", color="red")
        prediction = model.predict(X_test[sample_idx])
        ax1.set_title("Output probabilities (prediction: %d)" % prediction)
        plt.close(fig)

    n_hidden = 10
    model = NeuralNet(64, n_hidden, 10)
    assert abs(model.loss(X_train, y_train) - np.log(10)) < 0.01
    assert model.accuracy(X_train, y_train) < 0.3
    plot_prediction(model, sample_idx=5)

    losses, accuracies, accuracies_test = [], [], []
    for epoch in range(2):
        for i, (x, y) in enumerate(zip(X_train, y_train)):  # noqa: B007, B905
            model.train(x, y, 0.1)
        losses.append(model.loss(X_train, y_train))
        accuracies.append(model.accuracy(X_train, y_train))
        accuracies_test.append(model.accuracy(X_test, y_test))
        print("Epoch #%d, train loss: %0.5f, train acc: %0.3f, test acc: %0.3f"
              % (epoch + 1, losses[-1], accuracies[-1], accuracies_test[-1]))  # fmt: skip
    plot_prediction(model, sample_idx=4)
    assert losses[-1] < 0.3
