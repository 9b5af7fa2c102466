"""XLSX workbooks for tests, written as their standard says (ECMA-376), with what spreadsheets put into them."""

import io
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from xml.sax.saxutils import escape, quoteattr

__all__ = ["Formula", "Sheet", "workbook"]

_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_DAY = timedelta(days=1)
# Numbers as they are, days, days with a time, spans of hours.
_STYLES = f"""<styleSheet xmlns="{_MAIN}"><numFmts count="1">
<numFmt numFmtId="164" formatCode="yyyy\\-mm\\-dd"/></numFmts>
<fonts count="1"><font/></fonts><fills count="1"><fill/></fills><borders count="1"><border/></borders>
<cellStyleXfs count="1"><xf/></cellStyleXfs><cellXfs count="4"><xf numFmtId="0"/><xf numFmtId="164"/>
<xf numFmtId="22"/><xf numFmtId="46"/></cellXfs></styleSheet>"""


@dataclass(frozen=True)
class Formula:
    """What a cell computes, and what it was when the workbook was saved; an error begins with #."""

    text: str
    value: float | str | None = None


Cell = float | str | bool | date | timedelta | Formula | None


@dataclass(frozen=True)
class Sheet:
    """Rows from row 1 on, in columns from A on; of hidden rows and columns the numbers from 1."""

    rows: Sequence[Sequence[Cell]]
    state: str = "visible"
    hidden_rows: Sequence[int] = ()
    hidden_columns: Sequence[int] = ()
    merged: Sequence[str] = ()
    extra: Mapping[str, str] = field(default_factory=dict)  # text of cells by their name, as XML


def workbook(sheets: Mapping[str, Sheet | Sequence[Sequence[Cell]]], *, epoch: int = 1900, prolog: str = "") -> bytes:
    """The bytes of the file. A `prolog` lies above the root of each sheet's XML."""
    first = date(1904, 1, 1) if epoch == 1904 else date(1899, 12, 30)
    made = [(name, it if isinstance(it, Sheet) else Sheet(it)) for name, it in sheets.items()]
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        parts = "".join(
            f'<Override PartName="/xl/worksheets/sheet{at}.xml" ContentType="application/vnd.openxmlformats-'
            'officedocument.spreadsheetml.worksheet+xml"/>'
            for at in range(1, len(made) + 1)
        )
        archive.writestr(
            "[Content_Types].xml",
            f'<Types xmlns="{_PACKAGE}/content-types"><Default Extension="xml" ContentType="application/xml"/>'
            f'<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
            f'<Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.'
            f'spreadsheetml.sheet.main+xml"/>{parts}</Types>',
        )
        archive.writestr("_rels/.rels", _relations([("officeDocument", "xl/workbook.xml")]))
        listed = "".join(
            f'<sheet name={quoteattr(name)} sheetId="{at}" state="{it.state}" r:id="rId{at}"/>'
            for at, (name, it) in enumerate(made, 1)
        )
        old = ' date1904="1"' if epoch == 1904 else ""
        archive.writestr(
            "xl/workbook.xml",
            f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><workbookPr{old}/><sheets>{listed}</sheets></workbook>',
        )
        links = [("worksheet", f"worksheets/sheet{at}.xml") for at in range(1, len(made) + 1)]
        links.append(("styles", "styles.xml"))
        archive.writestr("xl/_rels/workbook.xml.rels", _relations(links))
        archive.writestr("xl/styles.xml", _STYLES)
        for at, (_, it) in enumerate(made, 1):
            archive.writestr(f"xl/worksheets/sheet{at}.xml", prolog + _sheet(it, first))
    return sink.getvalue()


def _relations(links: Sequence[tuple[str, str]]) -> str:
    shown = "".join(
        f'<Relationship Id="rId{at}" Type="{_OFFICE}/{kind}" Target="{target}"/>'
        for at, (kind, target) in enumerate(links, 1)
    )
    return f'<Relationships xmlns="{_PACKAGE}/relationships">{shown}</Relationships>'


def _sheet(sheet: Sheet, first: date) -> str:
    columns = "".join(f'<col min="{at}" max="{at}" hidden="1"/>' for at in sheet.hidden_columns)
    rows = []
    for number, cells in enumerate(sheet.rows, 1):
        shown = "".join(_cell(f"{chr(65 + at)}{number}", cell, first, sheet) for at, cell in enumerate(cells))
        hidden = ' hidden="1"' if number in sheet.hidden_rows else ""
        if shown:
            rows.append(f'<row r="{number}"{hidden}>{shown}</row>')
    merged = "".join(f'<mergeCell ref="{it}"/>' for it in sheet.merged)
    return (
        f'<worksheet xmlns="{_MAIN}">{f"<cols>{columns}</cols>" if columns else ""}'
        f"<sheetData>{''.join(rows)}</sheetData>{f'<mergeCells>{merged}</mergeCells>' if merged else ''}</worksheet>"
    )


def _cell(name: str, cell: Cell, first: date, sheet: Sheet) -> str:  # noqa: PLR0911 - one for each kind of cell
    if name in sheet.extra:
        return sheet.extra[name]
    match cell:
        case None:
            return ""
        case bool():
            return f'<c r="{name}" t="b"><v>{int(cell)}</v></c>'
        case Formula(text, None):
            return f'<c r="{name}"><f>{escape(text)}</f><v/></c>'
        case Formula(text, value):
            kind = "" if not isinstance(value, str) else ' t="e"' if value.startswith("#") else ' t="str"'
            return f'<c r="{name}"{kind}><f>{escape(text)}</f><v>{escape(str(value))}</v></c>'
        case str():
            return f'<c r="{name}" t="inlineStr"><is><t xml:space="preserve">{escape(cell)}</t></is></c>'
        case datetime():
            days = (cell - datetime.combine(first, datetime.min.time())) / _DAY
            return f'<c r="{name}" s="2"><v>{days!r}</v></c>'
        case date():
            return f'<c r="{name}" s="1"><v>{(cell - first).days}</v></c>'
        case timedelta():
            return f'<c r="{name}" s="3"><v>{cell / _DAY!r}</v></c>'
        case _:
            return f'<c r="{name}"><v>{cell!r}</v></c>'
