import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { temporaryFolder } from '../../test/helpers/collection.ts';
import { scriptedServer } from '../../test/helpers/fault-proxy.ts';
import { encodePng } from '../image/index.ts';
import { type GenerateEvent, generatePictures } from '../jobs/generate-job.ts';
import { openServerGenerator } from './server.ts';

const open: { close(): Promise<unknown> }[] = [];
afterEach(async () => {
  for (const thing of open.splice(0)) await thing.close();
});
type Body = { prompt: string; response_format?: string; seed?: number };
/** A generator behind a server whose answers are given. */
async function drawer(
  answer: (body: Body) => { status?: number; body: unknown } | Promise<{ body: unknown }>,
) {
  const server = await scriptedServer((path, body) => (path.endsWith('/models') ? { body: { data: [{ id: 'm' }] } } : answer(body as Body))); // biome-ignore format: one line
  open.push(server);
  return openServerGenerator(`openai:m@${server.url}`);
}
const refuse = (message: string) => ({ status: 400, body: { error: { message } } });
const red = async () => {
  const png = await encodePng({ width: 8, height: 8, data: new Uint8Array(192).fill(90) });
  return { body: { data: [{ b64_json: Buffer.from(png).toString('base64') }] } };
};

it('leaves out what the server does not know', async () => {
  const generator = await drawer(({ response_format, seed }) => {
    if (response_format) return refuse("Unknown parameter: 'response_format'.");
    return seed === undefined ? red() : refuse("Unknown parameter: 'seed'.");
  });
  expect(await generator.generate(['a cat', 'a dog'])).toHaveLength(2);
});

it('a prompt that the server refuses keeps no other from being drawn, and nothing is paid for twice', async () => {
  const asked: string[] = [];
  const generator = await drawer(({ prompt }) => {
    asked.push(prompt);
    return prompt === 'a gun' ? refuse('content_policy_violation') : red();
  });
  const folder = await temporaryFolder();
  open.push({ close: () => folder.remove() });
  const out = join(folder.path, 'out');
  const events: GenerateEvent[] = [];
  for await (const event of generatePictures({ generator, prompts: ['a cat', 'a gun', 'a dog'], count: 1, seed: 0, request: {}, out, grid: true, signal: new AbortController().signal })) events.push(event); // biome-ignore format: one line
  expect(events.at(-1)).toMatchObject({ kind: 'done', added: 2, failed: 1, stopped: false });
  expect(events.find((event) => event.kind === 'failure')).toMatchObject({ failure: { code: 'server-refused', place: 'a gun' } }); // biome-ignore format: one line
  expect((await readdir(out)).filter((name) => /^\d+\.png$/.test(name))).toEqual(['00000.png', '00002.png']);
  expect(asked.filter((prompt) => prompt !== 'a gun').sort()).toEqual(['a cat', 'a dog']);
});

it('addresses in place of pictures are told, and not asked for again and again', async () => {
  let asked = 0;
  const generator = await drawer(() => {
    asked++;
    return { body: { data: [{ url: 'https://elsewhere.example/x.png' }] } };
  });
  await expect(generator.generate(['a cat'])).rejects.toMatchObject({ code: 'server-refused' });
  expect(asked).toBe(1);
});
