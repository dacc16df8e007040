import { join } from 'node:path';
import { z } from 'zod';
import { RecaptionError, reason } from '../../errors.ts';
import type { Caption } from '../sample.ts';
import { badConfig, configText, goneFolder, unquoted } from './configuration.ts';
import type { Exported } from './draw.ts';
import { PICTURES_READ } from './pictures.ts';
import type { Finding } from './profile.ts';
import { type Layout, sidecarProfile } from './sidecar-profile.ts';
import { T5_TOKENS } from './tokens.ts';

const FILE = 'dataset.yaml';
const captionSchema = z.looseObject({ caption: z.string(), caption_short: z.string().optional() });

/**
 * ai-toolkit: `KEY.json` with `caption` and, where the sample has a short one, `caption_short`; a `dataset.yaml` with the entry for
 * a job's `datasets`. The trainer splits at commas and joins again; lint tells where that changes a caption.
 */
export const aiToolkit = sidecarProfile({
  name: 'ai-toolkit',
  about: 'KEY.json beside each picture, dataset.yaml (ostris)',
  lists: false,
  extension: '.json',
  held: mainAndShort,
  encode: asJson,
  configuration: { file: FILE, write: datasetYaml },
  metadata: true,
  rules: {
    reads: PICTURES_READ['ai-toolkit'],
    extensions: ['.txt'],
    unasked: {
      extensions: ['.json'],
      severity: 'warning',
      message: 'caption files are .txt unless caption_ext says otherwise, which no configuration here does',
      hint: 'Set caption_ext: json.',
    },
    read: readCaptions,
    missing: {
      severity: 'warning',
      message: 'the picture has no caption file: it gets the default caption, or none',
    },
    empty: { severity: 'warning', message: 'the caption is empty: the picture is learnt without a text' },
    lines: {
      severity: 'warning',
      message: 'line breaks do not reach the model: they become commas',
      hint: 'Write one line.',
    },
    text: commas,
    maxTokens: T5_TOKENS,
  },
  async configured(dir, rules) {
    const path = join(dir, FILE);
    const yaml = await configText(path);
    if (yaml === undefined) return { rules, findings: [] };
    const folder = firstValue(yaml, 'folder_path');
    const extension = firstValue(yaml, 'caption_ext')?.replace(/^\./, '');
    const findings: Finding[] = [];
    if (folder === undefined) findings.push(badConfig(path, 'it names no folder_path'));
    findings.push(...(await goneFolder(path, folder)));
    if (extension)
      return { findings, rules: { ...rules, extensions: [`.${extension}`], unasked: undefined } };
    const unasked = rules.unasked && {
      ...rules.unasked,
      severity: 'error' as const,
      message: `caption files are .txt where ${FILE} has no caption_ext: these are not read`,
    };
    return { findings, rules: { ...rules, unasked } };
  },
});

/** The first value of a key, on one line as such files have it. */
function firstValue(yaml: string, key: string): string | undefined {
  const value = new RegExp(`^[ \\t-]*${key}:[ \\t]*("(?:[^"\\\\]|\\\\.)*"|'[^']*'|[^#\\r\\n]+)`, 'm').exec(
    yaml,
  );
  return value ? unquoted(value[1].trim()) : undefined;
}

/** What the trainer makes of a text: parts between commas, trimmed, empty ones left out. */
export function rejoinCommas(text: string): string {
  const parts = text.split(',').map((part) => part.trim());
  return parts.filter((part) => part !== '').join(', ');
}

function mainAndShort({ sample, all }: Exported): Caption[] {
  const [main] = sample.captions;
  return [main, ...all.filter(({ kind }) => kind === 'short').slice(0, 1)];
}

function asJson([main, short]: Caption[]): string {
  return JSON.stringify({ caption: main.text, ...(short && { caption_short: short.text }) });
}

function datasetYaml({ folder }: Layout): string {
  // A JSON string is a YAML string.
  return `datasets:\n  - folder_path: ${JSON.stringify(folder)}\n    caption_ext: json\n`;
}

/** @throws RecaptionError `row-invalid` */
function readCaptions(text: string, path: string): string[] {
  if (path.endsWith('.json')) {
    const { caption, caption_short: short } = parseCaption(text);
    return [caption].concat(short ?? []).filter((one) => one.trim() !== '');
  }
  return text.trim() === '' ? [] : [text.trim()];
}

function parseCaption(text: string) {
  try {
    return captionSchema.parse(JSON.parse(text));
  } catch (error) {
    const message =
      error instanceof z.ZodError ? 'the JSON has no text "caption"' : `this is not JSON (${reason(error)})`;
    throw new RecaptionError('row-invalid', message);
  }
}

function commas(caption: string, place: string): Finding[] {
  const line = caption.replace(/\s+/g, ' ');
  if (rejoinCommas(line) === line) return [];
  return [
    {
      place,
      trap: 'commas',
      severity: 'warning',
      message: 'the trainer splits at commas and joins again: spaces and empty parts change',
      hint: 'Put one space behind every comma, and none at the end; write 1000 for 1,000.',
    },
  ];
}
