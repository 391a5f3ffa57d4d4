def search(hidden_sizes, learning_rates, X, y, X_valid, y_valid, epochs=1):
    accuracies = np.zeros((len(hidden_sizes), len(learning_rates)))
    for i, hidden_size in enumerate(hidden_sizes):
        for j, learning_rate in enumerate(learning_rates):
            net = NeuralNet(X.shape[1], hidden_size, len(np.unique(y)))
            for epoch in range(epochs):
                for x_i, y_i in zip(X, y):
                    net.train(x_i, y_i, learning_rate)
            accuracies[i, j] = net.accuracy(X_valid, y_valid)
    return accuracies
