/** The report as one HTML file: it needs no server, no network and no script. */
import { SCENE_SCORES, type SceneScore } from '../evaluate/scenes.ts';
import { escapeHtml, number, page, plural, share, table } from '../html.ts';
import { barChart, COLOURS, forestChart, lineChart, signed } from './charts.ts';
import type { PromptKind } from './prompts.ts';
import { type ArmDifference, type ArmResult, type CompareReport, judgedOf, type Score } from './report.ts';

export interface ReportPictures {
  /** Pictures that are learnt, as data URLs, with the caption that each arm learns. */
  captioned: { key: string; picture?: string; captions: { arm: string; text: string }[] }[];
  /** Drawn pictures by their path, as data URLs. */
  images: ReadonlyMap<string, string>;
}

export function reportPage(report: CompareReport, pictures: ReportPictures): string {
  const { title, conclusion, complete, comparison, minutes } = report;
  const done = minutes.runs.length;
  const all = report.arms.length * comparison.seeds.length;
  return page(
    title,
    `<h1>${escapeHtml(title)}</h1>
<p class="soft">The same generator, trained on ${report.arms.length} ways to caption the same ${number(comparison.learnt)} pictures: ${number(comparison.steps)} steps each, ${plural(comparison.seeds.length, 'seed')}, the same first weights, pictures in the same order, the same noise.</p>
<section class="conclusion">
${complete ? '' : `<p class="soft">${done} of ${all} runs are done; this is what is known so far.</p>`}
${conclusion.length > 0 ? conclusion.map((sentence) => `<p>${escapeHtml(sentence)}</p>`).join('\n') : `<p>${report.results.length > 0 ? 'No prompt asks for anything that could be judged.' : 'Nothing can be said before every kind of caption has been trained once.'}</p>`}
</section>
${captionSection(report, pictures)}
${kindsOf(report)
  .map((kind) => resultSection(report, kind))
  .join('\n')}
${curveSection(report)}
${pictureSection(report, pictures)}
${costSection(report)}
${provenanceSection(report)}`,
  );
}

const kindsOf = ({ comparison }: CompareReport): PromptKind[] =>
  Object.keys(comparison.prompts) as PromptKind[];
const mark = (i: number): string => `<span class="mark" style="background: var(--c${i % COLOURS})"></span>`;

function captionSection({ arms }: CompareReport, { captioned }: ReportPictures): string {
  const rows = arms.map(({ name, captions, reworded, style }, i) => [
    `${mark(i)}${escapeHtml(name)}`,
    `${escapeHtml(captions)}${reworded ? ', reworded' : ''}`,
    style.length.mean.toFixed(1),
    `${style.length.p5}–${style.length.p95}`,
    number(style.vocabulary.words),
    share(style.letterCase.lower ?? 0),
    share(style.whiteSpace.leading),
    share(style.duplicates.share),
  ]);
  const shown = captioned.map(({ key, picture, captions }) => {
    const image = picture ? `<figure><img src="${picture}" alt="${escapeHtml(key)}"></figure>` : '';
    const texts = captions.map(({ arm, text }, i) => `<p>${mark(i)}<b>${escapeHtml(arm)}</b> ${escapeHtml(text)}</p>`); // biome-ignore format: one line
    return `<div class="pair"><div class="row">${image}<div style="flex: 1; min-width: 10rem">${texts.join('')}</div></div></div>`;
  });
  return `<h2>The captions</h2>
${table(['', 'captions learnt', 'words', '5–95 %', 'vocabulary', 'lower case', 'leading space', 'said twice'], rows, 2)}
<div class="pairs" style="margin-top: .8rem">${shown.join('\n')}</div>
${truthTable(arms)}`;
}

/** Where the truth is known: a generator cannot be more reliable than its captions (paper A, on limits). */
function truthTable(arms: CompareReport['arms']): string {
  if (!arms.every(({ truth }) => truth)) return '';
  const scores = SCENE_SCORES.filter((score) => arms.some(({ truth }) => truth![score]));
  const cell = ({ truth }: CompareReport['arms'][number], score: SceneScore) => {
    const one = truth![score];
    return one ? `${share(one.rate)} <span class="soft">of ${number(one.claims)}</span>` : '–';
  };
  const rows = scores.map((score) => [
    score === 'met' ? 'captions that are all true' : nameOf(score),
    ...arms.map((arm) => cell(arm, score)),
  ]);
  return `<h3>How true they are</h3>
<p class="soft">Share of what the captions claim that is in the picture; a caption that claims little can be all true. Of captions that claim something.</p>
${table(['', ...arms.map(({ name }, i) => `${mark(i)}${escapeHtml(name)}`)], rows)}`;
}

/** What a score is called. */
const NAMES: Partial<Record<Score, string>> = { met: 'all met', claims: 'all claims', clip: 'CLIP score' };
const nameOf = (score: Score): string => NAMES[score] ?? score;

function resultSection(report: CompareReport, kind: PromptKind): string {
  const own = report.results.filter((one) => one.kind === kind);
  if (own.length === 0) return '';
  const { comparison } = report;
  const count = comparison.prompts[kind] ?? 0;
  const seeds = own[0].perSeed.length;
  const judged = judgedOf(own, kind, seeds * comparison.picturesPerPrompt);
  const scores = ([...SCENE_SCORES, 'clip'] as const).filter((score) => own.some((one) => one.scores[score]));
  const shares = scores.filter((score) => score !== 'clip');
  const bars = barChart(
    `Share of what ${kind} prompts ask for that was drawn`,
    shares.map(nameOf),
    own.map(({ arm, scores: of }) => ({
      name: arm,
      bars: shares.map((score) => {
        const one = of[score];
        return one && { value: 100 * one.value, low: 100 * one.interval[0], high: 100 * one.interval[1] };
      }),
    })),
    { most: 100, unit: ' %' },
  );
  const figure = (result: ArmResult, score: Score): string => {
    const one = result.scores[score];
    if (!one) return '–';
    const [low, high] = one.interval;
    if (score === 'clip')
      return `${one.value.toFixed(2)} <span class="soft">${low.toFixed(2)}–${high.toFixed(2)}</span>`;
    return `${share(one.value)} <span class="soft">${(100 * low).toFixed(1)}–${(100 * high).toFixed(1)}</span>`;
  };
  const rows = scores.map((score) => [nameOf(score), ...own.map((result) => figure(result, score))]);
  const heads = own.map(({ arm }, i) => `${mark(i)}${escapeHtml(arm)}`);
  const legend = heads.map((head) => `<span style="margin-right: 1.2rem">${head}</span>`).join('');
  return `<h2>${escapeHtml(capital(kind))} prompts</h2>
<p class="soft">${plural(count, 'prompt')} that nobody was trained on${comparison.init ? ' here (what the generator that all start from had learnt before is not known)' : ''}${judged < count ? `, ${number(judged)} of which ask for something that can be judged` : ''}, ${plural(comparison.picturesPerPrompt, 'picture')} of each for each seed${kind === 'upsampled' ? '; judged by what was asked for before they were upsampled' : ''}. Whiskers and small figures are 95 % intervals over prompts${seeds > 1 ? ' and seeds' : ''}.</p>
${shares.length > 0 ? `<p>${legend}</p><figure class="scroll">${bars}</figure>` : ''}
${table(['', ...heads], rows)}
${differenceFigure(report, kind)}`;
}

const capital = (word: string): string => word[0].toUpperCase() + word.slice(1);

const DIFFERENCES: Partial<Record<Score, string>> = {
  met: 'prompts fully met, in points',
  claims: 'what was asked for and drawn, in points',
  clip: 'CLIP score',
};

function differenceFigure({ differences, main }: CompareReport, kind: PromptKind): string {
  const own = differences.filter((one) => one.kind === kind && one.score === main);
  if (own.length === 0) return '';
  const scale = main === 'clip' ? 1 : 100;
  const unit = main === 'clip' ? '' : ' points';
  const row = (one: ArmDifference) => ({
    name: `${one.to} − ${one.from}`,
    difference: scale * one.difference,
    low: scale * one.interval[0],
    high: scale * one.interval[1],
  });
  const seeds = own[0].perSeed.map(({ seed }) => `seed ${seed}`);
  const rows = own.map((one) => [
    escapeHtml(`${one.to} − ${one.from}`),
    `${signed(scale * one.difference)} <span class="soft">${signed(scale * one.interval[0])} to ${signed(scale * one.interval[1])}</span>`,
    one.p < 0.001 ? '< 0.001' : one.p.toFixed(3),
    ...(seeds.length > 1 ? one.perSeed : []).map(({ difference, interval: [low, high] }) => `${signed(scale * difference)} <span class="soft">${signed(scale * low)} to ${signed(scale * high)}</span>`), // biome-ignore format: one line
  ]);
  return `<h3>Differences in ${DIFFERENCES[main]}</h3>
<figure class="scroll">${forestChart(`Differences, ${kind} prompts`, own.map(row), unit)}<figcaption>Paired: the same prompt, the same noise, the same seed. What crosses the line may be chance.</figcaption></figure>
${table(['', seeds.length > 1 ? 'all seeds' : seeds[0], 'p', ...(seeds.length > 1 ? seeds : [])], rows)}`;
}

function curveSection(report: CompareReport): string {
  if (report.curves.length === 0) return '';
  const { clip, seeds } = report.comparison;
  const charts = kindsOf(report).map((kind) => {
    const own = report.arms.flatMap(({ name }) => report.curves.find((one) => one.kind === kind && one.arm === name) ?? []); // biome-ignore format: one line
    if (own.length === 0) return '';
    const series = own.map(({ arm, points }) => ({ name: arm, points }));
    return `<figure class="scroll"><figcaption>${escapeHtml(capital(kind))} prompts</figcaption>${lineChart(`CLIP score over training, ${kind} prompts`, series, 'steps')}</figure>`;
  });
  const legend = report.arms.map(({ name }, i) => `<span style="margin-right: 1.2rem">${mark(i)}${escapeHtml(name)}</span>`); // biome-ignore format: one line
  return `<h2>CLIP score over training</h2>
<p class="soft">100 · cosine by ${escapeHtml(clip ?? '')}, a few prompts of each kind at every snapshot${seeds.length > 1 ? '; bands reach from the lowest seed to the highest' : ''}.</p>
<p>${legend.join('')}</p>
${charts.join('\n')}`;
}

function pictureSection({ examples, comparison }: CompareReport, { images }: ReportPictures): string {
  if (examples.length === 0) return '';
  const cards = examples.map(({ kind, prompt, arms }) => {
    const pictures = arms.map(({ name, picture, met, missed }, i) => {
      const verdict = met === undefined ? '' : met ? '<span class="met">✓ all met</span>' : `<span class="missed">✗ ${escapeHtml(missed?.join(', ') || 'nothing to judge')}</span>`; // biome-ignore format: one line
      return `<figure><img src="${images.get(picture) ?? ''}" alt="${escapeHtml(`${name}: ${prompt.text}`)}"><figcaption>${mark(i)}${escapeHtml(name)}<br>${verdict}</figcaption></figure>`;
    });
    const upsampled =
      prompt.text === prompt.asked ? '' : `<p class="soft">drawn from: ${escapeHtml(prompt.text)}</p>`;
    return `<div class="pair"><p><span class="soft">${kind}:</span> ${escapeHtml(prompt.asked)}</p>${upsampled}<div class="row">${pictures.join('')}</div></div>`;
  });
  return `<h2>The same prompt, the same noise</h2>
<p class="soft">The first prompts of each kind, as they come, by the generators of seed ${comparison.seeds[0]}.</p>
<div class="pairs">${cards.join('\n')}</div>`;
}

function costSection({ minutes }: CompareReport): string {
  const cell = (value: number) => value.toFixed(1);
  const rows = minutes.runs.map(({ arm, seed, training, drawing, judging }) => [escapeHtml(arm), `${seed}`, cell(training), cell(drawing), cell(judging)]); // biome-ignore format: one line
  const sum = (key: 'training' | 'drawing' | 'judging') => cell(minutes.runs.reduce((all, run) => all + run[key], 0)); // biome-ignore format: one line
  return `<h2>What it took, in minutes</h2>
<p class="soft">Of drawing and judging what the session took that finished them.</p>
${table(['', 'seed', 'training', 'drawing', 'judging'], [...rows, ['all', '', sum('training'), sum('drawing'), sum('judging')]])}`;
}

/** The program and the machine. */
const madeBy = ({ version, commit, processor, cores, node }: CompareReport['made']): string =>
  `Recaption ${version}${commit ? `, commit ${commit}` : ''}, on ${processor}, ${plural(cores, 'core')}, Node ${node}`;

function provenanceSection({ comparison, made, command, minutes }: CompareReport): string {
  const facts: [string, string][] = [
    ['pictures', comparison.data.join(', ')],
    ['prompts from', comparison.test?.join(', ') ?? 'pictures of these that were held out'],
    ['left out', `${number(comparison.sayAPrompt)} pictures with a caption that is a prompt, ${number(comparison.withoutKind)} without a caption for every arm; ${number(comparison.tooLong)} prompts that are too long to be read`], // biome-ignore format: one line
    ['generator', `${number(comparison.parameters)} parameters, ${number(comparison.steps)} steps${comparison.init ? `, from ${comparison.init}` : ''}`], // biome-ignore format: one line
    ['seeds', `${comparison.seeds.join(', ')}; noise from ${comparison.noise}`],
    ...(comparison.clip
      ? [
          [
            'CLIP',
            `${comparison.clip}${comparison.cut ? `; of ${plural(comparison.cut, 'prompt')} it reads the beginning alone` : ''}`,
          ] as [string, string],
        ]
      : []),
    ...(comparison.upsampler ? [['upsampler', comparison.upsampler] as [string, string]] : []),
    ['configuration', JSON.stringify(comparison.config ?? 'the default')],
    ['trained', [...new Set(minutes.runs.map(({ made }) => madeBy(made)))].join('; ')],
    ['written', `${made.date.slice(0, 16).replace('T', ' ')} UTC by ${madeBy(made)}`], // biome-ignore format: one line
    ...(command ? [['command', command] as [string, string]] : []),
  ];
  const list = facts.map(([name, value]) => `<dt>${escapeHtml(name)}</dt><dd>${escapeHtml(value)}</dd>`);
  return `<h2>Where the figures come from</h2>
<dl>${list.join('\n')}</dl>`;
}
