/** What the trainers have in common that read a caption file beside each picture. */
import { dirname, join, resolve } from 'node:path';
import type { Dataset } from '../sample.ts';
import { sidecarLine } from '../writers/sidecars.ts';
import { placeFile } from '../writers/target.ts';
import { type Adapt, asItIs, type Exported } from './draw.ts';
import { type FolderRules, lintFolder } from './lint-folder.ts';
import { type Placed, placeSamples, placeWithMetadata } from './place.ts';
import type { ExportOptions, Finding, LintOptions, TrainerProfile } from './profile.ts';

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
  /** The caption file of a sample; by default one caption a line. */
  encode?: (exported: Exported) => string;
  /** The file that tells the trainer of the folder. */
  configuration?: { file: string; write(layout: Layout): string };
  /** Keep a `metadata.jsonl` beside, where `openDataset` does not read the caption files. */
  metadata?: boolean;
  rules: FolderRules;
  /** What the configuration in a folder changes about the rules, and what is wrong with it. */
  configured?: (dir: string, rules: FolderRules) => Promise<{ rules: FolderRules; findings: Finding[] }>;
}

/** Pictures, a caption file beside each, and the trainer's configuration. No caption takes more than a line. */
export function sidecarProfile(form: SidecarForm): TrainerProfile {
  const { name, about, lists, extension, adaptList = asItIs, encode = asLines, configuration } = form;

  async function write(dataset: Dataset, options: ExportOptions): Promise<number> {
    const { to, overwrite, several = false } = options;
    const adaptLine: Adapt = (text) => (several ? adaptList : asItIs)(sidecarLine(text));
    const folder = resolve(to);
    const folders = new Set<string>();
    let written = 0;
    const each = async (placed: Placed) => {
      const picture = join(folder, placed.name);
      folders.add(dirname(picture));
      const path = picture.slice(0, picture.lastIndexOf('.')) + extension;
      await placeFile(path, Buffer.from(`${encode(placed)}\n`), overwrite);
      written++;
      return true;
    };
    if (form.metadata) await placeWithMetadata(dataset, adaptLine, options, each);
    else for await (const placed of placeSamples(dataset, adaptLine, options)) await each(placed);
    if (configuration && written > 0) {
      const text = configuration.write({ folder, folders: [...folders].sort(), several });
      await placeFile(join(folder, configuration.file), Buffer.from(text), overwrite);
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

  return { name, about, lists, write, lint };
}

const asLines = ({ sample }: Exported): string => sample.captions.map(({ text }) => text).join('\n');
