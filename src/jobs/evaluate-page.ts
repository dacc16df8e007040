/** The report of an evaluation as one HTML file: every score with its interval, and the pictures at both ends of each. */
import { MEASURE_TITLES, type MeasureName } from '../evaluate/measures.ts';
import { escapeHtml, number, page, plural, share, table } from '../html.ts';
import { dataUrl, encodePng, type Image, resizeImage } from '../image/index.ts';
import type { EvaluationReport, MeasureReport, ScoreWithInterval } from './evaluate-job.ts';

/** A picture that is shown. */
interface Shown {
  picture: string;
  prompt: string;
  score: number;
  /** Of the measure, as it stands in `pictures.jsonl`. */
  detail?: object;
  url: string;
}

/** Pictures that are shown of either end. */
const SHOWN = 8;
export const THUMBNAIL = 160;

/** The pictures with the lowest and the highest scores of a measure; of equals, the first that came. */
export interface Ends {
  add(picture: Omit<Shown, 'url'>, image: Image): Promise<void>;
  lowest: Shown[];
  highest: Shown[];
}

export function collectEnds(): Ends {
  const [lowest, highest]: Shown[][] = [[], []];
  /** @param sign of what comes first: 1 where low scores do */
  const insert = (list: Shown[], one: Shown, sign: number) => {
    const at = list.findIndex(({ score }) => sign * score > sign * one.score);
    list.splice(at < 0 ? list.length : at, 0, one);
    list.length = Math.min(list.length, SHOWN);
  };
  const fits = (list: Shown[], score: number, sign: number) =>
    list.length < SHOWN || sign * score < sign * list[SHOWN - 1].score;
  return {
    lowest,
    highest,
    async add(picture, image) {
      const [low, high] = [fits(lowest, picture.score, 1), fits(highest, picture.score, -1)];
      if (!low && !high) return;
      const shown = { ...picture, url: await thumbnail(image) };
      if (low) insert(lowest, shown, 1);
      if (high) insert(highest, shown, -1);
    },
  };
}

async function thumbnail(image: Image): Promise<string> {
  const scale = Math.min(1, THUMBNAIL / Math.max(image.width, image.height));
  const [width, height] = [image.width, image.height].map((side) => Math.max(1, Math.round(side * scale)));
  return dataUrl(await encodePng(await resizeImage(image, { width, height })));
}

const shown = (name: MeasureName, value: number | null): string => value === null ? '–' : (MEASURE_TITLES[name].percent ? share(value) : value.toFixed(2)); // biome-ignore format: one line

export function evaluationPage(report: EvaluationReport, ends: ReadonlyMap<MeasureName, Ends>): string {
  const { pictures, prompts, unreadable, warnings, measures, about } = report;
  const named = Object.entries(measures) as [MeasureName, MeasureReport][];
  const sections = named.map(([name, measure]) => measureSection(name, measure, ends.get(name)));
  const wholes = Object.entries(report.distributions).map(([name, { distance, by, n, others }]) => [escapeHtml(name), escapeHtml(by), distance.toFixed(3), number(n), number(others)]); // biome-ignore format: one line
  const facts = Object.entries({ ...about, seed: report.seed }).map(([name, value]) => `<dt>${escapeHtml(name)}</dt><dd>${escapeHtml(`${value}`)}</dd>`); // biome-ignore format: one line
  return page(
    'Evaluation of a generator',
    `<h1>Evaluation of a generator</h1>
<p class="soft">${plural(pictures, 'picture')} of ${plural(prompts, 'prompt')}${unreadable > 0 ? `, ${plural(unreadable, 'picture')} that could not be read` : ''}. Intervals are 95 %, bootstrapped over prompts.</p>
<section class="conclusion">
${named.map(([name, { score, interval }]) => `<p>${escapeHtml(MEASURE_TITLES[name].title)}: <b>${shown(name, score)}</b> <span class="soft">${interval === null ? 'nothing measured' : interval.map((value) => shown(name, value)).join(' to ')}</span></p>`).join('\n')}
${warnings.map((warning) => `<p class="soft">${escapeHtml(warning)}</p>`).join('\n')}
</section>
${sections.join('\n')}
${wholes.length > 0 ? `<h2>Pictures as a whole</h2>\n${table(['', 'features', 'Fréchet distance', 'pictures', 'others'], wholes, 2)}` : ''}
<h2>Where the figures come from</h2>
<dl>${facts.join('\n')}</dl>`,
  );
}

function measureSection(name: MeasureName, measure: MeasureReport, ends: Ends | undefined): string {
  const row = (label: string, { score, interval, n }: ScoreWithInterval) => [escapeHtml(label), shown(name, score), (interval ?? [null, null]).map((end) => shown(name, end)).join(' to '), number(n)]; // biome-ignore format: one line
  const rows = [
    row('all', measure),
    ...Object.entries(measure.categories).map(([category, own]) => row(category, own)),
    ...(measure.meanOfCategories ? [row('mean of these', measure.meanOfCategories)] : []),
  ];
  const besides = [
    ...Object.entries(measure.besides).map(([what, value]) => `${what} ${+value.toFixed(3)}`),
    ...Object.entries(measure.unmarked).map(([why, count]) => `left out, ${why}: ${count}`),
  ];
  return `<h2>${escapeHtml(MEASURE_TITLES[name].title)}</h2>
<p class="soft">by ${escapeHtml(measure.by)}${besides.length > 0 ? `; ${escapeHtml(besides.join('; '))}` : ''}</p>
${table(['', 'score', '95 %', 'pictures'], rows)}
${ends ? gallery(name, 'The lowest', ends.lowest) + gallery(name, 'The highest', ends.highest) : ''}`;
}

const gallery = (name: MeasureName, title: string, list: readonly Shown[]): string =>
  `<h3>${title}</h3>\n<div class="pairs">${list.map((one) => card(name, one)).join('\n')}</div>`;

/** Letters of a detail that are shown. */
const MOST = 300;

function card(name: MeasureName, { picture, prompt, score, detail, url }: Shown): string {
  const text = detail === undefined ? '' : told(detail);
  return `<div class="pair"><div class="row"><figure><img src="${url}" alt="${escapeHtml(picture)}"></figure><div style="flex: 1; min-width: 9rem"><p>${escapeHtml(prompt)}</p><p><b>${shown(name, score)}</b></p>${text ? `<p class="soft">${escapeHtml(text.length > MOST ? `${text.slice(0, MOST)} …` : text)}</p>` : ''}</div></div></div>`;
}

/** What a measure says of a picture, in a line. */
function told(detail: object): string {
  const { missed, responses, answers } = detail as { missed?: string[]; responses?: string[]; answers?: { question: string; yes?: boolean; probability?: number }[] }; // biome-ignore format: one line
  if (missed) return missed.join(', ');
  if (responses) return responses[0];
  return (answers ?? []).map(({ question, yes, probability }) => `${question} ${probability === undefined ? (yes ? 'yes' : 'no') : probability.toFixed(2)}`).join(' · '); // biome-ignore format: one line
}
