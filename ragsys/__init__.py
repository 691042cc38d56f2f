"""ragsys: ask questions of folders of PDFs; every sentence of an answer is tied to a page and a box."""
