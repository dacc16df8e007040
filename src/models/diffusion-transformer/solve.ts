/** Draws by following the flow back from noise: solvers of dx/dt = v(x, t) from t = 1 to 0. */

export const SOLVERS = ['euler', 'heun'] as const;
export type Solver = (typeof SOLVERS)[number];

/** The velocity of a batch of pictures, all at the same time. */
export type Velocity = (x: Float32Array, t: number) => Promise<Float32Array>;

export interface SolveOptions {
  steps: number;
  solver?: Solver;
  /** Where the steps lie: 1 evenly; above it more of them near the noise, where the layout is decided (Esser et al. 2024, "shift"). */
  shift?: number;
  /** Told after each step, with what the finished picture would be from there. */
  onStep?: (step: number, expected: Float32Array) => void;
}

/** The times of the steps, from 1 to 0: `steps + 1` of them. */
export function timesOf(steps: number, shift = 1): number[] {
  return Array.from({ length: steps + 1 }, (_, i) => {
    const t = 1 - i / steps;
    return (shift * t) / (1 + (shift - 1) * t);
  });
}

/** @param noise standard normal, (B, S, S, C); returned as pictures about in [−1, 1] */
export async function solve(
  velocity: Velocity,
  noise: Float32Array,
  { steps, solver = 'euler', shift = 1, onStep }: SolveOptions,
): Promise<Float32Array> {
  const times = timesOf(steps, shift);
  let x = noise;
  for (let i = 0; i < steps; i++) {
    const [t, next] = [times[i], times[i + 1]];
    let v = await velocity(x, t);
    onStep?.(i + 1, moved(x, v, -t));
    // Heun's second evaluation; at t = 0 there is nothing more to know.
    if (solver === 'heun' && next > 0) {
      const there = await velocity(moved(x, v, next - t), next);
      v = v.map((value, j) => (value + there[j]) / 2);
    }
    x = moved(x, v, next - t);
  }
  return x;
}

const moved = (x: Float32Array, v: Float32Array, dt: number): Float32Array =>
  x.map((value, i) => value + dt * v[i]);

/** Classifier-free guidance (Ho & Salimans 2022): away from what would be drawn without words, `guidance` times as far. */
export const guided = (withWords: Float32Array, without: Float32Array, guidance: number): Float32Array =>
  withWords.map((value, i) => without[i] + guidance * (value - without[i]));
