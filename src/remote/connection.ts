/**
 * A server that speaks OpenAI's protocol: vLLM, Ollama, LM Studio, llama.cpp, OpenAI, or one of ours. What fails and may succeed another time is
 * asked again; what will not is told at once.
 */
import OpenAI from 'openai';
import { RecaptionError, rootOf } from '../errors.ts';
import { random } from '../random.ts';
import { exhausted, faultOf, notOpenAi, refusal } from './faults.ts';
import { jsonFetch } from './fetch.ts';
import { CLOCK, type Clock, type RateLimiter, type RateLimits, rateLimiter } from './limits.ts';
import type { ServerRef } from './reference.ts';
import { Unusable } from './unusable.ts';

export interface ConnectionOptions extends RateLimits {
  key?: string;
  /** Seconds that an answer may take. */
  timeout?: number;
  /** Times that a request is sent at most. */
  tries?: number;
  /** Requests under way at once at most; default: as many as are asked for. */
  concurrency?: number;
  signal?: AbortSignal;
  clock?: Clock;
}

/** Requests so far, and those that had to be made again, by what went wrong. */
export interface Traffic {
  requests: number;
  faults: Record<string, number>;
}

export interface Connection {
  url: string;
  model: string;
  traffic: Traffic;
  /** The names of the server's models; undefined where it does not tell. @throws RecaptionError as `send` */
  models(): Promise<string[] | undefined>;
  /**
   * Sends a request until it is answered, at most `tries` times.
   * @param tokens that it will probably take, for the limits @param check throws `Unusable` for an answer that is none
   * @throws RecaptionError `server-unreachable`, `server-key`, `server-no-model`, `server-not-openai`, `server-certificate`, `server-no-credit`, `server-refused` (it
   * will never take such a request) or `server-failed` (it was asked too often in vain)
   */
  send<T>(request: (client: OpenAI, signal?: AbortSignal) => Promise<T>, tokens: number, check?: (answer: T) => void, most?: number): Promise<T>; // biome-ignore format: one line
  settle: RateLimiter['settle'];
}

/** What may go wrong with one request while others succeed. */
const ONE_REQUEST = ['server-failed', 'server-refused'];

/**
 * A failure here and there is that of one request, and gets an answer of its own. What no other would fare better with is thrown, and so is the last of
 * `most` in a row: nobody is there any more, and the work shall stop before all of it has failed.
 */
export function forgiving(most: number) {
  let failedInARow = 0;
  return async <T>(work: () => Promise<T>, otherwise: (error: RecaptionError) => T): Promise<T> => {
    try {
      const result = await work();
      failedInARow = 0;
      return result;
    } catch (error) {
      if (!(error instanceof RecaptionError) || !ONE_REQUEST.includes(error.code)) throw error;
      if (++failedInARow >= most) throw error;
      return otherwise(error);
    }
  };
}

/** Answers above this are no captions; pictures are larger, so whoever draws says so. */
export const MOST_BYTES = 4 * 2 ** 20;
const TIMEOUT = 120;
const FOR_EVER = 2 ** 31 - 1;
const TRIES = 6;
/** Tries to find out what there is. */
const LOOKS = 3;
/** What a try counts for that the server has put off by Retry-After. */
const SENT_AWAY = 0.25;
/** Milliseconds before the second try; they double from try to try. */
const FIRST_WAIT = 500;
const LONGEST_WAIT = 30_000;
/** What a server asks for by Retry-After is done up to this. */
const LONGEST_PAUSE = 300_000;

export function connect(
  { model, url }: ServerRef,
  {
    key,
    timeout = TIMEOUT,
    tries = TRIES,
    concurrency = Number.POSITIVE_INFINITY,
    signal,
    clock = CLOCK,
    ...limits
  }: ConnectionOptions = {},
  mostBytes = MOST_BYTES,
): Connection {
  const client = new OpenAI({
    apiKey: key ?? 'none', // servers at home want none, the client does
    baseURL: url,
    maxRetries: 0,
    timeout: FOR_EVER, // its own begins before a request's turn has come, and ends at the first byte
    logLevel: 'off',
    fetch: jsonFetch({ mostBytes, concurrency, timeout }),
  });
  const limiter = rateLimiter(limits, clock);
  const traffic: Traffic = { requests: 0, faults: {} };
  const jitter = random(0, 'backoff');
  const asked = { model, url, key };
  const send: Connection['send'] = async (request, tokens, check, most = tries) => {
    let spent = 0;
    for (let attempt = 1; ; attempt++) {
      try {
        await limiter.wait(tokens, signal);
        traffic.requests++;
        const answer = await request(client, signal);
        check?.(answer);
        return answer;
      } catch (error) {
        if (signal?.aborted) throw signal.reason;
        const fault = faultOf(error, url);
        if (!fault.again) throw refusal(error, fault.name, asked);
        traffic.faults[fault.name] = (traffic.faults[fault.name] ?? 0) + 1;
        spent += fault.pause === undefined ? 1 : SENT_AWAY;
        if (spent >= most) throw exhausted(error, fault.name, asked, attempt);
        const pause = Math.min(LONGEST_PAUSE, fault.pause ?? 0);
        if (pause > 0) limiter.pause(pause);
        // Those that were sent away together shall not come back together.
        const backoff = FIRST_WAIT * 2 ** (Math.ceil(spent) - 1) * (0.5 + jitter.uniform());
        await clock.sleep(pause + Math.min(LONGEST_WAIT, backoff), signal).catch((stopped) => {
          throw signal?.reason ?? stopped;
        });
      }
    }
  };
  return {
    url,
    model,
    traffic,
    send,
    settle: limiter.settle,
    async models() {
      const list = await send(
        (server, stop) => server.get<{ data?: unknown } | undefined>('/models', { signal: stop }),
        0,
        undefined,
        LOOKS,
      ).catch((error) => {
        if (error instanceof RecaptionError && ['server-no-model', 'server-not-openai'].includes(error.code))
          return undefined; // it has no such list; what it is, a question will tell
        const root = rootOf(error);
        throw root instanceof Unusable || root instanceof SyntaxError ? notOpenAi(url, root.message) : error;
      });
      const data = list?.data;
      if (list === undefined) return undefined;
      if (!Array.isArray(data)) throw notOpenAi(url, 'its list of models is none');
      return data.map((one) => String((one as { id?: unknown } | null)?.id ?? ''));
    },
  };
}

/** Sees that the server has the model that is asked for; one that does not list its models is believed. @throws RecaptionError `server-*` */
export async function mustHaveModel(connection: Connection): Promise<void> {
  const { model, url } = connection;
  const models = await connection.models();
  if (!models || models.length === 0 || models.includes(model)) return;
  const shown = models.slice(0, 8).map((one) => `"${one}"`).join(', '); // biome-ignore format: one line
  throw new RecaptionError('server-no-model', `the server has no model "${model}"`, {
    place: url,
    hint: `It has ${shown}${models.length > 8 ? ' and others' : ''}.`,
  });
}
