"""Tables that stay readable at every width: a figure and an id are never cut.

Belongs here: boxes, widths, what a table turns into where a terminal is too narrow for it. Does not
belong here: words, figures, and which of them are shown (tables.py, calculation.py).
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from rich import box
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

_LEAST_WORDS: Final = 24
_UNBOUNDED: Final = 10_000


class Kind(StrEnum):
    """What stands in a column: only words are ever wrapped."""

    WORDS = "words"
    FIGURE = "figure"
    NAME = "name"


@dataclass(frozen=True)
class Column:
    """A column: its heading, a line break where it may wrap, and what stands under it."""

    heading: str
    kind: Kind = Kind.NAME


class Sheet:
    """A titled table with a blank line after it.

    Where it does not fit, the narrower sheet beside it is tried, and in the end each row becomes a
    block of lines, a heading and a cell on each.
    """

    def __init__(
        self,
        title: str,
        *columns: Column,
        note: str = "",
        narrower: "Sheet | None" = None,
    ) -> None:
        self._title = title
        self._columns = columns
        self._note = note
        self._narrower = narrower
        self._rows: list[tuple[tuple[str, ...], str]] = []
        self._sections: set[int] = set()

    def add_row(self, *cells: str, style: str = "") -> None:
        """Add a row; cells may hold Rich's markup and line breaks."""
        self._rows.append((cells, style))

    def add_section(self) -> None:
        """Draw a line below the last row."""
        self._sections.add(len(self._rows))

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Render the title, the table or what it turns into, its note, and a blank line."""
        table = self._table()
        unbounded = options.update(max_width=_UNBOUNDED)
        if Measurement.get(console, unbounded, table).minimum <= options.max_width:
            yield from self._framed(table)
        elif self._narrower is not None:
            yield self._narrower
        else:
            yield from self._framed(self._blocks())

    def _framed(self, body: RenderableType) -> RenderResult:
        if self._title:
            yield Text(self._title, style="bold")
        yield body
        if self._note:
            yield Text(self._note, style="dim")
        yield Text()

    def _table(self) -> Table:
        table = Table(
            box=box.SIMPLE_HEAD,
            show_edge=False,
            pad_edge=False,
            padding=(0, 1, 0, 0),
            show_header=any(column.heading for column in self._columns),
            header_style="",
        )
        for place, column in enumerate(self._columns):
            is_words = column.kind is Kind.WORDS
            table.add_column(
                column.heading,
                justify="right" if column.kind is Kind.FIGURE else "left",
                no_wrap=not is_words,
                min_width=self._least_width(place, is_words=is_words),
                vertical="top",
            )
        for number, (cells, style) in enumerate(self._rows):
            if number in self._sections:
                table.add_section()
            table.add_row(*cells, style=style)
        return table

    def _least_width(self, place: int, *, is_words: bool) -> int:
        """Return the width of a column below which it is cut, or of words no longer easily read."""
        cells = [Text.from_markup(cells[place]).plain for cells, _ in self._rows]
        if is_words:
            return max(
                _LEAST_WORDS, 0, *(cell_len(word) for cell in cells for word in cell.split())
            )
        lines = [*self._columns[place].heading.splitlines(), *"\n".join(cells).splitlines()]
        return max(map(cell_len, lines), default=0)

    def _blocks(self) -> Table:
        grid = Table.grid(padding=(0, 2))
        grid.add_column()
        grid.add_column(overflow="fold")
        for number, (cells, style) in enumerate(self._rows):
            if number:
                grid.add_row()
            for column, cell in zip(self._columns, cells, strict=True):
                if cell:
                    grid.add_row(column.heading.replace("\n", " "), cell, style=style)
        return grid


def print_sheets(console: Console, *sheets: Sheet) -> None:
    """Print sheets one below the other."""
    for sheet in sheets:
        console.print(sheet, highlight=False)
