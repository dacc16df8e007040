/** Learns the weights of the parser's decisions by AdaGrad on the log-likelihood, and averages them over all updates. */
import { random } from '../../src/random.ts';
import { attachChoice, mentionsNear } from '../../src/text/scene-graph/attach.ts';
import {
  addClasses,
  type Choice,
  choose,
  classPlace,
  softmax,
  type Weights,
} from '../../src/text/scene-graph/log-linear.ts';
import { NONE } from '../../src/text/scene-graph/patterns.ts';
import type { Phrases } from '../../src/text/scene-graph/phrases.ts';
import { type Decisions, pairKey, pairs, relationChoice } from '../../src/text/scene-graph/relations.ts';
import { Role, START, stateFeatures, wordFeatures, wordHashes } from '../../src/text/scene-graph/roles.ts';
import type { Aligned } from './align.ts';
import { type Patterns, without } from './count.ts';

export interface TrainOptions {
  epochs: number;
  seed: number;
  /** Number of weights, a power of two. */
  size: number;
  onEpoch(epoch: number, loss: number): void;
}

const RATE = 0.1;
const DECAY = 0.003;

export function trainWeights(
  captions: readonly Aligned[],
  phrases: readonly Phrases[],
  patterns: Patterns,
  { epochs, seed, size, onEpoch }: TrainOptions,
): Float32Array {
  const learner = createLearner(size);
  for (let epoch = 0; epoch < epochs; epoch++) {
    let loss = 0;
    for (const i of random(seed, 'scene graphs', epoch).shuffle([...captions.keys()])) {
      loss += learnCaption(learner, captions[i], phrases[i], patterns);
    }
    onEpoch(epoch, loss / captions.length);
  }
  return learner.average();
}

function learnCaption(learner: Learner, caption: Aligned, phrases: Phrases, patterns: Patterns): number {
  const { tokens, roles, objects, attributes, relations } = caption;
  let loss = 0;
  const words = wordHashes(tokens);
  roles.forEach((role, i) => {
    const state = stateFeatures(words, i, roles[i - 1] ?? START, roles[i - 2] ?? START);
    loss += learner.learnClass([...wordFeatures(words, i), ...state], role);
  });
  for (const attribute of phrases.attributes) {
    const owner = attributes.find(({ start }) => start === attribute.start)!.object;
    const right = mentionsNear(phrases, attribute).indexOf(objects.indexOf(owner));
    if (right >= 0) loss += learner.learn(attachChoice(tokens, phrases, attribute), right);
  }
  const decisions: Decisions = new Map();
  for (const [a, b] of pairs(phrases.mentions.length)) {
    const relation = relations.get(pairKey(a, b)) ?? NONE;
    const { relations: known, choice } = relationChoice(phrases, a, b, decisions, (pattern) =>
      without(patterns.get(pattern.key), pattern, relation),
    );
    const right = known.indexOf(relation);
    // Where nothing proposes what the annotator wrote, or nothing else, there is nothing to choose.
    if (right >= 0 && known.length > 1) loss += learner.learn(choice, right);
    decisions.set(pairKey(a, b), relation);
  }
  return loss;
}

interface Learner {
  /** Makes the outcome `right` likelier; returns the negative log-likelihood it had. */
  learn(choice: Choice, right: number): number;
  /** The same where the classes are the roles of words. */
  learnClass(features: readonly number[], right: Role): number;
  average(): Float32Array;
}

function createLearner(size: number): Learner {
  const weights: Weights = { values: new Float32Array(size), scale: 1 };
  const squares = new Float32Array(size);
  const moments = new Float32Array(size); // sum of step × time: the average comes from it without a pass per update
  const classes = Object.keys(Role).length;
  let time = 0;

  function step(place: number, error: number): void {
    const gradient = error + DECAY * weights.values[place];
    squares[place] += gradient * gradient;
    const change = (-RATE * gradient) / Math.sqrt(squares[place] + 0.01);
    weights.values[place] += change;
    moments[place] += change * time;
  }
  /** Calls back for each outcome with the derivative of the loss by its score. */
  function descend(
    chances: readonly number[],
    right: number,
    each: (outcome: number, error: number) => void,
  ): number {
    time++;
    chances.forEach((chance, i) => {
      const error = chance - (i === right ? 1 : 0);
      if (Math.abs(error) > 1e-3) each(i, error);
    });
    return -Math.log(chances[right] + 1e-12);
  }

  return {
    learn(choice, right) {
      const { groups, outcomes } = choice;
      return descend(choose(weights, choice), right, (i, error) => {
        const { features, groups: own } = outcomes[i];
        for (const one of features) step(one & (size - 1), error);
        for (const group of own) for (const one of groups[group]) step(one & (size - 1), error);
      });
    },
    learnClass(features, right) {
      const scores = new Array<number>(classes).fill(0);
      addClasses(weights, features, scores);
      return descend(softmax(scores, 1), right, (i, error) => {
        for (const one of features) step(classPlace(one, size) + i, error);
      });
    },
    average: () => Float32Array.from(weights.values, (value, at) => value - moments[at] / (time + 1)),
  };
}
