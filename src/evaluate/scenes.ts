/** How many pictures of the world show what their prompts ask for: per skill and in all, with intervals. */

import type { Image } from '../image/image.ts';
import { additive, sumRows } from '../metrics/additive.ts';
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
  /** Those skills that were asked for at all. */
  skills: Partial<Record<Skill, Rate>>;
  seed: number;
}

export interface SceneEvaluation {
  /** A picture and the prompt it was drawn for. @returns what it was found to show */
  add(prompt: string, image: Image): Verdict;
  /** @param seed of the bootstrap */
  scores(seed?: number): SceneScores;
}

/** Collects pictures, several of a prompt or one. */
export function evaluateScenes(): SceneEvaluation {
  const width = 2 + 2 * SKILLS.length;
  const rows = new Map<string, number[]>();
  let images = 0;
  let unread = 0;
  return {
    add(prompt, image) {
      const verdict = checkScene(readClaims(prompt), readScene(image));
      if (SKILLS.every((skill) => verdict.tally[skill].asked === 0)) {
        unread++;
        return verdict;
      }
      const row = rows.get(prompt) ?? Array<number>(width).fill(0);
      rows.set(prompt, row);
      images++;
      row[0] += Number(verdict.met);
      row[1]++;
      for (const [i, skill] of SKILLS.entries()) {
        row[2 + 2 * i] += verdict.tally[skill].met;
        row[3 + 2 * i] += verdict.tally[skill].asked;
      }
      return verdict;
    },
    scores(seed = 1) {
      const shares = (sums: Float64Array) =>
        Array.from({ length: width / 2 }, (_, i) =>
          sums[2 * i + 1] > 0 ? sums[2 * i] / sums[2 * i + 1] : 0,
        );
      const of = additive([...rows.values()], width, shares);
      const sums = sumRows(of);
      const intervals = rows.size > 0 ? bootstrap(of, { seed }) : [];
      const rateAt = (i: number): Rate => ({
        rate: shares(sums)[i],
        interval: intervals[i] ?? [0, 0],
        asked: sums[2 * i + 1],
      });
      const skills: SceneScores['skills'] = {};
      for (const [i, skill] of SKILLS.entries()) if (sums[3 + 2 * i] > 0) skills[skill] = rateAt(i + 1);
      return { prompts: rows.size, images, unread, met: rateAt(0), skills, seed };
    },
  };
}
