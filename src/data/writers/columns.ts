import type { Sample } from '../sample.ts';

/**
 * A sample's captions and `meta` as the columns that `readRow` reads back. Lists of texts, not of objects, and always the
 * same columns: programs of others read them, and some infer a column's type from all its rows.
 */
export function captionColumns({ captions, meta }: Sample, sourceKey?: string): Record<string, unknown> {
  const { file_name: _, ...others } = meta ?? {};
  return {
    ...others,
    text: captions[0]?.text ?? null,
    captions: captions.map(({ text }) => text),
    kinds: captions.map(({ kind }) => kind),
    sources: captions.map(({ source }) => source),
    ...(sourceKey !== undefined && { source_key: sourceKey }),
  };
}
