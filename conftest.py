"""How notebooks are run by nbval: their cells one after the other, however many processes pytest-xdist has.

A cell needs what the cells before it have left in the kernel, and the labs share one cluster and its namespaces: run
side by side they would undo what the others do. So all of them go to one process; other tests are spread one by one.
"""

from typing import Any

import pytest


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Give all notebooks to one process, whatever `--dist` says; without nbval, leave it to pytest-xdist."""
    if not (config.getoption("nbval", False) or config.getoption("nbval_lax", False)):
        return None
    from xdist.scheduler import LoadScopeScheduling

    class OneAfterTheOther(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return "notebooks" if ".ipynb::" in nodeid else nodeid

    return OneAfterTheOther(config, log)
