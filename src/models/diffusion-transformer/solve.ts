/** Draws: follows the process back from noise to a picture, from one expectation of the picture to the next. */
import type { DiffusionConfig } from './config.ts';
import { signalAndNoise } from './process.ts';

/**
 * - `euler`, `heun`: the ordinary differential equation, of first and second order (Heun asks twice a step);
 * - `ddim`: the picture and noise expected now, mixed for the next time (Song et al. 2021); for the flow the same as `euler`;
 * - `dpm++`: DPM-Solver++(2M), of second order from the expectation before (Lu et al. 2022);
 * - `ddpm`: as `ddim`, with as much fresh noise as the process itself has (Ho et al. 2020);
 * - `consistency`: the picture expected now, with nothing but fresh noise (Song et al. 2023): for models that were taught to draw in a few steps.
 */
export const SAMPLERS = ['euler', 'heun', 'dpm++', 'ddim', 'ddpm', 'consistency'] as const;
export type Sampler = (typeof SAMPLERS)[number];

/** The pictures expected in a batch, all at the same time. */
export type Expect = (xt: Float32Array, t: number) => Promise<Float32Array>;

export interface SolveOptions {
  process?: DiffusionConfig['process'];
  steps: number;
  sampler?: Sampler;
  /** Where the steps lie: 1 evenly; above it more of them near the noise, where the layout is decided (Esser et al. 2024, "shift"). */
  shift?: number;
  /** Fills an array with fresh standard normal noise for a step; `ddpm` and `consistency` need it. */
  fresh?: (step: number, out: Float32Array) => void;
  /** Told after each step, with what the finished picture is expected to be. */
  onStep?: (step: number, expected: Float32Array) => void | Promise<void>;
}

/** The times of the steps, from 1 to 0: `steps + 1` of them. */
export function timesOf(steps: number, shift = 1): number[] {
  return Array.from({ length: steps + 1 }, (_, i) => {
    const t = 1 - i / steps;
    return (shift * t) / (1 + (shift - 1) * t);
  });
}

/** @param noise standard normal, of any length; returned as pictures about in [−1, 1] */
export async function solve(
  expect: Expect,
  noise: Float32Array,
  { process = 'flow', steps, sampler = 'euler', shift = 1, fresh, onStep }: SolveOptions,
): Promise<Float32Array> {
  const times = timesOf(steps, shift);
  let x = noise;
  let before: { picture: Float32Array; t: number } | undefined;
  for (let i = 0; i < steps; i++) {
    const [t, next] = [times[i], times[i + 1]];
    const picture = await expect(x, t);
    await onStep?.(i + 1, picture);
    if (next === 0) x = picture;
    else if (sampler === 'dpm++') x = secondOrder(process, x, picture, t, next, before);
    else if (sampler === 'consistency') x = renoised(process, picture, next, fresh!, i);
    else if (sampler === 'ddpm') x = ancestral(process, x, picture, t, next, fresh!, i);
    else if (sampler === 'heun') {
      const there = remixed(process, x, picture, t, next);
      const later = await expect(there, next);
      x = averaged(process, x, there, [picture, later], [t, next]);
    } else
      x = sampler === 'euler' ? moved(process, x, picture, t, next) : remixed(process, x, picture, t, next);
    before = { picture, t };
  }
  return x;
}

type Process = DiffusionConfig['process'];

/** α' and σ', by time. */
const slopes = (process: Process, t: number): [number, number] =>
  process === 'flow' ? [-1, 1] : [(-Math.PI / 2) * Math.sin((Math.PI * t) / 2), (Math.PI / 2) * Math.cos((Math.PI * t) / 2)]; // biome-ignore format: one line

/** dx/dt = α'·x̂ + σ'·ε̂, where ε̂ = (x − α·x̂) / σ. */
function velocity(process: Process, x: Float32Array, picture: Float32Array, t: number): Float32Array {
  const [alpha, sigma] = signalAndNoise(process, t);
  const [dAlpha, dSigma] = slopes(process, t);
  return x.map((value, i) => dAlpha * picture[i] + (dSigma * (value - alpha * picture[i])) / sigma);
}

function moved(
  process: Process,
  x: Float32Array,
  picture: Float32Array,
  t: number,
  next: number,
): Float32Array {
  const v = velocity(process, x, picture, t);
  return x.map((value, i) => value + (next - t) * v[i]);
}

function averaged(
  process: Process,
  x: Float32Array,
  there: Float32Array,
  [now, later]: Float32Array[],
  [t, next]: number[],
): Float32Array {
  const [v, w] = [velocity(process, x, now, t), velocity(process, there, later, next)];
  return x.map((value, i) => value + ((next - t) * (v[i] + w[i])) / 2);
}

/** α_next·x̂ + σ_next·ε̂. */
function remixed(
  process: Process,
  x: Float32Array,
  picture: Float32Array,
  t: number,
  next: number,
): Float32Array {
  const [alpha, sigma] = signalAndNoise(process, t);
  const [alphaNext, sigmaNext] = signalAndNoise(process, next);
  return x.map((value, i) => alphaNext * picture[i] + (sigmaNext * (value - alpha * picture[i])) / sigma);
}

/** The posterior of the process between two times: its mean, and its noise. */
function ancestral(
  process: Process,
  x: Float32Array,
  picture: Float32Array,
  t: number,
  next: number,
  fresh: (step: number, out: Float32Array) => void,
  step: number,
): Float32Array {
  const [alpha, sigma] = signalAndNoise(process, t);
  const [alphaNext, sigmaNext] = signalAndNoise(process, next);
  const between = sigma ** 2 - ((alpha / alphaNext) * sigmaNext) ** 2;
  const spread = Math.min(sigmaNext, (Math.sqrt(Math.max(0, between)) * sigmaNext) / sigma);
  const kept = Math.sqrt(sigmaNext ** 2 - spread ** 2);
  const noise = new Float32Array(x.length);
  fresh(step, noise);
  return x.map(
    (value, i) => alphaNext * picture[i] + (kept * (value - alpha * picture[i])) / sigma + spread * noise[i],
  );
}

/** The picture with fresh noise of the next time. */
function renoised(
  process: Process,
  picture: Float32Array,
  next: number,
  fresh: (step: number, out: Float32Array) => void,
  step: number,
): Float32Array {
  const [alpha, sigma] = signalAndNoise(process, next);
  const noise = new Float32Array(picture.length);
  fresh(step, noise);
  return picture.map((value, i) => alpha * value + sigma * noise[i]);
}

/** λ = log(α/σ) runs from −∞ at pure noise, so that the first step is of first order. */
function secondOrder(
  process: Process,
  x: Float32Array,
  picture: Float32Array,
  t: number,
  next: number,
  before: { picture: Float32Array; t: number } | undefined,
): Float32Array {
  const lambda = (time: number) => {
    const [alpha, sigma] = signalAndNoise(process, time);
    return Math.log(alpha / sigma);
  };
  const back = before === undefined ? Number.NEGATIVE_INFINITY : lambda(t) - lambda(before.t);
  if (!Number.isFinite(back) || before === undefined) return remixed(process, x, picture, t, next);
  const [, sigma] = signalAndNoise(process, t);
  const [alphaNext, sigmaNext] = signalAndNoise(process, next);
  const h = lambda(next) - lambda(t);
  const ahead = h / (2 * back);
  return x.map((value, i) => {
    const d = (1 + ahead) * picture[i] - ahead * before.picture[i];
    return (sigmaNext / sigma) * value - alphaNext * Math.expm1(-h) * d;
  });
}
