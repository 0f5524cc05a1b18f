"""B14: which URLs a webhook may have, and which addresses are called."""

from ipaddress import ip_address, ip_network

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from chalicelib.errors import InvalidRequest
from chalicelib.webhooks.destinations import Destination, destination_of, is_public

HOSTILE = [
    "http://shop.example/hooks",
    "ftp://shop.example/",
    "https://user:secret@shop.example/",
    "https://shop.example@127.0.0.1/",
    "https://shop.example/#fragment",
    "https://shop.example:8080/",
    "https://shop.example:22/",
    "https://shop.example:99999/",
    "https://localhost/",
    "https://hooks.localhost/",
    "https://127.0.0.1/",
    "https://127.1/",
    "https://2130706433/",
    "https://0x7f000001/",
    "https://0x7f.0.0.1/",
    "https://0177.0.0.1/",
    "https://127.0.0.1./",
    "https://10.0.0.8/",
    "https://172.16.0.1/",
    "https://192.168.1.1/",
    "https://100.64.0.1/",
    "https://169.254.169.254/latest/meta-data/",
    "https://[::1]/",
    "https://[::ffff:169.254.169.254]/",
    "https://[64:ff9b::a9fe:a9fe]/",
    "https://[2002:a9fe:a9fe::]/",
    "https://[fd00:ec2::254]/",
    "https://[fe80::1%25eth0]/",
    "https://metadata.google.internal/",
    "https://printer.local/",
    "https://intranet/",
    "https://shop.example./",
    "https://shop_.example/",
    "https://sh\u043ep.example/",
    "https://\uff11\uff12\uff17.0.0.1/",
    "https://\u2488\u2488.example/",
    "https://shop.example\\@127.0.0.1/",
    "https://shop.example/a b",
    "https://shop.example/\r\nX-Injected: 1",
    "https://shop.example/\x00",
    "https:///hooks",
    "https://",
    "//shop.example/",
    "shop.example",
    "https://[::1",
    f"https://{'a' * 64}.example/",
    f"https://shop.example/{'a' * 1000}",
]
PRIVATE = [
    *("0.0.0.0", "10.1.2.3", "100.64.0.1", "127.0.0.1", "127.255.255.255", "169.254.169.254"),
    *("169.254.170.2", "172.31.255.255", "192.0.0.192", "192.168.0.1", "198.18.0.1", "203.0.113.9"),
    *("224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255", "192.88.99.1"),
    *("::", "::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:8.8.8.8", "64:ff9b::7f00:1", "64:ff9b:1::1"),
    *("100::1", "2001::1", "2001:db8::1", "2002:7f00:1::", "3fff::1", "5f00::1", "fc00::1", "fd00:ec2::254"),
    *("fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1", "not an address", ""),
]


@pytest.mark.parametrize("url", HOSTILE)
def test_b14_url_that_leads_elsewhere_is_refused(url: str) -> None:
    """Spellings of addresses, names of no public host, credentials, other ports, look-alikes."""
    with pytest.raises(InvalidRequest) as refused:
        destination_of(url)
    assert refused.value.fields[0].pointer == "/url"


@pytest.mark.parametrize(
    ("url", "wanted"),
    [
        ("https://shop.example", Destination(secure=True, host="shop.example", port=443, target="/")),
        (
            "https://Hooks.Shop.Example:443/in/?a=1&b=%C3%BC",
            Destination(secure=True, host="hooks.shop.example", port=443, target="/in/?a=1&b=%C3%BC"),
        ),
        (
            "https://xn--lgen-1na.example/",
            Destination(secure=True, host="xn--lgen-1na.example", port=443, target="/"),
        ),
        ("https://3com.co.uk/", Destination(secure=True, host="3com.co.uk", port=443, target="/")),
    ],
)
def test_url_of_a_public_name_is_taken_apart(url: str, wanted: Destination) -> None:
    """The control: what everybody has is allowed, in a sandbox as elsewhere."""
    assert destination_of(url) == destination_of(url, loopback=True) == wanted
    assert wanted.authority == wanted.host


@pytest.mark.parametrize(
    ("url", "authority"),
    [
        ("http://127.0.0.1:9000/in", "127.0.0.1:9000"),
        ("http://localhost/", "localhost"),
        ("https://[::1]:8443/", "[::1]:8443"),
    ],
)
def test_sandbox_has_receivers_on_its_own_machine(url: str, authority: str) -> None:
    """Without TLS and on any port; elsewhere the same URL is refused."""
    found = destination_of(url, loopback=True)
    assert (found.loopback, found.authority) == (True, authority)
    with pytest.raises(InvalidRequest):
        destination_of(url)


@pytest.mark.parametrize("url", HOSTILE)
def test_sandbox_allows_nothing_else_that_is_private(url: str) -> None:
    """Only the three spellings of this machine."""
    if url in ("https://localhost/", "https://127.0.0.1/", "https://[::1]/"):
        return
    with pytest.raises(InvalidRequest):
        destination_of(url, loopback=True)


@pytest.mark.parametrize("address", PRIVATE)
def test_b14_address_that_is_not_public_is_not_called(address: str) -> None:
    """Loopback, private, link-local, metadata, multicast, documentation, and IPv4 in any disguise."""
    assert not is_public(address)
    there = Destination(secure=True, host="shop.example", port=443, target="/")
    assert not there.admits([address])
    assert not there.admits(["93.184.215.14", address])


@pytest.mark.parametrize("address", ["93.184.215.14", "8.8.8.8", "2606:2800:21f:cb07:6820:80da:af6b:8b2c"])
def test_public_address_is_called(address: str) -> None:
    """The control: hosts on the internet are reached, and a name without any address is not."""
    there = Destination(secure=True, host="shop.example", port=443, target="/")
    assert is_public(address)
    assert there.admits([address])
    assert not there.admits([])


def test_receiver_on_this_machine_must_be_on_this_machine() -> None:
    """`localhost` that resolves elsewhere is refused in a sandbox, too."""
    here = Destination(secure=False, host="localhost", port=9000, target="/", loopback=True)
    assert here.admits(["127.0.0.1", "::1"])
    assert not here.admits(["127.0.0.1", "10.0.0.1"])
    assert not here.admits([])


@given(st.ip_addresses())
@example(ip_address("192.0.0.9"))
@example(ip_address("2001:4:112::1"))
def test_nothing_that_python_calls_private_is_called(address: object) -> None:
    """Our list is the stricter one, whatever the library's version knows."""
    if is_public(str(address)):
        found = ip_address(str(address))
        assert found.is_global
        assert not any([found.is_multicast, found.is_loopback, found.is_link_local, found.is_unspecified])
        assert found not in ip_network("64:ff9b::/96")
