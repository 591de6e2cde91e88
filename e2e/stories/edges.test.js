// Clients at the edge of the protocol: who breaks off in mid-sentence, stands still, or talks without end. Each is got
// rid of, and nothing is left of any.

import assert from 'node:assert/strict';
import { Agent, request } from 'node:http';
import { connect } from 'node:net';
import { test } from 'node:test';

import { Player } from '../lib/player.js';
import { RawSocket } from '../lib/raw.js';
import { ONE_PROCESS, Server } from '../lib/server.js';
import { eventually, within } from '../lib/time.js';

const BREAKS = 300;

/** An open transport may say nothing for 10 s. */
const A_HANDSHAKE_MS = 20_000;

/** The server's pings, its patience, and a look at who is stuck. */
const A_SILENCE_MS = 60_000;

/** A drain spreads so few players over one second. */
const A_DRAIN_MS = 8_000;

/** Less than a poll waits when there is nothing to tell. */
const A_POLL_MS = 8_000;

const WEBSOCKET = {
  connection: 'Upgrade',
  upgrade: 'websocket',
  'sec-websocket-version': '13',
  'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
};

const UPGRADE = [
  'GET /socket.io/?EIO=4&transport=websocket HTTP/1.1',
  'Host: x',
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
].join('\r\n');

test('WebSockets that break before their first packet leave nothing', { skip: ONE_PROCESS }, async (t) => {
  const server = await Server.start(t);
  for (let i = 0; i < BREAKS; i += 1) await breakAtOnce(server.ready.http);
  const sockets = async () => (await server.metrics()).sum('gateway_sockets');
  await eventually(A_HANDSHAKE_MS, async () => (await sockets()) === 0, async () => `${await sockets()} are left`);
  assert.equal(await within(A_DRAIN_MS, server.stop(), () => 'the end of a drain'), 0);
});

test('who was refused an upgrade is sent away alone', { skip: ONE_PROCESS }, async (t) => {
  const server = await Server.start(t);
  const { token } = await Player.signUp(t, server.url, { reconnection: false });
  const shared = new Agent({ keepAlive: true, maxSockets: 1 });
  t.after(() => shared.destroy());
  const [poller, bystander] = [new Poller(server.url, shared), new Poller(server.url, shared)];
  await poller.open({ token });
  await poller.until(({ text }) => text.includes('session:ready'));

  // As through proxies that pass no upgrade on, with and without the key.
  for (const headers of [{}, { 'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==' }]) {
    assert.equal((await poller.ask('GET', 'websocket', { headers })).status, 400);
  }
  await bystander.open({});
  await bystander.until(told('40'));
  const served = bystander.until(told('430'));

  await Player.enter(t, server.url, token, { reconnection: false });
  poller.agent = new Agent();
  await poller.until(({ text }) => text.includes('session:replaced'));
  // The server knows of no such client any more.
  await poller.until(({ status }) => status === 400);
  await bystander.ask('POST', 'polling', { body: '420["character:get",{}]', agent: new Agent() });
  await served;
});

test('who stands still with much under way is let go', { skip: ONE_PROCESS }, async (t) => {
  const server = await Server.start(t, { limits: 'off' });
  const player = await Player.signUp(t, server.url);
  player.leave();
  const frozen = await RawSocket.enter(server, player.token);
  t.after(() => frozen.destroy());
  await frozen.fill(server);
  frozen.freeze();
  const sum = async (metric, labels) => (await server.metrics()).sum(metric, labels);
  await eventually(A_SILENCE_MS, async () => (await sum('gateway_sockets')) === 0, () => 'the end of a client');
  assert.equal(await sum('gateway_sockets_broken_total', { why: 'stuck' }), 1);
});

test('a drain waits neither for who never stops asking nor for who was refused', { skip: ONE_PROCESS }, async (t) => {
  const server = await Server.start(t, { limits: 'off' });
  const { token } = await Player.signUp(t, server.url, { reconnection: false });
  // Its inbox is never empty: with every answer comes another event.
  const talker = await RawSocket.enter(server, token, (text) => text.startsWith('43') && talk());
  const refused = await RawSocket.open(server);
  t.after(() => [talker, refused].forEach((socket) => socket.destroy()));
  const talk = () => talker.send('420["dungeon:list",{}]');
  for (let i = 0; i < 48; i += 1) talk();
  const verdict = refused.until((text) => text.startsWith('44'));
  refused.send('40{"token":"none"}');
  await verdict;
  assert.equal(await within(A_DRAIN_MS, server.stop(), () => 'the end of a drain'), 0);
});

test('who never ends changing the transport may have no more waiting than others', { skip: ONE_PROCESS }, async (t) => {
  const server = await Server.start(t, { limits: 'off', 'outbox-bytes': 16_384 });
  const { token } = await Player.signUp(t, server.url, { reconnection: false });
  const agent = new Agent({ keepAlive: true });
  t.after(() => agent.destroy());
  const poller = new Poller(server.url, agent);
  await poller.open({ token });
  await poller.until(told('42["session:ready"'));
  const { tcp } = await poller.ask('GET', 'websocket', { headers: WEBSOCKET });
  t.after(() => tcp.destroy());

  // From now on polls are answered with nothing, and what is asked for waits.
  let asked = 0;
  for (let status = 200; status === 200; asked += 1) {
    assert.ok(asked < 2_000, 'there is no bound');
    await poller.ask('POST', 'polling', { body: `42${asked}["dungeon:list",{}]` });
    ({ status } = await poller.ask('GET', 'polling'));
  }
  t.diagnostic(`sent away after ${asked} questions`);
  assert.equal((await server.metrics()).sum('gateway_sockets_broken_total', { why: 'outbox_full' }), 1);
});

/** Asks for a WebSocket and breaks the connection as soon as it is one. */
function breakAtOnce(address) {
  const at = address.lastIndexOf(':');
  return new Promise((resolve) => {
    const tcp = connect(Number(address.slice(at + 1)), address.slice(0, at));
    tcp.write(`${UPGRADE}\r\n\r\n`);
    tcp.once('data', () => tcp.resetAndDestroy());
    tcp.on('error', () => {});
    tcp.on('close', resolve);
  });
}

/** Whether an answer to a poll has a packet that begins so; a ping may stand before it. */
function told(beginning) {
  return ({ text }) => text.split('\x1e').some((packet) => packet.startsWith(beginning));
}

/** A client that polls, one request at a time, over connections that others may use too. */
class Poller {
  #url;
  #sid = '';

  constructor(url, agent) {
    this.#url = url;
    this.agent = agent;
  }

  async open(auth) {
    const { text } = await this.ask('GET', 'polling');
    this.#sid = `&sid=${JSON.parse(text.slice(1)).sid}`;
    await this.ask('POST', 'polling', { body: `40${JSON.stringify(auth)}` });
  }

  /** Polls until an answer is `wanted`. */
  until(wanted) {
    return eventually(A_POLL_MS, async () => wanted(await this.ask('GET', 'polling')), () => 'an answer to a poll');
  }

  ask(method, transport, { body, headers = {}, agent = this.agent } = {}) {
    return new Promise((resolve, reject) => {
      const path = `/socket.io/?EIO=4&transport=${transport}${this.#sid}`;
      const type = body ? { 'content-type': 'text/plain' } : {};
      const options = { method, agent, headers: { ...type, ...headers } };
      const asked = request(new URL(path, this.#url), options, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (part) => (text += part));
        response.on('end', () => resolve({ status: response.statusCode, text }));
      });
      asked.on('upgrade', ({ statusCode: status }, tcp) => {
        tcp.on('error', () => {});
        resolve({ status, text: '', tcp });
      });
      asked.on('error', reject).end(body);
    });
  }
}
