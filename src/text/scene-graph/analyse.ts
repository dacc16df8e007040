import { type Attachment, attach } from './attach.ts';
import type { SceneGraphModel } from './model.ts';
import { type Mention, phrasesOf } from './phrases.ts';
import { type RelatedPair, relate } from './relations.ts';
import { tagRoles } from './roles.ts';
import type { Token } from './token.ts';

/** How one sentence is read. */
export interface Analysis {
  tokens: readonly Token[];
  mentions: Mention[];
  attachments: Attachment[];
  related: RelatedPair[];
}

/** Taggings of a sentence that are followed to the end, if they are not much less likely than the first. */
const READINGS = 3;
/** Difference of log probabilities. */
const MUCH = 0.7;

/** Of the likeliest roles of the words, those whose attributes and relations are likeliest too. */
export function analyse(tokens: readonly Token[], model: SceneGraphModel): Analysis {
  const { weights } = model;
  let best: Analysis = { tokens, mentions: [], attachments: [], related: [] };
  let most = Number.NEGATIVE_INFINITY;
  const taggings = tagRoles(tokens, weights, READINGS);
  for (const { roles, logProbability } of taggings) {
    // What follows can only make a reading less likely.
    if (logProbability <= Math.max(most, taggings[0].logProbability - MUCH)) break;
    const phrases = phrasesOf(tokens, roles, model.verbs);
    const { attachments, logProbability: attached } = attach(tokens, phrases, weights);
    const soFar = logProbability + attached;
    const told = relate(phrases, weights, ({ key }) => model.patterns.get(key), most - soFar);
    if (told === undefined) continue;
    most = soFar + told.logProbability;
    best = { tokens, mentions: phrases.mentions, attachments, related: told.related };
  }
  return best;
}
