"""The short form of the fault suite leaves out tests that only `make faults` has time for."""

import pytest

from tests.faults import extent


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect tests marked `long`, unless the long form was requested."""
    if extent.LONG:
        return
    left_out = [item for item in items if item.get_closest_marker("long")]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]
