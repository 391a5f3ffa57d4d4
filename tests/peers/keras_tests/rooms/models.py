import inspect

from tests.peers.keras_tests.imports import Room

from chainrule._src.nn import sequential
from chainrule.keras import models

names = {**vars(models), **vars(sequential)}
names = {name: thing for name, thing in names.items() if not inspect.ismodule(thing)}
room = Room("models", names)
