"""The failure view of the HTML report: one card a question, closed at first, with pages, answers and rankings."""

from __future__ import annotations

from collections.abc import Sequence

from ragsys.evaluation.records import Outcome, Question, Scored
from ragsys.evaluation.report.curves import correctness, gold_pages
from ragsys.evaluation.report.failures import KEPT, KINDS, Case, cases, counted, in_turn
from ragsys.evaluation.report.failures import told as about
from ragsys.evaluation.report.numbers import count, plain, share
from ragsys.evaluation.report.pages import BYTES, Boxed, Gallery, Picture
from ragsys.markup import text

SHORT = {
    "error": "error",
    "unreadable": "not readable",
    "missed20": "missed @20",
    "missed5": "missed @5",
    "wrong": "wrong answer",
    "invented": "should have abstained",
    "abstained": "abstained wrongly",
    "missed1": "missed @1",
}
RANKED = 10  # pages of a ranking that are listed; a gold page further down is listed too
_LONG = 2000  # characters of an answer


def section(scored: Scored, picture: Picture | None) -> str:
    """The whole failure view; says how many failures there are, how many are shown and how many have pictures."""
    found, total = cases(scored)
    if not found:
        return (
            '<section id="failures"><h2>Failures</h2><p>No question failed in any way that can be told.</p></section>'
        )
    configs = [config.name for config in scored.configs]
    sources = list(dict.fromkeys(case.question.get("source", "") for case in found))
    gallery = Gallery(picture)
    pages = {case.number: gallery.pages(case, configs) for case in in_turn(found)}
    cards = "\n".join(_card(scored, case, pages[case.number], sources) for case in found)
    return (
        f'<section id="failures"><h2>Failures</h2><p>{_about(scored, found, total, gallery)}</p>'
        f"{_counts(scored, found)}{_filters(configs, sources, counted(scored, found))}"
        f'<p id="shown" role="status"></p><div id="cards">{cards}</div></section>'
    )


def _about(scored: Scored, found: Sequence[Case], total: int, gallery: Gallery) -> str:
    told = about(scored, total)
    if total > len(found):
        told += f" The {KEPT:,} gravest are listed."
    if gallery.draw is None:
        return told + " No page can be shown: the documents were not at hand when this report was written."
    told += f" {count(gallery.shown, 'has', 'have')} pictures of pages"
    if gallery.shown < len(found):
        told += f" (at most {gallery.failures} and {BYTES // 1_000_000} MB, the gravest of each source first)"
    return told + "."


def _counts(scored: Scored, found: Sequence[Case]) -> str:
    head = "".join(f'<th scope="col">{text(config.name)}</th>' for config in scored.configs)
    rows = "".join(
        f'<tr><th scope="row">{text(KINDS[kind])}</th>' + "".join(f"<td>{n:,}</td>" for n in counts) + "</tr>"
        for kind, counts in counted(scored, found).items()
    )
    return (
        f'<div class="wide"><table><thead><tr><th scope="col">questions that</th>{head}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div>"
    )


def _filters(configs: Sequence[str], sources: Sequence[str], kinds: dict[str, list[int]]) -> str:
    def select(name: str, label: str, first: str, options: Sequence[tuple[str, str]]) -> str:
        items = "".join(f'<option value="{text(value)}">{text(shown)}</option>' for value, shown in options)
        return f'<label>{label}<select id="by-{name}"><option value="">{first}</option>{items}</select></label>'

    return (
        '<div id="filters" role="group" aria-label="Which failures are shown" hidden>'
        + select("config", "configuration", "any", [(str(n), name) for n, name in enumerate(configs)])
        + select("kind", "failure", "any", [(kind, KINDS[kind]) for kind in kinds])
        + select("source", "source", "all", [(str(n), name or "not stated") for n, name in enumerate(sources)])
        + '<label>words<input id="by-words" type="search" placeholder="in question or answer"></label>'
        '<label class="tick-box"><input id="by-picture" type="checkbox"> with pages</label></div>'
    )


def _card(scored: Scored, case: Case, pages: Sequence[Boxed], sources: Sequence[str]) -> str:
    question = case.question
    fails = " ".join(f"{n}:{kind}" for n, kinds in enumerate(case.kinds) for kind in kinds)
    tags = _tags([kind for kind in KINDS if any(kind in kinds for kinds in case.kinds)])
    source = f'<span class="from">{text(question["source"])}</span>' if question.get("source") else ""
    some = any(page.picture for page in pages)
    shown = "".join(_page(page, len(scored.configs)) for page in pages)
    results = "".join(
        _result(
            config.name, n, question, case.outcomes[n], case.kinds[n], case.scores[n], correctness(scored) is not None
        )
        for n, config in enumerate(scored.configs)
    )
    return (
        f'<details class="card" id="q{case.number}" data-fails="{fails}" '
        f'data-source="{sources.index(question.get("source", ""))}" data-picture="{int(some)}">'
        f'<summary><span class="asked">{text(question["question"])}</span>'
        f'<span class="tags">{tags}{source}'
        f'<a class="id" href="#q{case.number}">{text(question["id"])}</a></span></summary>'
        f'<div class="inside">{_gold(question)}<div class="pages">{shown}</div>'
        f'<div class="results">{results}</div></div></details>'
    )


def _tags(kinds: Sequence[str]) -> str:
    """The kinds, the gravest first; who missed at 20 is not told to have missed at 5 as well."""
    missed = [kind for kind in kinds if kind.startswith("missed")]
    return "".join(f'<span class="tag {kind}">{SHORT[kind]}</span>' for kind in kinds if kind not in missed[1:])


def _gold(question: Question) -> str:
    answers = question.get("answers") or ([question["answer"]] if "answer" in question else [])
    if question.get("answer_type") == "unanswerable":
        told = "the documents do not answer it"
    elif answers:
        told = " / ".join(answers[:5]) + (" / …" if len(answers) > 5 else "")
    else:
        told = "the benchmark gives none"
    where = ", ".join(f"{doc} p. {page}" for doc, page in gold_pages(question)) or "no page given"
    return (
        f'<dl class="gold"><dt>gold answer</dt><dd class="said">{text(told[:_LONG])}</dd>'
        f"<dt>gold pages</dt><dd>{text(where[:_LONG])}</dd></dl>"
    )


def _page(page: Boxed, configs: int) -> str:
    roles = ["gold page"] if page.gold else []
    if page.found_by:
        roles.append(
            "first page of " + ("every configuration" if len(page.found_by) == configs else ", ".join(page.found_by))
        )
    head = (
        f"<b>{text(' · '.join(roles))}</b>"
        f'<span class="file">{text(page.doc)}</span> <span class="number">page {page.page}</span>'
    )
    if not page.picture:
        return f"<figure><figcaption>{head}</figcaption>" + (
            f'<p class="missing">{text(page.missing)}</p></figure>' if page.missing else "</figure>"
        )
    layers = (
        [("gold", box) for box in page.gold_boxes]
        + [("found", box) for box in page.found_boxes]
        + [("cited", box) for box in page.cited_boxes]
    )
    rects = "".join(
        f'<rect class="{kind}" x="{x0 * 1000:.1f}" y="{y0 * 1000:.1f}" width="{(x1 - x0) * 1000:.1f}" '
        f'height="{(y1 - y0) * 1000:.1f}"><title>{kind}</title></rect>'
        for kind, (x0, y0, x1, y1) in layers
    )
    kinds = dict.fromkeys(kind for kind, _ in layers)
    key = "".join(f'<span class="swatch {kind}">{_BOXES[kind]}</span>' for kind in kinds)
    if page.gold and not page.gold_boxes:
        key += '<span class="none">the benchmark gives no box on this page</span>'
    if page.found_by and not page.found_boxes:
        key += '<span class="none">no boxes of the search were recorded</span>'
    alt = f"page {page.page} of {page.doc}: {', '.join(roles)}; " + (
        ", ".join(f"{sum(k == kind for k, _ in layers)} {kind}" for kind in kinds) + " boxes" if kinds else "no boxes"
    )
    return (
        f"<figure><figcaption>{head}</figcaption>"
        f'<div class="sheet"><img loading="lazy" width="{page.size[0]}" height="{page.size[1]}" alt="{text(alt)}" '
        f'src="{page.picture}"><svg viewBox="0 0 1000 1000" preserveAspectRatio="none" aria-hidden="true">'
        f"{rects}</svg></div>"
        f'<p class="boxes">{key}</p></figure>'
    )


_BOXES = {"gold": "gold box", "found": "found box", "cited": "cited box"}


def _result(
    name: str,
    n: int,
    question: Question,
    outcome: Outcome,
    kinds: Sequence[str],
    score: float | None,
    answered: bool,
) -> str:
    tags = _tags(kinds) or '<span class="tag fine">no failure</span>'
    parts = [f'<h4><span class="c{n % 8} name">{text(name)}</span>{tags}</h4>']
    if outcome["error"] is not None:
        parts.append(f'<p class="error">{text(outcome["error"])}</p>')
    if outcome["answer"] is not None:
        said = outcome["answer"][:_LONG] + ("…" if len(outcome["answer"]) > _LONG else "")
        status = f' <span class="status">{text(str(outcome["status"]))}</span>' if outcome["status"] else ""
        mark = f' <span class="score">score {share(score)}</span>' if score is not None else ""
        parts.append(f'<p class="answer"><b>answer</b>{status}{mark}<br>{text(said) or "(empty)"}</p>')
    elif answered and outcome["error"] is None:
        parts.append('<p class="answer">no answer</p>')
    return f'<section class="result">{"".join(parts)}{_ranking(question, outcome)}</section>'


def _ranking(question: Question, outcome: Outcome) -> str:
    gold = gold_pages(question)
    rows, skipped = [], False
    for rank, page in enumerate(outcome["pages"], 1):
        right = (page["doc"], page["page"]) in gold
        if rank > RANKED and not right:
            skipped = True
            continue
        if skipped:
            rows.append('<tr class="skip"><td colspan="4">…</td></tr>')
            skipped = False
        stages = " · ".join(f"{stage} {plain(score)}" for stage, score in page["stage_scores"].items())
        hit = ' class="hit"' if right else ""
        rows.append(
            f'<tr{hit}><td>{rank}</td><td class="place">{text(page["doc"])} p. {page["page"]}'
            f"{' <b>gold</b>' if right else ''}</td><td>{plain(page['score'])}</td>"
            f'<td class="stages">{text(stages)}</td></tr>'
        )
    if not rows:
        return '<p class="none">no page was ranked</p>'
    return (
        '<div class="wide"><table class="ranks"><thead><tr><th scope="col">rank</th><th scope="col">page</th>'
        '<th scope="col">score</th><th scope="col">stages</th></tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )
