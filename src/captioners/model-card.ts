import type { CaptionerConfig, TrainingConfig } from '../models/captioner-config.ts';
import type { VisionEncoder } from '../models/vision/encoder.ts';
import type { TrainCaptionerOptions } from './train.ts';

export interface CardFacts {
  options: TrainCaptionerOptions;
  config: CaptionerConfig;
  training: TrainingConfig;
  images: number;
  parameters: number;
  encoders: VisionEncoder[];
  step: number;
  minutes: number;
  ciderD?: number;
}

/** The README.md of a trained captioner: what it is, what it was trained on, what was measured. Only facts of this run. */
export function modelCard({
  options,
  config,
  images,
  parameters,
  encoders,
  step,
  minutes,
  ciderD,
}: CardFacts): string {
  const { vision } = config;
  const sees =
    vision.kind === 'frozen'
      ? `frozen features of ${encoders.map(({ id }) => id).join(' and ')}`
      : `pixels (${vision.size} × ${vision.size}) through a network trained with it (${vision.kind})`;
  return `---
pipeline_tag: image-to-text
library_name: recaption
---

# Captioner

Trained with \`recaption train captioner\`. It sees ${sees}; ${(parameters / 1e6).toFixed(1)} M parameters.

| | |
|---|---|
| data | ${options.data.join(', ')}${options.kind ? ` (${options.kind} captions)` : ''} |
| images | ${images} |
| steps | ${step} of ${options.minutes ? `${options.minutes} minutes` : 'the schedule'}, ${minutes.toFixed(1)} minutes so far |
| seed | ${options.seed} |
${row('started from', options.init)}${row('vision distilled from', options.distil?.join(', '))}| CIDEr-D, beam search | ${ciderD === undefined ? 'not measured: no validation set was given' : `${ciderD.toFixed(4)} on ${options.val}`} |

The terms of the data, and of the networks named here, apply to what was learnt from them. It will invent things that are not in
the picture; look before you use its captions.
`;
}

const row = (name: string, value: string | undefined): string => (value ? `| ${name} | ${value} |\n` : '');
