"""Where an address is, from MaxMind-format databases that the operator brings; or just masked."""

from collections.abc import Mapping
from typing import Any

import maxminddb

from roomtone.model.errors import Failed
from roomtone.model.facts import Located
from roomtone.sources.addresses import masked

Looked = Mapping[str, Any]


class Geo:
    """Looks addresses up; without databases it only masks them."""

    def __init__(self, cities: str, networks: str, *, mask: bool) -> None:
        self._cities = _open(cities, "geo_database")
        self._networks = _open(networks, "asn_database")
        self._mask = mask

    def locate(self, address: str, t: int) -> Located:
        """City, country and network of an address as far as known; the address itself masked."""
        city = _ask(self._cities, address)
        network = _ask(self._networks, address)
        number = network.get("autonomous_system_number")
        location = city.get("location") or {}
        regions = city.get("subdivisions") or [{}]
        return Located(
            t=t,
            address=masked(address) if self._mask else address,
            city=_name(city.get("city")),
            region=_name(regions[0]),
            country=(city.get("country") or {}).get("iso_code"),
            timezone=location.get("time_zone"),
            postal=(city.get("postal") or {}).get("code"),
            latitude=location.get("latitude"),
            longitude=location.get("longitude"),
            asn=None if number is None else f"AS{number}",
            org=network.get("autonomous_system_organization"),
        )

    def close(self) -> None:
        """Let go of the files."""
        for database in (self._cities, self._networks):
            if database is not None:
                database.close()


def _open(file: str, setting: str) -> maxminddb.Reader | None:
    if not file:
        return None
    try:
        return maxminddb.open_database(file)
    except (OSError, ValueError, maxminddb.InvalidDatabaseError) as error:
        raise Failed(
            f"{setting} {file}: {error}",
            f"Give --{setting.replace('_', '-')} a MaxMind-format .mmdb file, or leave it out.",
        ) from None


def _ask(database: maxminddb.Reader | None, address: str) -> Looked:
    if database is None:
        return {}
    try:
        found = database.get(address)
    except (ValueError, maxminddb.InvalidDatabaseError):
        return {}  # not an address, or IPv6 asked of an IPv4 database
    return found if isinstance(found, dict) else {}


def _name(place: Looked | None) -> str | None:
    return None if not place else (place.get("names") or {}).get("en")
