/** Questions about a picture that are answered with yes or no, and what their answers say together. */
import type { Question } from './suites.ts';

/** A token that a server might have said first, and the logarithm of its probability. */
export interface Alternative {
  token: string;
  logprob: number;
}

/**
 * Probability of "yes" against "no" among the likeliest first tokens of an answer (VQAScore: Lin et al. 2024, equation 1; B-VQA: Huang et al. 2023), in [0, 1].
 * Undefined where neither is among them.
 */
export function yesProbability(alternatives: readonly Alternative[]): number | undefined {
  const sum = { yes: 0, no: 0 };
  for (const { token, logprob } of alternatives) {
    const word = token.trim().toLowerCase().replace(/[^a-z]/g, ''); // biome-ignore format: one line
    if (word === 'yes' || word === 'no') sum[word] += Math.exp(logprob);
  }
  return sum.yes + sum.no > 0 ? sum.yes / (sum.yes + sum.no) : undefined;
}

/** Yes or no, from the words of an answer: the first of the two. Undefined where there is neither. */
export function readYesNo(answer: string): boolean | undefined {
  const word = /\b(yes|no)\b/i.exec(answer)?.[1].toLowerCase();
  return word === undefined ? undefined : word === 'yes';
}

export interface Answered {
  question: Question;
  /** What was answered; undefined where nobody did. */
  yes?: boolean;
  /** The answer is yes, and so is that to every question that it depends on. */
  holds: boolean;
}

/**
 * A Davidsonian scene graph (Cho et al. 2024, section 3): whether a thing is red is not asked of a thing that is not there, so a question counts only
 * where all that it depends on hold. A question that depends on itself, or on one that is not there, does not hold.
 * @returns each question in order, and the share of all that hold
 */
export function checkQuestions(
  questions: readonly Question[],
  answers: ReadonlyMap<number, boolean>,
): { answered: Answered[]; share: number } {
  const byId = new Map(questions.map((question) => [question.id, question]));
  const known = new Map<number, boolean>();
  const holds = (id: number): boolean => {
    const before = known.get(id);
    if (before !== undefined) return before;
    known.set(id, false); // also for who comes back here on the way
    const value = answers.get(id) === true && (byId.get(id)?.parents.every(holds) ?? false);
    known.set(id, value);
    return value;
  };
  const answered = questions.map((question) => ({ question, yes: answers.get(question.id), holds: holds(question.id) })); // biome-ignore format: one line
  return {
    answered,
    share: answered.filter((one) => one.holds).length / Math.max(1, questions.length),
  };
}
