/** A model of a server, by reference: `openai:MODEL@URL`. */
import { RecaptionError } from '../errors.ts';

export interface ServerRef {
  model: string;
  /** Base address, as OpenAI's clients have it: up to and with `/v1`. */
  url: string;
}

const PREFIX = 'openai:';
const EXAMPLE = 'Write openai:MODEL@URL, for example openai:qwen2.5-vl@http://localhost:8000/v1.';
const DEFAULT_URL = 'https://api.openai.com/v1';

export const isServerRef = (ref: string): boolean => ref.startsWith(PREFIX);

/** Names of models may have "@" in them: the last one before an address counts. @throws RecaptionError `bad-server` */
export function serverRef(ref: string): ServerRef {
  if (!isServerRef(ref))
    throw new RecaptionError('bad-server', `"${ref}" is no model of a server`, { hint: EXAMPLE });
  const rest = ref.slice(PREFIX.length);
  const [, model = rest, url = DEFAULT_URL] = /^(.*)@(https?:\/\/.*)$/.exec(rest) ?? [];
  const hint = EXAMPLE;
  const [, last] = /@([^@]*)$/.exec(model) ?? [];
  if (last !== undefined && /:\/\/|^localhost\b|:\d{2,5}(?:\/|$)|^[\w-]+(?:\.[\w-]+)+\//i.test(last))
    throw new RecaptionError('bad-server', `"${last}" is no address of a server`, { hint: `Begin it with http:// or https://. ${hint}` }); // biome-ignore format: one line
  if (model.trim() === '') throw new RecaptionError('bad-server', `"${ref}" names no model`, { hint });
  if (!URL.canParse(url)) throw new RecaptionError('bad-server', `"${url}" is no address`, { hint });
  const { username, password } = new URL(url);
  if (username || password) {
    throw new RecaptionError('bad-server', 'the address has a name or a password in it', {
      hint: `Give the key by ${KEY_VARIABLES.join(' or ')}: what is typed is stored with the captions.`,
    });
  }
  return { model, url: url.replace(/\/+$/, '') };
}

/** Where keys are looked for, in this order. */
export const KEY_VARIABLES = ['RECAPTION_API_KEY', 'OPENAI_API_KEY'] as const;

/** The key in the environment for a server. That of OpenAI is for OpenAI's own address: no other server shall see it. */
export function keyOf(env: Record<string, string | undefined>, url: string): string | undefined {
  const [own, openai] = KEY_VARIABLES.map((name) => env[name] || undefined);
  return own ?? (/(^|\.)openai\.(com|azure\.com)$/.test(new URL(url).hostname) ? openai : undefined);
}
