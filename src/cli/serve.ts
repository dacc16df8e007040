import { RecaptionError, UsageError } from '../errors.ts';
import { KEY_VARIABLES } from '../remote/reference.ts';
import type { Device } from '../tensor/device.ts';
import type { Context, Register } from './main.ts';
import { deviceOption, several, wholeNumber } from './options.ts';
import { printable } from './output.ts';

interface Options {
  captioner?: string[];
  generator?: string[];
  vision?: string[];
  regions?: string;
  host: string;
  port: number;
  key: boolean;
  bound: number;
  maxMegabytes: number;
  device: Device;
}

export const register: Register = (program, context) => {
  program
    .command('serve')
    .summary('offer captioners and generators to other programs, as an OpenAI-compatible server')
    .description(
      'Answers /v1/models, /v1/chat/completions (a picture in, a caption out) and /v1/images/generations (a prompt in, a picture out) as OpenAI does, so that ' +
        'whatever speaks to OpenAI can speak to models of yours. It listens on this machine alone unless --host says otherwise.',
    )
    .option('--captioner <ref>', 'captioner to offer; may be given several times', several)
    .option('--generator <ref>', 'generator to offer; may be given several times', several)
    .option('--vision <ref...>', "where the captioners' frozen vision encoders lie now")
    .option('--regions <ref>', 'where the detector of a graph captioner lies now')
    .option('--host <address>', 'address to listen on', '127.0.0.1')
    .option('--port <n>', 'port to listen on; 0: any that is free', wholeNumber(0, 65_535), 8484)
    .option('--key', `ask clients for the key that ${KEY_VARIABLES[0]} holds`, false)
    .option(
      '--bound <n>',
      'requests that may wait; more are sent away for a second',
      wholeNumber(1, 100_000),
      256,
    )
    .option('--max-megabytes <n>', 'largest request', wholeNumber(1, 1024), 24)
    .addOption(deviceOption())
    .addHelpText('after', '\nExample:\n  $ recaption serve --captioner starter --port 8484')
    .action((options: Options) => run(options, context));
};

async function run(options: Options, { output, signal }: Context): Promise<void> {
  const {
    captioner: captionerRefs = [],
    generator: generatorRefs = [],
    vision,
    regions,
    host,
    port,
    device,
  } = options;
  if (captionerRefs.length + generatorRefs.length === 0)
    throw new UsageError('name what to offer, by --captioner or --generator', { hint: 'For example: recaption serve --captioner starter' }); // biome-ignore format: one line
  // The key that somebody has with OpenAI is not one to hand to clients.
  const key = options.key ? process.env[KEY_VARIABLES[0]] || undefined : undefined;
  if (options.key && key === undefined)
    throw new RecaptionError('no-key', 'there is no key to ask for', {
      hint: `Put it into ${KEY_VARIABLES[0]}.`,
    });
  const [{ loadCaptioner, refuseRegions }, { loadGenerator }, { startServer }] = await Promise.all([
    import('../captioners/load.ts'),
    import('../generators/load.ts'),
    import('../serve/server.ts'),
  ]);
  await refuseRegions(captionerRefs, regions);
  const opened: { close(): Promise<void> }[] = [];
  const keep = <T extends { close(): Promise<void> }>(thing: T): T => {
    opened.push(thing);
    return thing;
  };
  try {
    const captioners = [];
    for (const ref of captionerRefs)
      captioners.push(keep(await loadCaptioner(ref, { device, vision, regions })));
    const generators = [];
    for (const ref of generatorRefs) generators.push(keep(await loadGenerator(ref, { device })));
    const twice = [captioners, generators].flatMap((models) =>
      models.map(({ id }) => id).filter((id, i, ids) => ids.indexOf(id) < i),
    )[0];
    if (twice !== undefined) throw new UsageError(`two models are called "${printable(twice)}": nobody could ask for the second`, { hint: 'Offer each once, or serve them on two ports.' }); // biome-ignore format: one line
    const server = await startServer({
      captioners,
      generators,
      host,
      port,
      key,
      bound: options.bound,
      mostBytes: options.maxMegabytes * 2 ** 20,
      onDefect: (error) => output.error(error),
      onRequest: (event) => {
        output.record(event);
        output.note(`${event.status} ${printable(event.path)}  ${Math.round(event.milliseconds)} ms`);
      },
    });
    output.record({
      kind: 'listening',
      url: server.url,
      models: [...captioners, ...generators].map(({ id }) => id),
    });
    output.print(`Listening on ${server.url}, press Ctrl-C to stop`);
    for (const { id, kind } of captioners) output.print(`  ${printable(id)}: ${kind} captions`);
    for (const { id, size } of generators)
      output.print(`  ${printable(id)}: pictures${size > 0 ? ` of ${size} × ${size}` : ''}`);
    if (captioners.length > 0) output.print(output.dim(`  for example: recaption caption photos --captioner ${printable(`openai:${captioners[0].id}@${server.url}`)}`)); // biome-ignore format: one line
    await new Promise<void>((stop) => {
      if (signal.aborted) stop();
      signal.addEventListener('abort', () => stop(), { once: true });
    });
    await server.close();
  } finally {
    for (const thing of opened.reverse()) await thing.close();
  }
}
