import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { temporaryFolder } from '../../../test/helpers/collection.ts';
import { fakeCaptioner } from '../../../test/helpers/fake-captioner.ts';
import { FAULTS, type Fault, faultProxy, said, scriptedServer } from '../../../test/helpers/fault-proxy.ts';
import { decodeImage } from '../../image/index.ts';
import { CLOCK } from '../../remote/limits.ts';
import { startServer } from '../../serve/server.ts';
import type { PictureContext } from '../captioner.ts';
import { openServerCaptioner, type ServerCaptionerOptions } from './captioner.ts';

const open: { close(): Promise<unknown> }[] = [];
afterEach(async () => {
  vi.unstubAllEnvs();
  for (const thing of open.splice(0).reverse()) await thing.close();
});
const kept = <T extends { close(): Promise<unknown> }>(thing: T): T => {
  open.push(thing);
  return thing;
};
/** Nobody waits: what should have been waited for is noted. */
const waits: number[] = [];
const hasty = {
  ...CLOCK,
  sleep: async (milliseconds: number) => {
    waits.push(milliseconds);
    await CLOCK.sleep(Math.min(1, milliseconds));
  },
};
const captioner = (url: string, more: ServerCaptionerOptions = {}, model = 'm') =>
  openServerCaptioner(`openai:${model}@${url}`, { recipe: 'short', clock: hasty, ...more });
/** Pictures are sent as JPEG: a number is a shade that survives it. */
const picture = async (n = 1) => ({ width: 16, height: 16, data: new Uint8Array(768).fill(n * 6) });
const shades = fakeCaptioner({
  id: 'm',
  caption: async (images) =>
    images.map(({ data }) => ({ text: `shade ${Math.round(data[0] / 6)}`, score: -1 })),
});
/** A server with one model, whose answers to chats are given. */
const talks = async (
  answer: (
    body: Body,
    headers: Record<string, unknown>,
  ) => ReturnType<typeof said> | { status: number; body: unknown },
) =>
  kept(
    await scriptedServer((path, body, headers) =>
      path.endsWith('/models')
        ? { body: { object: 'list', data: [{ id: 'm' }] } }
        : answer(body as Body, headers),
    ),
  );
interface Body {
  model: string;
  messages: { role: string; content: unknown }[];
  max_tokens?: number;
  max_completion_tokens?: number;
  response_format?: unknown;
  logprobs?: boolean;
  temperature?: number;
}
const one = async (url: string, more: ServerCaptionerOptions = {}, context?: PictureContext) => {
  const asked = await captioner(url, more);
  const [result] = await asked.caption([await picture()], {}, context ? [context] : []);
  return { result, cost: asked.cost!() };
};

describe('a captioner behind a server', () => {
  it('shows the picture and asks what the recipe says, and counts what it costs', async () => {
    let seen: Body | undefined;
    const server = await talks((body) => {
      seen = body;
      return said(' "A red square." ');
    });
    const { result, cost } = await one(server.url, { prices: { in: 2, out: 10 } });
    expect(result).toEqual({ text: 'A red square.' });
    expect(cost).toEqual({
      requests: 2,
      faults: {},
      tokensIn: 100,
      tokensOut: 10,
      price: (100 * 2 + 10 * 10) / 1e6,
    });
    expect(seen).toMatchObject({ model: 'm', max_tokens: 80 });
    const [{ text }, { image_url }] = seen!.messages.at(-1)!.content as [
      { text: string },
      { image_url: { url: string } },
    ];
    expect(text).toMatch(/one plain sentence.*6 to 20 words/s);
    const { width, height } = await decodeImage(Buffer.from(image_url.url.split(',')[1], 'base64'));
    expect([width, height]).toEqual([16, 16]);
  });

  it.each([
    ['a 429', { '429': 2 }],
    ['a 429 with a time to come back', { '429-later': 2 }],
    ['a 500', { '500': 3 }],
    ['a cut connection', { cut: 2 }],
    ['half a JSON', { 'half-json': 2 }],
    ['a page', { html: 2 }],
    ['ten megabytes', { huge: 1 }],
    ['no answer', { hang: 1 }],
  ] as [string, Partial<Record<Fault, number>>][])('asks again after %s', async (_, faults) => {
    const real = kept(await startServer({ captioners: [shades], port: 0 }));
    const list = Object.entries(faults).flatMap(([fault, count]) => Array<Fault>(count).fill(fault as Fault));
    const proxy = kept(await faultProxy(real.url, (request) => list[request]));
    const asked = await captioner(proxy.url, { timeout: 'hang' in faults ? 1 : 10 }); // a busy machine is late by itself
    const [{ text }] = await asked.caption([await picture(9)]);
    expect(text).toBe('shade 9');
    const told = asked.cost!().faults;
    expect(Object.values(told).reduce((a, b) => a + b, 0)).toBe(list.length);
    expect(proxy.passed()).toBe(1);
  });

  it('captions every picture once through all that can go wrong', async () => {
    const real = kept(await startServer({ captioners: [shades], port: 0 }));
    const proxy = kept(
      await faultProxy(real.url, (request) =>
        request % 3 === 0 ? FAULTS[(request / 3) % FAULTS.length] : undefined,
      ),
    );
    const asked = await captioner(proxy.url, { timeout: 0.5, tries: 20 });
    const numbers = [...Array(40).keys()];
    const results = await Promise.all(numbers.map(async (n) => asked.caption([await picture(n)])));
    expect(results.flat().map(({ text }) => text)).toEqual(numbers.map((n) => `shade ${n}`));
    const injected = Object.values(proxy.done).reduce((a, b) => a + b, 0);
    expect(Object.values(asked.cost!().faults).reduce((a, b) => a + b, 0)).toBe(injected);
    expect(injected).toBeGreaterThan(15);
  }, 30_000);

  it('waits as long as the server says, and longer from try to try where it says nothing', async () => {
    let tries = 0;
    const server = await talks(() =>
      ++tries <= 3 ? { status: 503, body: { error: { message: 'loading' } } } : said('A dog.'),
    );
    waits.length = 0;
    expect((await one(server.url)).result.text).toBe('A dog.');
    expect(waits).toHaveLength(3);
    expect(waits[2]).toBeGreaterThan(waits[0]);
    let asked = 0;
    const polite = kept(
      await scriptedServer((path) =>
        path.endsWith('/models')
          ? { body: { data: [] } }
          : ++asked === 1
            ? { status: 429, body: { error: { message: 'later' } }, headers: { 'retry-after': '7' } }
            : said('A cat.'),
      ),
    );
    waits.length = 0;
    let now = 0; // the clock goes on as it is waited for
    const clock = {
      now: () => now,
      sleep: async (milliseconds: number) => {
        waits.push(milliseconds);
        now += milliseconds;
      },
    };
    expect((await one(polite.url, { clock })).result.text).toBe('A cat.');
    expect(Math.max(...waits)).toBeGreaterThanOrEqual(7000);
  });

  it('stores no refusal and no empty answer as a caption', async () => {
    for (const [answer, code] of [
      [said("I'm sorry, but I can't help with that."), 'refused'],
      [said(null, {}, { message: { role: 'assistant', content: null, refusal: 'No.' } }), 'refused'],
      [said('Some', {}, { finish_reason: 'content_filter' }), 'refused'],
      [said('  '), 'empty-caption'],
      [said('<think>What is it? A dog'), 'empty-caption'],
    ] as const) {
      const server = await talks(() => answer);
      const { result } = await one(server.url, { tries: 3 });
      expect(result.text).toBe('');
      expect(result.failure!.code).toBe(code);
    }
  });

  it('leaves out what the server does not take, and keeps how sure the model is', async () => {
    const seen: Body[] = [];
    const server = await talks((body) => {
      seen.push(body);
      const refuse = (message: string) => ({ status: 400, body: { error: { message } } });
      if (body.max_tokens !== undefined)
        return refuse("Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.");
      return said(
        '{"caption": "A red square."}',
        {},
        {
          logprobs: {
            content: [
              { token: 'A', logprob: -0.5 },
              { token: 'red', logprob: -1.5 },
            ],
          },
        },
      );
    });
    const { result } = await one(server.url);
    expect(result).toEqual({ text: 'A red square.', score: -1 });
    expect(seen.at(-1)!.max_completion_tokens).toBe(80);
  });

  it('leaves it out of what is under way as well', async () => {
    const server = await talks(({ max_tokens, temperature }) => {
      const refuse = (message: string) => ({ status: 400, body: { error: { message } } });
      if (max_tokens !== undefined) return refuse("Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.");
      if (temperature !== undefined) return refuse("Unsupported value: 'temperature' does not support 0.2 with this model.");
      return said('A red square.');
    }); // biome-ignore format: one line
    const asked = await captioner(server.url);
    const results = await Promise.all([1, 2, 3, 4, 5].map(async (n) => asked.caption([await picture(n)])));
    expect(results.flat()).toEqual(Array(5).fill({ text: 'A red square.' }));
  });

  it('takes the sentences that were finished where an answer was cut, and nothing where none was', async () => {
    const answers = [said('A dog runs. It is bro', {}, { finish_reason: 'length' }), said('A dog ru', {}, { finish_reason: 'length' })]; // biome-ignore format: one line
    const server = await talks(() => answers.shift()!);
    const asked = await captioner(server.url);
    expect(await asked.caption([await picture()])).toEqual([{ text: 'A dog runs.' }]);
    expect((await asked.caption([await picture()]))[0].failure!.code).toBe('caption-unfinished');
  });

  it('fills what a recipe says of pictures, wherever it says it', async () => {
    const folder = await temporaryFolder();
    kept({ close: () => folder.remove() });
    await folder.write({ 'own.json': JSON.stringify({ kind: 'short', system: 'You know {folder}.', prompt: 'Describe {filename}.', structured: true }) }); // biome-ignore format: one line
    let seen: Body | undefined;
    const server = await talks((body) => {
      seen = body;
      return said('A shed.'); // it knows of no JSON
    });
    const context = { name: '/photos/garden/shed.jpg', captions: [] };
    expect((await one(server.url, { recipe: join(folder.path, 'own.json') }, context)).result.text).toBe('A shed.'); // biome-ignore format: one line
    expect(JSON.stringify(seen!.messages)).toMatch(/You know garden\..*Describe shed\./);
  });

  it('hands over the caption that is there, to be refined, and says where there is none', async () => {
    let prompt = '';
    const server = await talks((body) => {
      prompt = (body.messages.at(-1)!.content as { text: string }[])[0].text;
      return said('A red square on white.');
    });
    const context = {
      name: '/photos/garden/shed.jpg',
      captions: [{ text: 'a square', kind: 'alt' as const, source: 'file' }],
    };
    expect((await one(server.url, { recipe: 'refine' }, context)).result.text).toBe('A red square on white.');
    expect(prompt).toContain('"a square"');
    expect(
      (await one(server.url, { recipe: 'refine' }, { ...context, captions: [] })).result.failure!.code,
    ).toBe('nothing-to-refine');
  });

  it('is known by its model, address and recipe, and never by its key', async () => {
    vi.stubEnv('RECAPTION_API_KEY', 'sk-secret');
    let key: unknown;
    const server = await talks((_, headers) => {
      key = headers.authorization;
      return said('A dog.');
    });
    const [short, descriptive] = await Promise.all(
      ['short', 'descriptive'].map((recipe) => captioner(server.url, { recipe })),
    );
    await short.caption([await picture()]);
    expect(key).toBe('Bearer sk-secret');
    expect(short.id).toContain(`m@${server.url} short-`);
    expect(short.id).not.toBe(descriptive.id);
    expect(JSON.stringify([short.id, short.cost!()])).not.toContain('secret');
  });
});

describe('what is told at once', () => {
  const failing = async (url: string, more: ServerCaptionerOptions = {}, model = 'm') =>
    captioner(url, more, model)
      .then(async (asked) => asked.caption([await picture()]))
      .then(
        () => expect.fail('nothing went wrong'),
        (error) => error,
      );

  it.each([
    [
      'a wrong key',
      { status: 401, body: { error: { message: 'Incorrect API key provided' } } },
      'server-key',
      /RECAPTION_API_KEY/,
    ],
    [
      'a model that does not look',
      { status: 400, body: { error: { message: 'this model does not support image input' } } },
      'server-no-vision',
      /vision-language/,
    ],
    [
      'a model that is gone',
      { status: 404, body: { error: { message: 'model not found' } } },
      'server-no-model',
      /name/,
    ],
    [
      'another address',
      { status: 308, headers: { location: 'https://elsewhere.example/v1' }, body: {} },
      'server-unreachable',
      /address/,
    ],
  ])('%s', async (_, answer, code, hint) => {
    const error = await failing((await talks(() => answer)).url);
    expect(error.code).toBe(code);
    expect(error.hint).toMatch(hint);
  });

  it.each([
    ['an account without credit', 429, { code: 'insufficient_quota', message: 'You exceeded your current quota.' }, 'server-no-credit'],
    ['a model without eyes, as llama.cpp says it', 500, { message: 'image input is not supported - hint: you may need to provide the mmproj' }, 'server-no-vision'],
    ['a key, without telling it', 401, { message: 'Incorrect API key provided: sk-secret' }, 'server-key'],
  ])('%s', async (_, status, error, code) => {
    vi.stubEnv('RECAPTION_API_KEY', 'sk-secret');
    const told = await failing((await talks(() => ({ status, body: { error } }))).url);
    expect(told.code).toBe(code);
    expect(told.message).not.toContain('secret');
  }); // biome-ignore format: one line

  it('a model that says of every picture that it sees none', async () => {
    const server = await talks(() => said("I don't see any image. Please upload the image you'd like me to describe."));
    const asked = await captioner(server.url);
    const [first] = await asked.caption([await picture()]);
    expect(first).toMatchObject({ text: '', failure: { code: 'no-picture-seen' } });
    await asked.caption([await picture()]);
    await expect(asked.caption([await picture()])).rejects.toMatchObject({ code: 'server-no-vision' });
  }); // biome-ignore format: one line

  it('a stop while it waits, as the stop that it is', async () => {
    const server = await talks(() => ({ status: 500, body: { error: { message: 'no' } } }));
    const stop = new AbortController();
    const asked = captioner(server.url, { signal: stop.signal, clock: undefined }).then(async (one) => one.caption([await picture()])); // biome-ignore format: one line
    setTimeout(() => stop.abort(new Error('Ctrl-C')), 100);
    await expect(asked).rejects.toThrow('Ctrl-C');
  });

  it('a server on a port without TLS', async () => {
    const server = await talks(() => said('x'));
    expect(await failing(server.url.replace('http:', 'https:'))).toMatchObject({ code: 'server-unreachable', hint: expect.stringContaining('http://') }); // biome-ignore format: one line
  });

  it('a model that the server does not have, with those that it has', async () => {
    const error = await failing((await talks(() => said('x'))).url, {}, 'llava');
    expect(error).toMatchObject({ code: 'server-no-model', hint: 'It has "m".' });
  });

  it('a server that is none of this kind, and one that is not there', async () => {
    const page = kept(await scriptedServer(() => ({ body: '<h1>Hello</h1>', type: 'text/html' })));
    expect(await failing(page.url)).toMatchObject({ code: 'server-not-openai' });
    const strange = kept(await scriptedServer(() => ({ body: { hello: 'world' } })));
    expect(await failing(strange.url)).toMatchObject({ code: 'server-not-openai' });
    const nothing = kept(await scriptedServer(() => ({ status: 404, body: { detail: 'Not Found' } })));
    expect(await failing(nothing.url)).toMatchObject({ code: 'server-not-openai' });
    const listless = kept(await scriptedServer((path) => (path.endsWith('/models') ? { status: 404, body: { detail: 'Not Found' } } : said('A dog.')))); // biome-ignore format: one line
    expect((await one(listless.url)).result.text).toBe('A dog.');
    const gone = await scriptedServer(() => said('x'));
    await gone.close();
    expect(await failing(gone.url)).toMatchObject({ code: 'server-unreachable' });
    expect(await failing('http://nowhere.invalid/v1')).toMatchObject({ code: 'server-unreachable' });
  });

  it('addresses and recipes that are none', async () => {
    const refused = (ref: string, recipe = 'short') =>
      openServerCaptioner(ref, { recipe }).then(
        () => expect.fail('it was taken'),
        ({ code }) => code,
      );
    expect(await refused('openai:@http://localhost/v1')).toBe('bad-server');
    expect(await refused('openai:m@http://me:secret@localhost/v1')).toBe('bad-server');
    for (const forgotten of [
      'localhost:8000/v1',
      'localhost',
      '192.168.0.7:8000',
      'ftp://box/v1',
      'box.example/v1',
    ])
      expect(await refused(`openai:m@${forgotten}`)).toBe('bad-server'); // or photos and key would go to OpenAI
    expect(await refused('openai:m@http://localhost:1/v1', 'no-such-recipe')).toBe('no-recipe');
  });

  it('a server that has gone away in the middle: the job stops before all pictures have failed', async () => {
    let answers = 0;
    const server = await talks(() =>
      answers++ < 3 ? said('A dog.') : { status: 500, body: { error: { message: 'gone' } } },
    );
    const asked = await captioner(server.url, { tries: 2, concurrency: 1 });
    let done = 0;
    const error = await (async () => {
      for (let n = 0; n < 100; n++, done++) await asked.caption([await picture(n)]);
    })().catch((thrown) => thrown);
    expect(error.code).toBe('server-failed');
    expect(done).toBeLessThan(20);
  });
});
