/** What is measured of a picture beside its prompt; what each can and cannot see is told in docs/evaluating.md. */
import type { RegionProposer } from '../captioners/regions/proposer.ts';
import { RecaptionError } from '../errors.ts';
import type { Image } from '../image/image.ts';
import { type ClipEncoder, cosine } from '../metrics/clip-score.ts';
import { loadSceneGraphParser } from '../text/scene-graph/index.ts';
import { patchColour } from './colour.ts';
import { checkGeneval, type Found, type Thresholds } from './geneval.ts';
import type { Judge, Judgement } from './judge.ts';
import { krippendorff } from './preference.ts';
import { checkQuestions } from './questions.ts';
import type { SuitePrompt } from './suites.ts';

/** A picture, and the prompt that it was drawn for. */
export interface Seen {
  prompt: SuitePrompt;
  image: Image;
}

/** What a measure says of a picture. */
export interface Mark {
  score: number;
  /** What led to it. */
  detail?: object;
}

/** Why a measure says nothing of a picture. */
export interface Unmarked {
  failure: { code: string; message: string };
}

export const isMarked = (mark: Mark | Unmarked): mark is Mark => 'score' in mark;

export interface Measure {
  name: MeasureName;
  /** Model that it asks. */
  by: string;
  /** Longest side of a picture, in pixels, that it can make use of. */
  resolution: number;
  /** In the order of the pictures. */
  see(pictures: readonly Seen[]): Promise<(Mark | Unmarked)[]>;
  /** After the last picture: throws where nothing was ever decided. @throws RecaptionError `judge-undecided` */
  decide?(): void;
  /** What has to be known beside the scores: counts, agreement. */
  besides(): Record<string, number>;
  /** What has to be known, in sentences. */
  warnings(): string[];
}

export const MEASURES = ['clip', 'geneval', 'verdict', 'yes', 'parts', 'questions'] as const;
export type MeasureName = (typeof MEASURES)[number];

/** Names as people read them; whether scores are shares. */
export const MEASURE_TITLES: Record<MeasureName, { title: string; percent: boolean }> = {
  clip: { title: 'CLIP score', percent: false },
  geneval: { title: 'GenEval', percent: true },
  verdict: { title: 'judged correct', percent: true },
  yes: { title: 'yes to the prompt', percent: true },
  parts: { title: 'yes to its parts', percent: true },
  questions: { title: 'questions that hold', percent: true },
};

/** Texts whose embeddings are kept: the pictures of a prompt follow each other. */
const TEXTS_KEPT = 256;

/** 100 · cosine of picture and prompt, as the DALL-E 3 paper reports it. */
export function clipMeasure(encoder: ClipEncoder): Measure {
  const texts = new Map<string, Float32Array>();
  let cut = 0;
  return {
    name: 'clip',
    by: encoder.id,
    resolution: encoder.resolution,
    async see(pictures) {
      const images = await encoder.embedImages(pictures.map(({ image }) => image));
      const wanted = [...new Set(pictures.map(({ prompt }) => prompt.prompt))];
      if (texts.size + wanted.length > TEXTS_KEPT) texts.clear();
      const fresh = wanted.filter((text) => !texts.has(text));
      if (fresh.length > 0) {
        const embedded = await encoder.embedTexts(fresh);
        for (const [i, text] of fresh.entries()) texts.set(text, embedded.embeddings[i]);
        cut += embedded.cut;
      }
      return pictures.map(({ prompt }, i) => ({ score: 100 * cosine(images[i], texts.get(prompt.prompt)!) }));
    },
    besides: () => ({ cut }),
    warnings: () => (cut > 0 ? [`prompts too long for ${encoder.id}, compared by their beginning: ${cut}`] : []), // biome-ignore format: one line
  };
}

/** What GenEval calls things, by what detectors of COCO may call them. */
const SYNONYMS: Record<string, readonly string[]> = {
  airplane: ['aeroplane'],
  motorcycle: ['motorbike'],
  couch: ['sofa'],
  'dining table': ['diningtable'],
  'potted plant': ['pottedplant'],
  tv: ['tvmonitor'],
  'tv remote': ['remote'],
  'computer mouse': ['mouse'],
  'computer keyboard': ['keyboard'],
};

/** Longest side of a picture whose colours are looked at. */
const COLOUR_SIDE = 512;

/**
 * GenEval's rules over what a detector finds; colours are those of the middle of each box.
 * @throws RecaptionError `bad-suite` where a prompt asks for what the detector does not know
 */
export function genevalMeasure(proposer: RegionProposer, prompts: readonly SuitePrompt[], thresholds?: Partial<Thresholds>): Measure {
  const classes = prompts.flatMap(({ geneval }) =>
    geneval ? [...geneval.include, ...(geneval.exclude ?? [])].map((one) => one.class) : [],
  );
  if (classes.length === 0) throw new RecaptionError('bad-suite', 'this suite does not say what must be found in its pictures', { hint: 'GenEval is measured on --suite geneval.' }); // biome-ignore format: one line
  const called = new Map<string, string>(); // by the detector's label
  for (const name of new Set(classes)) {
    const label = [name, ...(SYNONYMS[name] ?? [])].find((one) => proposer.labels.includes(one));
    if (label === undefined) throw new RecaptionError('bad-suite', `the detector does not know what a "${name}" is`, { place: proposer.ref, hint: 'Name a detector of the 80 classes of COCO by --regions.' }); // biome-ignore format: one line
    called.set(label, name);
  }
  return {
    name: 'geneval',
    by: proposer.id,
    resolution: Math.max(proposer.resolution, COLOUR_SIDE),
    async see(pictures) {
      const proposed = await proposer.propose(pictures.map(({ image }) => ({ image, regions: [] })));
      return pictures.map(({ prompt, image }, i) => {
        const { width, height } = image;
        const found = proposed[i].flatMap(({ box, label, score }) => {
          const name = called.get(proposer.labels[label]);
          const inPixels = { x: box.x * width, y: box.y * height, width: box.width * width, height: box.height * height }; // biome-ignore format: one line
          return name === undefined ? [] : [{ label: name, score, box: inPixels }];
        });
        const colourOf = ({ box: { x, y, width: w, height: h } }: Found) =>
          patchColour(image, { x: x / width, y: y / height, width: w / width, height: h / height });
        const { met, missed } = checkGeneval(prompt.geneval!, found, colourOf, thresholds);
        return { score: Number(met), detail: { missed } };
      });
    },
    besides: () => ({}),
    warnings: () => [],
  };
} // biome-ignore format: one line

/** So many pictures without a single verdict: this judge will give none. */
const MOST_UNDECIDED = 20;

const undecided: Unmarked = {
  failure: { code: 'undecided', message: 'the judge does not decide, however often it is asked' },
};

/** Stops the evaluation where a judge has never decided anything. */
function mustDecide(judge: Judge, wanted: string) {
  let [decided, without] = [0, 0];
  let last = '';
  const check = (most: number): void => {
    if (decided > 0 || without < most) return;
    throw new RecaptionError('judge-undecided', `the judge never says ${wanted}`, {
      place: judge.id,
      hint: `Its last answer: "${last.slice(0, 120)}". Another model may follow instructions better.`,
    });
  };
  return {
    count(judgement: Judgement, known: boolean): void {
      if (judgement.failure) return;
      if (known) decided++;
      else without++;
      last = judgement.response;
      check(MOST_UNDECIDED);
    },
    decide: () => check(1),
    without: () => without,
  };
}

/** Whether the picture is faithful to the prompt, in the judge's words: the share of its judgements that say so. */
export function verdictMeasure(judge: Judge, repeats: number): Measure {
  const units: string[][] = [];
  const deciding = mustDecide(judge, '"correct" or "incorrect"');
  return {
    name: 'verdict',
    by: judge.id,
    resolution: judge.resolution,
    see: (pictures) =>
      Promise.all(
        pictures.map(async ({ prompt, image }) => {
          const judgements = await Promise.all(Array.from({ length: repeats }, (_, seed) => judge.verdict(image, prompt.prompt, seed))); // biome-ignore format: one line
          for (const judgement of judgements) deciding.count(judgement, judgement.verdict !== undefined);
          const verdicts = judgements.flatMap(({ verdict }) => verdict ?? []);
          if (verdicts.length > 1) units.push(verdicts);
          const failure = judgements.find((one) => one.failure)?.failure;
          if (verdicts.length === 0) return failure ? { failure } : undecided;
          const score = verdicts.filter((verdict) => verdict === 'correct').length / verdicts.length;
          return { score, detail: { verdicts, responses: judgements.map(({ response }) => response) } };
        }),
      ),
    decide: deciding.decide,
    besides: () => ({ undecided: deciding.without(), ...agreementOf(units) }),
    warnings: () => (deciding.without() > 0 ? [`judgements that say neither "correct" nor "incorrect", left out: ${deciding.without()}`] : []), // biome-ignore format: one line
  };
}

/** `agreement`: share of pairs of judgements of one picture that say the same; `alpha`: Krippendorff's, what of it is not chance. */
function agreementOf(units: readonly string[][]): { agreement?: number; alpha?: number } {
  let [same, pairs] = [0, 0];
  for (const verdicts of units)
    for (const [i, one] of verdicts.entries())
      for (const other of verdicts.slice(i + 1)) {
        same += Number(one === other);
        pairs++;
      }
  const alpha = krippendorff(units);
  return pairs === 0 ? {} : { agreement: same / pairs, ...(alpha !== undefined && { alpha }) };
}

/** How sure the judge is of an answer: the probability of yes, or 1 or 0 by its words. */
const sureness = ({ probability, yes }: Judgement): number | undefined => probability ?? (yes === undefined ? undefined : Number(yes)); // biome-ignore format: one line

/**
 * A measure by questions that are answered with yes or no.
 * @param asked what is asked of a picture; none where the prompt gives nothing to ask @param scored from the answers, none of which is lacking
 */
function asking(name: MeasureName, judge: Judge, asked: (prompt: SuitePrompt) => Promise<string[]> | string[], scored: (prompt: SuitePrompt, answers: Judgement[]) => number, sure: boolean): Measure {
  const deciding = mustDecide(judge, '"yes" or "no"');
  let byWords = 0;
  return {
    name,
    by: judge.id,
    resolution: judge.resolution,
    see: (pictures) =>
      Promise.all(
        pictures.map(async ({ prompt, image }) => {
          const questions = await asked(prompt);
          if (questions.length === 0)
            return { failure: { code: 'nothing-asked', message: 'the prompt gives nothing to ask' } };
          const answers = await Promise.all(questions.map((question) => judge.yes(image, question)));
          for (const answer of answers) {
            const known = sureness(answer) !== undefined;
            deciding.count(answer, known);
            if (known && answer.probability === undefined) byWords++;
          }
          const failure = answers.find((one) => one.failure)?.failure;
          if (failure) return { failure };
          if (answers.some((answer) => sureness(answer) === undefined)) return undecided;
          const told = answers.map((answer, i) => ({ question: questions[i], yes: answer.yes, probability: answer.probability })); // biome-ignore format: one line
          return { score: scored(prompt, answers), detail: { answers: told } };
        }),
      ),
    decide: deciding.decide,
    besides: () => ({ undecided: deciding.without(), ...(sure && { byWords }) }),
    warnings: () => [
      ...(deciding.without() > 0 ? [`answers that say neither "yes" nor "no", their pictures left out of "${name}": ${deciding.without()}`] : []), // biome-ignore format: one line
      ...(sure && byWords > 0 ? [`answers without log-probabilities, whose words "${name}" takes as 1 or 0: ${byWords}`] : []), // biome-ignore format: one line
    ],
  };
} // biome-ignore format: one line

const quoted = (text: string): string => `"${text.replaceAll('"', "'")}"`;

/** The probability that the judge says yes to the prompt as a whole (VQAScore: Lin et al. 2024). */
export const yesMeasure = (judge: Judge): Measure =>
  asking('yes', judge, ({ prompt }) => [`Does this picture show ${quoted(prompt)}?`], (_, [answer]) => sureness(answer)!, true); // biome-ignore format: one line

/** The product, over the things that a prompt names, of the probability that the judge sees them as they are described (B-VQA: Huang et al. 2023). */
export const partsMeasure = (judge: Judge): Measure =>
  asking('parts', judge, async ({ prompt }) => (await partsOf(prompt)).map((part) => `Is there ${part} in this picture?`), (_, answers) => answers.reduce((product, answer) => product * sureness(answer)!, 1), true); // biome-ignore format: one line

/** `a green bench`, `two red apples`: each thing of a text with what it is like. */
export async function partsOf(text: string): Promise<string[]> {
  const whole = await partsIn(text);
  // Two names that stand side by side may be taken for one: "a metallic key and a fluffy pillow".
  const pieces = text.split(/\band\b/i);
  if (whole.length > 1 || pieces.length < 2) return whole;
  const apart = [...new Set((await Promise.all(pieces.map(partsIn))).flat())];
  return apart.length > whole.length ? apart : whole;
}

async function partsIn(text: string): Promise<string[]> {
  const { objects, attributes } = (await loadSceneGraphParser()).parse(text);
  const parts = objects.map(({ id, name, count }) => {
    const own = attributes.filter(({ object }) => object === id).map(({ attribute }) => attribute);
    const words = [...own.filter((word) => word !== `${count}`), name].join(' ');
    if (count !== undefined && count > 1) return `${count} ${words}`;
    return `${/^[aeiou]/i.test(words) ? 'an' : 'a'} ${words}`;
  });
  return [...new Set(parts)];
}

/** The share of a prompt's questions that hold, each only where those that it depends on do (DSG: Cho et al. 2024). */
export const questionsMeasure = (judge: Judge): Measure =>
  asking(
    'questions',
    judge,
    ({ questions = [] }) => questions.map(({ text }) => text),
    ({ questions = [] }, answers) =>
      checkQuestions(questions, new Map(questions.map(({ id }, i) => [id, answers[i].yes!]))).share,
    false,
  );
