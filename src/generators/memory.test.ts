import { expect, test } from 'vitest';
import { diffusionConfigSchema } from '../models/diffusion-transformer/config.ts';
import { checkMemory, stepBytes } from './memory.ts';

const c = diffusionConfigSchema.parse({});
const PARAMETERS = 5.8e6;

test('a step that fits is let through, one that does not is told with the batch that would', () => {
  expect(() => checkMemory(c, 32, { memory: 16e9 })).not.toThrow();
  const hint = (batch: number, memory: number): string => {
    try {
      checkMemory(c, batch, { draws: 2, memory });
    } catch (error) {
      return (error as { code: string; hint: string }).hint;
    }
    return '';
  };
  const [, fits] = /training\.batch (\d+) would fit/.exec(hint(4096, 16e9))!;
  expect(() => checkMemory(c, Number(fits), { draws: 2, memory: 16e9 })).not.toThrow();
  expect(() => checkMemory(c, Number(fits) + 1, { draws: 2, memory: 16e9 })).toThrow(
    'a step would need about',
  );
  expect(hint(32, 1e8)).toContain('Not even a batch of 1');
});

test('the estimate grows with everything that takes room', () => {
  const base = stepBytes(c, PARAMETERS, 32);
  expect(stepBytes(c, 2 * PARAMETERS, 32)).toBeGreaterThan(base);
  expect(stepBytes(c, PARAMETERS, 64)).toBeGreaterThan(1.5 * base);
  expect(stepBytes({ ...c, size: 96 }, PARAMETERS, 32)).toBeGreaterThan(2 * base); // the words stay
});
