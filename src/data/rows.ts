/** What a JSON object says about a picture: the one reading of caption columns that all formats share. */
import { z } from 'zod';
import { RecaptionError } from '../errors.ts';
import { CAPTION_KINDS, type Caption, type CaptionKind } from './sample.ts';

const kindSchema = z.enum(CAPTION_KINDS);
const captionSchema = z.union([
  z.string(),
  z.object({ text: z.string(), kind: kindSchema.optional(), source: z.string().optional() }),
]);
const field = z.union([captionSchema, z.array(captionSchema.nullable())]).nullish();

// Other people's files use these last names for other things; then they stay plain columns.
const rowSchema = z.looseObject({
  captions: field,
  caption: field,
  text: field,
  kind: kindSchema.optional().catch(undefined),
  captioner: z.string().optional().catch(undefined),
  kinds: z.array(kindSchema).optional().catch(undefined),
  sources: z.array(z.string()).optional().catch(undefined),
  source_key: z.string().min(1).optional().catch(undefined),
});

export interface RowContents {
  captions: Caption[];
  /** All columns that are not captions, or undefined when there are none. */
  meta: Record<string, unknown> | undefined;
  /** The key the picture had before one of our writers gave it a file name. */
  sourceKey: string | undefined;
}

/**
 * Reads `captions`, `caption` and `text`: each a text, `{text, kind?, source?}`, or a list of these; empty texts are left
 * out, and so is a text in a later column that an earlier one has. `kinds` and `sources` run parallel to the captions;
 * `kind` and `captioner` hold for all.
 * @throws RecaptionError `row-invalid`
 */
export function readRow(value: unknown, kind: CaptionKind): RowContents {
  const parsed = rowSchema.safeParse(value);
  if (!parsed.success) throw new RecaptionError('row-invalid', complaint(parsed.error));
  const { captions, caption, text, kinds, sources, source_key: sourceKey, ...row } = parsed.data;
  const found: Caption[] = [];
  const defaults = { kind: row.kind ?? kind, source: row.captioner ?? 'file' };
  for (const column of [captions, caption, text]) {
    const known = new Set(found.map((caption) => caption.text));
    for (const [i, entry] of [column ?? []].flat().entries()) {
      const given = typeof entry === 'string' ? { text: entry } : entry;
      if (!given || given.text.trim() === '' || known.has(given.text)) continue;
      found.push({
        text: given.text,
        kind: given.kind ?? kinds?.[i] ?? defaults.kind,
        source: given.source ?? sources?.[i] ?? defaults.source,
        ...(row.captioner !== undefined && given.source === undefined && { synthetic: true }),
      });
    }
  }
  const understood = (name: string) => name in rowSchema.shape && parsed.data[name] !== undefined;
  const meta = Object.entries(value as object).filter(([name, cell]) => !understood(name) && cell != null);
  return { captions: found, meta: meta.length > 0 ? Object.fromEntries(meta) : undefined, sourceKey };
}

/** The first thing wrong with a row, in words. */
export function complaint({ issues: [issue] }: z.ZodError): string {
  const where = issue.path.length > 0 ? `"${issue.path.join('.')}"` : 'the row';
  if (issue.code === 'invalid_union') return `${where} must be a text or a list of texts`;
  return `${where} is wrong: ${issue.message.toLowerCase()}`;
}
