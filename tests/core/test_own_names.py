"""Classes and functions of one's own that have the names of ours: never one for the other."""

from __future__ import annotations

import inspect
import json

import numpy as np
import pytest

import chainrule as cr
from chainrule import (
    activations,
    callbacks,
    constraints,
    initializers,
    keras,
    layers,
    losses,
    metrics,
    optimizers,
    regularizers,
    schedules,
)
from chainrule._src.base.config import CLASSES, Configurable, copied, made, plain
from chainrule._src.base.registered import full_name, known_as, register
from chainrule._src.blackboard.models import _with_momentum
from chainrule._src.cluster.job import Job, Ready, described
from chainrule.errors import DataError, FileError

X = np.linspace(-1, 1, 24, dtype="f4").reshape(8, 3)
Y = X[:, :2] ** 2


def own(base, name=None, **attributes):
    """Return a class of one's own that is called as the class it is derived from."""
    return type(name or base.__name__, (base,), {"__module__": __name__, **attributes})


LayerNormalization = own(layers.Layer, "LayerNormalization", call=lambda self, x: 7 * x)
Scale = own(layers.Layer, "Scale", call=lambda self, x: -x)
Huber = own(losses.Loss, "Huber", call=lambda self, y, p: np.mean(np.abs(y - p) ** 3, axis=-1))
F1Score = own(metrics.F1Score)
Adam = own(optimizers.Adam)
ExponentialDecay = own(schedules.ExponentialDecay)
Zeros = own(
    initializers.Initializer,
    "Zeros",
    __call__=lambda self, shape, dtype="f4": np.ones(shape, dtype),
)
L2 = own(regularizers.L2)
MaxNorm = own(constraints.MaxNorm)


def relu(x):
    return 3 * x


PARTS = {
    "layer": LayerNormalization(),
    "layer of tables": Scale(),
    "loss": Huber(),
    "metric": F1Score(),
    "optimizer": Adam(),
    "schedule": ExponentialDecay(0.1, 10, 0.5),
    "initializer": Zeros(),
    "regularizer": L2(),
    "constraint": MaxNorm(),
    "within": layers.Dense(2, kernel_initializer=Zeros(), kernel_constraint=MaxNorm()),
}
GET = {
    "loss": losses.get, "metric": metrics.get, "optimizer": optimizers.get,
    "regularizer": regularizers.get, "constraint": constraints.get,
}  # fmt: skip


def classes(thing):
    """Yield the class of a thing and of what it was made with."""
    yield type(thing)
    for part in vars(thing).values():
        if isinstance(part, Configurable):
            yield from classes(part)


@pytest.mark.parametrize("kind", PARTS)
def test_a_class_of_ones_own_is_made_again_or_refused(kind):
    thing = PARTS[kind]
    about = json.loads(json.dumps(plain(thing)))
    readers = [made, *([GET[kind]] if kind in GET else [])]
    for read in readers:
        with pytest.raises(DataError, match=r"no \w+ '.*' here.*register.*custom_objects="):
            read(about)
        with known_as({cls.__name__: cls for cls in classes(thing) if cls.__module__ == __name__}):
            assert list(classes(read(about))) == list(classes(thing))
    assert list(classes(copied(thing))) == list(classes(thing))


@pytest.mark.parametrize("kind", PARTS)
def test_a_registered_class_carries_its_package(kind):
    cls = own(type(PARTS[kind]))
    register("mine")(cls)
    thing = cls.from_config(PARTS[kind].get_config()) if kind != "within" else cls(2)
    about = plain(thing)
    assert about["registered_name"] == f"mine>{cls.__name__}"
    assert [type(read(about)) for read in (made, GET.get(kind, made))] == [cls, cls]


def test_a_description_of_ours_is_ours():
    """Whatever is called as it is: registered, defined, or named for a time where that is clear."""
    register("mine")(own(losses.Huber))
    with known_as({f"{__name__}>Huber": Huber}):
        assert type(made(plain(losses.Huber()))) is losses.Huber
        assert type(losses.get("huber")) is type(losses.get("Huber")) is losses.Huber
        assert type(made(plain(layers.Scale()))) is layers.Scale
        assert activations.get("relu") is activations.relu


def test_one_name_for_two_is_refused():
    with known_as({"Huber": Huber, "relu": relu}):
        for ambiguous in (
            lambda: made(plain(losses.Huber())),
            lambda: losses.get("Huber"),
            lambda: activations.get("relu"),
        ):
            with pytest.raises(DataError, match="is chainrule's, and custom_objects has another"):
                ambiguous()


def test_a_function_called_as_one_of_ours_is_another():
    about = plain(layers.Dense(2, relu))
    with pytest.raises(DataError, match="no function 'relu' here"):
        made(about)
    with known_as({"relu": relu}):
        assert made(about).activation is relu
    assert copied(layers.Dense(2, relu)).activation is relu
    assert made(plain(layers.Dense(2, "relu"))).activation is activations.relu


def test_a_ufunc_called_as_one_of_numpy_s_is_another():
    tanh = np.frompyfunc(lambda x: 2 * x, 1, 1)
    assert plain(np.tanh)["registered_name"] == "numpy>tanh"
    with pytest.raises(DataError, match="cannot be described"):
        plain(tanh)


def test_two_functions_of_one_name_cannot_be_told_apart():
    def steep(by):
        def bent(x):
            return np.maximum(x, by * x)

        return bent

    model = cr.Sequential([layers.Dense(2, steep(0.1)), layers.Dense(2, steep(0.3))])
    with pytest.raises(DataError, match="two functions of your own are called 'bent'"):
        model.get_config()


def model():
    first = cr.Sequential(
        [
            layers.Input((3,)),
            layers.Dense(2, relu),
            LayerNormalization(),
            layers.LayerNormalization(),
        ]
    )
    first.compile(Adam(0.1), Huber(), metrics=[F1Score(), metrics.F1Score(name="ours")])
    return first


def parts(model):
    things = [*model.layers, model.optimizer, model.loss, *model.compiled_metrics[0]]
    return [type(thing) for thing in things]


OWN = (relu, LayerNormalization, Adam, Huber, F1Score)


def test_a_model_comes_back_from_its_file_or_is_refused(tmp_path):
    first = model()
    first.fit(X, Y, epochs=2, verbose=0)
    first.save(tmp_path / "m")
    with pytest.raises(FileError, match="no function 'relu' here"):
        cr.load_model(tmp_path / "m")
    with pytest.raises(FileError, match="custom_objects has another"):  # which of the two is which?
        cr.load_model(tmp_path / "m", {thing.__name__: thing for thing in OWN})
    again = cr.load_model(tmp_path / "m", {full_name(thing): thing for thing in OWN})
    assert parts(again) == parts(first)
    np.testing.assert_array_equal(again.predict(X), first.predict(X))


def test_a_clone_is_of_the_same_classes():
    first = model()
    again = keras.models.clone_model(first)
    again.set_weights(first.get_weights())
    assert list(map(type, again.layers)) == list(map(type, first.layers))
    np.testing.assert_array_equal(again.predict(X), first.predict(X))


def test_a_job_for_other_machines_is_of_the_same_classes():
    first = model()
    assert parts(Ready(Job(*described(first), 4, 1, 0)).model) == parts(first)


def test_a_checkpoint_of_another_optimizer_or_loss_is_refused(tmp_path):
    def fitted(optimizer, loss, **options):
        net = cr.Sequential([layers.Input((3,)), layers.Dense(2)])
        net.compile(optimizer, loss)
        return net.fit(X, Y, epochs=2, verbose=0, **options)

    backup = callbacks.BackupAndRestore(tmp_path / "b", delete_checkpoint=False)
    fitted(optimizers.Adam(), losses.Huber(), callbacks=[backup])
    path = next(iter((tmp_path / "b").iterdir())) if (tmp_path / "b").is_dir() else tmp_path / "b"
    with pytest.raises(DataError, match=f"loss is .*optimizer is {__name__}>Adam, it was Adam"):
        fitted(Adam(), Huber(), resume_from=path)


def test_a_callback_is_given_no_state_of_another(tmp_path):
    states = []
    EarlyStopping = own(callbacks.EarlyStopping, set_state=lambda self, state: states.append(state))
    net = cr.Sequential([layers.Input((3,)), layers.Dense(2)])
    net.compile("adam", "mse")
    path = tmp_path / "b"
    kept = [
        callbacks.EarlyStopping("loss"),
        callbacks.BackupAndRestore(path, delete_checkpoint=False),
    ]
    net.fit(X, Y, epochs=2, verbose=0, callbacks=kept)
    path = next(iter(path.iterdir())) if path.is_dir() else path
    net.fit(X, Y, epochs=4, verbose=0, callbacks=[EarlyStopping("loss")], resume_from=path)
    assert not states


def test_the_blackboard_keeps_an_optimizer_of_ones_own():
    SGD = own(optimizers.SGD)
    thing = SGD(0.1)
    assert _with_momentum(thing) is thing
    assert _with_momentum(optimizers.SGD(0.1)).momentum


def test_names_of_ours_are_one_class_each():
    """A description names a class by its name and its family alone."""

    def family(cls):
        for each in cls.__subclasses__():
            yield each
            yield from family(each)

    named = {}
    for cls in family(Configurable):
        if cls.__module__.startswith("chainrule.") and not cls.__name__.startswith("_"):
            named.setdefault(cls.family + cls.__name__, set()).add(cls)
    assert len(named) > 200
    assert all(len(group) == 1 for group in named.values())
    assert all(CLASSES[name] in group for name, group in named.items())
    assert all(
        inspect.isclass(cls) and cls.__module__.startswith("chainrule.") for cls in CLASSES.values()
    )
