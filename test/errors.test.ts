import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '..');
const documented = new Set(
  [...readFileSync(join(root, 'docs/errors.md'), 'utf8').matchAll(/^\| `([a-z0-9-]+)` \|/gm)].map(
    ([, code]) => code,
  ),
);

/** Codes given as a literal: to an error, or to a failure of one sample. */
const CODE = /(?:RecaptionError\(\s*(?:\w+ \? )?|\bcode(?::| =)\s+)'([a-z0-9-]+)'/g;

describe('docs/errors.md', () => {
  it('has a line for every error code of the source', () => {
    const missing = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
      .filter((path) => path.endsWith('.ts') && !path.endsWith('.test.ts'))
      .flatMap((path) =>
        [...readFileSync(join(root, 'src', path), 'utf8').matchAll(CODE)].map(
          ([, code]) => `${code} (src/${path})`,
        ),
      )
      .filter((found) => !documented.has(found.split(' ')[0]));
    expect(missing).toEqual([]);
  });
});
