/** What commands add for models behind a server: limits, prices, estimates. */
import { type Command, InvalidArgumentError } from 'commander';
import type { ServerCaptionerOptions } from '../captioners/server/captioner.ts';
import { openDataset } from '../data/index.ts';
import { UsageError } from '../errors.ts';
import { measureImage } from '../image/index.ts';
import type { ConnectionOptions } from '../remote/connection.ts';
import type { Cost } from '../remote/picture-chat.ts';
import { isServerRef } from '../remote/reference.ts';
import type { Context } from './main.ts';
import { number, wholeNumber } from './options.ts';
import { counted, formatDuration, type Output, printable } from './output.ts';

/** Whoever asks a server may say how fast and how long. */
export interface ServerPatience {
  rpm?: number;
  timeout?: number;
}

/** And how much, where pictures are sent. */
export interface ServerLimits extends ServerPatience {
  tries?: number;
  tpm?: number;
  maxSide?: number;
  price?: { in: number; out: number };
}

export const addPatienceOptions = (command: Command): Command =>
  command.option('--rpm <n>', 'requests that a server is sent in a minute at most', wholeNumber(1)).option(
    '--timeout <s>',
    'seconds that an answer of a server may take (default: 120)',
    number('above 0', (s) => s > 0),
  );

export const addServerOptions = (command: Command): Command =>
  addPatienceOptions(command)
    .option('--tries <n>', 'times that a server is sent a request at most (default: 6)', wholeNumber(1, 100))
    .option('--tpm <n>', 'tokens that a server is sent and asked for in a minute at most', wholeNumber(1))
    .option(
      '--max-side <pixels>',
      'longest side of the pictures that a server is sent (default: 1024)',
      wholeNumber(32, 8192),
    )
    .option(
      '--price <in,out>',
      'what a million tokens cost, those sent and those that come back: shows the cost',
      priceOf,
    );

interface ServerChoices extends ServerLimits {
  concurrency?: number;
  limit?: number;
  where?: string;
}

/** Parses `0.15,0.6`. */
function priceOf(text: string): { in: number; out: number } {
  const prices = text.split(',').map(Number);
  if (prices.length === 2 && prices.every((price) => Number.isFinite(price) && price >= 0))
    return { in: prices[0], out: prices[1] };
  throw new InvalidArgumentError('It must be two numbers, such as 0.15,0.6.');
}

/** How a server is asked, as far as somebody said so. */
export const connectionOptions = ({ rpm, tpm, timeout, tries, concurrency }: ServerLimits & { concurrency?: number }): ConnectionOptions =>
  Object.fromEntries(Object.entries({ requestsPerMinute: rpm, tokensPerMinute: tpm, timeout, tries, concurrency }).filter(([, value]) => value !== undefined)); // biome-ignore format: one line

const LIMITS = ['rpm', 'tpm', 'timeout', 'tries', 'maxSide', 'price'] as const;

/** @param option that names the models @throws UsageError for limits where none of the models is behind a server */
export function refuseWithoutServer(
  refs: readonly (string | undefined)[],
  limits: ServerLimits,
  option: string,
): void {
  const limit = LIMITS.find((name) => limits[name] !== undefined);
  if (limit === undefined || refs.some((ref) => ref !== undefined && isServerRef(ref))) return;
  throw new UsageError(`--${limit.replace('S', '-s')} is for models behind a server`, { hint: `Name one by ${option} openai:MODEL@URL.` }); // biome-ignore format: one line
}

export const serverOptions = (choices: ServerChoices): ServerCaptionerOptions => ({
  ...connectionOptions(choices),
  prices: choices.price,
  ...(choices.maxSide !== undefined && { maxSide: choices.maxSide }),
});

/** What was spent, and what went wrong on the way. */
export function tellCost(cost: Cost | undefined, output: Output): void {
  if (!cost || cost.requests === 0) return;
  output.record({ kind: 'cost', ...cost });
  const tokens = `${cost.tokensIn.toLocaleString('en')} tokens sent, ${cost.tokensOut.toLocaleString('en')} received`;
  const price = cost.price === undefined ? '' : `, ${cost.price.toFixed(4)} spent`;
  output.note(`${counted(cost.requests, 'request')}, ${tokens}${price}`);
  const faults = Object.entries(cost.faults).map(([fault, count]) => `${fault} ${count} ×`);
  if (faults.length > 0) output.note(`asked again: ${faults.join(', ')}`);
}

/** Pictures whose size is looked at: the others will be like them. */
const LOOKED_AT = 200;

/** Says what captioning would take, without asking anybody. */
export async function estimate(
  place: string,
  writers: readonly { ref: string; recipe?: string }[],
  choices: ServerChoices,
  { output, signal }: Context,
): Promise<void> {
  if (!writers.every(({ ref }) => isServerRef(ref)))
    throw new UsageError('--dry-run is for models behind a server', { hint: 'Captioners that run here cost nothing: use --limit to try one.' }); // biome-ignore format: one line
  const { captionTokens, SERVER_DEFAULTS } = await import('../captioners/server/captioner.ts');
  const { loadRecipe } = await import('../captioners/server/recipe.ts');
  const {
    limit = Number.POSITIVE_INFINITY,
    where,
    price,
    rpm,
    tpm,
    maxSide = SERVER_DEFAULTS.maxSide,
  } = choices;
  const sizes: { width: number; height: number }[] = [];
  let pictures = 0;
  for await (const { image } of await openDataset(place, { where })) {
    if (signal.aborted || pictures >= limit) break;
    pictures++;
    if (sizes.length >= LOOKED_AT) continue;
    const size = await measureImage(image.path ?? (await image.bytes())).catch(() => undefined);
    if (size) sizes.push(size);
  }
  for (const { ref, recipe: name = SERVER_DEFAULTS.recipe } of writers) {
    const recipe = await loadRecipe(name);
    const expected = sizes.map((size) => captionTokens(recipe, size, maxSide));
    const mean = (of: (tokens: { in: number; out: number }) => number) =>
      expected.reduce((sum, tokens) => sum + of(tokens), 0) / Math.max(1, expected.length);
    const [sent, received] = [pictures * mean((tokens) => tokens.in), pictures * mean((tokens) => tokens.out)].map(Math.round); // biome-ignore format: one line
    const minutes = Math.max(rpm ? pictures / rpm : 0, tpm ? (sent + received) / tpm : 0);
    const cost = price && (sent * price.in + received * price.out) / 1e6;
    output.record({ kind: 'estimate', captioner: ref, recipe: name, pictures, tokensIn: sent, tokensOut: received, ...(cost !== undefined && { price: cost }), ...(minutes > 0 && { minutes }) }); // biome-ignore format: one line
    output.print(`${printable(ref)}, ${printable(name)}: ${counted(pictures, 'picture')}, about ${sent.toLocaleString('en')} tokens sent and ${received.toLocaleString('en')} received`); // biome-ignore format: one line
    if (cost !== undefined)
      output.print(
        `  about ${cost < 1 ? cost.toPrecision(2) : cost.toFixed(2)} at ${price!.in} and ${price!.out} a million`,
      );
    if (minutes > 0) output.print(`  at least ${formatDuration(minutes * 60)}, by the limits`);
  }
}
