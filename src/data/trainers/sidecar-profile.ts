/** What the trainers have in common that read a caption file beside each picture. */
import { dirname, join, resolve } from 'node:path';
import type { Caption, Dataset } from '../sample.ts';
import { sidecarLine } from '../writers/sidecars.ts';
import { placeFile } from '../writers/target.ts';
import { type Adapt, asItIs, distinct, type Exported } from './draw.ts';
import { type FolderRules, lintFolder } from './lint-folder.ts';
import { type Placed, placeSamples, placeWithMetadata } from './place.ts';
import type { ExportRun, Finding, LintOptions, TrainerProfile } from './profile.ts';

/** Where an export lies, for the configuration beside it; paths are absolute, as trainers run elsewhere. */
export interface Layout {
  folder: string;
  /** The folders that hold pictures, itself or below it, sorted. */
  folders: string[];
  /** Whether a picture may have several captions. */
  several: boolean;
}

export interface SidecarForm extends Pick<TrainerProfile, 'name' | 'about' | 'lists'> {
  /** Of the caption files, with the dot. */
  extension: string;
  /** What the trainer would misread in a caption that is one line already, where each line is a caption of its own. */
  adaptList?: Adapt;
  /** What the caption file of a sample holds; by default the captions that were drawn. */
  held?: (exported: Exported) => Caption[];
  /** That file; by default one caption a line. */
  encode?: (captions: Caption[]) => string;
  /** The file that tells the trainer of the folder. */
  configuration?: { file: string; write(layout: Layout): string };
  /** Keep a `metadata.jsonl` beside, where `openDataset` does not read the caption files. */
  metadata?: boolean;
  rules: FolderRules;
  /** What the configuration in a folder changes about the rules, and what is wrong with it. */
  configured?: (dir: string, rules: FolderRules) => Promise<{ rules: FolderRules; findings: Finding[] }>;
  /** Where a configuration may change the rules for each folder. */
  lint?: TrainerProfile['lint'];
}

/** Pictures, a caption file beside each, and the trainer's configuration. No caption takes more than a line. */
export function sidecarProfile(form: SidecarForm): TrainerProfile {
  const { name, about, lists, extension, adaptList = asItIs, configuration } = form;
  const { held = drawn, encode = asLines } = form;

  async function write(dataset: Dataset, run: ExportRun): Promise<number> {
    const { to, overwrite, several = false, wrote } = run;
    const adaptLine: Adapt = (text) => (several ? adaptList : asItIs)(sidecarLine(text));
    const folder = resolve(to);
    const folders = new Set<string>();
    let written = 0;
    const each = async (placed: Placed) => {
      const captions = held(placed);
      const file = placed.name.slice(0, placed.name.lastIndexOf('.')) + extension;
      const path = join(folder, file);
      folders.add(dirname(path));
      await wrote(file, await placeFile(path, Buffer.from(`${encode(captions)}\n`), overwrite));
      written++;
      return distinct(captions);
    };
    if (form.metadata) await placeWithMetadata(dataset, adaptLine, run, each);
    else for await (const placed of placeSamples(dataset, adaptLine, run)) await each(placed);
    if (configuration && written > 0) {
      const text = configuration.write({ folder, folders: [...folders].sort(), several });
      const isNew = await placeFile(join(folder, configuration.file), Buffer.from(text), overwrite);
      await wrote(configuration.file, isNew);
    }
    return written;
  }

  async function* lint(dir: string, options: LintOptions): AsyncGenerator<Finding> {
    const { rules, findings } = (await form.configured?.(dir, form.rules)) ?? {
      rules: form.rules,
      findings: [],
    };
    yield* findings;
    yield* lintFolder(dir, rules, options);
  }

  return { name, about, lists, write, lint: form.lint ?? lint };
}

const drawn = ({ sample }: Exported): Caption[] => sample.captions;
const asLines = (captions: Caption[]): string => captions.map(({ text }) => text).join('\n');
