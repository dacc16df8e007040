/**
 * Our side of `bench/metrics`, asked like `bench/peers/metrics.py`; besides, "all" scores raw texts with every metric there is,
 * "only NAME" with one, and "bootstrap" makes the intervals of all. Answers are seconds of a processor.
 */
import { readFileSync } from 'node:fs';
import {
  CAPTION_METRICS,
  type CaptionMetric,
  scoreCaptions,
  scoreIntervals,
} from '../../src/metrics/index.ts';
import { serve } from '../lib/lines.ts';

interface Item {
  candidate: string[];
  references: string[][];
  candidateText: string;
  referenceTexts: string[];
}

/** Those that the peer has. */
const SHARED = ['Bleu_1', 'Bleu_2', 'Bleu_3', 'Bleu_4', 'ROUGE_L', 'CIDEr-D'] as const;

await serve<{ file: string }>(async ({ file }) => {
  const items: Item[] = JSON.parse(readFileSync(file, 'utf8'));
  const tokens = {
    candidates: items.map(({ candidate }) => candidate.join(' ')),
    references: items.map(({ references }) => references.map((one) => one.join(' '))),
  };
  const texts = {
    candidates: items.map(({ candidateText }) => candidateText),
    references: items.map(({ referenceTexts }) => referenceTexts),
  };
  const all = (metrics?: readonly CaptionMetric[]) =>
    scoreCaptions(texts.candidates, texts.references, { metrics });
  const whole = await all();
  let scores: Partial<Record<CaptionMetric, number>> = {};

  return async (request) => {
    if (request === 'seconds') {
      return processorSeconds(async () => {
        const report = await scoreCaptions(tokens.candidates, tokens.references, {
          metrics: SHARED,
          tokenize: (text) => text.split(' ').filter(Boolean),
        });
        scores = report.metrics;
      });
    }
    if (request === 'all') return processorSeconds(() => all());
    if (request === 'bootstrap') return processorSeconds(() => scoreIntervals(whole));
    if (request.startsWith('only ')) {
      const metric = CAPTION_METRICS.find((name) => name === request.slice('only '.length))!;
      return processorSeconds(() => all([metric]));
    }
    return scores[request as CaptionMetric] ?? Number.NaN;
  };
});

/** Of all threads, so that work which the garbage collector does elsewhere counts too. */
async function processorSeconds(work: () => unknown): Promise<number> {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
}
