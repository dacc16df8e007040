import { describe, expect, test } from 'vitest';
import type { Caption } from '../data/sample.ts';
import { sampleScene } from '../world/index.ts';
import { checkArms, parseArm } from './arms.ts';
import { type Captioned, promptsFor, type SplitOptions, splitCollection } from './prompts.ts';

const scene = sampleScene(1, 1);
const caption = (kind: Caption['kind'], text: string): Caption => ({ kind, text, source: 'test' });
const picture = (i: number, extra: Caption[] = []): Captioned => ({
  key: `p${i}`,
  captions: [caption('alt', `alt ${i % 5}`), caption('short', `a thing ${i}`), caption('descriptive', `a long thing ${i} on white`), ...extra], // biome-ignore format: one line
  scene,
});
const pictures = (n: number) => Array.from({ length: n }, (_, i) => picture(i));
const arms = [parseArm('A=alt'), parseArm('B=descriptive:0.95,alt:0.05')];
const options = (changes: Partial<SplitOptions> = {}): SplitOptions => ({
  arms,
  kinds: ['short', 'descriptive'],
  heldOut: 10,
  most: 100,
  seed: 1,
  fits: () => true,
  ...changes,
});

describe('what is learnt and what is asked', () => {
  test('prompts come from pictures that nobody learns, the same for the same seed', async () => {
    const one = await splitCollection(pictures(40), undefined, options());
    const again = await splitCollection(pictures(40), undefined, options());
    expect(again).toEqual(one);
    expect(one.prompts.get('short')).toHaveLength(10);
    for (const prompts of one.prompts.values())
      for (const { key } of prompts) expect(one.leaveOut.has(key)).toBe(true);
    expect(one.learnt).toBe(30);
    const other = await splitCollection(pictures(40), undefined, options({ seed: 2 }));
    expect(other.leaveOut).not.toEqual(one.leaveOut);
  });

  test('no arm learns a caption that is a prompt, however it is typed', async () => {
    const data = [...pictures(20), picture(20, [caption('alt', 'A LONG thing 3 on white.')])];
    const split = await splitCollection(data, [picture(3)], options());
    expect(split.sayAPrompt).toBe(2); // the picture of the same words, and the one whose alt text says them
    expect(split.leaveOut).toEqual(new Set(['p3', 'p20']));
  });

  test('what the fewest pictures say is asked first, so that few are lost', async () => {
    const often = Array.from({ length: 9 }, (_, i) => ({ ...picture(i), key: `often${i}`, captions: [caption('alt', 'x'), caption('descriptive', 'A heart.')] })); // biome-ignore format: one line
    const test = [{ ...picture(50), captions: [caption('descriptive', 'a heart')] }, picture(3), picture(60)];
    const ask = { arms: [parseArm('B=descriptive')], kinds: ['descriptive' as const] };
    const two = await splitCollection([...pictures(20), ...often], test, options({ ...ask, most: 2 }));
    expect(two.prompts.get('descriptive')!.map(({ key }) => key)).toEqual(['p60', 'p3']);
    expect(two.leaveOut).toEqual(new Set(['p3']));
    const all = await splitCollection([...pictures(20), ...often], test, options(ask));
    expect(all.sayAPrompt).toBe(10);
  });

  test('a kind that no arm learns may say a prompt', async () => {
    const asked = { ...picture(3), key: 'another' };
    const split = await splitCollection(pictures(20), [asked], options({ kinds: ['short'] }));
    expect(split.sayAPrompt).toBe(0);
  });

  test('the picture of a prompt is learnt by none, whatever place it lies in', async () => {
    const split = await splitCollection(pictures(20), [picture(3)], options({ kinds: ['short'] }));
    expect(split.leaveOut).toEqual(new Set(['p3']));
  });

  test('a picture that one arm cannot learn is learnt by none', async () => {
    const lacking = { key: 'x', captions: [caption('alt', 'something')], scene };
    const split = await splitCollection([...pictures(20), lacking], [picture(99)], options({ arms: [parseArm('A=alt'), parseArm('B=short')] })); // biome-ignore format: one line
    expect(split.withoutKind).toBe(1);
    expect(split.leaveOut.has('x')).toBe(true);
  });

  test('upsampled prompts are drawn as they became and judged as they were', async () => {
    const upsample = async (prompts: readonly string[]) => prompts.map((text) => `${text}. And more of it.`);
    const split = await splitCollection(pictures(20), undefined, options({ kinds: ['upsampled'], upsample }));
    const [{ text, asked }] = split.prompts.get('upsampled')!;
    expect(text).toBe(`${asked}. And more of it.`);
  });

  test('prompts as learnt are written as each arm writes its captions, and judged as they were', async () => {
    const spaced = { ...parseArm('S=descriptive'), reword: (text: string) => ` ${text}` };
    const all = (await splitCollection(pictures(20), undefined, options({ arms: [...arms, spaced], kinds: ['as-learnt'] }))).prompts; // biome-ignore format: one line
    const [own] = promptsFor(spaced, all).get('as-learnt')!;
    expect(own.text).toBe(` ${own.asked}`);
    expect(promptsFor(arms[0], all).get('as-learnt')![0].text).toBe(own.asked);
  });

  test('what the encoder cannot read whole is left out, and counted', async () => {
    const split = await splitCollection(
      pictures(20),
      undefined,
      options({ fits: (text) => !text.includes('1') }),
    );
    expect(split.tooLong).toBeGreaterThan(0);
    for (const prompts of split.prompts.values())
      for (const { text } of prompts) expect(text).not.toContain('1');
  });

  test('nothing to ask, and nothing to learn, are told', async () => {
    await expect(
      splitCollection(pictures(20), undefined, options({ kinds: ['human'] })),
    ).rejects.toMatchObject({
      code: 'no-prompts',
      hint: expect.stringContaining('alt, short, descriptive'),
    });
    await expect(splitCollection(pictures(5), undefined, options())).rejects.toMatchObject({
      code: 'too-few-pictures',
    });
  });
});

describe('arms', () => {
  test.each(['descriptive', '=alt', 'A B=alt', '../x=alt', `${'x'.repeat(41)}=alt`])(
    '"%s" is no arm',
    (text) => {
      expect(() => parseArm(text)).toThrow(expect.objectContaining({ code: 'bad-arm' }));
    },
  );
  test('one alone, and two of one name, are no comparison', () => {
    expect(() => checkArms([arms[0]])).toThrow(expect.objectContaining({ code: 'bad-arm' }));
    expect(() => checkArms([arms[0], parseArm('a=short')])).toThrow(expect.objectContaining({ message: '"a" is there twice' })); // biome-ignore format: one line
  });
});
