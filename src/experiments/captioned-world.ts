/** Scenes with the captions of the web, of our own captioners, and some more scenes to take prompts from. */
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { loadCaptioner } from '../captioners/load.ts';
import { importSources, openCatalog } from '../data/catalog/index.ts';
import { writeDataset } from '../data/index.ts';
import type { Caption } from '../data/sample.ts';
import { RecaptionError } from '../errors.ts';
import { exists, writeFileAtomic } from '../files.ts';
import { captionWorkspace } from '../jobs/workspace-job.ts';
import type { Device } from '../tensor/device.ts';
import { type WorldCaptionKind, type WorldOptions, worldDataset } from '../world/index.ts';

type Drawn = Omit<WorldOptions, 'count' | 'seed' | 'kinds' | 'offset'>;

export interface CaptionedWorldOptions {
  /** Folder to make: `scenes`, `workspace` and `prompts` lie in it. */
  out: string;
  /** Scenes that are learnt, and scenes that prompts are taken from: of another seed. */
  scenes: number;
  prompts: number;
  world: Drawn;
  /** What the prompts' scenes are like: as many of each. Default: as those that are learnt. */
  asked?: readonly Drawn[];
  seed: number;
  /** Who writes the short and the descriptive captions, by reference. */
  captioners: readonly string[];
  /** The scenes also come with true descriptions, as captions by people. */
  truth?: boolean;
  device: Device;
  signal: AbortSignal;
}

export interface PreparingEvent {
  kind: 'preparing';
  what: string;
  done: number;
  total: number;
  imagesPerSecond: number;
  secondsLeft: number;
}

/**
 * Captions are drawn, not searched for. A captioner that always takes the likeliest word says a thing in few ways, and who learns from it
 * understands no others: descriptions of 400 scenes by `plain-world` are built in 275 ways when it searches, in 374 when it draws at 0.5 (true
 * ones in 396), and as many are true.
 */
const TEMPERATURE = 0.5;

/** Prompts come from scenes of a seed that nobody is trained on. */
const APART = 1_000_000;

/**
 * Draws the scenes, collects them in a workspace and captions them there, whatever of that is still to do.
 * @returns the places to learn from and to take prompts from; undefined where it was stopped
 */
export async function* captionedWorld({
  out,
  scenes,
  prompts,
  world,
  seed,
  captioners,
  asked = [world],
  truth = false,
  device,
  signal,
}: CaptionedWorldOptions): AsyncGenerator<PreparingEvent, { data: string; test: string[] } | undefined> {
  const [data, drawn] = ['workspace', 'scenes'].map((name) => join(out, name));
  const kinds: WorldCaptionKind[] = truth ? ['alt', 'descriptive'] : ['alt'];
  const learnt = { ...world, count: scenes, seed, kinds, truth };
  yield* draw(drawn, learnt, 'drawing scenes', signal);
  const test = asked.map((_, i) => join(out, i === 0 ? 'prompts' : `prompts-${i + 1}`));
  for (const [i, own] of asked.entries())
    yield* draw(test[i], { ...own, count: prompts, seed: seed + (i + 1) * APART, prefix: `${i + 1}-` }, 'drawing scenes for prompts', signal); // biome-ignore format: one line
  if (signal.aborted) return undefined;
  await mkdir(data, { recursive: true });
  const catalog = await openCatalog(data, { create: true });
  try {
    for await (const event of importSources(catalog, [drawn], { look: false, signal }))
      if (event.kind === 'progress') yield progress('collecting', event.seen, scenes, event.imagesPerSecond);
    for (const ref of captioners) {
      if (signal.aborted) return undefined;
      const captioner = await loadCaptioner(ref, { device });
      try {
        const job = captionWorkspace({
          catalog,
          captioner,
          request: { temperature: TEMPERATURE, seed },
          signal,
        });
        for await (const event of job)
          if (event.kind === 'progress') yield progress(`${captioner.kind} captions by ${captioner.id}`, event.done, event.total, event.imagesPerSecond); // biome-ignore format: one line
      } finally {
        await captioner.close();
      }
    }
  } finally {
    catalog.close();
  }
  return signal.aborted ? undefined : { data, test };
}

/** What a folder of scenes was drawn from, written when all are there. */
const WHOLE = 'world.json';
const TELL_EVERY = 200; // milliseconds

/** Draws scenes into shards, unless all are there. */
async function* draw(
  to: string,
  { prefix = '', truth = false, ...options }: WorldOptions & { prefix?: string; truth?: boolean },
  what: string,
  signal: AbortSignal,
): AsyncGenerator<PreparingEvent> {
  const place = join(to, WHOLE);
  if (await exists(place)) {
    if ((await readFile(place, 'utf8')).trim() === JSON.stringify(options)) return;
    throw new RecaptionError('run-differs', 'the scenes in this folder were drawn with other options', {
      place: to,
      hint: 'Repeat the command that they were drawn with, or name another --out.',
    });
  }
  const started = performance.now();
  let drawn = 0;
  const told = () => progress(what, drawn, options.count, (1000 * drawn) / (performance.now() - started));
  const scenes = async function* () {
    for await (const scene of worldDataset(options)) {
      if (signal.aborted) throw signal.reason;
      yield {
        ...scene,
        key: prefix + scene.key,
        captions: truth ? scene.captions.map(asPeoples) : scene.captions,
      };
      drawn++;
    }
  };
  const written = writeDataset(scenes(), { to, format: 'webdataset', overwrite: true });
  let done = false;
  const over = written.finally(() => {
    done = true;
  });
  while (!done) {
    await Promise.race([over, setTimeout(TELL_EVERY)]);
    yield told();
  }
  await written;
  await writeFileAtomic(place, `${JSON.stringify(options)}\n`);
}

function progress(what: string, done: number, total: number, rate: number): PreparingEvent {
  return { kind: 'preparing', what, done, total, imagesPerSecond: rate, secondsLeft: (total - done) / rate };
}

/** A true description beside alt texts is what people wrote; descriptive captions are to come from a captioner. */
const asPeoples = (caption: Caption): Caption =>
  caption.kind === 'descriptive' ? { ...caption, kind: 'human' } : caption;
