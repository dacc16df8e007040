import { expect, test } from 'vitest';
import { RecaptionError, UsageError } from '../errors.ts';
import { createOutput, formatDuration, type Progress } from './output.ts';

function terminal({ json = false, isTTY = false, env = {} as Record<string, string> } = {}) {
  const told = { stdout: '', stderr: '' };
  let clock = 0;
  const sink = (name: 'stdout' | 'stderr') => ({
    isTTY,
    columns: 60,
    write: (text: string) => {
      told[name] += text;
    },
  });
  const output = createOutput(
    { json },
    { stdout: sink('stdout'), stderr: sink('stderr'), env, now: () => clock },
  );
  const wait = (ms: number) => {
    clock += ms;
  };
  return { output, told, wait };
}

const state: Progress = { label: 'captioning', done: 3, total: 9, unit: 'images', rate: 1.5, secondsLeft: 4 };

test('text goes to stdout only without --json, records only with it', () => {
  const people = terminal();
  people.output.print('ten captions');
  people.output.record({ captions: 10 });
  expect(people.told.stdout).toBe('ten captions\n');
  const programs = terminal({ json: true });
  programs.output.print('ten captions');
  programs.output.record({ captions: 10 });
  expect(programs.told.stdout).toBe('{"captions":10}\n');
});

test('progress shows count, rate and time left on one line that is drawn over', () => {
  const { output, told } = terminal({ isTTY: true });
  output.progress(state);
  expect(told.stderr).toBe('\r\x1b[2Kcaptioning 3/9 images · 1.5 images/s · 4 s left');
  output.note('skipped a.jpg');
  expect(told.stderr.endsWith('\r\x1b[2Kskipped a.jpg\n')).toBe(true);
});

test('where stderr is no terminal, progress is a plain line every five seconds, and one at the end', () => {
  const { output, told, wait } = terminal();
  for (let done = 0; done <= 9; done++) {
    output.progress({ ...state, done });
    wait(1000);
  }
  expect(told.stderr.split('\n').map((line) => line.split(' ')[1])).toEqual(['0/9', '5/9', '9/9', undefined]);
  expect(told.stderr).not.toContain('\r');
});

test('NO_COLOR and pipes get no colour', () => {
  expect(terminal({ isTTY: true }).output.bold('x')).toBe('\x1b[1mx\x1b[0m');
  expect(terminal({ isTTY: true, env: { NO_COLOR: '1' } }).output.bold('x')).toBe('x');
  expect(terminal().output.bold('x')).toBe('x');
});

test('an error is a sentence, its place and a hint, never a stack', () => {
  const error = new RecaptionError('no-images', 'there are no pictures here', {
    place: 'a/b',
    hint: 'Look in a/c.',
  });
  const people = terminal();
  people.output.error(error);
  expect(people.told.stderr).toBe('error: there are no pictures here (a/b)\nhint:  Look in a/c.\n');
  const programs = terminal({ json: true });
  programs.output.error(error);
  expect(JSON.parse(programs.told.stdout)).toEqual({
    error: { code: 'no-images', message: 'there are no pictures here', place: 'a/b', hint: 'Look in a/c.' },
  });
  expect(programs.told.stderr).toBe('');
});

test('the stack is shown when RECAPTION_DEBUG is set', () => {
  const { output, told } = terminal({ env: { RECAPTION_DEBUG: '1' } });
  output.error(new UsageError('no', { cause: new Error('deeper') }));
  expect(told.stderr).toMatch(/at .*output\.test\.ts/);
  expect(told.stderr).toContain('deeper');
});

test('what is thrown by a defect has a code too', () => {
  const { output, told } = terminal({ json: true });
  output.error(new TypeError('x is not a function'));
  expect(JSON.parse(told.stdout).error.code).toBe('internal');
});

test('control characters in file names cannot reach the terminal', () => {
  const { output, told } = terminal();
  output.error(new RecaptionError('x', 'bad name', { place: 'a\x1b[2J\nb.jpg' }));
  expect(told.stderr).toBe('error: bad name (a [2J b.jpg)\n');
});

test('durations read as people say them', () => {
  expect([0.4, 59.4, 200, 7500].map(formatDuration)).toEqual(['0 s', '59 s', '3 min 20 s', '2 h 5 min']);
});
