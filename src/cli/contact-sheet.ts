/** One HTML file that shows pictures beside their captions; it needs no server and no network. */
import { createHash } from 'node:crypto';
import { escapeHtml, pageHead } from '../html.ts';
import { SCRIPT, STYLE } from './contact-sheet-page.ts';
import { counted } from './output.ts';

export interface SheetEntry {
  /** The picture's name, for people. */
  name: string;
  caption: string;
  /** Captions that the source had already. */
  before: string[];
  /** JPEG bytes, longest side about 360 px. */
  thumbnail: Uint8Array;
  /** In pixels, of the thumbnail. */
  width: number;
  height: number;
  /** Address of the full picture, relative to the page; the large view falls back to the thumbnail. */
  original?: string;
}

export interface SheetOptions {
  title: string;
  /** One line about how the captions were made. */
  about: string;
  /** Pictures in the collection; the page says so when it shows fewer. */
  total: number;
  /** Pictures that `entries` will give. */
  shown: number;
  /** Names of pictures that could not be captioned, each with the reason. */
  failures?: { name: string; message: string }[];
}

/** Earlier captions on a card, as the style has it; the large view shows all. */
const SHOWN_BEFORE = 2;

/** The page, piece by piece. Everything that comes from files is escaped, and no script but the page's own may run. */
export async function* contactSheet(
  entries: AsyncIterable<SheetEntry> | Iterable<SheetEntry>,
  options: SheetOptions,
): AsyncGenerator<string> {
  const { title, about, total, shown, failures = [] } = options;
  const count =
    shown < total
      ? `the first ${shown.toLocaleString('en')} of ${counted(total, 'picture')}`
      : counted(total, 'picture');
  const scriptHash = createHash('sha256').update(SCRIPT).digest('base64');
  const policy = `default-src 'none'; img-src data: 'self' file:; style-src 'unsafe-inline'; script-src 'sha256-${scriptHash}'`;
  yield `${pageHead(title, STYLE, policy)}<header>
<h1>${escapeHtml(title)}</h1>
<p id="count" data-all="${escapeHtml(count)}" role="status">${escapeHtml(count)}</p>
<p>${escapeHtml(about)}</p>
<input id="search" type="search" placeholder="Search captions" aria-label="Search captions" autocomplete="off">
</header>
<main>
`;
  for await (const entry of entries) yield card(entry);
  yield `<p id="nothing" hidden>No caption has these words.</p>
</main>
<footer>
<p><kbd>j</kbd> <kbd>k</kbd> or arrow keys walk, <kbd>Enter</kbd> enlarges, <kbd>Esc</kbd> closes, <kbd>/</kbd> searches.</p>
${failureList(failures)}</footer>
<dialog aria-label="Large view">
<img alt="">
<div class="side">
<div class="words"></div>
<nav><span></span><button type="button" data-go="back">Back</button><button type="button" data-go="on" autofocus>Next</button><button type="button" data-go="close">Close</button></nav>
</div>
</dialog>
<script>${SCRIPT}</script>
</body>
</html>
`;
}

function card({ name, caption, before, thumbnail, width, height, original }: SheetEntry): string {
  const data = Buffer.from(thumbnail).toString('base64');
  const items = before.map((text) => `<li dir="auto">${escapeHtml(text)}</li>\n`).join('');
  const more =
    before.length > SHOWN_BEFORE ? `<li class="more">and ${before.length - SHOWN_BEFORE} more</li>\n` : '';
  const originally = items === '' ? '' : `<ul class="before">\n${items}${more}</ul>\n`;
  const address = original === undefined ? '' : ` data-original="${escapeHtml(original)}"`;
  return `<article${address}>
<button class="open" type="button" aria-label="Enlarge"><img src="data:image/jpeg;base64,${data}" width="${width}" height="${height}" style="--ratio: ${(width / height).toFixed(3)}" alt="${escapeHtml(caption)}" loading="lazy" decoding="async"></button>
<div class="words">
<p class="caption" dir="auto">${escapeHtml(caption)}</p>
${originally}<p class="name" dir="auto">${escapeHtml(name)}</p>
</div>
</article>
`;
}

function failureList(failures: { name: string; message: string }[]): string {
  if (failures.length === 0) return '';
  const items = failures.map(({ name, message }) => `<li>${escapeHtml(name)}: ${escapeHtml(message)}</li>\n`);
  return `<details>
<summary>${counted(failures.length, 'picture')} could not be captioned</summary>
<ul>
${items.join('')}</ul>
</details>
`;
}
