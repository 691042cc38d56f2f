"""Settings of all tests."""

from __future__ import annotations

import os

from hypothesis import settings

# on a build machine the same examples every time: a new one is found by people, who can look at it
settings.register_profile("ci", derandomize=True, deadline=None)
if os.environ.get("CI"):
    settings.load_profile("ci")
