"""Which text encoding a file is in, from its first bytes and from those of its lines that are not ASCII."""

import codecs
import re
from collections.abc import Iterable, Iterator
from typing import IO, Final

import chardet

__all__ = [
    "DecodeError",
    "decoded",
    "guess_legacy",
    "guess_unicode",
    "is_damaged_utf8",
    "shown_encoding",
    "telling_lines",
]

_BLOCK: Final = 1 << 18
_TOLD: Final = 1 << 16  # bytes of lines beyond ASCII: more of them do not make a guess better
_LEAST_NULS: Final = 0.2  # share of NUL bytes: every digit, separator and line end of UTF-16 has one
_MARKS: Final = (  # the longer first: UTF-32's begins like UTF-16's
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"), (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"),
)  # fmt: skip
_EAST_ASIAN: Final = ("gb18030", "big5", "big5hkscs", "cp932", "shift_jis_2004", "euc_jis_2004", "cp949")
_ALPHABETS: Final = (
    "cp1252", "cp1250", "cp1251", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257", "cp1258", "cp874", "koi8-r",
    "koi8-u", "iso8859-1", "iso8859-2", "iso8859-5", "iso8859-7", "iso8859-8", "iso8859-9", "iso8859-15", "cp866",
)  # fmt: skip
_OLD_LATIN: Final = ("cp437", "cp850", "cp852", "mac_roman")  # read any bytes, so only where they stand among letters
# In no table of numbers: control characters, the pieces that frames were drawn of, accents without a letter, and the
# sign for any currency, in whose place ISO-8859-15 has the euro's.
_NO_TEXT: Final = re.compile("[\x80-\x9f\u00a4\u02c7-\u02db\u02dd\u2500-\u259f]")
# Letters with a sign between them that stands in no word (the apostrophe does, and so may a hyphen), a letter with an
# accent behind it, and letters of two scripts in one word.
_BROKEN_WORD: Final = re.compile(
    "[^\\W\\d_][\u00a1-\u00a9\u00ab-\u00b4\u00b6\u00b8\u00bb-\u00bf\u00d7\u00f7\u2018\u201a-\u203a][^\\W\\d_]"
    "|[^\\W\\d_]\u02dc|[A-Za-z][\u0370-\u1dff]|[\u0370-\u1dff][A-Za-z]"
)
_CAPITAL_WITHIN: Final = re.compile(r"[a-z]([^\W\d_a-zA-Z])(?=([^\W\d_]))")
_FOREIGN_WORD: Final = re.compile("[\u0370-\u1dff]+")  # Greek, Cyrillic, Hebrew, Arabic, Thai
# What only the western encodings have: the powers of square and cubic metres, and the beginning of a Spanish question.
_OF_THE_WEST: Final = re.compile(
    r"(?<![^\W\d_])(?:[kcd\u00b5]?m|mm|ft|in|yd)[\u00b2\u00b3](?![^\W\d_])|\u00bf[^?,;\n]+\?|\u00a1[^!,;\n]+!"
)
_WESTERN: Final = ("cp1252", "iso8859-1", "iso8859-15", "iso8859-9", "cp1254")
# A letter alone next to a number, where other encodings have the sign of a currency or a degree.
_LONE_LETTER: Final = re.compile(
    r"[0-9] ?(?![A-Za-z\u00aa\u00b5\u00ba])[^\W\d_][A-Za-z]{0,2}(?![^\W\d_])|(?<![^\W\d_])(?![A-Za-z])[^\W\d_] ?[0-9]"
)
# Syllables of the words that tables of numbers have in their headers, and the commonest ones of Korean prose.
_KOREAN: Final = frozenset(
    "날짜일자시간기판매출수량금액지역상품제고객가격합계년월코드이름주문점포매장구분번호단위지점원개총비용전국서울부산대구인천광주산경남북강도"
    "는을를의에고하다은로한사아어그정보가나라해있이보자성공장동중소업체회면부조관연세용방식품생선물내외분율표차과세방문자건신유무입출력전화"
)
# As the world writes what Python calls otherwise.
_SHOWN: Final = {
    "gb18030": "gb18030", "cp932": "shift_jis", "cp949": "euc-kr", "euc_kr": "euc-kr", "euc_jp": "euc-jp",
    "big5hkscs": "big5-hkscs", "iso8859-1": "iso-8859-1", "utf-8-sig": "utf-8",
}  # fmt: skip


class DecodeError(ValueError):
    """Bytes that are not of the encoding: the line, from 1, and the offending byte."""

    def __init__(self, line: int, byte: int) -> None:
        super().__init__(f"line {line}: byte 0x{byte:02X}")
        self.line = line
        self.byte = byte


def guess_unicode(first: bytes) -> tuple[str, int] | None:
    """The encoding that a byte order mark or NUL bytes tell, and the length of the mark; None: nothing tells it."""
    for mark, name in _MARKS:
        if first.startswith(mark):
            return name, len(mark)
    whole = first[: len(first) // 4 * 4]
    if len(whole) < 4 or whole.count(0) < _LEAST_NULS * len(whole):
        return None
    nuls = [whole[place::4].count(0) * 4 / len(whole) for place in range(4)]
    even, odd = nuls[0] + nuls[2], nuls[1] + nuls[3]
    likely = {  # by the places of the high bytes; a few low bytes are NUL as well
        "utf-32-le": nuls[2] > 0.9 and nuls[3] > 0.9,
        "utf-32-be": nuls[0] > 0.9 and nuls[1] > 0.9,
        "utf-16-le": even < odd / 10,
        "utf-16-be": odd < even / 10,
    }
    return next(((name, 0) for name, is_likely in likely.items() if is_likely), None)


def telling_lines(file: IO[bytes]) -> bytes:
    """The first lines that are not ASCII, as many as a guess needs."""
    told = bytearray()
    left = b""
    while len(told) < _TOLD and (block := file.read(_BLOCK)):
        *lines, left = (left + block).replace(b"\r", b"\n").split(b"\n")
        if not block.isascii() or not left.isascii():
            told += b"\n".join(line for line in lines if not line.isascii()) + b"\n"
        if len(left) > _TOLD:
            break
    if not left.isascii():
        told += left[:_TOLD]
    return bytes(told[: 2 * _TOLD])


def is_damaged_utf8(told: bytes) -> bool:
    """Whether most of what is not ASCII is UTF-8: then the rest was damaged, for other text is hardly ever UTF-8."""
    good = sum(ord(char) > 127 for char in told.decode("utf-8", "ignore"))
    bad = told.decode("utf-8", "replace").count("\ufffd")
    return good >= bad > 0


def guess_legacy(told: bytes) -> str:
    """The likeliest encoding of lines that are not UTF-8."""
    names = (*_ALPHABETS, *(_OLD_LATIN if _amid_letters(_distinct(told)) else _EAST_ASIAN))
    readable = [name for name in names if _can_decode(told, name)]
    allowed = [name for name in readable if not _has_broken_words(told, name)] or readable
    allowed = [name for name in allowed if not _has_lone_letters(told, name)] or allowed
    if _OF_THE_WEST.search(told.decode("cp1252", "replace")):
        allowed = [name for name in allowed if name in _WESTERN] or allowed
    found = None
    if allowed:
        found = chardet.detect(
            _distinct(told), include_encodings=allowed, compat_names=False, no_match_encoding=allowed[0]
        )["encoding"]
    name = codecs.lookup(found).name if found else "iso8859-1"
    if name in ("gb18030", "euc_jis_2004") and _is_korean(told):
        name = "cp949"
    if name == "big5hkscs" and _can_decode(told, "big5") and _same(told, name, "big5"):
        name = "big5"
    if name == "euc_jis_2004" and _can_decode(told, "euc_jp") and _same(told, name, "euc_jp"):
        name = "euc_jp"
    if name == "gb18030" and _can_decode(told, "gbk"):
        name = "gbk"  # the smaller of the two, and the better known
    if name in _ALPHABETS and _same(told, name, "cp1252"):
        name = "cp1252"  # of those that say the same here, the one that most files are in
    return name


def shown_encoding(name: str) -> str:
    """The name to show; Python's codecs know it too."""
    if name in _SHOWN:
        return _SHOWN[name]
    return f"windows-{name[2:]}" if name.startswith("cp125") else name.replace("iso8859-", "iso-8859-")


def decoded(blocks: Iterable[bytes], name: str) -> Iterator[str]:
    """The text of the blocks; DecodeError where they are not of this encoding."""
    decoder = codecs.getincrementaldecoder(name)("strict")
    line = 1
    try:
        for block in blocks:
            text = decoder.decode(block)
            yield text
            line += text.count("\n")
        if rest := decoder.decode(b"", final=True):
            yield rest
    except UnicodeDecodeError as error:
        good = error.object[: error.start].decode(name, "ignore")
        raise DecodeError(line + good.count("\n"), error.object[error.start]) from None


def _can_decode(data: bytes, name: str) -> bool:
    try:
        text = data.decode(name)
    except UnicodeDecodeError as error:
        if len(data) < _TOLD or error.start < len(data) - 4:
            return False
        text = data[: error.start].decode(name)  # cut off within a character
    return not _NO_TEXT.search(text)


def _distinct(told: bytes) -> bytes:
    """Each cell once: a table repeats the same few words, which are no sign of a language."""
    return b"\n".join(dict.fromkeys(cell for cell in re.split(rb"[,;|\t\n]", told) if not cell.isascii()))


def _has_broken_words(data: bytes, name: str) -> bool:
    """Whether letters stand together as in no language: then another encoding has other characters in their places."""
    text = data.decode(name, "replace")
    if _BROKEN_WORD.search(text):
        return True
    if name in _OLD_LATIN and any(one[1].isupper() and one[2].islower() for one in _CAPITAL_WITHIN.finditer(text)):
        return True
    foreign = _FOREIGN_WORD.findall(text)
    return bool(foreign) and max(map(len, foreign)) == 1  # a single letter of another script, and no word of it


def _has_lone_letters(data: bytes, name: str) -> bool:
    """Whether letters beside numbers show that another encoding is meant; in East Asia they stand there."""
    return name not in _EAST_ASIAN and _LONE_LETTER.search(data.decode(name, "replace")) is not None


def _same(data: bytes, name: str, other: str) -> bool:
    return data.decode(name, "replace") == data.decode(other, "replace")


def _amid_letters(data: bytes) -> bool:
    """Whether bytes beyond ASCII stand between ASCII letters half of the time, as Latin letters with accents do."""
    alone = beside = 0
    length = len(data)
    for place, byte in enumerate(data[: 1 << 14]):
        if byte < 128 or (place and data[place - 1] >= 128):
            continue
        end = place
        while end < length and data[end] >= 128:
            end += 1
        letter_before = place > 0 and chr(data[place - 1]).isalpha()
        letters_behind = data[end : end + 2].isalpha()  # two: one is often the second byte of a Japanese character
        beside += end - place <= 2 and (letter_before or letters_behind)
        alone += 1
    return beside >= alone / 2


def _is_korean(data: bytes) -> bool:
    text = data.decode("cp949", "ignore")
    hangul = [char for char in text if "\uac00" <= char <= "\ud7a3"]
    other = sum(ord(char) > 127 for char in text) - len(hangul)
    return len(hangul) > 4 * other and sum(char in _KOREAN for char in hangul) > 0.6 * len(hangul)
