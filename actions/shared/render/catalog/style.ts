/** The whole look of the site, in every page: a page that is saved or sent on stays readable. */
export const STYLE = `
:root{color-scheme:light dark;--text:#1f2328;--soft:#59636e;--back:#fff;--panel:#f6f8fa;--line:#d1d9e0;--link:#0969da;--good:#1a7f37;--warn:#9a6700;--bad:#cf222e;--mark:#8250df}
@media(prefers-color-scheme:dark){:root{--text:#e6edf3;--soft:#9198a1;--back:#0d1117;--panel:#151b23;--line:#3d444d;--link:#58a6ff;--good:#3fb950;--warn:#d29922;--bad:#f85149;--mark:#bc8cff}}
*{box-sizing:border-box}
body{margin:0;background:var(--back);color:var(--text);font:16px/1.5 system-ui,"Segoe UI","Noto Sans",Helvetica,Arial,sans-serif}
main,header,footer{max-width:68rem;margin:0 auto;padding:0 1rem}
header{padding-top:.9rem;color:var(--soft);font-size:.9rem}
footer{margin-top:3rem;padding-top:.8rem;padding-bottom:2rem;border-top:1px solid var(--line);color:var(--soft);font-size:.85rem;overflow-wrap:anywhere}
h1{font-size:1.7rem;line-height:1.25;margin:.5rem 0 .6rem;overflow-wrap:anywhere}
h2{font-size:1.2rem;margin:2.2rem 0 .6rem;padding-bottom:.25rem;border-bottom:1px solid var(--line)}
h3{font-size:1rem;margin:1.2rem 0 .4rem}
p{margin:.5rem 0;overflow-wrap:anywhere}
ul{padding-left:1.3rem;margin:.5rem 0}
li{overflow-wrap:anywhere}
a{color:var(--link);text-decoration:none}
a:hover,a:focus{text-decoration:underline}
code,pre{font:.86em/1.45 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
code{background:var(--panel);padding:.1em .3em;border-radius:4px;overflow-wrap:anywhere}
pre{background:var(--panel);padding:.7rem;border-radius:6px;overflow-x:auto}
pre code{padding:0;background:none}
.scroll{overflow-x:auto;margin:.6rem 0}
table{border-collapse:collapse;font-size:.92rem;width:max-content;min-width:min(100%,24rem)}
th,td{text-align:left;padding:.35rem .8rem .35rem 0;border-bottom:1px solid var(--line);vertical-align:top;font-weight:400}
td,th{max-width:26rem;overflow-wrap:anywhere}
thead th{color:var(--soft);font-size:.85rem;white-space:nowrap}
.right{text-align:right;font-variant-numeric:tabular-nums}
time{white-space:nowrap}
.soft{color:var(--soft)}
.badge{display:inline-block;border:1px solid currentColor;border-radius:1em;padding:0 .55em;font-size:.8rem;line-height:1.5;margin-right:.3em;white-space:nowrap;font-weight:400;vertical-align:.1em}
.good{color:var(--good)}.warn{color:var(--warn)}.bad{color:var(--bad)}.mark{color:var(--mark)}
h1 .badge{vertical-align:.3em}
.note{border-left:4px solid var(--warn);background:var(--panel);padding:.5rem .8rem;margin:.6rem 0;border-radius:0 6px 6px 0;overflow-wrap:anywhere}
.note.bad{border-color:var(--bad);color:inherit}
.note.good{border-color:var(--good);color:inherit}
details{margin:.6rem 0}
summary{cursor:pointer;color:var(--link)}
.charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,20rem),1fr));gap:1rem;margin:.6rem 0}
figure{margin:0;border:1px solid var(--line);border-radius:6px;padding:.6rem}
figcaption{display:flex;flex-wrap:wrap;justify-content:space-between;gap:0 1rem;margin-bottom:.3rem;font-size:.9rem;font-weight:600;overflow-wrap:anywhere}
svg{display:block;max-width:100%;height:auto;color:var(--text)}
figure svg{width:100%}
svg text{font:12px system-ui,"Segoe UI","Noto Sans",Helvetica,Arial,sans-serif;fill:currentColor}
svg .axis{stroke:var(--line)}svg .tick{fill:var(--soft);font-size:11px}
svg .line{stroke:var(--link);fill:none;stroke-width:2}
svg .dot{fill:var(--back);stroke:var(--link);stroke-width:2}
svg .held{fill:var(--link)}
svg .champion{stroke:var(--good);fill:none;stroke-width:2.5}
svg .box{fill:var(--panel);stroke:var(--line)}
svg .self{stroke:var(--link);stroke-width:2}
svg .what{font-weight:600}
svg .more{fill:var(--soft);font-size:11px;font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
svg .edge{stroke:var(--soft);fill:none;stroke-width:1.5}
svg .guess{stroke-dasharray:3 4}
svg .arrow{fill:var(--soft)}
svg a .what{fill:var(--link)}
.narrow{display:none}
@media(max-width:48rem){.narrow{display:block}.across{display:none}}
.card{border:1px solid var(--line);border-radius:6px;padding:.2rem 1rem .8rem;overflow-x:auto}
.card h1{font-size:1.25rem}.card h2{font-size:1.1rem;border:0;margin:1.2rem 0 .4rem}
.card table{min-width:0;width:auto}
dl{display:grid;grid-template-columns:fit-content(14rem) 1fr;gap:.25rem 1rem;margin:.6rem 0}
dt{color:var(--soft);overflow-wrap:anywhere}
dd{margin:0;overflow-wrap:anywhere}
@media(max-width:30rem){dl{grid-template-columns:1fr;gap:0}dd{margin-bottom:.5rem}}
@media print{details::details-content{content-visibility:visible}}
`;
