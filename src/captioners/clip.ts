import type { Image } from '../image/index.ts';
import type { ClipEncoder } from '../metrics/clip-score.ts';
import { imageEmbedding, textEmbedding } from '../models/captioner.ts';
import { openTransformersClip } from '../models/clip.ts';
import { compile, type Device, params } from '../tensor/index.ts';
import { normaliseCaption } from '../text/normalise-caption.ts';
import { isCaptioner } from './folder.ts';
import { specialTokens } from './network.ts';
import { openCaptioner } from './open.ts';

const BATCH = 32;

/**
 * A CLIP by reference, to score captions with: a captioner of ours, by folder or by the name of one that comes with the package,
 * which learnt with a contrastive loss; or a CLIP of `@huggingface/transformers`, by hub id or folder.
 * @throws RecaptionError those of `openCaptionerClip` and `openTransformersClip`.
 */
export async function openClip(ref: string, device: Device = 'cpu'): Promise<ClipEncoder> {
  return (await isCaptioner(ref)) ? openCaptionerClip(ref, device) : openTransformersClip(ref, device);
}

/**
 * The two encoders that a captioner's contrastive loss has trained (CoCa: the pooled image, and the half of the decoder that sees
 * text alone). How well they tell captions apart depends on what it was trained on, and for how long.
 * @throws RecaptionError those of `openCaptioner`.
 */
export async function openCaptionerClip(ref: string, device: Device = 'cpu'): Promise<ClipEncoder> {
  const { id, config, weights, tokenizer, inputs, resolution, close } = await openCaptioner(ref, device);
  const special = specialTokens(tokenizer);
  const graph = (embeddings: ReturnType<typeof imageEmbedding>) =>
    compile({ outputs: { embeddings }, frozen: weights, device });
  const pictures = await graph(imageEmbedding(params(), config, { batch: BATCH }));
  const texts = await graph(textEmbedding(params(), config, { batch: BATCH }));
  const { width, maxTokens } = config;
  const rows = (all: Float32Array, count: number) =>
    Array.from({ length: count }, (_, i) => all.slice(i * width, (i + 1) * width));

  return {
    id,
    resolution,
    async embedImages(images: readonly Image[]) {
      const all: Float32Array[] = [];
      for (let at = 0; at < images.length; at += BATCH) {
        const part = images.slice(at, at + BATCH);
        const { embeddings } = await pictures.run(await inputs(part, BATCH));
        all.push(...rows(embeddings as Float32Array, part.length));
      }
      return all;
    },
    async embedTexts(captions) {
      const ids = captions.map((caption) => tokenizer.encode(normaliseCaption(caption)));
      const all: Float32Array[] = [];
      for (let at = 0; at < ids.length; at += BATCH) {
        const part = ids.slice(at, at + BATCH);
        const tokens = new Int32Array(BATCH * maxTokens).fill(special.bos);
        const ends = new Int32Array(BATCH);
        for (const [i, own] of part.entries()) {
          // The loss reads a caption at its last word, where the end is to be said next.
          tokens.set(own.slice(0, maxTokens - 1), i * maxTokens + 1);
          ends[i] = i * maxTokens + Math.min(own.length, maxTokens - 1);
        }
        const { embeddings } = await texts.run({ tokens, ends });
        all.push(...rows(embeddings as Float32Array, part.length));
      }
      return { embeddings: all, cut: ids.filter(({ length }) => length > maxTokens - 1).length };
    },
    async close() {
      await pictures.dispose();
      await texts.dispose();
      await close();
    },
  };
}
