/** The paper's experiments on the scene world, each a declaration; `experiment.ts` runs them. */
import { parseBlend } from '../data/blend.ts';
import type { Reword } from '../generators/train-setup.ts';
import { random } from '../random.ts';
import { type SceneObject, type SceneOptions, WORLD_KINDS } from '../world/index.ts';
import type { Arm } from './arms.ts';
import type { CompareOptions } from './compare.ts';
import { garble } from './garble.ts';
import type { PromptKind } from './prompts.ts';

export interface ExperimentForm {
  /** Scenes that are learnt. */
  scenes: number;
  seeds: number;
  steps: number;
  /** Prompts of each kind. */
  most: number;
  /** The generator of all arms; default: `CONFIG`. */
  config?: unknown;
  /** What its sentences are about; default: the experiment's, or prompts fully met. */
  main?: CompareOptions['main'];
}

export interface Experiment {
  name: string;
  /** For the list of experiments. */
  summary: string;
  /** For the report. */
  title: string;
  arms: Arm[];
  prompts: PromptKind[];
  /** What its sentences are about; default: prompts fully met. */
  main?: CompareOptions['main'];
  /** Scenes that are learnt, and kinds of scenes that prompts are taken from, where they are others than usual. */
  world?: SceneOptions & { size: number };
  asked?: (SceneOptions & { size: number })[];
  /** Scenes come with true descriptions too, as captions by people. */
  truth?: boolean;
  captioners?: readonly string[];
  /** Which prompts are of the kind `rare`. */
  rare?: (text: string) => boolean;
  forms: Record<'quick' | 'full', ExperimentForm>;
}

/** One to three plain objects on the lines of a grid: what a small generator learns in a quarter of an hour. Of one or two it learns later where they go. */
export const WORLD = {
  size: 48,
  minObjects: 1,
  maxObjects: 3,
  grid: 6,
  textures: 0,
  letters: 0,
  gradients: 0,
  overlaps: 0,
} as const;

/** Who captions the scenes: fine-tunes of one captioner, trained on scenes of other seeds like these. */
export const CAPTIONERS = ['plain-world-short', 'plain-world'];

/**
 * The generator of all arms: narrow, so that it takes many steps. In eight minutes of 95 % descriptions it meets twice as many prompts as one twice as
 * wide, which takes a third of the steps, does in nineteen.
 */
export const CONFIG = {
  model: { size: 48, patch: 8, width: 96, layers: 4, text: { width: 64 } },
  training: {
    batch: 32,
    draws: 2,
    learningRate: 0.004,
    warmup: 100,
    captionDropout: 0.04,
    timeMean: 0.8,
    timeDeviation: 1.3,
  },
} as const;

/** A minute or so for each training: too little to meet prompts in full, so shares of what is asked for are compared. */
const QUICK: ExperimentForm = {
  scenes: 1500,
  seeds: 1,
  steps: 400,
  most: 60,
  main: 'claims',
};
/** A quarter of an hour for each. */
const FULL: ExperimentForm = { scenes: 20_000, seeds: 1, steps: 6000, most: 200 };

const arm = (name: string, mix: string, reword?: Reword): Arm => ({ name, captions: parseBlend(mix), ...(reword && { reword }) }); // biome-ignore format: one line

/** What the captioner wrote; what came with the pictures stays as it was. */
const written =
  (change: (text: string) => string): Reword =>
  (text, { kind }) =>
    kind === 'alt' ? text : change(text);
const spaced = written((text) => ` ${text}`);
/** Starts with "a " and ends in a full stop, whatever it was. */
const habitual = written((text) =>
  `${/^an? /i.test(text) ? text.replace(/^an? /i, 'a ') : `a picture: ${text}`}`.replace(/[.\s]*$/, '.'),
);

const share = (percent: number): string =>
  percent === 100
    ? 'descriptive'
    : percent === 0
      ? 'alt'
      : `descriptive:${percent / 100},alt:${(100 - percent) / 100}`;

/** Names relations, numbers and letters right so often. */
const garbled =
  (right: number): Reword =>
  (text, { key }) =>
    garble(text, right, random(1, 'garble', key));

/** Scenes with what the paper's generator is unreliable at; of four things next to none are learnt. */
const LIMITS = { ...WORLD, letters: 0.3 };
const RARE = ['purple heart', 'yellow cross', 'green moon', 'brown star'];
const isRare = ({ color, shape }: Pick<SceneObject, 'color' | 'shape'>): boolean =>
  RARE.includes(`${color} ${shape}`);

/** What `npm start` shows, in minutes. */
export const STORY: Experiment = {
  name: 'story',
  summary: 'alt texts against descriptions, in minutes',
  title: 'Do better captions make a better generator?',
  arms: [arm('alt', 'alt'), arm('described', 'descriptive:0.95,alt:0.05')],
  prompts: ['descriptive'],
  forms: { quick: QUICK, full: FULL },
};

/** Kinds of prompts that its scenes can be asked for by. */
export const promptsOf = ({ rare }: Experiment): PromptKind[] => [...WORLD_KINDS, 'upsampled', 'as-learnt', ...(rare ? (['rare'] as const) : [])]; // biome-ignore format: one line

export const EXPERIMENTS: Experiment[] = [
  {
    name: 'caption-kind',
    summary: 'alt texts against short against descriptive captions (paper A, experiment 1)',
    title: 'Which kind of caption makes the better generator?',
    arms: [
      arm('alt', 'alt'),
      arm('short', 'short:0.95,alt:0.05'),
      arm('descriptive', 'descriptive:0.95,alt:0.05'),
    ],
    prompts: ['short', 'descriptive'],
    forms: { quick: QUICK, full: { ...FULL, seeds: 3 } },
  },
  {
    name: 'blend',
    summary: 'how many of the captions should be synthetic (paper A, experiment 2)',
    title: 'How many of the captions should be synthetic?',
    arms: [0, 50, 65, 80, 90, 95, 100].map((percent) => arm(`d${percent}`, share(percent))),
    prompts: ['short', 'descriptive', 'upsampled'],
    forms: { quick: QUICK, full: FULL },
  },
  {
    name: 'regularity',
    summary: 'captions with a habit, prompts without it, and blending as the cure (paper A, on blending)',
    title: 'What do habits of a captioner cost, and does blending cure it?',
    arms: [
      arm('plain', 'descriptive'),
      arm('space', 'descriptive', spaced),
      arm('space-5', 'descriptive:0.95,alt:0.05', spaced),
      arm('space-20', 'descriptive:0.8,alt:0.2', spaced),
      arm('habit', 'descriptive', habitual),
      arm('habit-20', 'descriptive:0.8,alt:0.2', habitual),
    ],
    prompts: ['short', 'descriptive', 'as-learnt'],
    forms: { quick: QUICK, full: FULL },
  },
  {
    name: 'limits',
    summary:
      'relations, numbers, letters and rare things, as captions get better at naming them (paper A, on its limits)',
    title: 'Is a generator unreliable where its captions are?',
    arms: [
      arm('half', 'human', garbled(0.5)),
      arm('most', 'human', garbled(0.8)),
      arm('ours', 'descriptive'),
      arm('truth', 'human'),
    ],
    prompts: ['descriptive', 'rare'],
    main: 'claims',
    world: { ...LIMITS, rare: { match: isRare, share: 0.03 } },
    asked: [LIMITS, { ...LIMITS, accept: ({ objects }) => objects.some(isRare) }],
    truth: true,
    captioners: ['world'],
    rare: (text) => RARE.some((name) => new RegExp(`\\b${name}(?:s|es)?\\b`, 'i').test(text)),
    forms: { quick: QUICK, full: FULL },
  },
];
