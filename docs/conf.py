"""The documentation site: `make docs` writes it to build/docs."""

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

from chainrule import __version__

project = "chainrule"
author = "The chainrule developers"
copyright = "the chainrule developers, BSD-3-Clause"
release = version = __version__

extensions = [
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.intersphinx",
    "sphinx.ext.viewcode",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
    "extensions.exercise",
    "extensions.formulas",
    "extensions.light",
    "extensions.linked",
    "extensions.live",
    "extensions.layers",
    "extensions.operations",
    "extensions.reference",
]
source_suffix = {".md": "markdown", ".rst": "restructuredtext"}
exclude_patterns = [
    "node_modules",
    "extensions",
    "inventories",
    "live",
    "contrib",
    "**/*.ttf",
    "**/*.woff",
]
nitpicky = False
suppress_warnings = ["config.cache"]
templates_path = ["_templates"]

myst_enable_extensions = ["colon_fence", "deflist", "dollarmath", "attrs_inline", "attrs_block"]
myst_heading_anchors = 4

autosummary_generate = False  # `extensions.reference` writes the pages
autodoc_typehints = "none"
autodoc_member_order = "bysource"
numpydoc_show_class_members = False
numpydoc_xref_param_type = False

# Kept in the repository: nothing is fetched. `inventories/README.md` tells where they come from.
intersphinx_mapping = {
    name: (address, f"inventories/{name}.inv")
    for name, address in {
        "python": "https://docs.python.org/3/",
        "numpy": "https://numpy.org/doc/stable/",
        "scipy": "https://docs.scipy.org/doc/scipy/",
        "sklearn": "https://scikit-learn.org/stable/",
    }.items()
}

html_math_renderer = "katex"

EXAMPLES = [
    "digits", "training", "tables", "sequences", "graphs", "own", "checking", "many", "elsewhere"
]  # fmt: skip
sphinx_gallery_conf = {
    "examples_dirs": "examples",
    "gallery_dirs": "gallery",
    "filename_pattern": r"\.py$",
    "subsection_order": [f"examples/{group}" for group in EXAMPLES],
    "abort_on_example_error": True,
    "doc_module": ("chainrule",),
    "backreferences_dir": "generated/backreferences",
    "reset_modules": ("matplotlib",),
    "download_all_examples": False,
    "show_signature": False,
    "write_computation_times": False,
    "min_reported_time": 60,
    "thumbnail_size": (320, 224),  # 45 of them are on one page
}

html_theme = "pydata_sphinx_theme"
html_title = "chainrule"
html_favicon = "_static/icon.svg"
html_context = {"default_mode": "auto"}  # light or dark, as the system is
html_static_path = ["_static", "node_modules/katex/dist"]
html_css_files = ["site.css", "gallery.css", "print.css"]
html_js_files = ["site.js"]
html_theme_options = {
    "header_links_before_dropdown": 6,
    "navbar_persistent": ["site-search"],
    "navbar_end": ["versions", "theme-switcher"],
    "disable_search": True,  # `_static/site.js` has another
    "show_prev_next": True,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}
html_copy_source = html_show_sourcelink = False
copybutton_prompt_text, copybutton_prompt_is_regexp = r">>> |\.\.\. |\$ ", True
