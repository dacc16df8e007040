/** Our side of `bench/decode`, asked like `bench/peers/decode.py`: "parameters", "1" (greedy), "3" (a beam of three). */
import { type CaptionDecoder, captionDecoder } from '../../src/models/caption-decoder.ts';
import { captionerLoss } from '../../src/models/captioner.ts';
import { DECODE_DEFAULTS } from '../../src/models/search.ts';
import { random } from '../../src/random.ts';
import { toHalf } from '../../src/tensor/half.ts';
import { type Arrays, countParameters, initialise, params } from '../../src/tensor/index.ts';
import { type DecodeSizes, decodeConfig, SPECIAL } from '../lib/decode-sizes.ts';
import { serve } from '../lib/lines.ts';

await serve<DecodeSizes>(async (sizes) => {
  const { batch, tokens, groups } = sizes;
  const config = decodeConfig(sizes);
  const tree = params();
  captionerLoss(tree, config, { batch: 1, length: config.maxTokens, captions: 1 });
  const inference = new Map([...tree.all].filter(([path]) => !path.startsWith('contrastive.')));
  const decoder: CaptionDecoder = await captionDecoder(config, initialise(tree.all, 1), SPECIAL, { batch });
  const draw = random(1, 'features');
  const images: Arrays = Object.fromEntries(
    groups.map(({ name, tokens, width }) => [
      `features.${name}`,
      toHalf(Float32Array.from({ length: batch * tokens * width }, () => draw.normal())),
    ]),
  );

  return async (request) => {
    if (request === 'parameters') return countParameters(inference);
    const beam = Number(request);
    // The end is forbidden, so every caption has as many tokens there as here.
    const options = { ...DECODE_DEFAULTS, beam, minTokens: tokens, maxTokens: tokens, noRepeatNgram: 0 };
    const start = performance.now();
    const found = await decoder.decode(images, batch, options);
    const seconds = (performance.now() - start) / 1000;
    if (found.some((one) => one.tokens.length !== tokens)) throw new Error('a caption ended early');
    return batch / seconds;
  };
});
