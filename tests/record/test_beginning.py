import pytest

from upbit_stream.record.beginning import first_lines


@pytest.mark.parametrize(
    ("content", "lines"),
    [(b"", []), (b"torn", []), (b"a\n", [b"a"]), (b"a\n\nb\ntorn", [b"a", b"", b"b"])],
)
def test_the_whole_lines_at_the_beginning(tmp_path, content, lines):
    path = tmp_path / "file"
    path.write_bytes(content)
    assert first_lines(path) == lines


def test_of_a_large_file_no_more_than_64_kib_are_read(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"x" * 99 * 1024 + b"\n")
    assert first_lines(path) == []
    path.write_bytes((b"x" * 1023 + b"\n") * 1000)
    assert len(first_lines(path)) == 64


def test_a_link_is_not_followed(tmp_path):
    (tmp_path / "real").write_bytes(b"a\n")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    with pytest.raises(OSError, match="link"):
        first_lines(tmp_path / "link")
