/** OpenAI's protocol, as far as it is spoken here. Everything that comes in is hostile until it has been read by these. */
import { z } from 'zod';

const text = z.object({ type: z.literal('text'), text: z.string() });
const picture = z.object({ type: z.literal('image_url'), image_url: z.object({ url: z.string() }) });
const content = z.union([z.string(), z.array(z.union([text, picture]))]);

export const chatSchema = z.looseObject({
  model: z.string(),
  messages: z.array(z.looseObject({ role: z.string(), content: content.nullish() })).min(1),
  stream: z.boolean().nullish(),
  stream_options: z.object({ include_usage: z.boolean().nullish() }).nullish(),
  temperature: z.number().min(0).max(2).nullish(),
  top_p: z.number().gt(0).max(1).nullish(),
  max_tokens: z.int().min(1).nullish(),
  max_completion_tokens: z.int().min(1).nullish(),
  seed: z.int().nullish(),
  n: z.int().min(1).max(1, 'one answer at a time is given').nullish(),
});
export type ChatRequest = z.infer<typeof chatSchema>;

export const imageSchema = z.looseObject({
  model: z.string().nullish(),
  prompt: z.string(),
  n: z.int().min(1).max(16).nullish(),
  size: z.string().nullish(),
  response_format: z.literal('b64_json', 'pictures are handed over as b64_json alone').nullish(),
  seed: z.int().min(0).nullish(),
});
export type ImageRequest = z.infer<typeof imageSchema>;

/** A refusal, in OpenAI's form. */
export class Refused extends Error {
  readonly status: number;
  readonly type: string;
  readonly code: string | null;
  readonly headers: Record<string, string>;
  constructor(
    status: number,
    message: string,
    code: string | null = null,
    headers: Record<string, string> = {},
  ) {
    super(message);
    this.status = status;
    this.type = status === 401 ? 'authentication_error' : status === 429 ? 'rate_limit_error' : status >= 500 ? 'server_error' : 'invalid_request_error'; // biome-ignore format: one line
    this.code = code;
    this.headers = headers;
  }
  body() {
    return { error: { message: this.message, type: this.type, param: null, code: this.code } };
  }
}

/** @throws Refused naming the first key that is missing or out of range */
export function parsed<T>(schema: z.ZodType<T>, value: unknown): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const { path, message } = result.error.issues[0];
  throw new Refused(400, `${path.join('.') || 'the body'}: ${message}`, 'invalid_value');
}

const DATA_URL = /^data:image\/[\w.+-]+;base64,([A-Za-z0-9+/=\s]*)$/;

/** Pictures of the last message that has any. @throws Refused for an address: a server fetches nothing for strangers */
export function picturesOf({ messages }: ChatRequest): Uint8Array[] {
  for (const message of messages.toReversed()) {
    if (!Array.isArray(message.content)) continue;
    const urls = message.content.flatMap((part) => (part.type === 'image_url' ? [part.image_url.url] : []));
    if (urls.length === 0) continue;
    return urls.map((url) => {
      const [, data] = DATA_URL.exec(url) ?? [];
      if (data === undefined)
        throw new Refused(400, 'a picture must be a data URL (data:image/png;base64,…)', 'invalid_image_url');
      return Buffer.from(data, 'base64');
    });
  }
  return [];
}
