import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Folder, temporaryFolder } from '../../test/helpers/collection.ts';
import { jsonLines, say } from '../../test/helpers/program.ts';

let folder: Folder;
beforeAll(async () => {
  folder = await temporaryFolder();
});
afterAll(() => folder.remove());

const TEXT = 'a man in a red hat is riding two brown horses';

describe('one caption', () => {
  test('--json prints the graph as one line', async () => {
    const { code, stdout, stderr } = await say('parse', TEXT, '--json');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const [graph, ...more] = jsonLines(stdout);
    expect(more).toEqual([]);
    expect(graph.objects).toEqual([
      { id: 'man', name: 'man' },
      { id: 'hat', name: 'hat' },
      { id: 'horses', name: 'horses', count: 2 },
    ]);
    expect(graph.attributes).toEqual([
      { object: 'hat', attribute: 'red' },
      { object: 'horses', attribute: 'brown' },
    ]);
    expect(graph.relations).toContainEqual({ subject: 'man', predicate: 'ride', object: 'horses' });
  });

  test('people get a line for each object, and what it does below', async () => {
    const { stdout } = await say('parse', TEXT);
    expect(stdout).toContain('horses × 2: brown\n');
    expect(stdout).toMatch(/^man\n( {2}.*\n)* {2}ride horses\n/m);
  });

  test('--form factual prints the linear form', async () => {
    const { stdout } = await say('parse', 'a red ball on the grass', '--form', 'factual');
    expect(stdout).toBe('( ball , is , red ) , ( ball , on , grass )\n');
  });

  test('a text that names nothing says so', async () => {
    expect((await say('parse', '...')).stdout).toBe('The text names nothing that could be seen.\n');
  });
});

describe('--file', () => {
  const file = async (content: string | Uint8Array) => {
    const path = join(folder.path, 'captions.txt');
    await writeFile(path, content);
    return path;
  };

  test('a line in is a line out, empty ones too', async () => {
    const path = await file('a dog on grass\r\n\n two red cars');
    const { code, stdout } = await say('parse', '--file', path);
    const graphs = jsonLines(stdout);
    expect(code).toBe(0);
    expect(graphs.map(({ objects }) => objects.length)).toEqual([2, 0, 1]);
    expect((await say('parse', '--file', path, '--json')).stdout).toBe(stdout);
    const linear = await say('parse', '--file', path, '--form', 'factual');
    expect(linear.stdout).toBe('( dog , on , grass )\n\n( cars , is , 2 ) , ( cars , is , red )\n');
  });

  test('a line that is no UTF-8 gets an empty graph, and the exit status says so', async () => {
    const path = await file(Buffer.concat([Buffer.from('a dog\n'), Buffer.from([0xff, 0xfe, 0x0a])]));
    const { code, stdout, stderr } = await say('parse', '--file', path);
    expect(code).toBe(3);
    expect(jsonLines(stdout)).toHaveLength(2);
    expect(stderr).toContain('captions.txt:2');
  });

  test('a file that is not there is told', async () => {
    const { code, stderr } = await say('parse', '--file', join(folder.path, 'none.txt'));
    expect(code).toBe(1);
    expect(stderr).toContain('no such file');
  });
});

describe('--diff', () => {
  test('says what the second caption adds and leaves out', async () => {
    const { stdout } = await say('parse', '--diff', 'a dog on grass', 'two brown dogs');
    expect(stdout).toBe('+ dogs is 2\n+ dogs is brown\n- grass\n- dog on grass\n  dogs\n');
    const json = jsonLines(
      (await say('parse', '--diff', 'a dog on grass', 'two brown dogs', '--json')).stdout,
    );
    expect(json).toEqual([
      {
        matched: [['dogs']],
        missing: [['grass'], ['dog', 'on', 'grass']],
        extra: [
          ['dogs', '2'],
          ['dogs', 'brown'],
        ],
      },
    ]);
  });
});

test.each([
  [[], 'there is no caption'],
  [['a dog', 'a cat'], '2 were given'],
  [['--diff', 'a dog'], '1 were given'],
  [['--file', 'captions.txt', 'a dog'], 'from the file'],
  [['a dog', '--form', 'xml'], 'xml'],
])('recaption parse %j is bad usage', async (args, words) => {
  const { code, stderr } = await say('parse', ...args);
  expect(code).toBe(2);
  expect(stderr).toContain(words);
});
