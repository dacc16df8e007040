/**
 * Penn Treebank tokens of a caption, lower case, without punctuation: the units that BLEU, ROUGE-L and CIDEr count in
 * the COCO evaluation. Written from its documented behaviour, for captions; not a port.
 */

const WORD_PART = String.raw`[\p{L}\p{N}\p{M}]+`;
/** Hyphens, slashes and the like bind letters and digits; points, commas and colons bind digits only. */
const WORD = String.raw`${WORD_PART}(?:(?:[-/'&_]|(?<=\d)[.,:](?=\d))${WORD_PART})*`;

/** Their period belongs to them. Left out: those that are also ordinary English words at the end of a caption. */
const ABBREVIATIONS =
  `mr mrs ms messrs dr drs prof profs rev hon sr jr bros esq gov govs sen sens rep reps atty attys
  gen col lt lieut maj capt cmdr cpl sgt pvt pfc adm brig supt pres st ste mt ave rd blvd bldg dept univ assn inc corp
  ltd co cos intl jan feb apr jun jul aug sep sept oct nov dec tue tues wed thu thurs fri ala ariz calif colo conn fla
  mich minn okla tenn tex wis wyo etc al vs ft`
    .split(/\s+/)
    .join('|');

const TOKEN = new RegExp(
  [
    String.raw`(?:https?://|www\.)[^\s"<>]+`,
    '-[lr][rcs]b-',
    String.raw`(?:\p{L}\.){2,}`,
    String.raw`(?:${ABBREVIATIONS})\.(?![\p{L}\p{N}])`,
    String.raw`'\d\ds?(?![\p{L}\p{N}])`,
    String.raw`'(?:s|m|d|ll|re|ve)(?!\p{L})`,
    // A period before other punctuation cannot end the sentence, so it marks an abbreviation.
    String.raw`${WORD}(?:\.(?=[,;:]))?`,
    '-{2,}',
    String.raw`\.{2,}`,
    String.raw`\S`,
  ].join('|'),
  'giu',
);

/** Words that the treebank writes as two. */
const ASSIMILATED = /^(can)(not)$|^(gon|got|wan)(na|ta)$|^(gim|lem)(me)$/;
const CONTRACTION = /^(.+)(n't|'(?:s|m|d|ll|re|ve))$/u;

/** Tokens the evaluation leaves out; brackets are written -LRB- and so on in the treebank. */
const PUNCTUATION = new Set('\' ` " -lrb- -rrb- -lcb- -rcb- ( ) { } . ? ! , : - ;'.split(' '));

/** Splits a caption into lower-case tokens; punctuation is dropped, `'s` and `n't` are tokens. Any text is accepted. */
export function ptbTokenize(caption: string): string[] {
  const text = caption
    .normalize('NFC')
    .replace(/[‘’‛`´]/g, "'")
    .replace(/[“”„«»]/g, '"')
    .replace(/[–—]/g, '--')
    .replaceAll('…', '...')
    .toLowerCase();
  const tokens: string[] = [];
  for (const [token] of text.matchAll(TOKEN)) {
    if (PUNCTUATION.has(token) || /^(?:-{2,}|\.{2,})$/.test(token)) continue;
    const parts = ASSIMILATED.exec(token) ?? CONTRACTION.exec(token);
    if (parts) tokens.push(...parts.slice(1).filter((part) => part !== undefined));
    else tokens.push(token);
  }
  return tokens;
}
