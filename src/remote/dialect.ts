/** What a server has not yet shown that it does not take: found out once, for all requests. */
import { APIError } from 'openai';
import { RecaptionError } from '../errors.ts';

/** Parameters that a request can do without. */
const OPTIONAL = ['temperature', 'top_p', 'seed', 'logprobs', 'top_logprobs', 'response_format'];
/** Parameters, as servers speak of them. */
const SPOKEN: Record<string, RegExp> = {
  response_format: /response_format|json_schema/i,
  logprobs: /log_?prob/i,
  top_logprobs: /log_?prob/i,
};

export interface Dialect {
  /**
   * Sends a request. What the server says that it does not take is left out, and from then on of every request; `max_tokens` goes by its newer name where
   * that is asked for.
   * @throws RecaptionError those of `send`, where nothing can be left out any more
   */
  speak<B extends object, T>(body: B, send: (body: B) => Promise<T>): Promise<T>;
  /** Not to be asked for again. */
  without(parameter: string): void;
}

export function dialect(): Dialect {
  const left = new Set<string>();
  let newer = false;
  let learnt = 0;
  const leave = (parameter: string) => {
    if (left.has(parameter)) return;
    left.add(parameter);
    learnt++;
  };
  const spoken = <B extends object>(body: B): B => {
    const entries = Object.entries(body).filter(([name]) => !left.has(name));
    return Object.fromEntries(entries.map(([name, value]) => [newer && name === 'max_tokens' ? 'max_completion_tokens' : name, value])) as B; // biome-ignore format: one line
  };
  /** @returns whether anything was learnt from a refusal */
  const learn = (body: object, error: RecaptionError): boolean => {
    const before = learnt;
    const { message, cause } = error;
    const param = cause instanceof APIError ? (cause.param ?? '') : '';
    const is = (name: string) =>
      param === name || (SPOKEN[name] ?? new RegExp(`\\b${name}\\b`)).test(message);
    if ('max_tokens' in body && /max_completion_tokens/.test(message)) {
      newer = true;
      learnt++;
    } else for (const name of OPTIONAL) if (name in body && is(name)) leave(name);
    return learnt > before;
  };
  return {
    async speak(body, send) {
      for (;;) {
        const known = learnt;
        const own = spoken(body);
        try {
          return await send(own);
        } catch (error) {
          if (!(error instanceof RecaptionError) || error.code !== 'server-refused') throw error;
          if (known === learnt && !learn(own, error)) throw error; // otherwise another request has learnt it meanwhile
        }
      }
    },
    without: leave,
  };
}
