/** What the commands that train have in common: how long, from which seed, and what any training tells. */
import { type Command, Option } from 'commander';
import type { CommonEvent, DoneEvent } from '../models/training/events.ts';
import type { StepEvent } from '../models/training/loop.ts';
import { type Context, EXIT } from './main.ts';
import { deviceOption, number, wholeNumber } from './options.ts';
import { counted, formatDuration, type Output, type Progress, printable } from './output.ts';
import { shortPath } from './places.ts';

export function length(flags: string, description: string, others: string[]): Option {
  return new Option(flags, description).argParser(wholeNumber(1)).conflicts(others);
}

/** Length, seed, device, and whether to go on. */
export const runOptions = (command: Command): Command =>
  command
    .addOption(
      length('--epochs <n>', 'length of the training, in passes over the data', ['steps', 'minutes']),
    )
    .addOption(length('--steps <n>', 'length of the training, in steps', ['epochs', 'minutes']))
    .addOption(
      new Option('--minutes <m>', 'length of the training, in minutes')
        .argParser(number('above 0', (m) => m > 0))
        .conflicts(['epochs', 'steps']),
    )
    .option('--seed <k>', 'the same seed trains the same model on the same machine', wholeNumber(0), 0)
    .addOption(deviceOption())
    .option('--resume', 'go on from the last checkpoint in --out', false);

/** Draws and records all that a training tells; left-out samples make the exit status. */
export async function follow<E extends { kind: string }>(
  events: AsyncIterable<E>,
  draw: (event: E, output: Output) => void,
  { output, exit }: Context,
): Promise<void> {
  for await (const event of events) {
    output.record(event);
    draw(event, output);
    if (event.kind === 'done' && (event as { failed?: number }).failed) exit(EXIT.doneWithFailures);
  }
}

/** How long it will be, behind what is learnt. */
export function planned({ steps, resumedFrom }: { steps?: number; resumedFrom: number }): string {
  const length = steps === undefined ? '' : `, ${counted(steps, 'step')}`;
  return `${length}${resumedFrom > 0 ? `, going on from step ${resumedFrom}` : ''}`;
}

/** What any training tells on the way, in words; what it saves is only recorded. */
export function drawCommon(event: CommonEvent | { kind: 'snapshot' }, output: Output): void {
  switch (event.kind) {
    case 'features':
      output.progress({ ...event, label: event.encoder, unit: 'images', rate: event.imagesPerSecond });
      break;
    case 'warning':
      output.note(
        `warning: ${event.message}${event.place === undefined ? '' : ` (${printable(event.place)})`}`,
      );
      break;
    case 'failure':
      output.failure(event.failure);
  }
}

/** Its end, with what was reached (`, CIDEr-D 0.5`); then what was left out. @param notes lines between the two */
export function drawDone(
  event: DoneEvent,
  reached: string,
  output: Output,
  notes: readonly string[] = [],
): void {
  const verb = event.stopped ? 'Stopped after' : 'Trained';
  output.print(`${verb} ${event.step} steps in ${formatDuration(event.minutes * 60)}${reached}: ${printable(event.path)}`); // biome-ignore format: one line
  for (const note of notes) output.print(note);
  if (event.failures !== undefined)
    output.print(`${counted(event.failed, 'sample')} left out, listed in ${printable(shortPath(event.failures))}`); // biome-ignore format: one line
}

/** A step of any training, as progress. @param digits of the loss */
export const stepProgress = (
  event: StepEvent,
  { label = `epoch ${+event.epoch.toFixed(1)}:`, digits = 3 } = {},
): Progress => ({
  label,
  done: event.step,
  total: event.steps,
  unit: 'steps',
  rate: event.imagesPerSecond,
  rateUnit: 'images',
  secondsLeft: event.secondsLeft,
  detail: `loss ${event.loss.toFixed(digits)}`,
});

export function millions(count: number): string {
  return count < 1e6 ? count.toLocaleString('en') : `${(count / 1e6).toFixed(1)} M`;
}
