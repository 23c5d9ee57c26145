"""``/findings``: the catalogue of what is looked for, and an app's own thresholds. Our own."""

from typing import Any

from msgspec import Struct

from roomtone.findings.catalogue import DETECTORS, Detector, Thresholds
from roomtone.web.realtimekit.call import Answer, Call, Operation, Resource, ok


class ThresholdObject(Struct, frozen=True, kw_only=True):
    """One number of a rule. ``value`` is in force for this app; ``default`` is the catalogue's."""

    name: str
    value: float
    default: float
    unit: str
    says: str


class DetectorObject(Struct, frozen=True, kw_only=True):
    """What one kind of finding is."""

    id: str
    title: str
    severity: str
    second_severity: str | None
    """What it becomes past its second number."""
    raises: str
    clears: str
    unit: str | None
    """Of a finding's ``worst``."""
    advice: str
    source: str
    """Where the rule comes from."""
    suppressed_by: tuple[str, ...]
    """While one of these is there, it is not looked for: it would only follow from it."""
    thresholds: tuple[ThresholdObject, ...]


class CatalogueData(Struct, frozen=True):
    findings_model: str
    detectors: tuple[DetectorObject, ...]


class CatalogueAnswer(Struct, frozen=True):
    success: bool
    data: CatalogueData


class ThresholdsData(Struct, frozen=True):
    """The app's own numbers alone, and the name of the model that they make."""

    findings_model: str
    thresholds: dict[str, dict[str, float]]


class ThresholdsAnswer(Struct, frozen=True):
    success: bool
    data: ThresholdsData


class ThresholdsGiven(Struct):
    """Body of PUT: detector id → threshold → number. What is not named is the catalogue's."""

    thresholds: dict[str, Any]


async def get_catalogue(call: Call) -> Answer:
    """Every finding that can be made: its rule with the thresholds that hold for this app and their
    units, its severity, what to do about it, and where the rule comes from."""
    _, in_force = await call.facade.thresholds.get(call.app_id)
    detectors = tuple(_detector(one, in_force) for one in DETECTORS)
    return ok(CatalogueAnswer(True, CatalogueData(in_force.model, detectors)))


async def get_thresholds(call: Call) -> Answer:
    """The thresholds that are this app's own."""
    own, in_force = await call.facade.thresholds.get(call.app_id)
    return ok(ThresholdsAnswer(True, ThresholdsData(in_force.model, own)))


async def put_thresholds(call: Call) -> Answer:
    """Replace this app's own thresholds; `{}` gives back the catalogue's. They hold for sessions
    that are sealed from now on; `roomtone rebuild` applies them to earlier ones."""
    given = await call.given(ThresholdsGiven)
    own, in_force = await call.facade.thresholds.put(call.app_id, given["thresholds"])
    return ok(ThresholdsAnswer(True, ThresholdsData(in_force.model, own)))


def _detector(one: Detector, in_force: Thresholds) -> DetectorObject:
    numbers = in_force[one.id]
    raises, clears = one.rule(numbers)
    return DetectorObject(
        id=one.id,
        title=one.title,
        severity=one.severity,
        second_severity=one.second_severity,
        raises=raises,
        clears=clears,
        unit=one.unit,
        advice=one.advice,
        source=one.source,
        suppressed_by=one.suppressed_by,
        thresholds=tuple(
            ThresholdObject(
                name=each.name,
                value=numbers[each.name],
                default=each.value,
                unit=each.unit,
                says=each.says,
            )
            for each in one.thresholds
        ),
    )


CATALOGUE = Resource(
    "/findings/catalogue",
    {
        "GET": Operation(
            handler=get_catalogue,
            name="getFindingsCatalogue",
            summary="Get the catalogue of findings",
            answer=CatalogueAnswer,
        )
    },
    "Findings",
)

THRESHOLDS = Resource(
    "/findings/thresholds",
    {
        "GET": Operation(
            handler=get_thresholds,
            name="getFindingThresholds",
            summary="Get an app's own thresholds",
            answer=ThresholdsAnswer,
        ),
        "PUT": Operation(
            handler=put_thresholds,
            name="replaceFindingThresholds",
            summary="Replace an app's own thresholds",
            answer=ThresholdsAnswer,
            body=ThresholdsGiven,
        ),
    },
    "Findings",
)
