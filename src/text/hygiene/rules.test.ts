import { describe, expect, it, test } from 'vitest';
import { sharedData } from '../../../test/shared.ts';
import { openDataset } from '../../data/index.ts';
import { cleanCaption } from './index.ts';

/** Per rule what it mends, with the other rules off; a string alone stays as it is, and undefined is a refusal. */
const RULES: Record<string, (string | [string, string | undefined])[]> = {
  thinking: [
    ['<think>Fur, so a cat?</think>\n\nA cat sleeps.', 'A cat sleeps.'],
    ['the user wants one sentence</thinking> A cat sleeps.', 'A cat sleeps.'],
    ['A cat. <think>or a dog', 'A cat.'],
    ['<think>or a dog', undefined],
    ['**Reasoning:** it has fur.\n**Answer:** A cat sleeps.', 'A cat sleeps.'],
    ['Reasoning: it has fur', undefined],
    'A man is thinking: the board is full of notes',
  ],
  markup: [
    ['**Caption:** A *red* car', 'A red car'],
    ['## Description\nA red car', 'A red car'],
    ['# A Red Car\nIt is parked.', 'A Red Car.\nIt is parked.'],
    ['- a red car\n- a tree', 'a red car,\na tree'],
    ['```json\n{"caption": "A red car."}\n```', 'A red car.'],
    ['{"caption": "A red car on a str', 'A red car on a str'],
    ['["A red car"]', 'A red car'],
    ['<p>A <b>red</b> car.</p><p>It shines.</p></s>', 'A red car. It shines.'],
    ['salt &amp; pepper', 'salt & pepper'],
    ['"A dog\'s red ball."', "A dog's red ball."],
    ['"A red car', 'A red car'],
    ['{"short_caption": "A hare.", "caption": "A hare eats."}', 'A hare eats.'],
    ['{"text": "Go", "Description": "A green sign.", "score": 1}', 'A green sign.'],
    ['{"short_caption": "A hare.", "long_caption": "A hare eats."}', 'A hare eats.'],
    ['{"captions": ["A hare."]}', 'A hare.'],
    '{"captions": ["A hare.", "A fox."]}',
    '{"animals": ["hare"], "colour": "brown"}',
    '{"colour": "brown"}',
    '"A" and "B" are painted on a wall',
    'snake_case on a screen, 2 * 3 * 4, and a heart <3',
    'a #1 shirt',
  ],
  refusal: [
    ["I'm sorry, but I can't help with that.", undefined],
    ['I cannot identify the people here.', undefined],
    ['As an AI language model, I see no pictures.', undefined],
    ['Unfortunately, I am unable to view the image.', undefined],
    ['It seems no image was provided.', undefined],
    ['Please upload the photo.', undefined],
    [
      "I can't identify the judge, but the image shows him in a wig. He sits.",
      'The image shows him in a wig. He sits.',
    ],
    ["I'm sorry, but I can't describe her, but I can help with a poem.", undefined],
    ["I'm sorry, but there is no image.", undefined],
    ['As a helpful assistant, I keep to my rules.', undefined],
    'As an assistant holds the lamp, a painter mixes blue.',
    'As an air hostess smiles, a child waves.',
    '"I\'m sorry" is written on a card',
    "Sorry we're closed, says a sign",
    'We cannot see her face',
    'I man rides a bike',
  ],
  opening: [
    ['The image shows a dog.', 'A dog.'],
    ['the photo depicts two cats', 'two cats'],
    ['In this picture, we can see that the dog sleeps.', 'The dog sleeps.'],
    ['In the image, there is a dog.', 'There is a dog.'],
    ['This is a picture of a dog.', 'A dog.'],
    ['This is a black and white photo of a dog.', 'A black and white photo of a dog.'],
    ['The image shows a painting of a boat.', 'A painting of a boat.'],
    ['Sure! Here is a caption for the image: A boat.', 'A boat.'],
    ['A boat. The image also shows a pier.', 'A boat. A pier.'],
    ['One can see a boat.', 'A boat.'],
    ['You will notice a boat.', 'A boat.'],
    ['A picture of a boat, a pier, and a gull.', 'A boat, a pier, and a gull.'],
    'One spot on the cow is white.',
    'One notice hangs on the door.',
    'A picture of innocence, a boy hides the biscuits.',
    'A picture of a quiet life, the fisherman naps.',
    'A close-up photo of a bee.',
    'The black and white photo shows a man.',
    'A picture of a boat hangs in a hall.',
    'Framed art fills a wall. The picture shows a boat.',
    'A man takes a picture of a dog.',
    'The image shows how to fold it.',
  ],
  hedge: [
    ['A dog appears to be running.', 'A dog is running.'],
    ['Dogs appear to be running.', 'Dogs are running.'],
    ['There seem to be two dogs.', 'There are two dogs.'],
    ['The dogs seemed to be wet, the cat seemed to be dry.', 'The dogs were wet, the cat was dry.'],
    ['It does not seem to be wet.', 'It is not wet.'],
    ['What looks like a dog sits on what appears to be a sofa.', 'A dog sits on a sofa.'],
    [
      'Boats, which might be yachts, and a shape that may be a pier.',
      'Boats, which are yachts, and a shape that is a pier.',
    ],
    ['Perhaps, the dog is hungry, possibly.', 'The dog is hungry.'],
    ['It appears that the man, perhaps, is tired.', 'The man is tired.'],
    ['He is most likely a chef, likely to be late.', 'He is a chef, likely to be late.'],
    ['A possibly wooden post', 'A wooden post'],
    ['The canvas might be torn.', 'The canvas is torn.'],
    ['Kansas may be flat.', 'Kansas is flat.'],
    ['One of the boats seemed to be empty.', 'One of the boats was empty.'],
    ['The geese could be asleep.', 'The geese are asleep.'],
    ['There might be a boat.', 'There is a boat.'],
    ['A sign, possibly "Go", and what may be \'Stop\'', 'A sign, "Go", and \'Stop\''],
    'The sheep might be asleep.',
    'The man in boots may be a guard, the man wearing boots may be another.',
    'A girl feeds birds that may be pigeons.',
    ['Two girls feed a bird that may be a gull.', 'Two girls feed a bird that is a gull.'],
    'A boy and a girl could be twins.',
    'The children also may be late, and Charles could be late.',
    'There could be fish.',
    'I might be late.',
    "A mug with 'I may be small' on it, and the words ‘you might be next’",
    "the inn's sign 'The ladies' hat could be red' is old",
    'a possibly old post',
    'a sign that says "Maybe later"',
    'as likely as not, it is likely',
    'made to appear to be real, and I appear to be asleep',
  ],
  loop: [
    ['a dog and a dog and a dog and a dog and a', 'a dog'],
    ['a cup and a cup and a cup on a table', 'a cup on a table'],
    ['a car, a car, a car, a tree.', 'a car, a tree.'],
    ['a man in a blue shirt in a blue shirt in a blue shirt', 'a man in a blue shirt'],
    ['big big big dog', 'big dog'],
    ['a tall man on a red horse on a red horse', 'a tall man on a red horse'],
    ['a cup, a jug, a cup, a jug, a cup, a jug', 'a cup, a jug'],
    'The board shows 8 8 8 and four four four.',
    'A cup, a jug, a cup, a jug, and a plate are on a shelf.',
    'a green door, a blue door, a green door, a blue door',
    "The poster sings 'row, row, row' and ‘go, go, go’",
    'It has "ha" "ha" "ha" on it',
    'very very big, and and a dog',
    'one brown and one brown and white dog',
    'a man in white and a man in white',
    'a wall that says "no" "no" "yes"',
    'a wall that says "no, no, no, no"',
    'a sign that reads " No No No dogs . "',
  ],
  'repeated-sentence': [
    ['A dog. It runs. A DOG.', 'A dog. It runs.'],
    ['A dog runs far.\nA dog runs far.\nA dog runs', 'A dog runs far.'],
    'A dog. A dog runs.',
    'It says "Go now. Go now. Go now." in red.',
    'Mr. A. and Mr. A. talk.',
  ],
  lettering: [
    ['A pier, with a watermark in the corner.', 'A pier.'],
    ['A wide pier, with a watermark in the corner.', 'A wide pier.'],
    ['A pier. In the corner, there is a signature of the artist. A boat.', 'A pier. A boat.'],
    ['A wide pier with a Shutterstock watermark and a boat.', 'A wide pier and a boat.'],
    ['A pier. There is some text in the image.', 'A pier.'],
    ['A pier. The text on the sign is illegible.', 'A pier.'],
    ['A pier. The words on the sign are too small to read.', 'A pier.'],
    ['A pier. The image has a date stamp in the lower right corner.', 'A pier.'],
    ['A pier, and a watermark is visible at the bottom of the image.', 'A pier.'],
    ['A pier, a signature in the bottom corner, and a boat.', 'A pier, and a boat.'],
    'A watermark is visible in the corner of the image.',
    'A pier. A watermark is visible.',
    'A stamp with a watermark lies near a lens.',
    'A cheque with a signature in the corner',
    "The baker's signature loaf is in the middle of the picture.",
    'A school. There are words on the board in the image.',
    'A pier. There is text at the top of the photo that says Welcome Ashore.',
    'A cup. There is some small lettering on the bottom of the cup.',
    "A shop. The text on the awning, which is not fully visible, reads 'FRESH BREAD'.",
    'A study of apples signed by the painter Ann Other',
    'An old camera showing a time stamp of 1999, on a shelf.',
    "A pier. The image also has text at the top that reads 'Ferry'.",
    "A pier. A label says 'with a watermark in the corner of the image'.",
    'A sign that reads "Copyright office".',
    'The text reads "HAPPY BIRTHDAY".',
    'A woman puts her signature on a paper.',
    'A red logo on a cap.',
  ],
  'foreign-script': [
    ['a red 汽车 car', 'a red car'],
    ['a big brown dog (собака) runs', 'a big brown dog runs'],
    ['a car汽车, parked', 'a car, parked'],
    ['A red car is parked. 一辆红色的车。', 'A red car is parked.'],
    'a sign that says "東京"',
    "a small shop with 'Αρτοποιείο' over its door",
    'a box of 20 μg pills, a 5 kΩ part, α-helix and β rays',
    'A harbour in Πάτρα with white boats',
    'a big jar of Иван-чай',
    '黑色 boat on a lake in 杭州',
    'a brush drawing of the character 龍 in red ink',
    'two girls 拿着 a kite',
    'собака-like dogs on a hill',
    'красная машина BMW',
    'a dоg with one Cyrillic letter',
    'café naïve',
  ],
  spaces: [
    [' a  dog\n runs .', 'a dog runs.'],
    ['wa\u200bter\u00a0melon\u0000', 'water melon'],
    ["the man 's hat , ( red ) !", "the man's hat, (red)!"],
    '👩‍🚀 costs .5 dollars',
    'می‌خواهم',
  ],
  empty: [['...', undefined], ['— !', undefined], '🐕', '7'],
};

describe.each(Object.entries(RULES))('%s', (rule, cases) => {
  const pairs = cases.map((each): [string, string | undefined] =>
    typeof each === 'string' ? [each, each] : each,
  );
  test.each(pairs)('%j becomes %j', (text, expected) => {
    const rules = text === expected ? [] : [rule];
    expect(cleanCaption(text, { rules: [rule] })).toEqual({ text: expected, rules });
  });
});

describe('too-long', () => {
  const countTokens = (text: string) => text.split(/\s+/).length;
  const text = 'A dog runs fast. It jumps over a log, barks, and swims in the sea with a ball.';
  it.each([
    [18, text],
    [17, 'A dog runs fast.'],
    [3, 'A dog runs'],
    [0, undefined],
  ])('cuts to %d tokens at the end of a sentence, else of a word', (maxTokens, expected) => {
    expect(cleanCaption(text, { rules: ['too-long'], countTokens, maxTokens }).text).toBe(expected);
  });

  it('cuts at a clause before it cuts at a word, and leaves nothing dangling', () => {
    const cut = (caption: string) =>
      cleanCaption(caption, { rules: ['too-long'], countTokens, maxTokens: 7 }).text;
    expect(cut('a dog on grass, a cat on a roof, a bird')).toBe('a dog on grass');
    expect(cut('a dog runs far and wide with the other dogs')).toBe('a dog runs far and wide');
  });

  it('needs a tokeniser and a length', () => {
    expect(cleanCaption(text, { rules: ['too-long'], maxTokens: 3 }).text).toBe(text);
    expect(cleanCaption(text, { rules: ['too-long'], countTokens }).text).toBe(text);
  });
});

const flickr = sharedData('flickr8k', 'dev-00000.tar');
it.skipIf(flickr === undefined)(
  'leaves what people wrote, but for spaces, openings and hedges [needs shared data]',
  async () => {
    const touched: Record<string, number> = {};
    let captions = 0;
    for await (const sample of await openDataset(flickr!)) {
      for (const { text } of sample.captions) {
        captions++;
        for (const rule of cleanCaption(text).rules) touched[rule] = (touched[rule] ?? 0) + 1;
      }
    }
    expect(captions).toBe(5000);
    const { spaces, opening = 0, hedge = 0, ...others } = touched;
    expect(spaces).toBeGreaterThan(4000);
    expect(opening + hedge).toBeLessThan(captions / 100);
    expect(others).toEqual({});
  },
);
