"""Damaged PDFs by a seed: small sound ones, each changed in one to three of the ways in which files break or attack.

`mutant(n)` is the same bytes every time, in every process with the same PyMuPDF.
"""

from __future__ import annotations

import base64
import random
import re
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path

import hostile
import pdfs
import pymupdf

Mutation = Callable[[random.Random, bytes], bytes]
_OBJECT = re.compile(rb"(\d+) 0 obj\b.*?endobj\n?", re.DOTALL)
_NUMBER = re.compile(rb"(?<=[ \[/])-?\d+(?:\.\d+)?(?=[ \]/\n>])")
_HUGE = (b"-1", b"0", b"2147483647", b"4294967296", b"9" * 40, b"1e308", b"-99999999999", b"0.0000000001")


#: A page of `hostile.page_of`, encrypted with RC4: opens without a password, and with "secret". MuPDF makes another
#: file of it every second.
_OWNED = r"""
B~V00Eio=P3MIm|!nO(}AXjo}baZ8IAYyqSO?6O2Mj$aRGB_?W3JNhGFd%PYY6?6&FI0JOWiLZvbYX07XD?7;XJvCBG9WM@Qa(NkWo~3|VrmKsG9
WM@Z(?c+JUlN{d2nSfP+@0fb1zG2WOG|HATS_OT`xm#b#8PZF+M&DWo~3|VrmKsGaxV^Z(?c+JUlN{d2nSfP+@0fFHm7}Wo~pJG9WM@QZG$qWNBe
SZ+KfUATS^`IW-_SG%{T;LvL<$Wo~qHAT%H_AW|<<Wpi(Ja${w4JUlN(Z*FuvJTFEuJUlN{d2nSfMsIF(FH?15ba`-
PFI0JOWic;8VRL0hZ*FuiNM&qxWprs{VLm=SK0ZD^J_==SWN%_>3JNqJFd%PYY6?6&FHB`_XLM*FI5a*!3UhRFWnpa!Q2rYl>!s6QC7iEU!vCyw1
S8%2V<`#HxlQBv<Sh{xT2S;D)yToD>NphG5`*$LP`i!e$}sU|SKg7Ud)wO>1hrp^QD;kuF8b2a6ZJHc-
`m3O3T19&b98cLVQmU!Ze(v_Y6=Q?a%E-
;Fd#JwFfcGMFfcGMFfbrCH8nFeAZ8#6FfcGMFfcGMG%_GCFfcGMAZ{QEFfcGMFfcGMI5;3MFfcGMAZ{QEFfcGMFfcGNG%z4AFfcGMAZ{QEFfcGMF
fcGOIW!<JFfcGMAZ{QE3UqQ|X>4V33Oqb7Q)zl-AT=*iZ*O!UF(5D?QZGqFTRcNEIYmP<K{ql+F+xK#I5|TzI59OgHZemoLPA3`K|ww|F*GnYFhn
y(HbF8tGd4spH9|EsK}JJHFhWH*K{qrpK3y+GZewzJaCAI8FGgu>bY*fcQ*>c&WMOh-
FH#^gFIFHjFHB`_XLM*FF)}zWP#`TdFGX%+a(QrcO=WapWMOn+AartdWiL-WH8wUzK{z)vMMX0+LpM1$Lqsz|IWROvL_tJGI59LqMnN+)L`FG5Gd
M;zMMN|)LOD1zMKVJ+L_sn^K{iG;J}*@~IXO2)Gek8pIWt2vGd43fMmIr0K{!D%LNYlwLPSF`GB`p;G(|N<G(|TxI6*WqHZ(9WG(|NwMn*<KFflM
VK0ZD^J_>VmVRCeMa%E-;G%_~|B_%~qMhX
"""
_LOCKED = r"""
B~V00Eio=P3MIm|!nO(}AXjo}baZ8IAYyqSO?6O2Mj$aRGB_?W3JNhGFd%PYY6?6&FI0JOWiLZvbYX07XD?7;XJvCBG9WM@Qa(NkWo~3|VrmKsG9
WM@Z(?c+JUlN{d2nSfP+@0fb1zG2WOG|HATS_OT`xm#b#8PZF+M&DWo~3|VrmKsGaxV^Z(?c+JUlN{d2nSfP+@0fFHm7}Wo~pJG9WM@QZG$qWNBe
SZ+KfUATS^`IW-_SG%{T;LvL<$Wo~qHAT%H_AW|<<Wpi(Ja${w4JUlN(Z*FuvJTFEuJUlN{d2nSfMsIF(FH?15ba`-
PFI0JOWic;8VRL0hZ*FuiNM&qxWprs{VLm=SK0ZD^J_==SWN%_>3JNqJFd%PYY6?6&FHB`_XLM*FI5a*!3UhRFWnpa!ON1<O3t>wE$^GY6o>l62G
!tscBE>+Dok8VabD%<GWDl>N9FxnkZ>TA{9DF;KVVMqjgHl&{rV1IbbGxGBUDr?yuo_PPAjc>nA%ue>>b~vz3T19&b98cLVQmU!Ze(v_Y6=Q?a%E
-;Fd#JwFfcGMFfcGMFfbrCH8nFeAZ8#6FfcGMFfcGMG%_GCFfcGMAZ{QEFfcGMFfcGMI5;3MFfcGMAZ{QEFfcGMFfcGNG%z4AFfcGMAZ{QEFfcGM
FfcGOIW!<JFfcGMAZ{QE3UqQ|X>4V33Oqb7Q)zl-AT=*iZ*O!UF(5D?QZGqFTRb*HG&e&sK|(__K}Iw%F+xK!LOC}!Lo+x-
Loz}^Ffu+oMM5$`LNh}%GdVIjLNZ1)HZ(>vMlwS+FfcSlH8wOvK3y+GZewzJaCAI8FGgu>bY*fcQ*>c&WMOh-
FH#^gFIFHjFHB`_XLM*FF)}zWP#`TdFGX%+a(QrcO=WapWMOn+AartdWiL-WFhoK%I5jm!Lp3upHZ?XmMK?AzIWRUuK}I$-MKm-rIYBf-GB89oML
9V(MnpwMIW{vzIYKosI50*zMKCxsJ}*@~HbOQ+H%2x&LPj`5HbgTuHAX@)LO4T2F+(*nGcrapGB`p;G(|N<G(|TxI6*WqHZ(9WG(|NwMn*<KFflM
VK0ZD^J_>VmVRCeMa%E-;G%_~|B_%~qMhX
"""


@cache
def sound() -> tuple[bytes, ...]:
    """The PDFs that are damaged: plain, with object streams, encrypted, with pictures and tables, by hand."""
    made: list[bytes] = []
    for draw, pages in ((pdfs.article, 3), (pdfs.table_page, 1), (pdfs.figure_page, 1), (pdfs.drawing_page, 1)):
        with pymupdf.open() as document:
            for _ in range(pages):
                draw(document.new_page())
            made.append(document.tobytes(no_new_id=True, deflate_images=True))
    with pymupdf.open("pdf", made[0]) as document:
        document.set_toc([[1, "Life on the River", 1], [2, "Boats", 2]])
        made.append(document.tobytes(garbage=3, deflate=True, use_objstms=1, no_new_id=True))
    made += [base64.b85decode(text.replace("\n", "")) for text in (_OWNED, _LOCKED)]
    return (*made, hostile.page_of(b"0 0 9 9 re f", b"", {}), hostile.forms(3))


def _replaced(data: bytes, start: int, end: int, new: bytes) -> bytes:
    return data[:start] + new + data[end:]


def cut(rng: random.Random, data: bytes) -> bytes:
    """The end is missing."""
    return data[: rng.randrange(len(data))]


def beheaded(rng: random.Random, data: bytes) -> bytes:
    """The beginning is missing."""
    return data[rng.randrange(min(2000, len(data))) :]


def flipped(rng: random.Random, data: bytes) -> bytes:
    """Some bits are others."""
    out = bytearray(data)
    for _ in range(rng.choice((1, 8, 64))):
        out[rng.randrange(len(out))] ^= 1 << rng.randrange(8)
    return bytes(out)


def zeroed(rng: random.Random, data: bytes) -> bytes:
    """A block of the disk is empty."""
    start = rng.randrange(len(data))
    size = rng.choice((16, 512, 4096))
    return _replaced(data, start, start + size, bytes(min(size, len(data) - start)))


def swapped_entries(rng: random.Random, data: bytes) -> bytes:
    """Two entries of the table of objects change places."""
    entries = list(re.finditer(rb"\d{10} \d{5} [nf]", data))
    if len(entries) < 2:
        return flipped(rng, data)
    one, other = sorted(rng.sample(entries, 2), key=lambda entry: entry.start())
    middle = data[one.end() : other.start()]
    return data[: one.start()] + other[0] + middle + one[0] + data[other.end() :]


def deleted_object(rng: random.Random, data: bytes) -> bytes:
    """An object is missing; what stands behind it is elsewhere than the table says."""
    objects = list(_OBJECT.finditer(data))
    one = rng.choice(objects) if objects else None
    return _replaced(data, one.start(), one.end(), b"") if one else cut(rng, data)


def renumbered(rng: random.Random, data: bytes) -> bytes:
    """References lead to other objects, also to themselves: circles of pages, forms and lengths."""
    references = list(re.finditer(rb"(\d+) 0 R", data))
    for one in rng.sample(references, min(len(references), rng.choice((1, 3)))):
        other = b"%d" % rng.randrange(1, 12)
        data = _replaced(data, one.start(1), one.end(1), other.ljust(one.end(1) - one.start(1)))
    return data


def doubled_trailer(rng: random.Random, data: bytes) -> bytes:
    """A second trailer with another root, which points back to the first table or to itself."""
    at = rng.choice((0, len(data), rng.randrange(len(data))))
    return data + b"\ntrailer\n<< /Size 9 /Root %d 0 R /Prev %d >>\nstartxref\n%d\n%%%%EOF\n" % (
        rng.randrange(1, 9),
        at,
        rng.choice((at, len(data))),
    )


def huge_number(rng: random.Random, data: bytes) -> bytes:
    """Numbers that are too large, negative or nothing: lengths, counts, sizes of pages and pictures."""
    for _ in range(rng.choice((1, 1, 4))):
        found = list(_NUMBER.finditer(data))
        if found:
            one = rng.choice(found)
            data = _replaced(data, *one.span(), rng.choice(_HUGE))
    return data


def nested(rng: random.Random, data: bytes) -> bytes:
    """An array or a dictionary that is nested very deep in place of a value."""
    depth = rng.choice((50, 5_000, 100_000))
    deep = rng.choice((b"[" * depth, b"[" * depth + b"]" * depth, b"<</A" * depth + b">>" * depth))
    found = list(_NUMBER.finditer(data))
    return _replaced(data, *rng.choice(found).span(), deep) if found else data + deep


def damaged_stream(rng: random.Random, data: bytes) -> bytes:
    """Bytes inside a stream are others: of an object stream or a stream of references, where there is one."""
    streams = list(re.finditer(rb"stream\r?\n(.*?)endstream", data, re.DOTALL))
    packed = [one for one in streams if b"ObjStm" in data[one.start() - 200 : one.start()] or b"/XRef" in data]
    if not streams:
        return flipped(rng, data)
    one = rng.choice(packed or streams)
    out, room = bytearray(data), max(1, one.end(1) - one.start(1))
    for _ in range(rng.choice((1, 20, 300))):
        out[min(len(out) - 1, one.start(1) + rng.randrange(room))] = rng.randrange(256)
    return bytes(out)


def encrypted_dictionary(rng: random.Random, data: bytes) -> bytes:
    """The dictionary of an encrypted file says something else; a plain file says that it is encrypted."""
    found = list(re.finditer(rb"/(?:V|R|Length|P) (-?\d+)|/CFM ?/(\w+)|/(?:O|U|OE|UE) ?<([0-9a-fA-F]+)>", data))
    if b"/Encrypt" in data and found:
        one = rng.choice(found)
        group = one.lastindex or 0
        new = rng.choice((b"0", b"-4", b"99999999999", b"AESV9", b"", b"00" * 500))
        return _replaced(data, *one.span(group), new)
    fake = b"/Encrypt << /Filter /Standard /V %d /R %d /O <00> /U <00> /P -4 >> /Root" % (
        rng.randrange(7),
        rng.randrange(8),
    )
    return data.replace(b"/Root", fake, 1)


def renamed(rng: random.Random, data: bytes) -> bytes:
    """Names that decide how something is read are others."""
    names = re.findall(
        rb"/(?:Type|Subtype|Filter|FlateDecode|Kids|Count|Pages|Page|Font|Contents|W|Index|N|First)\b", data
    )
    if not names:
        return flipped(rng, data)
    new = rng.choice((b"/DCTDecode", b"/JBIG2Decode", b"/CCITTFaxDecode", b"/JPXDecode", b"/ObjStm", b"/Pages", b"/X"))
    return data.replace(rng.choice(names), new, rng.choice((1, 99)))


def repeated(rng: random.Random, data: bytes) -> bytes:
    """A part stands there twice, or many times."""
    start = rng.randrange(len(data))
    part = data[start : start + rng.choice((20, 700))]
    return _replaced(data, start, start, part * rng.choice((1, 50)))


def spliced(rng: random.Random, data: bytes) -> bytes:
    """The end is another file's."""
    other = rng.choice(sound())
    return data[: rng.randrange(len(data))] + other[rng.randrange(len(other)) :]


def covered(rng: random.Random, data: bytes) -> bytes:
    """Other bytes stand in front or behind, as mail programs and servers leave them."""
    more = rng.randbytes(rng.choice((3, 2000)))
    return rng.choice((more + data, data + more, b"<html>Not found</html>\n" + data, data + bytes(5000)))


MUTATIONS: Mapping[str, Mutation] = {
    made.__name__: made
    for made in (
        cut,
        beheaded,
        flipped,
        zeroed,
        swapped_entries,
        deleted_object,
        renumbered,
        doubled_trailer,
        huge_number,
        nested,
        damaged_stream,
        encrypted_dictionary,
        renamed,
        repeated,
        spliced,
        covered,
    )
}


def mutant(number: int) -> tuple[str, bytes]:
    """(the names of its mutations, its bytes) of the file of this number."""
    rng = random.Random(number)
    names = list(MUTATIONS)
    chosen = [names[number % len(names)], *rng.sample(names, rng.choice((0, 0, 1, 2)))]
    data = rng.choice(sound())
    for name in chosen:
        data = MUTATIONS[name](rng, data or b"%PDF-1.7\n")
    return "+".join(chosen), data


def write(folder: Path, numbers: range) -> list[str]:
    """Write these files; returns their names."""
    folder.mkdir(parents=True, exist_ok=True)
    found = []
    for number in numbers:
        name, data = mutant(number)
        found.append(f"{number:04d}-{name}.pdf")
        (folder / found[-1]).write_bytes(data)
    return found
