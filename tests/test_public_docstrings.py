"""Every public function and class names its parameters and shows an example that runs."""

import doctest
import importlib
import inspect
import pkgutil
import re
import typing

import pytest

import chainrule

WALKED = (module.name for module in pkgutil.walk_packages(chainrule.__path__, "chainrule."))
MODULES = ["chainrule", *(name for name in WALKED if "._" not in name)]
PARAMETERS = re.compile(r"^Parameters\n-{10}\n(.*?)(?=^\w[\w ]*\n-{3,}$|\Z)", re.M | re.S)


def parameters(documented):
    """Return the names that a function or a constructor takes; the errors' are their messages."""
    if not isinstance(documented, type):
        return {*inspect.signature(documented).parameters}
    init = documented.__init__  # beside it, `__new__` of a base class may take any arguments
    is_inherited = issubclass(documented, Exception) or init is object.__init__
    return set() if is_inherited else {*inspect.signature(init).parameters} - {"self"}


def described(text):
    """Return the names that begin the entries of a docstring's ``Parameters``."""
    entries = re.findall(r"^\S.*", "".join(PARAMETERS.findall(text)), re.M)
    return {name.strip(" *") for entry in entries for name in entry.partition(":")[0].split(",")}


def gaps(documented):
    """Return the parts that a docstring should have and does not."""
    text = inspect.cleandoc(documented.__doc__ or "")
    examples = doctest.DocTestParser().get_examples(text)
    runs = any(doctest.SKIP not in example.options for example in examples)
    parts = {"a docstring": text, "an example that runs": runs}
    parts |= {f"the parameter {name}": False for name in parameters(documented) - described(text)}
    return sorted(part for part, is_there in parts.items() if not is_there)


@pytest.mark.parametrize("module", MODULES)
def test_public_names_describe_their_parameters_and_show_an_example(module):
    public = importlib.import_module(module)
    values = {name: getattr(public, name) for name in getattr(public, "__all__", ())}
    missing = [
        f"{name} lacks {', '.join(parts)}"
        for name, value in values.items()
        if callable(value) and typing.get_origin(value) is None and (parts := gaps(value))
    ]
    assert not missing, "\n".join([module, *missing])


def test_a_gap_is_named():
    def area(width, height, *rest):
        """Return the area.

        Parameters
        ----------
        width : float
            The *height*: see below.

        Returns
        -------
        height : float

        Examples
        --------
        >>> area(2, 3)  # doctest: +SKIP
        """

    assert gaps(area) == ["an example that runs", "the parameter height", "the parameter rest"]
