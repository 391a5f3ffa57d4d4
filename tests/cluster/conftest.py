import warnings
from multiprocessing import get_all_start_methods

import pytest

from chainrule.errors import FewUpdatesWarning


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


@pytest.fixture(autouse=True)
def few_updates():
    """Let these tests train on few samples; the tests of the warning itself expect it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FewUpdatesWarning)
        yield
