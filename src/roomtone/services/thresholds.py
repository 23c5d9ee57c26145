"""Thresholds: the numbers that an app has for its findings, in place of the catalogue's."""

from collections.abc import Iterator, Mapping
from typing import Any

from roomtone.findings.catalogue import Thresholds
from roomtone.model.errors import Fault, Invalid, NotFound
from roomtone.ports.records import Records, Transaction

MAX_FAULTS = 100
"""Told of one request; a body of nonsense is not answered with as much of it."""

Overrides = dict[str, dict[str, float]]


def thresholds_of(tx: Transaction, app_id: str) -> Thresholds:
    """The numbers in force for an app. What a newer version no longer knows is passed over."""
    kept = tx.tenants.thresholds(app_id)
    try:
        return Thresholds.of(kept)
    except Invalid:
        return Thresholds.of({name: each for name, each in kept.items() if _is_known(name, each)})


def _is_known(name: str, numbers: Mapping[str, float]) -> bool:
    try:
        Thresholds.of({name: numbers})
    except Invalid:
        return False
    return True


class FindingThresholds:
    """Reads and replaces them."""

    def __init__(self, records: Records) -> None:
        self._records = records

    async def get(self, app_id: str) -> tuple[Overrides, Thresholds]:
        """The app's own numbers, and all that are in force."""
        return await self._records.read(
            lambda tx: (tx.tenants.thresholds(app_id), thresholds_of(tx, app_id))
        )

    async def put(self, app_id: str, given: Mapping[str, Any]) -> tuple[Overrides, Thresholds]:
        """Replace the app's own numbers; none at all: the catalogue's again. They count for
        sessions that are sealed from now on. Raises Invalid with every fault, NotFound."""
        in_force = checked(given)
        own = {
            name: {key: float(value) for key, value in numbers.items()}
            for name, numbers in given.items()
            if numbers
        }

        def put(tx: Transaction) -> None:
            if tx.tenants.app(app_id) is None:
                raise NotFound("No such app.")
            tx.tenants.put_thresholds(app_id, own)

        await self._records.write(put)
        return own, in_force


def checked(given: Mapping[str, Any]) -> Thresholds:
    """The thresholds that these overrides give. Raises Invalid, its faults as JSON pointers."""
    faults = list(_faults(given))
    if faults:
        raise Invalid("Some thresholds are wrong.", tuple(faults[:MAX_FAULTS]))
    return Thresholds.of(given)


def _faults(given: Mapping[str, Any]) -> Iterator[Fault]:
    well_formed = {}
    for name, numbers in given.items():
        if isinstance(numbers, Mapping):
            well_formed[name] = numbers
        else:
            yield Fault(_pointer(name), "must be an object: thresholds by their names")
    try:
        Thresholds.of(well_formed)
    except Invalid as invalid:
        for fault in invalid.faults:
            name, _, key = fault.where.partition(".")
            yield Fault(_pointer(name, key), fault.why)


def _pointer(*names: str) -> str:
    """RFC 6901, below the member of the body that holds them."""
    parts = [name.replace("~", "~0").replace("/", "~1") for name in names if name]
    return "/".join(["/thresholds", *parts])
