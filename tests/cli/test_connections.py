import logging

import pytest

from upbit_stream.cli.connections import Connections
from upbit_stream.model.events import Connected, Disconnected

S = 1_000_000_000


class Told:
    """Connections that are told of events."""

    def __init__(self):
        self.of = Connections()

    def connected(self, session, endpoint="public", at_s=0.0, connection=1):
        self.of.on_connected(Connected(at_ns=int(at_s * S), endpoint=endpoint, session=session, connection=connection))

    def disconnected(self, session, reason="closed", at_s=0.0, retry_in_s=1.0, connection=1):
        self.of.on_disconnected(
            Disconnected(
                at_ns=int(at_s * S),
                endpoint="public",
                session=session,
                reason=reason,
                retry_in_s=retry_in_s,
                connection=connection,
            )
        )


@pytest.fixture
def told(caplog):
    caplog.set_level(logging.INFO, "upbit_stream.cli")
    return Told()


def warnings(caplog):
    return [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]


def test_connections_are_counted(told):
    connections = told.of
    told.disconnected(0, "refused")
    told.connected(1)
    told.connected(1, "private")
    assert (connections.open, connections.made, connections.lost, connections.failed) == (2, 2, 0, 1)
    told.disconnected(1, "closed")
    assert (connections.open, connections.lost, connections.last_reason) == (1, 1, "closed")
    told.connected(2)
    assert (connections.open, connections.made) == (2, 3)


def test_connections_side_by_side_are_counted_and_told_apart(told, caplog):
    connections = told.of
    told.connected(1, connection=1)
    told.connected(1, connection=2)
    assert (connections.open, connections.made) == (2, 2)
    told.disconnected(1, at_s=10, connection=2)
    assert (connections.open, connections.lost) == (1, 1)
    told.disconnected(1, at_s=11, connection=1)
    told.connected(2, at_s=12, connection=2)
    assert connections.open == 1
    told.connected(2, at_s=14, connection=1)
    assert warnings(caplog) == ["public (2): connected again after 2.0 s", "public: connected again after 3.0 s"]


def test_the_end_of_an_outage_is_a_warning_like_its_beginning(told, caplog):
    told.connected(1, at_s=10)
    told.connected(1, "private", at_s=10)
    assert warnings(caplog) == []
    told.disconnected(1, at_s=20)
    told.disconnected(0, "refused", at_s=22)
    told.connected(2, at_s=25.2)
    assert warnings(caplog) == ["public: connected again after 5.2 s"]
    told.disconnected(2, at_s=100)
    told.connected(3, at_s=225)
    assert warnings(caplog)[1:] == ["public: connected again after 2 min 5 s"]


def test_a_first_connection_that_took_several_attempts_is_told(told, caplog):
    told.disconnected(0, "refused", at_s=1)
    told.connected(1, at_s=3)
    assert warnings(caplog) == ["public: connected after 2.0 s"]


def test_a_connection_that_was_not_needed_for_a_while_was_no_outage(told, caplog):
    told.connected(1)
    told.disconnected(1, at_s=5, retry_in_s=None)
    told.connected(2, at_s=50)
    assert warnings(caplog) == []


def test_a_clock_that_was_set_back_makes_no_negative_outage(told, caplog):
    told.connected(1, at_s=10)
    told.disconnected(1, at_s=20)
    told.connected(2, at_s=15)
    assert warnings(caplog) == ["public: connected again after 0.0 s"]


def test_an_address_without_tls_is_hinted_at_once(told, caplog):
    reason = "cannot connect to wss://127.0.0.1:1/websocket/v1: SSLError: [SSL: WRONG_VERSION_NUMBER] wrong version"
    told.disconnected(0, reason)
    told.disconnected(0, reason)
    assert warnings(caplog) == ["public: no TLS is spoken there: is it http://?"]
