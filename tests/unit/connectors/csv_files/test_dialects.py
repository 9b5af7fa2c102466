"""Files as people have them: encodings, separators, signs in numbers, lines above the table, packed files."""

import gzip
import io
import math
import re
import zipfile
from pathlib import Path

import pytest

from connectors.csv_files.dialect import BadDatasetError, Dialect, DialectSettings, checked
from connectors.csv_files.inspection import CsvFacts, opened_csv
from connectors.csv_files.number_format import NumberFormat, NumbersFound, find_format
from connectors.csv_files.text import plain_text
from connectors.datasets.splits import Split
from connectors.datasets.splitter import split_csv
from streams.forecasting.calendars import JobCalendars

DAYS = [f"2020-01-{day:02}" for day in range(1, 8)]
CASES = Path(__file__).parents[3] / "cases"


def facts(tmp_path: Path, data: bytes, **settings: object) -> CsvFacts:
    """What is found of a file of these bytes."""
    path = tmp_path / "upload"
    path.write_bytes(data)
    with opened_csv(path, DialectSettings(**settings)) as table:  # type: ignore[arg-type]
        return table.facts


def split(tmp_path: Path, data: bytes, *, when: int = 0, target: int = 1, **settings: object) -> Split:
    """The one series of a file of these bytes."""
    path = tmp_path / "upload"
    path.write_bytes(data)
    with opened_csv(path, DialectSettings(**settings)) as table:  # type: ignore[arg-type]
        return split_csv(
            table.text, table.facts.header, timestamp_index=when, target_index=target, groupby_indexs=(),
            max_series=10, calendars=JobCalendars(), dialect=table.facts.dialect,
        )  # fmt: skip


def rows(delimiter: str = ",", values: str = "12 15 11 18 14 17 13") -> str:
    """A week of values."""
    return "".join(f"{day}{delimiter}{value}\n" for day, value in zip(DAYS, values.split(), strict=True))


@pytest.mark.parametrize(
    ("encoding", "header"),
    [
        ("utf-16", "Date,Größe"), ("utf-16-le", "Date,Größe"), ("utf-16-be", "日期,销量"), ("utf-32", "Date,Größe"),
        ("utf-8-sig", "日期,销量"), ("gbk", "日期,销量"), ("gb18030", "日期,㐀量"), ("big5", "日期,銷售量"),
        ("cp932", "日付,売上"), ("cp949", "날짜,판매량"), ("cp1252", "Date,Umsätze (€)"), ("latin-1", "Année,Quantité"),
        ("cp1250", "Data,Sprzedaż łączna"), ("cp1251", "Дата,Продажи"), ("koi8-r", "Дата,Продажи"),
        ("cp1253", "Ημερομηνία,Πωλήσεις"), ("cp1254", "Tarih,Sat\u0131ş Şehir"), ("cp1256", "التاريخ,المبيعات"),
        ("cp1252", "Date,PM10 (µg/m³)"), ("cp1252", "Date,Débit m³/s"), ("cp1252", "Date,Prix à"),
        ("cp1252", "Date,don\u2019t"), ("cp1252", "Fecha,¿Cuántos?"), ("cp1250", "Dátum,Érték"),
        ("cp1252", "Date,VentesÉté"), ("cp1250", "Data,Zużycie (zł)"), ("cp1253", "Date,Πωλήσεις"),
        ("cp1257", "Data,Pārdošana"), ("cp866", "Дата,Продажи"), ("cp850", "Datum,Größe"), ("cp874", "วันที่,ยอดขาย"),
    ],
)  # fmt: skip
def test_D18_a_file_is_read_in_the_encoding_that_it_is_in(tmp_path: Path, encoding: str, header: str) -> None:
    """Labels come out as they were written, and the values with them."""
    found = facts(tmp_path, f"{header}\n{rows()}".encode(encoding))

    assert found.header == tuple(header.split(","))
    assert found.heads[found.header[1]] == (12, 15, 11, 18, 14)
    assert found.rows == 7
    if not encoding.startswith("utf-8"):
        assert "x".encode(found.dialect.encoding)  # Python knows the name that is shown


@pytest.mark.parametrize(
    ("encoding", "label", "cell"),
    [
        ("cp1252", "Umsatz", "12,50 €"), ("cp1252", "Umsätze", "€ 12"), ("latin-1", "Price", "£5"),
        ("latin-1", "Größe", "5 °C"), ("cp1250", "Sprzedaż", "5 zł"), ("cp1251", "Продажи", "5 \u0433."),
        ("cp1251", "Доход", "5 \u0440\u0443\u0431."), ("gbk", "销量", "5月6日"), ("cp932", "売上", "5円"),
        ("latin-1", "Menge", "5 m²"), ("latin-1", "Weight", "5 µg"), ("big5", "銷量", "5元"),
        ("cp949", "판매량", "5원"), ("big5", "城市", "臺北"), ("gbk", "店", "甲"), ("cp932", "都市", "東京"),
    ],
)  # fmt: skip
def test_D18_signs_beside_numbers_tell_an_encoding(tmp_path: Path, encoding: str, label: str, cell: str) -> None:
    """They are most of what is not ASCII in many files, and no letters."""
    text = f"Date;{label}\n" + "".join(f"{day};{cell}\n" for day in DAYS * 5)
    found = facts(tmp_path, text.encode(encoding))

    assert found.header == ("Date", label)
    assert found.heads[label][0] == cell


def test_D18_one_letter_of_another_script_is_no_word(tmp_path: Path) -> None:
    """ISO-8859-15 has the euro where others have a single letter, which would stand alone among Latin words."""
    assert facts(tmp_path, f"Date,Preis €\n{rows()}".encode("iso8859-15")).header == ("Date", "Preis €")


def test_D18_the_sign_of_the_euro_tells_iso_8859_15(tmp_path: Path) -> None:
    """In its place other encodings have a sign for any currency, which nobody writes."""
    found = facts(tmp_path, f"Größe;Umsatz €\n{rows(';')}".encode("iso8859-15"))

    assert (found.header, found.dialect.encoding) == (("Größe", "Umsatz €"), "iso-8859-15")


def test_D18_bytes_far_down_a_file_tell_its_encoding(tmp_path: Path) -> None:
    """The first of them comes long after what the separators are found by."""
    text = "day,city,value\n" + "2020-01-01,Bonn,1\n" * 20_000 + "2020-01-02,Köln,2\n"
    found = facts(tmp_path, text.encode("cp1252"))

    assert (found.rows, found.dialect.encoding) == (20_001, "windows-1252")


def test_D18_a_damaged_utf8_file_is_not_taken_for_another_encoding(tmp_path: Path) -> None:
    """One wrong byte among many right ones: the other labels would come out as rubbish."""
    data = "day,größe\n2020-01-01,é\n2020-01-02,ü\n".encode() + b"2020-01-03,\xe9\n"
    with pytest.raises(BadDatasetError, match=r"line 4: .*0xE9.* is not UTF-8.* name the encoding"):
        facts(tmp_path, data)

    few = "day,größe\n2020-01-01,1\n".encode() + b"2020-01-02,\xff\n"
    with pytest.raises(BadDatasetError, match=r"line 3: .*0xFF"):
        facts(tmp_path, few)


@pytest.mark.parametrize(
    ("text", "header", "shape"),
    [
        ("Datum;Wert\n" + rows(";"), ("Datum", "Wert"), (";", 0)),
        ("Datum;Umsatz (EUR, netto)\n" + rows(";", "1,5 2,5 3,5 4,5 5,5 6,5 7,5"),
         ("Datum", "Umsatz (EUR, netto)"), (";", 0)),
        ("Datum\tWert\n" + rows("\t"), ("Datum", "Wert"), ("\t", 0)),
        ("Umsatz (EUR, netto)|Datum|Wert\n" + "".join(f"a|{day}|1,5\n" for day in DAYS),
         ("Umsatz (EUR, netto)", "Datum", "Wert"), ("|", 0)),
        ("Datum|Wert\n" + rows("|"), ("Datum", "Wert"), ("|", 0)),
        ("sep=,\nDatum,Wert\n" + rows(), ("Datum", "Wert"), (",", 1)),
        ("sep=;\nDatum;Wert\n" + rows(";"), ("Datum", "Wert"), (";", 1)),
        ("SEP=^\r\nDatum^Wert\r\n" + rows("^"), ("Datum", "Wert"), ("^", 1)),
        ('"sep=;"\nDatum;Wert\n' + rows(";"), ("Datum", "Wert"), (";", 1)),
        ("# exported\n# shop 4\nDate,Value\n" + rows(), ("Date", "Value"), (",", 2)),
        ("# exported, by me\nDate,Value\n" + rows(), ("Date", "Value"), (",", 1)),
        ("# Date,Value\n" + rows(), ("# Date", "Value"), (",", 0)),
        ('"Data Source","Indicators",\n\n"Updated","2020-07-01",\n\nDate,Value\n' + rows(),
         ("Date", "Value"), (",", 4)),
        ("Report of sales\n\nDate\tValue\n" + rows("\t"), ("Date", "Value"), ("\t", 2)),
        ("Bericht;;\nStand;01.02.2020;\n;;\nDatum;Wert\n" + rows(";"), ("Datum", "Wert"), (";", 3)),
        ("\n\nDate,Value\n" + rows(), ("Date", "Value"), (",", 0)),
        ("'Date','Value'\n" + "".join(f"'{day}','1'\n" for day in DAYS), ("Date", "Value"), (",", 0)),
        ("Date,Value\r" + rows().replace("\n", "\r"), ("Date", "Value"), (",", 0)),
        ("Date,Value,\n" + "".join(f"{day},1,\n" for day in DAYS), ("Date", "Value"), (",", 0)),
        ("Date,Value,,,\n" + "".join(f"{day},1,,,\r\n" for day in DAYS), ("Date", "Value"), (",", 0)),
        ("Date,Value\n" + "".join(f"{day},1,\n" for day in DAYS), ("Date", "Value"), (",", 0)),
        ("Date,Value,\n" + rows(), ("Date", "Value"), (",", 0)),
        ('Date,Value,""\n' + "".join(f'{day},1,""\n' for day in DAYS), ("Date", "Value"), (",", 0)),
        (",Date,Value\n" + "".join(f"{n},{day},1\n" for n, day in enumerate(DAYS)),
         ("Unnamed: 0", "Date", "Value"), (",", 0)),
        (",,Value\n" + "".join(f"a,{day},1\n" for day in DAYS), ("Unnamed: 0", "Unnamed: 1", "Value"), (",", 0)),
    ],
)  # fmt: skip
def test_D18_the_table_is_found_as_it_was_written(
    tmp_path: Path, text: str, header: tuple[str, ...], shape: tuple[str, int]
) -> None:
    """Separator, lines above the header, columns without a name."""
    found = facts(tmp_path, text.encode())
    made = split(tmp_path, text.encode(), when=len(header) - 2, target=len(header) - 1)

    assert found.header == header
    assert (found.dialect.delimiter, found.dialect.skipped_lines) == shape
    assert found.rows == 7
    assert made.texts == tuple(DAYS)
    assert len(made.target) == 7


@pytest.mark.parametrize(
    ("cells", "numbers", "form"),
    [
        ("1,5 2,25 1000", [1.5, 2.25, 1000], (",", None)),
        ("1.234,5 2,25 1.000.000", [1234.5, 2.25, 1_000_000], (",", ".")),
        ("1\u00a0234,5 12,5 7", [1234.5, 12.5, 7], (",", " ")),
        ("1\u202f234,5 12,5 7", [1234.5, 12.5, 7], (",", " ")),
        ("1'234.5 12.5 7", [1234.5, 12.5, 7], (".", "'")),
        ("1\u2019234.5 12.5 7", [1234.5, 12.5, 7], (".", "'")),
        ("1.5 2.25 -3", [1.5, 2.25, -3], (".", None)),
        ("-1,5 +2,5 1,5e3", [-1.5, 2.5, 1500], (",", None)),
        ("\u22121,5 2,5 3,5", [-1.5, 2.5, 3.5], (",", None)),
        ("\u22121.5 2.5 \u2212300", [-1.5, 2.5, -300], (".", None)),
    ],
)
def test_D18_numbers_are_read_as_they_are_written(
    tmp_path: Path, cells: str, numbers: list[float], form: tuple[str, str | None]
) -> None:
    """Decimals and thousands are found, and the preview shows the numbers."""
    lines = [f"{day};{cell}" for day, cell in zip(DAYS, cells.split(" "), strict=False)]
    data = "\n".join(["day;value", *lines]).encode()
    found = facts(tmp_path, data)

    assert split(tmp_path, data).target.tolist() == numbers
    assert (found.dialect.decimal, found.dialect.thousands) == form
    assert list(found.heads["value"]) == numbers
    assert found.warnings == ()


@pytest.mark.parametrize(
    ("cells", "numbers", "says"),
    [
        ("$1,234.50|$7|-$8.25", [1234.5, 7, -8.25], ['"$" before each number is left out']),
        ("1.234,50 €|7,25 €|-8,00 €", [1234.5, 7.25, -8], ['"€" behind each number is left out']),
        ("R$ 1.234,5|R$ 7|R$ 8", [1234.5, 7, 8], ['"R$" before each number']),
        ("EUR 5|EUR 7|EUR 8", [5, 7, 8], ['"EUR" before each number']),
        ("Rs. 12,34,567|Rs. 7|Rs. 8", [1_234_567, 7, 8], ['"Rs." before each number']),
        ("5%|7.5 %|-8%", [5, 7.5, -8], ['"%" behind each number']),
        ("12.5 kWh|7 kWh|8 kWh", [12.5, 7, 8], ['"kWh" behind each number']),
        ("(5.5)|7|8", [-5.5, 7, 8], ['numbers such as "(5.5)" are read as less than zero']),
        ("5.5-|7|8", [-5.5, 7, 8], ['numbers such as "5.5-" are read as less than zero']),
        ("$(5.50)|$7|($8)", [-5.5, 7, -8], ['"$" before', 'such as "$(5.50)"']),
        ("12,34,567|1,00,000|99,999", [1_234_567, 100_000, 99_999], []),
        ("\uff11\uff12\uff0e\uff15|7|8", [12.5, 7, 8], []),
        ("1\u02bc234.5|7|8", [1234.5, 7, 8], []),
        ("1\u2007234,5|7|8,5", [1234.5, 7, 8.5], []),
        ("\u202d1,234.5\u202c|7|8", [1234.5, 7, 8], []),
        ("N/A|7|k.A.", [None, 7, None], ['2 cells that say "N/A", "k.A." are taken for missing values']),
        ("-|7|#DIV/0!", [None, 7, None], ['2 cells that say "-", "#DIV/0!"']),
        ("-|$7|$8", [None, 7, 8], ['"$" before', '1 cells that say "-"']),
    ],
)
def test_D18_what_is_around_numbers_is_taken_off_and_told(
    tmp_path: Path, cells: str, numbers: list[float | None], says: list[str]
) -> None:
    """Units that all have, signs of accountants, and words for no value."""
    lines = [f'{day},"{cell}"' for day, cell in zip(DAYS, cells.split("|"), strict=False)]
    made = split(tmp_path, "\n".join(["day,value", *lines]).encode())

    assert [None if math.isnan(number) else number for number in made.target.tolist()] == numbers
    assert len(made.warnings) == len(says)
    for warning, words in zip(made.warnings, says, strict=True):
        assert words in warning


@pytest.mark.parametrize(
    ("cells", "wrong"),
    [
        ("5 kg|7 g|8 kg", "5 kg"), ("5%|0.07|8%", "5%"), ("1.2K|800|3K", "1.2K"), ("7|(8|9", "(8"),
        ("7|(-8)|9", "(-8)"), ("N/A|7|soon", "soon"), ("7|1:30|9", "1:30"), ("7|0x12|9", "0x12"),
        ("7|inf|9", "inf"), ("7|5-8|9", "5-8"), ("x1|x2|x3", "x1"), ("SKU17|SKU18|SKU19", "SKU17"),
        ("A 1|A 2|A 3", "A 1"),
    ],
)  # fmt: skip
def test_D18_what_is_no_number_throughout_is_refused(tmp_path: Path, cells: str, wrong: str) -> None:
    """With the cell that is none, not one that is only missing."""
    lines = [f"{day},{cell}" for day, cell in zip(DAYS, cells.split("|"), strict=False)]
    with pytest.raises(ValueError, match=rf'"{re.escape(wrong)}" is not a number'):
        split(tmp_path, "\n".join(["day,value", *lines]).encode())


@pytest.mark.parametrize(
    ("cells", "told"),
    [
        ("973 1.073 1.280", True), ("1.073 1.280 1.5", False), ("0.973 1.073 7", False), ("1.073 1.280", False),
        ("1.073 1.280 1200", False),
    ],
)  # fmt: skip
def test_D18_points_that_may_part_thousands_are_told(tmp_path: Path, cells: str, *, told: bool) -> None:
    """In a file with commas a point stands before decimals; three of them each time, or none, are doubtful."""
    lines = [f"{day},{cell}" for day, cell in zip(DAYS, cells.split(" "), strict=False)]
    found = facts(tmp_path, "\n".join(["day,value", *lines]).encode())

    assert any('"1.073" is read as 1.073' in warning for warning in found.warnings) is told


def test_D18_quoted_thousands_of_a_comma_file(tmp_path: Path) -> None:
    """As spreadsheets write them where the point stands before decimals."""
    data = b'day,value\n2020-01-01,"1,234.50"\n2020-01-02,"12,345,678.00"\n2020-01-03,7\n'
    found = facts(tmp_path, data)

    assert split(tmp_path, data).target.tolist() == [1234.5, 12_345_678, 7]
    assert (found.dialect.decimal, found.dialect.thousands) == (".", ",")


@pytest.mark.parametrize(
    ("text", "number"),
    [('day,value\n2020-01-01,"1,234"\n', 1234), ("day;value\n2020-01-01;1,234\n", 1.234),
     ("day;value\n2020-01-01;1.234\n", 1.234), ("day;value;w\n2020-01-01;1.234;0,5\n", 1234)],
)  # fmt: skip
def test_D18_a_number_that_can_be_read_in_two_ways_is_told(tmp_path: Path, text: str, number: float) -> None:
    """The likelier one is taken, and a warning says which; a setting settles it."""
    made = split(tmp_path, text.encode())
    found = facts(tmp_path, text.encode())

    assert made.target.tolist() == [number]
    for warnings in (made.warnings, found.warnings):
        assert len(warnings) == 1
        assert f"is read as {number:g}" in warnings[0]
        assert "decimal and thousands" in warnings[0]
    assert split(tmp_path, text.encode(), decimal=",", thousands=".").warnings == ()


def test_D18_a_column_is_read_in_one_way_throughout(tmp_path: Path) -> None:
    """A cell far down that shows another sign is refused with its line, or decides what the first ones leave open."""
    late = "day;value\n" + "2020-01-01;1.234\n" * 400 + "2020-01-02;1.234.567\n"
    wrong = "day;value\n" + "2020-01-01;1,5\n" * 400 + "2020-01-02;1.5\n"

    assert set(split(tmp_path, late.encode()).target.tolist()) == {1234, 1_234_567}
    with pytest.raises(ValueError, match=r'line 402: "1.5" is not a number; .* a comma for decimals'):
        split(tmp_path, wrong.encode())


def test_a_number_of_no_format_is_refused_for_every_format() -> None:
    """Thousands come in threes; signs are not mixed."""
    for text in ("1,23,4", "1.23.4", "12,34.5", "1 23", "1''234", "1,234,5.6", "1.5.5", "--1", "1e", ",", ".", "-"):
        assert find_format([text]) == (None, None), text
    assert NumbersFound(NumberFormat(",", "."))["1.234,5"] == 1234.5


def gzipped(data: bytes) -> bytes:
    """The same bytes whenever it is called, for they stand in the names of tests."""
    return gzip.compress(data, mtime=0)


def zipped(**files: bytes) -> bytes:
    """A zip file."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)
    return packed.getvalue()


PLAIN = b"day,value\n" + rows().encode()


@pytest.mark.parametrize(
    ("data", "compression", "encoding"),
    [
        (gzipped(PLAIN), "gzip", "utf-8"),
        (gzipped(PLAIN[:30]) + gzipped(PLAIN[30:]), "gzip", "utf-8"),
        (zipped(**{"sales.csv": PLAIN}), "zip", "utf-8"),
        (zipped(**{"sales.csv": PLAIN, "__MACOSX/._sales.csv": b"x", "folder/.DS_Store": b""}), "zip", "utf-8"),
        (gzipped(PLAIN.decode().encode("utf-16")), "gzip", "utf-16-le"),
    ],
)
def test_D18_packed_files_are_unpacked(tmp_path: Path, data: bytes, compression: str, encoding: str) -> None:
    """A gzip file, or a zip file with one file in it, whatever the file manager has put beside it."""
    found = facts(tmp_path, data)

    assert (found.rows, found.bytes) == (7, len(data))
    assert (found.dialect.compression, found.dialect.encoding) == (compression, encoding)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (gzipped(PLAIN)[:-10], "the gzip file is damaged"),
        (zipped(**{"a.csv": PLAIN, "b.csv": PLAIN}), "holds 2 files .*a.csv, b.csv.* pack the one CSV file alone"),
        (zipped(), "empty archive"),
        (zipped(**{"[Content_Types].xml": b"", "word/document.xml": b""}), "another document; save .* as .*CSV"),
        (gzipped(gzipped(PLAIN)), "holds another archive"),
        (b"PAR1" + PLAIN, "Parquet"),
        (b"BZh91AY" + PLAIN, "bzip2"),
        (b"  <!DOCTYPE html><html><body>", "web page"),
        (b'[{"Date": "2020-01-01"}]', "JSON"),
    ],
)
def test_what_is_no_packed_csv_file_is_refused(tmp_path: Path, data: bytes, says: str) -> None:
    """With what it is, and the remedy."""
    with pytest.raises(BadDatasetError, match=says):
        facts(tmp_path, data)


def test_a_file_that_unpacks_to_too_much_is_refused(tmp_path: Path) -> None:
    """After the limit, not after all of it; the message names the setting."""
    path = tmp_path / "bomb"
    path.write_bytes(gzipped(b"\n" * 30_000_000))
    with (
        pytest.raises(BadDatasetError, match=r"more than 1,000,000 bytes .* TIDECAST_MAX_UPLOAD_BYTES"),
        plain_text(path, DialectSettings(), max_bytes=1_000_000),
    ):
        pass


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("encoding", "klingon", 'there is no text encoding "klingon"'),
        ("encoding", "hex", "no text encoding"),
        ("encoding", "utf-7", "no text encoding"),
        ("encoding", "idna", "no text encoding"),
        ("encoding", "../../x\0", "no text encoding"),
        ("delimiter", "ab", "expected one character"),
        ("delimiter", "\n", "expected one character"),
        ("delimiter", "5", "expected one character"),
        ("quote", "x", "expected one of"),
        ("decimal", ";", "expected one of"),
        ("thousands", "x", "expected one of"),
        ("skipped_lines", 100_000, "expected 0 to"),
        ("compression", "rar", "expected one of"),
        ("ignored_columns", (-1,), "columns count from 0"),
        ("timestamp_format", "%H:%M", "names no year; write strptime's directives"),
    ],
)
def test_D18_a_wrong_setting_is_named(field: str, value: object, says: str) -> None:
    """By its field, with what it may be."""
    with pytest.raises(BadDatasetError, match=f"(?s)^{field}: .*{says}.*leave the field out") as refused:
        checked(DialectSettings(**{field: value}))  # type: ignore[arg-type]

    assert refused.value.code == "bad_dialect"


@pytest.mark.parametrize(
    ("data", "settings", "says"),
    [
        (PLAIN, {"skipped_lines": 20}, "^skipped_lines: is 20, and below them the file is empty"),
        (PLAIN, {"compression": "gzip"}, "^compression: is gzip, but the file is not compressed"),
        (gzipped(PLAIN), {"compression": "none"}, "^compression: is none, but .* gzip"),
        ("day,größe\n2020-01-01,1\n".encode("cp1252"), {"encoding": "utf-8"}, "^encoding: line 1: .*0xF6.* not UTF-8"),
        ("day,größe\n2020-01-01,1\n".encode(), {"encoding": "ascii"}, "^encoding: line 1: "),
        (PLAIN, {"encoding": "utf-16"}, "^encoding: is utf-16, but the file has no NUL bytes"),
        (PLAIN, {"delimiter": ";"}, "line 1: .* separated by commas, .* name the delimiter"),
        (PLAIN, {"ignored_columns": (0,)}, r"^ignored_columns: only the last .*: \[1\]"),
        (PLAIN, {"skipped_lines": 50}, "the file is empty"),
    ],
)
def test_D18_a_setting_that_does_not_fit_the_file_is_named(
    tmp_path: Path, data: bytes, settings: dict[str, object], says: str
) -> None:
    """With the place and the remedy."""
    with pytest.raises(BadDatasetError, match=says):
        facts(tmp_path, data, **settings)


def test_D18_settings_win_over_what_would_be_found(tmp_path: Path) -> None:
    """Each of them; the dialect says which were set."""
    data = "note\nday|größe|w|x\n".encode("cp850") + b'2020-01-01|5"|1.234|9\n' * 7
    found = facts(
        tmp_path, data, encoding="cp850", delimiter="pipe", quote="none", decimal=",", thousands=".",
        skipped_lines=1, ignored_columns=(3,),
    )  # fmt: skip

    assert found.header == ("day", "größe", "w")
    assert found.heads["größe"][0] == '5"'
    assert found.heads["w"][0] == 1234
    assert found.dialect == Dialect(
        "cp850", "|", None, ",", ".", 1, None, (3,), None, None, None,
        ("encoding", "delimiter", "quote", "decimal", "thousands", "skipped_lines", "ignored_columns"),
    )  # fmt: skip


def test_the_lines_of_messages_are_those_of_the_file(tmp_path: Path) -> None:
    """Also where the file was decoded, and below lines above the table."""
    text = "Bericht\nüber\n\nday;value\n2020-01-01;1\n\n2020-01-02;x\n"
    for encoding in ("utf-8", "utf-16", "cp1252"):
        with pytest.raises(ValueError, match='column "value", line 7: "x" is not a number'):
            split(tmp_path, text.encode(encoding))
    with pytest.raises(BadDatasetError, match=r"line 7: the row has 1 cells"):
        facts(tmp_path, text.replace(";x", "").encode("cp1252") + b"2020-01-03;1\n" * 20)


def test_A41_a_row_with_too_few_cells_is_not_told_to_quote(tmp_path: Path) -> None:
    """Quotation marks cannot help it; they help a row with too many."""
    with pytest.raises(BadDatasetError, match=r"line 5: the row has 1 cells .*add the missing cell") as few:
        facts(tmp_path, (CASES / "A41.csv").read_bytes())
    with pytest.raises(BadDatasetError, match=r"line 3: the row has 3 cells .*in quotation marks"):
        facts(tmp_path, b"a,b\n1,2\n1,2,3\n")

    assert "quotation" not in few.value.message


def test_a_row_above_the_header_is_not_taken_for_one(tmp_path: Path) -> None:
    """A header that names fewer columns than the rows have is wrong; the first row must not become the header."""
    with pytest.raises(
        BadDatasetError, match=r"line 2: the row has 3 cells but the header names 2 columns.*skipped_lines"
    ):
        facts(tmp_path, b"day,value\n" + b"A,2020-01-01,5\n" * 9)


def test_a_file_without_a_header_is_told(tmp_path: Path) -> None:
    """Its first row would be lost without a word."""
    (warning,) = facts(tmp_path, rows().encode()).warnings

    assert "line 1 looks like a row of values" in warning
    assert facts(tmp_path, b"day,2020\n" + rows().encode()).warnings == ()
