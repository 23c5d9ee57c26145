"""Geography comes from the operator's own databases, and never leaves an address unmasked."""

import pytest
from mmdb_writer import MMDBWriter
from netaddr import IPSet

from roomtone.model.errors import Failed
from roomtone.storage.geo import Geo

LISBON = {
    "city": {"names": {"en": "Lisbon"}},
    "country": {"iso_code": "PT"},
    "subdivisions": [{"names": {"en": "Lisbon District"}}],
    "location": {"latitude": 38.7167, "longitude": -9.1333, "time_zone": "Europe/Lisbon"},
    "postal": {"code": "1000"},
}
NETWORK = {"autonomous_system_number": 64496, "autonomous_system_organization": "Example Net"}


@pytest.fixture(scope="module")
def databases(tmp_path_factory) -> tuple[str, str]:
    folder = tmp_path_factory.mktemp("geo")
    for name, content in (("city", LISBON), ("asn", NETWORK)):
        writer = MMDBWriter(ip_version=6, ipv4_compatible=True, database_type="Test")
        writer.insert_network(IPSet(["203.0.113.0/24", "2001:db8::/32"]), content)
        writer.to_db_file(str(folder / f"{name}.mmdb"))
    return str(folder / "city.mmdb"), str(folder / "asn.mmdb")


def test_an_address_gives_its_place_and_network_and_is_masked(databases):
    located = Geo(*databases, mask=True).locate("203.0.113.77", 5)

    assert located.t == 5
    assert located.address == "203.0.0.0"
    assert (located.city, located.region, located.country) == ("Lisbon", "Lisbon District", "PT")
    assert (located.latitude, located.longitude) == (38.7167, -9.1333)
    assert (located.timezone, located.postal) == ("Europe/Lisbon", "1000")
    assert (located.asn, located.org) == ("AS64496", "Example Net")


def test_a_setting_keeps_the_address_whole(databases):
    assert Geo(*databases, mask=False).locate("203.0.113.77", 0).address == "203.0.113.77"


def test_ipv6_is_found_and_masked_too(databases):
    located = Geo(*databases, mask=True).locate("2001:db8::1", 0)

    assert located.country == "PT"
    assert located.address == "2001:db8::"


@pytest.mark.parametrize("address", ["198.51.100.1", "not an address", ""])
def test_what_is_not_known_is_none(databases, address):
    located = Geo(*databases, mask=True).locate(address, 0)

    assert (located.city, located.country, located.asn, located.latitude) == (None,) * 4


def test_without_databases_the_address_is_only_masked():
    located = Geo("", "", mask=True).locate("203.0.113.77", 0)

    assert (located.address, located.country) == ("203.0.0.0", None)


def test_a_file_that_is_no_database_is_refused_with_what_to_do(tmp_path):
    file = tmp_path / "wrong.mmdb"
    file.write_bytes(b"not a database")

    with pytest.raises(Failed) as failed:
        Geo(str(file), "", mask=True)

    assert "--geo-database" in failed.value.hint
