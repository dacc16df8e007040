import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { RecaptionError } from '../../errors.ts';
import type { Image } from '../../image/image.ts';
import { graphDecoder } from '../../models/graph-captioner/decoder.ts';
import { graphCaptionerLoss, graphKinds, WORD_KINDS } from '../../models/graph-captioner/index.ts';
import { loadWeights } from '../../models/model-folder.ts';
import { type Arrays, compile, type Device, type Program, params } from '../../tensor/index.ts';
import { loadTokenizer, type Tokenizer } from '../../text/tokenizer.ts';
import type { Explanation, PictureContext } from '../captioner.ts';
import { specialTokens } from '../network.ts';
import type { OpenNetwork } from '../open.ts';
import { openSight, type Sight } from '../regions/sight.ts';
import { firstOf } from '../relations/relation-set.ts';
import { type EdgeFinder, openEdges } from './edges.ts';
import { type GraphCaptionerFile, graphCaptionerFolder } from './folder.ts';
import { type Graph, graphArrays } from './inputs.ts';

export interface OpenGraphCaptioner extends OpenNetwork {
  file: GraphCaptionerFile;
  /** What it sees in pictures, and its network's inputs for them. */
  graphs(
    images: readonly Image[],
    batch: number,
    contexts?: readonly PictureContext[],
  ): Promise<{ graphs: Graph[]; arrays: Arrays }>;
}

/**
 * Opens a graph captioner by its folder.
 * @param vision where its encoders lie now, in any order @param regions where its detector lies now
 * @throws RecaptionError `bad-model`, `bad-weights`, `bad-config`, and those of `openSight`
 */
export async function openGraphCaptioner(
  ref: string,
  device: Device,
  vision?: string[],
  regions?: string,
): Promise<OpenGraphCaptioner> {
  const { folder, files, file, relations } = await graphCaptionerFolder(ref);
  const { model: config, graph } = file;
  const tree = params();
  graphCaptionerLoss(tree, config, { batch: 1, captions: 1 }); // declares every tensor it must have
  const weights = await loadWeights(files['model.safetensors'], tree.all);
  const tokenizer = await loadTokenizer(files['tokenizer.json']);
  if (tokenizer.vocabSize !== config.vocabulary) {
    throw new RecaptionError('bad-model', `the tokenizer has ${tokenizer.vocabSize} tokens, the network ${config.vocabulary}`, {
      place: folder,
      hint: 'tokenizer.json belongs to another model: copy the whole folder again.',
    }); // biome-ignore format: one line
  }
  const sight = await openSight({ regions: regions ?? file.regions.ref, vision: vision ?? file.vision.map(({ ref }) => ref) }, device); // biome-ignore format: one line
  let edges: EdgeFinder | undefined;
  try {
    checkSight(sight, file, folder);
    if (graph) edges = await openEdges({ relations, by: graph.by, device }, sight);
  } catch (error) {
    await sight.close();
    throw error;
  }
  const digest = createHash('sha256')
    .update(await readFile(files['model.safetensors']))
    .digest('hex')
    .slice(0, 10);
  const graphs: OpenGraphCaptioner['graphs'] = async (images, batch, contexts = []) => {
    const proposed = await sight.proposer.propose(images.map((image, i) => ({ image, regions: contexts[i]?.regions ?? [] }))); // biome-ignore format: one line
    const seen = images.map(({ width, height }, i) => firstOf({ regions: proposed[i], aspect: width / height }, config.regions.most)); // biome-ignore format: one line
    const features = await sight.features(images, batch);
    const found = await edges?.find(
      seen.map((regions, i) => ({ regions, relations: contexts[i]?.relations })),
      features,
      { batch, most: config.edges },
    );
    const all = seen.map(
      (regions, i): Graph => ({
        regions,
        edges: found?.[i].filter(({ score }) => score >= graph!.threshold) ?? [],
      }),
    );
    return { graphs: all, arrays: { ...features, ...graphArrays(all, config, batch) } };
  };
  // The kinds of words are those that a caption, once written, is read to have.
  const speakers = new Map<number, Promise<Program>>();
  const speakerFor = (batch: number): Promise<Program> => {
    const speaker = speakers.get(batch) ?? compile({ outputs: { kinds: graphKinds(params(), config, batch)! }, frozen: weights, device }); // biome-ignore format: one line
    speakers.set(batch, speaker);
    return speaker;
  };
  const explain = async (
    images: readonly Image[],
    batch: number,
    tokens: number[][],
    contexts?: readonly PictureContext[],
  ): Promise<Explanation[]> => {
    const { graphs: seen, arrays } = await graphs(images, batch, contexts);
    const { maxTokens } = config;
    const rows = new Int32Array(batch * maxTokens);
    const bos = tokenizer.specialId('<bos>');
    for (const [i, ids] of tokens.entries()) rows.set([bos, ...ids].slice(0, maxTokens), i * maxTokens);
    const kinds = config.kinds === 'none' ? undefined : ((await (await speakerFor(batch)).run({ ...arrays, tokens: rows })).kinds as Float32Array); // biome-ignore format: one line
    return seen.map(({ regions, edges }, i) => ({
      graph: {
        regions: regions.regions.map(({ box, label, score }) => ({ label: file.regions.labels[label] ?? '', score, box })), // biome-ignore format: one line
        relations: edges.map((edge) => ({ ...edge, predicate: graph!.predicates[edge.predicate] })),
      },
      words: kinds ? wordsWithKinds(tokens[i], kinds.subarray(i * maxTokens * 3, (i + 1) * maxTokens * 3), tokenizer) : [], // biome-ignore format: one line
    }));
  };
  return {
    id: `${basename(folder)}-${digest}`,
    file,
    asked: config,
    tokenizer,
    resolution: sight.resolution,
    graphs,
    inputs: async (images, batch, contexts) => (await graphs(images, batch, contexts)).arrays,
    explain,
    decoder: (batch) => graphDecoder(config, weights, specialTokens(tokenizer), { batch, device }),
    async close() {
      for (const program of speakers.values()) await (await program).dispose();
      await edges?.close();
      await sight.close();
    },
  };
}

/** Its detector and its encoders must be those that it was trained with. @throws RecaptionError `bad-model` */
export function checkSight(
  { proposer, encoders, maps }: Sight,
  { regions, model }: GraphCaptionerFile,
  place: string,
): void {
  if (proposer.id !== regions.id) {
    throw new RecaptionError('bad-model', `the captioner was trained on the regions of ${regions.id}, these are of ${proposer.id}`, {
      place,
      hint: 'Name its own detector by --regions, with the same description.',
    }); // biome-ignore format: one line
  }
  const missing = model.regions.maps.find(({ encoder, name }) => !maps.some((map) => map.encoder === encoder && map.name === name)); // biome-ignore format: one line
  if (!missing) return;
  throw new RecaptionError(
    'bad-model',
    `the captioner was trained on the vision encoder ${missing.encoder}`,
    {
      place: encoders.map(({ ref, id }) => `${ref} is ${id}`).join(', ') || place,
      hint: 'Name its model file, with the same description, by --vision.',
    },
  );
}

/** Words of a caption, each with the likeliest kind of its first token; probabilities (T, 3). */
function wordsWithKinds(
  tokens: readonly number[],
  kinds: Float32Array,
  tokenizer: Tokenizer,
): Explanation['words'] {
  const words: Explanation['words'] = [];
  for (const [t, token] of tokens.entries()) {
    const text = tokenizer.decode([token]);
    const own = kinds.subarray(3 * t, 3 * t + 3);
    const kind = WORD_KINDS[own.indexOf(Math.max(...own))];
    const begins = /^\s/.test(text) || words.length === 0 || words.at(-1)!.text.trim() === '';
    if (begins) words.push({ text, kind });
    else words.at(-1)!.text += text;
  }
  return words.map(({ text, kind }) => ({ text: text.trim(), kind })).filter(({ text }) => text !== '');
}
