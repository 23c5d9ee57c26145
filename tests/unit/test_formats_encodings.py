"""Transcripts come in the encodings that people save them in; which one it was is said."""

import pytest

from roomtone.formats.encodings import encoded, gathered
from roomtone.formats.reading import read_transcript
from roomtone.model.errors import BadRequest, TooLarge

SRT = "1\r\n00:00:01,000 --> 00:00:02,000\r\nZoë: Voilà, déjà vu\r\n"


def sentences(data):
    read = read_transcript(data, None, 0)
    return [f"{each.speaker.display_name}: {each.sentence}" for each in read.segments], read.notes


@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig"])
def test_utf8_needs_no_word_with_or_without_its_mark(codec):
    assert sentences(SRT.encode(codec)) == (["Zoë: Voilà, déjà vu"], ())


@pytest.mark.parametrize("codec", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_utf16_and_32_are_told_with_and_without_their_mark(codec):
    said, notes = sentences(SRT.encode(codec))

    assert said == ["Zoë: Voilà, déjà vu"]
    assert notes == (f"The file is {codec[:6].upper()}; it was read as such.",)


def test_utf16_without_a_mark_is_told_also_when_little_of_it_is_latin():
    text = "1\n00:00:01,000 --> 00:00:02,000\n" + "会議を始めましょう。" * 40

    assert sentences(text.encode("utf-16-le"))[0] == [": " + "会議を始めましょう。" * 40]


def test_windows_1252_is_the_last_resort():
    said, notes = sentences(SRT.encode("cp1252"))

    assert said == ["Zoë: Voilà, déjà vu"]
    assert notes == ("The file is not UTF-8; it was read as Windows-1252.",)


def test_a_wrong_byte_late_in_the_file_counts_too():
    many = "\n".join(
        f"{n}\n00:00:0{n % 10},000 --> 00:00:0{n % 10},900\nplain\n" for n in range(9000)
    )

    assert encoded(many.encode() + b"\xe9").codec == "cp1252"
    assert encoded(many.encode()).codec == "utf-8"


def test_bytes_that_windows_1252_does_not_know_are_shown_as_unknown():
    assert sentences(b"1\n00:00:01,000 --> 00:00:02,000\ncaf\xe9 \x81\n")[0] == [": café \ufffd"]


@pytest.mark.parametrize("data", [b"", b" \r\n\t", b"\n"])
def test_an_empty_file_is_refused(data):
    with pytest.raises(BadRequest, match="empty"):
        encoded(data)


@pytest.mark.parametrize("data", [b"\x00" * 100, b"PK\x03\x04\x00\x00\x08\x00\x00\x00\x00\x00"])
def test_what_is_not_text_is_refused(data):
    with pytest.raises(BadRequest, match="not text"):
        encoded(data)


def test_a_file_that_lies_about_its_encoding_is_refused():
    with pytest.raises(BadRequest, match="UTF-16"):
        encoded(b"\xff\xfe" + b"\x00\xd8")


def test_a_gigabyte_is_refused_after_the_first_32_megabytes():
    taken = []

    def upload():
        for _ in range(1024):
            taken.append(1)
            yield bytes(1024 * 1024)

    with pytest.raises(TooLarge, match="32 MB"):
        gathered(upload())
    assert len(taken) == 33
