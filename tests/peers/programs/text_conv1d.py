# Convolutions over words
import numpy as np
from keras.layers import Conv1D, Dense, Embedding, Flatten, GlobalMaxPooling1D, MaxPooling1D
from keras.models import Sequential
from keras.preprocessing import sequence

top_words, max_words = 60, 20
np.random.seed(7)
X = [np.random.randint(1, top_words, size=np.random.randint(5, 30)).tolist() for _ in range(80)]
y = np.array([len(words) > 17 for words in X], dtype="float32")
X = sequence.pad_sequences(X, maxlen=max_words)

model = Sequential()
model.add(Embedding(top_words, 8))
model.add(Conv1D(filters=8, kernel_size=3, padding="same", activation="relu"))
model.add(MaxPooling1D(pool_size=2))
model.add(Flatten())
model.add(Dense(10, activation="relu"))
model.add(Dense(1, activation="sigmoid"))
model.compile(loss="binary_crossentropy", optimizer="adam", metrics=["accuracy"])
history = model.fit(X, y, validation_split=0.25, epochs=2, batch_size=16, verbose=2)

pooled = Sequential()
pooled.add(Embedding(top_words, 8, embeddings_initializer="uniform", name="words"))
pooled.add(Conv1D(8, 5, strides=2, activation="relu", dilation_rate=1))
pooled.add(Conv1D(8, 3, padding="causal", activation="relu"))
pooled.add(GlobalMaxPooling1D())
pooled.add(Dense(1, activation="sigmoid"))
pooled.compile(loss="binary_crossentropy", optimizer="rmsprop", metrics=["acc"])
second = pooled.fit(X, y, epochs=2, batch_size=16, verbose=0)
scores = pooled.evaluate(X, y, verbose=0)
print("Accuracy: %.2f%%" % (scores[1] * 100))
