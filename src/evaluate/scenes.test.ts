import { expect, test } from 'vitest';
import { random } from '../random.ts';
import { captionScene, renderScene, sampleScene } from '../world/index.ts';
import { evaluateScenes } from './scenes.ts';

const plain = { textures: 0, letters: 0, gradients: 0, overlaps: 0, maxObjects: 2 };
const drawn = (index: number) => {
  const scene = sampleScene(51, index, plain);
  return { prompt: captionScene(scene, 'descriptive', random(51, index)), image: renderScene(scene, 40) };
};

test('true pictures meet their prompts, those of other prompts do not, and the intervals say how sure that is', () => {
  const right = evaluateScenes();
  const wrong = evaluateScenes();
  for (let i = 0; i < 12; i++) {
    const { prompt, image } = drawn(i);
    for (let k = 0; k < 2; k++) right.add(prompt, image);
    wrong.add(prompt, drawn(i + 100).image);
  }
  const [good, bad] = [right.scores(), wrong.scores()];
  expect(good).toMatchObject({ prompts: 12, images: 24 });
  expect(good.met.rate).toBeGreaterThan(0.9);
  expect(bad.met.rate).toBeLessThan(0.2);
  expect(good.met.interval[0]).toBeGreaterThan(bad.met.interval[1]);
  expect(good.skills.object!.rate).toBeGreaterThan(bad.skills.object!.rate);
  expect(good.skills.letters).toBeUndefined(); // nothing asked for any
});

test('pictures of one prompt are drawn together by the bootstrap: many copies make it no surer', () => {
  const [few, many] = [evaluateScenes(), evaluateScenes()];
  for (let i = 0; i < 6; i++) {
    const { prompt } = drawn(i);
    const image = drawn(i % 2 === 0 ? i : i + 100).image;
    few.add(prompt, image);
    for (let k = 0; k < 5; k++) many.add(prompt, image);
  }
  expect(many.scores().met).toEqual({ ...few.scores().met, asked: 30 });
});

test('a prompt that asks for nothing that can be judged counts nowhere', () => {
  const scores = evaluateScenes();
  const { prompt, image } = drawn(1);
  expect(scores.add('IMG_0042', image).met).toBe(false);
  scores.add(prompt, image);
  expect(scores.scores()).toMatchObject({ prompts: 1, images: 1, unread: 1, met: { rate: 1, asked: 1 } });
});

test('without a picture there are no scores, and no error', () => {
  expect(evaluateScenes().scores()).toMatchObject({ prompts: 0, images: 0, met: { rate: 0, asked: 0 } });
});
