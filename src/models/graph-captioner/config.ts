import { z } from 'zod';
import { CAPTION_KINDS } from '../../data/sample.ts';
import { regionsConfigSchema } from '../relation-graph/config.ts';

const count = z.number().int().positive();

/** What a user may choose. */
const choices = z.strictObject({
  /** The cells of the first feature map are nodes as well, without labels: what no detector has a name for. */
  cells: z.boolean().default(true),
  /** Edges E of a picture at most. */
  edges: count.max(500).default(24),
  /** Layers of graph convolution. */
  layers: z.number().int().nonnegative().max(10).default(1),
  /** Nodes of objects are convolved with the predicates on their edges, too; the released code has only the other half. */
  objectConvolution: z.boolean().default(true),
  body: z.enum(['lstm', 'transformer']).default('lstm'),
  /** Width C of nodes and of the decoder. */
  width: count.max(4096).default(384),
  /** Width of words and labels. */
  wordWidth: count.max(4096).default(256),
  /** Width of the additive attention of an LSTM. */
  attentionWidth: count.max(4096).default(128),
  /** Of a transformer. */
  heads: count.max(128).default(6),
  depth: count.max(50).default(3),
  /** What the kind of the next word (object, predicate, other) is for: it steers which nodes are looked at, is learnt beside, or is left out. */
  kinds: z.enum(['steer', 'auxiliary', 'none']).default('steer'),
  vocabulary: count.max(1_000_000).default(3000),
  /** Longest caption in tokens, the end included. */
  maxTokens: count.max(512).default(20),
  dropout: z.number().min(0).max(0.9).default(0.5),
  labelSmoothing: z.number().min(0).max(0.9).default(0.2),
  /** Weight of the loss of kinds beside that of words. */
  kindWeight: z.number().nonnegative().default(0.15),
  kind: z.enum(CAPTION_KINDS).default('human'),
  decode: z
    .strictObject({
      beam: count.max(64).optional(),
      minTokens: z.number().int().nonnegative().max(512).optional(),
      noRepeatNgram: z.number().int().nonnegative().max(20).optional(),
    })
    .default({}),
});

const headsFit = ({ body, width, heads }: Pick<z.infer<typeof choices>, 'body' | 'width' | 'heads'>) =>
  body === 'lstm' || width % heads === 0;
const misfit = { path: ['width'], error: 'it must be a multiple of "heads"' };

export const graphCaptionerChoicesSchema = choices.refine(headsFit, misfit);

export const graphCaptionerConfigSchema = choices
  .extend({
    regions: regionsConfigSchema.prefault({}),
    /** Predicates that edges may have; 0: no graph, regions alone. */
    predicates: z.number().int().nonnegative().max(10_000).default(0),
  })
  .refine(headsFit, misfit);

export type GraphCaptionerConfig = z.infer<typeof graphCaptionerConfigSchema>;

/** Kinds of words, as their numbers. */
export const WORD_KINDS = ['object', 'predicate', 'other'] as const;
export type WordKind = (typeof WORD_KINDS)[number];
