from upbit_stream.record.pool import FilePool


def test_the_file_used_the_longest_ago_makes_room(tmp_path):
    a, b, c = (tmp_path / f"{name}.jsonl" for name in "abc")
    pool = FilePool(2)
    first = pool.open(a)
    pool.open(b)
    assert pool.open(a) is first
    pool.open(c)
    assert (pool.is_open(a), pool.is_open(b), pool.is_open(c)) == (True, False, True)
    pool.close()
    assert not pool.is_open(a)
