import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '..');
const documented = [
  ...readFileSync(join(root, 'docs/errors.md'), 'utf8').matchAll(/^\| `([a-z0-9-]+)`\s*\|/gm),
].map(([, code]) => code);

const sources = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.ts') && !path.endsWith('.test.ts'))
  .map((path) => ({ path, text: readFileSync(join(root, 'src', path), 'utf8') }));

/** Codes given as a literal: to an error, to a failure of one sample, or to a warning. */
const CODE = /(?:RecaptionError\(\s*(?:\w+ \? )?|\bcode(?::| =)\s+)'([a-z0-9-]+)'/g;

describe('docs/errors.md', () => {
  it('has a line for every error code of the source', () => {
    const missing = sources.flatMap(({ path, text }) =>
      [...text.matchAll(CODE)]
        .filter(([, code]) => !documented.includes(code))
        .map(([, code]) => `${code} (src/${path})`),
    );
    expect(missing).toEqual([]);
  });

  it('has no line for a code that is nowhere in the source, and none twice', () => {
    expect(documented.filter((code) => !sources.some(({ text }) => text.includes(`'${code}'`)))).toEqual([]);
    expect(documented.filter((code, i) => documented.indexOf(code) !== i)).toEqual([]);
  });
});
