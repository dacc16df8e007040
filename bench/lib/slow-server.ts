/** A server in a process of its own that answers every chat after so many milliseconds. Tells its address to whoever started it. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

const wait = Number(process.argv[2]);
const answer = JSON.stringify({
  id: 'x',
  object: 'chat.completion',
  created: 0,
  model: 'slow',
  choices: [
    { index: 0, message: { role: 'assistant', content: 'A picture of something.' }, finish_reason: 'stop' },
  ],
  usage: { prompt_tokens: 100, completion_tokens: 6, total_tokens: 106 },
});
const server = createServer((request, response) => {
  request.resume();
  request.on('end', () => {
    const isChat = request.method === 'POST';
    const body = isChat ? answer : '{"object":"list","data":[{"id":"slow"}]}';
    setTimeout(
      () => {
        response.writeHead(200, { 'content-type': 'application/json' });
        response.end(body);
      },
      isChat ? wait : 0,
    );
  });
});
server.listen(0, '127.0.0.1', () => process.send!((server.address() as AddressInfo).port));
