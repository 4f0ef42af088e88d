"""HTML from Python values; every text is escaped."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

STYLE = """
:root { --ink: #1c2530; --soft: #5b6876; --line: #d9dfe5; --accent: #1f6feb; }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); max-width: 72rem;
  margin: 2rem auto; padding: 0 1.5rem; }
h1 { font-size: 1.7rem; margin-bottom: .2rem; }
h2 { font-size: 1.25rem; margin-top: 2.2rem; border-bottom: 2px solid var(--accent); }
p { color: var(--soft); }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .9rem; }
th, td { padding: .3rem .8rem; border-bottom: 1px solid var(--line); text-align: right;
  white-space: nowrap; }
th { color: var(--soft); font-weight: 600; }
th:first-child, td:first-child, td.text, th.text { text-align: left; }
figure { margin: 1rem 0; break-inside: avoid; }
figure svg { max-width: 100%; height: auto; }
@media print { body { margin: 0; max-width: none; font-size: 11px; } table { font-size: 10px; }
  h2 { break-after: avoid; } tr { break-inside: avoid; } }
"""


def make_page(title: str, body: Iterable[str]) -> str:
    """A whole document."""
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n"
        f"<h1>{escape(title)}</h1>\n" + "\n".join(body) + "\n</body>\n</html>\n"
    )


def make_heading(text: str) -> str:
    """The heading of a section."""
    return f"<h2>{escape(text)}</h2>"


def make_paragraph(text: str) -> str:
    """A paragraph of plain text."""
    return f"<p>{escape(text)}</p>"


def make_table(
    columns: Sequence[str], rows: Iterable[Sequence[str]], text_columns: Sequence[int] = (0,)
) -> str:
    """A table; columns are right-aligned but for ``text_columns``."""

    def make_row(tag: str, cells: Sequence[str]) -> str:
        return "<tr>" + "".join(
            f"<{tag}{' class=text' if index in text_columns else ''}>{escape(cell)}</{tag}>"
            for index, cell in enumerate(cells)
        )

    body = "\n".join(make_row("td", row) for row in rows)
    return (
        f'<div class="wide"><table>\n<thead>{make_row("th", columns)}</thead>\n'
        f"<tbody>\n{body}\n</tbody></table></div>"
    )


def make_figure(svg: str) -> str:
    """A figure around the text of an SVG image."""
    return f"<figure>{svg}</figure>"
