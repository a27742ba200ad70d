"""Formulas as MathML, which browsers draw by themselves: MathJax would have to come from another server."""

from docutils.nodes import SkipNode
from latex2mathml.converter import convert

NAME = "mathml"


def _inline(translator, node):
    translator.body.append(convert(node.astext()))
    raise SkipNode


def _displayed(translator, node):
    translator.body.append(f"<p>{convert(node.astext(), display='block')}</p>")
    raise SkipNode


def setup(app):
    """Registers the renderer with Sphinx."""
    app.add_html_math_renderer(NAME, (_inline, None), (_displayed, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
