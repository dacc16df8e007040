/** Closed classes of English words, as far as captions need them. */

const set = (words: string): ReadonlySet<string> => new Set(words.trim().split(/\s+/));

/** Words that begin a phrase about a place or a company; `of` binds too tightly to be one. */
export const PREPOSITIONS = set(`
  in on at with by for from to into onto over under above below behind beside besides near up down out off along across around
  through between among amongst against inside outside toward towards within without upon alongside beyond atop underneath
  beneath before after past during about like opposite next amid amidst aboard`);
/** Prepositions of a movement or a deed: nothing "is into" a pool. */
export const BOUND =
  /^(?:into|to|for|from|toward|towards|onto|after|by|off|about|during|past|along|through|across|of|around|up|down|out|at|like|without|over)$/;
/** Adverbs that look like prepositions, or that go with them: "together in", "away from". */
export const ADVERBS = set(
  'together away back very outdoors indoors outside inside nearby there here alone ahead high low just right left closely forward backwards upside half hard still all both each',
);
export const AUXILIARIES = set('is are was were be being been has have had');
export const BE = set('is are was were');
/** What begins a clause of its own. */
export const CLAUSE_WORDS = set(
  'while whilst as who whom which that when where because so then until if but than whose wherein although though what how',
);
export const DETERMINERS = set(
  'a an the some several many this that these those his her its their one two three four five six seven eight nine ten another other both few couple various multiple',
);
export const INDEFINITE = set('a an some');
export const PRONOUNS = set(
  'it him them himself herself itself themselves they he she each one another other others',
);
/** Nouns of time, manner and part of the picture: they alone are no news, and nothing is said of them. */
export const LOOSE =
  /^(?:night|day|air|mid-air|midair|time|daytime|sunset|place|way|line|front|play|work|one|other|action|motion|flight|top|side|edge|end|(?:picture|image|photo|photograph|view|shot|scene)s?|closeup|close-up|close|camera|background|foreground|distance|something|each)$/;
/** Whether a word says something of itself. */
export const isContent = (word: string): boolean =>
  /^[a-z]/i.test(word) && !/^(?:the|and|or|of|not)$/.test(word) && ![PREPOSITIONS, AUXILIARIES, DETERMINERS, PRONOUNS].some((one) => one.has(word)); // biome-ignore format: one line
/** Participles that say how something is; any other word in -ed, or irregular, is taken for past tense. */
export const STATES = set(`
  dressed covered surrounded gathered seated parked filled made decorated painted tied crowded lined perched huddled wrapped
  equipped loaded attached held worn clothed bundled posed positioned located stacked piled lit suspended chained tethered
  strapped balanced bent engaged involved designed shaped titled labeled labelled written seen shown hung followed pulled
  pushed carried driven ridden chased watched caught fenced bordered submerged soaked drenched splashed sprayed framed
  illuminated separated`);

export const COLOURS = set(`
  white black brown red blue green yellow orange purple pink gray grey tan beige golden gold silver blond blonde maroon
  turquoise teal navy dark-haired blond-haired tan-colored`);

const MALE = set('man men boy boys guy guys male males gentleman gentlemen dad father son brother groom');
const FEMALE = set('woman women girl girls lady ladies female females mother mom daughter sister bride');
const PERSON = set(`
  person people child children kid kids baby babies toddler toddlers adult adults couple crowd family player players skier
  skiers surfer surfers rider riders worker workers snowboarder snowboarders skateboarder skateboarders skater skaters
  batter catcher pitcher umpire chef officer officers soldier soldiers student students tourist tourists cyclist cyclists biker
  bikers runner runners hiker hikers climber climbers swimmer swimmers wrestler wrestlers dancer dancers athlete athletes
  performer performers musician musicians singer bicyclist bicyclists motorcyclist motorcyclists racer racers team group
  teenager teenagers teen teens youth youths someone individual individuals friends spectators diver boater boaters goalie
  gymnast golfer fisherman cheerleader cheerleaders driver pedestrian pedestrians infant youngster somebody boarder kayaker
  rafter bystanders onlookers guitarist artist model`);
/** Plural words that do not look it. */
const PLURAL = set(
  'people men women children couple group crowd team family gentlemen friends police feet geese mice sheep',
);

const BABY = /^(?:bab(?:y|ies)|infants?|toddlers?)$/;
const GROWN = /^(?:wom[ae]n|m[ae]n|lad(?:y|ies)|guys?|gentlem[ae]n|adults?|mothers?|moms?|fathers?|dads?)$/;

/** Whether two people cannot be the same one, whatever else is said of them. */
export const isOtherAge = (a: string, b: string): boolean =>
  (BABY.test(a) && GROWN.test(b)) || (GROWN.test(a) && BABY.test(b));

const DOG =
  /^(?:dog|puppy|puppie|pup|lab|labrador|retriever|terrier|greyhound|poodle|collie|animal|pet|shepherd|hound|canine|dalmatian|spaniel|corgi|pooch)(?:s|ies)?$/;

/** Whether a noun may speak of a dog. */
export const isDog = (noun: string): boolean => DOG.test(noun);

export type Gender = 'male' | 'female' | 'person';

/** Whom a noun speaks of, or undefined where it is no person. */
export function genderOf(noun: string): Gender | undefined {
  if (MALE.has(noun)) return 'male';
  if (FEMALE.has(noun)) return 'female';
  return PERSON.has(noun) ? 'person' : undefined;
}

export const isPlural = (noun: string): boolean =>
  PLURAL.has(noun) || (/[^su]s$/.test(noun) && !/^(?:tennis|bus|grass|canvas)$/.test(noun));
