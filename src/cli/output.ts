/** The only file of the command line that writes to the terminal. */
import { RecaptionError, reason } from '../errors.ts';

/** Where text goes: a stream of the process, or an array in a test. */
export interface Sink {
  write(text: string): unknown;
  isTTY?: boolean;
  columns?: number;
}

export interface Surroundings {
  stdout: Sink;
  stderr: Sink;
  env: Record<string, string | undefined>;
  /** Milliseconds, monotonic. */
  now: () => number;
}

/** What long work shows about itself. */
export interface Progress {
  /** What is being done: `captioning`. */
  label: string;
  done: number;
  /** Absent while nobody knows how much there is. */
  total?: number;
  /** What is counted: `images`. */
  unit: string;
  /** Per second. */
  rate: number;
  /** What the rate counts, where it is something else. */
  rateUnit?: string;
  secondsLeft?: number;
  /** A few more words: `loss 2.31`. */
  detail?: string;
}

export interface Output {
  /** True when stdout carries JSON lines instead of text. */
  json: boolean;
  /** A line of the result for people, on stdout; silent with `--json`. */
  print(text: string): void;
  /** A line of the result for programs, on stdout; silent without `--json`. */
  record(value: object): void;
  /** A line beside the result, on stderr. */
  note(text: string): void;
  /** Something that had to be left out, on stderr. */
  failure(failure: { message: string; place: string }): void;
  /** Redraws the progress line; where stderr is no terminal, a plain line every few seconds. */
  progress(state: Progress): void;
  /** Says what went wrong: a sentence, its place and a hint; as JSON on stdout with `--json`. */
  error(error: unknown): void;
  bold(text: string): string;
  dim(text: string): string;
}

const REDRAW_MS = 100;
const PLAIN_LINE_MS = 5000;
const CLEAR_LINE = '\r\x1b[2K';

export function createOutput({ json }: { json: boolean }, around: Surroundings): Output {
  const { stdout, stderr, env, now } = around;
  const live = stderr.isTTY === true && env.TERM !== 'dumb';
  const paint = (code: number, sink: Sink) => (text: string) =>
    sink.isTTY && !env.NO_COLOR && env.TERM !== 'dumb' ? `\x1b[${code}m${text}\x1b[0m` : text;
  const red = paint(31, stderr);
  let drawn = false;
  let last = Number.NEGATIVE_INFINITY;

  const clear = () => {
    if (drawn) stderr.write(CLEAR_LINE);
    drawn = false;
  };
  const line = (sink: Sink, text: string) => {
    clear();
    sink.write(`${text}\n`);
  };

  return {
    json,
    print: (text) => {
      if (!json) line(stdout, text);
    },
    record: (value) => {
      if (json) line(stdout, JSON.stringify(value));
    },
    note: (text) => line(stderr, text),
    failure: ({ message, place }) => line(stderr, `warning: ${printable(message)} (${printable(place)})`),
    progress(state) {
      const at = now();
      const finished = state.total !== undefined && state.done >= state.total;
      if (at - last < (live ? REDRAW_MS : PLAIN_LINE_MS) && !finished) return;
      last = at;
      const text = progressLine(state);
      if (live) {
        stderr.write(CLEAR_LINE + text.slice(0, (stderr.columns || 80) - 1));
        drawn = true;
      } else {
        stderr.write(`${text}\n`);
      }
    },
    error(error) {
      const told = describeError(error);
      if (json) {
        line(stdout, JSON.stringify({ error: told }));
      } else {
        const place = told.place === undefined ? '' : ` (${printable(told.place)})`;
        line(stderr, `${red('error:')} ${printable(told.message)}${place}`);
        if (told.hint !== undefined) stderr.write(`hint:  ${printable(told.hint)}\n`);
      }
      if (env.RECAPTION_DEBUG && error instanceof Error) stderr.write(`${error.stack}\n${causes(error)}`);
    },
    bold: paint(1, stdout),
    dim: paint(2, stdout),
  };
}

/** Text from files and file names as a terminal may see it: no control characters, so that none can move the cursor. */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\u2028\u2029]+/gu, ' ');
}

function describeError(error: unknown): { code: string; message: string; place?: string; hint?: string } {
  if (error instanceof RecaptionError) {
    return { code: error.code, message: error.message, place: error.place, hint: error.hint };
  }
  return {
    code: 'internal',
    message: `this should not have happened: ${reason(error)}`,
    hint: 'It is a defect of Recaption. Run again with RECAPTION_DEBUG=1 to see where, and report it.',
  };
}

function causes(error: Error): string {
  return error.cause instanceof Error ? `caused by ${error.cause.stack}\n${causes(error.cause)}` : '';
}

function progressLine({
  label,
  done,
  total,
  unit,
  rate,
  rateUnit = unit,
  secondsLeft,
  detail,
}: Progress): string {
  const parts = [
    total === undefined ? `${label} ${done} ${unit}` : `${label} ${done}/${total} ${unit}`,
    ...(rate > 0 ? [`${formatRate(rate)} ${rateUnit}/s`] : []),
    ...(secondsLeft !== undefined && Number.isFinite(secondsLeft)
      ? [`${formatDuration(secondsLeft)} left`]
      : []),
    ...(detail === undefined ? [] : [detail]),
  ];
  return parts.join(' · ');
}

function formatRate(rate: number): string {
  return rate >= 100 ? rate.toFixed(0) : rate.toFixed(1);
}

/** `1 picture`, `2,000 pictures`. */
export function counted(count: number, noun: string): string {
  return `${count.toLocaleString('en')} ${noun}${count === 1 ? '' : 's'}`;
}

/** `8 s`, `3 min 20 s`, `2 h 5 min`. */
export function formatDuration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}
