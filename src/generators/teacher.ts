/** A generator whose way of drawing another is taught, so that it needs fewer steps. */
import { RecaptionError } from '../errors.ts';
import { timesOf } from '../models/diffusion-transformer/solve.ts';
import { loadWeights } from '../models/model-folder.ts';
import type { Random } from '../random.ts';
import type { Arrays, Params, Weights } from '../tensor/index.ts';
import { generatorFolder } from './folder.ts';

/** The teacher's parameters lie under this name beside those that learn. */
const PREFIX = 'teacher.';
export const isTeachers = (path: string): boolean => path.startsWith(PREFIX);

/** Steps on the teacher's way from one lesson to the next: more are nearer to it, but what is learnt at its end must come up through all of them. */
const WAY = 8;

/** How a taught generator draws, where nobody says otherwise. Guidance is learnt with the rest: 1 asks for no more of it. */
const DRAW = { steps: 4, guidance: 1, sampler: 'consistency' } as const;

/** A pupil is asked of pure noise what its teacher would make of it: it must see the noise. */
const LEAST_INPUT = 0.1;

export async function openTeacher(ref: string) {
  const folder = await generatorFolder(ref);
  return {
    ...folder,
    /** Of the teacher, and the same for the pupil to start from. */
    async weights({ all }: Params): Promise<Weights> {
      const specs = new Map([...all].filter(([path]) => !isTeachers(path)));
      const weights = await loadWeights(folder.files.weights, specs);
      return new Map([...weights].flatMap(([path, values]) => [[path, values], [PREFIX + path, values]])); // biome-ignore format: one line
    },
  };
}
export type Teacher = Awaited<ReturnType<typeof openTeacher>>;

/** The user's configuration with the teacher's sizes, and how a pupil draws. @throws RecaptionError `bad-config` where it has sizes */
export function asLesson(given: unknown, { model, draw }: Teacher): unknown {
  const { training, draw: own, model: sizes, ...rest } = (given ?? {}) as { training?: object; draw?: object; model?: object }; // biome-ignore format: one line
  if (sizes !== undefined) throw new RecaptionError('bad-config', 'a pupil has the sizes of its teacher', { place: 'model', hint: 'Leave "model" out of the configuration.' }); // biome-ignore format: one line
  return {
    ...rest,
    model: { ...model, leastInput: Math.max(LEAST_INPUT, model.leastInput) },
    training: { learningRate: 5e-4, ema: 0.98, ...training },
    draw: { ...draw, ...DRAW, ...own },
  };
}

/** Neighbouring times on the teacher's way, and how strongly it is guided. */
export function lessonTimes(source: Random, batch: number, shift: number, guidance: number): Arrays {
  const times = timesOf(WAY, shift);
  const at = Array.from({ length: batch }, () => source.int(WAY));
  return {
    t: Float32Array.from(at, (i) => times[i]),
    s: Float32Array.from(at, (i) => times[i + 1]),
    guidance: Float32Array.of(guidance),
  };
}
