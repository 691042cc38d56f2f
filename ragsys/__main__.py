"""`python -m ragsys`."""

from __future__ import annotations

from ragsys.cli import main

if __name__ == "__main__":
    main()
