"""Keras's own tests, from the installed wheel, run on chainrule.

``python -m tests.peers.keras_tests [family ...]`` prints what of each family passes;
``tests/peers/test_keras_tests.py`` holds it to ``exceptions.txt``. Nothing of Keras is copied: a
test file is executed with an import of its own (`imports.py`), which gives chainrule's classes
where the file asks `keras.src` for them, and real Keras for the scaffolding: variables, ``ops``.

What a file gets for ``keras.src.<name>`` is the room `rooms/<name>.py`; what has none there is real
Keras. A room is a ``Room(name, chainrule's names)``. It may adapt the way of calling (arrays in,
state kept in an object), but computes nothing. A name that it does not have fails when it is used.

To add a family: a line in `FAMILIES`, and a room for each module of Keras's that it tests. Run the
family, mend chainrule, and write down what remains in ``exceptions.txt``, a line each::

    optimizers/adam_test.py::AdamTest::test_ema  why it does not apply

A test that applies and fails all the same is written ``lacking: why``: it counts as applicable.
``*`` in the name of a test stands for anything.
"""

FAMILIES = {
    "optimizers": ["optimizers/*_test.py"],
    "schedules": ["optimizers/schedules/*_test.py"],
    "activations": ["activations/*_test.py"],
    "regularizers": ["regularizers/*_test.py"],
    "constraints": ["constraints/*_test.py"],
    "initializers": ["initializers/*_test.py"],
    "convolutions": ["layers/convolutional/*_test.py"],
    "pooling": ["layers/pooling/*_test.py"],
    "reshaping": ["layers/reshaping/*_test.py"],
    "activation layers": ["layers/activations/*_test.py"],
    "regularization layers": ["layers/regularization/*_test.py"],
    "recurrent layers": ["layers/rnn/[!cd]*_test.py"],
    "core layers": ["layers/core/[!er]*_test.py", "layers/core/embedding_test.py"],
    "normalization": ["layers/normalization/[!s]*_test.py"],
    "attention": ["layers/attention/multi_head_attention_test.py"],
    "layer": ["layers/layer_test.py"],
    "sequential": ["models/sequential_test.py"],
    "functional": ["models/functional_test.py"],
    "model": ["models/model_test.py"],
    "trainer": ["trainers/trainer_test.py"],
    "callbacks": ["callbacks/[!ost]*_test.py", "callbacks/terminate_*_test.py"],
    "losses": ["losses/*_test.py"],
    "metrics": ["metrics/*_test.py"],
}
"""The files of each family, below `keras.src`."""
