/**
 * A server that speaks OpenAI's protocol: vLLM, Ollama, LM Studio, llama.cpp, OpenAI, or one of ours. What fails and may succeed another time is
 * asked again; what will not is told at once.
 */
import OpenAI, { APIConnectionError, APIConnectionTimeoutError, APIError, APIUserAbortError } from 'openai';
import { RecaptionError, reason } from '../errors.ts';
import { random } from '../random.ts';
import { jsonFetch } from './fetch.ts';
import { CLOCK, type Clock, type RateLimiter, type RateLimits, rateLimiter } from './limits.ts';
import { KEY_VARIABLES, type ServerRef } from './reference.ts';
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
   * @throws RecaptionError `server-unreachable`, `server-key`, `server-no-model`, `server-not-openai`, `server-certificate`, `server-refused` (it
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
  const send: Connection['send'] = async (request, tokens, check, most = tries) => {
    for (let attempt = 1; ; attempt++) {
      await limiter.wait(tokens, signal);
      traffic.requests++;
      try {
        const answer = await request(client, signal);
        check?.(answer);
        return answer;
      } catch (error) {
        if (signal?.aborted) throw signal.reason;
        const fault = faultOf(error, url);
        if (!fault.again) throw refusal(error, fault.name, { model, url });
        traffic.faults[fault.name] = (traffic.faults[fault.name] ?? 0) + 1;
        if (attempt >= most) throw exhausted(error, fault.name, url, attempt);
        const backoff = Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** (attempt - 1)) * (0.5 + jitter.uniform());
        if (fault.pause !== undefined) limiter.pause(Math.min(LONGEST_PAUSE, fault.pause));
        else await clock.sleep(backoff, signal);
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
        if (error instanceof RecaptionError && error.code === 'server-no-model') return undefined; // it has no such list
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

interface Fault {
  name: string;
  again: boolean;
  /** Milliseconds that the server asks to be left alone. */
  pause?: number;
}

/** What went wrong, and whether it may go well another time. */
function faultOf(error: unknown, url: string): Fault {
  const cause = rootOf(error);
  if (cause instanceof Unusable) return { name: cause.fault, again: true };
  if (error instanceof RecaptionError) return { name: error.code, again: false };
  if (error instanceof APIConnectionTimeoutError || error instanceof APIUserAbortError) return { name: 'timeout', again: true }; // biome-ignore format: one line
  if (error instanceof APIError && error.status !== undefined) {
    const { status } = error;
    const again = status === 408 || status === 409 || status === 429 || status >= 500;
    return { name: `${status}`, again, pause: again ? retryAfter(error.headers) : undefined };
  }
  if (/CERT|SELF_SIGNED|SSL|TLS/i.test(cause.code ?? '')) return { name: 'certificate', again: false };
  if (cause.code === 'ENOTFOUND') return { name: 'unreachable', again: false };
  if (cause.code === 'ECONNREFUSED')
    return { name: 'unreachable', again: /^https?:\/\/(?!localhost|127\.)/.test(url) };
  if (error instanceof SyntaxError || cause instanceof SyntaxError) return { name: 'half-json', again: true };
  if (error instanceof APIConnectionError || error instanceof TypeError || cause.code !== undefined) return { name: 'connection', again: true }; // biome-ignore format: one line
  if ((error as Error)?.name === 'TimeoutError' || (error as Error)?.name === 'AbortError') return { name: 'timeout', again: true }; // biome-ignore format: one line
  return { name: 'answer', again: true };
}

function rootOf(error: unknown): Error & { code?: string } {
  let root = error as Error & { code?: string };
  while (root?.cause instanceof Error) root = root.cause as Error & { code?: string };
  return root ?? new Error('unknown');
}

/** Milliseconds; the header has seconds or a date. */
function retryAfter(headers: Headers | undefined): number | undefined {
  const value = headers?.get('retry-after');
  if (!value) return undefined;
  const seconds = Number(value);
  const milliseconds = Number.isFinite(seconds) ? seconds * 1000 : Date.parse(value) - Date.now();
  return Number.isFinite(milliseconds) ? Math.max(0, milliseconds) : undefined;
}

function refusal(error: unknown, fault: string, { model, url }: ServerRef): RecaptionError {
  if (error instanceof RecaptionError) return error;
  const said = reason(error).replace(/^\d{3} /, '');
  const details = { place: url, cause: error };
  const elsewhere = /^3/.test(fault) && error instanceof APIError && error.headers?.get('location');
  if (elsewhere) return new RecaptionError('server-unreachable', `the server sends on to ${elsewhere}`, { ...details, hint: 'Give the address that it names, up to /v1.' }); // biome-ignore format: one line
  switch (fault) {
    case '401':
    case '403':
      return new RecaptionError('server-key', `the server does not take the key (${said})`, { ...details, hint: `Put the right one into ${KEY_VARIABLES[0]}; it is never stored.` }); // biome-ignore format: one line
    case '404':
      return new RecaptionError('server-no-model', `the server has nothing there, or no model "${model}" (${said})`, { ...details, hint: 'Check the name, and that the address ends as the server wants it, mostly in /v1.' }); // biome-ignore format: one line
    case 'certificate':
      return new RecaptionError('server-certificate', `the server's certificate is not trusted (${rootOf(error).message})`, { ...details, hint: 'Use http:// for a server at home, or name its authority: NODE_EXTRA_CA_CERTS=ca.pem.' }); // biome-ignore format: one line
    case 'unreachable':
      return new RecaptionError('server-unreachable', `nobody answers there (${rootOf(error).message})`, { ...details, hint: 'Start the server, or check its address and the network.' }); // biome-ignore format: one line
    default:
      return new RecaptionError('server-refused', `the server refuses the request: ${said}`, details);
  }
}

function exhausted(error: unknown, fault: string, url: string, tries: number): RecaptionError {
  const what = fault === 'timeout' ? 'it did not answer in time' : rootOf(error).message || reason(error);
  const code = fault === 'unreachable' ? 'server-unreachable' : 'server-failed';
  return new RecaptionError(code, `the server was asked ${tries} times in vain (${fault}: ${what})`, {
    place: url,
    hint: 'See what the server says in its log; fewer at once (--concurrency) may help.',
    cause: error,
  });
}

export const notOpenAi = (url: string, what: string): RecaptionError =>
  new RecaptionError('server-not-openai', `what answers there does not speak OpenAI's protocol (${what})`, {
    place: url,
    hint: 'The address is mostly http://HOST:PORT/v1.',
  });
