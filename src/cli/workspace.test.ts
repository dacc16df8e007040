import { existsSync, readFileSync } from 'node:fs';
import { cp, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Folder, temporaryFolder } from '../../test/helpers/collection.ts';
import { jsonLines, say } from '../../test/helpers/program.ts';
import { openDataset, writeDataset } from '../data/index.ts';
import { byPeople } from '../data/trainers/draw.ts';
import { worldDataset } from '../world/index.ts';
import { workspaceFolder } from './workspace.ts';

let folder: Folder;
let work: string;
const photos = () => join(folder.path, 'photos');
const inWork = (...args: string[]) => say(...args, '--workspace', work);

beforeAll(async () => {
  folder = await temporaryFolder();
  work = join(folder.path, 'work');
  await writeDataset(worldDataset({ count: 6, size: 64, seed: 3 }), { to: photos(), format: 'imagefolder' });
  await folder.write({ 'photos/broken.png': 'no picture' });
});
afterAll(() => folder.remove());

describe('from pictures to a training set', () => {
  test('import tells what came and what is broken, with status 3; again, nothing is new', async () => {
    const first = await say('import', photos(), '--into', work);
    expect(first.code).toBe(3);
    expect(first.stdout).toContain('7 pictures seen, 6 new');
    expect(first.stderr).toContain('broken.png');
    const again = jsonLines((await say('import', photos(), '--into', work, '--json')).stdout);
    expect(again.at(-1)).toMatchObject({ kind: 'done', seen: 7, added: 0, captions: 0, failed: 1 });
  });

  test('status lists pictures, kinds, jobs and failures', async () => {
    const { stdout, code } = await inWork('status', '--failures');
    expect(code).toBe(0);
    expect(stdout).toContain('6 pictures');
    expect(stdout).toMatch(/descriptive +6 pictures \(100\.0 %\)/);
    expect(stdout).toMatch(/broken\.png: this is not a picture .*\(image-unreadable\)/);
    expect(jsonLines((await inWork('status', '--json')).stdout)).toMatchObject([
      { images: 6, jobs: [{ task: 'import' }, { task: 'import' }] },
    ]);
  });

  test('captioners of several kinds caption it, and the same command finds nothing to do', async () => {
    const command = [
      'caption',
      work,
      '--captioner',
      'starter',
      '--captioner',
      'world',
      '--kind',
      'human,descriptive',
    ];
    const first = await say(...command);
    expect(first.code).toBe(0);
    expect(first.stdout.match(/6 pictures captioned/g)).toHaveLength(2);
    expect(first.stderr).toContain('human captions by starter');
    const again = await say(...command, '--resume');
    expect(again.stdout.match(/Already complete: 6 captions/g)).toHaveLength(2);
  });

  test('kinds without a captioner are written by the fine-tunes that come along', async () => {
    const { code, stderr } = await say('caption', work, '--kind', 'short,descriptive', '--limit', '2');
    expect(code).toBe(0);
    expect(stderr).toContain('short captions by starter-short@');
    expect(stderr).toContain('descriptive captions by starter-descriptive@');
    const world = await say(
      'caption',
      work,
      '--kind',
      'short',
      '--captioner',
      'world',
      '--limit',
      '2',
      '--json',
    );
    expect(jsonLines(world.stdout)[0].captioner).toMatch(/^world-short@/);
  });

  test('a picture tells its history, and a job can be taken back', async () => {
    const { stdout } = await inWork('captions', join(photos(), 'scene-000000.png'));
    expect(stdout).toMatch(/\* human +"/);
    expect(stdout).toMatch(/by starter@/);
    const jobs = jsonLines((await inWork('status', '--json')).stdout)[0].jobs;
    const job = jobs.find(({ kind }: { kind: string }) => kind === 'human');
    const reverted = await inWork('revert', '--job', `${job.id}`);
    expect(reverted.stdout).toContain('6 captions of 6 pictures taken back');
    expect((await inWork('query', 'has:human', '--json')).stdout).toContain('"images":0');
    expect((await inWork('captions', 'scene-000000')).stdout).toMatch(/- human +"/);
  });

  test('clean shows what it would do, then does it', async () => {
    const dry = await say('clean', work, '--kind', 'alt', '--dry-run');
    expect(dry.stdout).toContain('would be changed');
    const before = (await inWork('status')).stdout;
    expect((await inWork('status')).stdout).toBe(before);
    const done = await say('clean', work, '--kind', 'alt', '--json');
    const { changed } = jsonLines(done.stdout).at(-1);
    expect(jsonLines((await say('clean', work, '--kind', 'alt', '--json')).stdout).at(-1).changed).toBe(0);
    expect(dry.stdout).toContain(`${changed} caption`);
  });

  test('an export of the workspace is what was drawn, and lints clean', async () => {
    const out = join(folder.path, 'training');
    const { code, stdout } = await say(
      'export',
      work,
      '--for',
      'kohya',
      '--blend',
      'descriptive',
      '--out',
      out,
    );
    expect(stdout).toContain('Lint: nothing found');
    expect(code).toBe(0);
    expect((await readdir(out)).filter((name) => name.endsWith('.txt'))).toHaveLength(6);
    expect(readFileSync(join(out, 'scene-000000.txt'), 'utf8').length).toBeGreaterThan(20);
  });
});

describe('an export into a folder that is in use', () => {
  const out = () => join(folder.path, 'used');
  const kohya = (...more: string[]) => say('export', work, '--for', 'kohya', '--out', out(), ...more);

  test("never removes what is somebody's own, also where it was as it should be", async () => {
    const [first] = (await readdir(photos()))
      .filter((name) => name.endsWith('.png') && name !== 'broken.png')
      .sort();
    await cp(join(photos(), first), join(out(), first));
    expect((await kohya()).code).toBe(0);
    // Lint finds a picture without a caption then: it is theirs, and the trainer would meet it.
    expect((await kohya('--overwrite', '--where', `NOT key:${first.replace('.png', '')}`)).code).toBe(3);
    expect(await readdir(out())).toContain(first);
    expect(await readdir(out())).not.toContain(first.replace('.png', '.txt'));
  });

  test('makes files of links where copies are asked for', async () => {
    await kohya('--overwrite', '--link');
    await kohya('--overwrite', '--copy');
    const links = (await readdir(out(), { withFileTypes: true })).filter((entry) => entry.isSymbolicLink());
    expect(links).toEqual([]);
  });

  test('removes the earlier one also where nothing is drawn, and says so by its status', async () => {
    const { code, stdout } = await kohya('--overwrite', '--where', 'text:nothing-says-this');
    expect(code).toBe(3);
    expect(stdout).toMatch(/^0 samples written.*\n\d+ files of an earlier export removed/m);
    expect((await readdir(out())).filter((name) => name.endsWith('.txt'))).toEqual([]);
  });

  test('that is not there yet is made, also for the list of what was left out', async () => {
    const elsewhere = join(folder.path, 'not/yet/there');
    const { code, stdout } = await say(
      'export',
      work,
      '--for',
      'kohya',
      '--blend',
      'human',
      '--out',
      elsewhere,
    );
    expect(stdout).toContain('0 samples written');
    expect(code).toBe(3);
    expect(existsSync(join(elsewhere, 'failures.jsonl'))).toBe(true);
  });
});

test('what a captioner wrote is not exported as written by people, whatever its kind', async () => {
  const other = join(folder.path, 'by-whom');
  await say('import', photos(), '--into', other);
  await say('caption', other, '--captioner', 'starter', '--limit', '1');
  const samples = [];
  for await (const sample of await openDataset(other, { where: 'has:human' })) samples.push(sample);
  expect(samples[0].captions.map(({ kind, synthetic }) => [kind, synthetic])).toContainEqual(['human', true]);
  expect(samples[0].captions.filter(byPeople).map(({ kind }) => kind)).toEqual(['alt']);
});

describe('query', () => {
  test('shows pictures and captions, the first few', async () => {
    const { stdout, stderr } = await inWork('query', 'has:descriptive', '--limit', '2');
    expect(stdout).toMatch(/^6 pictures\nscene-000000\n/);
    expect(stderr).toContain('4 more');
    expect(jsonLines((await inWork('query', 'has:descriptive', '--all', '--json')).stdout)).toHaveLength(7);
  });

  test('points at the column where it cannot be read', async () => {
    const { code, stderr } = await inWork('query', 'kind:alt lenght<5');
    expect(code).toBe(1);
    expect(stderr).toContain('  kind:alt lenght<5\n           ^\n');
    expect(stderr).toContain('there is no field "lenght" (query, column 10)');
  });
});

describe('what is typed wrongly', () => {
  test.each([
    [['caption', 'WORK', '--out', 'x.jsonl'], 'captions of a workspace stay in it'],
    [['caption', 'PHOTOS', '--where', 'dog'], '--where and --overwrite are for workspaces'],
    [['caption', 'PHOTOS', '--overwrite', 'failed'], '--where and --overwrite are for workspaces'],
    [['caption', 'WORK', '--kind', 'alt'], 'none of the captioners writes alt captions'],
    [['caption', 'WORK', '--captioner', 'starter', '--captioner', 'starter'], 'both write human captions'],
    [['caption', 'WORK', '--kind', 'long'], 'It must be kinds of captions'],
    [['clean', 'WORK', '--rules', 'grammar'], 'There is no rule "grammar"'],
    [['revert'], "required option '--job <n>'"],
  ])('%j is a sentence and status 2', async (args, sentence) => {
    const { code, stderr } = await say(
      ...args.map((word) => (word === 'WORK' ? work : word === 'PHOTOS' ? photos() : word)),
    );
    expect(stderr).toContain(sentence);
    expect(code).toBe(2);
  });

  test.each([
    [['caption', 'WORK', '--where', 'length<'], 'bad-query'],
    [['status', '--workspace', 'NOWHERE'], 'no-workspace'],
    [['clean', 'NOWHERE'], 'no-workspace'],
    [['revert', '--job', '99', '--workspace', 'WORK'], 'no-job'],
    [['captions', 'nobody', '--workspace', 'WORK'], 'no-image'],
  ])('%j has the code %s', async (args, code) => {
    const words = args.map((word) =>
      word === 'WORK' ? work : word === 'NOWHERE' ? join(folder.path, 'nowhere') : word,
    );
    const ran = await say(...words, '--json');
    expect(jsonLines(ran.stdout).at(-1).error.code).toBe(code);
    expect(ran.code).toBe(1);
  });
});

test('several kinds of captions of a plain source are files side by side', async () => {
  const out = join(folder.path, 'several');
  const { code } = await say(
    'caption',
    photos(),
    '--captioner',
    'starter',
    '--captioner',
    'world',
    '--out',
    out,
    '--limit',
    '2',
  );
  expect(code).toBe(0);
  for (const kind of ['human', 'descriptive']) expect(existsSync(join(out, `${kind}.jsonl`))).toBe(true);
});

test('the workspace is the working directory if it is one, or a folder of that name in it', async () => {
  expect(await workspaceFolder(undefined, work)).toBe(work);
  expect(await workspaceFolder(undefined, folder.path)).toBe(join(folder.path, 'workspace'));
  expect(await workspaceFolder('there', folder.path)).toBe(join(folder.path, 'there'));
});

test('a workspace can be copied while nothing runs, and goes on', async () => {
  const copy = join(folder.path, 'copy');
  await cp(work, copy, { recursive: true });
  expect((await say('query', 'has:descriptive', '--workspace', copy, '--json')).stdout).toContain(
    '"images":6',
  );
});
