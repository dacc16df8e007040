import { describe, expect, it } from 'vitest';
import { random } from '../random.ts';
import { krippendorff, preferences, type Vote, wilson } from './preference.ts';

const many = (count: number, left: string, right: string, winner: Vote['winner']): Vote[] =>
  Array.from({ length: count }, (_, i) => ({ prompt: `${i}`, left, right, winner }));
const elo = (votes: Vote[], ridge = 1e-9) =>
  Object.fromEntries(preferences(votes, { ridge, draws: 10 }).ratings.map((one) => [one.system, one.elo]));

describe('ratings', () => {
  it('of two systems are the odds of their votes: ten to one are 400 points', () => {
    const { a, b } = elo([...many(100, 'a', 'b', 'left'), ...many(10, 'a', 'b', 'right')]);
    expect(a - b).toBeCloseTo(400, 3);
    expect(a + b).toBeCloseTo(0, 6);
  });

  it('do not depend on which picture stood on the left', () => {
    const votes = [...many(30, 'a', 'b', 'left'), ...many(10, 'b', 'a', 'left'), ...many(7, 'a', 'b', 'tie')];
    const turned = votes.map(({ left, right, winner, ...rest }): Vote => ({ ...rest, left: right, right: left, winner: winner === 'tie' ? 'tie' : winner === 'left' ? 'right' : 'left' })); // biome-ignore format: one line
    expect(elo(turned).a).toBeCloseTo(elo(votes).a, 6);
  });

  it('are even where all is even, and ties are as likely as they were', () => {
    const { ratings, ties } = preferences([...many(20, 'a', 'b', 'left'), ...many(20, 'a', 'b', 'right'), ...many(40, 'a', 'b', 'tie')], { ridge: 1e-9 }); // biome-ignore format: one line
    for (const one of ratings) expect(one.elo).toBeCloseTo(0, 6);
    expect(ties / (2 + ties)).toBeCloseTo(0.5, 4);
    expect(ratings[0].winRate.rate).toBe(0.5);
  });

  it('go through others: who beats the one that beats the third is above both', () => {
    const { a, b, c } = elo([...many(75, 'a', 'b', 'left'), ...many(25, 'a', 'b', 'right'), ...many(75, 'b', 'c', 'left'), ...many(25, 'b', 'c', 'right')]); // biome-ignore format: one line
    expect(a - b).toBeCloseTo(400 * Math.log10(3), 2);
    expect(a - c).toBeCloseTo(800 * Math.log10(3), 2);
  });

  it('of a system that never lost are finite', () => {
    const [first, last] = preferences(many(50, 'a', 'b', 'left')).ratings;
    expect(first.system).toBe('a');
    expect(Number.isFinite(first.elo)).toBe(true);
    expect(first.elo - last.elo).toBeGreaterThan(600);
    expect(Number.isFinite(first.interval[1])).toBe(true);
  });

  it('are refused where there is nothing to compare, or somebody unknown', () => {
    expect(() => preferences([])).toThrow(expect.objectContaining({ code: 'no-votes' }));
    expect(() => preferences(many(3, 'a', 'b', 'left'), { systems: ['a', 'c'] })).toThrow(expect.objectContaining({ code: 'unknown-system' }));
  }); // biome-ignore format: one line
});

/** Votes of people for whom systems have these strengths, and who find every fifth pair of equals even. */
function simulate(strengths: Record<string, number>, prompts: number, seed: number): Vote[] {
  const draw = random(seed, 'voters');
  const names = Object.keys(strengths);
  const nu = 0.5;
  return Array.from({ length: prompts }, (_, p) =>
    names.flatMap((left, i) =>
      names.slice(i + 1).map((right): Vote => {
        const d = strengths[left] - strengths[right];
        const [a, b] = [Math.exp(d / 2), Math.exp(-d / 2)];
        const at = draw.uniform() * (a + b + nu);
        return { prompt: `${p}`, left, right, winner: at < a ? 'left' : at < a + b ? 'right' : 'tie' };
      }),
    ),
  ).flat();
}

describe('intervals of ratings', () => {
  it('hold the truth in 95 of 100 simulations, give or take two', () => {
    const strengths = { a: 0.6, b: 0.1, c: -0.7 };
    const simulations = 1000;
    let [held, all] = [0, 0];
    for (let seed = 0; seed < simulations; seed++) {
      for (const { system, interval } of preferences(simulate(strengths, 120, seed), { draws: 200, seed })
        .ratings) {
        const truth = (400 / Math.LN10) * strengths[system as keyof typeof strengths];
        if (truth >= interval[0] && truth <= interval[1]) held++;
        all++;
      }
    }
    expect(held / all).toBeGreaterThanOrEqual(0.93);
    expect(held / all).toBeLessThanOrEqual(0.97);
  }, 60_000);
});

describe('agreement', () => {
  it("is that of Krippendorff's example of three coders", () => {
    // Krippendorff 2011, "Computing Krippendorff's alpha-reliability", as Wikipedia's article has it: 0.691 for nominal data.
    const coders = ['* * * * * 3 4 1 2 1 1 3 3 * 3', '1 * 2 1 3 3 4 3 * * * * * * *', '* * 2 1 3 4 4 * 2 1 1 3 3 * 4'].map((line) => line.split(' ')); // biome-ignore format: one line
    const units = coders[0].map((_, i) => coders.map((coder) => coder[i]).filter((value) => value !== '*'));
    expect(krippendorff(units)).toBeCloseTo(0.691, 3);
  });

  it('is one where all agree, less than nothing where nobody does, and unknown with one rater', () => {
    expect(krippendorff([['x', 'x'], ['y', 'y']])).toBe(1); // biome-ignore format: one line
    expect(krippendorff([['x', 'y'], ['y', 'x']])!).toBeLessThan(0); // biome-ignore format: one line
    expect(krippendorff([['x'], ['y']])).toBeUndefined();
    expect(preferences(many(9, 'a', 'b', 'left')).agreement).toBeUndefined();
  });
});

describe("Wilson's interval", () => {
  it('is that of the textbook', () => {
    const [low, high] = wilson(8, 10);
    expect(low).toBeCloseTo(0.4902, 3);
    expect(high).toBeCloseTo(0.9433, 3);
    expect(wilson(0, 10)[0]).toBe(0);
  });
});
