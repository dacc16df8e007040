import type { Box } from '../../data/regions.ts';

/** Numbers that say how one box lies to another. */
export const PAIR_GEOMETRY = 14;

/** Writes them: offsets and ratios as Motifs has them (Zellers et al. 2018), overlaps, where and how large both are. */
export function pairGeometry(out: Float32Array, subject: Box, object: Box): void {
  const [sx, sy, ox, oy] = [subject, object].flatMap(({ x, y, width, height }) => [x + width / 2, y + height / 2]); // biome-ignore format: one line
  const side = (a: number, aLength: number, b: number, bLength: number) =>
    Math.max(0, Math.min(a + aLength, b + bLength) - Math.max(a, b));
  const shared =
    side(subject.x, subject.width, object.x, object.width) *
    side(subject.y, subject.height, object.y, object.height);
  const [subjectArea, objectArea] = [subject.width * subject.height, object.width * object.height];
  const [dx, dy] = [ox - sx, oy - sy];
  const angle = Math.hypot(dx, dy) + 1e-6;
  out.set([
    2 * dx,
    2 * dy,
    dx / angle,
    dy / angle,
    Math.log(object.width / subject.width) / 2,
    Math.log(object.height / subject.height) / 2,
    shared / (subjectArea + objectArea - shared),
    shared / subjectArea,
    shared / objectArea,
    Math.sqrt(subjectArea),
    Math.sqrt(objectArea),
    2 * sx - 1,
    2 * sy - 1,
    2 * angle,
  ]);
}
