import type { Counted } from '../../models/relation-graph/triplets.ts';
import type { TrainRelationsOptions } from './train.ts';

export interface RelationFacts {
  options: TrainRelationsOptions;
  images: number;
  tellers: number;
  /** Of a picture. */
  edges: number;
  threshold: number;
  recall?: number;
  parameters: number;
  predicates: readonly Counted[];
  step: number;
  minutes: number;
  regions: string;
  vision: string[];
}

/** The README.md of a relation graph's classifier. Only facts of this run. */
export function relationCard(facts: RelationFacts): string {
  const { options, predicates, vision } = facts;
  const learnt = options.supervised
    ? 'what samples say of their objects'
    : 'captions, by weak supervision: no relation was ever marked in a picture';
  const seen = vision.length > 0 ? `feature maps of ${vision.join(' and ')}` : 'labels and boxes alone';
  return `---
library_name: recaption
---

# Relation graph

Says how the regions of a picture stand to each other. Trained with \`recaption train relations\` from ${learnt}. Regions are those of ${facts.regions};
they are described by ${seen}. ${(facts.parameters / 1e6).toFixed(1)} M parameters.

| | |
|---|---|
| data | ${options.data.join(', ')} |
| images | ${facts.images}, of which ${facts.tellers} have a relation between regions told of |
| steps | ${facts.step}, ${facts.minutes.toFixed(1)} minutes |
| seed | ${options.seed} |
| relations of a picture | ${facts.edges.toFixed(2)} told of; as many are drawn, above a score of ${facts.threshold.toPrecision(3)} |
| recall at 20 | ${facts.recall === undefined ? 'not measured: no validation set was given' : `${facts.recall.toFixed(4)} of what captions of ${options.val} tell`} |
| predicates | ${predicates.length}: ${predicates.slice(0, 20).map(({ name, count }) => `${name} (${count})`).join(', ')}${predicates.length > 20 ? ' …' : ''} |

The terms of the data, of the detector and of the networks named here apply to what was learnt from them.
`; // biome-ignore format: one line
}
