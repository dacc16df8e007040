import fc from 'fast-check';
import { expect, test } from 'vitest';
import { escapeHtml } from '../html.ts';
import { contactSheet, type SheetEntry, type SheetOptions } from './contact-sheet.ts';

const entry: SheetEntry = {
  name: 'a.jpg',
  caption: 'a dog runs',
  before: [],
  thumbnail: new Uint8Array([0xff, 0xd8, 0xff, 0xd9]),
  width: 360,
  height: 240,
};
const options: SheetOptions = { title: 'Photos', about: 'captions by starter', total: 1, shown: 1 };

async function page(entries: SheetEntry[], more: Partial<SheetOptions> = {}): Promise<string> {
  let html = '';
  for await (const piece of contactSheet(entries, { ...options, ...more })) html += piece;
  return html;
}

/** What a browser reads back from escaped text. */
function unescapeHtml(text: string): string {
  const chars: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'" };
  return text.replace(/&(amp|lt|gt|quot|#39);/g, (_, name) => chars[name]);
}

test('the page holds each picture beside its caption, and needs no other file', async () => {
  const html = await page([entry, { ...entry, caption: 'a cat sleeps' }], { total: 2, shown: 2 });
  const cards = html.match(/<article[\s\S]*?<\/article>/g)!;
  expect(cards).toHaveLength(2);
  expect(cards[1]).toContain('src="data:image/jpeg;base64,/9j/2Q=="');
  expect(cards[1]).toContain('a cat sleeps');
  expect(html).toContain('2 pictures');
  expect(html).not.toMatch(/(src|href)="(?!data:)/);
});

test('captions that the source had are shown beside the new one', async () => {
  const html = await page([{ ...entry, before: ['IMG 0042', 'our dog'] }]);
  const [list] = html.match(/<ul class="before">[\s\S]*?<\/ul>/)!;
  expect(list.match(/<li/g)).toHaveLength(2);
  expect(list).toContain('our dog');
  expect(await page([{ ...entry, before: ['1', '2', '3', '4'] }])).toContain('and 2 more');
});

test('a caption cannot leave its element or its attribute', async () => {
  const hostile = `</p></article><script>alert(1)</script>"onerror='alert(2)' <img src=x>`;
  const clean = await page([entry]);
  const html = await page(
    [{ ...entry, name: hostile, caption: hostile, before: [hostile], original: hostile }],
    {
      title: hostile,
      about: hostile,
      failures: [{ name: hostile, message: hostile }],
    },
  );
  const scripts = (text: string) => text.match(/<script/g)!.length;
  expect(scripts(html)).toBe(scripts(clean));
  expect(html.match(/<img/g)!.length).toBe(clean.match(/<img/g)!.length);
  expect(html).not.toContain(`"onerror`);
});

test('no text survives as markup, and every text comes back as it was', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      const escaped = escapeHtml(text);
      expect(escaped).not.toMatch(/[<>"']/);
      expect(unescapeHtml(escaped)).toBe(text.replace(/\p{Cc}/gu, ' '));
    }),
  );
});

test('only the script of the page itself may run', async () => {
  const html = await page([entry]);
  const [, script] = html.match(/<script>([\s\S]*)<\/script>/)!;
  const digest = await crypto.subtle.digest('SHA-256', Buffer.from(script));
  expect(html).toContain(`script-src 'sha256-${Buffer.from(digest).toString('base64')}'`);
  expect(() => new Function(script)).not.toThrow();
});

test('a page that shows a part of the collection says so', async () => {
  expect(await page([entry], { total: 12345, shown: 2000 })).toContain('the first 2,000 of 12,345 pictures');
});

test('pictures that failed are named', async () => {
  const html = await page([entry], {
    failures: [{ name: 'broken.jpg', message: 'the picture is cut short' }],
  });
  expect(html).toContain('1 picture could not be captioned');
  expect(html).toContain('broken.jpg: the picture is cut short');
});
