"""The encoding of a text file: said by its first bytes or its content, or refused; nothing is replaced."""

from __future__ import annotations

import codecs
import gzip
import re
from pathlib import Path
from typing import IO, Any

from expectations.refusals import DataError, refusal

CHUNK = 1 << 22  # bytes read together
UTF8 = "utf-8"
WESTERN = "cp1252"  # what Excel writes as "CSV" on Windows in Western Europe and America
MARKS = ((codecs.BOM_UTF8, UTF8), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
FOUR_BYTES = (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)
# Signs of Western texts. Text of another code page shows others, such as ³ or ¹ within a Polish word.
WESTERN_SIGNS = frozenset(
    "ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÑÒÓÔÕÖØÙÚÛÜßàáâãäåæçèéêëìíîïñòóôõöøùúûüÿœŒŠšŽž€£§°®©™«»„“”‚‘’–—…½¼²µ´·º\xa0"
)
MOST_NULS = 0.1  # share of NUL bytes in text of one byte a sign
LONGEST_RUN = 2  # signs beyond ASCII next to each other in a Western word; Greek and Cyrillic have more
RULE = "the encoding of a text file is UTF-8, UTF-16 with its mark, or Windows-1252"
REMEDY = "save it as UTF-8, or name its encoding, for example with --set source.csv.encoding=cp1250"


def opened(file: Path) -> IO[bytes]:
    """Open a file for reading, unpacked where its name ends in ``.gz``."""
    return gzip.open(file, "rb") if file.suffix.lower() == ".gz" else file.open("rb")  # type: ignore[return-value]


def encoding_of(file: Path, name: str, given: str | None, most: int | None = None) -> str:
    """Return the encoding of a file, as Python knows it.

    Args:
        file: text file.
        name: name for messages.
        given: encoding that the settings say, if any.
        most: look at so many bytes only; none: at all (bytes).

    Raises:
        DataError: the encoding is unknown, or could be one of several.
    """
    if given:
        return _known(given)
    with opened(file) as stream:
        begin = stream.read(4)
        if begin in FOUR_BYTES:
            raise refusal("(all)", name, "UTF-32", RULE, REMEDY)
        for mark, encoding in MARKS:
            if begin.startswith(mark):
                return encoding
        stream.seek(0)
        problem = _utf8_problem(stream, most)
        if problem is None:
            return UTF8
        stream.seek(0)
        beyond = _beyond_ascii(stream, most)
    if not _western(beyond):
        raise refusal("(all)", name, problem, RULE, REMEDY)
    return WESTERN


def unreadable(name: str, problem: str) -> DataError:
    """Return the refusal of text that is not in the encoding that was said."""
    return refusal("(all)", name, problem, RULE, REMEDY)


def _known(given: str) -> str:
    try:
        return codecs.lookup(given).name
    except LookupError:
        pass
    rule, remedy = "the encoding is one that Python knows", "write a name such as utf-8, cp1252 or cp1250"
    raise refusal("(all)", "source.csv.encoding", repr(given), rule, remedy)


def _utf8_problem(stream: IO[bytes], most: int | None) -> str | None:
    """Return why text is not UTF-8, or none; UTF-16 without its mark is, by chance."""
    decoder, read = codecs.getincrementaldecoder(UTF8)(), 0
    while chunk := stream.read(CHUNK):
        if not read and chunk.count(0) > MOST_NULS * len(chunk):
            return "NUL bytes between the signs: UTF-16 without its mark, or no text"
        try:
            decoder.decode(chunk)
        except UnicodeDecodeError as error:
            return f"byte {error.object[error.start]:#04x} is not UTF-8"
        read += len(chunk)
        if most is not None and read >= most:
            return None
    return "it ends within a sign" if decoder.getstate()[0] else None


def _beyond_ascii(stream: IO[bytes], most: int | None) -> set[bytes]:
    """Return the distinct runs of bytes beyond ASCII; a run across two chunks counts as two."""
    runs: set[bytes] = set()
    read = 0
    while chunk := stream.read(CHUNK):
        if b"\0" in chunk:
            return {b"\0"}
        runs.update(re.findall(rb"[\x80-\xff]+", chunk))
        read += len(chunk)
        if most is not None and read >= most:
            break
    return runs


def _western(runs: set[bytes]) -> bool:
    """Tell whether runs of bytes are plausible in Windows-1252."""
    for run in runs:
        try:
            text = run.decode(WESTERN)
        except UnicodeDecodeError:
            return False
        letters: list[Any] = re.findall(r"[^\W\d_]+", text)
        if not WESTERN_SIGNS.issuperset(text) or any(len(part) > LONGEST_RUN for part in letters):
            return False
    return True
