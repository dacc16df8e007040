/**
 * Capital letters as strokes on a grid of 4 × 6 units, so that no font is needed. Only letters that stay apart at
 * eight pixels' height: no G, I, J, Q, V or W.
 */
const GLYPH_WIDTH = 4;
const GLYPH_HEIGHT = 6;

/** Strokes separated by spaces; a stroke is a run of two-digit points, x then y, with y downwards. */
const STROKES: Record<string, string> = {
  A: '060210304246 0444',
  B: '06003041423303 3344453606',
  C: '4130100105163645',
  D: '00062644422000',
  E: '40000646 0333',
  F: '400006 0333',
  H: '0006 4046 0343',
  K: '0006 400346',
  L: '000646',
  M: '0600234046',
  N: '06004640',
  O: '103041453616050110',
  P: '06003041423303',
  R: '06003041423303 2346',
  S: '413010010213334445361605',
  T: '0040 2026',
  U: '000516364540',
  X: '0046 4006',
  Y: '0023 4023 2326',
  Z: '00400646',
};

export const LETTERS = Object.keys(STROKES);

/** Line segments of a letter: x1, y1, x2, y2. */
type Segment = readonly [number, number, number, number];

const SEGMENTS = new Map(Object.entries(STROKES).map(([letter, strokes]) => [letter, segments(strokes)]));

function segments(strokes: string): Segment[] {
  return strokes.split(' ').flatMap((stroke) => {
    const points = stroke.match(/../g)!.map((point) => [Number(point[0]), Number(point[1])]);
    return points.slice(1).map(([x, y], i): Segment => [points[i][0], points[i][1], x, y]);
  });
}

/** Distance in grid units from a point to the nearest stroke of `letter`, infinite where there is no such letter. */
function strokeDistance(letter: string, x: number, y: number): number {
  let nearest = Number.POSITIVE_INFINITY;
  for (const [ax, ay, bx, by] of SEGMENTS.get(letter) ?? []) {
    const ex = bx - ax;
    const ey = by - ay;
    const t = Math.min(1, Math.max(0, ((x - ax) * ex + (y - ay) * ey) / (ex * ex + ey * ey)));
    nearest = Math.min(nearest, (x - ax - ex * t) ** 2 + (y - ay - ey * t) ** 2);
  }
  return Math.sqrt(nearest);
}

/** Height of a letter, air between two, and thickness of a stroke, as shares of the canvas. */
const LETTER_HEIGHT = 0.22;
const LETTER_GAP = 0.06;
const STROKE = 0.044;

/** Side of a grid unit, as a share of the canvas; strokes run along the middle of their thickness. */
const UNIT = (LETTER_HEIGHT - STROKE) / GLYPH_HEIGHT;
const LETTER_WIDTH = GLYPH_WIDTH * UNIT + STROKE;

/** Width and height of a line of letters, as shares of the canvas. */
export function lineSize(text: string): { width: number; height: number } {
  return { width: text.length * (LETTER_WIDTH + LETTER_GAP) - LETTER_GAP, height: LETTER_HEIGHT };
}

/** Signed distance to a line of letters centred at the origin, in shares of the canvas; negative on a stroke. */
export function lineDistance(text: string, x: number, y: number): number {
  const { width, height } = lineSize(text);
  const pitch = LETTER_WIDTH + LETTER_GAP;
  const from = x + width / 2 + LETTER_GAP / 2;
  const index = Math.min(text.length - 1, Math.max(0, Math.floor(from / pitch)));
  const column = (from - LETTER_GAP / 2 - index * pitch - STROKE / 2) / UNIT;
  const row = (y + height / 2 - STROKE / 2) / UNIT;
  return strokeDistance(text[index], column, row) * UNIT - STROKE / 2;
}
