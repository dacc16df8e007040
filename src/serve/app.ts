/** Our captioners and generators as an OpenAI-compatible HTTP API. */
import { timingSafeEqual } from 'node:crypto';
import { Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { streamSSE } from 'hono/streaming';
import type { Captioner, CaptionRequest, CaptionResult } from '../captioners/captioner.ts';
import { RecaptionError } from '../errors.ts';
import type { Generator } from '../generators/generator.ts';
import { decodeImage, encodePng, type Image } from '../image/index.ts';
import { type ChatRequest, chatSchema, imageSchema, parsed, picturesOf, Refused } from './protocol.ts';
import { type BatchQueue, batchQueue } from './queue.ts';

export interface AppOptions {
  captioners: readonly Captioner[];
  generators?: readonly Generator[];
  /** What clients must show, if anything. */
  key?: string;
  /** Names under which clients may call: with these alone, no page in a browser can reach a server at home. Default: any. */
  hosts?: readonly string[];
  /** Bytes of a request at most. */
  mostBytes?: number;
  /** Bytes of all requests together that are not answered yet. */
  mostHeld?: number;
  /** Requests that may wait. */
  bound?: number;
  /** Told of what went wrong on our side. */
  onDefect?(error: unknown): void;
  /** Told of every request that was answered. */
  onRequest?(event: ServedEvent): void;
}

export interface ServedEvent {
  kind: 'request';
  path: string;
  model?: string;
  status: number;
  milliseconds: number;
}

export interface App {
  fetch: (request: Request) => Response | Promise<Response>;
  /** From now on whoever asks is told that it is over; returns when all that is waiting has been answered. */
  drained(): Promise<void>;
}

const MOST_BYTES = 24 * 2 ** 20;
const MOST_HELD = 512 * 2 ** 20;
const BOUND = 256;
/** Seconds after which a client that was sent away may come back. */
const COME_BACK = '1';

interface Asked {
  image: Image;
  request: CaptionRequest;
}

export function createApp({
  captioners,
  generators = [],
  key,
  hosts,
  mostBytes = MOST_BYTES,
  mostHeld = Math.max(MOST_HELD, mostBytes),
  bound = BOUND,
  onDefect,
  onRequest,
}: AppOptions): App {
  const app = new Hono();
  const started = Math.floor(Date.now() / 1000);
  let over = false;
  const queues = new Map(
    captioners.map((captioner): [string, BatchQueue<Asked, CaptionResult>] => [
      captioner.id,
      batchQueue(
        { batch: captioner.batch, bound, same: (a, b) => JSON.stringify(a.request) === JSON.stringify(b.request) },
        (asked) => captioner.caption(asked.map(({ image }) => image), asked[0].request),
      ),
    ]), // biome-ignore format: one line
  );
  // Pictures are drawn one request after the other.
  const drawings = new Map(
    generators.map((generator): [string, BatchQueue<{ prompts: string[]; seeds: number[] }, Image[]>] => [
      generator.id,
      batchQueue({ batch: 1, bound, same: () => true }, async ([{ prompts, seeds }]) => [await generator.generate(prompts, { seeds })]), // biome-ignore format: one line
    ]),
  );

  app.use('*', async (c, next) => {
    const start = performance.now();
    await next();
    onRequest?.({ kind: 'request', path: c.req.path, status: c.res.status, milliseconds: performance.now() - start }); // biome-ignore format: one line
  });
  app.use('*', async (c, next) => {
    if (over) throw new Refused(503, 'the server is being closed', 'closing', { Connection: 'close' });
    const host = (c.req.header('host') ?? '').replace(/:\d+$/, '').toLowerCase();
    if (hosts && !hosts.includes(host)) throw new Refused(403, `this server is not called "${host}"`);
    if (key !== undefined && !sameKey(c.req.header('authorization'), key))
      throw new Refused(
        401,
        'the key is missing or wrong: send it as "Authorization: Bearer KEY"',
        'invalid_api_key',
      );
    await next();
  });
  app.use(
    '*',
    bodyLimit({
      maxSize: mostBytes,
      onError: () => {
        throw new Refused(413, `a request may have ${mostBytes} bytes`, 'too_large');
      },
    }),
  );
  let held = 0;
  app.use('*', async (c, next) => {
    const length = Number(c.req.header('content-length') ?? (c.req.raw.body ? mostBytes : 0));
    if (held + length > mostHeld) throw tooMany();
    held += length;
    try {
      await next();
    } finally {
      held -= length;
    }
  });
  app.onError((error, c) => {
    const refused = asRefused(error);
    if (refused.status === 500) onDefect?.(error);
    for (const [name, value] of Object.entries(refused.headers)) c.header(name, value);
    return c.json(refused.body(), refused.status as 400);
  });
  app.notFound((c) => c.json(new Refused(404, `there is no ${c.req.method} ${c.req.path}`).body(), 404));

  app.get('/v1/models', (c) =>
    c.json({
      object: 'list',
      data: [...captioners, ...generators].map(({ id }) => ({ id, object: 'model', created: started, owned_by: 'recaption' })), // biome-ignore format: one line
    }),
  );

  app.post('/v1/chat/completions', async (c) => {
    const body = parsed(chatSchema, await json(c.req.raw));
    const captioner = named(captioners, body.model);
    const [picture, ...others] = picturesOf(body);
    if (!picture) throw new Refused(400, 'there is no picture to caption: send one as an image_url part', 'no_image'); // biome-ignore format: one line
    if (others.length > 0) throw new Refused(400, 'one picture at a time is captioned', 'too_many_images');
    const image = await decodeImage(picture, { maxSide: captioner.resolution });
    const result = await taken(queues.get(captioner.id)!.push({ image, request: requestOf(body) }));
    const { failure } = result;
    if (failure && failure.code !== 'refused') throw new Refused(502, failure.message, failure.code);
    const answer = answerOf(captioner.id, result);
    if (!body.stream) return c.json(answer.whole);
    return streamSSE(c, async (stream) => {
      for (const chunk of answer.chunks(body.stream_options?.include_usage === true)) await stream.writeSSE({ data: JSON.stringify(chunk) }); // biome-ignore format: one line
      await stream.writeSSE({ data: '[DONE]' });
    });
  });

  app.post('/v1/images/generations', async (c) => {
    const { prompt, n, size, seed, model } = parsed(imageSchema, await json(c.req.raw));
    const generator = model ? named(generators, model) : named(generators, generators[0]?.id ?? '');
    if (size && size !== 'auto' && generator.size > 0 && size !== `${generator.size}x${generator.size}`)
      throw new Refused(400, `"${generator.id}" draws ${generator.size}x${generator.size}, not ${size}`, 'invalid_size'); // biome-ignore format: one line
    generator.check(prompt);
    const count = n ?? 1;
    const first = seed ?? 0;
    const prompts = Array<string>(count).fill(prompt);
    const pictures = await taken(drawings.get(generator.id)!.push({ prompts, seeds: prompts.map((_, i) => first + i) })); // biome-ignore format: one line
    const data = await Promise.all(pictures.map(async (picture) => ({ b64_json: Buffer.from(await encodePng(picture)).toString('base64') }))); // biome-ignore format: one line
    return c.json({ created: Math.floor(Date.now() / 1000), data });
  });

  return {
    fetch: app.fetch,
    async drained() {
      over = true;
      for (const queue of [...queues.values(), ...drawings.values()]) await queue.drained();
    },
  };
}

/** @throws Refused where the queue is full */
function taken<U>(result: Promise<U> | undefined): Promise<U> {
  if (result) return result;
  throw tooMany();
}

const tooMany = (): Refused =>
  new Refused(429, 'too many requests are waiting', 'queue_full', { 'Retry-After': COME_BACK });

async function json(request: Request): Promise<unknown> {
  try {
    return await request.json();
  } catch (error) {
    if (error instanceof SyntaxError) throw new Refused(400, 'the body is no JSON', 'invalid_json');
    if (error instanceof RecaptionError || error instanceof Refused) throw error;
    throw new Refused(400, 'the request broke off', 'aborted'); // whoever sent it has hung up
  }
}

function named<T extends { id: string }>(models: readonly T[], id: string): T {
  const model = models.find((one) => one.id === id);
  if (model) return model;
  const known = models.map((one) => `"${one.id}"`).join(', ') || 'none for this';
  throw new Refused(404, `there is no model "${id}" here; there is ${known}`, 'model_not_found');
}

function requestOf({
  temperature,
  top_p,
  max_tokens,
  max_completion_tokens,
  seed,
}: ChatRequest): CaptionRequest {
  const given = { temperature, topP: top_p, maxTokens: max_completion_tokens ?? max_tokens, seed };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined && value !== null)); // biome-ignore format: one line
}

/** Both forms of an answer. Words stand for tokens: how many those are, no captioner says. */
function answerOf(model: string, { text, score, failure }: CaptionResult) {
  const words = text === '' ? [] : text.split(/(?<=\s)/);
  const created = Math.floor(Date.now() / 1000);
  const id = `chatcmpl-${crypto.randomUUID()}`;
  const usage = { prompt_tokens: 0, completion_tokens: words.length, total_tokens: words.length };
  const message = { role: 'assistant', content: failure ? null : text, refusal: failure?.message ?? null };
  const chunk = (delta: object, finish: string | null, more: object = {}) => ({
    id,
    object: 'chat.completion.chunk',
    created,
    model,
    choices: [{ index: 0, delta, logprobs: null, finish_reason: finish }],
    ...more,
  });
  return {
    whole: {
      id,
      object: 'chat.completion',
      created,
      model,
      choices: [{ index: 0, message, logprobs: null, finish_reason: 'stop' }],
      usage,
      ...(score !== undefined && { recaption: { score } }),
    },
    *chunks(withUsage: boolean) {
      yield chunk({ role: 'assistant', content: '' }, null);
      if (failure) yield chunk({ refusal: failure.message }, null);
      for (const word of words) yield chunk({ content: word }, null);
      yield chunk({}, 'stop');
      if (withUsage) yield { ...chunk({}, null), choices: [], usage };
    },
  };
}

function sameKey(header: string | undefined, key: string): boolean {
  const [given, wanted] = [header ?? '', `Bearer ${key}`].map((text) => Buffer.from(text));
  return given.length === wanted.length && timingSafeEqual(given, wanted);
}

function asRefused(error: unknown): Refused {
  if (error instanceof Refused) return error;
  if (!(error instanceof RecaptionError)) return new Refused(500, 'this should not have happened; see the log of the server'); // biome-ignore format: one line
  // Another server that this one asks, or the request.
  const status = error.code.startsWith('server-') ? 502 : 400;
  return new Refused(
    status,
    error.hint === undefined ? error.message : `${error.message}. ${error.hint}`,
    error.code,
  );
}
