"""What the demo does before and after its ten seconds; the ten seconds are the recorder's and the stand-in's."""

import runpy
from pathlib import Path
from types import SimpleNamespace

import pytest
from filelock import FileLock

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "demo.py"


@pytest.fixture(scope="module")
def demo():
    return SimpleNamespace(**runpy.run_path(str(SCRIPT)))


@pytest.fixture
def data(tmp_path):
    """What an earlier run leaves."""
    made = tmp_path / "demo-data"
    made.mkdir()
    for name in ("SGD-BTC_trade.jsonl", "malformed.jsonl", ".lock"):
        (made / name).write_text("{}\n")
    return made


def test_a_run_begins_without_the_rows_of_the_last(demo, data):
    demo.clear(data)
    assert list(data.glob("*.jsonl")) == []
    demo.clear(data)


def test_where_there_is_nothing_yet_nothing_is_made(demo, tmp_path):
    demo.clear(tmp_path / "demo-data")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("foreign", ["notes.txt", "directory.jsonl/x"])
def test_what_no_demo_made_is_left_alone(demo, data, foreign):
    (data / foreign).parent.mkdir(exist_ok=True)
    (data / foreign).write_text("mine")
    before = sorted(data.rglob("*"))
    with pytest.raises(SystemExit, match=f"holds what no demo made \\({foreign.partition('/')[0]}\\); move"):
        demo.clear(data)
    assert sorted(data.rglob("*")) == before


def test_a_file_or_a_link_in_its_place_is_left_alone(demo, data, tmp_path):
    (tmp_path / "link").symlink_to(data)
    (tmp_path / "file").write_text("mine")
    for name in ("link", "file"):
        with pytest.raises(SystemExit, match="no directory of the demo"):
            demo.clear(tmp_path / name)
    assert (data / "malformed.jsonl").exists()


def test_a_recording_that_goes_on_is_left_alone(demo, data):
    with FileLock(data / ".lock"), pytest.raises(SystemExit, match="somebody records into"):
        demo.clear(data)
    assert (data / "malformed.jsonl").exists()


def test_a_row_is_shown_and_a_stream_without_rows_is_told(demo, data, capsys):
    names = [f"{market}_{type_}.jsonl" for market in demo.MARKETS for type_ in demo.TYPES]
    for name in names:
        (data / name).write_text('{"type":"first"}\n{"type":"second"}\n')
    demo.show(data)
    assert capsys.readouterr().out == f'\nThe first row of {data / names[0]}:\n  {{"type":"first"}}\n'
    (data / names[3]).write_text("")
    (data / names[4]).unlink()
    with pytest.raises(SystemExit, match=f"nothing was recorded in {names[3]}, {names[4]}"):
        demo.show(data)
