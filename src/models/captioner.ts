/**
 * The captioner of DALL-E 3 (Betker et al. 2023, section 2): a language model over caption tokens conditioned on an image
 * embedding, trained like CoCa (Yu et al. 2022) with a contrastive and a captioning loss at once.
 *
 *   pixels or frozen features ─► image tokens (B, S, C) ─► pooled embedding (B, 1, C)
 *   captions ─► unimodal half (text alone) ─► multimodal half (cross-attends to [pooled; image tokens]) ─► next token
 */
import {
  attend,
  attention,
  block,
  causalMask,
  embedding,
  HIDDEN,
  layerNorm,
  linear,
  mergeHeads,
  mlp,
  projectHeads,
} from '../nn/index.ts';
import {
  add,
  and,
  concat,
  constant,
  crossEntropy,
  div,
  dropout,
  equal,
  exp,
  expand,
  gather,
  input,
  lessOrEqual,
  logSoftmax,
  embedding as lookUp,
  matmul,
  max,
  maximum,
  mul,
  normal,
  layerNorm as normalise,
  ones,
  type Params,
  pad,
  quickGelu,
  reshape,
  softmax,
  split,
  sqrt,
  sub,
  sum,
  type Tensor,
  where,
  zeros,
} from '../tensor/index.ts';
import type { CaptionerConfig } from './captioner-config.ts';
import { type ImageInputs, imageTokens } from './vision/trained.ts';

/** Every position of the text embeds its token and its place in its caption. Shared by training and decoding. */
const embedText = (p: Params, c: CaptionerConfig, tokens: Tensor, positions: Tensor): Tensor =>
  add(
    embedding(p.at('text.tokens'), tokens, c.vocabulary, c.width),
    embedding(p.at('text.positions'), positions, c.maxTokens, c.width),
  );

/**
 * Whole vectors of (B, N, C) blanked at random: of a picture or a caption that is never seen whole, less can be learnt by heart.
 */
const blank = (x: Tensor, rate: number): Tensor =>
  rate === 0 ? x : mul(x, dropout(expand(constant(1), [x.shape[0], x.shape[1], 1]), rate));

/** The image as the decoder sees it: (B, 1 + S, C), the pooled embedding first. */
export const encodeImage = (p: Params, c: CaptionerConfig, inputs: ImageInputs): Tensor =>
  contextualise(p, c, imageTokens(p.at('vision'), c, inputs));

function contextualise(
  p: Params,
  c: CaptionerConfig,
  tokens: Tensor,
  { rate = 0, blanked = 0 } = {},
): Tensor {
  let x = dropout(blank(tokens, blanked), rate); // (B, S, C)
  for (let i = 0; i < c.imageLayers; i++)
    x = block(p.at(`image.${i}`), x, { heads: c.heads, dropout: rate, activation: quickGelu });
  x = layerNorm(p.at('image.norm'), x);
  const query = expand(p.get('pool.query', [1, 1, c.width], normal(0.02)), [x.shape[0], 1, c.width]);
  const pooled = attention(p.at('pool'), query, { heads: c.heads, context: x }); // (B, 1, C): one query, as in CoCa
  return concat([pooled, x], 1);
}

/** One layer of the decoder; `context` (the image) makes it a multimodal one. */
function textLayer(
  p: Params,
  x: Tensor,
  self: (x: Tensor) => Tensor,
  cross?: (x: Tensor) => Tensor,
  rate = 0,
): Tensor {
  x = add(x, dropout(self(layerNorm(p.at('norm1'), x)), rate));
  if (cross) x = add(x, dropout(cross(layerNorm(p.at('normCross'), x)), rate));
  return add(x, dropout(mlp(p.at('mlp'), layerNorm(p.at('norm2'), x), { activation: quickGelu }), rate));
}

/** The half of the decoder that sees text alone: (B, L, C) to the same. */
function textAlone(p: Params, c: CaptionerConfig, x: Tensor, mask: Tensor, rate = 0): Tensor {
  for (let i = 0; i < c.unimodalLayers; i++) {
    const at = p.at(`text.${i}`);
    x = textLayer(at, x, (y) => attention(at.at('self'), y, { heads: c.heads, mask }), undefined, rate);
  }
  return x;
}

const layers = (c: CaptionerConfig) => c.unimodalLayers + c.multimodalLayers;
const isMultimodal = (c: CaptionerConfig, i: number) => i >= c.unimodalLayers;

export interface LossInputs extends ImageInputs {
  batch: number;
  /** Tokens per image, its captions one after the other. */
  length: number;
  /** Captions per image. */
  captions: number;
  /** Reinforce captions by how much better than others they are (input `advantages`) instead of learning them all. They were drawn at this temperature. */
  reinforce?: { temperature: number };
  /** Weight of the words loss; 0 leaves it, and its input, out. */
  words?: number;
  /** Regions per image with words of their own, and the weight of the loss for naming these there. */
  regions?: { count: number; weight: number };
  /** Features of frozen encoders that trained vision learns to predict. */
  distil?: { groups: { name: string; tokens: number; width: number }[]; weight: number };
}

export interface Losses {
  /** What is minimised. */
  loss: Tensor;
  caption: Tensor;
  contrastive: Tensor;
  /** Cross-entropy of the words that the image tokens name, in nats, with vision trained here. */
  words?: Tensor;
  /** Cross-entropy of the words of regions at the cells of these, in nats. */
  regions?: Tensor;
  /** Share of the teachers' (normalised) features that is not predicted, when there are teachers. */
  distil?: Tensor;
}

/**
 * Training graph. Inputs beside the image's: `tokens`, `targets`, `positions`, `segments` (B, L) int32, where segment k ≥ 1 is
 * the image's k-th caption and 0 is padding; `ends` (B·K) int32, the flat position of each caption's end, and `present` (B·K).
 * With `reinforce`, `advantages` (B, L) is that of each token's caption, and `caption` the policy gradient's loss (Williams 1992).
 * The captions of one image lie in one sequence: a mask keeps them apart, and the image is encoded once for all of them.
 */
export function captionerLoss(p: Params, c: CaptionerConfig, shape: LossInputs): Losses {
  const { batch: b, length: t, captions: k } = shape;
  const ids = (name: string) => input(name, [b, t], 'int32');
  const segments = ids('segments');
  const seen = imageTokens(p.at('vision'), c, shape); // (B, S, C)
  const image = contextualise(p, c, seen, { rate: c.dropout, blanked: c.tokenDropout }); // (B, 1 + S, C)
  const { heads, width } = c;

  const apart = sub(
    reshape(segments, [b, t, 1]).cast('float32'),
    reshape(segments, [b, 1, t]).cast('float32'),
  );
  const steps = Float32Array.from({ length: t }, (_, i) => i);
  const earlier = lessOrEqual(constant(steps, [1, 1, t], 'float32'), constant(steps, [1, t, 1], 'float32'));
  const own = and(equal(apart, 0), earlier); // (B, L, L): what each position has behind it in its caption, itself included
  const mask = reshape(where(own, 0, HIDDEN), [b, 1, t, t]);

  const said = embedText(p, c, ids('tokens'), ids('positions'));
  const embedded = dropout(blank(said, c.tokenDropout), c.dropout); // (B, L, C)
  const unimodal = textAlone(p, c, embedded, mask, c.dropout);
  let x = unimodal;
  let covered: Tensor | undefined;
  if (c.grounded) {
    const [keys, values] = sayings(p, c, seen, image);
    const phrases = matmul(mul(own.cast('float32'), recency(p, t)), lookUp(wordTable(p, c), ids('tokens')));
    const places = placesOf(p, phrases, keys);
    x = add(x, readPlaces(p, c, places, values));
    covered = matmul(own.cast('float32'), places);
  }
  for (let i = c.unimodalLayers; i < layers(c); i++) {
    const at = p.at(`text.${i}`);
    const self = (y: Tensor) => attention(at.at('self'), y, { heads, mask });
    const cross = (y: Tensor) =>
      attention(at.at('cross'), y, {
        heads,
        context: image,
        mask: covered && aversion(at.at('cross'), c, covered),
      });
    x = textLayer(at, x, self, cross, c.dropout);
  }
  const logits = vocabularyLogits(p, c, x).reshape([b * t, c.vocabulary]);
  const targets = reshape(ids('targets'), [b * t]);
  const real = where(equal(reshape(segments, [b * t]).cast('float32'), 0), 0, 1);
  const caption = shape.reinforce
    ? crossEntropy(div(logits, shape.reinforce.temperature), targets, {
        mask: mul(real, reshape(input('advantages', [b, t]), [b * t])),
        over: maximum(sum(real), 1),
      })
    : crossEntropy(logits, targets, { smoothing: c.labelSmoothing, mask: real });

  const ends = gather(unimodal.reshape([b * t, width]), input('ends', [b * k], 'int32')); // (B·K, C)
  const contrastive = contrastiveLoss(
    p,
    c,
    image.slice(1, 0, 1).reshape([b, width]),
    ends,
    input('present', [b * k]),
  );
  const weight = shape.reinforce ? 0 : c.contrastive; // what it draws itself need not fit the picture
  const losses: Losses = { loss: add(caption, mul(contrastive, weight)), caption, contrastive };
  if (shape.words) {
    losses.words = wordsLoss(p, c, seen);
    losses.loss = add(losses.loss, mul(losses.words, shape.words));
  }
  if (shape.regions) {
    losses.regions = regionsLoss(p, c, seen, shape.regions.count);
    losses.loss = add(losses.loss, mul(losses.regions, shape.regions.weight));
  }
  if (shape.distil) {
    losses.distil = distilLoss(p.at('distil'), image.slice(1, 1), shape.distil.groups);
    losses.loss = add(losses.loss, mul(losses.distil, shape.distil.weight));
  }
  return losses;
}

/** A vector for every word (V, C): an image token says a word as loudly as it points along its vector. */
const wordTable = (p: Params, c: CaptionerConfig): Tensor =>
  p.get('words.weight', [c.vocabulary, c.width], normal(0.02));

/**
 * What the captions say must be said by some part of the image (weak supervision by multiple instances, after Fang et al. 2015):
 * of the image tokens (B, S, C), the one that says a word loudest speaks for the image. The distribution over words that this gives
 * is compared with the words of the captions. Input `words` (B, V): their weights, of sum 1. So vision learns which cell is a dog,
 * and which one is red; averaged over cells, it would hardly learn shapes.
 */
function wordsLoss(p: Params, c: CaptionerConfig, tokens: Tensor): Tensor {
  const loudest = max(sayWords(p, c, tokens), [1]); // (B, V)
  return logLikelihood(p, c, input('words', loudest.shape), loudest).div(-tokens.shape[0]);
}

/** How loudly vectors (B, N, C) say each word: (B, N, V). */
function sayWords(p: Params, c: CaptionerConfig, vectors: Tensor): Tensor {
  const [b, n] = vectors.shape;
  const said = matmul(vectors.reshape([b * n, c.width]), wordTable(p, c), { transposeB: true });
  return said.reshape([b, n, c.vocabulary]);
}

/** Sum over all of the log-probabilities of words (…, V), weighted, where they are said so loudly. */
const logLikelihood = (p: Params, c: CaptionerConfig, words: Tensor, loudness: Tensor): Tensor =>
  mul(words, logSoftmax(add(loudness, p.get('words.bias', [c.vocabulary], zeros)))).sum();

/**
 * Where an annotator has said what is in a box, the cells of that box together say all of it: so one place knows a thing's colour
 * and its shape. Inputs `regions.cells` (B, R, S) and `regions.words` (B, R, V), rows of sum 1, or 0 for none.
 */
function regionsLoss(p: Params, c: CaptionerConfig, tokens: Tensor, count: number): Tensor {
  const [b, s] = tokens.shape;
  const inside = matmul(input('regions.cells', [b, count, s]), tokens); // (B, R, C): their mean
  const words = input('regions.words', [b, count, c.vocabulary]);
  return div(logLikelihood(p, c, words, sayWords(p, c, inside)), add(words.sum(), 1e-6)).neg();
}

/** Where words are looked for (the image tokens as seen) and what is read there (as the layers see them): both (B, S, C). */
const sayings = (p: Params, c: CaptionerConfig, seen: Tensor, image: Tensor): [Tensor, Tensor] => [
  seen,
  linear(p.at('ground.value'), image.slice(1, 1), c.width),
];

/** Words of a phrase: with "small spotted purple diamond", what is all four is meant, not whatever is purple. */
export const PHRASE = 5;

/** How much each of the last words counts, the last first. */
const phraseWeights = (p: Params): Tensor => p.get('ground.phrase', [PHRASE], ones);

/** The weight of word j for what position i looks for, (T, T): 0 for words that are not among its last. */
function recency(p: Params, t: number): Tensor {
  const bands = new Float32Array(PHRASE * t * t);
  for (let ago = 0; ago < PHRASE; ago++) for (let i = ago; i < t; i++) bands[(ago * t + i) * t + i - ago] = 1;
  const weights = phraseWeights(p).reshape([1, PHRASE]);
  return matmul(weights, constant(bands, [PHRASE, t * t], 'float32')).reshape([t, t]);
}

/** Where in the image the words that make up the vectors (B, T, C) are all said: (B, T, S), rows of sum 1. */
function placesOf(p: Params, vectors: Tensor, keys: Tensor): Tensor {
  const sharpness = p.get('ground.sharpness', [1], ones);
  return softmax(mul(matmul(vectors, keys, { transposeB: true }), sharpness));
}

/**
 * Each text position reads the image where its own phrase is said: after "small blue", at what is small and blue. Cross-attention can
 * learn to look for words, but only after a long plateau on which captions name the right colours and shapes in the wrong pairs.
 */
const readPlaces = (p: Params, c: CaptionerConfig, places: Tensor, values: Tensor): Tensor =>
  linear(p.at('ground.out'), matmul(places, values), c.width);

/**
 * How much each head of a layer's cross-attention shuns what the caption has spoken of, as a mask (B, heads, T, 1 + S): coverage
 * (Tu et al. 2016), the sum of places so far (B, T, S), times a weight that the head learns. The pooled token is never covered.
 */
function aversion(p: Params, c: CaptionerConfig, covered: Tensor): Tensor {
  const [b, t, s] = covered.shape;
  const weight = p.get('coverage', [1, c.heads, 1, 1], normal(1));
  return mul(pad(covered, 2, 1, 0).reshape([b, 1, t, 1 + s]), weight).neg();
}

/** Heads that only training needs. */
export const isTrainingHead = (c: CaptionerConfig, path: string): boolean =>
  path.startsWith('distil.') || path === 'words.bias' || (path === 'words.weight' && !c.grounded);

/**
 * Mean squared distance between what a linear map of the image tokens (B, S, C) says and the teachers' features, each of these
 * normalised to mean 0 and variance 1 per token: 1 is nothing learnt, 0 is all. The tokens are those that the decoder gets, which
 * have seen the whole picture, as the teacher's cells have. Inputs `teacher.NAME` (B, S, width) float16.
 */
function distilLoss(
  p: Params,
  tokens: Tensor,
  groups: { name: string; tokens: number; width: number }[],
): Tensor {
  const [b] = tokens.shape;
  return groups
    .map(({ name, tokens: count, width }) => {
      const teacher = input(`teacher.${name}`, [b, count, width], 'float16').cast('float32');
      const flat = [
        constant(new Float32Array(width).fill(1), [width], 'float32'),
        constant(new Float32Array(width), [width], 'float32'),
      ];
      return sub(linear(p.at(name), tokens, width), normalise(teacher, flat[0], flat[1]))
        .square()
        .mean();
    })
    .reduce((sum, one) => add(sum, one))
    .div(groups.length);
}

const vocabularyLogits = (p: Params, c: CaptionerConfig, x: Tensor): Tensor =>
  linear(p.at('text.head'), layerNorm(p.at('text.norm'), x), c.vocabulary, { init: normal(0.02) });

/** What the contrastive loss compares: vectors (N, C) of length 1 in the space that pictures and texts share. */
const embeddingOf = (p: Params, c: CaptionerConfig, of: 'image' | 'text', x: Tensor): Tensor =>
  unit(linear(p.at(`contrastive.${of}`), x, c.width, { bias: false }));

/** Embeddings of images (B, C), of length 1, to be compared with `textEmbedding`. Inputs: the image's. */
export const imageEmbedding = (p: Params, c: CaptionerConfig, inputs: ImageInputs): Tensor =>
  embeddingOf(p, c, 'image', encodeImage(p, c, inputs).slice(1, 0, 1).reshape([inputs.batch, c.width]));

/**
 * Embeddings of captions (B, C), of length 1. Inputs: `tokens` (B, maxTokens) int32, begin token first, padded with anything;
 * `ends` (B) int32, the flat position of each caption's last token.
 */
export function textEmbedding(p: Params, c: CaptionerConfig, { batch: b }: { batch: number }): Tensor {
  const t = c.maxTokens;
  const places = Int32Array.from({ length: b * t }, (_, i) => i % t);
  const x = embedText(p, c, input('tokens', [b, t], 'int32'), constant(places, [b, t], 'int32'));
  const read = textAlone(p, c, x, causalMask(t)).reshape([b * t, c.width]);
  return embeddingOf(p, c, 'text', gather(read, input('ends', [b], 'int32')));
}

/** x / |x| over the last axis. */
const unit = (x: Tensor): Tensor => div(x, sqrt(add(x.square().sum([-1], { keepDims: true }), 1e-8)));

/**
 * CLIP's symmetric loss (Radford et al. 2021) with several captions per image: text finds its image by cross-entropy; an image
 * finds each of its captions among all of the batch.
 */
function contrastiveLoss(
  p: Params,
  c: CaptionerConfig,
  image: Tensor,
  text: Tensor,
  present: Tensor,
): Tensor {
  const [b] = image.shape;
  const [n] = text.shape;
  const scale = exp(p.get('contrastive.scale', [1], { kind: 'constant', value: Math.log(10) }));
  const u = embeddingOf(p, c, 'image', image);
  const v = embeddingOf(p, c, 'text', text);
  const similarity = mul(matmul(v, u, { transposeB: true }), scale); // (B·K, B)
  const owner = Int32Array.from({ length: n }, (_, i) => Math.floor((i * b) / n));
  const toImage = crossEntropy(similarity, constant(owner, [n], 'int32'), { mask: present });
  const hidden = reshape(mul(sub(present, 1), -HIDDEN), [1, n]);
  const logp = logSoftmax(add(similarity.transpose(), hidden)); // (B, B·K)
  const own = new Float32Array(b * n);
  for (let i = 0; i < n; i++) own[owner[i] * n + i] = 1;
  const mine = mul(constant(own, [b, n], 'float32'), reshape(present, [1, n])); // averaged over its captions
  const toText = div(sum(mul(logp, mine)), add(sum(present), 1e-6)).neg();
  return mul(add(toImage, toText), 0.5);
}

/**
 * Keys and values of the image for each multimodal layer, computed once: `k.i`, `v.i` (B, heads, 1 + S, C / heads); and of the
 * grounding, where there is one: `k.words`, `v.words` (B, S, C).
 */
export function imageMemory(p: Params, c: CaptionerConfig, inputs: ImageInputs): Record<string, Tensor> {
  const seen = imageTokens(p.at('vision'), c, inputs);
  const image = contextualise(p, c, seen);
  const out: Record<string, Tensor> = {};
  for (let i = c.unimodalLayers; i < layers(c); i++) {
    [out[`k.${i}`], out[`v.${i}`]] = projectHeads(p.at(`text.${i}.cross.kv`), image, c.width, c.heads, 2);
  }
  if (c.grounded) [out['k.words'], out['v.words']] = sayings(p, c, seen, image);
  return out;
}

export interface StepShape {
  images: number;
  /** Hypotheses per image. */
  beams: number;
  /** Image tokens, the pooled one included. */
  memory: number;
}

/**
 * One step of decoding with a key–value cache, for `beams` hypotheses of each image. Inputs: `tokens` (images, beams),
 * `position` (1), with grounding `recent` (images, beams, PHRASE), the last words of each hypothesis, the last first and begin tokens for
 * those it has not; the image memory, and `cache.k.i`, `cache.v.i` (images, heads, T · beams, d), where slot t · beams + b holds
 * what the image's b-th hypothesis of step t wrote; with grounding also `cache.places` (images, 1, T · beams, S). All hypotheses
 * of an image share its slots; `path` (images, 1, beams, (T + 1) · beams), additive, shows each the slots of its own past and,
 * among the last `beams`, itself. So nobody's past is ever moved. Outputs: `logp` (images · beams, V), and `fresh.NAME` for each
 * `cache.NAME`, with `beams` slots, for the host to put in the slots of this step.
 */
export function decodeStep(
  p: Params,
  c: CaptionerConfig,
  { images, beams, memory }: StepShape,
): Record<string, Tensor> {
  const { heads, width, maxTokens: t } = c;
  const size = width / heads;
  const tokens = input('tokens', [images, beams], 'int32');
  const path = input('path', [images, 1, beams, (t + 1) * beams]);
  const out: Record<string, Tensor> = {};

  const positions = expand(input('position', [1], 'int32').reshape([1, 1]), [images, beams]);
  let x = embedText(p, c, tokens, positions); // (images, beams, C)
  let covered: Tensor | undefined;
  for (let i = 0; i < layers(c); i++) {
    const at = p.at(`text.${i}`);
    const self = (y: Tensor) => {
      const [q, ...fresh] = projectHeads(at.at('self.qkv'), y, width, heads, 3); // (images, heads, beams, d)
      const past = ['k', 'v'].map((name) => input(`cache.${name}.${i}`, [images, heads, t * beams, size]));
      [out[`fresh.k.${i}`], out[`fresh.v.${i}`]] = fresh;
      return linear(at.at('self.out'), mergeHeads(attendPast(q, past, fresh, path)), width);
    };
    if (c.grounded && i === c.unimodalLayers) {
      const [keys, values] = ['k', 'v'].map((name) => input(`${name}.words`, [images, memory - 1, width]));
      const recent = lookUp(wordTable(p, c), input('recent', [images, beams, PHRASE], 'int32')); // (…, PHRASE, C)
      const ago = constant(
        Float32Array.from({ length: PHRASE }, (_, k) => k),
        [PHRASE],
        'float32',
      );
      const there = where(lessOrEqual(ago, input('position', [1], 'int32').cast('float32')), 1, 0);
      const counts = mul(phraseWeights(p), there).reshape([1, 1, PHRASE, 1]);
      const places = placesOf(p, sum(mul(recent, counts), [2]), keys);
      x = add(x, readPlaces(p, c, places, values));
      out['fresh.places'] = places.reshape([images, 1, beams, memory - 1]);
      const past = input('cache.places', [images, 1, t * beams, memory - 1]);
      const [before, now] = split(exp(path), 3, [t * beams, beams]); // 1 for a hypothesis's own past, else 0
      covered = add(matmul(before, past), matmul(now, out['fresh.places'])).reshape(places.shape);
    }
    const cross = (y: Tensor) => {
      const [q] = projectHeads(at.at('cross.q'), y, width, heads, 1);
      const [k, v] = ['k', 'v'].map((name) => input(`${name}.${i}`, [images, heads, memory, size]));
      const mask = covered && aversion(at.at('cross'), c, covered);
      return linear(at.at('cross.out'), mergeHeads(attend(q, k, v, { mask })), width);
    };
    x = textLayer(at, x, self, isMultimodal(c, i) ? cross : undefined);
  }
  out.logp = logSoftmax(vocabularyLogits(p, c, x).reshape([images * beams, c.vocabulary]));
  return out;
}

/** `attend` to keys and values that lie in two places, without joining them: only the scores are copied. */
function attendPast(q: Tensor, past: Tensor[], fresh: Tensor[], mask: Tensor): Tensor {
  const alpha = 1 / Math.sqrt(q.shape[3]);
  const scores = [past, fresh].map(([k]) => matmul(q, k, { transposeB: true, alpha })); // (…, beams, T · beams), (…, beams, beams)
  const sizes = scores.map(({ shape }) => shape[3]);
  const [toPast, toFresh] = split(softmax(add(concat(scores, 3), mask)), 3, sizes);
  return add(matmul(toPast, past[1]), matmul(toFresh, fresh[1]));
}
