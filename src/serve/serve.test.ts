import OpenAI, { type APIError } from 'openai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fakeCaptioner, numberedPicture } from '../../test/helpers/fake-captioner.ts';
import type { Generator } from '../generators/generator.ts';
import { decodeImage } from '../image/index.ts';
import { type RunningServer, startServer } from './server.ts';

const dataUrl = async (n: number) =>
  `data:image/png;base64,${Buffer.from(await numberedPicture(n)).toString('base64')}`;
const asked = async (n: number): Promise<OpenAI.Chat.ChatCompletionMessageParam[]> => [
  {
    role: 'user',
    content: [
      { type: 'text', text: 'What is this?' },
      { type: 'image_url', image_url: { url: await dataUrl(n) } },
    ],
  },
];
/** Draws a square of the shade that its seed says. */
const fakeGenerator: Generator = {
  id: 'brush@1',
  size: 16,
  batch: 2,
  defaults: {},
  check: () => {},
  generate: async (prompts, { seeds = [] } = {}) =>
    prompts.map((_, i) => ({ width: 16, height: 16, data: new Uint8Array(768).fill(seeds[i]) })),
  close: async () => {},
};

let server: RunningServer;
let client: OpenAI;
const batches: number[] = [];
beforeAll(async () => {
  const captioner = fakeCaptioner();
  const counting = {
    ...captioner,
    caption: async (images: Parameters<typeof captioner.caption>[0]) => {
      batches.push(images.length);
      return captioner.caption(images);
    },
  };
  server = await startServer({
    captioners: [counting],
    generators: [fakeGenerator],
    port: 0,
    mostBytes: 100_000,
  });
  client = new OpenAI({ apiKey: 'none', baseURL: server.url, maxRetries: 0 });
});
afterAll(() => server.close());
const refused = (request: Promise<unknown>): Promise<APIError> =>
  request.then(
    () => expect.fail('it was not refused'),
    (error) => error,
  );

describe("our server, asked by OpenAI's client", () => {
  it('lists its models', async () => {
    const models = [];
    for await (const { id, object } of client.models.list()) models.push([id, object]);
    expect(models).toEqual([
      ['fake@1', 'model'],
      ['brush@1', 'model'],
    ]);
  });

  it('captions a picture, at once and as a stream', async () => {
    const whole = await client.chat.completions.create({ model: 'fake@1', messages: await asked(300) });
    expect(whole.choices[0]).toMatchObject({
      message: { role: 'assistant', content: 'picture number 300' },
      finish_reason: 'stop',
    });
    expect(whole.usage!.completion_tokens).toBe(3);
    const stream = await client.chat.completions.create({
      model: 'fake@1',
      messages: await asked(7),
      stream: true,
      stream_options: { include_usage: true },
    });
    const parts: string[] = [];
    let [finish, usage]: unknown[] = [];
    for await (const chunk of stream) {
      parts.push(chunk.choices[0]?.delta.content ?? '');
      finish = chunk.choices[0]?.finish_reason ?? finish;
      usage = chunk.usage ?? usage;
    }
    expect(parts.join('')).toBe('picture number 7');
    expect(parts.filter((part) => part !== '')).toHaveLength(3);
    expect(finish).toBe('stop');
    expect(usage).toMatchObject({ completion_tokens: 3 });
  });

  it('captions together what comes together', async () => {
    batches.length = 0;
    const messages = await Promise.all([...Array(12).keys()].map(asked));
    const answers = await Promise.all(
      messages.map((one) => client.chat.completions.create({ model: 'fake@1', messages: one })),
    );
    expect(answers.map(({ choices }) => choices[0].message.content)).toEqual(
      [...Array(12).keys()].map((n) => `picture number ${n}`),
    );
    expect(batches.reduce((a, b) => a + b, 0)).toBe(12);
    expect(batches.length).toBeLessThan(12);
  });

  it('draws pictures', async () => {
    const { data } = await client.images.generate({
      model: 'brush@1',
      prompt: 'a grey square',
      n: 2,
      response_format: 'b64_json',
      ...{ seed: 40 },
    });
    const shades = await Promise.all(
      data!.map(async ({ b64_json }) => (await decodeImage(Buffer.from(b64_json!, 'base64'))).data[0]),
    );
    expect(shades).toEqual([40, 41]);
    expect(
      (await refused(client.images.generate({ model: 'brush@1', prompt: 'x', size: '512x512' }))).message,
    ).toMatch(/draws 16x16, not 512x512/);
  });
});

describe('what our server refuses, in the form of OpenAI', () => {
  const errorOf = async (response: Response) =>
    ((await response.json()) as { error: { code: string | null; message: string } }).error;
  const create = async (more: object, messages?: unknown) =>
    refused(
      client.chat.completions.create({
        model: 'fake@1',
        messages: messages ?? (await asked(1)),
        ...more,
      } as never),
    );

  it.each([
    ['a model that is not there', { model: 'nobody' }, 404, /no model "nobody".*"fake@1"/],
    ['a temperature out of range', { temperature: 9 }, 400, /temperature/],
    ['several answers', { n: 2 }, 400, /n: one answer/],
  ])('%s', async (_, more, status, message) => {
    const error = await create(more);
    expect(error).toMatchObject({ status, type: 'invalid_request_error' });
    expect(error.message).toMatch(message);
  });

  it('a message without a picture, an address to fetch, a picture that is none, two pictures', async () => {
    const picture = (url: string) => ({ type: 'image_url', image_url: { url } });
    const one = await dataUrl(1);
    const cases: [unknown, RegExp][] = [
      ['hello', /no picture to caption/],
      [[picture('http://127.0.0.1/secret.png')], /must be a data URL/],
      [[picture('file:///etc/passwd')], /must be a data URL/],
      [[picture('data:image/png;base64,AAAA')], /not a picture|cannot|picture/i],
      [[picture(one), picture(one)], /one picture at a time/],
    ];
    for (const [content, message] of cases) {
      const error = await create({}, [{ role: 'user', content }]);
      expect(error.status).toBe(400);
      expect(error.message).toMatch(message);
    }
  });

  it('a body that is no JSON, too large, or meant for another path', async () => {
    const post = (path: string, body: string, headers = {}) =>
      fetch(`${server.url}${path}`, { method: 'POST', body, headers });
    const broken = await post('/chat/completions', '{"model":');
    expect([broken.status, (await errorOf(broken)).code]).toEqual([400, 'invalid_json']);
    const large = await post('/chat/completions', JSON.stringify({ model: 'x'.repeat(200_000) }));
    expect([large.status, (await errorOf(large)).code]).toEqual([413, 'too_large']);
    const lost = await post('/embeddings', '{}');
    expect([lost.status, (await errorOf(lost)).message]).toEqual([
      404,
      expect.stringContaining('/v1/embeddings'),
    ]);
  });

  it('a page that calls it by another name', async () => {
    const { request } = await import('node:http');
    const status = await new Promise((done) => {
      request(
        { port: server.port, host: '127.0.0.1', path: '/v1/models', headers: { host: 'evil.example' } },
        ({ statusCode }) => done(statusCode),
      ).end();
    });
    expect(status).toBe(403);
  });

  it('whoever has not its key, where it has one', async () => {
    const locked = await startServer({ captioners: [fakeCaptioner()], port: 0, key: 'secret' });
    const ask = (apiKey: string) => new OpenAI({ apiKey, baseURL: locked.url, maxRetries: 0 }).models.list();
    expect(await refused(ask('guess'))).toMatchObject({ status: 401, type: 'authentication_error' });
    expect((await ask('secret')).data).toHaveLength(1);
    await locked.close();
  });

  it('more requests than may wait, with a time to come back', async () => {
    const small = await startServer({
      captioners: [fakeCaptioner({ delayMs: 100, batch: 1 })],
      port: 0,
      bound: 2,
    });
    const one = new OpenAI({ apiKey: 'none', baseURL: small.url, maxRetries: 0 });
    const messages = await asked(1);
    const results = await Promise.allSettled(
      Array.from({ length: 8 }, () => one.chat.completions.create({ model: 'fake@1', messages })),
    );
    const away = results.flatMap((result) =>
      result.status === 'rejected' ? [result.reason as APIError] : [],
    );
    expect(away.length).toBeGreaterThan(0);
    expect(away.length).toBeLessThan(8);
    expect(away[0]).toMatchObject({ status: 429, type: 'rate_limit_error' });
    expect(away[0].headers!.get('retry-after')).toBe('1');
    await small.close();
  });

  it('more bytes than it will hold of those that it has not answered', async () => {
    const messages = await asked(1);
    const body = JSON.stringify({ model: 'fake@1', messages });
    const narrow = await startServer({
      captioners: [fakeCaptioner({ delayMs: 100, batch: 1 })],
      port: 0,
      mostBytes: body.length,
      mostHeld: 2 * body.length,
    });
    const post = () => fetch(`${narrow.url}/chat/completions`, { method: 'POST', body });
    const statuses = (await Promise.all([post(), post(), post()])).map(({ status }) => status);
    expect(statuses.toSorted()).toEqual([200, 200, 429]);
    expect((await post()).status).toBe(200); // what was answered counts no more
    await narrow.close();
  });

  it('everybody, once it is being closed, and answers what was asked before', async () => {
    let go = () => {};
    const waiting = new Promise<void>((done) => {
      go = done;
    });
    const slow = fakeCaptioner();
    const caption: typeof slow.caption = async (images) => {
      await waiting;
      return slow.caption(images);
    };
    const closing = await startServer({ captioners: [{ ...slow, caption }], port: 0 });
    const its = new OpenAI({ apiKey: 'none', baseURL: closing.url, maxRetries: 0 });
    await its.models.list();
    const before = its.chat.completions.create({ model: 'fake@1', messages: await asked(7) });
    await new Promise((later) => setTimeout(later, 100)); // it has arrived
    const closed = closing.close();
    const late = await refused(its.models.list());
    expect([503, undefined]).toContain(late.status); // undefined where its connection was closed before
    go();
    expect((await before).choices[0].message.content).toBe('picture number 7');
    await closed;
  });

  it('a port that is taken', async () => {
    await expect(startServer({ captioners: [fakeCaptioner()], port: server.port })).rejects.toMatchObject({
      code: 'port-taken',
    });
  });
});
