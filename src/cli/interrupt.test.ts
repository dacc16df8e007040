import { expect, test } from 'vitest';
import { commandToGoOn } from './interrupt.ts';

test('the command to go on is the one that was typed, with --resume, quoted for a shell', () => {
  const argv = ['caption', "my mother's photos", '--out', 'a b.jsonl'];
  expect(commandToGoOn(argv, {}, '/usr/bin/recaption')).toBe(
    "recaption caption 'my mother'\\''s photos' --out 'a b.jsonl' --resume",
  );
});

test('what is needed to go on is added once, and only to commands that need it', () => {
  expect(commandToGoOn(['train', 'captioner', '--resume'], {}, 'recaption')).toBe(
    'recaption train captioner --resume',
  );
  expect(commandToGoOn(['world', '--count', '3'], {}, 'recaption')).toBe(
    'recaption world --count 3 --overwrite',
  );
  expect(commandToGoOn(['start', 'photos'], {}, 'recaption')).toBe('recaption start photos');
});

test('the program is named as it was called', () => {
  expect(commandToGoOn(['start'], { npm_command: 'exec' }, 'x/.bin/recaption')).toBe('npx recaption start');
  expect(commandToGoOn(['start'], {}, 'bin/recaption.js')).toBe('node bin/recaption.js start');
  const npmStart = { npm_lifecycle_event: 'start', npm_command: 'start' };
  expect(commandToGoOn(['start', 'my photos'], npmStart, 'bin/recaption.js')).toBe(
    "npm start -- 'my photos'",
  );
  expect(commandToGoOn(['start'], npmStart, 'bin/recaption.js')).toBe('npm start');
});
