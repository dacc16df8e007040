/** What can go wrong with a request: whether it may go well another time, and the sentence for it. */
import { APIConnectionError, APIConnectionTimeoutError, APIError, APIUserAbortError } from 'openai';
import { RecaptionError, reason, rootOf } from '../errors.ts';
import { KEY_VARIABLES, type ServerRef } from './reference.ts';
import { Unusable } from './unusable.ts';

export interface Fault {
  name: string;
  /** Whether it may go well another time. */
  again: boolean;
  /** Milliseconds that the server asks to be left alone. */
  pause?: number;
}

const NO_ROUTE = ['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'ENETUNREACH', 'EHOSTUNREACH', 'ETIMEDOUT'];
/** Never there, or not there at all. */
const NOT_THERE = [404, 405, 501];
/** What OpenAI and others call an account without credit; to wait does not help. */
const NO_CREDIT = /insufficient_quota|billing|credit balance/i;

export function faultOf(error: unknown, url: string): Fault {
  const cause = rootOf(error);
  const code = cause.code ?? '';
  if (cause instanceof Unusable) return { name: cause.fault, again: true };
  if (error instanceof RecaptionError) return { name: error.code, again: false };
  if (error instanceof APIConnectionTimeoutError || error instanceof APIUserAbortError) return { name: 'timeout', again: true }; // biome-ignore format: one line
  if (error instanceof APIError && error.status !== undefined) return ofStatus(error, error.status);
  if (/EPROTO|WRONG_VERSION/.test(code)) return { name: 'no-tls', again: false };
  if (/CERT|SELF_SIGNED|SSL|TLS/i.test(code)) return { name: 'certificate', again: false };
  if (NO_ROUTE.includes(code)) {
    const atHome = /^https?:\/\/(localhost|127\.|\[::1\])/.test(url);
    return { name: 'unreachable', again: code !== 'ENOTFOUND' && !(code === 'ECONNREFUSED' && atHome) };
  }
  if (error instanceof SyntaxError || cause instanceof SyntaxError) return { name: 'half-json', again: true };
  if (error instanceof APIConnectionError || error instanceof TypeError || code) return { name: 'connection', again: true }; // biome-ignore format: one line
  const { name } = (error ?? {}) as Error;
  return { name: name === 'TimeoutError' || name === 'AbortError' ? 'timeout' : 'answer', again: true };
}

function ofStatus(error: APIError, status: number): Fault {
  if (status === 402 || (status === 429 && NO_CREDIT.test(`${error.code} ${error.message}`))) return { name: 'no-credit', again: false }; // biome-ignore format: one line
  if (blames(error, /mmproj|image input|\bvision\b/i)) return { name: '400', again: false }; // llama.cpp calls it a fault of its own
  if (NOT_THERE.includes(status) && !inForm(error)) return { name: 'not-openai', again: false };
  const again = status === 408 || status === 409 || status === 429 || (status >= 500 && status !== 501);
  return { name: `${status}`, again, pause: again ? retryAfter(error.headers) : undefined };
}

const blames = ({ status, message }: APIError, what: RegExp) => (status ?? 0) >= 500 && what.test(message);

/** Whether an error came in OpenAI's form, `{"error": {"message": …}}`, or at least with such a message. */
const inForm = ({ error }: APIError): boolean =>
  typeof error === 'string' || typeof (error as { message?: unknown } | undefined)?.message === 'string';

/** Milliseconds; the header has seconds or a date. */
function retryAfter(headers: Headers | undefined): number | undefined {
  const value = headers?.get('retry-after');
  if (!value) return undefined;
  const seconds = Number(value);
  const milliseconds = Number.isFinite(seconds) ? seconds * 1000 : Date.parse(value) - Date.now();
  return Number.isFinite(milliseconds) ? Math.max(0, milliseconds) : undefined;
}

/** Letters of what a server says that are quoted. */
const MOST_QUOTED = 240;

/** What a server said, fit to be quoted: no page, no key, not long. */
function quoted(text: string, key: string | undefined): string {
  const plain = /<\w+[^>]*>/.test(text) ? 'a page in place of an answer' : text.replace(/\s+/g, ' ').trim();
  const hidden = key ? plain.replaceAll(key, '***') : plain;
  return hidden.length > MOST_QUOTED ? `${hidden.slice(0, MOST_QUOTED)} …` : hidden;
}

export interface Asked extends ServerRef {
  /** What must never be told. */
  key?: string;
}

/** Why a request will never be answered. */
export function refusal(error: unknown, fault: string, { model, url, key }: Asked): RecaptionError {
  if (error instanceof RecaptionError) return error;
  const said = quoted(reason(error).replace(/^\d{3} /, ''), key);
  const root = rootOf(error);
  const told = (code: string, message: string, hint: string) => new RecaptionError(code, message, { place: url, hint, cause: error }); // biome-ignore format: one line
  const elsewhere = /^3/.test(fault) && error instanceof APIError && error.headers?.get('location');
  if (elsewhere) return told('server-unreachable', `the server sends on to ${quoted(elsewhere, key)}`, 'Give the address that it names, up to /v1.'); // biome-ignore format: one line
  switch (fault) {
    case '401':
      return told('server-key', `the server does not take the key (${said})`, `Put the right one into ${KEY_VARIABLES[0]}; it is never stored.`); // biome-ignore format: one line
    case '403':
      return told('server-key', `the server does not let us in (${said})`, `Check the key in ${KEY_VARIABLES[0]}, what it may do, and the address.`); // biome-ignore format: one line
    case '404':
      return told('server-no-model', `the server has nothing there, or no model "${model}" (${said})`, 'Check the name, and that the address ends as the server wants it, mostly in /v1.'); // biome-ignore format: one line
    case 'not-openai':
      return notOpenAi(url, said);
    case 'no-credit':
      return told('server-no-credit', `the server wants to be paid first (${said})`, 'Look into the account that the key belongs to.'); // biome-ignore format: one line
    case 'no-tls':
      return told('server-unreachable', 'what answers there speaks http, not https', 'Begin the address with http://.'); // biome-ignore format: one line
    case 'certificate': {
      const other = root.code === 'ERR_TLS_CERT_ALTNAME_INVALID';
      const hint = other ? 'Use the name that the certificate is for.' : 'Use http:// for a server at home, or name its authority: NODE_EXTRA_CA_CERTS=ca.pem.'; // biome-ignore format: one line
      return told('server-certificate', `the server's certificate is not trusted (${quoted(root.message.split(';')[0], key)})`, hint); // biome-ignore format: one line
    }
    case 'unreachable':
      return told('server-unreachable', `nobody answers there (${quoted(root.message, key)})`, 'Start the server, or check its address and the network.'); // biome-ignore format: one line
    default:
      return told('server-refused', `the server refuses the request: ${said}`, "The server's log may say more."); // biome-ignore format: one line
  }
}

/** That a request was made often enough. */
export function exhausted(error: unknown, fault: string, { url, key }: Asked, tries: number): RecaptionError {
  const what = fault === 'timeout' ? 'it did not answer in time' : quoted(rootOf(error).message || reason(error), key); // biome-ignore format: one line
  const hint =
    fault === 'timeout' ? 'Give it more time, or ask fewer at once: --timeout, --concurrency.' :
    fault === '429' ? 'Ask less often, or fewer at once: --rpm, --concurrency.' :
    fault === 'unreachable' ? 'Start the server, or check its address and the network.' : "The server's log may say more."; // biome-ignore format: one line
  const code = fault === 'unreachable' ? 'server-unreachable' : 'server-failed';
  return new RecaptionError(code, `the server was asked ${tries} times in vain (${fault}: ${what})`, { place: url, hint, cause: error }); // biome-ignore format: one line
}

export const notOpenAi = (url: string, what: string): RecaptionError =>
  new RecaptionError('server-not-openai', `what answers there does not speak OpenAI's protocol (${what})`, {
    place: url,
    hint: 'The address is mostly http://HOST:PORT/v1.',
  });
