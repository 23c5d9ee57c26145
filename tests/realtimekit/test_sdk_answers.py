"""Every answer fits the types of the vendor's SDKs, two generations in two languages."""

import pytest
from sdk.drive import SDKS, is_new
from sdk.grants import GRANTS, faults_of, grant_for, open_faults
from sdk.plan import ALL_CALLS

ERRORS = {
    401: "AuthenticationError",
    403: "PermissionDeniedError",
    404: "NotFoundError",
    422: "UnprocessableEntityError",
}


SUCCEEDING = [name for name, call in ALL_CALLS.items() if call.get("expect", 200) < 300]
REFUSED = [name for name, call in ALL_CALLS.items() if call.get("expect", 200) >= 400]


@pytest.mark.parametrize("name", SUCCEEDING)
def test_an_answer_has_every_field_that_the_sdk_declares_in_its_type(name, visit):
    result = visit.results[name]
    if ALL_CALLS[name].get("new") and not is_new(visit.sdk):
        assert result == {"absent": True}
        return

    assert result["status"] == ALL_CALLS[name].get("expect", 200), result["body"]
    assert faults_of(ALL_CALLS[name], result) == []


@pytest.mark.parametrize("name", REFUSED)
def test_a_refusal_raises_the_sdks_own_error(name, visit):
    result = visit.results[name]
    status = ALL_CALLS[name]["expect"]

    assert (result["status"], result["error"]) == (status, ERRORS[status]), result["body"]


@pytest.mark.parametrize("name", REFUSED)
def test_a_refusal_can_be_read_in_both_of_the_vendors_shapes(name, visit):
    result = visit.results[name]
    status = ALL_CALLS[name]["expect"]

    assert result["body"]["success"] is False
    assert result["body"]["error"]["code"] == status
    assert result["body"]["error"]["message"]
    assert result["errors"] >= ALL_CALLS[name].get("faults", 1)
    assert all(isinstance(each["message"], str) for each in result["body"]["errors"])


def test_no_exception_is_granted_that_is_not_needed(visits):
    used = {
        grant_for(path, fault)
        for sdk in SDKS
        for name, result in visits(sdk).results.items()
        if result.get("faults")
        for path, fault in open_faults(ALL_CALLS[name], result)
    }

    assert [grant.reason for grant in GRANTS if grant not in used] == []
