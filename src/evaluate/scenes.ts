/** How many pictures of the world show what their prompts ask for: per skill and in all, with intervals. */

import type { Image } from '../image/image.ts';
import { type Additive, additive, sumRows } from '../metrics/additive.ts';
import { bootstrap, type Interval } from '../metrics/bootstrap.ts';
import { readClaims } from '../world/index.ts';
import { checkScene, SKILLS, type Skill, type Verdict } from './scene-check.ts';
import { readScene } from './scene-reader.ts';

export interface Rate {
  /** Share met, in [0, 1]. */
  rate: number;
  /** 95 %, bootstrapped over prompts. */
  interval: Interval;
  /** How often it was asked for. */
  asked: number;
}

export interface SceneScores {
  prompts: number;
  images: number;
  /** Pictures of prompts that say nothing which could be judged: they count nowhere else. */
  unread: number;
  /** Pictures that show all that was asked for. */
  met: Rate;
  /** All that prompts ask for, each shape, colour, size, place … counted by itself. */
  claims: Rate;
  /** Those skills that were asked for at all. */
  skills: Partial<Record<Skill, Rate>>;
  seed: number;
}

/** What `sceneTable` scores, in its order: all of a prompt met, everything that prompts ask for taken together, and each skill. */
export const SCENE_SCORES = ['met', 'claims', ...SKILLS] as const;
export type SceneScore = (typeof SCENE_SCORES)[number];

/** What the pictures of a prompt add: for each score how often it was met, and how often it was asked for. */
export type SceneRow = number[];

const WIDTH = 2 * SCENE_SCORES.length;
export const emptyRow = (): SceneRow => Array<number>(WIDTH).fill(0);

/** Adds a picture to its prompt's row. @returns false where nothing was asked for that could be judged: it counts nowhere */
export function addVerdict(row: SceneRow, { met, tally }: Verdict): boolean {
  if (SKILLS.every((skill) => tally[skill].asked === 0)) return false;
  row[0] += Number(met);
  row[1]++;
  for (const [i, skill] of SKILLS.entries()) {
    for (const at of skill === 'object' ? [2 + i] : [1, 2 + i]) {
      // an object is its shape, colour and size: it is not counted twice
      row[2 * at] += tally[skill].met;
      row[2 * at + 1] += tally[skill].asked;
    }
  }
  return true;
}

/** Shares met over prompts, for intervals and differences. Of what was never asked for, NaN. */
export const sceneTable = (rows: readonly SceneRow[]): Additive =>
  additive(rows, WIDTH, (sums) => SCENE_SCORES.map((_, i) => sums[2 * i] / sums[2 * i + 1]));

export interface SceneEvaluation {
  /** A picture and the prompt it was drawn for. @returns what it was found to show */
  add(prompt: string, image: Image): Verdict;
  /** @param seed of the bootstrap */
  scores(seed?: number): SceneScores;
}

/** Collects pictures, several of a prompt or one. */
export function evaluateScenes(): SceneEvaluation {
  const rows = new Map<string, SceneRow>();
  let images = 0;
  let unread = 0;
  return {
    add(prompt, image) {
      const verdict = checkScene(readClaims(prompt), readScene(image));
      const row = rows.get(prompt) ?? emptyRow();
      if (addVerdict(row, verdict)) {
        rows.set(prompt, row);
        images++;
      } else unread++;
      return verdict;
    },
    scores(seed = 1) {
      const table = sceneTable([...rows.values()]);
      const sums = sumRows(table);
      const rates = table.scores(sums);
      const intervals = rows.size > 0 ? bootstrap(table, { seed }) : [];
      const rateAt = (i: number): Rate => ({
        rate: sums[2 * i + 1] > 0 ? rates[i] : 0,
        interval: intervals[i] ?? [0, 0],
        asked: sums[2 * i + 1],
      });
      const skills: SceneScores['skills'] = {};
      for (const [i, skill] of SKILLS.entries()) if (sums[5 + 2 * i] > 0) skills[skill] = rateAt(i + 2);
      return { prompts: rows.size, images, unread, met: rateAt(0), claims: rateAt(1), skills, seed };
    },
  };
}
