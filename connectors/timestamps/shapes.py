"""The shapes of timestamps: a text with every digit as 9, and the fields that lie in it."""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

__all__ = ["DAY", "MINUTE", "MONTH_NUMBERS", "SECOND", "Form", "forms_of"]

SECOND: Final = 1_000_000  # in microseconds
MINUTE: Final = 60 * SECOND
DAY: Final = 1440 * MINUTE

_MONTHS: Final = """
january february march april may june july august september october november december
januar februar marz april mai juni juli august september oktober november dezember
janvier fevrier mars avril mai juin juillet aout septembre octobre novembre decembre
enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre
gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre
janeiro fevereiro marco abril maio junho julho agosto setembro outubro novembro dezembro
januari februari maart april mei juni juli augustus september oktober november december
"""

# Without accents, as `plain_text` writes them, Cyrillic letters in Latin ones. Their beginnings count where they are no
# month's of the languages above.
_MORE_MONTHS: Final = """
januari februari mars april maj juni juli augusti september oktober november december
januar februar marts april maj juni juli august september oktober november desember
ianuarie februarie martie aprilie mai iunie iulie august septembrie octombrie noiembrie decembrie
january february maret april mei june july agustus setiembre october november desember
stycznia lutego marca kwietnia maja czerwca lipca sierpnia wrzesnia pazdziernika listopada grudnia
styczen luty marzec kwiecien maj czerwiec lipiec sierpien wrzesien pazdziernik listopad grudzien
ledna unora brezna dubna kvetna cervna cervence srpna zari rijna listopadu prosince
leden unor brezen duben kveten cerven cervenec srpen zari rijen listopad prosinec
ocak subat mart nisan mayis haziran temmuz agustos eylul ekim kasim aralik
januar februar marcius aprilis majus junius julius augusztus szeptember oktober november december
tammikuu helmikuu maaliskuu huhtikuu toukokuu kesakuu heinakuu elokuu syyskuu lokakuu marraskuu joulukuu
tammikuuta helmikuuta maaliskuuta huhtikuuta toukokuuta kesakuuta heinakuuta elokuuta syyskuuta lokakuuta marraskuuta joulukuuta
janvarja fevralja marta aprelja maja ijunja ijulja avgusta sentjabrja oktjabrja nojabrja dekabrja
janvar fevral mart aprel mai ijun ijul avgust sentjabr oktjabr nojabr dekabr
sicnja ljutogo bereznja kvitnja travnja cervnja lipnja serpnja veresnja zovtnja listopada grudnja
januari fevruari mart april mai juni juli avgust septemvri oktomvri noemvri dekemvri
"""  # noqa: E501 - a language a line


def _month_numbers() -> dict[str, int]:
    """The number of every name, and of each beginning of three letters or more that is one month's alone."""
    beginnings = _beginnings(_MONTHS) | {"mrt": 3, "mrz": 3}
    whole = {name: number for line in _lines(_MORE_MONTHS) for number, name in enumerate(line, 1)}
    return _beginnings(_MORE_MONTHS) | whole | beginnings


def _beginnings(names: str) -> dict[str, int]:
    found: dict[str, set[int]] = {}
    for line in _lines(names):
        for number, name in enumerate(line, 1):
            for length in range(3, len(name) + 1):
                found.setdefault(name[:length], set()).add(number)
    return {name: numbers.pop() for name, numbers in found.items() if len(numbers) == 1}


def _lines(names: str) -> list[list[str]]:
    return [line.split() for line in names.strip().split("\n")]


MONTH_NUMBERS: Final = _month_numbers()

_CLOCK: Final = (
    r"(?P<hour>9{1,2})(?=:| ?[AaPp]\.?[Mm])(?::(?P<minute>99)(?::(?P<second>99)(?:[.,](?P<fraction>9{1,9}))?)?)?"
    r"(?: ?(?P<half>[AaPp])\.?[Mm]\.?)?(?: Uhr)?"
)
_OFFSET: Final = r"(?P<offset> ?(?:Z|(?:UTC|GMT)?[+-](?P<offset_hour>99)(?::?(?P<offset_minute>99))?|UTC|GMT))?"
_TIME: Final = rf"(?:(?:[ T]|, ){_CLOCK}{_OFFSET})?"
# A whole hour may stand alone behind a year that comes first, where it can be nothing else.
_ISO_TIME: Final = rf"(?:(?:[ T_]|, )(?:{_CLOCK}|(?P<whole_hour>99)){_OFFSET})?"
# Servers' logs, and programs of statistics, have a colon between the day and the hour.
_LOG_TIME: Final = rf"(?:(?:[ T:]|, ){_CLOCK}{_OFFSET})?"
_NAME: Final = r"(?P<name>[A-Za-z]{3,13})\.?"
_DAY_NAMES: Final = r"(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]{0,6}|Mo|Di|Mi|Do|Fr|Sa|So)"
_WEEKDAY: Final = rf"(?:{_DAY_NAMES}\.?,? )?"
_WEEKDAY_BEHIND: Final = rf"(?:,? (?:{_DAY_NAMES}|\({_DAY_NAMES}\)))?"
_WEEK: Final = r"(?:W|KW|CW|Week|week|Wk|wk)"
_SIGN: Final = r"(?P<sign>[/.-]|\.? )"


@dataclass(frozen=True, slots=True)
class Form:
    """A kind of texts, as it is called in messages, and the shape of its texts.

    ``digits`` is for forms of digits alone, whose years are limited to those ``years``; ``scale`` for numbers:
    microseconds of one.
    """

    name: str
    shape: re.Pattern[str]
    years: tuple[int, int] = (1, 9999)
    scale: int = 0


_OF_DIGITS: Final = (1500, 2200)
_OF_TEN_DIGITS: Final = (1900, 2099)  # as seconds since 1970 they would lie beyond 2030


def _form(name: str, shape: str, years: tuple[int, int] = (1, 9999), *, scale: int = 0) -> Form:
    return Form(name, re.compile(shape), years, scale)


_FORMS: Final = (
    _form(
        "ISO",
        rf"{_WEEKDAY}(?P<year>9999)(?P<sign>-)(?P<month>9{{1,2}})(?:-(?P<day>9{{1,2}}){_WEEKDAY_BEHIND}{_ISO_TIME})?",
    ),
    _form("day and month", rf"{_WEEKDAY}(?P<one>9{{1,2}}){_SIGN}(?P<two>9{{1,2}})(?P=sign)(?P<year>9999){_TIME}"),
    _form(
        "day and month",
        rf"{_WEEKDAY}(?P<one>9{{1,2}})(?P<sign>[/.-])(?P<two>9{{1,2}})(?P=sign)(?P<three>99){_TIME}",
    ),
    _form(
        "year/month/day",
        rf"{_WEEKDAY}(?P<year>9999)(?P<sign>[/. ])(?P<month>9{{1,2}})(?P=sign)(?P<day>9{{1,2}}){_WEEKDAY_BEHIND}"
        rf"{_ISO_TIME}",
    ),
    _form("year/month", r"(?P<year>9999)/(?P<month>9{1,2})"),
    _form("month/year", r"(?P<month>9{1,2})(?P<sign>[/-])(?P<year>9999)"),
    _form("month.year", r"(?P<month>99)\.(?P<year>9999)"),
    _form("quarters", r"(?P<year>9999)[ /:.-]?[QqT](?P<quarter>9)"),
    _form("quarters", r"[QqT](?P<quarter>9)[ /-]?(?P<year>9999)"),
    _form("quarters", r"(?P<quarter>9)(?:[Qq]|\. ?Quartal )(?P<year>9999)"),
    _form("quarters", r"(?P<quarter>9)[Qq] ?'?(?P<short_year>99)"),
    _form("quarters", r"[Qq](?P<quarter>9)(?:[ /-]'?|')(?P<short_year>99)"),
    _form("half-years", r"(?P<year>9999)[ -]?[HS](?P<half_year>9)"),
    _form("half-years", r"[HS](?P<half_year>9)[ /-]?(?P<year>9999)"),
    _form("months", r"(?P<year>9999)-?M(?P<month>9{1,2})"),
    _form("ISO weeks", rf"(?P<year>9999)[ /-]?{_WEEK} ?(?P<week>9{{1,2}})(?:-?(?P<weekday>9))?"),
    _form("ISO weeks", rf"{_WEEK} ?(?P<week>9{{1,2}})[ /-](?P<year>9999)"),
    _form("names of months", rf"{_NAME}(?: |-|/|, |)(?P<year>9999)"),
    _form("names of months", rf"(?P<year>9999)(?: |-|\. ){_NAME}(?:[ -](?P<day>9{{1,2}})\.?{_TIME})?"),
    _form(
        "names of months",
        rf"{_WEEKDAY}(?P<day>9{{1,2}})(?:st|nd|rd|th|er|\.)?(?: |-|/| de | of )?{_NAME}"
        rf"(?: |-|/|, | de )?(?P<year>9999){_LOG_TIME}",
    ),
    _form(
        "names of months",
        rf"{_WEEKDAY}{_NAME}(?: |-)(?P<day>9{{1,2}})(?:st|nd|rd|th)?(?:,? |-)(?P<year>9999){_LOG_TIME}",
    ),
    _form("names of months", rf"{_WEEKDAY}{_NAME} +(?P<day>9{{1,2}}) {_CLOCK} (?P<year>9999)"),
    _form("names of months", rf"(?P<day>9{{1,2}})[ /-]?{_NAME}[ /-]?(?P<short_year>99){_LOG_TIME}"),
    _form("names of months with short years", rf"{_NAME}[ /-]?'?(?P<short_year>99)"),
    _form("years", r"(?P<year>9999)(?:\.(?P<zero>9))?", _OF_DIGITS),
    _form("year and month in six digits", r"(?P<year>9999)(?P<month>99)(?:\.(?P<zero>9))?", _OF_DIGITS),
    _form(
        "year, month, day and hour in ten digits", "(?P<year>9999)(?P<month>99)(?P<day>99)(?P<hour>99)", _OF_TEN_DIGITS
    ),
    _form(
        "year, month and day in eight digits",
        r"(?P<year>9999)(?P<month>99)(?P<day>99)"
        r"(?:\.(?P<zero>9)|[ T]?(?P<hour>99):?(?P<minute>99)(?::?(?P<second>99)(?:\.(?P<fraction>9{1,9}))?)?"
        r"(?P<offset>Z)?)?",
        _OF_DIGITS,
    ),
    _form("Excel days", r"(?P<number>9{5})(?:[.,](?P<part>9+))?", scale=DAY),
    _form("seconds since 1970", r"(?P<number>9{9,10})(?:\.(?P<part>9+))?", scale=SECOND),
    _form("milliseconds since 1970", r"(?P<number>9{13})(?:\.(?P<part>9+))?", scale=1000),
    _form("microseconds since 1970", r"(?P<number>9{16})", scale=1),
    _form("nanoseconds since 1970", r"(?P<number>9{16})999"),
)


@lru_cache(maxsize=1024)
def forms_of(shape: str) -> tuple[tuple[Form, re.Match[str]], ...]:
    """The forms that a shape has, the likelier first; none where it has none."""
    matches = ((form, form.shape.fullmatch(shape)) for form in _FORMS)
    return tuple(
        (form, match)
        for form, match in matches
        if match is not None and ("name" not in match.re.groupindex or match["name"].lower() in MONTH_NUMBERS)
    )
