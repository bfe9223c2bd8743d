from upbit_stream.session.floors import Floor, Floors


def test_the_floor_of_a_code_is_its_first_trade():
    floors = Floors()
    assert floors.of("SGD-BTC") is None
    floors.begin("SGD-BTC", 100, 17, 5)
    floors.begin("SGD-ETH", 200)
    assert floors.of("SGD-BTC") == Floor(subscribed_ns=100, trade_id=17, executed_ms=5)
    assert floors.of("SGD-ETH") == Floor(subscribed_ns=200, trade_id=0, executed_ms=0)


def test_a_code_that_is_subscribed_again_begins_again():
    floors = Floors()
    floors.begin("SGD-BTC", 100, 17, 5)
    floors.begin("SGD-BTC", 300)
    assert floors.of("SGD-BTC") == Floor(subscribed_ns=300)
