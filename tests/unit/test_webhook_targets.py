"""Which URLs and addresses a webhook may have: nobody reaches through us what they cannot reach."""

from ipaddress import IPv4Network, IPv6Network, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roomtone.services.hook_targets import check_url, is_public, parse_target

# From the IANA special-purpose registries (RFC 6890 and what came after), not from our code.
SPECIAL_V4 = [
    "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
    "192.0.0.0/29", "192.0.2.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24",
    "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4", "255.255.255.255/32",
]  # fmt: skip
SPECIAL_V6 = [
    "::/128", "::1/128", "::ffff:0:0/96", "64:ff9b:1::/48", "100::/64", "2001::/32", "2001:2::/48",
    "2001:db8::/32", "2002::/16", "fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8",
    "::7f00:0/104",  # IPv4-compatible 127/8
]  # fmt: skip


@st.composite
def inside(draw, networks):
    network = draw(st.sampled_from(networks))
    offset = draw(st.integers(0, network.num_addresses - 1))
    return str(network[offset])


@given(inside([IPv4Network(each) for each in SPECIAL_V4]))
def test_no_special_ipv4_address_is_public_nor_any_ipv6_that_carries_it(address):
    assert not is_public(address)
    assert not is_public(f"::ffff:{address}")
    assert not is_public(f"64:ff9b::{address}")
    first, second, third, fourth = ip_address(address).packed
    assert not is_public(f"2002:{first:02x}{second:02x}:{third:02x}{fourth:02x}::1")


@given(inside([IPv6Network(each) for each in SPECIAL_V6]))
def test_no_special_ipv6_address_is_public(address):
    assert not is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        "8.8.8.8", "1.1.1.1", "93.184.215.14", "172.32.0.1", "100.128.0.1", "192.169.0.1",
        "2606:4700::1111", "2a00:1450:4001:80b::200e", "64:ff9b::8.8.8.8",
    ],
)  # fmt: skip
def test_public_addresses_are(address):
    assert is_public(address)


@pytest.mark.parametrize("address", ["", "example.com", "fe80::1%eth0", "::1%lo", "1.2.3", "10"])
def test_what_is_no_public_address_at_all_is_not(address):
    assert not is_public(address)


LOCAL = [
    "http://127.0.0.1/", "http://127.1/", "http://2130706433/", "http://0x7f000001/",
    "http://0x7f.1/", "http://017700000001/", "http://0/", "http://0.0.0.0:8787/",
    "http://[::1]/", "http://[::]/", "http://[::ffff:127.0.0.1]/", "http://[::ffff:7f00:1]/",
    "http://[fe80::1%25eth0]/", "http://[fc00::1]/", "http://[64:ff9b::10.0.0.1]/",
    "http://10.0.0.1/", "https://192.168.1.1/x", "http://172.16.0.1/", "http://169.254.169.254/latest",
    "http://100.64.0.1/", "http://224.0.0.1/", "http://localhost/", "http://LOCALHOST:80/",
    "http://localhost./", "http://a.localhost/", "http://127.0.0.1./", "http://１２７.0.0.1/",
    "http://①②⑦.0.0.1/",
]  # fmt: skip


@pytest.mark.parametrize("url", LOCAL)
def test_a_local_address_is_refused_in_every_spelling_unless_the_operator_allows_it(url):
    with pytest.raises(ValueError, match="private or local"):
        check_url(url, allow_private=False)
    check_url(url, allow_private=True)


BROKEN = {
    "": "https://", "example.com": "https://", "ftp://example.com/": "https://",
    "file:///etc/passwd": "https://", "gopher://example.com/": "https://",
    "javascript:alert(1)": "https://", "http://": "host", "http:///x": "host",
    "http://example.com:99999/": "port", "http://example.com:x/": "port",
    "http://example.com:0/": "port", "http://[::1": "cannot be read",
    "http://user:password@example.com/": "user", "http://@127.0.0.1/": "user",
    "http://exa mple.com/": "blanks", "http://example.com/\r\nX: y": "blanks",
    "http://example.com\\@127.0.0.1/": "backslash", "http://example.com/ü": "percent",
    "http://example.com/" + "x" * 2048: "2048", f"http://{'a' * 64}.com/": "cannot be read",
    "http://a..b/": "cannot be read",
}  # fmt: skip


@pytest.mark.parametrize(("url", "why"), BROKEN.items(), ids=range(len(BROKEN)))
@pytest.mark.parametrize("allow_private", [True, False])
def test_what_is_no_url_of_a_receiver_is_refused_with_the_reason(url, why, allow_private):
    with pytest.raises(ValueError, match=why):
        check_url(url, allow_private=allow_private)


def test_a_url_is_taken_apart_as_it_will_be_called():
    target = parse_target("https://Exämple.com:8443/a/b%20c?x=1&y=%2F#there")

    assert (target.scheme, target.host, target.port) == ("https", "xn--exmple-cua.com", 8443)
    assert target.path == "/a/b%20c?x=1&y=%2F"
    assert target.authority == "xn--exmple-cua.com:8443"
    assert parse_target("http://[2606:4700::1]/").authority == "[2606:4700::1]"
    assert parse_target("http://example.com?x").path == "/?x"


@given(st.text(max_size=60))
def test_any_text_is_a_target_or_refused(text):
    for url in (text, f"https://{text}", f"http://example.com/{text}"):
        try:
            target = parse_target(url)
        except ValueError:
            continue
        assert target.host
        assert target.path.startswith("/")
        assert "\n" not in target.authority + target.path
