"""Small PDFs that take a renderer's time or memory without end: what draws pages must be bounded."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from pathlib import Path

#: A line of text, so that each of these pages can be found, cited and asked for.
TEXT = b"BT /F1 12 Tf 40 800 Td (The kiln of Oberndorf was fired in 1911.) Tj ET\n"
_FONT = b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"


def written(objects: Mapping[int, bytes], root: int = 1) -> bytes:
    """The bytes of a PDF with these objects, a table of where they are, and a trailer."""
    out, places = bytearray(b"%PDF-1.7\n"), {}
    for number, body in objects.items():
        places[number] = len(out)
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table, size = len(out), max(objects) + 1
    out += b"xref\n0 %d\n0000000000 65535 f \n" % size
    for number in range(1, size):
        out += b"%010d 00000 n \n" % places[number] if number in places else b"0000000000 65535 f \n"
    return bytes(out + b"trailer\n<< /Size %d /Root %d 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (size, root, table))


def stream(entries: bytes, data: bytes) -> bytes:
    """A stream object's body."""
    return b"<< %s /Length %d >>\nstream\n%s\nendstream" % (entries, len(data), data)


def page_of(content: bytes, resources: bytes, more: Mapping[int, bytes], box: bytes = b"0 0 595 842") -> bytes:
    """A PDF of one page with a line of text and this content; `more` are objects from 5 on."""
    head = {
        1: b"<< /Type /Catalog /Pages 2 0 R >>",
        2: b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        3: b"<< /Type /Page /Parent 2 0 R /MediaBox [%s] /Contents 4 0 R /Resources << /Font << /F1 %s >> %s >> >>"
        % (box, _FONT, resources),
        4: stream(b"", TEXT + content),
    }
    return written({**head, **more})


def tiles() -> bytes:
    """A pattern of tiles of a millionth of a point over the whole page, each with a pattern of its own."""
    size = b"/BBox [0 0 1 1] /XStep 0.0001 /YStep 0.0001"
    kind = b"/Type /Pattern /PatternType 1 /PaintType 1 /TilingType 1 "
    inner = stream(kind + size + b" /Resources << >>", b"1 0 0 rg 0 0 1 1 re f")
    outer = stream(kind + size + b" /Resources << /Pattern << /P1 6 0 R >> >>", b"/Pattern cs /P1 scn 0 0 9 9 re f")
    return page_of(b"/Pattern cs /P0 scn 0 0 595 842 re f", b"/Pattern << /P0 5 0 R >>", {5: outer, 6: inner})


def forms(depth: int = 30) -> bytes:
    """Forms that each draw the next one four times: four to the power of `depth` drawings."""
    more = {
        5 + n: stream(
            b"/Type /XObject /Subtype /Form /BBox [0 0 595 842] /Resources << /XObject << /X %d 0 R >> >>" % (6 + n),
            b"/X Do " * 4,
        )
        for n in range(depth)
    }
    more[5 + depth] = stream(b"/Type /XObject /Subtype /Form /BBox [0 0 595 842]", b"0 0 1 1 re f")
    return page_of(b"/X Do", b"/XObject << /X 5 0 R >>", more)


def image(side: int = 16_000) -> bytes:
    """A black picture of `side` times `side` pixels in a few kilobytes: packed twice."""
    row = zlib.compressobj(9)
    data = b"".join(row.compress(bytes(side * 3)) for _ in range(side)) + row.flush()
    size = b"/Width %d /Height %d /ColorSpace /DeviceRGB /BitsPerComponent 8" % (side, side)
    entries = b"/Type /XObject /Subtype /Image " + size + b" /Filter [/FlateDecode /FlateDecode]"
    content = b"q 595 0 0 842 0 0 cm /I Do Q"
    return page_of(content, b"/XObject << /I 5 0 R >>", {5: stream(entries, zlib.compress(data, 9))})


def groups(count: int = 120) -> bytes:
    """Transparent groups in each other, each of which needs the whole page as pixels."""
    group = b"/Type /XObject /Subtype /Form /BBox [0 0 595 842] /Group << /S /Transparency /I true /CS /DeviceRGB >>"
    more = {
        5 + n: stream(group + b" /Resources << /XObject << /X %d 0 R >> >>" % (6 + n), b"/X Do 0 0 9 9 re f")
        for n in range(count)
    }
    more[5 + count] = stream(b"/Type /XObject /Subtype /Form /BBox [0 0 595 842]", b"0 0 1 1 re f")
    return page_of(b"/X Do", b"/XObject << /X 5 0 R >>", more)


def wide() -> bytes:
    """A page of a hundred million points a side."""
    return page_of(b"0 0 100000000 100000000 re f", b"", {}, box=b"0 0 100000000 100000000")


#: By name; each has well under a megabyte.
ALL: Mapping[str, Callable[[], bytes]] = {
    "tiles": tiles,
    "forms": forms,
    "groups": groups,
    "wide": wide,
    "image": image,
}


def write(path: Path, name: str) -> Path:
    """Write one of them."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(ALL[name]())
    return path
