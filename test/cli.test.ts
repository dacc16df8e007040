import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openDataset } from '../src/data/index.ts';
import { type Folder, temporaryFolder } from './helpers/collection.ts';
import { numberedPicture } from './helpers/fake-captioner.ts';
import { jsonLines, PROGRAM, type Ran, runProgram, say } from './helpers/program.ts';
import { sharedData } from './shared.ts';

const ROOT = join(import.meta.dirname, '..');
const STARTER = join(ROOT, 'assets/captioners/starter');
const WORLD = join(ROOT, 'assets/captioners/world');

let temporary: Folder;
let folder: string;
beforeAll(async () => {
  temporary = await temporaryFolder();
  folder = temporary.path;
});
afterAll(() => temporary.remove());

function recaption(...args: string[]): Promise<Ran> {
  return runNode([PROGRAM, ...args]);
}

function runNode(args: string[]): Promise<Ran> {
  return runProgram(process.execPath, args, { cwd: folder });
}

test('every option of captioning reaches the captioner', async () => {
  const scenes = join(folder, 'option-scenes');
  await recaption('world', '--count', '1', '--size', '64', '--out', scenes);
  const options = {
    beam: 2,
    maxTokens: 9,
    minTokens: 1,
    temperature: 0.5,
    topP: 0.9,
    noRepeatNgram: 2,
    seed: 4,
  };
  const flags = Object.entries(options).flatMap(([name, value]) => [
    `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`,
    `${value}`,
  ]);
  const out = join(folder, 'options.jsonl');
  const { code } = await recaption('caption', scenes, '--captioner', 'world', '--out', out, ...flags);
  expect(code).toBe(0);
  expect(JSON.parse(await readFile(`${out}.recipe.json`, 'utf8')).recipe.request).toEqual(options);
});

describe('help', () => {
  test.each([
    [[]],
    [['start']],
    [['caption']],
    [['generate']],
    [['evaluate']],
    [['evaluate', 'scenes']],
    [['train', 'generator']],
    [['train', 'autoencoder']],
    [['train', 'decoder']],
    [['evaluate', 'autoencoder']],
    [['import']],
    [['status']],
    [['captions']],
    [['query']],
    [['revert']],
    [['clean']],
    [['export']],
    [['lint']],
    [['make']],
    [['make', 'finetune-set']],
    [['train']],
    [['train', 'captioner']],
    [['score']],
    [['score', 'captions']],
    [['score', 'style']],
    [['parse']],
    [['world']],
  ])('recaption %j --help ends with an example', async (command) => {
    const { code, stdout, stderr } = await say(...command, '--help');
    expect(code).toBe(0);
    expect(stderr).toBe('');
    expect(stdout.trimEnd().split('\n').at(-1)).toMatch(/^ {2}\$ recaption /);
    expect(stdout).toContain('Example:');
  });

  test('general help loads neither the image library nor the runtime', async () => {
    const main = join(ROOT, 'src/cli/main.ts');
    const { stdout } = await runNode([
      '--input-type=module',
      '--eval',
      `import { Module } from 'node:module';
      const { main } = await import(${JSON.stringify(main)});
      await main(['--help'], { stdout: { write() {} }, stderr: { write() {} }, env: {}, now: () => 0 });
      const loaded = Object.keys(Module._cache).filter((path) => /sharp|onnxruntime|tar-stream/.test(path));
      process.stdout.write(JSON.stringify(loaded));`,
    ]);
    expect(JSON.parse(stdout)).toEqual([]);
  });

  test('--version is that of the package', async () => {
    const { version } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8'));
    expect(await recaption('--version')).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' });
  });
});

describe('bad usage', () => {
  test.each([
    [['captoin', 'photos'], /unknown command 'captoin'/, /Did you mean caption\?/],
    [['world', '--cuont', '3', '--out', 'w'], /unknown option '--cuont'/, /Did you mean --count\?/],
    [['world', '--count', 'three', '--out', 'w'], /'three' is invalid.*whole number/, /--help/],
    [
      ['world', '--count', '3', '--objects', '0-9', '--out', 'w'],
      /from 1 to 4, or two such as 1-4/,
      /--help/,
    ],
    [['world', '--count', '3'], /--out <dir>' not specified/, /--help/],
    [['world', '--count', '3', '--out', 'w', '--format', 'zip'], /Allowed choices are webdataset/, /--help/],
    [
      ['train', 'captioner', '--data', 'x', '--out', 'm', '--steps', '1', '--epochs', '1'],
      /cannot be used with/,
      /--help/,
    ],
    [['caption', 'photos', '--top-p', '1.5'], /'1.5' is invalid/, /--help/],
    [['caption'], /missing required argument 'source'/, /--help/],
  ])('%j exits with 2, a sentence and a hint', async (args, sentence, hint) => {
    const { code, stdout, stderr } = await say(...args);
    expect(code).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).toMatch(sentence);
    expect(stderr).toMatch(hint);
    expect(stderr.trimEnd().split('\n')).toHaveLength(2);
  });

  test('the program itself exits with that status', async () => {
    expect(await recaption('captoin')).toEqual({
      code: 2,
      stdout: '',
      stderr: "error: unknown command 'captoin'\nhint:  Did you mean caption?\n",
    });
  });

  test('without a command, the help goes to stderr and the status is 2', async () => {
    const { code, stdout, stderr } = await say();
    expect(code).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).toContain('Usage: recaption');
  });

  test('with --json the error is one JSON line on stdout', async () => {
    const { code, stdout, stderr } = await say('world', '--json', '--count', '0', '--out', 'w');
    expect(code).toBe(2);
    expect(stderr).toBe('');
    expect(jsonLines(stdout)).toEqual([
      {
        error: {
          code: 'usage',
          message: expect.stringContaining("'0' is invalid"),
          hint: expect.any(String),
        },
      },
    ]);
  });
});

describe('world', () => {
  test.each(['webdataset', 'jsonl', 'sidecars', 'imagefolder'])(
    '--format %s can be read back',
    async (format) => {
      const out = join(folder, `scenes-${format}`);
      const { code, stderr } = await recaption(
        'world',
        '--count',
        '5',
        '--size',
        '32',
        '--out',
        out,
        '--format',
        format,
      );
      expect(stderr).toContain('5/5 scenes');
      expect(code).toBe(0);
      const keys = [];
      for await (const { key, captions } of await openDataset(out)) {
        keys.push(key);
        expect(captions.length).toBeGreaterThan(0);
      }
      expect(keys).toHaveLength(5);
    },
  );

  test('--objects draws scenes of so many objects', async () => {
    const out = join(folder, 'pairs');
    await recaption('world', '--count', '6', '--size', '32', '--objects', '2', '--out', out);
    for await (const { meta } of await openDataset(out))
      expect(meta?.scene).toMatchObject({ objects: { length: 2 } });
  });

  test('--json says what was written, and nothing else', async () => {
    const out = join(folder, 'scenes-json');
    const { stdout } = await recaption(
      '--json',
      'world',
      '--count',
      '2',
      '--size',
      '32',
      '--seed',
      '9',
      '--out',
      out,
    );
    expect(jsonLines(stdout)).toEqual([
      { kind: 'done', scenes: 2, size: 32, seed: 9, format: 'webdataset', out },
    ]);
  });

  test('an output that cannot be written is a sentence with its place, and no stack', async () => {
    await writeFile(join(folder, 'a-file'), '');
    const { code, stderr } = await recaption('world', '--count', '2', '--out', 'a-file/scenes');
    expect(code).toBe(1);
    expect(stderr).toMatch(/error: .*a-file/);
    expect(stderr).not.toMatch(/\n\s+at /);
  });

  test('Ctrl-C ends with 130, the command to go on, and no half-written file', async () => {
    const args = ['world', '--count', '100000', '--out', 'many scenes'];
    const child = spawn(process.execPath, [PROGRAM, ...args], { cwd: folder });
    let stderr = '';
    child.stderr.on('data', (text) => {
      stderr += text;
    });
    child.stderr.once('data', () => child.kill('SIGINT'));
    const code = await new Promise((done) => child.on('close', done));
    expect(stderr).toContain("world --count 100000 --out 'many scenes' --overwrite\n");
    expect(code).toBe(130);
    expect((await readdir(join(folder, 'many scenes'))).filter((name) => !/^\d{5}\.tar$/.test(name))).toEqual(
      [],
    );
  });

  test('a reader of stdout that leaves early is no error', async () => {
    const command = `"${process.execPath}" "${PROGRAM}" world --help | true`;
    const { code, stderr } = await new Promise<Ran>((done) => {
      const child = spawn('bash', ['-c', `set -o pipefail; ${command}`], { cwd: folder });
      let stderr = '';
      child.stderr.on('data', (text) => {
        stderr += text;
      });
      child.on('close', (code) => done({ code, stdout: '', stderr }));
    });
    expect(stderr).toBe('');
    expect(code).toBe(0);
  });
});

test('when nobody listens to stderr any more, the work goes on to its end', async () => {
  const args = ['world', '--count', '40', '--size', '32', '--out', 'unwatched'];
  const child = spawn(process.execPath, [PROGRAM, ...args], {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  child.stderr!.destroy();
  expect(await new Promise((done) => child.on('close', done))).toBe(0);
  expect(await readdir(join(folder, 'unwatched'))).toEqual(['00000.tar']);
});

describe('sources', () => {
  test.each(['caption', 'start'])('%s of a folder that is not there says so', async (command) => {
    const { code, stderr } = await recaption(command, 'no/such/folder');
    expect(code).toBe(1);
    expect(stderr).toMatch(/^error: .*no\/such\/folder/);
  });

  test.each(['caption', 'start'])('%s of an empty folder says so, and writes nothing', async (command) => {
    await mkdir(join(folder, 'empty'), { recursive: true });
    const { code, stderr } = await recaption(command, 'empty');
    expect(code).toBe(1);
    expect(stderr).toMatch(/^error: no pictures.*empty/m);
    expect(existsSync(join(folder, 'captions'))).toBe(false);
  });

  test('a config that is not JSON is named', async () => {
    await writeFile(join(folder, 'config.json'), '{"width": 128,}');
    const { code, stderr } = await recaption(
      'train',
      'captioner',
      '--data',
      'x',
      '--out',
      'm',
      '--config',
      'config.json',
    );
    expect(code).toBe(1);
    expect(stderr).toMatch(/error: this is not JSON.*\(config\.json\)/);
  });
});

describe.skipIf(!existsSync(STARTER))(
  'with the starter captioner (skipped while assets/captioners/starter is missing)',
  () => {
    test('a folder with a broken picture among real ones is captioned, the broken one listed, status 3', async () => {
      const photos = join(folder, 'photos');
      await mkdir(photos, { recursive: true });
      await writeFile(join(photos, 'grey.png'), await numberedPicture(1));
      await writeFile(join(photos, 'black.png'), await numberedPicture(2));
      await writeFile(join(photos, 'broken.jpg'), Buffer.from('ffd8ffe000104a46', 'hex'));
      const before = await readdir(photos);

      const { code, stdout, stderr } = await recaption('start', 'photos');
      expect(stderr).toContain('broken.jpg');
      expect(code).toBe(3);
      expect(stdout).toContain(join('captions', 'photos', 'index.html'));
      const results = join(folder, 'captions', 'photos');
      const rows = jsonLines(await readFile(join(results, 'captions.jsonl'), 'utf8'));
      expect(rows.map(({ key }) => key)).toEqual(['black', 'grey']);
      expect(jsonLines(await readFile(join(results, 'failures.jsonl'), 'utf8'))).toMatchObject([
        { key: 'broken' },
      ]);
      expect((await readFile(join(results, 'index.html'), 'utf8')).match(/<article/g)).toHaveLength(2);
      expect(await readdir(photos)).toEqual(before);
    });

    test('caption writes rows with all their fields, and says so when there is nothing left to do', async () => {
      const scenes = join(folder, 'for-caption');
      await recaption('world', '--count', '3', '--size', '64', '--out', scenes, '--format', 'imagefolder');
      const first = await recaption('caption', scenes, '--out', 'three.jsonl', '--json');
      expect(first.code).toBe(0);
      expect(jsonLines(first.stdout).filter(({ kind }) => kind === 'item')).toHaveLength(3);
      const [row] = jsonLines(await readFile(join(folder, 'three.jsonl'), 'utf8'));
      expect(Object.keys(row)).toEqual(['key', 'image', 'caption', 'kind', 'captioner', 'score']);
      const second = await recaption('caption', scenes, '--out', 'three.jsonl');
      expect(second.stdout).toContain('Already complete: 3 captions in three.jsonl');
      const other = await recaption('caption', scenes, '--out', 'three.jsonl', '--beam', '2');
      expect(other.code).toBe(1);
      expect(other.stderr).toContain('request.beam');
    });

    test('a model with a missing file ends the whole command with status 1', async () => {
      const model = join(folder, 'model');
      await cp(STARTER, model, { recursive: true });
      await rm(join(model, 'model.safetensors'));
      await mkdir(join(folder, 'one'), { recursive: true });
      await writeFile(join(folder, 'one', 'a.png'), await numberedPicture(1));
      const { code, stderr } = await recaption('caption', 'one', '--captioner', model);
      expect(code).toBe(1);
      expect(stderr).toContain('model.safetensors');
    });

    const photos = sharedData('coco', 'photos');
    test.skipIf(photos === undefined)('real photos of many sizes get captions', async () => {
      const { code } = await recaption('caption', photos!, '--limit', '8', '--out', 'real.jsonl');
      expect(code).toBe(0);
      const rows = jsonLines(await readFile(join(folder, 'real.jsonl'), 'utf8'));
      expect(rows).toHaveLength(8);
      for (const { caption, score } of rows) {
        expect(caption.split(' ').length).toBeGreaterThan(2);
        expect(score).toBeLessThanOrEqual(0);
      }
    });
  },
);

describe.skipIf(!existsSync(WORLD))(
  'with the world captioner (skipped while assets/captioners/world is missing)',
  () => {
    test('start without a folder tells the whole story, and shows it again without doing it again', async () => {
      const story = () => recaption('start', '--out', 'story', '--scenes', '40', '--steps', '2', '--json');
      const { code, stdout } = await story();
      expect(code).toBe(0);
      const events = jsonLines(stdout);
      expect(events.find(({ kind }) => kind === 'comparison')).toMatchObject({
        arms: ['alt', 'described'],
        runs: 2,
      });
      expect(events.at(-1)).toMatchObject({ kind: 'report', complete: true });
      expect(await readFile(join(folder, 'story', 'report.html'), 'utf8')).toContain(
        'The same prompt, the same noise',
      );
      const again = await story();
      expect(again.code).toBe(0);
      expect(jsonLines(again.stdout).some(({ kind }) => kind === 'run')).toBe(false);
    }, 180_000);
  },
);
