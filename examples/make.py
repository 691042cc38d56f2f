"""Writes the example PDFs, the same bytes every time:  python examples/make.py [FOLDER]

Everything in them is made up. `source/world.py` holds the numbers, so that the documents agree with each other.
"""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "source"))

import letter  # noqa: E402
import manual  # noqa: E402
import paper  # noqa: E402
import report  # noqa: E402
import slides  # noqa: E402

DOCUMENTS = {
    "annual-report-2025.pdf": (report.write, "Kelvara Water Systems: Annual Report 2025", "2026-02-27"),
    "d40-manual.pdf": (manual.write, "D40 Operation and Maintenance Manual", "2025-01-20"),
    "pulse-flushing-paper.pdf": (paper.write, "Pulse Flushing under Variable Solar Power", "2025-03-03"),
    "letter-from-skarnes.pdf": (letter.write, "", "2025-03-18"),
    "roadmap-2026-slides.pdf": (slides.write, "Roadmap 2026", "2026-01-15"),
}


def main(folder: Path) -> None:
    """Write every document into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, (write, title, day) in DOCUMENTS.items():
        doc = write()
        stamp = f"D:{day.replace('-', '')}090000Z"
        doc.set_metadata({"title": title, "author": "", "creationDate": stamp, "modDate": stamp})
        doc.subset_fonts()
        doc.save(folder / name, garbage=4, deflate=True, clean=True, no_new_id=True)
        print(f"{name}  {doc.page_count} pages  {(folder / name).stat().st_size // 1024} KB")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / "kelvara")
