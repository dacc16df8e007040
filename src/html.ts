/** Reports as pages: one file each, without scripts, servers or networks; light and dark. */
const ENTITIES: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Text for an element or a quoted attribute. Control characters, which HTML does not allow, become spaces. */
export function escapeHtml(text: string): string {
  return text.replace(/\p{Cc}/gu, ' ').replace(/[&<>"']/g, (char) => ENTITIES[char]);
}

const LIGHT = ['#5b6cc4', '#d1622b', '#2f8f6b', '#b03a72', '#8a7a1f', '#3d8fb5', '#7d5ba6', '#6b6b6b'];
const DARK = ['#93a2f0', '#f0905c', '#66c49d', '#e57bab', '#cdbb55', '#78c1e3', '#b799dd', '#b3b3b3'];

const STYLE = `
:root { color-scheme: light dark; --page: #f6f5f1; --card: #fff; --ink: #1d1c1a; --soft: #69655e; --line: #e2dfd8; --good: #2f8f6b; --bad: #b4471f; ${LIGHT.map((c, i) => `--c${i}: ${c};`).join(' ')} }
@media (prefers-color-scheme: dark) {
  :root { --page: #151513; --card: #201f1d; --ink: #ebe8e2; --soft: #a09b92; --line: #3a3835; --good: #66c49d; --bad: #f0905c; ${DARK.map((c, i) => `--c${i}: ${c};`).join(' ')} }
}
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 76rem; padding: 1.5rem clamp(1rem, 3vw, 2.5rem) 4rem; background: var(--page); color: var(--ink); font: 1rem/1.5 system-ui, sans-serif; }
h1 { font-size: 1.7rem; line-height: 1.2; margin: .2rem 0 .6rem; }
h2 { font-size: 1.2rem; margin: 2.6rem 0 .6rem; }
h3 { font-size: 1rem; margin: 1.4rem 0 .4rem; }
p { max-width: 62rem; margin: .4rem 0; }
.soft, figcaption { color: var(--soft); font-size: .9rem; }
.conclusion { padding: 1rem 1.2rem; background: var(--card); border: 1px solid var(--line); border-left: 4px solid var(--c1); border-radius: .5rem; }
.conclusion p { margin: .35rem 0; font-size: 1.08rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; background: var(--card); border: 1px solid var(--line); border-radius: .5rem; font-size: .92rem; }
th, td { padding: .35rem .7rem; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
tr:last-child td { border-bottom: 0; }
.mark { display: inline-block; width: .75em; height: .75em; border-radius: .2em; margin-right: .4em; }
figure { margin: .6rem 0; }
svg { max-width: 100%; height: auto; font: 12px system-ui, sans-serif; }
svg text { fill: var(--ink); } svg .tick { fill: var(--soft); }
svg .grid { stroke: var(--line); } svg .zero { stroke: var(--ink); stroke-width: 1.5; } svg .whisker { stroke: var(--ink); stroke-width: 1.5; }
svg .range { stroke-width: 3; } svg .range.shown { stroke: var(--c1); } svg .range.unshown { stroke: var(--soft); }
svg circle.shown { fill: var(--c1); } svg circle.unshown { fill: var(--soft); }
.pairs { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(22rem, 100%), 1fr)); gap: .8rem; }
.pair { padding: .7rem; background: var(--card); border: 1px solid var(--line); border-radius: .6rem; min-width: 0; }
.pair p { margin: 0 0 .5rem; font-size: .92rem; overflow-wrap: anywhere; }
.pair .row { display: flex; flex-wrap: wrap; gap: .6rem; }
.pair figure { margin: 0; width: 7rem; }
.pair img { display: block; width: 100%; image-rendering: pixelated; border-radius: .3rem; border: 1px solid var(--line); }
.pair figcaption { font-size: .8rem; line-height: 1.3; margin-top: .2rem; overflow-wrap: anywhere; }
.met { color: var(--good); } .missed { color: var(--bad); }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .2rem 1rem; font-size: .9rem; }
dt { color: var(--soft); } dd { margin: 0; overflow-wrap: anywhere; }
code { font-size: .9em; }
@media (max-width: 40rem) { dl { grid-template-columns: 1fr; } dd { margin-bottom: .4rem; } }
`;

/** The beginning of a page, up to its body. @param title text @param policy of its content: what it may show, and run */
export const pageHead = (title: string, style: string, policy: string): string => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title>
<style>${style}</style>
</head>
<body>
`;

/** @param body HTML @param title text */
export const page = (
  title: string,
  body: string,
): string => `${pageHead(title, STYLE, "default-src 'none'; img-src data:; style-src 'unsafe-inline'")}${body}
</body>
</html>
`;

export const number = (value: number): string => value.toLocaleString('en');
export const plural = (count: number, noun: string): string =>
  `${number(count)} ${noun}${count === 1 ? '' : 's'}`;
export const share = (value: number): string => `${(100 * value).toFixed(1)} %`;

/** @param heads HTML, as the cells @param numbersFrom columns from here on are numbers */
export function table(
  heads: readonly string[],
  rows: readonly (readonly string[])[],
  numbersFrom = 1,
): string {
  const kind = (i: number) => (i >= numbersFrom ? ' class="number"' : '');
  const head = heads.map((cell, i) => `<th${kind(i)} scope="col">${cell}</th>`).join('');
  const body = rows.map((row) => `<tr>${row.map((cell, i) => `<td${kind(i)}>${cell}</td>`).join('')}</tr>`);
  return `<div class="scroll"><table><thead><tr>${head}</tr></thead><tbody>\n${body.join('\n')}\n</tbody></table></div>`;
}
