"""HTML is made in one way: by `wavetank.markup.html`, from templates that stand in the source."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from wavetank.markup import MOST, NOTHING, html, joined, visible
from wavetank.widgets.markup import Html

LIBRARY = Path(__file__).parents[2] / "lib" / "wavetank"
MAKING = (LIBRARY / "markup.py", LIBRARY / "widgets" / "markup.py")
"""Where the one way is, and the widgets that take nothing else."""
TAG = re.compile(
    r"</?(?:a|b|br|body|circle|code|d[dlt]|div|g|h[1-6]|html|i|img|li|meta|ol|p|path|polygon|pre|rect|script|section"
    r"|span|style|svg|t[dhr]|table|text|time|ul)[ />]"
)
OTHER_WAYS = {"HTML", "HTMLMath", "HTMLString", "Javascript", "Markdown", "SVG", "_repr_html_", "_repr_svg_", "Markup"}
"""Names by which HTML gets onto a page, or is called escaped, without `html`."""


def mistakes(source: str) -> Iterator[str]:
    """Yield what in a module makes HTML, or has it shown, in another way."""
    tree = ast.parse(source)
    inside: set[int] = set()
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Name(id="html"), args=[ast.Constant(value=str()) as template, *_]):
                inside.add(id(template))
            case ast.Call(func=ast.Name(id="html")):
                yield f"line {node.lineno}: html of a template that is not written out"
            case ast.Expr(value=ast.Constant(value=str()) as told):
                inside.add(id(told))  # a docstring
            case ast.Call(func=ast.Name(id="Markup" | "HTML") | ast.Attribute(attr="HTML" | "Markup")):
                yield f"line {node.lineno}: {ast.unparse(node)[:60]}"
            case ast.Attribute(attr=name) | ast.FunctionDef(name=name) if name in OTHER_WAYS:
                yield f"line {node.lineno}: {name}"
            case ast.ImportFrom(module="html" | "markupsafe" | "xml.sax.saxutils"):
                yield f"line {node.lineno}: another way to escape"
    for node in ast.walk(tree):
        text = node.value if isinstance(node, ast.Constant) and id(node) not in inside else None
        if isinstance(text, str) and TAG.search(text):
            yield f"line {node.lineno}: markup in a text: {text[:60]!r}"


@pytest.mark.parametrize(
    "source",
    [
        'page = f"<p>{name}</p>"',
        'page = "<p>%s</p>" % name',
        'page = "<b>" + name + "</b>"',
        'page = html(f"<p>{name}</p>")',
        "page = html(template, name)",
        "page = Markup(name)",
        "page = ipw.HTML(name)",
        "class View:\n    def _repr_html_(self): return name",
        "from html import escape",
        "from IPython.display import HTML\nHTML(name)",
    ],
)
def test_another_way_is_seen(source: str) -> None:
    assert list(mistakes(source))


def test_the_one_way_is_no_mistake() -> None:
    assert not list(mistakes('def f(name):\n    """Return a <p> of it."""\n    return html("<p>" "{}</p>", name)'))


def test_the_library_makes_html_in_one_way() -> None:
    files = [file for file in sorted(LIBRARY.rglob("*.py")) if file not in MAKING]
    found = [f"{file.relative_to(LIBRARY)}, {told}" for file in files for told in mistakes(file.read_text())]
    assert not found
    assert sum("html(" in file.read_text() for file in files) > 20, "it looks where HTML is made"


def test_gaps_are_escaped_whatever_they_are_and_markup_is_not_escaped_again() -> None:
    bold = html("<b>{}</b>", "a<b")
    assert bold == "<b>a&lt;b</b>"
    assert html('<p title="{}">{}</p>', '"x', bold) == '<p title="&#34;x"><b>a&lt;b</b></p>'
    assert html("<p>{}</p>", ValueError("<i>")) == "<p>&lt;i&gt;</p>"
    assert html("{:.1f} {:%H}{{}}", 1.25, datetime(2026, 1, 1, 9)) == "1.2 09{}"
    assert joined(["<", bold], html("<br>")) == "&lt;<br><b>a&lt;b</b>"
    assert NOTHING == ""


def test_what_has_no_look_of_its_own_gets_one_and_a_line_of_a_megabyte_an_end() -> None:
    assert visible("a\x00b\x1b[31m\u202ec\ud800\td\r\ne") == "a�b�[31m�c�\td\ne"
    assert visible("שלום, Ελένη, 世界 🚢 é") == "שלום, Ελένη, 世界 🚢 é"
    assert visible("x" * (MOST + 5)) == "x" * MOST + "… (5 characters more)"


def test_a_place_on_the_page_takes_nothing_else() -> None:
    place = Html()
    place.value = html("<p>{}</p>", "x")
    with pytest.raises(Exception, match="expected what"):
        place.value = "<p>x</p>"
    assert place.value == "<p>x</p>"
    with pytest.raises(Exception, match="expected what"):
        Html("x")
