"""Whatever a model, a layer or a callback is given, it works, or an error of our own says why."""

import copy
import pickle
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.draws import draws
from tests.nn.network.test_files import LAYERS

import chainrule as cr
from chainrule._src.nn import layers
from chainrule.errors import ChainruleError, DataError, ShapeError, UnknownNameError

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(12, 4)).astype("f4"), np.arange(12) % 3

ODD = [
    None, True, False, -1, 0, 1, 2, 3.5, -0.1, float("nan"), float("inf"), 2**70, 1j, "", "relu",
    "loss", "{nothing}", "\0", b"bytes", [], [1], [1, "a"], [[1], [2, 3]], (1, 2), (0, 0), (-1,),
    {}, {"a": 1}, {0: "a"}, {0: float("nan")}, object(), lambda: 0, lambda *a: None, int,
    layers.Dense, layers.Dense(2, name="other"), ValueError("a"), ..., np.float32(1), np.array(2),
    np.array("a"), np.array([1, None]), np.zeros(0), np.zeros((0, 4)), np.zeros((12, 5), "f4"),
    np.zeros((2, 1, 2, 1, 1)), np.full((12, 4), np.nan), np.ones((12, 4)), np.ones(12, complex),
    np.zeros(12, "M8[s]"), np.full(12, 7), np.full(12, -1.5), Y, X, X[:5], (X, Y), (X, Y[:5]),
    (X, Y, -np.ones(12)), (X[:, :2], Y), [(X, Y)], [(X, Y), 3], iter([]), [X, Y], range(3),
    {"x": X}, {1, 2},
]  # fmt: skip
READS = (  # a model stays as it is
    "evaluate", "predict", "predict_on_batch", "check_gradients", "gradients", "source", "__call__",
)  # fmt: skip
ENDLESS = {
    ("fit", "epochs"): [2**70], ("source", "batch_size"): [2**70],
    ("save", "path"): ["{nothing}", "loss", "relu"],
}  # fmt: skip


def model():
    made = cr.Sequential([layers.Dense(5, "relu"), layers.Dense(3, "softmax")], seed=0)
    made.compile("sgd", "sparse_categorical_crossentropy", engine="numpy")
    made.fit(X, Y, verbose=0)
    return made


MODEL = model()


def held(made):
    """Return all that a refused call must leave as it is."""
    return {
        "weights": made.get_weights(),
        "config": made.get_config(),
        "history": made.history,
        "compiled": [made.optimizer.get_config(), made.loss.get_config(), made.engine],
        "state": made.optimizer_state,
        "random": made.rng.bit_generator.state,
        "names": [layer.name for layer in made.layers],
    }


CALLS = {
    "fit": {
        "x": X, "y": Y, "batch_size": 5, "epochs": 1, "verbose": 0, "callbacks": None,
        "validation_split": 0.0, "validation_data": None, "shuffle": True, "class_weight": None,
        "sample_weight": None, "initial_epoch": 0, "steps_per_epoch": None, "seed": None,
        "resume_from": None, "drop_remainder": False,
    },
    "evaluate": {
        "x": X, "y": Y, "batch_size": 5, "verbose": 0, "sample_weight": None, "return_dict": False,
    },
    "predict": {"x": X, "batch_size": 5, "verbose": 0},
    "predict_on_batch": {"x": X},
    "train_on_batch": {
        "x": X, "y": Y, "sample_weight": None, "class_weight": None, "return_dict": False,
    },
    "compile": {
        "optimizer": "sgd", "loss": "mse", "metrics": None, "weighted_metrics": None,
        "engine": "numpy",
    },
    "set_weights": {"weights": MODEL.get_weights()},
    "get_layer": {"name": None, "index": 0},
    "add": {"layer": layers.Activation("relu")},
    "build": {"input_shape": (None, 4)},
    "check_gradients": {"x": X, "y": Y},
    "gradients": {"x": X, "y": Y, "sample_weight": None},
    "source": {"dialect": "kernel", "batch_size": 3},
    "save": {"path": "/dev/null/nowhere"},
    "load": {"path": "nowhere"},
    "from_config": {"config": MODEL.get_config()},
    "__call__": {"x": X, "training": False},
}  # fmt: skip
ARGUMENTS = [(call, name) for call, arguments in CALLS.items() for name in arguments]


def is_endless(call, name, odd):
    """Whether a call would train for ever, fill the memory, or write a file."""
    return any(type(odd) is type(x) and odd == x for x in ENDLESS.get((call, name), []))


HELD = pickle.dumps(held(MODEL))  # of every copy, too


def as_before(made, call, odd):
    """Call a model with something odd; return one that is as it was: this, where it is refused."""
    if any(is_endless(call, name, value) for name, value in odd.items()):
        return made
    try:
        getattr(made, call)(**{**CALLS[call], **odd})
    except ChainruleError as error:
        said = str(error)
        assert len(said) > 20
        after = held(made)
        if pickle.dumps(after) != HELD:  # which tells sooner, but not of all
            np.testing.assert_equal(after, pickle.loads(HELD))
        return made
    return made if call in READS else copy.deepcopy(MODEL)


@pytest.mark.sampled(quick=3)
@pytest.mark.parametrize(("call", "name"), ARGUMENTS)
def test_any_odd_argument_works_or_is_refused(call, name):
    made = copy.deepcopy(MODEL)
    for odd in ODD:
        made = as_before(made, call, {name: odd})


@draws(60)
@given(st.data(), st.sampled_from(sorted(CALLS)))
def test_several_odd_arguments_work_or_are_refused(data, call):
    odd = data.draw(st.dictionaries(st.sampled_from(sorted(CALLS[call])), st.sampled_from(ODD)))
    as_before(copy.deepcopy(MODEL), call, odd)


KINDS = {name: (type(layer), layer.get_config(), x) for name, (layer, x) in LAYERS.items()}
KINDS["input"] = (layers.Input, {"shape": (4,)}, X)


def shares(option):
    """Return how many layers with this option share the odd values: all layers read it alike."""
    n_layers = sum(option in config for _, config, _ in KINDS.values())
    return 16 if n_layers > 20 else 3 if n_layers > 2 else 1


@pytest.mark.sampled(quick=10)
@pytest.mark.parametrize("name", KINDS)
def test_any_odd_option_of_a_layer_works_or_is_refused(name):
    kind, config, x = KINDS[name]
    for option in config:
        layers_with_it = [other for other in KINDS if option in KINDS[other][1]]
        for odd in ODD[layers_with_it.index(name) % shares(option) :: shares(option)]:
            try:
                made = kind(**{**config, option: odd})
                made(x)
                made(x, training=True)
                made.get_config()
            except ChainruleError as error:
                said = str(error)
                assert len(said) > 20


@pytest.mark.filterwarnings("ignore:invalid value")  # of NaN
@pytest.mark.parametrize("name", KINDS)
def test_any_odd_input_of_a_layer_works_or_is_refused(name):
    kind, config, _ = KINDS[name]
    for odd in ODD:
        with suppress(ChainruleError):
            kind(**config)(odd)


# What the errors say


def test_a_wrong_shape_names_layer_axis_expected_and_received():
    weights = MODEL.get_weights()
    for call in (lambda: MODEL.fit(X[:, :3], Y), lambda: MODEL.predict(X[:, :3])):
        with pytest.raises(ShapeError) as caught:
            call()
        assert "layer 'dense' (Dense): expected 4 in axis 1 of the input, received 3" in str(
            caught.value
        )
    np.testing.assert_equal(MODEL.get_weights(), weights)


MISFITS = {
    "one sample": (lambda: MODEL.predict(X[0]), ShapeError, r"give x\[np.newaxis\]"),
    "window": (
        lambda: cr.Sequential([layers.Input((4, 4, 1)), layers.Conv2D(2, 5)]),
        ShapeError,
        r"'conv2d' \(Conv2D\): a window of 5 does not fit into axis 1",
    ),
    "no image": (
        lambda: cr.Sequential([layers.Input((16,)), layers.MaxPooling2D()]),
        ShapeError,
        r"expected images, shape \(n, height, width, channels\), received \(n, 16\)",
    ),
    "reshape": (
        lambda: cr.Sequential([layers.Input((6,)), layers.Reshape((4, 2))]),
        ShapeError,
        "have 6 entries",
    ),
    "features": (
        lambda: layers.Normalization(mean=[1.0, 2.0], variance=[1.0, 2.0])(X),
        ShapeError,
        "of 2 features, the input has 4",
    ),
    "axis": (lambda: layers.BatchNormalization(axis=2)(X), ShapeError, "has no axis 2"),
    "both": (
        lambda: layers.Conv2D(2, 3, strides=2, dilation_rate=2),
        DataError,
        "cannot both be larger than 1",
    ),
    "labels": (lambda: MODEL.fit(X, Y + 1), DataError, "from 0 to 2, received 3 in row "),
    "held labels": (
        lambda: MODEL.fit(X, Y, validation_data=(X, Y + 1)),
        DataError,
        "from 0 to 2, received 3 in row ",
    ),
    "NaN": (lambda: MODEL.fit(X + np.nan, Y), DataError, r"the first is x\[0, 0\] = nan"),
    "lengths": (lambda: MODEL.fit(X, Y[:7]), ShapeError, r"received shapes \(12, 4\) and \(7,\)"),
    "texts": (lambda: MODEL.fit(X, ["a"] * 12), DataError, "return_inverse"),
    "metric": (
        lambda: MODEL.compile("sgd", "mse", metrics=["acuracy"]),
        UnknownNameError,
        "did you mean 'accuracy'",
    ),
    "not compiled": (
        lambda: cr.Sequential([layers.Dense(1)]).fit(X, Y),
        DataError,
        "compile the model first",
    ),
    "no layers": (lambda: cr.Sequential().build((None, 3)), DataError, "no layers"),
    "a name twice": (
        lambda: cr.Sequential([layers.Dense(1, name="a"), layers.Dense(1, name="a")]),
        DataError,
        "there is a layer 'a' already",
    ),
    "option": (lambda: layers.Dense(3, unit=3), UnknownNameError, "did you mean 'units'"),
    "activation": (lambda: layers.Dense(3, "rellu"), UnknownNameError, "did you mean 'relu'"),
    "split": (lambda: MODEL.fit(X, Y, validation_split=0.99), DataError, "leaves nothing"),
    "batches": (
        lambda: MODEL.fit(iter([(X, Y)]), validation_split=0.5, steps_per_epoch=1),
        DataError,
        "need arrays",
    ),
}


@pytest.mark.parametrize("name", MISFITS)
def test_the_error_says_what_to_do_and_nothing_changes(name):
    call, kind, message = MISFITS[name]
    before = copy.deepcopy(held(MODEL))
    with pytest.raises(kind, match=message):
        call()
    np.testing.assert_equal(held(MODEL), before)


def test_a_model_that_was_not_built_stays_so_where_labels_do_not_fit():
    made = cr.Sequential([layers.Dense(3, "softmax")], seed=0)
    made.compile("sgd", "sparse_categorical_crossentropy")
    with pytest.raises(DataError, match="from 0 to 2"):
        made.fit(X, Y + 1, verbose=0)
    assert not made.built


@pytest.mark.parametrize("engine", ["numpy", "compiled"])
def test_things_without_a_row_in_an_embedding_are_refused_in_training_too(engine):
    made = cr.Sequential([layers.Embedding(5, 2), layers.Flatten(), layers.Dense(3)], seed=0)
    made.compile("sgd", cr.losses.SparseCategoricalCrossentropy(from_logits=True), engine=engine)
    things = np.arange(12).reshape(12, 1)
    for call in (made.predict, lambda x: made.fit(x, Y, verbose=0)):
        with pytest.raises(DataError, match=r"Embedding.*from 0 to 4, received 5 in row 5"):
            call(things)
        with pytest.raises(DataError, match=r"Embedding.*from 0 to 4, received -1 in row 0"):
            call(np.minimum(things, 1) - 1)
        with pytest.raises(DataError, match="whole numbers"):
            call(things / 12)
