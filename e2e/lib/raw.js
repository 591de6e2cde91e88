// The protocol by hand, for what no stock client does: reading nothing, or sending nonsense.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import { once } from 'node:events';

import { within } from './time.js';

/** A queue that holds so much has met a transport that takes nothing. */
const ENOUGH_BYTES = 4_096;

const TEXT = 0x1;
const PING = '2';
const PONG = '3';

/** Between the server's pings and its patience: never two pongs for one ping, never none. */
const PONG_EVERY_MS = 15_000;

/** A WebSocket to `/socket.io/` without any library in between. */
export class RawSocket {
  #events;
  #tcp;
  #pongs;
  #buffer = Buffer.alloc(0);

  /** Connects as a player and waits for `session:ready`. `events` is called with every message. */
  static async enter(server, token, events) {
    const socket = new RawSocket();
    socket.#events = events;
    await socket.#open(new URL(server.nextUrl()).host);
    socket.send(`40${JSON.stringify({ token })}`);
    await socket.until((text) => text.startsWith('42["session:ready"'));
    return socket;
  }

  /** Connects without a word of Socket.IO said. */
  static async open(server) {
    const socket = new RawSocket();
    await socket.#open(new URL(server.nextUrl()).host);
    return socket;
  }

  /** Sends one text message. */
  send(text) {
    const payload = Buffer.from(text);
    const mask = randomBytes(4);
    const masked = payload.map((byte, i) => byte ^ mask[i % 4]);
    this.#tcp.write(Buffer.concat([head(payload.length), mask, masked]));
  }

  /** The first message that `wanted` accepts. */
  async until(wanted, ms = 15_000) {
    const found = new Promise((resolve) => {
      this.listener = (text) => wanted(text) && resolve(text);
    });
    return within(ms, found, () => 'a message on a raw socket').finally(() => (this.listener = undefined));
  }

  /**
   * Reads nothing from now on; TCP then tells the server to wait. Says all the same that it lives, as who only reads
   * slowly.
   */
  pause() {
    this.#tcp.pause();
    this.#pongs = setInterval(() => this.send(PONG), PONG_EVERY_MS).unref();
    this.#tcp.once('close', () => clearInterval(this.#pongs));
  }

  /** Says no more that it lives, as one whose machine stands still. */
  freeze() {
    clearInterval(this.#pongs);
  }

  /** Reads again, beginning with what has been waiting. */
  resume() {
    clearInterval(this.#pongs);
    this.#tcp.resume();
  }

  /** Reads nothing and asks for much, until answers have to wait in the server's own queue and stay there. */
  async fill(server) {
    this.pause();
    const waiting = async () => {
      const metrics = await server.metrics();
      assert.equal(metrics.sum('gateway_sockets_broken_total', { why: 'outbox_full' }), 0, 'asked for more than may wait');
      return metrics.sum('gateway_outbox_bytes') > ENOUGH_BYTES;
    };
    for (let id = 0; !((await waiting()) && (await waiting())); id += 1) {
      assert.ok(!this.#tcp.destroyed, 'the connection ended before anything had to wait');
      this.send(`42${id}["dungeon:list",{}]`);
    }
  }

  /** Waits until the server has closed the connection, unread data notwithstanding. */
  async closed(ms) {
    const over = new Promise((resolve) => this.#tcp.once('close', resolve));
    // What still lies in the buffers has to be read before the end can be seen.
    this.listener = undefined;
    this.#tcp.resume();
    if (!this.#tcp.destroyed) await within(ms, over, () => 'the end of a raw socket');
  }

  destroy() {
    this.#tcp?.destroy();
  }

  async #open(address) {
    const at = address.lastIndexOf(':');
    this.#tcp = connect(Number(address.slice(at + 1)), address.slice(0, at));
    this.#tcp.on('error', () => {});
    await once(this.#tcp, 'connect');
    this.#tcp.write(
      `GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: ${address}\r\nConnection: Upgrade\r\n` +
        'Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n' +
        `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}\r\n\r\n`,
    );
    const upgraded = new Promise((resolve) => {
      const read = (data) => {
        this.#buffer = Buffer.concat([this.#buffer, data]);
        const end = this.#buffer.indexOf('\r\n\r\n');
        if (end < 0) return;
        this.#tcp.off('data', read);
        this.#buffer = this.#buffer.subarray(end + 4);
        resolve();
      };
      this.#tcp.on('data', read);
    });
    await within(15_000, upgraded, () => 'a WebSocket');
    this.#tcp.on('data', (data) => this.#take(data));
    this.#take(Buffer.alloc(0));
  }

  #take(data) {
    this.#buffer = Buffer.concat([this.#buffer, data]);
    for (let message = this.#next(); message; message = this.#next()) {
      if (message.opcode !== TEXT) continue;
      if (message.text === PING) this.send(PONG);
      else this.#tell(message.text);
    }
  }

  #tell(text) {
    this.listener?.(text);
    this.#events?.(text);
  }

  #next() {
    const bytes = this.#buffer;
    if (bytes.length < 2) return undefined;
    let [length, start] = [bytes[1] & 0x7f, 2];
    if (length === 126) {
      if (bytes.length < 4) return undefined;
      [length, start] = [bytes.readUInt16BE(2), 4];
    } else if (length === 127) {
      if (bytes.length < 10) return undefined;
      [length, start] = [Number(bytes.readBigUInt64BE(2)), 10];
    }
    if (bytes.length < start + length) return undefined;
    this.#buffer = bytes.subarray(start + length);
    return { opcode: bytes[0] & 0x0f, text: bytes.subarray(start, start + length).toString() };
  }
}

function head(length) {
  if (length < 126) return Buffer.from([0x81, 0x80 | length]);
  if (length < 65_536) return Buffer.from([0x81, 0x80 | 126, length >> 8, length & 0xff]);
  const wide = Buffer.alloc(10);
  wide.set([0x81, 0x80 | 127]);
  wide.writeBigUInt64BE(BigInt(length), 2);
  return wide;
}
