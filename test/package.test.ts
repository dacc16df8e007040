import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { runProgram } from './helpers/program.ts';

const ROOT = join(import.meta.dirname, '..');
const { exports } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
  exports: Record<string, string | Record<string, string>>;
};
const entries = Object.entries(exports).filter(([, target]) => typeof target !== 'string') as [
  string,
  Record<string, string>,
][];

test.each(entries)('the entry %s is the same file in the sources and in what is published', (_, target) => {
  const source = target['@recaption/source'];
  expect(existsSync(join(ROOT, source))).toBe(true);
  const built = source.replace('./src/', './dist/').replace(/\.ts$/, '');
  expect(target).toEqual({
    '@recaption/source': source,
    types: `${built}.d.ts`,
    default: `${built}.js`,
  });
});

test('a program in the checkout uses the library by its name, with no build', async () => {
  const program = `
    import { openDataset, RecaptionError, scoreCaptions, worldDataset } from 'recaption';
    import { constant } from 'recaption/tensor';
    import { linear } from 'recaption/nn';
    import { cider } from 'recaption/metrics';
    import { renderScene } from 'recaption/world';
    for await (const { key } of worldDataset({ count: 1, size: 32, seed: 1 })) console.log(key);
    await openDataset('not here').catch((error) => console.log(error instanceof RecaptionError, error.code));
    console.log([scoreCaptions, constant, linear, cider, renderScene].every((f) => typeof f === 'function'));`;
  const args = ['--conditions=@recaption/source', '--input-type=module', '--eval', program];
  const { code, stdout, stderr } = await runProgram(process.execPath, args, { cwd: ROOT });
  expect(stderr).toBe('');
  expect(stdout).toBe('scene-000000\ntrue file-not-found\ntrue\n');
  expect(code).toBe(0);
});
