# Classification of short texts: words to numbers by hand, embedding, average
import numpy as np
from tensorflow.keras.layers import Dense, Embedding, GlobalAveragePooling1D
from tensorflow.keras.models import Sequential
from tensorflow.keras.preprocessing.sequence import pad_sequences

docs = [
    "well done", "good work", "great effort", "nice work", "excellent",
    "weak", "poor effort", "not good", "poor work", "could have done better",
]  # fmt: skip
labels = np.array([1, 1, 1, 1, 1, 0, 0, 0, 0, 0])
words = sorted({word for doc in docs for word in doc.split()})
index = {word: number + 1 for number, word in enumerate(words)}
encoded = [[index[word] for word in doc.split()] for doc in docs]
vocab_size = len(index) + 1
max_length = 4
padded = pad_sequences(encoded, maxlen=max_length, padding="post", truncating="post")
print(padded)

model = Sequential(
    [
        Embedding(input_dim=vocab_size, output_dim=8),
        GlobalAveragePooling1D(),
        Dense(6, activation="relu"),
        Dense(1, activation="sigmoid"),
    ]
)
model.compile(optimizer="adam", loss="binary_crossentropy", metrics=["accuracy"])
num_epochs = 20
history = model.fit(padded, labels, epochs=num_epochs, verbose=0)
loss, accuracy = model.evaluate(padded, labels, verbose=0)
e = model.layers[0]
weights = e.get_weights()[0]
print(weights.shape)
new = pad_sequences([[index["good"], index["done"]]], maxlen=max_length, padding="post")
feeling = float(model.predict(new)[0][0])
