/** `evaluate generator` as it is typed: pictures that somebody drew, or that are drawn now, beside a suite's prompts. */
import { cp, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { decodeImage } from '../src/image/index.ts';
import { type Folder, picture, temporaryFolder } from './helpers/collection.ts';
import { said, scriptedServer } from './helpers/fault-proxy.ts';
import { jsonLines, say } from './helpers/program.ts';
import { sharedData } from './shared.ts';

let folder: Folder;
const open: { close(): Promise<unknown> }[] = [];
beforeEach(async () => {
  folder = await temporaryFolder();
});
afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
  await folder.remove();
});
const at = (name: string) => join(folder.path, name);
const evaluate = (...args: string[]) => say('evaluate', 'generator', ...args);
const reportOf = async (...args: string[]) => {
  const { stdout, stderr, code } = await evaluate('--json', ...args);
  const events = jsonLines(stdout);
  return { code, stderr, events, report: events.find(({ kind }) => kind === 'report')?.report };
};

/** Prompts ask for shades, and pictures have them. */
const SHADES = [20, 60, 100, 140, 180, 220];
async function shades(name: (i: number, k: number) => string, each = 1): Promise<void> {
  await folder.write({ 'prompts.txt': SHADES.map((shade) => `shade ${shade}`).join('\n') });
  for (const [i, shade] of SHADES.entries()) for (let k = 0; k < each; k++) await folder.write({ [`pictures/${name(i, k)}`]: await picture(shade + k) }); // biome-ignore format: one line
}
/** A judge that looks. */
async function judge(): Promise<{ ref: string; requests(): number }> {
  let requests = 0;
  const server = await scriptedServer(async (_, body) => {
    requests++;
    const [{ text }, { image_url }] = (body as { messages: { content: [{ text: string }, { image_url: { url: string } }] }[] }).messages.at(-1)!.content; // biome-ignore format: one line
    const { data } = await decodeImage(Buffer.from(image_url.url.split(',')[1], 'base64'));
    const wanted = Number(/\d+/.exec(text)![0]);
    const right = Math.abs(data[0] - wanted) < 10;
    if (text.startsWith('Caption')) return said(`It is ${data[0]}.\n${right ? 'correct' : 'incorrect'}`);
    const sure = right ? 0.9 : 0.2;
    const tops = [{ token: 'yes', logprob: Math.log(sure) }, { token: 'no', logprob: Math.log(1 - sure) }]; // biome-ignore format: one line
    return said(right ? 'yes' : 'no', {}, { logprobs: { content: [{ ...tops[0], top_logprobs: tops }] } });
  });
  open.push(server);
  return { ref: `openai:m@${server.url}`, requests: () => requests };
}

describe('pictures that somebody else has drawn', () => {
  it('are judged beside their prompts, and told from those of other prompts', async () => {
    await shades((i, k) => `${i}_${k}.png`, 4);
    const { ref, requests } = await judge();
    const args = ['--suite', at('prompts.txt'), '--images', at('pictures'), '--judge', ref, '--ask', 'verdict,yes', '--out', at('out')]; // biome-ignore format: one line
    const { report, code } = await reportOf(...args);
    expect(code).toBe(0);
    expect(report).toMatchObject({ about: { suite: 'lines' }, prompts: 6, pictures: 24, partial: false });
    expect(report.measures.verdict).toMatchObject({ score: 1, n: 24, prompts: 6 });
    expect(report.measures.yes.score).toBeCloseTo(0.9);
    expect(JSON.parse(await readFile(at('out/report.json'), 'utf8'))).toEqual(report);
    expect(jsonLines(await readFile(at('out/pictures.jsonl'), 'utf8'))).toHaveLength(24);
    expect(await readFile(at('out/report.html'), 'utf8')).toMatch(
      /judged correct: <b>100.0 %<\/b>.*<img src="data:image\/png/s,
    );
    const asked = requests();
    const others = await reportOf(...args, '--shuffle');
    expect(others.report.measures.verdict.interval[1]).toBeLessThan(report.measures.verdict.interval[0]);
    expect(others.report.measures.yes.score).toBeCloseTo(0.2);
    expect(others.report.about.shuffled).toBe(true);
    // What has been answered is not asked again.
    expect(requests()).toBe(2 * asked);
    await reportOf(...args);
    expect(requests()).toBe(2 * asked);
  });

  it('that are missing, too many or broken are told, and the others measured', async () => {
    await shades((i) => `${i}.png`);
    await folder.write({
      'prompts.txt': [...SHADES.map((shade) => `shade ${shade}`), 'shade 250'].join('\n'),
      'pictures/logo.png': await picture(0),
      'pictures/2.png': 'no picture',
    });
    const { ref } = await judge();
    const { code, stdout, stderr } = await evaluate('--suite', at('prompts.txt'), '--images', at('pictures'), '--judge', ref, '--out', at('out')); // biome-ignore format: one line
    expect(code).toBe(3);
    expect(stderr).toMatch(/1 prompt of 7 without a picture.*6: shade 250/);
    expect(stderr).toMatch(/1 picture of no prompt of this suite, left out \(logo.png\)/);
    expect(stderr).toMatch(/2\.png/);
    expect(stdout).toMatch(/judged correct +100.0 %.*of 5/);
  });

  it('are found where GenEval wants them, and a detector decides', async () => {
    const detector = sharedData('models/yolox-nano/yolox_nano.onnx');
    const photos = sharedData('coco/photos');
    if (!detector || !photos) return expect(detector ?? 'no shared data').toBe('no shared data');
    const asked = [
      ['single_object', [{ class: 'bear', count: 1 }], '000000000285'],
      ['single_object', [{ class: 'zebra', count: 1 }], '000000000285'],
      ['two_object', [{ class: 'person', count: 1 }, { class: 'tennis racket', count: 1 }], '000000000885'],
    ] as const; // biome-ignore format: one line
    await folder.write({
      'geneval.jsonl': asked.map(([tag, include]) => JSON.stringify({ tag, include, prompt: `a photo of a ${include.map((one) => one.class).join(' and a ')}` })).join('\n'),
    }); // biome-ignore format: one line
    for (const [i, [, , photo]] of asked.entries()) {
      await folder.write({ [`pictures/0000${i}/samples/x.txt`]: '' });
      await cp(join(photos, `${photo}.jpg`), at(`pictures/0000${i}/samples/0000.jpg`));
    }
    const { report } = await reportOf('--suite', 'geneval', '--prompts', at('geneval.jsonl'), '--images', at('pictures'), '--regions', detector); // biome-ignore format: one line
    expect(report.measures.geneval).toMatchObject({
      score: expect.closeTo(2 / 3),
      categories: { single_object: { score: 0.5 }, two_object: { score: 1 } },
      meanOfCategories: { score: 0.75 },
    });
  });
});

describe('pictures with captions of their own', () => {
  it('are a suite: a CLIP tells them from pictures of other captions; the whole is as far from itself as nothing', async () => {
    await say('world', '--count', '60', '--size', '48', '--seed', '5', '--out', at('world'));
    const args = ['--images', at('world'), '--kind', 'descriptive', '--clip', 'world'];
    const { report } = await reportOf(...args, '--against', at('world'));
    const others = (await reportOf(...args, '--shuffle')).report;
    expect(report).toMatchObject({ about: { suite: 'captions' }, prompts: 60, pictures: 60 });
    expect(others.measures.clip.interval[1]).toBeLessThan(report.measures.clip.interval[0]);
    expect(report.distributions.pixels).toMatchObject({ n: 60, others: 60 });
    for (const { distance } of Object.values<{ distance: number }>(report.distributions)) expect(distance).toBeCloseTo(0, 3); // biome-ignore format: one line
    expect(report.warnings.join()).toMatch(/below 10000/);
    await folder.write({ 'broken/a.png': 'no picture' });
    const nobody = await evaluate(...args, '--against', at('broken'));
    expect(nobody.stderr).toMatch(/needs two pictures on either side/);
  });
});

describe('pictures that are drawn now', () => {
  it('lie where the suite looks for them, and are drawn once', async () => {
    await folder.write({
      'geneval.jsonl': ['circle', 'square'].map((name) => JSON.stringify({ tag: 'single_object', include: [{ class: name, count: 1 }], prompt: `a red ${name}` })).join('\n'),
    }); // biome-ignore format: one line
    const args = ['--suite', 'geneval', '--prompts', at('geneval.jsonl'), '--generator', 'world', '--steps', '2', '--count', '2', '--clip', 'world', '--out', at('out')]; // biome-ignore format: one line
    const { report } = await reportOf(...args);
    expect(report).toMatchObject({ prompts: 2, pictures: 4, about: { generator: 'world' } });
    expect((await readdir(at('out/pictures/00001/samples'))).sort()).toEqual(['0000.png', '0001.png']);
    const again = await reportOf(...args);
    expect(again.report.measures).toEqual(report.measures);
    expect(again.events.find(({ kind }) => kind === 'done')).toMatchObject({ added: 0 });
  });
});

describe('what cannot be', () => {
  it.each([
    [['--clip', 'world'], /--images or --generator/],
    [['--images', 'x'], /measure by what/],
    [['--generator', 'world', '--clip', 'world'], /Name a suite/],
    [['--images', 'x', '--suite', 'drawbench', '--clip', 'world'], /Name --prompts/],
    [['--images', 'x', '--suite', 'my.txt', '--prompts', 'y', '--clip', 'world'], /no suite/],
    [['--images', 'x', '--ask', 'yes', '--clip', 'world'], /who shall be asked/],
    [['--images', 'x', '--judge', 'openai:m@http://localhost:1/v1'], /--out/],
    [['--images', 'x', '--clip', 'world', '--features', 'y'], /--against/],
    [['--images', 'x', '--clip', 'world', '--thresholds', '1,2'], /from 0 to 1/],
  ])('%j is told', async (args, message) => {
    const { code, stderr } = await evaluate(...args);
    expect(code).toBe(2);
    expect(stderr).toMatch(message);
  });

  it('of a judge that never decides keeps what was measured beside, and asks it anew another time', async () => {
    await shades((i) => `${i}.png`);
    let [requests, mute] = [0, true];
    const server = await scriptedServer(() => {
      requests++;
      return said(mute ? 'A nice picture.' : 'correct');
    });
    open.push(server);
    const args = ['--suite', at('prompts.txt'), '--images', at('pictures'), '--clip', 'plain-world', '--judge', `openai:m@${server.url}`, '--out', at('out')]; // biome-ignore format: one line
    expect((await evaluate(...args)).stderr).toMatch(/never says "correct"/);
    const { partial, measures, warnings } = JSON.parse(await readFile(at('out/report.json'), 'utf8'));
    expect(partial).toBe(true);
    expect(measures.clip.n).toBe(6);
    expect(measures.verdict).toMatchObject({ score: null, interval: null, n: 0 });
    expect(warnings[0]).toMatch(/broken off/);
    [requests, mute] = [0, false];
    expect((await reportOf(...args)).report.measures.verdict).toMatchObject({ score: 1, n: 6 });
    expect(requests).toBe(6);
  });

  it('of too few pictures for a distance between collections has all else', async () => {
    await shades((i) => `${i}.png`);
    await folder.write({ 'one/a.png': await picture(3) });
    const { report, code } = await reportOf('--suite', at('prompts.txt'), '--images', at('pictures'), '--clip', 'plain-world', '--against', at('one')); // biome-ignore format: one line
    expect(code).toBe(0);
    expect(report.measures.clip.n).toBe(6);
    expect(report.warnings.join()).toMatch(/no Fréchet distance of pixels/);
  });

  it('needs no captions where collections alone are compared', async () => {
    await shades((i) => `${i}.png`);
    const { report } = await reportOf('--images', at('pictures'), '--against', at('pictures'));
    expect(report.distributions.pixels.distance).toBeCloseTo(0, 6);
  });

  it.each([
    ['a table in place of prompts', ['--suite', 'drawbench.csv'], /a table is no list/],
    ['a suite in the place of another', ['--suite', 'drawbench', '--prompts', 'prompts.tsv'], /not the suite "drawbench"/],
    ['a name that is no suite', ['--suite', 'drawbnech'], /there is no suite "drawbnech"/],
    ['a picture in place of prompts', ['--suite', 'pictures/0.png'], /this is no text/],
    ['a judge without "openai:"', ['--suite', 'prompts.txt', '--judge', 'http://localhost:1/v1'], /no model of a server/],
    ['questions where there are none', ['--suite', 'prompts.txt', '--judge', 'openai:m@http://localhost:1/v1', '--ask', 'questions'], /has no questions/],
  ])('%s', async (_, args, message) => {
    await shades((i) => `${i}.png`);
    await folder.write({ 'drawbench.csv': 'prompt,category\na,b\n', 'prompts.tsv': 'Prompt\tCategory\n' });
    const placed = args.map((arg) => (/\.(csv|tsv|txt|png)$/.test(arg) ? at(arg) : arg));
    const { code, stderr } = await evaluate(...placed, '--images', at('pictures'), '--clip', 'plain-world', '--out', at('out'));
    expect(code).toBeGreaterThan(0);
    expect(stderr).toMatch(message);
    expect(stderr).toMatch(/hint:/);
  }); // biome-ignore format: one line

  it('a suite that was cut, a detector that does not know what is asked, and a judge that never decides', async () => {
    await shades((i) => `${i}.png`);
    await folder.write({ 'cut.jsonl': '{"tag": "single_object", "include": [{"cla' });
    const pictures = ['--images', at('pictures')];
    const cut = await evaluate('--suite', 'geneval', '--prompts', at('cut.jsonl'), ...pictures, '--regions', 'world'); // biome-ignore format: one line
    expect(cut.stderr).toMatch(/cut\.jsonl:1/);
    const server = await scriptedServer(() => said('A nice picture.'));
    open.push(server);
    for (let i = 1; i < 25; i++) await folder.write({ [`pictures/0_${i}.png`]: await picture(i) });
    const silent = await evaluate('--suite', at('prompts.txt'), ...pictures, '--judge', `openai:m@${server.url}`, '--out', at('out')); // biome-ignore format: one line
    expect(silent.code).toBe(1);
    expect(silent.stderr).toMatch(/never says "correct" or "incorrect".*\n.*A nice picture/);
  });
});

describe('votes', () => {
  const preferences = (...args: string[]) => say('evaluate', 'preferences', ...args);
  const vote = (prompt: number, winner: string, rater?: string) => JSON.stringify({ prompt: `${prompt}`, left: 'ours', right: 'theirs', winner, rater }); // biome-ignore format: one line

  it('become ratings with intervals, and say how far raters agree', async () => {
    const lines = Array.from({ length: 20 }, (_, i) => ['r1', 'r2'].map((rater) => vote(i, i % 4 === 0 ? 'right' : 'left', rater)).join('\n')); // biome-ignore format: one line
    await folder.write({ 'votes.jsonl': lines.join('\n') });
    const { stdout, code } = await preferences(at('votes.jsonl'), '--json');
    expect(code).toBe(0);
    const { ratings, agreement, warnings } = JSON.parse(stdout);
    expect(ratings[0]).toMatchObject({ system: 'ours', wins: 30, losses: 10, winRate: { rate: 0.75 } });
    expect(agreement).toBe(1);
    expect(warnings).toEqual([]);
  });

  it('of one rater, on one prompt, say what they cannot say', async () => {
    await folder.write({ 'votes.jsonl': [vote(1, 'left', 'me'), vote(1, 'left', 'me')].join('\n') });
    const { stdout } = await preferences(at('votes.jsonl'), '--json');
    expect(JSON.parse(stdout).warnings.join()).toMatch(/one prompt.*one rater/);
    expect(JSON.parse(stdout).agreement).toBeUndefined();
  });

  it('that are none are told with their line', async () => {
    await folder.write({ 'votes.jsonl': `${vote(1, 'left')}\n${vote(2, 'banana')}\n` });
    expect((await preferences(at('votes.jsonl'))).stderr).toMatch(/no vote \(winner.*votes\.jsonl:2/s);
    await folder.write({ 'good.jsonl': vote(1, 'left') });
    expect((await preferences(at('good.jsonl'), '--systems', 'ours,others')).stderr).toMatch(/"theirs", which is none/); // biome-ignore format: one line
  });
});
