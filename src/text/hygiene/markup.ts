import type { HygieneRule } from './rule.ts';
import { unquote, unwrapJson, withoutLabel } from './wrapper.ts';

const FENCE = /^[ \t]*(?:```|~~~)[\w-]{0,20}[ \t]*$/;
const RULE = /^[ \t]*(?:-[ \t]?){3,}$|^[ \t]*(?:\*[ \t]?){3,}$|^[ \t]*(?:_[ \t]?){3,}$/;
const LINE_MARK = /^[ \t]*(?:#{1,6}[ \t]+|(?:[-*+•‣–>]|\d{1,2}[.)])[ \t]+)/;
const NAME_OF_PART =
  /^(?:\W{0,4})(?:(?:image|detailed|short|long|final)\s)?(?:caption|description|answer|summary|overview)\W{0,4}$/i;

/** Runs of HTML tags, placeholders such as `<image>`, and special tokens such as `<|end|>`. */
const TAGS = /(?:<\/?[a-z][a-z0-9]{0,15}(?:\s[^<>]{0,300})?\/?>|<\|[^|<>]{1,40}\|>)+/giu;
const LINK = /(?<![\p{L}\p{N}])!?\[([^[\]\n]{1,300})\]\([^()\s]{1,300}\)(?![\p{L}\p{N}])/gu;
const EMPHASIS = /(?<![\p{L}\p{N}*])\*{1,3}(?=[^\s*])([^*\n]+)(?<=\S)\*{1,3}(?![\p{L}\p{N}*])/gu;
const UNDERLINED = /(?<![\p{L}\p{N}_])_{1,3}(?=[^\s_])([^_\n]+)(?<=\S)_{1,3}(?![\p{L}\p{N}_])/gu;
const CODE = /(?<![\p{L}\p{N}`])`{1,3}([^`\n]+)`{1,3}(?![\p{L}\p{N}`])/gu;
const LEFT_OVER =
  /(?<![\p{L}\p{N}*])\*{2,}|\*{2,}(?![\p{L}\p{N}*])|^`{3}(?:json|text|plaintext|markdown|md|html|xml)?(?![\p{L}\p{N}])|`{3}$/gu;
const ENTITIES = new Map([
  ['&amp;', '&'],
  ['&quot;', '"'],
  ['&#39;', "'"],
  ['&apos;', "'"],
  ['&nbsp;', ' '],
]);

export const markup: HygieneRule = {
  name: 'markup',
  about:
    'takes off Markdown, HTML, JSON, labels and outer quotes: "**Caption:** A dog runs." becomes "A dog runs."',
  mend(text) {
    const plain = withoutLineMarks(unwrapJson(withoutFences(text)))
      .replace(TAGS, (tags, at: number, whole: string) => {
        const apart = /[\p{L}\p{N}.,;:!?]/u.test(whole[at - 1] ?? '');
        return apart && /[\p{L}\p{N}]/u.test(whole[at + tags.length] ?? '') ? ' ' : '';
      })
      .replace(LINK, '$1')
      .replace(EMPHASIS, '$1')
      .replace(UNDERLINED, '$1')
      .replace(CODE, '$1')
      .replace(LEFT_OVER, '')
      .replace(/&(?:amp|quot|#39|apos|nbsp);/g, (entity) => ENTITIES.get(entity)!);
    const bare = unquote(withoutLabel(plain));
    return bare === text ? text : bare.trim();
  },
};

function withoutFences(text: string): string {
  const lines = text.split('\n');
  const kept = lines.filter((line) => !FENCE.test(line));
  return kept.length === lines.length ? text : kept.join('\n');
}

/** Without headings, bullets, numbers and rules; a line that had a mark and no end gets one, so that what follows stands apart. */
function withoutLineMarks(text: string): string {
  const lines = text.split('\n');
  const kept: string[] = [];
  for (const [i, line] of lines.entries()) {
    if (RULE.test(line) && lines.length > 1) continue;
    const mark = LINE_MARK.exec(line);
    if (!mark) {
      kept.push(line);
      continue;
    }
    const content = line.slice(mark[0].length);
    if (lines.length > 1 && NAME_OF_PART.test(content)) continue;
    const isLast = lines.slice(i + 1, i + 3).every((next) => next.trim() === '');
    const end = isLast || !/[\p{L}\p{N}]\s?$/u.test(content) ? '' : mark[0].includes('#') ? '.' : ',';
    kept.push(content.trimEnd() + end);
  }
  return kept.join('\n');
}
