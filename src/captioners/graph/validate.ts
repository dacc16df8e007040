import { scoreCaptions } from '../../metrics/index.ts';
import { graphDecoder } from '../../models/graph-captioner/decoder.ts';
import {
  bodyOf,
  type GraphCaptionerConfig,
  graphCaptionerLoss,
  still,
  WORD_KINDS,
} from '../../models/graph-captioner/index.ts';
import { graphNodes } from '../../models/graph-captioner/nodes.ts';
import { random } from '../../random.ts';
import {
  type Arrays,
  compile,
  type Device,
  input,
  params,
  softmax,
  type Tensor,
  type Weights,
} from '../../tensor/index.ts';
import type { Tokenizer } from '../../text/tokenizer.ts';
import { captionNetwork, specialTokens } from '../network.ts';
import { captionRows, type KindedImage } from './inputs.ts';

export interface GraphValidation {
  ciderD: number;
  bleu4: number;
  /** Cross-entropy of the written captions in nats a token. */
  captionLoss: number;
  /** Share of the words of the written captions whose kind is told right, and what is looked at as they are said. */
  kinds?: KindScores;
  samples: { key: string; caption: string; references: string[] }[];
}

export interface KindScores {
  accuracy: number;
  /** Of object words, and of predicate words: mean probability of "predicate" as a share of that and of "object", which steer the attention. */
  looksAtPredicates: { object: number; predicate: number };
}

/** Pictures captioned at once. */
const BATCH = 32;

/** How captions for pictures that it was not trained on score, and how well it knows what sort of word comes next. */
export async function validateGraph(
  config: GraphCaptionerConfig,
  weights: Weights,
  tokenizer: Tokenizer,
  images: readonly KindedImage[],
  inputsOf: (images: readonly KindedImage[], batch: number) => Promise<Arrays> | Arrays,
  { beam, captions, device }: { beam: number; captions: number; device: Device },
): Promise<GraphValidation> {
  const special = specialTokens(tokenizer);
  const network = captionNetwork(await graphDecoder(config, weights, special, { batch: BATCH, device }), config, tokenizer); // biome-ignore format: one line
  const plain = { ...still(config), labelSmoothing: 0 };
  const tree = params();
  const { words } = graphCaptionerLoss(tree, plain, { batch: BATCH, captions });
  const rows = BATCH * captions;
  const probabilities = params();
  const memory = bodyOf(plain).memory(probabilities, plain, graphNodes(probabilities, plain, BATCH));
  const said = bodyOf(plain).say(probabilities, plain, memory, input('tokens', [rows, plain.maxTokens], 'int32'), { captions }); // biome-ignore format: one line
  const outputs: Record<string, Tensor> = { words, ...(said.kinds && { kinds: softmax(said.kinds) }) };
  const program = await compile({ outputs, frozen: weights, device });
  const written: string[] = [];
  let [nats, tokens] = [0, 0];
  const kinds = kindCounter();
  for (let at = 0; at < images.length; at += BATCH) {
    const part = images.slice(at, at + BATCH);
    const inputs = await inputsOf(part, BATCH);
    written.push(...(await network.write(inputs, part.length, { beam })).map(({ text }) => text));
    const text = captionRows(part, { batch: BATCH, captions, maxTokens: plain.maxTokens }, special, random(0, 'validation', at / BATCH)); // biome-ignore format: one line
    const out = (await program.run({ ...inputs, ...text })) as Record<string, Float32Array>;
    const real = (text.real as Float32Array).reduce((sum, one) => sum + one, 0);
    nats += out.words[0] * real;
    tokens += real;
    if (out.kinds) kinds.add(out.kinds, text.kinds as Int32Array, text.real as Float32Array);
  }
  await network.dispose();
  await program.dispose();
  const references = images.map((image) => image.references);
  const { metrics } = await scoreCaptions(written, references, { metrics: ['CIDEr-D', 'Bleu_4'] });
  return {
    ciderD: metrics['CIDEr-D'],
    bleu4: metrics.Bleu_4,
    captionLoss: nats / Math.max(1, tokens),
    ...(said.kinds && { kinds: kinds.scores() }),
    samples: images
      .slice(0, 4)
      .map(({ key }, i) => ({ key, caption: written[i], references: references[i] })),
  };
}

const [OBJECT, PREDICATE] = WORD_KINDS.map((_, i) => i);

function kindCounter() {
  let [right, all] = [0, 0];
  const looks = { object: { sum: 0, count: 0 }, predicate: { sum: 0, count: 0 } };
  return {
    add(probabilities: Float32Array, kinds: Int32Array, real: Float32Array): void {
      for (const [i, kind] of kinds.entries()) {
        if (real[i] === 0) continue;
        const own = probabilities.subarray(3 * i, 3 * i + 3);
        all++;
        if (own.indexOf(Math.max(...own)) === kind) right++;
        const name = kind === OBJECT ? 'object' : kind === PREDICATE ? 'predicate' : undefined;
        if (name === undefined) continue;
        looks[name].sum += own[PREDICATE] / (own[OBJECT] + own[PREDICATE] + 1e-9);
        looks[name].count++;
      }
    },
    scores(): KindScores {
      const mean = ({ sum, count }: { sum: number; count: number }) => sum / Math.max(1, count);
      return {
        accuracy: right / Math.max(1, all),
        looksAtPredicates: { object: mean(looks.object), predicate: mean(looks.predicate) },
      };
    },
  };
}
