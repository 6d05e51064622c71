"""The bytes of a hostile file, piece by piece and within a limit: callers are `documents`, `head` and readers.

A gzip file of one member and a zip archive of one file are unpacked while they are read, never beyond the limit.
"""

import io
import struct
import zipfile
import zlib
from collections.abc import Iterator
from os import PathLike, fspath
from pathlib import Path
from typing import IO

from cyberscore.exceptions import ReadingError

Input = str | PathLike[str] | bytes
"""A file's path, or its bytes."""

PIECE = 1 << 16
"""Bytes read at a time."""
MAX_DIRECTORY = 100_000
"""A zip archive whose list of files is longer than this many bytes is refused before it is read."""

_GZIP, _ZIP, _ZIP_END = b"\x1f\x8b", b"PK\x03\x04", b"PK\x05\x06"
_LARGE_ZIP, _LARGE_ZIP_PLACE = b"PK\x06\x06", b"PK\x06\x07"
_REFUSED = {
    b"\xfd7zXZ": "xz-compressed: decompress it first",
    b"BZh": "bzip2-compressed: decompress it first",
    b"\x28\xb5\x2f\xfd": "zstd-compressed: decompress it first",
    b"7z\xbc\xaf\x27\x1c": "a 7z archive: unpack it first",
    _ZIP_END: "an empty zip archive: pack the export again",
    b"%PDF-": "a PDF report: export the results as XML, JSON or CSV",
    b"\xd0\xcf\x11\xe0": "an old Office document: export the results as XML, JSON or CSV",
    b"SQLite format 3": "a database: export the results as XML, JSON or CSV",
}


def allowed(size: int, free: int, each: int) -> int:
    """How many rows or elements that many bytes may hold: some are free, then one for `each` bytes.

    What a row costs in time and memory hardly depends on its length: a limit of bytes alone does not bound it.
    """
    return free + size // each


def name_of(source: Input) -> str:
    """Name of an input for error messages.

    Raises
    ------
    ReadingError
        When it is neither a path nor bytes.
    """
    if isinstance(source, bytes):
        return "bytes"
    if isinstance(source, str | PathLike):
        return str(fspath(source))
    raise ReadingError(f"a path or bytes are wanted; got {type(source).__name__}: pass what the file holds")


def pieces(source: Input, limit: int) -> Iterator[bytes]:
    """Bytes of a file of limited size, piece by piece; unpacked where it is one gzip member or one file in a zip.

    Raises
    ------
    ReadingError
        When the file is missing, cannot be read, is empty, is compressed in another way, or is larger than `limit`
        bytes, packed or unpacked.
    """
    name = name_of(source)
    stored = _bounded(_stored(source, name), limit, name)
    first = next(stored, b"")
    if not first:
        raise ReadingError(f"{name}: the file is empty: export it again")
    for magic, what in _REFUSED.items():
        if first.startswith(magic):
            raise ReadingError(f"{name}: {what}")
    if first.startswith(_ZIP):
        yield from _whole(_bounded(_unzipped(source, limit, name), limit, name), name)
    elif first.startswith(_GZIP):
        yield from _whole(_bounded(_gunzipped(first, stored, name), limit, name), name)
    else:
        yield first
        yield from stored


def stream(source: Input, limit: int) -> io.BufferedReader:
    """Return the same bytes as a binary file to read from."""
    return io.BufferedReader(_Pieces(pieces(source, limit)), PIECE)


class _Pieces(io.RawIOBase):
    """Pieces as a file; `size` is how many bytes were read of it."""

    def __init__(self, parts: Iterator[bytes]) -> None:
        self._parts, self._left = parts, b""
        self.size = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        while not self._left:
            self._left = next(self._parts, b"")
            if not self._left:
                return 0
        count = min(len(buffer), len(self._left))
        buffer[:count] = self._left[:count]
        self._left = self._left[count:]
        self.size += count
        return count


def _stored(source: Input, name: str) -> Iterator[bytes]:
    if isinstance(source, bytes):
        for start in range(0, len(source), PIECE):
            yield source[start : start + PIECE]
        return
    try:
        _check_regular(Path(source), name)
        with Path(source).open("rb") as file:
            while piece := file.read(PIECE):
                yield piece
    except ReadingError:
        raise
    except (OSError, ValueError) as error:
        raise _unreadable(name, error) from error


def _check_regular(path: Path, name: str) -> None:
    """Refuse a pipe or a device, which may never end, or never begin."""
    if path.exists() and not path.is_file() and not path.is_dir():
        raise ReadingError(f"{name}: no regular file: save the export and give its path")


def _unreadable(name: str, error: Exception) -> ReadingError:
    return ReadingError(f"{name}: cannot be read: {getattr(error, 'strerror', None) or error}: check the path")


def _bounded(parts: Iterator[bytes], limit: int, name: str) -> "Iterator[bytes]":
    size = 0
    for piece in parts:
        size += len(piece)
        if size > limit:
            raise ReadingError(f"{name}: larger than {limit / 1e6:g} MB: split it by network or tenant")
        yield piece


def _whole(parts: Iterator[bytes], name: str) -> Iterator[bytes]:
    """Refuse an archive of nothing, and one inside another."""
    first = next(parts, b"")
    if not first:
        raise ReadingError(f"{name}: the compressed file is empty: export it again")
    if first.startswith((_GZIP, _ZIP, *_REFUSED)):
        raise ReadingError(f"{name}: compressed twice: unpack it first")
    yield first
    yield from parts


def _gunzipped(first: bytes, rest: Iterator[bytes], name: str) -> Iterator[bytes]:
    unpacker = zlib.decompressobj(wbits=31)
    piece: bytes | None = first
    try:
        while piece is not None:
            if unpacker.eof:
                if piece.strip(b"\x00"):
                    raise ReadingError(f"{name}: holds several gzip members: decompress it first")
            else:
                yield from _inflated(unpacker, piece)
                if unpacker.eof and unpacker.unused_data.strip(b"\x00"):
                    raise ReadingError(f"{name}: holds several gzip members: decompress it first")
            piece = next(rest, None)
    except zlib.error as error:
        raise ReadingError(f"{name}: damaged gzip file: {error}: export it again") from error
    if not unpacker.eof:
        raise ReadingError(f"{name}: the gzip file is cut short: export it again")


def _inflated(unpacker: "zlib._Decompress", piece: bytes) -> Iterator[bytes]:
    """Pieces of bounded size, so that a bomb is noticed before it has grown."""
    while piece and not unpacker.eof:
        found = unpacker.decompress(piece, PIECE)
        piece = unpacker.unconsumed_tail
        if found:
            yield found


def _unzipped(source: Input, limit: int, name: str) -> Iterator[bytes]:
    try:
        with io.BytesIO(source) if isinstance(source, bytes) else Path(source).open("rb") as file:
            _check_directory(file, limit, name)
            with zipfile.ZipFile(file) as archive:
                entry = _only_entry(archive, name)
                with archive.open(entry) as packed:
                    while piece := packed.read(PIECE):
                        yield piece
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, struct.error) as error:
        raise ReadingError(f"{name}: damaged or encrypted zip archive: {error}: unpack it first") from error
    except ReadingError:
        raise
    except (OSError, ValueError) as error:
        raise _unreadable(name, error) from error


def _only_entry(archive: zipfile.ZipFile, name: str) -> zipfile.ZipInfo:
    entries = [one for one in archive.infolist() if not one.is_dir() and "__MACOSX/" not in one.filename]
    if len(entries) != 1:
        raise ReadingError(f"{name}: a zip archive of {len(entries)} files: give one of them, unpacked")
    if entries[0].compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
        raise ReadingError(f"{name}: a zip archive packed in an unusual way: unpack it first")
    return entries[0]


def _check_directory(file: IO[bytes], limit: int, name: str) -> None:
    """Refuse a long list of files before `zipfile` reads it into memory."""
    size = file.seek(0, io.SEEK_END)
    if size > limit:
        raise ReadingError(f"{name}: larger than {limit / 1e6:g} MB: split it by network or tenant")
    file.seek(max(0, size - (1 << 16) - 22))
    tail = file.read()
    place = len(tail) - 22 if tail[-22:].startswith(_ZIP_END) else tail.rfind(_ZIP_END)
    if place < 0 or len(tail) < place + 22:
        raise ReadingError(f"{name}: the zip archive is cut short: export it again")
    directory = struct.unpack_from("<L", tail, place + 12)[0]
    # Before the end of an archive may stand its end in larger numbers, which then count: 56 bytes and where they are.
    if tail[max(0, place - 20) :].startswith(_LARGE_ZIP_PLACE):
        large = tail[max(0, place - 76) : place - 20]
        directory = struct.unpack_from("<Q", large, 40)[0] if large.startswith(_LARGE_ZIP) else limit
    if directory > MAX_DIRECTORY:
        raise ReadingError(f"{name}: a zip archive of too many files: give one of them, unpacked")
    file.seek(0)
