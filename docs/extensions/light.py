"""Pages stay light: the theme's font, 115 kB, becomes its icons that are used; small thumbnails."""

import re
from pathlib import Path

import pydata_sphinx_theme
from fontTools.subset import Options, Subsetter, load_font, save_font
from PIL import Image
from sphinx.application import Sphinx

from extensions.digests import made

FONT = Path("vendor/fontawesome/webfonts/fa-solid-900.woff2")
THEME = Path(pydata_sphinx_theme.__file__).parent
STATIC = THEME / "theme" / "pydata_sphinx_theme" / "static"
COLOURS = 64


def codes() -> set[int]:
    """Return the code points of icons that the theme's templates and its style name."""
    style = (STATIC / "styles" / "pydata-sphinx-theme.css").read_text(encoding="utf-8")
    texts = [path.read_text("utf-8") for kind in ("*.html", "*.py") for path in THEME.rglob(kind)]
    texts.append((STATIC / "scripts" / "pydata-sphinx-theme.js").read_text(encoding="utf-8"))
    names = set(re.findall(r"\bfa-[a-z-]+", " ".join(texts)))
    of_names = [
        code
        for selectors, code in re.findall(r'([^{}]*)\{--fa: ?"\\([0-9a-f]+)"', style)
        if names & set(re.findall(r"fa-[a-z-]+", selectors))
    ]
    of_style = re.findall(r'--pst-icon-[a-z-]+: ?"\\([0-9a-f]+)"', style)
    return {int(code, 16) for code in [*of_names, *of_style]}


def _write_font(app: Sphinx) -> None:
    target = Path(app.srcdir) / "_static" / FONT
    made(target.parent, lambda _: subset(target), [STATIC / FONT])


def subset(target: Path) -> None:
    """Write the font with the icons that are used."""
    options = Options(flavor="woff2", layout_features=[])
    font = load_font(STATIC / FONT, options)
    subsetter = Subsetter(options)
    subsetter.populate(unicodes=codes())
    subsetter.subset(font)
    save_font(font, target, options)


def _shrink_thumbnails(app: Sphinx) -> None:
    for path in (Path(app.srcdir) / "gallery").rglob("thumb/*.png"):
        with Image.open(path) as picture:
            if picture.mode != "P":
                small = picture.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
                small.save(path, optimize=True)


def setup(app: Sphinx) -> dict[str, bool]:
    """Write the font, and make the gallery's thumbnails small once they are drawn."""
    app.connect("builder-inited", _write_font)
    app.connect("builder-inited", _shrink_thumbnails, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
