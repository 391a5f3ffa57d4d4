"""JavaScript is shortened for pages, and stays the same program."""

import json
import shutil
import subprocess

import pytest

from chainrule._src.export.web.document import FOLDER, SCRIPTS
from chainrule._src.export.web.module import RUNTIME
from chainrule._src.export.web.script import joined, shortened


@pytest.mark.parametrize(
    ("text", "short"),
    {
        "const a = 1; // one\nreturn a + +b - -c++ ;": "const a=1;return a+ +b- -c++;",
        'say("a // b", \'/* c */ "\'); /* d\n e */ f( )': 'say("a // b",\'/* c */ "\');f()',
        "`a  ${b ? `, ${ {c: 1}.c }  x` : '}'} // d` ;":
            "`a  ${b ? `, ${ {c: 1}.c }  x` : '}'} // d`;",
        "x = a / b / c; y = / [/] *\\/ /g .test(z)": "x=a/b/c;y=/ [/] *\\/ /g.test(z)",
        "if (/^a {2}/.test(b)) return / /;": "if(/^a {2}/.test(b))return/ /;",
        "import(/* @vite-ignore */ name /* no note */)": "import(/* @vite-ignore */name)",
        "async (x) =>\n  typeof x in y": "async(x)=>typeof x in y",
        "`\\` ${1}`  + 2": "`\\` ${1}`+2",
    }.items(),
)  # fmt: skip
def test_what_separates_nothing_is_left_out(text, short):
    assert shortened(text) == short
    assert shortened(short) == short


def test_files_without_an_end_are_refused():
    with pytest.raises(ValueError, match="no token of JavaScript at '/ab"):
        shortened("= /ab")


@pytest.mark.skipif(shutil.which("node") is None, reason="Node reads the scripts")
@pytest.mark.parametrize("folder", [RUNTIME, FOLDER])
def test_the_scripts_of_pages_are_javascript(folder):
    names = SCRIPTS if folder is FOLDER else sorted(path.stem for path in RUNTIME.glob("*.js"))
    script = f"new Function({json.dumps(joined(folder, names))})"
    done = subprocess.run(["node", "-e", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
