"""The suites that there are; each is built from its own file."""

from __future__ import annotations

from ragsys.plugins import Component

SUITES: list[Component] = [
    Component(
        "suite",
        "folder",
        "ragsys_suites.suites.folder:Folder",
        options="ragsys_suites.suites.folder:FolderOptions",
        summary="your own documents and questions: a folder with questions.jsonl and pdfs/",
        accepts=("questions.jsonl", "pdfs"),
    ),
    Component(
        "suite",
        "financebench",
        "ragsys_suites.suites.financebench:FinanceBench",
        options="ragsys_suites.suites.financebench:FinanceBenchOptions",
        summary="questions of analysts on filings of companies (PDF)",
    ),
    Component(
        "suite",
        "m-longdoc",
        "ragsys_suites.suites.m_longdoc:MLongDoc",
        options="ragsys_suites.suites.m_longdoc:MLongDocOptions",
        summary="open questions on PDFs of hundreds of pages",
    ),
    Component(
        "suite",
        "mrag-bench",
        "ragsys_suites.suites.mrag_bench:MragBench",
        options="ragsys_suites.suites.mrag_bench:MragBenchOptions",
        requires=("pyarrow",),
        extra="parquet",
        summary="multiple choice on an image, answered by other images",
    ),
    Component(
        "suite",
        "mramg-bench",
        "ragsys_suites.suites.mramg:Mramg",
        options="ragsys_suites.suites.mramg:MramgOptions",
        summary="answers of text with figures in their places",
    ),
    Component(
        "suite",
        "multihop-rag",
        "ragsys_suites.suites.multihop_rag:MultiHopRag",
        options="ragsys_suites.suites.multihop_rag:MultiHopRagOptions",
        summary="questions over several news articles",
    ),
    Component(
        "suite",
        "ohr-bench",
        "ragsys_suites.suites.ohr_bench:OhrBench",
        options="ragsys_suites.suites.ohr_bench:OhrBenchOptions",
        summary="questions on PDFs of seven domains, by kind of evidence",
    ),
    Component(
        "suite",
        "trec-rag",
        "ragsys_suites.suites.trec_rag:TrecRag",
        options="ragsys_suites.suites.trec_rag:TrecRagOptions",
        summary="topics of TREC RAG 2024 and 2025 on documents of your own",
    ),
    Component(
        "suite",
        "vidore",
        "ragsys_suites.suites.vidore:Vidore",
        options="ragsys_suites.suites.vidore:VidoreOptions",
        requires=("pyarrow",),
        extra="parquet",
        summary="ViDoRe v1 and v2: queries on page images",
    ),
    Component(
        "suite",
        "vidore-v3",
        "ragsys_suites.suites.vidore:VidoreV3",
        options="ragsys_suites.suites.vidore:VidoreOptions",
        requires=("pyarrow",),
        extra="parquet",
        summary="ViDoRe v3: queries on page images, with boxes and answers",
    ),
]
