"""Masking, told against the standard library's own idea of a network."""

from ipaddress import IPv4Address, IPv6Address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roomtone.sources.addresses import masked


@given(st.ip_addresses(v=4))
def test_an_ipv4_address_keeps_its_first_sixteen_bits(address: IPv4Address) -> None:
    assert masked(str(address)) == str(ip_network((address, 16), strict=False).network_address)


@given(st.ip_addresses(v=6).filter(lambda address: address.ipv4_mapped is None))
def test_an_ipv6_address_keeps_its_first_forty_eight_bits(address: IPv6Address) -> None:
    site = ip_network((address, 48), strict=False).network_address
    assert IPv6Address(masked(str(address))) == site
    assert IPv6Address(masked(address.exploded)) == site


@given(st.one_of(st.text(), st.ip_addresses().map(str)))
def test_masking_takes_anything_and_masking_twice_changes_nothing(text: str) -> None:
    once = masked(text)
    assert once is None or masked(once) == once


@given(st.ip_addresses(v=6))
def test_what_the_vendors_client_makes_of_ipv6_is_masked_as_well(address: IPv6Address) -> None:
    mangled = ".".join([*str(address).split(".")[:2], "0", "0"])
    site = ip_network((address, 48), strict=False).network_address
    assert IPv6Address(masked(mangled)) == site


@pytest.mark.parametrize(
    ("address", "kept"),
    [
        ("203.0.113.9", "203.0.0.0"),
        ("192.0.0.0", "192.0.0.0"),
        ("fd00::2.0.0", "fd00::"),
        ("::1.0.0", "::"),
        ("2001:DB8:7:1::5", "2001:db8:7::"),
        ("[2001:db8::1]", "2001:db8::"),
        ("fe80::1%eth0", "fe80::"),
        ("::ffff:203.0.113.9", "::"),
        ("", None),
        (None, None),
        ("8d5f3a2e-0a36-4d4e-9a56-6a1d53f1c2d7.local", None),
        ("(redacted)", None),
        ("999.1.1.1", None),
        ("1.2.3", None),
        ("12:34:56", None),
        ("my:secret::name", None),
        ("alice.example.com", None),
    ],
)
def test_an_address_is_masked_and_all_else_is_kept_out(address: str, kept: str | None) -> None:
    assert masked(address) == kept
