/** GenEval's rules (Ghosh et al. 2023): what a detector must find in a picture for its prompt to be met. */
import type { Box } from '../data/regions.ts';
import type { GenevalAsked } from './suites.ts';

export interface Found {
  label: string;
  score: number;
  /** In any unit that both axes share. */
  box: Box;
}

/** Least score of a detection; where objects are counted, it must be surer. */
export interface Thresholds {
  least: number;
  counting: number;
}
/** GenEval's, for its Mask2Former; other detectors are less sure of themselves. */
export const THRESHOLDS: Thresholds = { least: 0.3, counting: 0.9 };
/** Objects of a class that count at most. */
const MOST = 16;
/** Share of the summed sizes that centres must be apart by before they count as apart. */
const MARGIN = 0.1;

export type Position = 'left of' | 'right of' | 'above' | 'below';

/**
 * Where `a` lies as seen from `b`: the offset of the centres, on each axis less a tenth of the summed sizes, must be more than half as long as the
 * offset was before that. Two directions may hold, or none.
 */
export function positionsOf(a: Box, b: Box): Position[] {
  const dx = a.x + a.width / 2 - b.x - b.width / 2;
  const dy = a.y + a.height / 2 - b.y - b.height / 2;
  const revised = (apart: number, sizes: number) =>
    Math.sign(apart) * Math.max(0, Math.abs(apart) - MARGIN * sizes);
  const length = Math.hypot(dx, dy);
  if (length < 1e-9) return [];
  const [x, y] = [revised(dx, a.width + b.width) / length, revised(dy, a.height + b.height) / length];
  return [
    ...(x < -0.5 ? (['left of'] as const) : []),
    ...(x > 0.5 ? (['right of'] as const) : []),
    ...(y < -0.5 ? (['above'] as const) : []),
    ...(y > 0.5 ? (['below'] as const) : []),
  ];
}

export interface GenevalVerdict {
  met: boolean;
  /** What is not as it was asked for, in words. */
  missed: string[];
}

/** @param colourOf name of the colour of what was found */
export function checkGeneval(
  { tag, include, exclude = [] }: GenevalAsked,
  found: readonly Found[],
  colourOf: (object: Found) => string,
  thresholds: Partial<Thresholds> = {},
): GenevalVerdict {
  const sure = { ...THRESHOLDS, ...thresholds };
  const least = tag === 'counting' ? sure.counting : sure.least;
  const of = (name: string) =>
    found
      .filter(({ label, score }) => label === name && score > least)
      .sort((a, b) => b.score - a.score)
      .slice(0, MOST);
  const missed: string[] = [];
  const groups: (Found[] | undefined)[] = [];
  for (const { class: name, count, color, position } of include) {
    const objects = of(name).slice(0, count);
    const before = missed.length;
    if (objects.length < count) missed.push(`${name}: ${objects.length} of ${count}`);
    else {
      if (color !== undefined) {
        const right = objects.filter((object) => colourOf(object) === color).length;
        if (right < count) missed.push(`${color} ${name}: ${right} of ${count}`);
      }
      if (position && missed.length === before) {
        const [wanted, target] = position;
        const others = groups[target];
        if (!others) missed.push(`${name} ${wanted} what is not there`);
        else if (!objects.every((one) => others.every((other) => positionsOf(one.box, other.box).includes(wanted)))) missed.push(`${name} ${wanted} ${others[0].label}`); // biome-ignore format: one line
      }
    }
    groups.push(missed.length === before ? objects : undefined);
  }
  for (const { class: name, count } of exclude) {
    const there = of(name).length;
    if (there >= count) missed.push(`${name}: ${there}, not fewer than ${count}`);
  }
  return { met: missed.length === 0, missed };
}
