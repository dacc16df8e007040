/** A picture with its regions and their relations, as SVG. */
import { escapeHtml } from '../../html.ts';
import type { PictureGraph } from './load.ts';

/** Colours of regions, in turn: apart for most eyes, legible under white letters. */
const COLOURS = ['#c2410c', '#1d4ed8', '#15803d', '#9333ea', '#b91c1c', '#0e7490', '#a16207', '#be185d'];
/** Width that small pictures are drawn at: letters must be legible. */
const LEAST_WIDTH = 640;
/** Predicates of an edge that are written out; the others say much the same. */
const MOST_NAMED = 2;
/** Width of a letter, in heights. */
const LETTER = 0.56;
const HEIGHT = 15;

/**
 * @param picture as a data URL or an address, of width × height pixels
 * @returns a document that stands by itself if the picture's address does
 */
export function drawGraph(
  picture: string,
  { width, height }: { width: number; height: number },
  { regions, relations }: PictureGraph,
): string {
  const scale = Math.max(1, LEAST_WIDTH / width);
  const [w, h] = [width * scale, height * scale].map(Math.round);
  const colour = (i: number) => COLOURS[i % COLOURS.length];
  const boxes = regions.map(({ box, label, score }, i) => {
    const [x, y] = [box.x * w, box.y * h];
    const name = `${i} ${label || 'region'} ${score.toFixed(2)}`;
    return (
      `<rect x="${at(x)}" y="${at(y)}" width="${at(box.width * w)}" height="${at(box.height * h)}" fill="none" stroke="${colour(i)}" stroke-width="2.5"/>` +
      chip(name, { x: Math.min(x, w - widthOf(name)), y: Math.max(0, y - HEIGHT - 4) }, colour(i))
    );
  });
  const labels = new Map<string, string[]>();
  for (const { subject, predicate, object } of relations) {
    const key = `${subject} ${object}`;
    labels.set(key, [...(labels.get(key) ?? []), predicate]);
  }
  const taken: Place[] = [];
  const edges = [...labels].map(([key, predicates]) => {
    const [subject, object] = key.split(' ').map(Number);
    const [from, to] = [subject, object].map((i) => ({
      x: (regions[i].box.x + regions[i].box.width / 2) * w,
      y: (regions[i].box.y + regions[i].box.height / 2) * h,
    }));
    // Bent to its own left, so that an edge and the one that comes back are two.
    const middle = {
      x: (from.x + to.x) / 2 + (to.y - from.y) * 0.18,
      y: (from.y + to.y) / 2 - (to.x - from.x) * 0.18,
    };
    const more = predicates.length - MOST_NAMED;
    const text = `${predicates.slice(0, MOST_NAMED).join(', ')}${more > 0 ? ` +${more}` : ''}`;
    const place = freePlace({ x: (from.x + to.x) / 4 + middle.x / 2 - widthOf(text) / 2, y: (from.y + to.y) / 4 + middle.y / 2 - HEIGHT / 2 }, widthOf(text), { w, h }, taken); // biome-ignore format: one line
    return (
      `<path d="M${at(from.x)},${at(from.y)} Q${at(middle.x)},${at(middle.y)} ${at(to.x)},${at(to.y)}" fill="none" stroke="#fff" stroke-width="4.5" opacity="0.7"/>` +
      `<path d="M${at(from.x)},${at(from.y)} Q${at(middle.x)},${at(middle.y)} ${at(to.x)},${at(to.y)}" fill="none" stroke="${colour(subject)}" stroke-width="2" marker-end="url(#tip${subject % COLOURS.length})"/>` +
      chip(text, place, '#111827')
    );
  });
  const tips = COLOURS.map(
    (fill, i) =>
      `<marker id="tip${i}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path d="M0,0 L8,4 L0,8 z" fill="${fill}"/></marker>`,
  );
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${w}" height="${h}" viewBox="0 0 ${w} ${h}" font-family="system-ui, sans-serif" font-size="${HEIGHT - 2}">
<defs>${tips.join('')}</defs>
<image href="${escapeHtml(picture)}" width="${w}" height="${h}"/>
${[...boxes, ...edges].join('\n')}
</svg>
`;
}

interface Place {
  x: number;
  y: number;
  width?: number;
}

const at = (value: number): string => value.toFixed(1);
const widthOf = (text: string): number => text.length * (HEIGHT - 2) * LETTER + 8;

/** White letters on a coloured plate, its top left corner at `place`. */
function chip(text: string, { x, y }: Place, fill: string): string {
  return (
    `<rect x="${at(x)}" y="${at(y)}" width="${at(widthOf(text))}" height="${HEIGHT + 3}" rx="3" fill="${fill}" opacity="0.9"/>` +
    `<text x="${at(x + 4)}" y="${at(y + HEIGHT - 2)}" fill="#fff">${escapeHtml(text)}</text>`
  );
}

/** Within the picture and below the plates that lie there already. */
function freePlace(wanted: Place, width: number, { w, h }: { w: number; h: number }, taken: Place[]): Place {
  const x = Math.max(0, Math.min(w - width, wanted.x));
  let y = Math.max(0, Math.min(h - HEIGHT - 3, wanted.y));
  const hits = (place: Place) =>
    Math.abs(place.y - y) < HEIGHT + 4 && place.x < x + width && x < place.x + place.width!;
  for (let i = 0; i < taken.length && taken.some(hits) && y + 2 * (HEIGHT + 4) < h; i++) y += HEIGHT + 4;
  taken.push({ x, y, width });
  return { x, y };
}
