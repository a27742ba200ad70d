"""Settings of Sphinx for the site: `make docs`."""

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

import mathml  # noqa: E402
import pages  # noqa: E402
import web_files  # noqa: E402

import nstlib  # noqa: E402

project = "nst-study"
author = "The nst-study authors"
version = release = nstlib.__version__

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "mathml"]
exclude_patterns = ["*_table.md"]
source_suffix = {".md": "myst-nb", ".ipynb": "myst-nb"}

# Notebooks are shown as they are committed.
nb_execution_mode = "off"
nb_ipywidgets_js = {}
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3

# Single backquotes in docstrings mean code. Classes of other libraries are named in annotations; the site is built
# without a network, so there is nowhere to link them to.
default_role = "code"
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
python_use_unqualified_type_names = True
napoleon_numpy_docstring = False
nitpick_ignore_regex = [("py:.*", r"(?!nstlib).*")]

html_theme = "pydata_sphinx_theme"
html_title = "nst-study"
html_theme_options = {
    "show_prev_next": False,
    "navigation_with_keys": False,
    "secondary_sidebar_items": {"**": ["page-toc"], "try": [], "gallery": []},
    "footer_start": [],
    "footer_end": [],
}
# Pages without pages below them have nothing to show at the side.
html_sidebars = {
    name: []
    for name in (
        *("index", "try", "gallery", "design", "performance", "networks", "changelog"),
        "contributing",
    )
}
html_show_sourcelink = False
html_copy_source = False
html_domain_indices = False
html_math_renderer = mathml.NAME


def is_field_of_a_tuple(app, what, name, value, skip, options):
    """A named tuple says "Alias for field number 0" of each field; its docstring says what they are."""
    return True if (value.__doc__ or "").startswith("Alias for field number") else None


def write_web_files(app, exception):
    """Beside the pages of a site that was built, what they load."""
    if exception is None and app.builder.format == "html":
        web_files.make(HERE.parent, Path(app.outdir) / "web")


def setup(app):
    """Makes the pages that are not written by hand, before Sphinx looks for pages, and files after it wrote them."""
    app.connect("build-finished", write_web_files)
    app.connect("config-inited", lambda app, config: pages.make(HERE.parent, HERE))
    app.connect("autodoc-skip-member", is_field_of_a_tuple)
