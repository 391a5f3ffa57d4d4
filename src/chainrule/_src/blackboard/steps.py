"""Scripts of many anatomies as one library of JavaScript and plain values, which packs hold.

Networks differ in sizes and names, hardly in code. So a step of a script becomes the key of a
function, which all networks share, and its arguments: names, sizes and texts.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

Step = list[Any]
STEP = re.compile(r"^\(v\) => \{.*?(?:^\}| \}),$", re.MULTILINE | re.DOTALL)
SHARED = re.compile(r"^const (\$\w+) = (.*?);\n(?=const \$|return \[)", re.MULTILINE | re.DOTALL)
TOKEN = re.compile(
    r'(?P<text>"(?:[^"\\]|\\.)*")'
    r'|\bv(?:\.(?P<name>\w+)|\[(?P<quoted>"[^"]*")\])'
    r"|(?P<shared>\$\w+)"
    r"|(?P<member>\.[A-Za-z]\w*)"
    r"|(?P<local>[A-Za-z_][\w$]*)"
    r"|(?P<number>\d+(?:\.\d+)?(?:e[+-]?\d+)?)"
)
WORDS = {
    "v", "out", "fault", "Math", "Number", "BigInt", "Infinity", "NaN", "RangeError", "new",
    "const", "let", "for", "if", "else", "while", "do", "break", "continue", "throw", "return",
    "true", "false",
}  # fmt: skip
INDENT = re.compile(r"^ +", re.MULTILINE)


class StepLibrary:
    """The functions of which the scripts of anatomies consist.

    Attributes
    ----------
    shared : dict of str to str
        Constants and functions that steps use, by name.
    functions : dict of str to str
        Keys of the functions, by their text.

    Examples
    --------
    >>> library = StepLibrary()
    >>> step = "(v) => { v.%s = v.%s.slice(0, %d); },"
    >>> library.steps(step % ("t1", "rnn", 8)), library.steps(step % ("h", "z", 5))
    ([['f0', 't1', 'rnn', 8]], [['f0', 'h', 'z', 5]])
    >>> library.functions
    {'(a0,a1,a2)=>(v) => { v[a0] = v[a1].slice(0, a2); }': 'f0'}
    """

    def __init__(self) -> None:
        self.shared: dict[str, str] = {}
        self.functions: dict[str, str] = {}

    def without_script(self, anatomy: Mapping[str, Any]) -> dict[str, Any]:
        """Return an anatomy of which the scripts are plain values."""
        return {
            part: content and {**content, "script": self.steps(content["script"])}
            for part, content in anatomy.items()
        }

    def steps(self, script: str) -> list[Step]:
        """Return a script as keys of functions with their arguments."""
        names = {name: self._share(name, text) for name, text in SHARED.findall(script)}
        return [self._step(text[:-1], names) for text in STEP.findall(script)]

    def text(self) -> str:
        """Return the library as an expression of JavaScript: an object of functions by key."""
        shared = "".join(f"const {name} = {text};\n" for name, text in self.shared.items())
        functions = ",\n".join(f"{key}: {text}" for text, key in self.functions.items())
        return INDENT.sub("", f"(() => {{\n{shared}return {{\n{functions}\n}};\n}})()")

    def _share(self, name: str, text: str) -> str:
        """Return the name under which all steps use a text, which may be in the library."""
        number, unused = 1, name
        while self.shared.setdefault(unused, text) != text:
            number += 1
            unused = f"{name}_{number}"
        return unused

    def _step(self, text: str, names: Mapping[str, str]) -> Step:
        arguments: list[Any] = []
        local_names: dict[str, str] = {}

        def parameter(value: Any) -> str:
            arguments.append(value)
            return f"a{len(arguments) - 1}"

        def written(token: re.Match[str]) -> str:
            kind, word = token.lastgroup, token[0]
            if kind == "text":
                return parameter(json.loads(word))
            if kind in ("name", "quoted"):
                return f"v[{parameter(token['name'] or json.loads(token['quoted']))}]"
            if kind == "shared":
                return names[word]
            if kind == "local" and not (word in WORDS or word.endswith("Array")):
                return local_names.setdefault(word, f"x{len(local_names)}")
            if kind == "number" and word.isdigit() and int(word) > 1:
                return parameter(int(word))
            return word

        body = INDENT.sub("", TOKEN.sub(written, text))
        names_of_arguments = ",".join(f"a{i}" for i in range(len(arguments)))
        key = self.functions.setdefault(
            f"({names_of_arguments})=>{body}", f"f{len(self.functions)}"
        )
        return [key, *arguments]
