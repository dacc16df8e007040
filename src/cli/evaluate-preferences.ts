/** `evaluate preferences`: who is preferred to whom, from votes. */
import type { Command } from 'commander';
import type { Context } from './main.ts';
import { counted, printable } from './output.ts';

export function registerPreferences(evaluate: Command, { output }: Context): void {
  evaluate
    .command('preferences')
    .summary("ratings from people's votes on pairs of pictures")
    .description(
      'Reads votes, JSON lines of {"prompt", "left", "right", "winner": left, right or tie, "rater"}, and rates the systems (Bradley-Terry with ties, as Elo points around 0), with ' +
        '95 % intervals bootstrapped over prompts, shares of votes won, and how far raters agree.',
    )
    .argument('<file>', 'votes')
    .option('--systems <names>', 'systems that may be voted on, with commas; a vote on another is an error', (text) => text.split(',').map((name) => name.trim())) // biome-ignore format: one line
    .addHelpText('after', '\nExample:\n  $ recaption evaluate preferences votes.jsonl')
    .action(async (file: string, { systems }: { systems?: string[] }) => {
      const { preferences, readVotes } = await import('../evaluate/preference.ts');
      const report = preferences(await readVotes(file), { ...(systems && { systems }), place: file });
      output.record(report);
      output.print(`${counted(report.votes, 'vote')} on ${counted(report.prompts, 'prompt')}`);
      const width = Math.max(...report.ratings.map(({ system }) => system.length));
      for (const { system, elo, interval, winRate } of report.ratings) {
        const [low, high] = interval.map((end) => end.toFixed(0));
        const won = [winRate.rate, ...winRate.interval].map((share) => (100 * share).toFixed(1));
        output.print(`  ${printable(system).padEnd(width)}  ${elo.toFixed(0).padStart(5)}  [${low}, ${high}]  wins ${won[0]} % [${won[1]}, ${won[2]}]`); // biome-ignore format: one line
      }
      if (report.agreement !== undefined)
        output.print(`raters agree: Krippendorff's α ${report.agreement.toFixed(2)}`);
      for (const warning of report.warnings) output.note(warning);
    });
}
