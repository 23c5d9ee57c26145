"""One site with two tenants, for the tests that leave it as it was."""

from collections.abc import Iterator

import pytest
from two_tenants import TwoTenants, two_tenants


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TwoTenants]:
    """A Roomtone with a victim and a neighbour."""
    with two_tenants(tmp_path_factory.mktemp("site") / "data") as made:
        yield made
