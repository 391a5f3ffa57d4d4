"""
Training on a Dask cluster
==========================

The data are dealt out to shards. In each round every shard trains by itself
from the same weights, and the mean of all weights begins the next round. This
cluster is a small one, inside this process; on a real one only the address of
the client is another.
"""

import matplotlib.pyplot as plt
import numpy as np
from distributed import Client, LocalCluster

import chainrule as cr

digits = cr.data.load_digits()


def network():
    model = cr.Sequential(
        [
            cr.layers.Dense(32, activation="relu"),
            cr.layers.Dense(10, activation="softmax"),
        ],
        seed=0,
    )
    model.compile(
        cr.optimizers.Adam(0.003),
        "sparse_categorical_crossentropy",
        ["accuracy"],
    )
    return model


# %%
# The same data with one, two, and four shards. An epoch of four shards makes a
# quarter of the updates, since they are made at the same time.

settings = {"epochs": 8, "batch_size": 8, "seed": 0, "verbose": 0}
histories, models = {}, {}
cluster = LocalCluster(
    n_workers=2, threads_per_worker=1, processes=False, dashboard_address=None
)
with cluster, Client(cluster) as client:
    for shards in [1, 2, 4]:
        models[shards] = network()
        histories[shards] = models[shards].fit(
            digits.X_train,
            digits.y_train,
            shards=shards,
            client=client,
            **settings,
        )

# %%
# Without a cluster the same rounds give the same bits: who computes a shard
# does not matter.

alone = network()
alone.fit(digits.X_train, digits.y_train, shards=4, **settings)
for on_cluster, here in zip(
    models[4].get_weights(), alone.get_weights(), strict=True
):
    assert np.array_equal(on_cluster, here)

cr.plots.curves(
    {
        f"shards: {shards}": (range(1, 9), history.loss)
        for shards, history in histories.items()
    },
    xlabel="epoch",
    ylabel="training loss",
    yscale="log",
)
plt.show()
