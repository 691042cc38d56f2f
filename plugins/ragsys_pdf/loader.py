"""The `pymupdf` loader: files into pages, page by page, with a look at a few pages around each for what repeats."""

from __future__ import annotations

import contextlib
import logging
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

from ragsys.errors import DocumentError, UsageError
from ragsys.protocols import Context
from ragsys.types import BBox, DocumentInfo, Fault, Page, PageImage
from ragsys_pdf.cleaning import clean, unmappable
from ragsys_pdf.engine import mupdf, pymupdf
from ragsys_pdf.furniture import Edge, edges, furniture
from ragsys_pdf.mending import LOST, cut_off, is_mended, pages_of, without_torn_end
from ragsys_pdf.options import LoaderOptions
from ragsys_pdf.pages import Carry, Setting, build_page, fold
from ragsys_pdf.spans import Box, RawPage, raw_page, turn
from ragsys_pdf.suffixes import SUFFIXES

log = logging.getLogger("ragsys.pdf")

_SCALE = 100.0  # MuPDF writes whole numbers: hundredths of a point
_BACK, _AHEAD = 4, 2  # pages around a page that are looked at for running headers and the body's font size
_FLAGS = (
    mupdf.FZ_STEXT_PRESERVE_WHITESPACE
    | mupdf.FZ_STEXT_PRESERVE_IMAGES
    | mupdf.FZ_STEXT_PRESERVE_SPANS
    | mupdf.FZ_STEXT_CLIP
)
_DATE = re.compile(r"(?:D:)?(\d{4})(\d\d)?(\d\d)?")
_UNHELPFUL = re.compile(  # titles that programs make up
    r"^(untitled|microsoft|document\d*$|slide \d|powerpoint|layout \d|presentation\d*$|\(?anonymous)"
    r"|\.(docx?|pdf|pptx?|xlsx?|indd|qxd|tex|dvi|rtf)$",
    re.IGNORECASE,
)


_POINTER = b"version https://git-lfs.github.com/spec/"
_TRUNCATED = "truncated: the file ends before it is complete, and no page can be read"


class PyMuPdfLoader:
    """Reads what PyMuPDF opens. Blocks, tables and headings by rules of our own: 3-4 CPU ms a page."""

    suffixes = SUFFIXES

    def __init__(self, options: LoaderOptions, context: Context) -> None:
        self.options = options
        self.context = context

    def info(self, path: Path) -> DocumentInfo:
        """Pages, title and metadata. Raises `DocumentError`: empty, encrypted, broken, unreadable, unsupported."""
        with self.document(path) as document:
            data = document.metadata or {}
            named = {
                "author": data.get("author"),
                "subject": data.get("subject"),
                "keywords": data.get("keywords"),
                "created": iso_date(data.get("creationDate")),
                "modified": iso_date(data.get("modDate")),
                "format": data.get("format"),
            }
            metadata = {key: clean(value) for key, value in named.items() if value and clean(value)}
            return DocumentInfo(document.page_count, _title(data.get("title")), metadata)

    def open(
        self, path: Path, *, skip: Collection[int] = (), touched: Callable[[int], None] | None = None
    ) -> Iterator[Page | Fault]:
        """Every page, reading two ahead: running headers and a table's continuation show on the pages around."""
        with self.document(path) as document:
            total: int = document.page_count
            if is_mended(document):
                yield Fault(0, f"{'truncated' if cut_off(path) else 'damaged'}: {LOST}")
            outline = self._outline(document)
            labelled = bool(document.is_pdf and document.get_page_labels())
            read: dict[int, tuple[RawPage | Fault, list[Edge]]] = {}
            carry: Carry | None = None
            for number in range(1, total + 1):
                for ahead in range(number, min(total, number + _AHEAD) + 1):
                    if ahead in skip:
                        read[ahead] = Fault(ahead, "the parser could not get through this page"), []
                    elif ahead not in read:
                        if touched is not None:
                            touched(ahead)
                        read[ahead] = self._read(document, ahead, labelled)
                read.pop(number - _BACK - 1, None)
                raw, own = read[number]
                if isinstance(raw, Fault):
                    carry = None
                    yield raw
                    continue
                page: Page | Fault
                try:
                    page, carry = self._build(document, raw, own, read, outline.get(number), carry)
                except MemoryError:
                    raise
                except Exception as error:
                    log.info("%s page %d: no blocks", path, number, exc_info=True)
                    carry = None
                    page = Fault(number, f"its text could not be laid out ({type(error).__name__}: {error})")
                yield page

    def render(self, path: Path, page: int, *, dpi: float = 150, clip: BBox | None = None) -> PageImage:
        """The displayed page or a part of it as RGB; `dpi` of the result is smaller if the pixels were limited."""
        from PIL import Image

        with self.document(path) as document:
            if not 1 <= page <= document.page_count:
                raise UsageError(f"{path} has no page {page}: it has {document.page_count}")
            try:
                sheet = document.load_page(page - 1)
                frame = sheet.rect
                if clip is not None:
                    x0, y0, x1, y1 = clip.scaled(frame.width, frame.height)
                    left, top = frame.x0, frame.y0
                    frame = pymupdf.Rect(x0 + left, y0 + top, max(x1, x0 + 1) + left, max(y1, y0 + 1) + top)
                zoom = dpi / 72
                pixels = max(1.0, frame.width * zoom) * max(1.0, frame.height * zoom)
                if pixels > self.options.max_pixels:
                    zoom *= (self.options.max_pixels / pixels) ** 0.5
                # a page far longer than wide must still be a pixel wide
                zoom_x = max(zoom, 1.0 / max(frame.width, 1e-3))
                zoom_y = max(zoom, 1.0 / max(frame.height, 1e-3))
                pixmap = sheet.get_pixmap(matrix=pymupdf.Matrix(zoom_x, zoom_y), clip=frame, alpha=False)
                if pixmap.colorspace is None or pixmap.colorspace.n != 3:
                    pixmap = pymupdf.Pixmap(pymupdf.csRGB, pixmap)
                image = Image.frombytes("RGB", (pixmap.width, pixmap.height), pixmap.samples)
            except MemoryError:
                raise
            except Exception as error:
                raise DocumentError(f"{path}: page {page} could not be drawn ({error})") from error
            return PageImage(page, image.width, image.height, zoom * 72, image)

    @contextlib.contextmanager
    def document(self, path: Path) -> Iterator[Any]:
        """The open PyMuPDF document with pages that can be read; closed at the end."""
        document = open_document(path, self.options)
        try:
            yield document
        finally:
            document.close()
            pymupdf.TOOLS.store_shrink(100)

    def _outline(self, document: Any) -> dict[int, dict[str, int]]:
        """{page: {folded heading: level}} of the file's own table of contents."""
        found: dict[int, dict[str, int]] = {}
        if self.options.outline:
            with contextlib.suppress(Exception):  # an outline that cannot be read is no outline
                for level, title, page, *_ in document.get_toc(simple=True):
                    key = fold(clean(title))
                    if key and page > 0:
                        found.setdefault(page, {}).setdefault(key, level)
        return found

    def _read(self, document: Any, number: int, labelled: bool) -> tuple[RawPage | Fault, list[Edge]]:
        try:
            sheet = document.load_page(number - 1)
            raw = read_raw(sheet, number, sheet.get_label() if labelled else "")
        except MemoryError:
            raise
        except Exception as error:
            return Fault(number, f"the page could not be read ({type(error).__name__}: {error})"), []
        if raw.garbage > self.options.garbage_share:
            raw.spans, raw.aside = [], []
        return raw, edges(raw)

    def _build(
        self,
        document: Any,
        raw: RawPage,
        own: list[Edge],
        read: dict[int, tuple[RawPage | Fault, list[Edge]]],
        outline: dict[str, int] | None,
        carry: Carry | None,
    ) -> tuple[Page, Carry | None]:
        near = [(page, marks) for page, marks in read.values() if isinstance(page, RawPage)]
        body = body_size([page for page, _ in near])
        headers, footers = furniture(own, [marks for page, marks in near if page is not raw], body)

        def drawings() -> Sequence[Box]:
            boxes = drawing_boxes(document.load_page(raw.number - 1))
            if not raw.turned:
                return boxes
            width, height = raw.displayed_size
            return [turn(box, raw.turned, width, height) for box in boxes]

        setting = Setting(body, headers, footers, outline, carry, self.options.tables, drawings)
        return build_page(raw, setting)


def open_document(path: Path, options: LoaderOptions) -> Any:
    """The open document, unlocked, with at least one page. Raises `DocumentError` with the outcome."""
    try:
        size = path.stat().st_size
        if size == 0:
            raise DocumentError(f"{path}: the file is empty", outcome="empty")
        with path.open("rb"):
            pass
    except OSError as error:
        raise DocumentError(f"{path}: {error.strerror or error}", outcome="unreadable") from error
    try:
        document = pymupdf.open(path)
    except pymupdf.EmptyFileError as error:
        raise DocumentError(f"{path}: the file is empty", outcome="empty") from error
    except MemoryError:
        raise
    except Exception as error:
        document = without_torn_end(path)
        if document is None:
            raise _unopened(path, error) from error
    try:
        if document.needs_pass:
            password = options.password.get_secret_value() if options.password else ""
            if not password or not document.authenticate(password):
                raise DocumentError(
                    f"{path}: the file is encrypted" + (" and the password does not open it" if password else ""),
                    outcome="encrypted",
                    hint="set the variable PDF_PASSWORD to its password, then: ragsys index FOLDER "
                    "--set loaders.pymupdf.password='${PDF_PASSWORD}' --retry",
                )
        if document.is_reflowable:
            document.layout(width=options.reflow_width, height=options.reflow_height, fontsize=options.reflow_size)
        pages = pages_of(document)
    except DocumentError:
        document.close()
        raise
    except MemoryError:
        raise
    except Exception as error:
        document.close()
        counted = _TRUNCATED if cut_off(path) else f"its pages cannot be counted ({_reason(error)})"
        raise DocumentError(f"{path}: {counted}") from error
    if pages < 1:
        repaired = document.is_repaired
        document.close()
        if cut_off(path):
            raise DocumentError(f"{path}: {_TRUNCATED}")
        if repaired:
            raise DocumentError(f"{path}: damaged: no page can be found in it")
        raise DocumentError(f"{path}: the file has no pages", outcome="empty")
    return document


def _is_pointer(path: Path) -> bool:
    """Whether Git left a note in a file's place, as in a clone without its large files."""
    with contextlib.suppress(OSError), path.open("rb") as file:
        return file.read(len(_POINTER)) == _POINTER
    return False


def _unopened(path: Path, error: Exception) -> DocumentError:
    if _is_pointer(path):
        return DocumentError(f"{path}: a Git LFS pointer, not the file itself", hint="fetch the files: git lfs pull")
    if cut_off(path):
        return DocumentError(f"{path}: {_TRUNCATED}")
    known = path.suffix.lower() in SUFFIXES
    cause = error.__cause__ if isinstance(error.__cause__, Exception) else error  # it names no path
    what = f"not a readable {path.suffix[1:].upper() or 'document'} file ({_reason(cause)})"
    return DocumentError(f"{path}: {what}", outcome="broken" if known else "unsupported")


def read_raw(sheet: Any, number: int, label: str = "") -> RawPage:
    """The raw page of a PyMuPDF page. MuPDF writes its text as JSON in C: that costs least."""
    options = mupdf.FzStextOptions()
    options.flags = _FLAGS
    text = mupdf.FzStextPage(sheet.this.fz_bound_page())
    device = mupdf.fz_new_stext_device(text, options)
    device.m_internal.fill_shade = None  # it would draw every gradient, up to a second a page, for the box around it
    mupdf.fz_disable_icc()  # text has no colour: reading colour profiles for it takes a tenth of the time
    try:
        mupdf.fz_run_page(sheet.this, device, mupdf.FzMatrix(), mupdf.FzCookie())
        mupdf.fz_close_device(device)
    finally:
        mupdf.fz_enable_icc()
    buffer = mupdf.fz_new_buffer(1 << 15)
    output = mupdf.FzOutput(buffer)
    mupdf.fz_print_stext_page_as_json(output, text, _SCALE)
    output.fz_close_output()
    frame = sheet.rect
    return raw_page(number, float(frame.width), float(frame.height), buffer.fz_buffer_extract(), _SCALE, label)


def drawing_boxes(sheet: Any) -> list[Box]:
    """The boxes of all paths and shadings, in points of the displayed page."""
    shown = [entry for entry in sheet.get_bboxlog() if "path" in entry[0] or "shade" in entry[0] or "image" in entry[0]]
    matrix = sheet.rotation_matrix
    if not sheet.rotation:
        return [tuple(box) for _, box in shown]
    return [tuple(pymupdf.Rect(box) * matrix) for _, box in shown]


def body_size(pages: Sequence[RawPage]) -> float:
    """The font size in points that most characters have; 10 if there are none."""
    sizes: Counter[float] = Counter()
    for page in pages:
        sizes.update(page.sizes)
    return max(sizes.items(), key=lambda item: (item[1], -item[0]))[0] if sizes else 10.0


def iso_date(text: str | None) -> str:
    """A PDF date ("D:20190214...") as an ISO date; an empty string if it is none."""
    match = _DATE.match(text or "")
    if not match:
        return ""
    year, month, day = match[1], match[2] or "01", match[3] or "01"
    return f"{year}-{month}-{day}" if "01" <= month <= "12" and "01" <= day <= "31" and year > "1900" else ""


def _title(text: str | None) -> str:
    title = clean(text or "")
    return "" if len(title) < 3 or _UNHELPFUL.search(title) or unmappable(text or "") > 0.1 * len(title) else title


def _reason(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
