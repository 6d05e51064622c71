"""The log loses nothing that was written: cut at any byte, flipped at any byte, written by many at once."""

import json
import os
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

import cyberscore
from cyberscore import QuoteLog, RecordError
from cyberscore.quoting import record_lines, record_log
from cyberscore.quoting.record import FIRST
from cyberscore.quoting.seals import digest
from strategies import AS_OF

RECORD = cyberscore.record(cyberscore.example("law_firm"), as_of=AS_OF)


def small(reference):
    """A sealed record with little in it: the log does not look inside."""
    made = replace(RECORD, profile={}, coverage={}, arguments={}, result={"n": reference}, reference=reference)
    made = replace(made, input_digest=digest([{}, {}, {}]), result_digest=digest(made.result))
    return made.after(FIRST)


@pytest.fixture
def log(tmp_path):
    made = QuoteLog(tmp_path / "quotes.jsonl", fsync=False)
    for k in range(3):
        assert made.append(small(f"Q-{k}")).note == ""
    return made


@pytest.fixture
def short(log):
    """Two lines, for tests that try every byte."""
    log.path.write_bytes(b"".join(log.path.read_bytes().splitlines(keepends=True)[:2]))
    return log


def references(log):
    return [one.reference for one in log]


def test_a_log_is_chained_and_whole(log):
    found = log.verify()
    assert (found.ok, found.records, found.bad_line, found.repairs) == (True, 3, None, ())
    records = list(log)
    assert records[0].previous == FIRST
    assert [one.previous for one in records[1:]] == [one.hash for one in records[:-1]]
    assert found.last_hash == records[-1].hash
    assert all(log.verify(last_hash=one.hash).ok for one in records)


def test_a_log_cut_at_any_byte_loses_at_most_the_line_being_written(short):
    log = short
    data = log.path.read_bytes()
    ends = [k + 1 for k, byte in enumerate(data) if byte == ord("\n")]
    hashes = [FIRST, *(one.hash for one in log)]
    for cut in range(len(data) + 1):
        log.path.write_bytes(data[:cut])
        whole = sum(end <= cut for end in ends)
        torn = cut not in (0, *ends)
        complete = torn and cut + 1 in ends
        found = log.verify()
        assert found.records == whole
        assert found.last_hash == hashes[whole]
        assert (found.status, found.bad_line) == (("torn", whole + 1) if torn else ("whole", None))
        told = log.append(small("next"))
        assert bool(told.note) == torn
        assert ("newline" in told.note) == complete
        kept = [f"Q-{k}" for k in range(whole + complete)]
        assert references(log) == [*kept, "next"]
        found = log.verify()
        assert found.ok
        assert found.records == len(kept) + 1
        assert found.repairs == ((whole + 1,) if torn and not complete else ())


def test_any_flipped_byte_is_found_and_named(short):
    log = short
    data = log.path.read_bytes()
    last = len(data) - 1
    for place in range(len(data)):
        for flip in (1, data[place]):  # another letter, a zero byte
            changed = bytearray(data)
            changed[place] ^= flip
            log.path.write_bytes(changed)
            found = log.verify()
            assert not found.ok
            assert found.bad_line == data[:place].count(b"\n") + 1
            # only where the end of the file itself was hit may it look like a crash
            at_the_end = place == last or (flip == data[place] and place >= data.rfind(b"\n", 0, last))
            assert found.status == "changed" or at_the_end


def test_lines_moved_taken_out_or_edited_and_sealed_again_are_found(log):
    lines = log.path.read_bytes().splitlines(keepends=True)
    other = list(log)[1]
    forged = replace(other, result={"n": "better"}, result_digest=digest({"n": "better"})).after(other.previous)
    for changed, bad in (
        ([lines[0], lines[2]], 2),
        ([lines[1], lines[0], lines[2]], 1),
        ([lines[0], forged.to_json().encode() + b"\n", lines[2]], 3),
        ([lines[0], lines[1], lines[1], lines[2]], 3),
        ([lines[0], b"\n", *lines[1:]], 2),
        ([lines[0], lines[1].replace(b":", b": ", 1), lines[2]], 2),
    ):
        log.path.write_bytes(b"".join(changed))
        found = log.verify()
        assert (found.status, found.bad_line) == ("changed", bad)
        assert f"line {bad} is changed" in str(found)
    log.path.write_bytes(b"".join(lines[:2]))
    assert log.verify().ok
    assert not log.verify(last_hash=json.loads(lines[2])["hash"]).ok


def test_nothing_is_appended_behind_a_line_that_was_changed(log):
    data = log.path.read_bytes()
    for changed in (
        data.replace(b"Q-2", b"Q-9"),
        data.replace(b"Q-2", b"Q-9")[:-1],
        data[:-2] + b"\n",
        data.replace(b"\n", b"\n\n"),
    ):
        log.path.write_bytes(changed)
        with pytest.raises(RecordError, match="nothing was appended"):
            log.append(small("next"))
        assert log.path.read_bytes() == changed


def test_a_page_that_was_never_written_is_a_cut(log):
    data = log.path.read_bytes()
    begin = data.rfind(b"\n", 0, len(data) - 1) + 1
    log.path.write_bytes(data[: begin + 50] + bytes(100) + data[begin + 150 :])
    assert (log.verify().status, log.verify().bad_line) == ("torn", 3)
    assert "set aside" in log.append(small("next")).note
    assert references(log) == ["Q-0", "Q-1", "next"]
    assert log.verify().ok


def test_a_note_of_a_repair_that_was_edited_is_found(log):
    log.path.write_bytes(log.path.read_bytes() + b'{"cut')
    log.append(small("next"))
    assert log.verify().repairs == (4,)
    log.path.write_bytes(log.path.read_bytes().replace(b'"set_aside_bytes":5', b'"set_aside_bytes":6'))
    assert log.verify().bad_line == 4


def test_a_write_that_fails_leaves_the_log_as_it_was(log, monkeypatch):
    data = log.path.read_bytes()

    def full(file, part):
        record_log.os.write(file, part[:40])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(record_log, "_write", full)
    with pytest.raises(RecordError, match="No space left"):
        log.append(small("next"))
    assert log.path.read_bytes() == data


def test_a_changed_record_is_not_appended(log):
    with pytest.raises(RecordError, match="changed after it was made"):
        log.append(replace(small("x"), reference="y"))
    assert len(references(log)) == 3


def test_a_log_that_cannot_be_opened_says_so(tmp_path):
    for work in (
        lambda log: log.append(small("x")),
        lambda log: log.verify(),
        list,
    ):
        with pytest.raises(RecordError, match=r"cannot be (written|read)"):
            work(QuoteLog(tmp_path / "none" / "quotes.jsonl"))


def test_waiting_for_another_writer_ends(log):
    waiting = QuoteLog(log.path, timeout=0.05)
    with log._lock(), pytest.raises(RecordError, match="others have been writing"):
        waiting.append(small("x"))
    assert waiting.append(small("x")).note == ""


def test_threads_share_a_log(log):
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda k: log.append(small(f"T-{k}")), range(60)))
    assert log.verify().ok
    assert sorted(references(log)[3:]) == sorted(f"T-{k}" for k in range(60))


WRITER = """
import sys
from cyberscore import QuoteLog, QuoteRecord
from cyberscore.quoting.record import FIRST
from dataclasses import replace
made = QuoteRecord.from_json(open(sys.argv[2], "rb").read())
log = QuoteLog(sys.argv[1], fsync=False)
for k in range(50):
    log.append(replace(made, reference=f"{sys.argv[3]}-{k}").after(FIRST))
"""


def test_eight_processes_append_fifty_each(tmp_path):
    small("seed").save(tmp_path / "seed.json")
    path = tmp_path / "quotes.jsonl"
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, path, tmp_path / "seed.json", str(k)]) for k in range(8)]
    assert [writer.wait(timeout=120) for writer in writers] == [0] * 8
    log = QuoteLog(path)
    assert log.verify().records == 400
    assert log.verify().ok
    assert sorted(references(log)) == sorted(f"{p}-{k}" for p in range(8) for k in range(50))


def test_a_log_replays(tmp_path):
    log = QuoteLog(tmp_path / "quotes.jsonl")
    for _ in range(2):
        log.append(RECORD)
    replays = list(log.replay())
    assert [line for line, _ in replays] == [1, 2]
    assert all(one.reproduced for _, one in replays)
    # a record that was edited is replayed too, and says so
    log.path.write_bytes(log.path.read_bytes().replace(b'"indicative_premium":', b'"indicative_premium":1', 1))
    assert [one.reproduced for _, one in log.replay()] == [False, True]


def test_all_lines_and_what_is_whole_in_itself_are_counted(tmp_path):
    log = QuoteLog(tmp_path / "quotes.jsonl")
    for profile in ("dental_clinic", "law_firm", "online_shop"):
        log.append(cyberscore.record(cyberscore.example(profile), as_of=AS_OF))
    lines = log.path.read_bytes().splitlines(keepends=True)
    hashes = [json.loads(line)["hash"] for line in lines]
    assert (log.verify().lines, log.verify().unchained, log.verify().to_do) == (3, 0, "")
    for bad in range(3):
        log.path.write_bytes(b"".join(b"x\n" if k == bad else line for k, line in enumerate(lines)))
        found = log.verify()
        assert (found.records, found.bad_line, found.lines, found.unchained) == (bad, bad + 1, 3, 2 - bad)
        assert f"line {bad + 1} " in found.to_do
    log.path.write_bytes(lines[0] + lines[2])
    found = log.verify(last_hash=hashes[1])
    assert (found.records, found.bad_line, found.lines, found.unchained) == (1, 2, 2, 1)
    log.path.write_bytes(lines[0])
    assert str(log.verify(last_hash=hashes[2])).startswith("1 line read; its end is missing: the hash ")


# --- on the disk before it is acknowledged


def test_an_append_returns_once_the_line_is_on_the_disk(tmp_path, monkeypatch):
    done = []

    def write(file, data):
        done.append("write")
        os.write(file, data)

    monkeypatch.setattr(record_log, "_write", write)
    monkeypatch.setattr(record_log.os, "fsync", lambda file: done.append("sync " + ("log" if size(file) else "folder")))

    def size(file):
        return stat.S_ISREG(os.fstat(file).st_mode)

    log = QuoteLog(tmp_path / "quotes.jsonl")
    log.append(small("first"))
    log.append(small("second"))
    assert done == [*(["sync folder"] if os.name == "posix" else []), "write", "sync log", "write", "sync log"]
    done.clear()
    QuoteLog(tmp_path / "quotes.jsonl", fsync=False).append(small("third"))
    assert done == ["write"]


def test_what_could_not_be_synced_is_not_left_in_the_log(log, monkeypatch):
    log.fsync = True
    for torn in (b"", b'{"cut'):
        log.path.write_bytes(log.path.read_bytes() + torn)
        whole = log.path.read_bytes().removesuffix(torn)

        def failing(_file):
            raise OSError(5, "Input/output error")

        with monkeypatch.context() as patch:
            patch.setattr(record_log.os, "fsync", failing)
            with pytest.raises(RecordError, match="cannot be written: Input/output error"):
                log.append(small("next"))
        assert log.path.read_bytes() == whole
        assert log.verify().ok
    assert log.append(small("next")).note == ""
    assert references(log)[-1] == "next"


# --- written once


def test_a_record_with_a_reference_is_written_once(log):
    data = log.path.read_bytes()
    for writer in (log, QuoteLog(log.path, fsync=False)):
        again = writer.append(small("Q-1"))
        assert again.note.endswith("Q-1 was written before, the same: nothing was appended")
        assert again.record == list(log)[1]
        assert log.path.read_bytes() == data
    other = replace(small("Q-1"), result={"n": "other"}, result_digest=digest({"n": "other"})).after(FIRST)
    assert log.append(other).note == ""
    assert log.append(other).record == list(log)[3]
    assert references(log) == ["Q-0", "Q-1", "Q-2", "Q-1"]
    assert log.verify().ok


def test_a_record_without_a_reference_is_written_each_time(log):
    anonymous = replace(small("x"), reference=None).after(FIRST)
    assert [log.append(anonymous).note for _ in range(2)] == ["", ""]
    assert references(log)[3:] == [None, None]


def test_what_others_wrote_meanwhile_counts(log):
    other = QuoteLog(log.path, fsync=False)
    log.append(small("A"))
    other.append(small("B"))
    assert "written before" in log.append(small("B")).note
    assert "written before" in other.append(small("A")).note
    log.path.write_bytes(log.path.read_bytes().splitlines(keepends=True)[0])
    assert log.append(small("B")).note == ""


@pytest.mark.parametrize("reference", ['a"b', "a\\", '","result":{', "é", "a\nb", ""])
def test_any_reference_is_found_again(log, reference):
    assert log.append(small(reference)).note == ""
    assert "written before" in QuoteLog(log.path, fsync=False).append(small(reference)).note
    assert log.append(small(reference + "x")).note == ""


# --- work that grows with the log, and no faster


@pytest.mark.parametrize("tail", [b"x", b"\0"])
def test_a_torn_tail_is_read_a_bounded_number_of_times(log, monkeypatch, tail):
    reads = []
    read = record_lines.read_bytes
    monkeypatch.setattr(record_lines, "read_bytes", lambda file, a, b: (reads.append(b - a), read(file, a, b))[1])
    log.append(small("A"))
    plain = sum(reads)
    for size in (1_000_000, 2_000_000):
        whole = log.path.read_bytes()
        log.path.write_bytes(whole + tail * size)
        reads.clear()
        assert "set aside" in log.append(small(f"B-{size}")).note
        assert sum(reads) <= 2 * size + len(whole) + 4 * record_lines._BLOCK + plain
    assert log.verify().ok


def test_lines_that_a_crash_left_empty_are_read_once(log, monkeypatch):
    data = log.path.read_bytes()
    log.path.write_bytes(data + b"\0\n" * 50_000)
    reads = []
    read = record_lines.read_bytes
    monkeypatch.setattr(record_lines, "read_bytes", lambda file, a, b: (reads.append(b - a), read(file, a, b))[1])
    assert "set aside" in log.append(small("next")).note
    assert sum(reads) <= 3 * (len(data) + 100_000) + 4 * record_lines._BLOCK
    assert references(log) == ["Q-0", "Q-1", "Q-2", "next"]


def test_several_processes_find_what_one_finds(log, monkeypatch):
    monkeypatch.setattr(record_lines, "_BATCH", 1_000)
    for k in range(20):
        log.append(small(f"R-{k}"))
    seen = []
    for change in (lambda data: data, lambda data: data.replace(b"R-7", b"R-x"), lambda data: data[:-9]):
        changed = QuoteLog(log.path.with_name("changed.jsonl"))
        changed.path.write_bytes(change(log.path.read_bytes()))
        seen.clear()
        assert changed.verify(jobs=2, progress=lambda done, total: seen.append((done, total))) == changed.verify()
        size = changed.path.stat().st_size
        assert len(seen) > 5
        assert seen == sorted(seen)
        assert {total for _, total in seen} == {size} == {seen[-1][0]}


def test_several_processes_replay_what_one_replays(tmp_path):
    log = QuoteLog(tmp_path / "quotes.jsonl")
    for name in ("dental_clinic", "law_firm"):
        log.append(cyberscore.record(cyberscore.example(name), as_of=AS_OF))
    for plan in (None, cyberscore.load_plan()):
        one, several = list(log.replay(plan)), list(log.replay(plan, jobs=2))
        assert one == several
        assert all(found.reproduced for _, found in several)


@pytest.mark.parametrize("jobs", [0, -1, 1.5, True])
def test_jobs_are_a_number_of_processes(log, jobs):
    with pytest.raises(RecordError, match="jobs must be a whole number of at least 1"):
        log.verify(jobs=jobs)
