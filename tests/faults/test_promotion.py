"""A promotion that is interrupted by the registry, by a killed process, or by a database that disappears."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sentiment_core.database.connection import connect
from sentiment_core.errors import DatabaseUnavailable, RegistryUnavailable
from sentiment_core.model.bundle import Bundle
from sentiment_core.promotion.alias_moves import disagreement, history, promote, reconcile, rollback
from sentiment_core.registry.registered_model import RegisteredModel
from tests.faults.postgres_proxy import PostgresProxy
from tests.faults.registry_proxy import ALIAS, TAG, RegistryProxy
from tests.sharing_model import SharingModel

BY = {"actor": "ann", "reason": "a test", "kind": "force"}


@pytest.fixture(scope="module")
def other_bundle(small_bundle, shift_bundle, tmp_path_factory) -> Path:
    """A bundle that differs from the small one only in its bias."""
    folder = tmp_path_factory.mktemp("other")
    shift_bundle(Bundle.load(small_bundle), folder, 0.5)
    return folder


@pytest.fixture
def registry(mlflow_uri, tmp_path, small_bundle, other_bundle) -> RegisteredModel:
    """A registered model with two versions. The first is the champion, but only in MLflow."""
    registry = SharingModel(mlflow_uri, f"model-{time.time_ns()}", tmp_path / "cache")
    registry.register(small_bundle)
    registry.register(other_bundle)
    registry.set_alias("champion", 1)
    return registry


@pytest.fixture
def proxied(registry, mlflow_uri, tmp_path):
    """The same model through a proxy, and the proxy."""
    with RegistryProxy(mlflow_uri) as proxy:
        yield RegisteredModel(proxy.url, registry.name, tmp_path / "cache"), proxy


def states(connection) -> list[tuple]:
    return [(row.kind, row.state, row.to_version) for row in reversed(history(connection))]


@pytest.mark.parametrize("path", [TAG, ALIAS])
def test_a_registry_that_fails_before_the_move_leaves_the_old_champion_and_a_row_that_is_reconciled_later(
    connection, registry, proxied, path
) -> None:
    through, proxy = proxied
    proxy.fail(path, "before", then_close=True)
    with pytest.raises(RegistryUnavailable):
        promote(connection, through, 2, **BY)
    assert registry.version_of_alias("champion").version == 1
    assert states(connection) == [("external", "moved", 1), ("force", "intended", 2)]
    assert "is running, or its process stopped" in str(disagreement(connection, registry))
    proxy.open()
    assert [row.state for row in reconcile(connection, through)] == ["failed"]
    assert disagreement(connection, registry) is None
    assert promote(connection, through, 2, **BY).moved


def test_a_registry_that_fails_after_the_move_leaves_a_row_that_is_reconciled_as_moved(
    connection, registry, proxied
) -> None:
    through, proxy = proxied
    proxy.fail(ALIAS, "after", then_close=True)
    with pytest.raises(RegistryUnavailable):
        promote(connection, through, 2, **BY)
    assert registry.version_of_alias("champion").version == 2
    assert states(connection)[-1] == ("force", "intended", 2)
    proxy.open()
    assert [row.state for row in reconcile(connection, through)] == ["moved"]
    assert disagreement(connection, registry) is None
    assert rollback(connection, through, actor="ann").version == 1


def test_a_lost_response_has_no_effect_if_the_registry_still_answers(connection, registry, proxied) -> None:
    through, proxy = proxied
    proxy.fail(ALIAS, "after")
    assert promote(connection, through, 2, **BY).moved
    assert states(connection)[-1] == ("force", "moved", 2)


def test_a_lost_request_fails_the_move_if_the_registry_still_answers(connection, registry, proxied) -> None:
    through, proxy = proxied
    proxy.fail(ALIAS, "before")
    with pytest.raises(RegistryUnavailable):
        promote(connection, through, 2, **BY)
    assert (registry.version_of_alias("champion").version, states(connection)[-1]) == (1, ("force", "failed", 2))


def test_a_registry_that_is_unavailable_from_the_start_leaves_no_row(connection, proxied) -> None:
    through, proxy = proxied
    proxy.close()
    for call in (lambda: promote(connection, through, 2, **BY), lambda: rollback(connection, through, actor="ann")):
        with pytest.raises(RegistryUnavailable):
            call()
    assert states(connection) == []


def test_an_interrupted_rollback_can_be_repeated(connection, registry, proxied) -> None:
    through, proxy = proxied
    promote(connection, through, 2, **BY)
    proxy.fail(ALIAS, "before", then_close=True)
    with pytest.raises(RegistryUnavailable):
        rollback(connection, through, actor="ann")
    proxy.open()
    assert rollback(connection, through, actor="ann").moved
    assert not rollback(connection, through, actor="ann").moved
    assert registry.version_of_alias("champion").version == 1
    assert states(connection)[-2:] == [("rollback", "failed", 1), ("rollback", "moved", 1)]


KILLED = """
import os, signal, sys
from sentiment_core.database.connection import connect
from sentiment_core.promotion.alias_moves import promote
from sentiment_core.registry.registered_model import RegisteredModel

class Dying(RegisteredModel):
    def set_alias(self, alias, version):
        if sys.argv[3] == "after":
            super().set_alias(alias, version)
        os.kill(os.getpid(), signal.SIGKILL)

with connect(sys.argv[4]) as connection:
    promote(connection, Dying(sys.argv[1], sys.argv[2]), 2, actor="ann", reason="a test", kind="force")
"""


@pytest.mark.parametrize(("when", "state", "champion"), [("before", "failed", 1), ("after", "moved", 2)])
def test_a_promotion_killed_at_the_alias_is_reconciled_by_the_next_one(
    settings, connection, registry, mlflow_uri, when, state, champion
) -> None:
    arguments = [mlflow_uri, registry.name, when, settings.require_database_url()]
    killed = subprocess.run([sys.executable, "-c", KILLED, *arguments], check=False, timeout=120)
    assert killed.returncode == -signal.SIGKILL
    assert states(connection)[-1] == ("force", "intended", 2)
    assert registry.version_of_alias("champion").version == champion
    done = promote(connection, registry, 2, **BY)
    assert done.moved is (champion == 1)
    assert states(connection)[1] == ("force", state, 2)
    assert disagreement(connection, registry) is None


def test_a_lost_last_response_of_the_database_is_reconciled_by_the_next_call(settings, connection, registry) -> None:
    with PostgresProxy(settings.require_database_url()) as proxy:
        with pytest.raises(DatabaseUnavailable), connect(proxy.url) as through:
            promote(through, Cutting(registry, proxy), 2, **BY)
        assert proxy.cut == 1
    assert registry.version_of_alias("champion").version == 2
    reconcile(connection, registry)
    assert states(connection)[-1] == ("force", "moved", 2)
    assert disagreement(connection, registry) is None


class Cutting(RegisteredModel):
    """Let the proxy cut the commit that follows the move of the alias."""

    def __init__(self, registry: RegisteredModel, proxy: PostgresProxy) -> None:
        super().__init__(registry._tracking_uri, registry.name, registry._cache)
        self._proxy = proxy

    def set_alias(self, alias: str, version: int) -> None:
        super().set_alias(alias, version)
        self._proxy.cut_commits(1)
