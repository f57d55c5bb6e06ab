"""``Page``: headings, text, tables and figures, as Markdown and as one HTML file.

The file needs no network and no script.  What is told of people's files and games is text, never
markup.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

STYLE = """
:root { color-scheme: light dark; --ink: #1b1f24; --soft: #5b6570; --line: #d0d7de; --back: #fff;
  --one: #0b62c4; --two: #b34700; --three: #0f7b3f; --four: #8237a8; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ec; --soft: #a3adb8; --line: #3b434c;
  --back: #14181d; --one: #6cb2ff; --two: #ff9d57; --three: #5fd08d; --four: #cf9bf0; } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--back);
  max-width: 76rem; margin: 2rem auto; padding: 0 1rem; }
h1, h2 { line-height: 1.2; } h2 { margin-top: 2.5rem; }
.wide { overflow-x: auto; } figure { margin: 1rem 0; } figcaption { color: var(--soft); }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { border-bottom: 1px solid var(--line); padding: .25rem .7rem; text-align: left;
  vertical-align: top; }
.row { display: flex; flex-wrap: wrap; gap: 1.5rem; align-items: flex-start; }
svg { max-width: 100%; height: auto; }
svg text { font: 12px system-ui, sans-serif; fill: var(--ink); }
img { image-rendering: pixelated; }
.warn { border-left: .3rem solid var(--two); padding-left: .8rem; }
"""


class Page:
    """Is put together from top to bottom.

    Args:
        title: Of the page.
    """

    def __init__(self, title: str) -> None:
        self._title = title
        self._html = [f"<h1>{escape(title)}</h1>"]
        self._text = [f"# {_plain(title)}"]

    def heading(self, text: str) -> None:
        """A part begins."""
        self._html.append(f"<h2>{escape(text)}</h2>")
        self._text.append(f"## {_plain(text)}")

    def say(self, text: str, *, warns: bool = False) -> None:
        """A paragraph; one that warns stands out."""
        kind = ' class="warn"' if warns else ""
        self._html.append(f"<p{kind}>{escape(text)}</p>")
        self._text.append(f"**{_plain(text)}**" if warns else _plain(text))

    def table(self, heads: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        """A table; the first cell of a row names it."""
        rows = [list(row) for row in rows]
        top = "".join(f'<th scope="col">{escape(head)}</th>' for head in heads)
        body = "".join(
            f'<tr><th scope="row">{escape(row[0])}</th>'
            + "".join(f"<td>{escape(cell)}</td>" for cell in row[1:])
            + "</tr>"
            for row in rows
        )
        self._html.append(
            f'<div class="wide"><table><thead><tr>{top}</tr></thead>'
            f"<tbody>{body}</tbody></table></div>"
        )
        lines = [list(heads), ["---"] * len(heads), *rows]
        self._text.append("\n".join(f"| {' | '.join(map(_plain, line))} |" for line in lines))

    def figures(self, drawn: Sequence[tuple[str, str]]) -> None:
        """Figures side by side: markup of ours, and what is said below it.  Markdown has none."""
        inside = "".join(
            f"<figure>{markup}<figcaption>{escape(said)}</figcaption></figure>"
            for markup, said in drawn
        )
        self._html.append(f'<div class="row">{inside}</div>')

    def html(self) -> str:
        """The whole file."""
        return (
            '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width, initial-scale=1">'
            f"<title>{escape(self._title)}</title><style>{STYLE}</style></head>\n<body>\n"
            + "\n".join(self._html)
            + "\n</body></html>\n"
        )

    def markdown(self) -> str:
        """The same without figures."""
        return "\n\n".join(self._text) + "\n"


def _plain(text: str) -> str:
    """Text in a cell or a paragraph of Markdown: one line, and what would be markup escaped."""
    line = " ".join(text.split())
    return "".join(f"\\{c}" if c in "\\|<>*`[]" else c for c in line)


def number(value: float | None, digits: int = 3) -> str:
    """A number as people read it; a dash for none."""
    return "-" if value is None else f"{value:.{digits}f}"


def percent(share: float | None) -> str:
    """A share in percent; a dash for none."""
    return "-" if share is None else f"{100 * share:.1f} %"
