/** The look of the page: one column of text, plots in a grid, light and dark by the reader's setting, and a form for paper. */
import { COLOURS } from './chart-parts.js'

/** Colours of subjects, told apart by most who see colours differently; the first, grey, is for baselines. Marks differ in shape, too. */
const LIGHT = ['#667080', '#1d63d8', '#d2600a', '#0b8457', '#b03a9c', '#b8372f', '#8a6800', '#0b8ea3', '#5b3fc4', '#7c4a2a']
const DARK = ['#98a2b3', '#6ea8ff', '#ff9d4d', '#45c792', '#e58ad4', '#ff8a80', '#dcb449', '#4fd0e0', '#b3a1ff', '#d0a384']

const variables = (colours: readonly string[]): string => colours.map((colour, index) => `--c${index}:${colour};`).join('')
const classes = Array.from({ length: COLOURS }, (_, index) => `.f${index}{fill:var(--c${index})}.s${index}{stroke:var(--c${index})}`).join(
  ''
)

const LIGHT_VARIABLES = `--page:#fbfbfa;--card:#ffffff;--ink:#1b2129;--soft:#55606e;--faint:#e4e7eb;--edge:#d5dae1;--good:#0a7a45;--bad:#b3261e;--good-fill:10,140,80;--bad-fill:205,60,50;--accent:#1d63d8;${variables(LIGHT)}`
const DARK_VARIABLES = `--page:#12151a;--card:#191d24;--ink:#e7eaee;--soft:#a3adba;--faint:#2a303a;--edge:#333b47;--good:#5fd69b;--bad:#ff938a;--good-fill:60,190,125;--bad-fill:240,95,85;--accent:#6ea8ff;${variables(DARK)}`

export const STYLE = `
:root{color-scheme:light dark;${LIGHT_VARIABLES}}
@media (prefers-color-scheme:dark){:root{${DARK_VARIABLES}}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--ink);font:16px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;-webkit-text-size-adjust:100%}
main,header,footer{max-width:1180px;margin:0 auto;padding:0 24px}
header{padding-top:44px}
footer{padding-bottom:56px;color:var(--soft);font-size:14px}
h1{font-size:34px;line-height:1.15;letter-spacing:-.02em;margin:0 0 8px}
h2{font-size:25px;line-height:1.25;letter-spacing:-.012em;margin:56px 0 8px}
h3{font-size:18.5px;line-height:1.3;margin:38px 0 8px}
h4{font-size:15px;margin:24px 0 6px}
p{margin:8px 0;max-width:78ch}
a{color:var(--accent);text-underline-offset:2px}
small,.soft{color:var(--soft)}
small{font-size:.85em}
.lead{font-size:18px;color:var(--soft)}
nav ul{list-style:none;display:flex;flex-wrap:wrap;gap:2px 20px;padding:0;margin:16px 0 0;font-size:15px;max-width:none}
nav li{margin:2px 0}
ul,ol{padding-left:22px;max-width:92ch}
li{margin:5px 0}
.verdict{background:var(--card);border:1px solid var(--edge);border-left:4px solid var(--accent);border-radius:10px;padding:18px 24px 20px;margin:26px 0 0}
.verdict h2{margin:0 0 4px;font-size:21px}
.verdict h3{margin:18px 0 4px;font-size:16px}
.verdict ul{margin:6px 0 0}
.scroll{overflow-x:auto;margin:10px 0 0}
table{border-collapse:collapse;font-size:14px;font-variant-numeric:tabular-nums;line-height:1.4}
th,td{padding:5px 10px;text-align:right;white-space:nowrap;border-bottom:1px solid var(--faint)}
th{font-weight:600}
thead th{vertical-align:bottom;border-bottom:1px solid var(--edge)}
thead small{display:block;font-weight:400}
th:first-child,td:first-child,.left{text-align:left}
th:first-child{padding-left:2px}
tbody th{font-weight:400}
tr.case th{text-align:left;font-weight:600;padding-top:12px;border-bottom-color:var(--edge)}
td small,tbody th small{display:block}
.plain td,.plain th{white-space:normal;text-align:left;vertical-align:top}
.plain td.number,.plain th.number{text-align:right;white-space:nowrap}
.cell{min-width:74px}
.names th{white-space:normal;max-width:132px;overflow-wrap:break-word}
.counts small{white-space:normal;max-width:140px;margin-left:auto}
small.inline{display:inline;font-weight:400}
.counts tbody th{white-space:normal}
.counts tbody th small{max-width:none;margin:0}
.better{color:var(--good)}.worse{color:var(--bad)}
td.noise,td.equal,td.few{color:var(--soft)}
.key{width:11px;height:11px;vertical-align:-1px;margin-right:7px}
.legend{list-style:none;display:flex;flex-wrap:wrap;gap:4px 20px;padding:0;margin:14px 0 2px;font-size:14px;max-width:none}
.legend li{margin:0;display:flex;align-items:center;gap:7px}
.legend svg{width:13px;height:13px;flex:none}
.plots{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,322px),1fr));gap:14px;margin:8px 0 0;align-items:start}
figure{margin:0;background:var(--card);border:1px solid var(--edge);border-radius:10px;padding:12px 12px 8px;break-inside:avoid}
figcaption{font-size:14px;font-weight:600;line-height:1.3;margin:0 2px 6px}
.chart{display:block;width:100%;height:auto;overflow:visible;font-size:11px}
.chart text{fill:var(--ink)}
.chart .tick,.chart .unit,.chart .axis{fill:var(--soft);font-size:10.5px}
.chart .case{font-size:11.5px}
.chart .value{font-variant-numeric:tabular-nums}
.chart .ratio{fill:var(--soft);font-variant-numeric:tabular-nums}
.chart .ratio.better{fill:var(--good);font-weight:600}.chart .ratio.worse{fill:var(--bad);font-weight:600}
.grid{stroke:var(--faint);stroke-width:1}.zero{stroke:var(--edge);stroke-width:1}
.chart text.halo{paint-order:stroke;stroke:var(--card);stroke-width:3px;stroke-linejoin:round}
.limit{stroke-dasharray:5 3}
.lane{stroke:var(--faint);stroke-width:1}
.line{fill:none;stroke-width:1.8;stroke-linejoin:round}
.whisker{stroke-width:1.6;opacity:.55}
.spread{stroke:var(--ink);stroke-width:1.3;opacity:.6}
.bar{opacity:.88}
.notice{font-size:14px;color:var(--soft);border-left:3px solid var(--c2);padding-left:10px;margin:12px 0 4px}
details{margin:14px 0 0}
summary{cursor:pointer;font-size:15px;color:var(--accent);width:fit-content}
.conditions{display:grid;grid-template-columns:max-content 1fr;gap:3px 18px;font-size:15px;margin:10px 0 0}
.conditions dt{color:var(--soft)}.conditions dd{margin:0;overflow-wrap:anywhere}
code{font:.92em ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;overflow-wrap:anywhere}
${classes}
@media (max-width:640px){main,header,footer{padding-left:14px;padding-right:14px}header{padding-top:26px}h1{font-size:27px}h2{font-size:21px;margin-top:44px}.verdict{padding:14px 15px 16px}.lead{font-size:16.5px}.conditions{grid-template-columns:1fr;gap:0}.conditions dd{margin:0 0 7px}ul,ol{padding-left:19px}th,td{padding:5px 7px}}
@media print{:root{color-scheme:light;${LIGHT_VARIABLES}}body{background:#fff;font-size:10.5pt}main,header,footer{max-width:none;padding:0}h2{break-before:auto}h2,h3,h4,.legend{break-after:avoid}tr{break-inside:avoid}.plots{grid-template-columns:repeat(2,1fr)}.scroll{overflow:visible}table{font-size:8pt}th,td{padding:3px 5px}nav{display:none}a{color:inherit}details::details-content{content-visibility:visible;display:block;height:auto}*{-webkit-print-color-adjust:exact;print-color-adjust:exact}}
`
