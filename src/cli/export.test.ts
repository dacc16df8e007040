import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Folder, picture, temporaryFolder } from '../../test/helpers/collection.ts';
import { jsonLines, say } from '../../test/helpers/program.ts';

let folder: Folder;
let out: string;
beforeEach(async () => {
  folder = await temporaryFolder();
  out = join(folder.path, 'out');
});
afterEach(() => folder.remove());

/** Pictures with a caption of each kind, as JSON lines. */
async function collection(count: number): Promise<string> {
  const png = await picture(3);
  const rows = Array.from({ length: count }, (_, i) => ({
    key: `p${i}`,
    image: `p${i}.png`,
    captions: [
      { text: `img ${i}.jpg`, kind: 'alt', source: 'web' },
      { text: `A large cat, number ${i}.\nIt sits on a mat.`, kind: 'descriptive', source: 'me' },
    ],
  }));
  const pictures = Object.fromEntries(rows.map(({ image }) => [`in/${image}`, png]));
  return folder.write({ ...pictures, 'in/all.jsonl': rows.map((row) => JSON.stringify(row)).join('\n') });
}

describe('recaption export', () => {
  test('writes the best caption without a blend, says so, tells what changed, and lints', async () => {
    const source = await collection(3);
    const { code, stdout, stderr } = await say('export', source, '--for', 'kohya', '--out', out);
    expect(stderr).toContain('the best caption of each picture, descriptive before short');
    expect(stdout).toContain('3 samples written');
    expect(stdout).toContain('descriptive: 3 captions, 100.0 %');
    expect(stdout).toContain('3 captions written differently');
    expect(stdout).toMatch(/originals: 3 captions of 3 images[\s\S]*export: 3 captions of 3 images/);
    expect(stdout).toContain('originals and export: how far apart');
    expect(stdout).toContain('Lint: nothing found');
    expect(code).toBe(0);
    expect(readFileSync(join(out, 'p1.txt'), 'utf8')).toBe('A large cat, number 1. It sits on a mat.\n');
    expect(existsSync(join(out, 'failures.jsonl'))).toBe(false);
  });

  test('draws by the blend, the same for the same seed, and tells the shares with what chance allows', async () => {
    const source = await collection(40);
    const draw = async (seed: string, name: string) => {
      const to = join(folder.path, name);
      const options = ['--for', 'sidecar', '--blend', 'descriptive:0.5,alt:0.5', '--seed', seed, '--out', to];
      const { stdout } = await say('export', source, ...options, '--json');
      const lines = jsonLines(stdout);
      const files = readdirSync(to).filter((file) => file.endsWith('.txt'));
      return { lines, texts: files.map((file) => readFileSync(join(to, file), 'utf8')).join('') };
    };
    const [one, again, other] = [await draw('1', 'a'), await draw('1', 'b'), await draw('2', 'c')];
    expect(again.texts).toBe(one.texts);
    expect(other.texts).not.toBe(one.texts);
    expect(one.lines.map(({ kind }) => kind)).toEqual(['exported', 'style', 'linted']);
    const [{ drawn, samples }] = one.lines;
    expect(samples).toBe(40);
    const [descriptive] = drawn;
    expect(descriptive).toMatchObject({ kind: 'descriptive', wanted: 0.5, missing: 0 });
    expect(descriptive.share).toBeGreaterThanOrEqual(descriptive.low);
    expect(descriptive.share).toBeLessThanOrEqual(descriptive.high);
  });

  test('leaves out what has no caption or no picture, lists it, and exits with 3', async () => {
    const source = await collection(7);
    await folder.write({
      'in/all.jsonl': `${readFileSync(source, 'utf8')}\n{"image": "p0.png", "key": "bare"}\n{"image": "gone.png"}`,
    });
    const { code, stderr, stdout } = await say('export', source, '--for', 'diffusers', '--out', out);
    expect(code).toBe(3);
    expect(stdout).toContain('7 samples written');
    expect(stderr).toContain('there is no caption of the kinds');
    const listed = jsonLines(readFileSync(join(out, 'failures.jsonl'), 'utf8'));
    expect(listed.map((failure) => failure.code).sort()).toEqual(['image-missing', 'no-caption']);
  });

  test('links, shrinks, writes lists, and writes again only when told to', async () => {
    const source = await collection(2);
    const options = ['--for', 'onetrainer', '--out', out, '--link', '--captions-per-image', '2'];
    const { code, stdout } = await say('export', source, ...options);
    expect({ code, nothing: stdout.includes('Lint: nothing found') }).toEqual({ code: 0, nothing: true });
    expect(readFileSync(join(out, 'p0.txt'), 'utf8').trim().split('\n')).toHaveLength(2);
    const smaller = ['--for', 'onetrainer', '--out', out, '--resize', '2'];
    expect((await say('export', source, ...smaller)).code).toBe(1);
    expect((await say('export', source, ...smaller, '--overwrite')).code).toBe(0);
  });

  test('into a folder that was used before: removes what the earlier one left, tells what is not of this one', async () => {
    const source = await collection(5);
    const options = ['--for', 'sidecar', '--out', out];
    await say('export', source, ...options);
    await folder.write({ 'in/all.jsonl': readFileSync(source, 'utf8').split('\n').slice(0, 2).join('\n') });
    const kept = await say('export', source, ...options);
    expect(kept.stderr).toContain('warning: 3 pictures or shards are in the folder and not of this export');
    const cleaned = await say('export', source, ...options, '--overwrite');
    expect(cleaned.stdout).toContain('6 files of an earlier export removed');
    expect(cleaned.stderr).not.toContain('not of this export');
    expect(readdirSync(out).filter((name) => name.endsWith('.png'))).toEqual(['p0.png', 'p1.png']);
  });

  test('never into the folder that is read, and then writes nothing', async () => {
    const png = await picture(1);
    await folder.write({ 'in/sub/a.png': png, 'in/sub/a.txt': 'a cat' });
    const to = join(folder.path, 'in/out');
    const { code, stderr } = await say('export', join(folder.path, 'in'), '--for', 'kohya', '--out', to);
    expect({ code, told: stderr.includes('among the pictures that are read') }).toEqual({
      code: 1,
      told: true,
    });
    expect(existsSync(to)).toBe(false);
  });

  test.each([
    [['--out', 'x'], "required option '--for <trainer>'"],
    [['--for', 'kohya'], "required option '--out <dir>'"],
    [['--for', 'nobody', '--out', 'x'], 'nobody'],
    [['--for', 'pixart', '--out', 'x', '--captions-per-image', '2'], 'one caption for each picture'],
    [['--for', 'kohya', '--out', 'x', '--blend', 'alt:2'], 'above 0 and at most 1'],
    [['--for', 'kohya', '--out', 'x', '--copy', '--link'], '--link'],
  ])('%j is bad usage', async (args, words) => {
    const { code, stderr } = await say('export', folder.path, ...args);
    expect(code).toBe(2);
    expect(stderr).toContain(words);
  });

  test('the help names every trainer and ends with an example', async () => {
    const { stdout } = await say('export', '--help');
    expect(stdout).toContain('Example:');
    expect(stdout.trimEnd().split('\n').at(-1)).toMatch(/^ {2}\$ recaption export /);
    expect(stdout).toContain('simpletuner');
  });
});

describe('recaption lint', () => {
  test('groups findings by trap, with the first places and the count, and exits with 3', async () => {
    const png = await picture(1);
    const names = ['a', 'b', 'c', 'd', 'e'];
    const files = names.map((name) => [`in/${name}.png`, png] as const);
    const texts = names.map((name) => [`in/${name}.txt`, 'a cat\non a mat'] as const);
    await folder.write(Object.fromEntries([...files, ...texts]));
    const dir = join(folder.path, 'in');
    const { code, stdout } = await say('lint', dir, '--for', 'kohya');
    expect(code).toBe(3);
    expect(stdout).toContain('error new-line × 5');
    expect(stdout).toContain('… and 2 more');
    expect(stdout).toContain('Lint: 5 errors, 1 warning');
    const warned = await say('lint', dir, '--for', 'onetrainer', '--json');
    expect(warned.code).toBe(0);
    expect(jsonLines(warned.stdout).at(-1)).toEqual({ kind: 'linted', errors: 0, warnings: 5 });
  });

  test('counts tokens exactly with a tokenizer', async () => {
    const model = { type: 'BPE', vocab: { a: 0, b: 1 }, merges: [] };
    const tokenizer = await folder.write({
      'in/a.png': await picture(1),
      'in/a.txt': 'abab',
      'tokenizer.json': JSON.stringify({ model }),
    });
    const options = ['--for', 'kohya', '--tokenizer', tokenizer, '--max-tokens'];
    const { code, stdout } = await say('lint', join(folder.path, 'in'), ...options, '3');
    expect({ code, told: /has 4 tokens/.test(stdout) }).toEqual({ code: 3, told: true });
    expect((await say('lint', join(folder.path, 'in'), ...options, '4')).code).toBe(0);
  });

  test("counts as CLIP does, with the files of Stable Diffusion's tokenizer folder", async () => {
    const vocab = { a: 0, b: 1, 'b</w>': 2, 'ab</w>': 3, '<|startoftext|>': 4, '<|endoftext|>': 5 };
    await folder.write({
      'in/a.png': await picture(1),
      'in/a.txt': 'AB ab',
      'clip/vocab.json': JSON.stringify(vocab),
      'clip/merges.txt': '#version: 0.2\na b</w>\n',
    });
    const options = ['--for', 'kohya', '--tokenizer', join(folder.path, 'clip'), '--max-tokens', '3'];
    expect((await say('lint', join(folder.path, 'in'), ...options)).stdout).toContain('has 4 tokens');
  });

  test('a folder that is not there fails, and without a trainer nothing is looked for', async () => {
    expect((await say('lint', join(folder.path, 'none'), '--for', 'kohya')).code).toBe(1);
    expect((await say('lint', folder.path)).code).toBe(2);
  });
});
