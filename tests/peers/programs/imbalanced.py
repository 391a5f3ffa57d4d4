"""Fraud: two rare classes' worth of positives, class weights, and counts as metrics."""

import keras
import numpy as np

rng = np.random.default_rng(2)
features = rng.normal(size=(400, 8)).astype("float32")
targets = (features[:, 0] + features[:, 1] > 2.2).astype("uint8")[:, None]
train_features, val_features = features[:320], features[320:]
train_targets, val_targets = targets[:320], targets[320:]

counts = np.bincount(train_targets[:, 0])
print(f"Positive samples in training data: {counts[1]}")
weight_for_0 = 1.0 / counts[0]
weight_for_1 = 1.0 / counts[1]

model = keras.Sequential(
    [
        keras.Input(shape=train_features.shape[1:]),
        keras.layers.Dense(16, activation="relu"),
        keras.layers.Dense(16, activation="relu"),
        keras.layers.Dense(1, activation="sigmoid"),
    ]
)
metrics = [
    keras.metrics.FalseNegatives(name="fn"),
    keras.metrics.FalsePositives(name="fp"),
    keras.metrics.TrueNegatives(name="tn"),
    keras.metrics.TruePositives(name="tp"),
    keras.metrics.Precision(name="precision"),
    keras.metrics.Recall(name="recall"),
    keras.metrics.AUC(name="auc"),
]
model.compile(optimizer=keras.optimizers.Adam(1e-2), loss="binary_crossentropy", metrics=metrics)
class_weight = {0: weight_for_0, 1: weight_for_1}
history = model.fit(
    train_features,
    train_targets,
    batch_size=64,
    epochs=4,
    verbose=2,
    validation_data=(val_features, val_targets),
    class_weight=class_weight,
)
keys = list(history.history)
results = model.evaluate(val_features, val_targets, return_dict=True, verbose=0)
