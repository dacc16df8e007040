/** `evaluate generator`: whatever draws, or has drawn, on suites of prompts. */
import { join } from 'node:path';
import { type Command, Option } from 'commander';
import { fileImage, openDataset } from '../data/index.ts';
import type { CaptionKind, Dataset } from '../data/sample.ts';
import { RecaptionError, UsageError } from '../errors.ts';
import type { Distribution } from '../evaluate/distribution.ts';
import { MEASURE_TITLES, type Measure, type MeasureName } from '../evaluate/measures.ts';
import {
  PUBLISHED,
  readSuite,
  SUITES,
  type Suite,
  type SuiteName,
  type SuitePrompt,
} from '../evaluate/suites.ts';
import { exists } from '../files.ts';
import type { EvaluateEvent, EvaluationReport, ScoreWithInterval } from '../jobs/evaluate-job.ts';
import type { ClipEncoder } from '../metrics/clip-score.ts';
import { isServerRef } from '../remote/reference.ts';
import type { Device } from '../tensor/device.ts';
import {
  addServerOptions,
  connectionOptions,
  refuseWithoutServer,
  type ServerLimits,
  serverOptions,
  tellCost,
} from './caption-server.ts';
import { commandLine } from './compare.ts';
import { drawAll } from './generate.ts';
import { type Context, EXIT } from './main.ts';
import { choicesOf, deviceOption, number, required, wholeNumber } from './options.ts';
import { counted, type Output, printable } from './output.ts';
import { shortPath } from './places.ts';
import { kindOption } from './prompts.ts';

/** What a judge can be asked. */
const ASKED = ['verdict', 'yes', 'parts', 'questions'] as const satisfies MeasureName[];
type Asked = (typeof ASKED)[number];

interface Options extends ServerLimits {
  suite?: string;
  prompts?: string;
  kind?: CaptionKind;
  images?: string;
  generator?: string;
  text?: string;
  latent?: string;
  count: number;
  steps?: number;
  guidance?: number;
  out?: string;
  clip?: string;
  regions?: string;
  thresholds?: [number, number];
  judge?: string;
  ask?: Asked[];
  repeats: number;
  concurrency?: number;
  against?: string;
  features?: string;
  shuffle: boolean;
  overwrite: boolean;
  limit?: number;
  seed: number;
  device: Device;
}

export function registerGenerator(evaluate: Command, context: Context): void {
  const command = evaluate
    .command('generator')
    .summary('measure whatever draws, on suites of prompts')
    .description(
      'Measures pictures beside the prompts that they were drawn for: those of a folder, or those that a generator draws now. By CLIP, by the rules of GenEval, by a ' +
        'judge behind a server, and as a whole beside other pictures. All figures come with 95 % intervals, bootstrapped over prompts.',
    )
    .option(
      '--suite <name>',
      `${SUITES.slice(0, -1).join(', ')}, or a file: a prompt a line, or JSON lines (default: the captions that --images come with)`,
    )
    .option('--prompts <path>', 'where the suite lies, as it is published')
    .option('--images <source>', 'pictures, named as the suite names them; or any collection with captions')
    .option('--generator <ref>', 'draw the pictures now: a generator by folder or name, or openai:MODEL@URL')
    .addOption(kindOption('of --images without a suite, the kind of captions (default: those by people)'))
    .option('--text <ref>', "where the generator's frozen text encoder lies now")
    .option('--latent <dir>', "where the generator's autoencoder lies now")
    .option('--count <n>', 'pictures to draw of each prompt', wholeNumber(1, 1000), 4)
    .option('--steps <n>', "steps of drawing (default: the model's own)", wholeNumber(1, 1000))
    .option(
      '--guidance <g>',
      "guidance (default: the model's own)",
      number('from 0 to 100', (g) => g >= 0 && g <= 100),
    )
    .option('--clip <ref>', 'measure by this CLIP: a captioner, a hub id, a folder')
    .option('--regions <ref>', 'measure by the rules of GenEval over what this detector finds')
    .addOption(
      new Option(
        '--thresholds <least,counting>',
        "least score of a detection, and where things are counted (default: GenEval's 0.3,0.9)",
      ).argParser(thresholdsOf),
    )
    .option('--judge <ref>', 'ask a vision-language model: openai:MODEL@URL')
    .addOption(
      new Option(
        '--ask <what>',
        'of the judge: its verdict (correct or not), the probability of yes to the prompt or to its parts, the questions of the suite (default: what goes with the suite)',
      ).argParser(choicesOf(ASKED, 'things to ask a judge')),
    )
    .option(
      '--repeats <n>',
      'verdicts of each picture; of several, how far they agree',
      wholeNumber(1, 20),
      1,
    )
    .option('--concurrency <n>', 'requests under way at once (default: 8)', wholeNumber(1, 1024))
    .option('--against <source>', 'pictures to compare with as a whole, by Fréchet distances')
    .option(
      '--features <ref>',
      'also by this network: an ONNX file or its description, a hub id; FID where it is Inception-v3',
    )
    .option('--overwrite', 'replace pictures in --out that were drawn of other prompts, or otherwise', false)
    .option('--shuffle', 'set every picture beside the prompt of another: what is left is chance', false)
    .option('--limit <n>', 'only the first prompts', wholeNumber(1))
    .option('--out <dir>', 'folder for the report, the rows of the pictures, drawn pictures and answers')
    .option('--seed <k>', 'of the noise, the shuffle and the intervals', wholeNumber(0), 1)
    .addOption(deviceOption())
    .addHelpText(
      'after',
      '\nExamples:\n  $ recaption evaluate generator --suite drawbench --prompts drawbench.csv --images pictures --judge openai:qwen2.5-vl@http://localhost:8000/v1 --out drawbench\n' +
        '  $ recaption evaluate generator --suite geneval --prompts evaluation_metadata.jsonl --generator my-generator --regions yolox.json --clip starter --out geneval\n' +
        '  $ recaption evaluate generator --images photos --clip starter',
    )
    .action((options: Options, own) =>
      evaluateGenerator(options, context, own.parent?.parent?.rawArgs ?? []),
    );
  addServerOptions(command);
}

function thresholdsOf(text: string): [number, number] {
  const [least, counting, ...more] = text.split(',').map(Number);
  if (more.length === 0 && [least, counting].every((value) => value >= 0 && value < 1)) return [least, counting]; // biome-ignore format: one line
  throw new UsageError('--thresholds must be two numbers from 0 to 1', {
    hint: 'For example: --thresholds 0.3,0.6.',
  });
}

/** Pictures beside their prompts, wherever they are. */
interface Material {
  prompts: SuitePrompt[];
  pictures: () => Dataset | Promise<Dataset>;
  /** The prompt of each picture, by the key of its sample. */
  places: Map<string, number>;
  suite?: SuiteName;
}

async function evaluateGenerator(options: Options, context: Context, argv: string[]): Promise<void> {
  const { output, signal } = context;
  check(options);
  const material = options.suite === undefined ? await captioned(options) : await ofSuite(options, context);
  if (signal.aborted) return;
  if (options.shuffle) await shuffle(material, options.seed);
  const opened: { close(): Promise<void> }[] = [];
  try {
    const { measures, distributions, judge } = await openMeasures(options, material, opened, signal);
    const { evaluatePictures } = await import('../jobs/evaluate-job.ts');
    const { suite, prompts, pictures, places } = material;
    const job = evaluatePictures({
      prompts,
      pictures,
      places,
      measures,
      distributions,
      against: options.against === undefined ? undefined : await openDataset(options.against, { onFailure: (failure) => tell({ kind: 'failure', failure }, context) }), // biome-ignore format: one line
      out: options.out,
      about: {
        suite: suite ?? 'captions',
        ...(options.generator && { generator: options.generator }),
        shuffled: options.shuffle,
        command: commandLine(argv),
      },
      seed: options.seed,
      signal,
    });
    for await (const event of job) tell(event, context);
    if (judge) tellCost(judge.cost(), output);
  } finally {
    for (const one of opened.reverse()) await one.close();
  }
}

function check({ suite, prompts, images, generator, clip, regions, judge, ask, against, features, out, thresholds, ...limits }: Options): void {
  const usage = (message: string, hint = 'See: recaption evaluate generator --help') => new UsageError(message, { hint }); // biome-ignore format: one line
  if ((images === undefined) === (generator === undefined)) throw usage('name either --images or --generator');
  if (generator !== undefined && suite === undefined) throw usage('what shall it draw? Name a suite', 'For example: --suite prompts.txt'); // biome-ignore format: one line
  if (isSuite(suite) && prompts === undefined) throw usage(`where does the suite lie? Name --prompts`, 'Its file or folder, as it is published; none comes with this program.'); // biome-ignore format: one line
  if (!isSuite(suite) && prompts !== undefined) throw usage(suite === undefined ? '--prompts goes with --suite' : `"${suite}" is no suite that --prompts could be of`, `The suites are ${SUITES.slice(0, -1).join(', ')}; a file of your own is given as --suite FILE.`); // biome-ignore format: one line
  if (clip === undefined && regions === undefined && judge === undefined && against === undefined)
    throw usage('measure by what? Name at least one of --clip, --regions, --judge, --against');
  if (ask !== undefined && judge === undefined) throw usage('who shall be asked? Name a --judge');
  refuseWithoutServer([judge, generator], limits, '--judge or --generator');
  if (features !== undefined && against === undefined) throw usage('compared with which pictures? --features goes with --against'); // biome-ignore format: one line
  if (thresholds !== undefined && regions === undefined) throw usage('--thresholds goes with --regions');
  if ((generator ?? judge) !== undefined && out === undefined)
    throw usage('where to? Name --out', 'Pictures and answers are kept there, and nothing is asked for twice.');
} // biome-ignore format: one line

const isSuite = (suite: string | undefined): suite is SuiteName =>
  (SUITES as readonly (string | undefined)[]).includes(suite);

async function captioned({ images, kind, limit, ...by }: Options): Promise<Material> {
  const wordless = [by.clip, by.regions, by.judge].every((one) => one === undefined); // Fréchet distances need no prompts
  const prompts: SuitePrompt[] = [];
  const places = new Map<string, number>();
  const source = required(images, '--images <source>');
  for await (const { key, captions } of await openDataset(source)) {
    if (prompts.length === limit) break;
    const found = captions.find((caption) => caption.kind === (kind ?? 'human')) ?? (kind ? undefined : captions[0]) ?? (wordless ? { text: '' } : undefined); // biome-ignore format: one line
    if (found === undefined || places.has(key)) continue;
    places.set(key, prompts.length);
    prompts.push({ id: key, prompt: found.text });
  }
  if (prompts.length > 0) return { prompts, places, pictures: () => openDataset(source) };
  throw new UsageError(`the pictures come without captions${kind ? ` of kind ${kind}` : ''}`, {
    place: source,
    hint: 'Name the suite that they were drawn for by --suite.',
  });
}

async function ofSuite(options: Options, context: Context): Promise<Material> {
  const { suite: name = '', prompts: path, limit } = options;
  if (!isSuite(name) && /^[\w-]+$/.test(name) && !(await exists(name))) throw new UsageError(`there is no suite "${name}", and no file of that name`, { hint: `The suites are ${SUITES.slice(0, -1).join(', ')}.` }); // biome-ignore format: one line
  const whole = isSuite(name) ? await readSuite(name, path!) : await readSuite('lines', name);
  const published = PUBLISHED[whole.name];
  if (published !== undefined && whole.prompts.length < published) context.output.note(`this file has ${whole.prompts.length} of the ${published} prompts that the suite was published with`); // biome-ignore format: one line
  const suite: Suite = { ...whole, prompts: whole.prompts.slice(0, limit) };
  const dir = options.images ?? (await draw(suite, options, context));
  const { findSuitePictures, suitePictureName } = await import('../evaluate/suite-pictures.ts');
  const { pictures, strange } = context.signal.aborted ? { pictures: [], strange: [] } : await findSuitePictures(whole, dir); // biome-ignore format: one line
  const asked = options.generator === undefined ? undefined : new Set(suite.prompts.flatMap((_, i) => Array.from({ length: options.count }, (_, k) => join(dir, suitePictureName(suite, i, k, options.count))))); // biome-ignore format: one line
  const own = pictures
    .slice(0, limit)
    .map((paths) => paths.filter((path) => asked === undefined || asked.has(path))); // an earlier command may have drawn more
  tellFound(own, strange, suite, context);
  const places = new Map(own.flatMap((paths, i) => paths.map((file) => [file, i] as const)));
  const samples = async function* (): Dataset {
    for (const file of places.keys()) yield { key: file, image: fileImage(file), captions: [] };
  };
  return { prompts: suite.prompts, places, pictures: samples, suite: suite.name };
}

/** @returns the folder of the pictures */
async function draw(suite: Suite, options: Options, context: Context): Promise<string> {
  const { generator: ref, device, text, latent, count, seed, steps, guidance, overwrite } = options;
  const out = join(required(options.out, '--out <dir>'), 'pictures');
  const { loadGenerator } = await import('../generators/load.ts');
  const { suitePictureName } = await import('../evaluate/suite-pictures.ts');
  const generator = await loadGenerator(ref, { device, text, latent, server: { ...(ref !== undefined && isServerRef(ref) && connectionOptions(options)), signal: context.signal } }); // biome-ignore format: one line
  try {
    const prompts = suite.prompts.map(({ prompt }) => prompt);
    const nameOf = (i: number, k: number) => suitePictureName(suite, i, k, count);
    await drawAll({ generator, prompts, count, seed, request: { steps, guidance }, out, nameOf, grid: false, overwrite, signal: context.signal }, context); // biome-ignore format: one line
  } finally {
    await generator.close();
  }
  return out;
}

/** Says which prompts have no pictures, and which pictures are of no prompt. */
function tellFound(
  pictures: string[][],
  strange: string[],
  { prompts }: Suite,
  { output, exit }: Context,
): void {
  const without = prompts.filter((_, i) => pictures[i]?.length === 0);
  const counts = pictures.map(({ length }) => length).filter((length) => length > 0);
  const [least, most] = [Math.min(...counts), Math.max(...counts)];
  if (without.length > 0) {
    output.failure({ message: `${counted(without.length, 'prompt')} of ${prompts.length} without a picture, the first of them`, place: `${without[0].id}: ${without[0].prompt}` }); // biome-ignore format: one line
    output.record({ kind: 'missing', prompts: without.map(({ id }) => id) });
    exit(EXIT.doneWithFailures);
  }
  if (strange.length > 0) {
    output.failure({ message: `${counted(strange.length, 'picture')} of no prompt of this suite, left out`, place: strange[0] }); // biome-ignore format: one line
    output.record({ kind: 'strange', pictures: strange });
    exit(EXIT.doneWithFailures);
  }
  if (least < most) output.note(`some prompts have ${counted(least, 'picture')} and some ${most}: scores are means over pictures`); // biome-ignore format: one line
}

async function shuffle({ places, prompts }: Material, seed: number): Promise<void> {
  const { shuffled } = await import('../jobs/evaluate-job.ts');
  if (prompts.length < 2) throw new UsageError('there is one prompt, and no other to give its pictures to');
  const other = shuffled(prompts.length, seed);
  for (const [key, at] of places) places.set(key, other[at]);
}

/** What goes with a suite, where nobody says what the judge is to be asked. */
const asksOf = ({ suite }: Material): Asked[] =>
  suite === 'dsg' ? ['questions'] : suite === 't2i-compbench' ? ['parts'] : ['verdict'];

/** @param opened gets what must be closed, also where this fails */
async function openMeasures(
  options: Options,
  material: Material,
  opened: { close(): Promise<void> }[],
  signal: AbortSignal,
): Promise<{
  measures: Measure[];
  distributions: Distribution[];
  judge?: { cost(): Parameters<typeof tellCost>[0] };
}> {
  const { clip: clipRef, regions, judge: judgeRef, against, features, device, out, repeats, thresholds } = options; // biome-ignore format: one line
  const keep = <T extends { close(): Promise<void> }>(thing: T): T => {
    opened.push(thing);
    return thing;
  };
  const measuring = await import('../evaluate/measures.ts');
  const measures: Measure[] = [];
  const distributions: Distribution[] = [];
  let clip: ClipEncoder | undefined;
  if (clipRef !== undefined) {
    const { openClip } = await import('../captioners/clip.ts');
    const { lookingOnce } = await import('../metrics/clip-score.ts');
    clip = lookingOnce(keep(await openClip(clipRef, device)));
    measures.push(measuring.clipMeasure(clip));
  }
  if (regions !== undefined) {
    const { openRegions } = await import('../captioners/regions/open.ts');
    const [least, counting] = thresholds ?? [];
    const given = thresholds && { least, counting };
    measures.push(measuring.genevalMeasure(keep(await openRegions(regions, device)), material.prompts, given)); // biome-ignore format: one line
  }
  if (against !== undefined) {
    const kinds = await import('../evaluate/distribution.ts');
    distributions.push(kinds.distribution(kinds.pixelFeatures()));
    if (clip) distributions.push(kinds.distribution(kinds.clipFeatures(clip)));
    if (features !== undefined) {
      const { openVision } = await import('../captioners/vision.ts');
      const encoder = keep(await openVision(features, device));
      distributions.push(kinds.distribution(kinds.visionFeatures(encoder)));
    }
  }
  if (judgeRef === undefined) return { measures, distributions };
  const { openJudge } = await import('../evaluate/judge.ts');
  const { openAnswers } = await import('../evaluate/answers.ts');
  const { concurrency } = options;
  const judge = openJudge(judgeRef, {
    ...serverOptions(options),
    signal,
    ...(concurrency && { concurrency }),
  });
  const answers = keep(await openAnswers(join(required(out, '--out <dir>'), 'answers.jsonl')));
  const remembering = answers.remember(judge);
  const asking: Record<Asked, () => Measure> = {
    verdict: () => measuring.verdictMeasure(remembering, repeats),
    yes: () => measuring.yesMeasure(remembering),
    parts: () => measuring.partsMeasure(remembering),
    questions: () => measuring.questionsMeasure(remembering),
  };
  if (options.ask?.includes('questions') && !material.prompts.some(({ questions }) => questions?.length))
    throw new RecaptionError('bad-suite', 'this suite has no questions for a judge', { hint: 'Questions come with --suite dsg; ask others for verdict, yes or parts.' }); // biome-ignore format: one line
  for (const what of options.ask ?? asksOf(material)) measures.push(asking[what]());
  return { measures, distributions, judge };
}

function tell(event: EvaluateEvent, { output, exit }: Context): void {
  if (event.kind !== 'progress') output.record(event);
  switch (event.kind) {
    case 'progress': {
      const { label, done, total, imagesPerSecond: rate, secondsLeft } = event;
      output.progress({ label, done, total, unit: 'pictures', rate, secondsLeft });
      break;
    }
    case 'failure':
      output.failure(event.failure);
      exit(EXIT.doneWithFailures);
      break;
    case 'report':
      printReport(event.report, output);
      if (event.page) output.print(`Report: ${output.bold(printable(shortPath(event.page)))}`);
      break;
    case 'picture':
      break;
  }
}

const WIDTH = 24;

function printReport(report: EvaluationReport, output: Output): void {
  output.print(`${counted(report.pictures, 'picture')} of ${counted(report.prompts, 'prompt')}`);
  for (const [name, measure] of Object.entries(report.measures)) {
    const { title, percent } = MEASURE_TITLES[name as MeasureName];
    const shown = (value: number) => (percent ? 100 * value : value).toFixed(1);
    const line = (label: string, { score, interval, n }: ScoreWithInterval) => score === null || interval === null ? `${label.padEnd(WIDTH)} nothing measured` : `${label.padEnd(WIDTH)} ${shown(score).padStart(5)}${percent ? ' %' : '  '}  [${interval.map(shown).join(', ')}]  of ${n}`; // biome-ignore format: one line
    output.print(output.bold(line(title, measure)));
    for (const [category, own] of Object.entries(measure.categories)) output.print(line(`  ${printable(category).slice(0, WIDTH - 2)}`, own)); // biome-ignore format: one line
    if (measure.meanOfCategories) output.print(line('  mean of these', measure.meanOfCategories));
    const { agreement, alpha } = measure.besides;
    if (agreement !== undefined)
      output.print(`  repeated verdicts agree in ${(100 * agreement).toFixed(1)} %${alpha === undefined ? '' : `, Krippendorff's α ${alpha.toFixed(2)}`}`); // biome-ignore format: one line
    const left = Object.entries(measure.unmarked).map(([why, count]) => `${count} ${why}`);
    if (left.length > 0) output.note(`${title}: left out ${left.join(', ')}`);
  }
  for (const [name, { distance, by, n, others }] of Object.entries(report.distributions)) output.print(`${`Fréchet, ${name}`.padEnd(WIDTH)} ${distance.toFixed(distance < 10 ? 3 : 1)}  ${n} and ${others} pictures, by ${printable(by)}`); // biome-ignore format: one line
  for (const warning of report.warnings) output.note(warning);
}
