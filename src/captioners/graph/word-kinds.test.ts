import { describe, expect, it } from 'vitest';
import { trainBpe } from '../../text/bpe.ts';
import { loadSceneGraphParser } from '../../text/scene-graph/index.ts';
import { createTokenizer } from '../../text/tokenizer.ts';
import { kindsOfTokens } from './word-kinds.ts';

const parser = await loadSceneGraphParser();
const captions = ['two men are playing soccer on a field', 'a black dog is running through the tall grass.'];
/** @param learnt what the tokenizer has seen: of nothing, it knows letters */
const marks = (caption: string, learnt: string[]) => {
  const tokenizer = createTokenizer(trainBpe(learnt, { vocabSize: 600 }));
  const tokens = tokenizer.encode(caption);
  const kinds = kindsOfTokens(caption, tokens, parser, tokenizer);
  expect(kinds).toHaveLength(tokens.length + 1);
  return [...tokens.map((token, i) => `${tokenizer.decode([token])}${'°^'[kinds[i]] ?? ''}`), 'op.'[kinds.at(-1)!]].join('|'); // biome-ignore format: one line
};

describe('the kinds of words', () => {
  it('come from the scene graph: objects °, predicates ^ in whatever form, the end is another', () => {
    expect(marks(captions[0], [...captions, ...captions])).toBe(
      'two| men°| are| playing^| soccer°| on^| a| field°|.',
    );
    expect(marks(captions[1], [...captions, ...captions])).toBe(
      'a| black| dog°| is| running^| through^| the| tall| grass°|.|.',
    );
  });

  it('count a predicate only beside its ends', () => {
    const caption = 'a dog on the grass looks on';
    expect(marks(caption, [caption, caption, ...captions])).toBe('a| dog°| on^| the| grass°| looks| on|.');
  });
  it('are those of the whole word for each of its parts', () => {
    expect(marks('two men play', [])).toBe('t|w|o| °|m°|e°|n°| |p|l|a|y|.');
  });
});
