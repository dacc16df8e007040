import type { AddressInfo } from 'node:net';
import { type ServerType, serve } from '@hono/node-server';
import { RecaptionError, reason } from '../errors.ts';
import { type AppOptions, createApp } from './app.ts';

export interface RunningServer {
  /** Base address, as OpenAI's clients want it. */
  url: string;
  port: number;
  /** Takes no more requests, and returns when those that are under way have been answered. */
  close(): Promise<void>;
}

export interface ServerOptions extends AppOptions {
  /** Default: 127.0.0.1, where nobody else can reach it. */
  host?: string;
  /** 0: any that is free. */
  port: number;
}

/** Milliseconds. */
const IDLE_EVERY = 50;
const PATIENCE = 3000;

const LOOPBACK = ['127.0.0.1', 'localhost', '[::1]'];

/** @throws RecaptionError `port-taken` */
export async function startServer({
  host = '127.0.0.1',
  port,
  ...options
}: ServerOptions): Promise<RunningServer> {
  const isLocal = LOOPBACK.includes(host) || host === '::1';
  const app = createApp({ ...(isLocal && { hosts: LOOPBACK }), ...options });
  const server = await new Promise<ServerType>((started, failed) => {
    const starting = serve({ fetch: app.fetch, hostname: host, port }, () => started(starting));
    starting.once('error', (error: NodeJS.ErrnoException) => {
      const elsewhere = error.code === 'EADDRNOTAVAIL' || error.code === 'ENOTFOUND';
      failed(
        new RecaptionError('port-taken', `port ${port} cannot be listened on (${reason(error)})`, {
          place: `${host}:${port}`,
          hint: elsewhere
            ? `This machine has no address ${host}: give another --host.`
            : 'Another program may use it: choose one by --port.',
          cause: error,
        }),
      );
    });
  });
  const { port: taken } = server.address() as AddressInfo;
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${taken}/v1`,
    port: taken,
    async close() {
      const closed = new Promise<void>((done) => server.close(() => done()));
      await app.drained();
      if ('closeIdleConnections' in server) {
        const http = server;
        const idle = setInterval(() => http.closeIdleConnections(), IDLE_EVERY);
        const patience = setTimeout(() => http.closeAllConnections(), PATIENCE); // a client that sends half a request and stays
        await closed.finally(() => [clearInterval(idle), clearTimeout(patience)]);
      }
      await closed;
    },
  };
}
