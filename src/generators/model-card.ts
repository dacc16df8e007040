import type { TrainGeneratorOptions } from './train.ts';

export interface CardFacts {
  options: TrainGeneratorOptions;
  /** Side of the pictures in pixels. */
  size: number;
  images: number;
  parameters: number;
  step: number;
  minutes: number;
  loss?: number;
}

/** The README.md of a trained generator: what it is, what it was trained on, what was measured. Only facts of this run. */
export function generatorCard({ options, size, images, parameters, step, minutes, loss }: CardFacts): string {
  const blend = options.captions.map(({ kind, share }) => `${kind}:${share}`).join(',');
  return `---
pipeline_tag: text-to-image
library_name: recaption
---

# Generator

Trained with \`recaption train generator\`: a diffusion transformer that draws ${size} × ${size} pixels;
${(parameters / 1e6).toFixed(1)} M parameters, of which the averaged ones are kept.

| | |
|---|---|
| data | ${options.data.join(', ')} |
| captions | ${blend} |
| images | ${images} |
| steps | ${step} of ${options.minutes ? `${options.minutes} minutes` : 'the schedule'}, ${minutes.toFixed(1)} minutes so far |
| seed | ${options.seed} |
| validation loss | ${loss === undefined ? 'not measured: no validation set was given' : `${loss.toFixed(4)} on ${options.val}`} |

The terms of the data apply to what was learnt from them. It draws only what was in its data, and reads only the words of its captions.
`;
}
