"""The suites that there are; each is built from its own file."""

from __future__ import annotations

from ragsys.plugins import Component

SUITES: list[Component] = []
