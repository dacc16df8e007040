/**
 * Trains the language model that makes prompts longer, and that comes with the package.
 *
 *     node scripts/learn-prompt-writer.ts --out DIR [--minutes 20] [--scenes 20000] [--captions SOURCE …] [--long FILE.jsonl …] [--seed 1] [--resume]
 *
 * Pairs of a prompt and a description come from three places: scenes of the world (what a short caption or the first sentence of a description says, and
 * the whole description), pictures with several captions by people (`--captions`: one of them, and all of them fused), and long descriptions by people
 * (`--long`: the beginning of the first sentence, and what follows, up to 80 words).
 */
import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { type Pair, trainPromptWriter } from '../src/captioners/train-prompt-writer.ts';
import { finetuneSet } from '../src/jobs/finetune-set.ts';
import { random } from '../src/random.ts';
import { countWords } from '../src/text/count-words.ts';
import { normaliseCaption } from '../src/text/normalise-caption.ts';
import { loadSceneGraphParser } from '../src/text/scene-graph/index.ts';
import { captionScene, groupsOf, PLAIN, type Scene, sampleScene } from '../src/world/index.ts';

const { values } = parseArgs({
  options: {
    out: { type: 'string' },
    minutes: { type: 'string', default: '20' },
    scenes: { type: 'string', default: '20000' },
    captions: { type: 'string', multiple: true, default: [] },
    long: { type: 'string', multiple: true, default: [] },
    seed: { type: 'string', default: '1' },
    resume: { type: 'boolean', default: false },
  },
});
if (!values.out) throw new Error('--out DIR is missing');
const seed = Number(values.seed);
const MOST = 80;

/** A seed of its own: scenes that generators and captioners are trained and judged on have others. */
const WORLD_SEED = 71;

function* fromScenes(count: number): Generator<Pair> {
  for (let i = 0; i < count; i++) {
    const draw = random(seed, 'prompt-of-scene', i);
    const scene = sampleScene(WORLD_SEED, i, draw.uniform() < 0.6 ? { ...PLAIN, maxObjects: 3 } : {});
    const description = captionScene(scene, 'descriptive', draw);
    const prompt = promptOf(scene, description, draw.uniform());
    if (countWords(description) <= MOST && prompt !== undefined) yield { prompt, description };
  }
}

/** What somebody would type who wants the whole of this scene and no more: nothing that is in it may come as a surprise. */
function promptOf(scene: Scene, description: string, chance: number): string | undefined {
  const [first, ...others] = description.split(/(?<=\.) /);
  const groups = groupsOf(scene).length;
  if (groups === 1)
    return chance < 0.7 ? captionScene(scene, 'short', random(seed, 'short', description)) : first;
  // The first sentence names all of it, if it is a list or tells of the first two.
  const named = groups <= 2 || /,| and /.test(first);
  if (!named || others.length === 0 || /background/i.test(first.slice(0, 16))) return undefined;
  return chance < 0.5 ? first.replace(/\.$/, '') : first;
}

async function* fromCaptions(sources: readonly string[]): AsyncGenerator<Pair> {
  if (sources.length === 0) return;
  const parser = await loadSceneGraphParser();
  for await (const { sample, before } of finetuneSet(sources, { kind: 'descriptive', parser })) {
    const [{ text: description }] = sample.captions;
    const people = before.filter(({ kind }) => kind === 'human').map(({ text }) => normaliseCaption(text));
    const words = countWords(description);
    if (words < 15 || words > MOST) continue;
    for (const prompt of random(seed, 'people', sample.key).shuffle(people).slice(0, 2))
      yield { prompt, description };
  }
}

async function* fromLong(files: readonly string[]): AsyncGenerator<Pair> {
  for (const file of files)
    for (const line of (await readFile(file, 'utf8')).split('\n').filter((one) => one.trim() !== '')) {
      const { description } = JSON.parse(line) as { description: string };
      const sentences = description.split(/(?<=[.!?])\s+/);
      // Each run of sentences is a text of its own: a person wrote 200 words, a prompt has 80.
      for (let at = 0; at + 1 < sentences.length; at += 3) {
        const kept: string[] = [];
        for (const sentence of sentences.slice(at)) {
          if (countWords([...kept, sentence].join(' ')) > MOST) break;
          kept.push(sentence);
        }
        const text = kept.join(' ');
        if (kept.length < 2 || countWords(text) < 20) continue;
        const start = kept[0].replace(/[.!?]$/, '').split(/, | (?:with|that|which|while) /)[0];
        if (countWords(start) >= 3 && countWords(start) <= 16) yield { prompt: start, description: text };
      }
    }
}

const pairs: Pair[] = [...fromScenes(Number(values.scenes))];
const scenes = pairs.length;
for await (const pair of fromCaptions(values.captions)) pairs.push(pair);
const people = pairs.length - scenes;
for await (const pair of fromLong(values.long)) pairs.push(pair);
console.log(
  `${scenes} pairs of scenes, ${people} of captions by people, ${pairs.length - scenes - people} of long descriptions`,
);
for (const { prompt, description } of [pairs[0], pairs[scenes], pairs.at(-1)].filter((pair) => pair !== undefined)) console.log(`  ${prompt}\n    → ${description}`); // biome-ignore format: one line

const abort = new AbortController();
process.once('SIGINT', () => abort.abort());
const config = { model: { vocabulary: 3000, width: 160, layers: 4, heads: 4, maxTokens: 144 } };
const shuffled = random(seed, 'pairs').shuffle(pairs);
for await (const event of trainPromptWriter({
  pairs: shuffled,
  config,
  out: values.out,
  minutes: Number(values.minutes),
  seed,
  device: 'cpu',
  resume: values.resume,
  signal: abort.signal,
})) {
  if (event.kind !== 'step') console.log(JSON.stringify(event));
  else if (event.step % 50 === 0) console.log(`step ${event.step}, loss ${event.loss.toFixed(3)}, ${event.imagesPerSecond.toFixed(0)} pairs/s, ${(event.secondsLeft / 60).toFixed(1)} min left`); // biome-ignore format: one line
}
