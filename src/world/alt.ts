/** Alt text as the web has it: a word or two of truth, a file name, an advertisement, another page's text, a mistake. */
import type { Random } from '../random.ts';
import { NUMBERS, noun, onBackground, plural, withArticle } from './phrases.ts';
import { type Attributes, groupsOf, type Scene } from './scene.ts';
import { COLORS, SHAPES } from './vocabulary.ts';

const ABOUT_SOMETHING_ELSE = [
  'click to enlarge',
  'my holiday photo',
  'our new logo',
  'picture of the day',
  'company header image',
  'photo by admin',
  'image not found',
  'best summer recipes',
  'happy birthday card',
  'sunset at the beach',
  'a dog in the park',
  'see more in the gallery',
  'about us',
  'untitled',
];
const ADVERTS = ['free download', 'buy online', 'best price', 'sale now on', 'free shipping', 'new stock'];
const GOODS = ['sticker', 'clipart', 'icon', 'wall art', 'poster', 'vector', 'logo', 'print'];
const FILE_STEMS = ['img', 'image', 'photo', 'final', 'untitled', 'banner', 'screen'];

/** A caption that is often incomplete and sometimes false. */
export function altCaption(scene: Scene, random: Random): string {
  const seen: Attributes & { count: number } = drawGroup(scene, random);
  const roll = random.uniform();
  let text: string;
  if (roll < 0.38) text = somethingTrue(scene, seen, random);
  else if (roll < 0.52) text = fileName(seen, random);
  else if (roll < 0.68) text = advert(seen, random);
  else if (roll < 0.83) text = random.pick(ABOUT_SOMETHING_ELSE);
  else text = simple(mistaken(seen, random));
  return noisy(text, random);
}

function drawGroup(scene: Scene, random: Random): Attributes & { count: number } {
  const { objects, ...look } = random.pick(groupsOf(scene));
  return { ...look, count: objects.length };
}

function somethingTrue(
  scene: Scene,
  { count, ...look }: Attributes & { count: number },
  random: Random,
): string {
  const details = { size: random.uniform() < 0.2, texture: random.uniform() < 0.3 };
  const full = noun(look, count, details, random);
  return random.pick([
    full,
    full,
    count > 1 ? `${NUMBERS[count - 1]} ${full}` : withArticle(full),
    count > 1 ? plural(look.shape) : look.shape,
    `${look.color} ${count > 1 ? 'shapes' : 'shape'}`,
    `${full} ${onBackground(scene.background, random)}`,
    'shapes and colors',
  ]);
}

/** Another colour or another shape than it has. */
function mistaken<T extends Attributes>(look: T, random: Random): T {
  return random.uniform() < 0.5
    ? { ...look, color: random.pick(COLORS.filter((color) => color !== look.color)) }
    : { ...look, shape: random.pick(SHAPES.filter((shape) => shape !== look.shape)) };
}

function simple({ color, shape, count }: Attributes & { count: number }): string {
  return count > 1 ? `${color} ${plural(shape)}` : withArticle(`${color} ${shape}`);
}

function fileName({ color, shape }: Attributes, random: Random): string {
  const number = random.int(10_000);
  const extension = random.pick(['jpg', 'png', 'jpeg', 'webp']);
  const stem = random.pick([
    `${random.pick(FILE_STEMS)}_${number}`,
    `${color}-${shape}`,
    `${shape}_${number}`,
  ]);
  return `${stem}.${extension}`;
}

function advert({ color, shape }: Attributes, random: Random): string {
  const goods = random.pick(GOODS);
  const offer = random.pick(ADVERTS);
  return random.pick([
    `${shape} ${goods} - ${offer}`,
    `${color} ${shape} ${goods} ${offer}`,
    `${goods} ${offer}`,
    `${offer}: ${color} ${goods}`,
  ]);
}

/** Letter case and punctuation as people happen to type them. */
function noisy(text: string, random: Random): string {
  const cased = random.pick([
    text,
    text,
    text,
    text[0].toUpperCase() + text.slice(1),
    text.toUpperCase(),
    text.replace(/\b[a-z]/g, (letter) => letter.toUpperCase()),
  ]);
  return cased + random.pick(['', '', '', '', '', '.', '!', '!!', ' ...', ' |', ' :)']);
}
