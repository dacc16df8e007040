/** A proxy before a server that lets through what it is told to, and spoils the rest as servers and networks do. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export const FAULTS = ['429', '429-later', '500', 'hang', 'cut', 'half-json', 'html', 'huge'] as const;
export type Fault = (typeof FAULTS)[number];

export interface FaultProxy {
  /** Base address, as clients want it. */
  url: string;
  /** How often each fault has been done. */
  done: Record<Fault, number>;
  /** Requests that were let through. */
  passed(): number;
  close(): Promise<void>;
}

/** @param next which fault the request is to meet; undefined lets it through */
export async function faultProxy(target: string, next: (request: number) => Fault | undefined): Promise<FaultProxy> {
  const done = Object.fromEntries(FAULTS.map((fault) => [fault, 0])) as Record<Fault, number>;
  let [requests, passed] = [0, 0];
  const hanging = new Set<ServerResponse>();
  const pass = async (request: IncomingMessage) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const { host: _, connection: __, 'content-length': ___, 'transfer-encoding': ____, ...headers } = request.headers;
    const answer = await fetch(new URL(request.url!, target), {
      method: request.method,
      headers: headers as Record<string, string>,
      ...(chunks.length > 0 && { body: Buffer.concat(chunks) }),
    });
    return { status: answer.status, type: answer.headers.get('content-type') ?? '', body: Buffer.from(await answer.arrayBuffer()) };
  };
  const server = createServer(async (request, response) => {
    const isCaption = request.method === 'POST';
    const fault = isCaption ? next(requests++) : undefined;
    if (fault) done[fault]++;
    const json = (status: number, body: object, headers: Record<string, string> = {}) => {
      response.writeHead(status, { 'content-type': 'application/json', ...headers });
      response.end(JSON.stringify(body));
    };
    const error = (message: string) => ({ error: { message, type: 'server_error', param: null, code: null } });
    switch (fault) {
      case '429':
        return json(429, error('slow down'));
      case '429-later':
        return json(429, error('come back later'), { 'retry-after': '0.05' });
      case '500':
        return json(500, error('it broke'));
      case 'hang':
        hanging.add(response);
        return;
      case 'cut':
        return void request.socket.destroy();
      case 'html':
        response.writeHead(200, { 'content-type': 'text/html' });
        return void response.end('<h1>Sign in</h1>');
      case 'huge':
        response.writeHead(200, { 'content-type': 'application/json' });
        return void response.end(`{"choices":[{"message":{"content":"${'x'.repeat(10 * 2 ** 20)}"}}]}`);
      default: {
        const { status, type, body } = await pass(request);
        if (isCaption && !fault) passed++;
        response.writeHead(status, { 'content-type': type });
        response.end(fault === 'half-json' ? body.subarray(0, body.length / 2) : body);
      }
    }
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/v1`,
    done,
    passed: () => passed,
    async close() {
      for (const response of hanging) response.destroy();
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    },
  };
} // biome-ignore format: one line

/** A server whose answers a test writes: OpenAI's protocol, or anything else. */
export async function scriptedServer(answer: (path: string, body: unknown, headers: IncomingMessage['headers']) => { status?: number; body: unknown; type?: string; headers?: Record<string, string> } | Promise<{ status?: number; body: unknown; type?: string; headers?: Record<string, string> }>): Promise<{ url: string; close(): Promise<void> }> {
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString();
    const { status = 200, body, type = 'application/json', headers = {} } = await answer(request.url!, text === '' ? undefined : JSON.parse(text), request.headers);
    response.writeHead(status, { 'content-type': type, ...headers });
    response.end(typeof body === 'string' ? body : JSON.stringify(body));
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/v1`,
    async close() {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    },
  };
} // biome-ignore format: one line

/** An answer as servers give it. */
export const said = (content: unknown, more: object = {}, choice: object = {}) => ({
  body: {
    id: 'x',
    object: 'chat.completion',
    created: 0,
    model: 'm',
    choices: [{ index: 0, message: { role: 'assistant', content, refusal: null }, finish_reason: 'stop', logprobs: null, ...choice }],
    usage: { prompt_tokens: 100, completion_tokens: 10, total_tokens: 110 },
    ...more,
  },
}); // biome-ignore format: one line
