"""Keras's `TestCase`, to which chainrule's refusals and descriptions are as good as Keras's own."""

import contextlib
import json
import re

from keras.src import testing
from tests.peers.keras_tests.imports import Room

from chainrule.config import Configurable, made, plain
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
        config = json.loads(json.dumps(instance.get_config()))
        again = type(instance).from_config(config), made(json.loads(json.dumps(plain(instance))))
        for revived in again:
            assert type(revived) is type(instance)
            assert json.loads(json.dumps(revived.get_config())) == config
            assert dir(revived) == dir(instance)
        return again[1]


room = Room("testing", {"TestCase": TestCase}, scaffolding=True)
