import type { CaptionKind } from '../data/sample.ts';
import { RecaptionError } from '../errors.ts';
import type { Image } from '../image/index.ts';
import { streamKey } from '../random.ts';
import { isServerRef } from '../remote/reference.ts';
import type { Device } from '../tensor/index.ts';
import { CAPTION_BATCH, type Captioner, type CaptionRequest, type CaptionResult } from './captioner.ts';
import { captionerFolder, isCaptioner } from './folder.ts';
import { graphCaptionerFolder, isGraphCaptioner } from './graph/folder.ts';
import { openGraphCaptioner } from './graph/open.ts';
import { hubCaptions, isHubRef, openHubCaptioner } from './hub/captioner.ts';
import { type CaptionNetwork, captionNetwork } from './network.ts';
import { type OpenNetwork, openCaptioner } from './open.ts';
import { openServerCaptioner, SERVER_DEFAULTS, type ServerCaptionerOptions } from './server/captioner.ts';
import { loadRecipe } from './server/recipe.ts';

export interface LoadOptions {
  /** Of a server's model: recipe, limits, prices. */
  server?: ServerCaptionerOptions;
  device?: Device;
  /** Pictures captioned at once. */
  batch?: number;
  /** Where its frozen encoders lie now, in any order, and the detector of a graph captioner; default: where they lay when it was trained. */
  vision?: string[];
  regions?: string;
}

/**
 * A captioner by reference: a folder made by `recaption train captioner`, or the name of one that comes with the package.
 * Without a reference it is the starter captioner; `openai:MODEL@URL` is a vision-language model of a server,
 * `hf:ID` or `hf:FOLDER` a model of the Hugging Face hub.
 * @throws RecaptionError `no-captioner`, `bad-model`, `bad-weights`, `bad-config`, `no-device`.
 */
export async function loadCaptioner(
  ref = 'starter',
  { device = 'cpu', batch = CAPTION_BATCH, vision, regions, server }: LoadOptions = {},
): Promise<Captioner> {
  if (isServerRef(ref)) return openServerCaptioner(ref, server);
  if (isHubRef(ref)) return openHubCaptioner(ref, { device, recipe: server?.recipe });
  const { id, asked, tokenizer, resolution, inputs, decoder, explain, close } = await openAny(
    ref,
    device,
    vision,
    regions,
  );

  // Graphs have a fixed number of pictures. The first call decides between a smaller one and the full one, so that a
  // collection of five does not pay for sixteen.
  const networks = new Map<number, Promise<CaptionNetwork>>();
  const networkOf = async (size: number) => captionNetwork(await decoder(size), asked, tokenizer);
  let small = batch;
  const networkFor = (count: number): Promise<CaptionNetwork> => {
    if (networks.size === 0) small = count;
    const size = count <= small ? small : batch;
    const network = networks.get(size) ?? networkOf(size);
    networks.set(size, network);
    return network;
  };
  if (device !== 'cpu') await networkFor(batch); // a device that is not there is told of now

  return {
    id,
    kind: asked.kind,
    resolution,
    batch,
    async caption(images: Image[], request: CaptionRequest = {}, contexts = []) {
      if (request.explain && !explain) throw unexplained(ref);
      const results: CaptionResult[] = [];
      for (let at = 0; at < images.length; at += batch) {
        const part = images.slice(at, at + batch);
        const known = contexts.slice(at, at + batch);
        const network = await networkFor(part.length);
        const seeds = part.map((image) => drawKey(image, request.seed));
        const written = await network.write(
          await inputs(part, network.batch, known),
          part.length,
          request,
          seeds,
        );
        const told = request.explain ? await explain?.(part, network.batch, written.map(({ tokens }) => tokens), known) : undefined; // biome-ignore format: one line
        for (const [i, { text, score }] of written.entries()) results.push({ text, score, ...(told && { explanation: told[i] }) }); // biome-ignore format: one line
      }
      return results;
    },
    async close() {
      for (const network of networks.values()) await (await network).dispose();
      await close();
    },
  };
}

/** What a drawn caption depends on: the seed and the picture, not its place in a batch. */
function drawKey({ width, height, data }: Image, seed = 0): number {
  let key = streamKey(seed, width, height);
  const stride = Math.max(1, Math.floor(data.length / 997));
  for (let i = 0; i < data.length; i += stride) key = Math.imul(key ^ data[i], 0x01000193);
  return key >>> 0;
}

const openAny = async (
  ref: string,
  device: Device,
  vision?: string[],
  regions?: string,
): Promise<OpenNetwork> =>
  (await isGraphCaptioner(ref))
    ? openGraphCaptioner(ref, device, vision, regions)
    : openCaptioner(ref, device, vision);

/** @throws RecaptionError `bad-config` where a detector is named and none of the captioners has one */
export async function refuseRegions(refs: readonly string[], regions: string | undefined): Promise<void> {
  if (regions === undefined || (await Promise.all(refs.map(isGraphCaptioner))).includes(true)) return;
  throw new RecaptionError('bad-config', 'this captioner has no detector', {
    place: refs.join(', '),
    hint: 'Leave out --regions: it is for graph captioners.',
  });
}

/** Which kind of captions a captioner writes. @param recipe of a server's model @throws RecaptionError `no-captioner`, `bad-model`, `bad-config` */
export async function captionsOf(ref: string, recipe?: string): Promise<CaptionKind> {
  if (isServerRef(ref)) return (await loadRecipe(recipe ?? SERVER_DEFAULTS.recipe)).kind;
  if (isHubRef(ref)) return hubCaptions(ref, recipe);
  if (await isGraphCaptioner(ref)) return (await graphCaptionerFolder(ref)).file.model.kind;
  return (await captionerFolder(ref)).model.kind;
}

/** Whether there is a captioner under this reference. */
export const writesCaptions = async (ref: string): Promise<boolean> =>
  isServerRef(ref) || isHubRef(ref) || (await isGraphCaptioner(ref)) || (await isCaptioner(ref));

const unexplained = (place: string): RecaptionError =>
  new RecaptionError('bad-config', 'this captioner cannot tell what its captions are made from', {
    place,
    hint: 'Graph captioners can: recaption train graph-captioner.',
  });
