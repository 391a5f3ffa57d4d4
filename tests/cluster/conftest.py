from multiprocessing import get_all_start_methods
from pathlib import Path

import pytest

FEW = "ignore::chainrule.errors.FewUpdatesWarning"


@pytest.fixture(scope="package")
def cluster():
    """Two processes, started once; they and the threads that watch them end with these tests.

    They, and those in their place when they are killed, are forked from one that has imported
    Dask, where the system can; they import chainrule themselves.
    """
    import dask
    from distributed import LocalCluster

    method = "forkserver" if "forkserver" in get_all_start_methods() else "spawn"
    with (
        dask.config.set({"distributed.worker.multiprocessing-method": method}),
        LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            processes=True,
            host="127.0.0.1",
            dashboard_address="127.0.0.1:0",
        ) as made,
    ):
        yield made


@pytest.fixture
def client(cluster):
    from distributed import Client

    with Client(cluster, set_as_default=False) as made:
        yield made


def pytest_collection_modifyitems(items):
    """Let these tests train on few samples; those of the warning itself expect it."""
    for item in items:
        if item.path.parent == Path(__file__).parent:
            item.add_marker(pytest.mark.filterwarnings(FEW))
