/** `evaluate verdicts`: stored answers of a judge, read again. */
import type { Command } from 'commander';
import type { Context } from './main.ts';
import { counted, printable } from './output.ts';

export function registerVerdicts(evaluate: Command, { output }: Context): void {
  evaluate
    .command('verdicts')
    .summary("read a judge's stored answers again")
    .description(
      "Reads a file of stored answers of a judge ({path: {correct, response}}): finds each verdict in the judge's words alone, compares it with the stored flag, and gives the " +
        'share that is judged correct, overall and by category, with 95 % intervals bootstrapped over prompts.',
    )
    .argument('<file>', 'JSON file of answers; paths end in PROMPT_PICTURE.png')
    .option(
      '--prompts <csv>',
      'the prompts in the order of their numbers, with their categories: columns prompt and category',
    )
    .addHelpText(
      'after',
      '\nExample:\n  $ recaption evaluate verdicts drawbench_results.json --prompts drawbench.csv',
    )
    .action(async (file: string, { prompts }: { prompts?: string }) => {
      const { evaluateVerdicts } = await import('../evaluate/verdicts.ts');
      const report = await evaluateVerdicts(file, prompts);
      output.record(report);
      const percent = (share: number) => `${(100 * share).toFixed(1).padStart(5)} %`;
      const line = (name: string, share: number, [low, high]: readonly [number, number]) =>
        output.print(
          `  ${name.padEnd(16)} ${percent(share)}  [${(100 * low).toFixed(1)}, ${(100 * high).toFixed(1)}]`,
        );
      output.print(
        `${counted(report.n, 'answer')} on ${counted(report.prompts, 'prompt')}; their words agree with ${percent(report.agreement).trim()} of the stored flags`,
      );
      line('correct', report.overall, report.intervals.overall);
      for (const [name, share] of Object.entries(report.categories))
        line(printable(name), share, report.intervals.categories[name]);
      if (report.undecided > 0)
        output.note(`answers that say neither, and count as incorrect: ${report.undecided}`);
    });
}
