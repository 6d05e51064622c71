"""Bytes of hostile files: bounded, unpacked once, refused with one clear error."""

import bz2
import gzip
import io
import tracemalloc
import zipfile
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cyberscore.exceptions import ReadingError
from cyberscore.readers import opening

LIMIT = 1_000_000


def zipped(files, method=zipfile.ZIP_DEFLATED):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def whole(source, limit=LIMIT):
    return b"".join(opening.pieces(source, limit))


@settings(max_examples=30, deadline=None)
@given(st.binary(min_size=1, max_size=200_000))
def test_packed_and_plain_files_hold_the_same(data):
    data = b"x" + data  # so that it is not itself an archive
    assert whole(data) == whole(gzip.compress(data)) == whole(zipped({"a.xml": data})) == data
    assert opening.stream(gzip.compress(data), LIMIT).read() == data


def test_paths_are_read_like_bytes(tmp_path):
    for name, data in {
        "a": b"text",
        "b": gzip.compress(b"text"),
        "c": zipped({"x": b"text", "__MACOSX/x": b""}),
    }.items():
        (tmp_path / name).write_bytes(data)
        assert whole(tmp_path / name) == whole(str(tmp_path / name)) == b"text"


BAD = {
    "empty": (b"", "empty: export"),
    "empty gzip": (gzip.compress(b""), "compressed file is empty"),
    "empty zip": (zipped({}), "empty zip archive"),
    "members": (gzip.compress(b"a") + gzip.compress(b"b"), "several gzip members"),
    "members after a pause": (gzip.compress(b"a") + bytes(opening.PIECE) + gzip.compress(b"b"), "several gzip members"),
    "cut gzip": (gzip.compress(bytes(range(256)) * 9)[:-9], "cut short"),
    "damaged gzip": (gzip.compress(b"abc")[:-8] + bytes(8), "damaged gzip"),
    "twice": (gzip.compress(gzip.compress(b"a")), "compressed twice"),
    "zip in zip": (zipped({"a.zip": zipped({"a": b"a"})}), "compressed twice"),
    "files": (zipped({"a": b"a", "b": b"b"}), "archive of 2 files"),
    "method": (zipped({"a": b"a"}, zipfile.ZIP_LZMA), "unusual way"),
    "cut zip": (zipped({"a": b"abc" * 100})[:60], "cut short"),
    "damaged zip": (zipped({"a": b"abc" * 100}).replace(b"PK\x01\x02", b"PK\x01\x03"), "damaged or encrypted"),
    "checksum": (zipped({"a": b"abc"}, zipfile.ZIP_STORED).replace(b"abc", b"abd"), "damaged or encrypted"),
    "directory": (zipped({"a" * 60_000: b"", "b" * 60_000: b""}), "too many files"),
    "bzip2": (bz2.compress(b"a"), "decompress it first"),
    "pdf": (b"%PDF-1.7", "export the results as"),
    "large": (b"x" * (LIMIT + 1), "larger than 1 MB"),
    "large zip": (zipped({"a": zlib.compress(bytes(range(256)) * 8000, 0)}, zipfile.ZIP_STORED), "larger than 1 MB"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_files_give_one_clear_error(case, tmp_path):
    data, words = BAD[case]
    path = tmp_path / "export"
    path.write_bytes(data)
    for source in (data, path):
        with pytest.raises(ReadingError, match=words) as caught:
            whole(source)
        assert str(caught.value).startswith("bytes: " if source is data else str(path))


def test_encrypted_archives_are_refused():
    data = bytearray(zipped({"a": b"abc"}))
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    with pytest.raises(ReadingError, match="encrypted"):
        whole(bytes(data))


@pytest.mark.parametrize("pack", [gzip.compress, lambda data: zipped({"a": data})], ids=["gzip", "zip"])
def test_bombs_are_noticed_before_they_have_grown(pack):
    bomb = pack(bytes(50_000_000))
    assert len(bomb) < 100_000
    tracemalloc.start()
    with pytest.raises(ReadingError, match="larger than 1 MB"):
        for _ in opening.pieces(bomb, LIMIT):
            pass
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 3_000_000
