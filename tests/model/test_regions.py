"""Addresses: what follows from a region or a base address, and what is refused."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from upbit_stream.errors import InsecureConnection, UsageError
from upbit_stream.model.regions import REGIONS, Address, resolve

steady = settings(derandomize=True, deadline=None)  # the same inputs every time, on any machine


@pytest.mark.parametrize(
    ("region", "host"),
    [("sg", "sg-api.upbit.com"), ("id", "id-api.upbit.com"), ("th", "th-api.upbit.com"), ("kr", "api.upbit.com")],
)
def test_a_region_has_the_documented_addresses(region, host):
    address = resolve(region, None)
    assert address == Address(f"https://{host}", region)
    assert address.stream("public") == f"wss://{host}/websocket/v1"
    assert address.stream("private") == f"wss://{host}/websocket/v1/private"
    assert address.stream("info") == f"wss://{host}/websocket/v1/info"
    assert address.site == "upbit.com"


def test_there_are_four_regions():
    assert set(REGIONS) == {"sg", "id", "th", "kr"}


@pytest.mark.parametrize("region", ["", "SG", "us", "sg ", 5])
def test_an_unknown_region_is_refused_with_the_four(region):
    with pytest.raises(UsageError, match=r"unknown region .*; one of sg, id, th, kr"):
        resolve(region, "https://example.com")


def test_one_of_both_has_to_be_named():
    with pytest.raises(UsageError, match=r"name a region \(sg, id, th, kr\) or a base_url"):
        resolve(None, None)


def test_a_base_address_wins_and_the_region_is_remembered():
    assert resolve("kr", "https://example.com") == Address("https://example.com", "kr")


@pytest.mark.parametrize(
    ("base_url", "rest", "stream"),
    [
        ("https://example.com", "https://example.com", "wss://example.com"),
        ("https://example.com/", "https://example.com", "wss://example.com"),
        ("https://example.com:8443", "https://example.com:8443", "wss://example.com:8443"),
        ("wss://example.com:8443/", "https://example.com:8443", "wss://example.com:8443"),
        ("http://127.0.0.1:8765", "http://127.0.0.1:8765", "ws://127.0.0.1:8765"),
        ("ws://127.0.0.1:8765", "http://127.0.0.1:8765", "ws://127.0.0.1:8765"),
        ("http://[::1]:8765", "http://[::1]:8765", "ws://[::1]:8765"),
        ("https://[2001:db8::1]", "https://[2001:db8::1]", "wss://[2001:db8::1]"),
        ("https://10.0.0.1", "https://10.0.0.1", "wss://10.0.0.1"),
        ("HTTP://localhost:5", "http://localhost:5", "ws://localhost:5"),
    ],
)
def test_a_base_address_names_host_and_port_of_rest_and_streams(base_url, rest, stream):
    address = resolve(None, base_url)
    assert address == Address(rest)
    assert address.stream("public") == f"{stream}/websocket/v1"
    assert address.stream("private") == f"{stream}/websocket/v1/private"
    assert address.stream("info") == f"{stream}/websocket/v1/info"


@pytest.mark.parametrize("scheme", ["http", "ws"])
@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "[::1]", "localhost", "LOCALHOST", "exchange.localhost"])
def test_this_machine_may_do_without_tls(host, scheme):
    assert resolve(None, f"{scheme}://{host}:8765").stream("public") == f"ws://{host}:8765/websocket/v1"


NOT_THIS_MACHINE = [
    *("10.0.0.1", "0.0.0.0", "192.168.1.1", "128.0.0.1", "[::]", "[::2]", "[fe80::1]", "example.com"),  # noqa: S104
    *("localhost.example.com", "mylocalhost", "127.0.0.1.example.com", "127.1", "2130706433", "0x7f000001"),
]


@pytest.mark.parametrize("scheme", ["http", "ws"])
@pytest.mark.parametrize("host", NOT_THIS_MACHINE)
def test_another_machine_needs_tls_or_the_word_insecure(host, scheme):
    base_url = f"{scheme}://{host}:8765"
    with pytest.raises(InsecureConnection) as raised:
        resolve(None, base_url)
    assert base_url in str(raised.value)
    assert "insecure=True (--insecure)" in str(raised.value)
    assert resolve(None, base_url, insecure=True) == Address(f"http://{host}:8765")
    assert resolve(None, f"https://{host}").rest == f"https://{host}"


@pytest.mark.parametrize("insecure", [False, True])
@pytest.mark.parametrize(
    "base_url",
    [
        *(
            "",
            " ",
            "example.com",
            "127.0.0.1:8765",
            "//127.0.0.1",
            "ftp://127.0.0.1",
            "https://",
            "https:///",
            "https://:80",
        ),
        *("https://example.com/v1", "https://example.com//", "https://example.com/websocket/v1", "https:example.com"),
        *("https://example.com?x=1", "https://example.com/?x=1", "https://example.com#top", "https://example.com/;x"),
        *(
            "http://127.0.0.1:x",
            "http://127.0.0.1:-1",
            "http://127.0.0.1:65536",
            "http://127.0.0.1:0",
            "http://127.0.0.1:",
        ),
        *(
            "http://[::1",
            "http://::1",
            "http://[1.2.3]:8",
            "http://[::1]x",
            "https://[example.com]",
            "https://\u2100.com",
        ),
        *(
            " https://example.com",
            "https://example.com\n",
            "https://exa mple.com",
            "https://exa\nmple.com",
            "https://a\\b",
        ),
        *("https://example.com\x00", 5, b"https://example.com"),
    ],
)
def test_another_form_of_base_address_is_refused(base_url, insecure):
    with pytest.raises(UsageError) as raised:
        resolve(None, base_url, insecure=insecure)
    assert not isinstance(raised.value, InsecureConnection)
    assert str(raised.value) == f"base_url {base_url!r} is not of the form http(s)://HOST[:PORT]"


@pytest.mark.parametrize("user", ["user:s3cret@", "user@", ":s3cret@", "@", "\\@", "a b:s3cret@"])
def test_a_name_and_password_are_refused_and_not_repeated(user):
    with pytest.raises(UsageError, match="is not of the form") as raised:
        resolve(None, f"http://{user}127.0.0.1:8765")
    assert "s3cret" not in str(raised.value)


@steady
@given(
    st.text(max_size=20),
    st.sampled_from(["", "http://", "https://", "ws://", "wss://", "https://[", "http://127.0.0.1"]),
)
def test_whatever_the_text_it_is_an_address_or_a_usage_error(text, start):
    try:
        address = resolve(None, start + text)
    except UsageError:
        return
    assert address.stream("public").endswith("/websocket/v1")
    assert address.site


@pytest.mark.parametrize(
    ("base_url", "site"),
    [
        ("https://api.upbit.com", "upbit.com"),
        ("https://API.Upbit.com", "upbit.com"),
        ("https://api.upbit.com:443", "upbit.com"),
        ("https://upbit.com", "upbit.com"),
        ("https://notupbit.com", "notupbit.com"),
        ("https://upbit.com.example.com:5", "upbit.com.example.com:5"),
        ("http://127.0.0.1:8765", "127.0.0.1:8765"),
        ("http://LOCALHOST:8765", "localhost:8765"),
        ("http://[::1]:8765", "[::1]:8765"),
    ],
)
def test_all_regions_are_one_site_and_any_other_host_is_its_own(base_url, site):
    assert resolve(None, base_url).site == site


def test_an_address_is_frozen():
    with pytest.raises(AttributeError):
        resolve("sg", None).rest = "x"  # type: ignore[misc]
