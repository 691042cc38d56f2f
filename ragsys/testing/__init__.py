"""What a plugin author runs: the contract of every role as checks, and fakes.

loader, ocr, layout                 ragsys.testing.loaders     check_loader, check_ocr, check_layout
splitter, lexical                   ragsys.testing.text        check_splitter, check_lexical
embedder                            ragsys.testing.embedders   check_embedder
store                               ragsys.testing.stores      StoreContract (a class of tests)
retriever, fusion, postprocessor,   ragsys.testing.retrieval   check_retriever, check_fusion, check_postprocessor,
cut, ranker, reranker, rewriter                                check_cut, check_ranker, check_reranker, check_rewriter
generator, agent                    ragsys.testing.generators, .agents   check_generator, check_agent
enricher, judge, tool, suite,       ragsys.testing.roles       check_enricher, check_judge, check_tool,
metric                                                         check_suite, check_metric
fakes                               ragsys.testing.fakes, .generators, .agents
"""
