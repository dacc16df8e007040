/** Fails when a source file imports from a floor above its own (DESIGN: the house). */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';

const FLOORS: Record<string, number> = {
  tensor: 1,
  text: 1,
  image: 1,
  nn: 2,
  data: 2,
  metrics: 2,
  world: 2,
  remote: 2,
  models: 3,
  captioners: 4,
  generators: 4,
  evaluate: 4,
  jobs: 5,
  experiments: 5,
  cli: 6,
  studio: 6,
  serve: 6,
};

/** Floor of a file of `src/`: 0 for what everybody may use (`errors.ts`), 7 for the public index, undefined for a folder nobody declared. */
export function floorOf(path: string): number | undefined {
  const parts = path.split(sep);
  if (parts.length === 1) return parts[0] === 'index.ts' ? 7 : 0;
  return FLOORS[parts[0]];
}

/** Every import of `from` that goes up, as a sentence. Test files may import anything. */
export function violations(path: string, source: string): string[] {
  if (/\.test\.ts$/.test(path)) return [];
  const own = floorOf(path);
  if (own === undefined) return [`src/${path}: its folder is on no floor; declare it in scripts/layers.ts`];
  const found: string[] = [];
  for (const [, target] of source.matchAll(/(?:from|import)\s*\(?\s*['"](\.[^'"]+)['"]/g)) {
    const other = relative('/src', resolve('/src', dirname(path), target));
    const floor = floorOf(other);
    if (floor !== undefined && floor > own) {
      found.push(`src/${path} (floor ${own}) imports src/${other} (floor ${floor})`);
    }
  }
  return found;
}

if (import.meta.main) {
  const root = resolve(import.meta.dirname, '../src');
  const all = readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts'))
    .flatMap((path) => violations(path, readFileSync(join(root, path), 'utf8')));
  for (const line of all) console.error(line);
  if (all.length > 0) {
    console.error(`\n${all.length} import(s) go up. A file may import from its own floor or below.`);
    process.exitCode = 1;
  }
}
