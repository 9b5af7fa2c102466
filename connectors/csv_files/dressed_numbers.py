"""Numbers with what people put around them: units, signs of accountants, and words for "no value".

Programs write none of it, so a column is looked at here only where it is not made of plain numbers, and what was made
of it is told.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from connectors.csv_files.number_format import EDGES, MISSING

__all__ = ["Undressed", "is_placeholder", "undressed"]

_WORDS: Final = r"""
n/a #n/a #na <na> n.a. na. nat none nil void missing unknown (null) (blank) (none) \n #n/a!
nd n.d. n/d s/d s.d. k.a. n.v. #nv н/д нет 无 無 空 なし 없음
#div/0! #value! #ref! #num! #name? #null! #wert! #bezug! #zahl! #valeur! #¡valor! 1.#ind -1.#ind 1.#qnan
"""
_SIGNS_ALONE: Final = ("-", "--", "---", "\u2013", "\u2014", "\u2212", ".", "..", "...", "\u2026", "?", "*", "#")
_PHRASES: Final = ("no data", "not available", "k. a.", "n. v.", "#n/a n/a")
_PLACEHOLDERS: Final = frozenset((*_WORDS.split(), *_SIGNS_ALONE, *_PHRASES))
_SYMBOL: Final = r"[$€£¥%‰°₹₩₽₺₫฿₴₦₪₱][^\d\s,()+\u2212-]{0,7}|[A-Z]{1,3}\$"
_UNIT: Final = rf"[^\W\d_][^\d\s,()+\u2212-]{{0,7}}|{_SYMBOL}"
# Before a number stand currencies. Any other letters there make a name of it, as in "x1" or "SKU17".
_CURRENCIES: Final = """
AED ARS AUD BGN BRL CAD CHF CLP CNY COP CZK DKK EGP EUR GBP HKD HUF IDR ILS INR JPY KRW MAD MXN MYR NGN NOK NZD PEN PHP
PKR PLN RMB RON RUB SAR SEK SGD THB TRY TWD UAH USD VND ZAR Rs Rs. Rp Rp. Fr Fr. SFr SFr. kr kr. K\u010d z\u0142
"""
_CURRENCY: Final = "|".join([_SYMBOL, *map(re.escape, _CURRENCIES.split())])
_MINUS: Final = r"[+\-\u2212\u2013]"
_DRESSED: Final = re.compile(
    rf"(?P<open>\()? ?(?P<sign>{_MINUS})? ?(?P<before>{_CURRENCY})? ?(?P<inner>\()?(?P<later_sign>{_MINUS})?"
    r"(?P<number>(?:[0-9]|[.,][0-9])(?:[0-9.,' \u2019]*[0-9])?[.,]?(?:[eE][+-]?[0-9]+)?)"
    rf"(?P<close>\))? ?(?P<after>{_UNIT})? ?(?P<outer>\))?(?P<minus> ?[\-\u2212])?"
)
_WIDE: Final = "\uff10\uff11\uff12\uff13\uff14\uff15\uff16\uff17\uff18\uff19\uff0e\uff0c\uff0d\uff05\uffe5"
_UNSEEN: Final = "\u200b\u200e\u200f\u202a\u202c\u202d\u2060\ufeff"  # marks of direction, which copies bring along
_TO_PLAIN: Final = str.maketrans(f"\u00a0\u2007\u2009\u202f\u02bc{_WIDE}", "    '0123456789.,-%\u00a5", _UNSEEN)
_SHOWN: Final = 40  # characters of a cell that are put into a text


@dataclass(frozen=True, slots=True)
class Undressed:
    """The texts without what is around their numbers, one for each: empty for no value, as it was for no number.

    ``placeholders`` are the indices of the words for no value. ``told`` says what was made of the others.
    """

    texts: tuple[str, ...]
    placeholders: tuple[int, ...]
    told: tuple[str, ...]


def is_placeholder(text: str) -> bool:
    """Whether a text stands where there is no value, other than the words that programs write for that."""
    return text.strip(EDGES).casefold() in _PLACEHOLDERS


def undressed(texts: Sequence[str]) -> Undressed:
    """The numbers of a column; units are taken off only if all its numbers have the same."""
    bare = [text.strip(EDGES) for text in texts]
    placeholders = tuple(index for index, text in enumerate(bare) if text.casefold() in _PLACEHOLDERS)
    none = {*placeholders, *(index for index, text in enumerate(bare) if text in MISSING)}
    left = [index for index in range(len(bare)) if index not in none]
    matches = {index: match for index in left if (match := _DRESSED.fullmatch(bare[index].translate(_TO_PLAIN)))}
    units = {(match["before"], match["after"]) for match in matches.values()}
    found = dict(enumerate(bare)) | dict.fromkeys(placeholders, "")
    told: list[str] = []
    if len(units) == 1 and len(matches) == len(left):
        sound = {index: match for index, match in matches.items() if _signs(match) <= 1 and not _is_open(match)}
        found |= {index: f"{'-' * _is_negative(match)}{match['number']}" for index, match in sound.items()}
        told = _told(next(iter(units)), [texts[index] for index in sorted(sound) if _by_accountant(sound[index])])
    return Undressed(tuple(found.values()), placeholders, tuple(told))


def _is_open(match: re.Match[str]) -> bool:
    """Whether a parenthesis lacks the other one."""
    return sum(match[name] is not None for name in ("open", "inner")) != sum(
        match[name] is not None for name in ("close", "outer")
    )


def _by_accountant(match: re.Match[str]) -> bool:
    return any(match[name] is not None for name in ("open", "inner", "minus"))


def _signs(match: re.Match[str]) -> int:
    return sum(match[name] is not None for name in ("open", "inner", "sign", "later_sign", "minus"))


def _is_negative(match: re.Match[str]) -> bool:
    return _by_accountant(match) or any(match[name] not in (None, "+") for name in ("sign", "later_sign"))


def _told(unit: tuple[str | None, str | None], negative: Sequence[str]) -> list[str]:
    told = [
        f'"{part}" {where} each number is left out'
        for part, where in zip(unit, ("before", "behind"), strict=True)
        if part
    ]
    if negative:
        told.append(f'numbers such as "{negative[0][:_SHOWN]}" are read as less than zero')
    return told
