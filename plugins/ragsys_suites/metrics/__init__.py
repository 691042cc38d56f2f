"""The metrics that there are; each is built from its own file. `NAME@K` sets the option k of those that have one.

retrieval           ranked pages, documents, passages, boxes: recall, precision, hits, nDCG, MRR, MAP
official_retrieval  MultiHop-RAG's and UniDoc-Bench's own forms
boxes               layout recall by overlap, box precision, recall, F1, hits
answers             exact match, token F1, ANLS, ROUGE-L, MultiHop-RAG's, VisDoMBench's
accuracy            is the answer right, by rules for its type
choice              the letter of a multiple-choice answer (MRAG-Bench)
mmlongbench, lists  the rule-based scores of MMLongBench-Doc and M3DocVQA; mmlongbench_extracted: after a model
mramg               images in answers
citations           located, quoted, supported; cited pages
abstention, cost    when to keep quiet; what it cost
judged, claims      what a model says: grades, agreement with the rules, claims, nuggets, support
defaults            what a folder of one's own reports
"""

from __future__ import annotations

from ragsys.plugins import Component

_PLAIN = "ragsys.options:Options"


def _metric(
    file: str,
    name: str,
    summary: str,
    options: str = _PLAIN,
    target: str = "",
    judge: bool = False,
    always: bool = False,
) -> Component:
    """A metric of a file of this package; its target has the metric's name unless told."""
    return Component(
        role="metric",
        name=name,
        target=f"ragsys_suites.metrics.{file}:{target or name}",
        options=options if ":" in options else f"ragsys_suites.metrics.options:{options}",
        needs={"judge_model": "generator"} if judge else {},
        summary=summary,
        always=always,
    )


_MEASURES = {
    "recall": "share of the gold {} found, of the first K",
    "precision": "share of the first K {} that hold gold",
    "hits": "whether any of the first K {} holds gold",
    "ndcg": "nDCG of the first K {}, graded where gold is",
    "mrr": "1 / rank of the first of the {} that holds gold",
    "map": "average precision of the {}",
}
_LEVELS = {"page": "pages", "document": "documents", "passage": "passages", "layout": "boxes"}

METRICS: list[Component] = [
    *(
        _metric(
            "retrieval",
            f"{level}_{measure}",
            summary.format(items),
            "LayoutOptions" if level == "layout" else "RankOptions",
        )
        for level, items in _LEVELS.items()
        for measure, summary in _MEASURES.items()
    ),
    _metric("official_retrieval", "multihop_hits", "MultiHop-RAG's Hits@K", "TopOptions", "MultihopHits"),
    _metric("official_retrieval", "multihop_map", "MultiHop-RAG's MAP@10, which is no average precision"),
    _metric("official_retrieval", "multihop_mrr", "MultiHop-RAG's MRR@10"),
    _metric("official_retrieval", "unidoc_ndcg", "UniDoc-Bench's nDCG@K, inflated", "TopOptions", "UnidocNdcg"),
    _metric("official_retrieval", "unidoc_precision", "UniDoc-Bench's P@K", "TopOptions", "UnidocPrecision"),
    _metric("boxes", "mmdocir_layout_recall", "MMDocIR: gold area found", "TopOptions", "MmdocirLayoutRecall"),
    _metric("boxes", "box_precision", "cited boxes that are gold boxes, by IoU", "BoxOptions"),
    _metric("boxes", "box_recall", "gold boxes that are cited, by IoU", "BoxOptions"),
    _metric("boxes", "box_f1", "F1 of cited boxes, by IoU", "BoxOptions"),
    _metric("boxes", "box_area_precision", "share of the cited area that is gold"),
    _metric("boxes", "box_area_recall", "share of the gold area that is cited"),
    _metric("boxes", "box_area_f1", "F1 of the cited area"),
    _metric("boxes", "ranked_box_hits", "whether one of the first K ranked boxes lies on gold", "BoxHitOptions"),
    _metric("boxes", "cited_box_hits", "whether one of the first K cited boxes lies on gold", "BoxHitOptions"),
    _metric(
        "accuracy", "answer_accuracy", "is the answer right, by rules for its type", "AccuracyOptions", "AnswerAccuracy"
    ),
    _metric("answers", "exact_match", "the answer equals a gold answer (SQuAD)"),
    _metric("answers", "token_f1", "F1 of the words (SQuAD)"),
    _metric("answers", "anls", "similarity by edits (DocVQA)"),
    _metric("answers", "rouge_l", "F1 of the longest common subsequence of words"),
    _metric("answers", "visdom_f1", "VisDoMBench's word F1"),
    _metric("choice", "choice_accuracy", "MRAG-Bench: the letter of the right choice"),
    _metric("answers", "multihop_accuracy", "MultiHop-RAG: any shared word"),
    _metric("answers", "multihop_accuracy_corrected", "MultiHop-RAG: the gold answer stands in the answer"),
    _metric("mmlongbench", "mmlongbench_accuracy", "MMLongBench-Doc's accuracy", target="MmlongbenchAccuracy"),
    _metric("mmlongbench", "mmlongbench_f1", "MMLongBench-Doc's F1 of totals", target="MmlongbenchF1"),
    _metric(
        "mmlongbench_extracted",
        "mmlongbench_extracted_accuracy",
        "MMLongBench-Doc's accuracy of shortened answers",
        "JudgeOptions",
        "ExtractedAccuracy",
        judge=True,
    ),
    _metric(
        "mmlongbench_extracted",
        "mmlongbench_extracted_f1",
        "MMLongBench-Doc's F1 of shortened answers",
        "JudgeOptions",
        "ExtractedF1",
        judge=True,
    ),
    _metric("lists", "m3docvqa_em", "M3DocVQA's list-EM"),
    _metric("lists", "m3docvqa_f1", "M3DocVQA's list-F1"),
    _metric("lists", "list_em", "the members of the answer are the gold ones"),
    _metric("lists", "list_f1", "F1 of the members in the best pairing"),
    _metric("mramg", "image_precision", "MRAMG-Bench: shown images that are gold"),
    _metric("mramg", "image_recall", "MRAMG-Bench: gold images that are shown"),
    _metric("mramg", "image_f1", "MRAMG-Bench: F1 of the images"),
    _metric("mramg", "image_ordering", "MRAMG-Bench: order of the images"),
    _metric("citations", "located_share", "citations that have a place"),
    _metric("citations", "quoted_share", "citations whose quote stands there"),
    _metric("citations", "supported_share", "citations that support their sentence"),
    _metric("citations", "citation_page_precision", "cited pages that are gold"),
    _metric("citations", "citation_page_recall", "gold pages that are cited"),
    _metric("abstention", "abstention_accuracy", "unanswerable questions that were not answered"),
    _metric("abstention", "abstention_precision", "abstentions that were right"),
    _metric("abstention", "abstention_recall", "unanswerable questions that were declined"),
    _metric("abstention", "answer_coverage", "answerable questions that were answered"),
    _metric(
        "abstention",
        "answerable_accuracy",
        "answerable questions that are answered right",
        "AccuracyOptions",
        "AnswerableAccuracy",
    ),
    _metric("abstention", "proved_answers", "answerable questions with an answer that is proved"),
    _metric("abstention", "selective_accuracy", "accuracy of the surest K %", "SelectiveOptions", "SelectiveAccuracy"),
    _metric("abstention", "aurc", "area under the risk-coverage curve", "AccuracyOptions", "Aurc"),
    _metric("cost", "seconds", "wall-clock of a question", always=True),
    _metric("cost", "calls", "calls of models", always=True),
    _metric("cost", "tokens", "tokens in and out", always=True),
    _metric("cost", "input_tokens", "tokens in"),
    _metric("cost", "output_tokens", "tokens out"),
    _metric("judged", "judged_correctness", "a model's grade, 1 to 5", "JudgeOptions", judge=True),
    _metric("judged", "mlongdoc_correctness", "M-LongDoc: a model's grade, 1 to 5", "JudgeOptions", judge=True),
    _metric("judged", "vidoseek_accuracy", "ViDoSeek: graded 4 or better", "JudgeOptions", "Accuracy", judge=True),
    _metric("judged", "judge_agreement", "judge and rule say the same", "JudgeOptions", "Agreement", judge=True),
    _metric("judged", "judge_kappa", "Cohen's kappa of judge and rule", "JudgeOptions", "Kappa", judge=True),
    *(
        _metric("claims", name, summary, "JudgeOptions", judge=True)
        for name, summary in {
            "claim_precision": "claims of the answer that gold or quotes support",
            "claim_recall": "claims of the gold answer that the answer makes",
            "nugget_vital_strict": "vital nuggets, full support",
            "nugget_vital_lenient": "vital nuggets, partial support one half",
            "nugget_all_strict": "all nuggets, full support",
            "nugget_all_lenient": "all nuggets, partial support one half",
            "support_precision": "citations that support a sentence, weighted",
            "support_recall": "sentences that citations support, weighted",
        }.items()
    ),
]
