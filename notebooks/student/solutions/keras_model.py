def keras_model(input_size, hidden_size, output_size, learning_rate=0.1, momentum=0.9):
    model = keras.Sequential([
        keras.layers.Input(shape=(input_size,)),
        keras.layers.Dense(hidden_size, activation="sigmoid"),
        keras.layers.Dense(output_size, activation="softmax"),
    ])
    model.compile(
        optimizer=keras.optimizers.SGD(learning_rate=learning_rate, momentum=momentum),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    return model
