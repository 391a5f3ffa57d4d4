"""Every name of chainrule that README and the pages mention is there."""

import importlib
import re

import pytest

import chainrule as cr
from tests.docs.pages import name_of, pages

IMPORTED = re.compile(r"from (chainrule[\w.]*) import ([\w, ]+)")
USED = re.compile(r"\bcr((?:\.[A-Za-z_]\w*)+)")


def missing(text):
    """Return the names that a text imports, or uses as ``cr.…``, and that do not exist."""
    lost = []
    for module, names in IMPORTED.findall(text):
        owner = importlib.import_module(module)
        for name in (each.split()[0] for each in names.split(",") if each.strip()):
            if not hasattr(owner, name):
                lost.append(f"{module}.{name}")
    for dotted in USED.findall(text):
        value = cr
        for name in dotted.split(".")[1:3]:  # a module, and what is in it
            if not hasattr(value, name):
                lost.append(f"cr{dotted}")
                break
            value = getattr(value, name)
    return lost


@pytest.mark.parametrize("page", pages(), ids=name_of)
def test_names_of_a_page_exist(page):
    assert missing(page.read_text(encoding="utf-8")) == []


MOVED = {name for room in cr._ROOMS for name in getattr(cr, room).__all__} - {*cr.__all__}


@pytest.mark.parametrize("name", sorted({*MOVED, *cr._FORMER}))
def test_a_hint_names_what_exists(name):
    with pytest.raises(AttributeError, match=r": it is chainrule\.") as error:
        getattr(cr, name)
    assert missing(f"cr.{str(error.value).rpartition('chainrule.')[2]}") == []


def test_a_name_that_moved_is_missing():
    assert missing("from chainrule import MLPClassifier  # moved") == ["chainrule.MLPClassifier"]
    assert missing("cr.log(1, 2); cr.layers.Dense(3)") == ["cr.log"]
