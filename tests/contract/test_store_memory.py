"""The store contract on the fake that other tests run on."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ragsys.protocols import Store
from ragsys.testing.fakes import MemoryStore
from ragsys.testing.stores import StoreContract


class TestMemoryStore(StoreContract):
    reopens = False

    @pytest.fixture
    def opened(self) -> Callable[..., Store]:
        return lambda name="library": MemoryStore()
