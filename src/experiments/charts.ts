/** Charts as SVG, drawn with the colours of the page: `--c0`, `--c1` … for arms, `--ink`, `--soft`, `--line`. */
import { escapeHtml } from '../html.ts';

const color = (i: number) => `var(--c${i % COLOURS})`;
/** Colours that the page defines. */
export const COLOURS = 8;

const text = (x: number, y: number, content: string, attributes = ''): string =>
  `<text x="${n(x)}" y="${n(y)}" ${attributes}>${escapeHtml(content)}</text>`;
const line = (x1: number, y1: number, x2: number, y2: number, attributes: string): string =>
  `<line x1="${n(x1)}" y1="${n(y1)}" x2="${n(x2)}" y2="${n(y2)}" ${attributes}/>`;
/** Two digits after the point are finer than any screen. */
const n = (value: number): string => `${+value.toFixed(2)}`;

const svg = (width: number, height: number, label: string, parts: string[]): string =>
  `<svg viewBox="0 0 ${width} ${height}" width="${width}" role="img" aria-label="${escapeHtml(label)}">${parts.join('')}</svg>`;

/** Round numbers that divide a range into about `wanted` parts. */
export function ticks(least: number, most: number, wanted = 5): number[] {
  const rough = (most - least) / wanted;
  if (!(rough > 0)) return [least];
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((k) => k * power).find((k) => k >= rough) ?? 10 * power;
  const first = Math.ceil(least / step - 1e-9);
  return Array.from({ length: Math.floor(most / step + 1e-9) - first + 1 }, (_, i) => +((first + i) * step).toPrecision(12)); // biome-ignore format: one line
}

export interface Bar {
  value: number;
  low: number;
  high: number;
}

/** Groups of bars with whiskers: one group for each label, one bar in it for each series. `unit` follows the numbers of the scale. */
export function barChart(
  label: string,
  groups: readonly string[],
  series: readonly { name: string; bars: readonly (Bar | undefined)[] }[],
  { most, unit = '' }: { most: number; unit?: string },
): string {
  const [left, top, plot, bar] = [46, 8, 190, 14];
  const wide = Math.max(series.length * bar + 22, 80); // as wide as the labels
  const air = wide - series.length * bar;
  const width = left + groups.length * wide + 8;
  const y = (value: number) => top + plot * (1 - Math.min(value, most) / most);
  const parts = ticks(0, most).flatMap((tick) => [
    line(left, y(tick), width - 4, y(tick), 'class="grid"'),
    text(left - 6, y(tick) + 4, `${tick}${unit}`, 'class="tick" text-anchor="end"'),
  ]);
  for (const [g, group] of groups.entries()) {
    const x = left + g * wide + air / 2;
    for (const [i, { name, bars }] of series.entries()) {
      const one = bars[g];
      if (!one) continue;
      const at = x + i * bar;
      const said = `${name}, ${group}: ${one.value.toFixed(1)}${unit} (${one.low.toFixed(1)} to ${one.high.toFixed(1)})`;
      parts.push(
        `<g><title>${escapeHtml(said)}</title><rect x="${n(at + 1)}" y="${n(y(one.value))}" width="${bar - 2}" height="${n(y(0) - y(one.value))}" fill="${color(i)}"/>${line(at + bar / 2, y(one.low), at + bar / 2, y(one.high), 'class="whisker"')}</g>`,
      );
    }
    parts.push(
      text(x + (series.length * bar) / 2, top + plot + 18, group, 'class="tick" text-anchor="middle"'),
    );
  }
  return svg(width, top + plot + 28, label, parts);
}

/** Lines with bands: `most` and `least` of each point lie on the rims of its band. */
export function lineChart(
  label: string,
  series: readonly {
    name: string;
    points: readonly { step: number; mean: number; least: number; most: number }[];
  }[],
  axis: string,
): string {
  const [left, top, plot, across] = [46, 10, 200, 420];
  const all = series.flatMap(({ points }) => points);
  const [low, high] = [Math.min(...all.map((p) => p.least)), Math.max(...all.map((p) => p.most))];
  const room = (high - low || 1) * 0.06;
  const last = Math.max(...all.map(({ step }) => step));
  const x = (step: number) => left + (across * step) / last;
  const y = (value: number) => top + plot * (1 - (value - low + room) / (high - low + 2 * room || 1));
  const parts = ticks(low - room, high + room).flatMap((tick) => [
    line(left, y(tick), left + across, y(tick), 'class="grid"'),
    text(left - 6, y(tick) + 4, `${tick}`, 'class="tick" text-anchor="end"'),
  ]);
  for (const tick of ticks(0, last)) parts.push(text(x(tick), top + plot + 18, tick.toLocaleString('en'), 'class="tick" text-anchor="middle"')); // biome-ignore format: one line
  parts.push(text(left + across / 2, top + plot + 36, axis, 'class="tick" text-anchor="middle"'));
  for (const [i, { name, points }] of series.entries()) {
    const way = (of: (p: (typeof points)[number]) => number, some = points) => some.map((p) => `${n(x(p.step))},${n(y(of(p)))}`); // biome-ignore format: one line
    const band = [...way((p) => p.most), ...way((p) => p.least, [...points].reverse())];
    parts.push(
      `<polygon points="${band.join(' ')}" fill="${color(i)}" opacity=".16"/>`,
      `<polyline points="${way((p) => p.mean).join(' ')}" fill="none" stroke="${color(i)}" stroke-width="2"/>`,
      ...points.map((p) => `<circle cx="${n(x(p.step))}" cy="${n(y(p.mean))}" r="3" fill="${color(i)}"><title>${escapeHtml(`${name}, step ${p.step}: ${p.mean.toFixed(1)} (${p.least.toFixed(1)} to ${p.most.toFixed(1)})`)}</title></circle>`), // biome-ignore format: one line
    );
  }
  return svg(left + across + 12, top + plot + 44, label, parts);
}

/** Differences with their intervals about a line at 0. */
export function forestChart(
  label: string,
  rows: readonly { name: string; difference: number; low: number; high: number }[],
  unit: string,
): string {
  const [left, top, across, high, right] = [250, 6, 300, 26, 230];
  const reach = Math.max(1, ...rows.flatMap(({ low, high }) => [Math.abs(low), Math.abs(high)])) * 1.08;
  const x = (value: number) => left + across * (0.5 + value / (2 * reach));
  const bottom = top + rows.length * high;
  const parts = ticks(-reach, reach, 4).flatMap((tick) => [
    line(x(tick), top, x(tick), bottom, 'class="grid"'),
    text(x(tick), bottom + 16, `${tick > 0 ? '+' : ''}${tick}`, 'class="tick" text-anchor="middle"'),
  ]);
  parts.push(line(x(0), top, x(0), bottom, 'class="zero"'));
  for (const [i, row] of rows.entries()) {
    const y = top + (i + 0.5) * high;
    const shown = row.low > 0 || row.high < 0;
    const kind = shown ? 'shown' : 'unshown';
    parts.push(
      text(left - 10, y + 4, row.name, 'class="name" text-anchor="end"'),
      line(x(row.low), y, x(row.high), y, `class="range ${kind}"`),
      `<circle cx="${n(x(row.difference))}" cy="${n(y)}" r="4.5" class="${kind}"/>`,
      text(
        left + across + 10,
        y + 4,
        `${signed(row.difference)} (${signed(row.low)} to ${signed(row.high)})${unit}`,
        'class="tick"',
      ),
    );
  }
  return svg(left + across + right, bottom + 24, label, parts);
}

export const signed = (value: number): string => `${value > 0 ? '+' : ''}${value.toFixed(1)}`;
