/**
 * Which captions a sample is trained with. Those of a captioner have habits that a generator would take for the way all prompts
 * are written; a share of captions by people keeps it from that (DALL-E 3 paper, on blending).
 */
import { RecaptionError } from '../errors.ts';
import { random } from '../random.ts';
import { CAPTION_KINDS, type Caption, type CaptionKind, type Sample } from './sample.ts';

export interface Share {
  kind: CaptionKind;
  /** Above 0, at most 1. */
  share: number;
}

/** Kinds, each once, with shares that sum to 1. */
export type Blend = readonly Share[];

/** What rounded shares may be short of 1: three times 0.333 is one. */
const TOLERANCE = 0.001 + 1e-9;

/**
 * Reads `descriptive:0.95,alt:0.05`; a single kind without a share means all of it.
 * @throws RecaptionError `bad-blend`: an unknown kind, a share that is no number in (0, 1], a kind a second time, a sum other
 * than 1 (within 0.001)
 */
export function parseBlend(text: string): Blend {
  const blend: Share[] = [];
  const parts = text.split(',');
  for (const [i, part] of parts.entries()) {
    const place = `part ${i + 1} of "${text}"`;
    const [kind, ...shares] = part.split(':').map((word) => word.trim());
    if (!isKind(kind)) throw badBlend(`"${kind}" is no kind of caption`, place);
    if (blend.some((other) => other.kind === kind)) throw badBlend(`${kind} has a share already`, place);
    const given = shares.length > 0 || parts.length > 1 ? shares.join(':') : '1';
    const share = /^\d*\.?\d+$/.test(given) ? Number(given) : Number.NaN;
    if (!(share > 0 && share <= 1))
      throw badBlend(`the share of ${kind} must be above 0 and at most 1, not "${given}"`, place);
    blend.push({ kind, share });
  }
  const sum = total(blend);
  if (Math.abs(sum - 1) > TOLERANCE)
    throw badBlend(`the shares sum to ${Number(sum.toFixed(4))}, not to 1`, `"${text}"`);
  return blend;
}

const isKind = (word: string): word is CaptionKind => CAPTION_KINDS.some((kind) => kind === word);
const total = (blend: Blend): number => blend.reduce((sum, { share }) => sum + share, 0);

function badBlend(message: string, place: string): RecaptionError {
  return new RecaptionError('bad-blend', message, {
    place,
    hint: `Write kinds with shares that sum to 1, such as descriptive:0.95,alt:0.05; the kinds are ${CAPTION_KINDS.join(', ')}.`,
  });
}

export interface Drawn {
  captions: Caption[];
  /** Kinds that were drawn and that the sample lacks, once for each draw. */
  missing: CaptionKind[];
}

export interface DrawOptions {
  seed: number;
  epoch?: number;
  /** Captions for the sample. */
  count?: number;
}

/**
 * Draws the captions that a sample is trained with at one access (DALL-E 3 paper, on blending). What comes depends on `seed`, `epoch`
 * and the sample's key, never on what was drawn before. A kind that the sample lacks is told in `missing`, and drawn again
 * among the kinds of the blend that it has; where it has none of them, `captions` is empty. Within a kind, any caption is as
 * likely as the next. Of several, each kind gets `count` × share rounded down or up, at random so that the shares hold in the
 * mean; no caption of a kind comes a second time before all of that kind have come.
 */
export function drawCaptions(
  sample: Pick<Sample, 'key' | 'captions'>,
  blend: Blend,
  { seed, epoch = 0, count = 1 }: DrawOptions,
): Drawn {
  const { uniform, shuffle } = random(seed, 'blend', epoch, sample.key);
  const of = (wanted: CaptionKind) => sample.captions.filter(({ kind }) => kind === wanted);
  const here = blend.filter(({ kind }) => of(kind).length > 0);
  const first = apportion(blend, count, uniform());
  const missing = first.filter((kind) => of(kind).length === 0);
  const again = here.length > 0 ? apportion(here, missing.length, uniform()) : [];
  const kinds = [...first, ...again];
  const captions = here.flatMap(({ kind }) => {
    const choice = shuffle(of(kind));
    return kinds.filter((drawn) => drawn === kind).map((_, i) => choice[i % choice.length]);
  });
  return { captions, missing };
}

/**
 * The kinds of `count` draws: marks at equal distances, the first at `start` in [0, 1), over the shares laid end to end
 * (systematic sampling). A kind gets a mark in the mean as often as its share says, and never a whole one more or less.
 */
function apportion(blend: Blend, count: number, start: number): CaptionKind[] {
  const length = total(blend);
  return Array.from({ length: count }, (_, i) => {
    let left = ((start + i) / count) * length;
    for (const { kind, share } of blend) {
      if (left < share) return kind;
      left -= share;
    }
    return blend[blend.length - 1].kind; // what rounding left over
  });
}

export interface KindReport {
  kind: CaptionKind;
  /** What the blend asks for. */
  wanted: number;
  count: number;
  /** `count` by all captions drawn; 0 where there are none. */
  share: number;
  /** 95 % of such draws give a share from `low` to `high`, were the kind never missing: exact binomial, 2.5 % on either side. */
  low: number;
  high: number;
  /** How often it was drawn for a sample that lacks it. */
  missing: number;
}

export interface BlendReport {
  samples: number;
  captions: number;
  /** Samples that have no caption of the blend's kinds. */
  without: number;
  /** In the blend's order. */
  kinds: KindReport[];
}

/** Counts what was drawn, and sets it beside what the blend asks for. */
export function blendCounts(): { add(drawn: Drawn): void; report(blend: Blend): BlendReport } {
  const drawn = new Map<CaptionKind, number>();
  const missed = new Map<CaptionKind, number>();
  const raise = (counts: Map<CaptionKind, number>, kind: CaptionKind) =>
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
  let [samples, captions, without] = [0, 0, 0];
  return {
    add(one) {
      samples++;
      captions += one.captions.length;
      if (one.captions.length === 0) without++;
      for (const { kind } of one.captions) raise(drawn, kind);
      for (const kind of one.missing) raise(missed, kind);
    },
    report(blend) {
      const length = total(blend);
      const kinds = blend.map(({ kind, share }) => {
        const count = drawn.get(kind) ?? 0;
        const wanted = share / length;
        const [low, high] = expectedRange(samples - without, captions, wanted);
        return {
          kind,
          wanted,
          count,
          share: captions > 0 ? count / captions : 0,
          low,
          high,
          missing: missed.get(kind) ?? 0,
        };
      });
      return { samples, captions, without, kinds };
    },
  };
}

/** Of a kind's captions only the one that its share of a sample's captions is rounded by is left to chance. */
function expectedRange(samples: number, captions: number, share: number): [low: number, high: number] {
  if (samples === 0) return [0, 0];
  const each = (captions / samples) * share;
  const whole = samples * Math.floor(each);
  const [low, high] = binomialRange(samples, each % 1);
  return [(whole + low) / captions, (whole + high) / captions];
}

/** The middle 95 % of a binomial distribution, both ends included: at most 2.5 % lie below, at most 2.5 % above. */
function binomialRange(n: number, p: number): [low: number, high: number] {
  const mode = Math.min(n, Math.floor((n + 1) * p));
  // Weights relative to the mode's: the probabilities themselves would need n!, and those far away count for nothing.
  const below: number[] = [];
  for (let [k, weight] = [mode, 1]; k > 0 && weight > 1e-18; k--) {
    weight *= (k * (1 - p)) / ((n - k + 1) * p);
    below.push(weight);
  }
  const above: number[] = [];
  for (let [k, weight] = [mode, 1]; k < n && weight > 1e-18; k++) {
    weight *= ((n - k) * p) / ((k + 1) * (1 - p));
    above.push(weight);
  }
  const tail = 0.025 * [1, ...below, ...above].reduce((sum, weight) => sum + weight, 0);
  const reach = (weights: number[]) => {
    let [left, outside] = [weights.length, 0];
    for (; left > 0; left--) {
      outside += weights[left - 1];
      if (outside > tail) break;
    }
    return left;
  };
  return [mode - reach(below), mode + reach(above)];
}
