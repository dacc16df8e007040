import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { random } from '../random.ts';
import { captionScene, mainGroup, WORLD_KINDS } from './captions.ts';
import { groupRelations, zoneOf } from './graph.ts';
import { type Mention, namesAllObjects, readMentions, readRelations } from './mentions.ts';
import { ZONE_WORDS } from './phrases.ts';
import { sampleScene } from './sample-scene.ts';
import { boxOf, type Group, groupsOf, type Scene } from './scene.ts';

const index = fc.nat(1_000_000);
const caption = (scene: Scene, kind: (typeof WORLD_KINDS)[number], i: number) =>
  captionScene(scene, kind, random(11, kind, i));
const meant = (scene: Scene, { shape, color }: Mention): Group => {
  const found = groupsOf(scene).find((group) => group.shape === shape && group.color === color);
  if (found === undefined) throw new Error(`there is no ${color} ${shape}`);
  return found;
};

/** Whatever a mention says of its group is so. */
function checkMention(scene: Scene, mention: Mention): void {
  const group = meant(scene, mention);
  expect(mention.size ?? group.size).toBe(group.size);
  expect(mention.texture ?? group.texture).toBe(group.texture);
  expect(mention.count ?? group.objects.length).toBe(group.objects.length);
}

describe('a descriptive caption', () => {
  it('is true in every attribute, count and relation that it states', () => {
    fc.assert(
      fc.property(index, (i) => {
        const scene = sampleScene(11, i);
        const text = caption(scene, 'descriptive', i);
        for (const mention of readMentions(text)) checkMention(scene, mention);
        for (const { subject, relation, object } of readRelations(text)) {
          const [a, b] = [meant(scene, subject), meant(scene, object)];
          const holds = relation === 'behind' ? groupRelations(scene, b, a) : groupRelations(scene, a, b);
          expect(holds, text).toContain(relation === 'behind' ? 'in front of' : relation);
        }
      }),
      { numRuns: 400 },
    );
  });

  it('is true in every place that it gives to an object', () => {
    let checked = 0;
    for (let i = 0; i < 400; i++) {
      const scene = sampleScene(12, i);
      const text = caption(scene, 'descriptive', i).toLowerCase();
      for (const group of groupsOf(scene).filter(({ objects }) => objects.length === 1)) {
        for (const [place, wordings] of Object.entries(ZONE_WORDS)) {
          for (const words of wordings) {
            const says = new RegExp(
              `${group.color} ${group.shape}( with \\w+)? (is |sits |appears )?${words}[.,]`,
            );
            if (!says.test(text)) continue;
            const { row, column } = zoneOf(boxOf(group.objects[0]));
            expect(place, text).toBe(`${row} ${column}`);
            checked++;
          }
        }
      }
    }
    expect(checked).toBeGreaterThan(300);
  });

  it('goes from left to right, but for an opening that relates the first two', () => {
    fc.assert(
      fc.property(index, (i) => {
        const scene = sampleScene(11, i);
        const fromLeft = groupsOf(scene)
          .map((group) => ({
            name: `${group.color} ${group.shape}`,
            x: Math.min(...group.objects.map(({ x }) => x)),
          }))
          .sort((a, b) => a.x - b.x)
          .map(({ name }) => name);
        const named = readMentions(caption(scene, 'descriptive', i)).map((m) => `${m.color} ${m.shape}`);
        const order = [...new Set(named)];
        expect(order.slice(2)).toEqual(fromLeft.slice(2));
        expect(order.slice(0, 2).sort()).toEqual(fromLeft.slice(0, 2).sort());
      }),
    );
  });

  it('names every object with size and texture, the background and the letters', () => {
    fc.assert(
      fc.property(index, (i) => {
        const scene = sampleScene(11, i);
        const text = caption(scene, 'descriptive', i);
        expect(namesAllObjects(scene, text), text).toBe(true);
        for (const group of groupsOf(scene)) {
          const mentions = readMentions(text).filter(
            (m) => m.shape === group.shape && m.color === group.color,
          );
          expect(
            mentions.some(({ size }) => size === group.size),
            text,
          ).toBe(true);
          if (group.texture !== 'solid')
            expect(mentions.some(({ texture }) => texture === group.texture)).toBe(true);
        }
        expect(text).toContain(scene.background.color);
        if (scene.background.fadesTo !== undefined) expect(text).toContain(scene.background.fadesTo);
        if (scene.letters !== undefined) expect(text).toContain(`"${[...scene.letters.text].join(' ')}"`);
      }),
      { numRuns: 400 },
    );
  });

  it('tells of every object that is inside or in front of another', () => {
    for (let i = 0; i < 200; i++) {
      const scene = sampleScene(13, i, { minObjects: 2, maxObjects: 3, overlaps: 1, alike: 0 });
      expect(caption(scene, 'descriptive', i)).toMatch(/inside|in front of|behind/);
    }
  });

  it('reads as sentences, in lower case or with capitals', () => {
    const texts = Array.from({ length: 200 }, (_, i) => caption(sampleScene(14, i), 'descriptive', i));
    const capital = texts.filter((text) => /^[A-Z]/.test(text));
    expect(capital.length).toBeGreaterThan(60);
    expect(capital.length).toBeLessThan(140);
    for (const text of texts) {
      expect(text).toMatch(/\.$/);
      expect(text).not.toMatch(/ {2}|\ba [aeio]|undefined| ,|\.\./);
      expect(text).not.toMatch(/\b(one|an?) \w+ \w+ \w+[^s]s (is|are)\b/);
    }
  });
});

describe('a short caption', () => {
  it('names the main subject, truly, and nothing else', () => {
    fc.assert(
      fc.property(index, (i) => {
        const scene = sampleScene(11, i);
        const mentions = readMentions(caption(scene, 'short', i));
        expect(mentions).toHaveLength(1);
        checkMention(scene, mentions[0]);
        expect(meant(scene, mentions[0]).objects).toEqual(mainGroup(scene).objects);
      }),
    );
  });
});

describe('alt text', () => {
  const scenes = Array.from({ length: 800 }, (_, i) => sampleScene(15, i));
  const texts = scenes.map((scene, i) => caption(scene, 'alt', i));
  const share = (holds: (text: string, i: number) => boolean) => texts.filter(holds).length / texts.length;

  it('is seldom complete, often about something else, sometimes wrong', () => {
    expect(share((text, i) => namesAllObjects(scenes[i], text))).toBeLessThan(0.15);
    expect(share((text) => readMentions(text.replace(/[-_]/g, ' ')).length === 0)).toBeGreaterThan(0.25);
    const wrong = (text: string, i: number) =>
      readMentions(text).some(
        ({ shape, color }) =>
          color !== undefined &&
          !scenes[i].objects.some((object) => object.shape === shape && object.color === color),
      );
    expect(share(wrong)).toBeGreaterThan(0.08);
    expect(share(wrong)).toBeLessThan(0.3);
  });

  it('comes in all letter cases, as file names and as advertisements', () => {
    expect(share((text) => text === text.toUpperCase())).toBeGreaterThan(0.08);
    expect(share((text) => /\.(jpe?g|png|webp)/i.test(text))).toBeGreaterThan(0.08);
    expect(share((text) => /sale|buy|price|shipping/i.test(text))).toBeGreaterThan(0.05);
  });
});

describe('captions', () => {
  it('keep to a vocabulary of fewer than 250 words', () => {
    const vocabulary = new Set<string>();
    for (let i = 0; i < 1500; i++) {
      for (const kind of WORLD_KINDS) {
        for (const [word] of caption(sampleScene(16, i), kind, i)
          .toLowerCase()
          .matchAll(/[a-z]+/g)) {
          vocabulary.add(word);
        }
      }
    }
    expect(vocabulary.size).toBeLessThan(250);
  });

  it('are the same for the same random stream and worded differently for others', () => {
    const scene = sampleScene(17, 2, { minObjects: 3 });
    const wordings = Array.from({ length: 20 }, (_, i) => caption(scene, 'descriptive', i));
    expect(new Set(wordings).size).toBeGreaterThan(15);
    expect(caption(scene, 'descriptive', 4)).toBe(wordings[4]);
  });
});
