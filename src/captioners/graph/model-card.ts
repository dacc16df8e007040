import type { GraphCaptionerConfig } from '../../models/graph-captioner/index.ts';
import type { EdgeSource } from './edges.ts';
import type { TrainGraphCaptionerOptions } from './train.ts';

export interface GraphCaptionerFacts {
  options: TrainGraphCaptionerOptions;
  config: GraphCaptionerConfig;
  images: number;
  parameters: number;
  /** Of a picture. */
  edges: number;
  regions: string;
  vision: string[];
  by?: EdgeSource;
  step: number;
  minutes: number;
  ciderD?: number;
}

const EDGES: Record<EdgeSource, string> = {
  network: 'a relation graph learnt from captions (in `relations/`)',
  prior: 'what the labels of two regions make likely (in `relations/`)',
  truth: 'what samples say of their objects',
};

/** The README.md of a graph captioner. Only facts of this run. */
export function graphCaptionerCard({ options, config, by, ...facts }: GraphCaptionerFacts): string {
  const { vision } = facts;
  const body = config.body === 'lstm' ? 'Two LSTM layers' : `A transformer of ${config.depth} layers`;
  return `---
pipeline_tag: image-to-text
library_name: recaption
---

# Graph captioner

Trained with \`recaption train graph-captioner\`. ${body} over the nodes of a relationship graph; ${(facts.parameters / 1e6).toFixed(1)} M parameters. Regions are those of
${facts.regions}, described by ${vision.length > 0 ? `feature maps of ${vision.join(' and ')}` : 'labels and boxes alone'}. Relations: ${by ? `${EDGES[by]}, ${facts.edges.toFixed(2)} of a picture` : 'none'}.

| | |
|---|---|
| data | ${options.data.join(', ')}${options.kind ? ` (${options.kind} captions)` : ''} |
| images | ${facts.images} |
| steps | ${facts.step}, ${facts.minutes.toFixed(1)} minutes so far |
| seed | ${options.seed} |
${options.init ? `| started from | ${options.init} |\n` : ''}| kinds of words | ${{ steer: 'steer the attention', auxiliary: 'learnt beside', none: 'not learnt' }[config.kinds]} |
| CIDEr-D, beam search | ${facts.ciderD === undefined ? 'not measured: no validation set was given' : `${facts.ciderD.toFixed(4)} on ${options.val}`} |

The terms of the data, of the detector and of the networks named here apply to what was learnt from them. It will invent things that are
not in the picture; look before you use its captions.
`;
}
