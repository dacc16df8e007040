/** Sets of captions to fine-tune a captioner on, made from what people wrote about the pictures. */
import { asFailure } from '../data/dataset.ts';
import { openDataset } from '../data/index.ts';
import type { Caption, OnFailure, Sample } from '../data/sample.ts';
import { RecaptionError } from '../errors.ts';
import { descriptiveCaption, shortCaption } from '../text/fusion/index.ts';
import type { SceneGraphParser } from '../text/scene-graph/index.ts';

export const FINETUNE_KINDS = ['short', 'descriptive'] as const;
export type FinetuneKind = (typeof FINETUNE_KINDS)[number];

const FUSE: Record<FinetuneKind, typeof shortCaption> = {
  short: shortCaption,
  descriptive: descriptiveCaption,
};

export interface FinetuneSetOptions {
  kind: FinetuneKind;
  parser: SceneGraphParser;
  /** Told of everything that had to be left out: also `no-captions`, and `duplicate-key` between sources. */
  onFailure?: OnFailure;
}

/** A sample with captions of the kind alone, and the captions it had. */
export interface FinetuneSample {
  sample: Sample;
  before: readonly Caption[];
  /** Whether the caption was fused; otherwise the sample had captions of the kind, which are kept as they are. */
  fused: boolean;
}

/**
 * Gives each sample of the sources captions of one kind: those it has of that kind, or else one fused from its human captions
 * (source `fusion`). The same sources give the same set.
 * @throws RecaptionError as `openDataset` does
 */
export async function* finetuneSet(
  sources: readonly string[],
  { kind, parser, onFailure }: FinetuneSetOptions,
): AsyncGenerator<FinetuneSample> {
  const seen = new Set<string>();
  for (const source of sources) {
    for await (const sample of await openDataset(source, { onFailure })) {
      const { key, image, captions: before } = sample;
      try {
        if (seen.has(key))
          throw new RecaptionError('duplicate-key', 'another source has this key; the first was kept');
        seen.add(key);
        const own = before.filter((caption) => caption.kind === kind);
        const fused = own.length === 0;
        const captions = fused ? [fuse(before, kind, parser)] : own;
        yield { sample: { ...sample, captions }, before, fused };
      } catch (error) {
        if (!(error instanceof RecaptionError)) throw error;
        onFailure?.(asFailure(error, key, image.name));
      }
    }
  }
}

function fuse(captions: readonly Caption[], kind: FinetuneKind, parser: SceneGraphParser): Caption {
  const texts = captions.filter((caption) => caption.kind === 'human').map(({ text }) => text);
  const text = FUSE[kind](texts, parser);
  if (text !== undefined) return { text, kind, source: 'fusion' };
  throw new RecaptionError(
    'no-captions',
    texts.length === 0
      ? 'nobody has captioned this picture'
      : `no ${kind} caption can be made of its captions`,
  );
}
