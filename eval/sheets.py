"""Spreadsheets in and out: CSV as any spreadsheet program writes it, and XLSX. Every cell is text."""

import csv
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile

from bot.files import write_atomically
from indexer.errors import QuestionsError, UsageError

if TYPE_CHECKING:
    from openpyxl.worksheet.worksheet import Worksheet

SUFFIXES = (".csv", ".xlsx")

# Stands between several texts in one cell.
BAR = " | "

# A cell that begins so would be run as a formula when the file is opened, and strangers write questions.
_FORMULA = re.compile(r"'*[=+\-@\t\r]")

# Characters that no XLSX file can hold.
_UNWRITABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")

_WIDEST = 60


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a sheet; in XLSX `choices` become a drop-down list, and `to_fill` colours it."""

    name: str
    width: int = 20
    choices: tuple[str, ...] = ()
    to_fill: bool = False


@dataclass(frozen=True, slots=True)
class SheetRow:
    """A row, with its number as the spreadsheet shows it (the header is row 1)."""

    number: int
    cells: Mapping[str, str] = field(repr=False)


def read_sheet(path: Path, *, known: Sequence[str], needed: Sequence[str]) -> list[SheetRow]:
    """Read the rows of a CSV or XLSX file by the names of its columns; rows without text are passed over.

    Raises UsageError when the file cannot be read, QuestionsError for a column missing, unknown or doubled.
    """
    if not path.is_file():
        raise UsageError(f"{path}: there is no such file.")
    if path.suffix.lower() not in SUFFIXES:
        raise UsageError(f"{path}: not a sheet; its name must end in {' or '.join(SUFFIXES)}.")
    table = _read_xlsx(path) if path.suffix.lower() == ".xlsx" else _read_csv(path)
    header = _header(path, table[0] if table else [], known, needed)
    rows = []
    for number, cells in enumerate(table[1:], start=2):
        if any(cell.strip() for cell in cells[len(header) :]):
            raise QuestionsError(f"{path}:{number}: more cells than the first row has columns; put the text in quotes.")
        if any(cell.strip() for cell in cells):
            padded = [*cells, *[""] * len(header)]
            rows.append(SheetRow(number, dict(zip(header, padded, strict=False))))
    return rows


def _header(path: Path, names: Sequence[str], known: Sequence[str], needed: Sequence[str]) -> list[str]:
    header = [name.strip().casefold() for name in names]
    while header and not header[-1]:
        header.pop()
    for name in needed:
        if name not in header:
            raise QuestionsError(f"{path}: the first row has no column '{name}'; columns are {', '.join(known)}.")
    for name in header:
        if name not in known:
            raise QuestionsError(f"{path}: unknown column '{name}'; columns are {', '.join(known)}.")
        if header.count(name) > 1:
            raise QuestionsError(f"{path}: the column '{name}' is there twice; keep one of them.")
    return header


def write_sheet(path: Path, columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> None:
    """Write a CSV or XLSX file whole or not at all. Raises UsageError when it cannot be written."""
    if path.suffix.lower() not in SUFFIXES:
        raise UsageError(f"{path}: not a sheet; its name must end in {' or '.join(SUFFIXES)}.")
    content = _xlsx(columns, rows) if path.suffix.lower() == ".xlsx" else _csv(columns, rows)
    write_atomically(path, content)


def _read_csv(path: Path) -> list[list[str]]:
    raw = path.read_bytes()
    encoding = "utf-16" if raw.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
    try:
        text = raw.decode(encoding)
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: not UTF-8 (byte {error.start}); save it as 'CSV UTF-8', or as .xlsx.") from None
    first = text.splitlines()[0] if text.strip() else ""
    # Spreadsheets of many countries write a semicolon where others write a comma.
    delimiter = max(",;\t", key=first.count)
    try:
        table = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
    except csv.Error as error:
        raise UsageError(f"{path}: not valid CSV ({error}); save it anew from the spreadsheet.") from None
    return [[_unguarded(cell) for cell in row] for row in table]


def _read_xlsx(path: Path) -> list[list[str]]:
    import openpyxl
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        book = openpyxl.load_workbook(path, data_only=True)
    except (BadZipFile, InvalidFileException, KeyError, ValueError, OSError):
        raise UsageError(f"{path}: not a readable XLSX file; save it anew, without a password.") from None
    sheet: Any = book.worksheets[0]
    return [["" if value is None else str(value) for value in row] for row in sheet.iter_rows(values_only=True)]


def _csv(columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow([column.name for column in columns])
    writer.writerows([_guarded(cell) for cell in row] for row in rows)
    # Without the mark at its start, Excel takes UTF-8 for an older encoding.
    return text.getvalue().encode("utf-8-sig", errors="replace")


def _xlsx(columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> bytes:
    from openpyxl import Workbook
    from openpyxl.styles import Alignment, Font, PatternFill
    from openpyxl.utils import get_column_letter

    book = Workbook()
    sheet: Any = book.active
    for place, column in enumerate(columns, start=1):
        head = sheet.cell(1, place, column.name)
        head.font = Font(bold=True)
        sheet.column_dimensions[get_column_letter(place)].width = min(column.width, _WIDEST)
        for number, row in enumerate(rows, start=2):
            cell = sheet.cell(number, place)
            cell.value = _UNWRITABLE.sub("", row[place - 1])
            cell.data_type = "s"  # text even when it begins like a formula
            cell.alignment = Alignment(wrap_text=True, vertical="top")
            if column.to_fill:
                cell.fill = PatternFill("solid", fgColor="FFF8DC")
        if column.choices and rows:
            _offer(
                sheet,
                column.choices,
                f"{get_column_letter(place)}2:{get_column_letter(place)}{len(rows) + 1}",
            )
    sheet.freeze_panes = "B2"
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def _offer(sheet: "Worksheet", choices: Sequence[str], cells: str) -> None:
    from openpyxl.worksheet.datavalidation import DataValidation

    offer = DataValidation(type="list", formula1=f'"{",".join(choices)}"', allow_blank=True)
    offer.error = f"One of: {', '.join(choices)}"
    sheet.add_data_validation(offer)
    offer.add(cells)


def _guarded(cell: str) -> str:
    return f"'{cell}" if _FORMULA.match(cell) else cell


def _unguarded(cell: str) -> str:
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell
