"""How the HTML report looks: one style sheet for light and dark, screens of any width, and paper."""

from __future__ import annotations

STYLE = """
:root { color-scheme: light dark; --ink: #1d2126; --soft: #5b646f; --paper: #fbfaf7; --card: #fff; --line: #e2dfd8;
  --accent: #9a4d00; --good: #1d6b3a; --doubt: #a33a1e; --warn: #fff3d6; --warn-line: #d9a520; --hit: #eaf5ec;
  --c0: #0b62a4; --c1: #b8530a; --c2: #1b7f5c; --c3: #8a3ea6;
  --c4: #8c6a00; --c5: #c0327a; --c6: #2f7d94; --c7: #59616b; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8e6e1; --soft: #a3acb6; --paper: #16181b; --card: #1e2125;
  --line: #33383e; --accent: #f0a24b; --good: #7fce9c; --doubt: #f08a6c; --warn: #332a14; --warn-line: #b98b21;
  --hit: #1d3024; --c0: #6fb1f0; --c1: #f2995c; --c2: #62cba3; --c3: #cf97e8; --c4: #e0bd4f; --c5: #f08bbd;
  --c6: #86cfe3; --c7: #b5bcc4; } }
* { box-sizing: border-box; }
html { scroll-padding-top: 1rem; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.5 system-ui, "Segoe UI", sans-serif;
  overflow-wrap: break-word; }
main { max-width: 76rem; margin: 0 auto; padding: 2.5rem 1.25rem 5rem; }
h1 { font-size: 1.9rem; line-height: 1.2; margin: 0 0 .3rem; text-wrap: balance; }
h2 { font-size: 1.15rem; margin: 3rem 0 .9rem; padding-top: 1.2rem; border-top: 1px solid var(--line); }
h3 { font-size: 1rem; margin: 0; }
h4 { font-size: .95rem; margin: 0 0 .4rem; display: flex; flex-wrap: wrap; gap: .4rem; align-items: center; }
p { margin: 0 0 .8rem; max-width: 60rem; }
a { color: var(--accent); }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; border-radius: 2px; }
.lead { color: var(--soft); font-size: 1.05rem; margin-bottom: 1.4rem; }
.remark { color: var(--soft); font-size: .88rem; margin: .5rem 0 0; }
nav { display: flex; flex-wrap: wrap; gap: .3rem 1.1rem; margin: 0 0 1.2rem; font-size: .92rem; }
.notes { background: var(--warn); border: 1px solid var(--warn-line); border-left-width: 5px; border-radius: .4rem;
  padding: .8rem 1rem; margin: 0 0 1.4rem; max-width: 60rem; }
.notes h2 { font-size: .95rem; margin: 0 0 .3rem; padding: 0; border: 0; }
.notes ul { margin: 0; padding-left: 1.2rem; }
.wide { overflow-x: auto; max-width: 100%; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .93rem; }
th, td { text-align: left; padding: .45rem 1rem .45rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
thead th { font-size: .82rem; color: var(--soft); font-weight: 600; vertical-align: bottom; white-space: nowrap; }
tbody th { font-weight: 600; }
tbody th small, td small { display: block; font-weight: 400; color: var(--soft); font-size: .8rem; }
tbody th small { max-width: 24rem; }
td .interval { color: var(--soft); font-size: .85em; white-space: nowrap; }
td.best .number { font-weight: 700; }
td.best .star { color: var(--good); }
code { font: .9em ui-monospace, "Cascadia Mono", Consolas, monospace; overflow-wrap: anywhere; }
.findings { padding-left: 1.2rem; margin: 1rem 0 0; max-width: 60rem; }
.findings li { margin-bottom: .3rem; }
.findings .real::marker { content: "★ "; color: var(--good); }
.findings .open::marker { content: "○ "; color: var(--soft); }
dl.facts { display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: .25rem 1.2rem; margin: 1.2rem 0 0;
  font-size: .9rem; }
dl.facts dt { color: var(--soft); }
dl.facts dd { margin: 0; overflow-wrap: anywhere; }
.plots { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 32rem), 1fr)); gap: 1.25rem;
  align-items: start; }
figure { margin: 0; }
.plots figure { background: var(--card); border: 1px solid var(--line); border-radius: .6rem; padding: 1rem 1.1rem; }
.plots figcaption { margin-bottom: .6rem; }
.plots details { margin-top: .6rem; font-size: .9rem; }
summary { cursor: pointer; }
svg.plot { display: block; width: 100%; height: auto; }
svg text { fill: var(--ink); font: 12px system-ui, "Segoe UI", sans-serif; }
svg text.tick { fill: var(--soft); font-size: 11.5px; }
.documents { margin-top: 1rem; font-size: .92rem; }
svg text.at { paint-order: stroke; stroke: var(--card); stroke-width: 3px; }
svg text.label { fill: var(--soft); }
svg .grid { stroke: var(--line); }
svg .axis, svg .notch { stroke: var(--soft); }
.line { fill: none; stroke-width: 2.2; stroke-linejoin: round; }
.band { opacity: .13; }
.bar { opacity: .32; }
.whisker { stroke-width: 1.5; }
.mark { stroke: var(--card); stroke-width: 1; }
.d1 { stroke-dasharray: 8 3; } .d2 { stroke-dasharray: 2 3; } .d3 { stroke-dasharray: 9 3 2 3; }
.d4 { stroke-dasharray: 14 4; } .d5 { stroke-dasharray: 5 5; } .d6 { stroke-dasharray: 3 2 8 2; }
.d7 { stroke-dasharray: 1 4; }
.c0 { stroke: var(--c0); } .c1 { stroke: var(--c1); } .c2 { stroke: var(--c2); } .c3 { stroke: var(--c3); }
.c4 { stroke: var(--c4); } .c5 { stroke: var(--c5); } .c6 { stroke: var(--c6); } .c7 { stroke: var(--c7); }
.f0 { fill: var(--c0); } .f1 { fill: var(--c1); } .f2 { fill: var(--c2); } .f3 { fill: var(--c3); }
.f4 { fill: var(--c4); } .f5 { fill: var(--c5); } .f6 { fill: var(--c6); } .f7 { fill: var(--c7); }
ul.key { list-style: none; display: flex; flex-wrap: wrap; gap: .3rem 1.4rem; margin: 0 0 1rem; padding: 0;
  font-size: .93rem; }
ul.key li { display: flex; align-items: center; gap: .5rem; }
ul.key svg { width: 34px; height: 14px; flex: none; }
#filters { display: flex; flex-wrap: wrap; gap: .7rem 1rem; align-items: end; margin: 1.4rem 0 .8rem; }
#filters[hidden] { display: none; }
#filters label { display: grid; gap: .2rem; font-size: .82rem; color: var(--soft); }
#filters .tick-box { display: flex; align-items: center; gap: .35rem; padding-bottom: .5rem; }
select, input[type=search] { font: inherit; font-size: .95rem; color: var(--ink); background: var(--card);
  border: 1px solid var(--soft); border-radius: .35rem; padding: .35rem .5rem; max-width: 20rem; }
#shown { color: var(--soft); font-size: .9rem; min-height: 1.4em; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: .55rem; margin: 0 0 .5rem;
  overflow: clip; }
.card[hidden] { display: none; }
.card[open] { border-color: var(--accent); }
.card > summary { padding: .65rem .9rem; display: grid; grid-template-columns: minmax(0, 1fr); gap: .35rem;
  list-style: none; }
.card > summary::-webkit-details-marker { display: none; }
.card > summary .asked::before { content: "▸"; display: inline-block; width: 1.2em; color: var(--accent); }
.card[open] > summary .asked::before { content: "▾"; }
.asked { overflow-wrap: anywhere; }
.card[open] .asked { font-weight: 600; }
.tags { display: flex; flex-wrap: wrap; gap: .3rem .5rem; align-items: center; font-size: .8rem; padding-left: 1.2rem; }
.tag { border: 1px solid currentColor; border-radius: .8rem; padding: .02rem .5rem; font-size: .78rem; font-weight: 600;
  color: var(--doubt); white-space: nowrap; }
.tag.missed5, .tag.missed1 { color: var(--accent); }
.tag.missed1 { font-weight: 400; }
.tag.error { background: var(--doubt); border-color: var(--doubt); color: var(--paper); }
.tag.fine { color: var(--good); }
.from, .id { color: var(--soft); }
.id { margin-left: auto; overflow-wrap: anywhere; }
.inside { padding: .2rem .9rem 1.1rem; border-top: 1px solid var(--line); }
dl.gold { display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: .2rem .9rem; margin: .8rem 0; }
dl.gold dt { color: var(--soft); } dl.gold dd { margin: 0; overflow-wrap: anywhere; }
.pages { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 21rem), 1fr)); gap: 1rem;
  align-items: start; }
.pages figure { border: 1px solid var(--line); border-radius: .4rem; overflow: hidden; }
.pages figcaption { padding: .45rem .7rem; font-size: .85rem; overflow-wrap: anywhere; }
.pages figcaption b { display: block; }
.file, .pages .number { color: var(--soft); }
.sheet { position: relative; background: #fff; border-block: 1px solid var(--line); }
.sheet img { display: block; width: 100%; height: auto; }
.sheet svg { position: absolute; inset: 0; width: 100%; height: 100%; }
.sheet rect { vector-effect: non-scaling-stroke; stroke-width: 2.5px; }
.sheet rect.gold { fill: rgba(20, 140, 70, .16); stroke: #0b7a3b; }
.sheet rect.found { fill: rgba(11, 98, 164, .10); stroke: #0b62a4; stroke-dasharray: 7 4; }
.sheet rect.cited { fill: rgba(214, 120, 0, .14); stroke: #b45f00; stroke-dasharray: 2 3; }
.boxes { margin: 0; padding: .4rem .7rem; font-size: .82rem; display: flex; flex-wrap: wrap; gap: .2rem .9rem; }
.swatch::before { content: ""; display: inline-block; width: 1.5em; height: .85em; margin-right: .4em;
  vertical-align: -.08em; border: 2px solid #0b7a3b; background: rgba(20, 140, 70, .16); }
.swatch.found::before { border: 2px dashed #2f86c9; background: rgba(11, 98, 164, .10); }
.swatch.cited::before { border: 2px dotted #c8730a; background: rgba(214, 120, 0, .14); }
.missing, .none { color: var(--soft); font-style: italic; }
.missing { padding: 0 .7rem .6rem; margin: 0; font-size: .88rem; }
.results { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 26rem), 1fr)); gap: 1rem 1.5rem;
  margin-top: 1.2rem; }
.result h4 .name { border-left-style: solid; border-left-width: 5px; padding-left: .5rem; overflow-wrap: anywhere; }
.name.c0 { border-color: var(--c0); } .name.c1 { border-color: var(--c1); } .name.c2 { border-color: var(--c2); }
.name.c3 { border-color: var(--c3); } .name.c4 { border-color: var(--c4); } .name.c5 { border-color: var(--c5); }
.name.c6 { border-color: var(--c6); } .name.c7 { border-color: var(--c7); }
.answer { overflow-wrap: anywhere; white-space: pre-line; }
.status, .score { color: var(--soft); font-size: .88em; }
.result p.error { color: var(--doubt); overflow-wrap: anywhere; }
table.ranks { font-size: .82rem; width: 100%; }
table.ranks td, table.ranks th { padding: .22rem .7rem .22rem 0; }
table.ranks .place { overflow-wrap: anywhere; min-width: 9rem; }
table.ranks .stages { color: var(--soft); overflow-wrap: anywhere; }
tr.hit td { background: var(--hit); }
tr.hit b { color: var(--good); }
footer { margin-top: 3rem; color: var(--soft); font-size: .85rem; }
@media (max-width: 40rem) { main { padding: 1.5rem .9rem 3rem; } h1 { font-size: 1.5rem; }
  .plots figure { padding: .8rem .6rem; } svg text, svg text.tick { font-size: 17px; }
  svg text.name { font-size: 15px; }
  dl.facts, dl.gold { grid-template-columns: minmax(0, 1fr); gap: 0; } dl.facts dd,
  dl.gold dd { margin-bottom: .5rem; } }
@media print { body { background: #fff; } #filters, nav { display: none; } .plots figure { break-inside: avoid; } }
"""
