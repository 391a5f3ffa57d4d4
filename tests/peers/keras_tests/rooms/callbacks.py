"""Callbacks whose private names are asked for, and that compare with Keras's own functions."""

import numpy as np
from keras.src import ops
from tests.peers.keras_tests.imports import Room

from chainrule import callbacks

COMPARING = {np.less: ops.less, np.greater: ops.greater, None: None}

room = Room("callbacks", vars(callbacks))
PATCHES = {
    callbacks.MonitorCallback: {
        "monitor_op": property(
            lambda self: self.__dict__["monitor_op"],
            lambda self, function: self.__dict__.update(monitor_op=COMPARING[function]),
        ),
        "_set_monitor_op": lambda self: None,
        "_is_improvement": callbacks.MonitorCallback.improves,
    }
}
