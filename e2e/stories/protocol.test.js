// What a server says of its protocol to programs is AsyncAPI, and true of everything it sends.

import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { test } from 'node:test';

import Ajv from 'ajv';
import { parse } from 'yaml';

import { Player, freshNames } from '../lib/player.js';
import { Server } from '../lib/server.js';

const ASYNCAPI = createRequire(import.meta.url)('@asyncapi/specs/schemas/3.0.0.json');

/** The keys that AsyncAPI allows in `components`; its own schema lets others pass unread. */
const KEY = /^[\w.-]+$/;

/** The specification's schema brings the schema of schemas along. */
const OPTIONS = { strict: false, meta: false, validateSchema: false, validateFormats: false };

test('the description is AsyncAPI, and fits what is asked, answered and told', async (t) => {
  const server = await Server.start(t, { 'tick-ms': 20, limits: 'off' });
  const protocol = parse(await (await fetch(`${server.nextUrl()}/asyncapi.yaml`)).text());
  const valid = new Ajv(OPTIONS).compile(ASYNCAPI);
  assert.ok(valid(protocol), JSON.stringify(valid.errors));
  for (const [kind, of] of Object.entries(protocol.components)) {
    for (const key of Object.keys(of)) assert.match(key, KEY, kind);
  }

  const shapes = new Shapes(protocol);
  const players = [];
  for (const style of ['rich', undefined]) {
    const player = new Player(server.nextUrl(), { style });
    t.after(() => player.leave());
    player.socket.onAny((event, payload) => shapes.check(event, 'payload', payload));
    await player.hear('connect');
    players.push(player);
  }
  const [fighter, other] = players;
  const ask = async (player, event, payload = {}) => {
    shapes.check(event, 'payload', payload);
    shapes.check(event, 'x-ack', await player.ask(event, payload));
  };
  const { username, password, character } = freshNames();
  await ask(fighter, 'auth:signup', { username, password, character });
  await ask(fighter, 'battle:auto', { dungeon: '1' });
  await fighter.reach(60);
  await ask(fighter, 'battle:sync', { after: 0 });
  await ask(fighter, 'auth:refresh');
  await ask(fighter, 'dungeon:list');
  await ask(fighter, 'chat:send', { text: 'hello' });
  await ask(fighter, 'chat:history');
  shapes.check('refusal', 'schema', await fighter.answer('battle:auto', { dungeon: 'nowhere' }));

  await ask(other, 'auth:signin', { username, password });
  await other.hear('battle:report');
  await other.reach(other.course.seq + 5);
  await ask(other, 'character:get');
  await ask(other, 'battle:stop');
  await ask(other, 'auth:signout');
  await fighter.hear('session:replaced');
  for (const { faults } of players) assert.deepEqual(faults, []);
  assert.deepEqual(shapes.faults, []);
  t.diagnostic(`${shapes.checked} payloads of ${shapes.kinds.size} kinds`);
  assert.ok(shapes.kinds.has('battle:frame payload') && shapes.kinds.has('battle:report payload'));
});

/** The shapes that a description promises; a field it doesn't know is a fault. */
class Shapes {
  faults = [];
  checked = 0;
  kinds = new Set();
  #validators = new Map();

  constructor({ components }) {
    const ajv = new Ajv({ strict: false });
    const close = (schema) => ajv.compile({ ...closed(schema), components: closed(components) });
    for (const message of Object.values(components.messages)) {
      for (const part of ['payload', 'x-ack']) {
        if (message[part]) this.#validators.set(`${message.name} ${part}`, close(message[part]));
      }
    }
    this.#validators.set('refusal schema', close(components.schemas.refusal));
  }

  check(event, part, value) {
    const kind = `${event} ${part}`;
    const { ok: _, ...rest } = value;
    const valid = this.#validators.get(kind);
    this.checked += 1;
    this.kinds.add(kind);
    if (!valid) this.faults.push(`${kind} is not described`);
    else if (!valid(part === 'x-ack' ? rest : value)) this.faults.push([kind, valid.errors, value]);
  }
}

/** A schema whose objects have no fields but their own. */
function closed(schema) {
  if (Array.isArray(schema)) return schema.map(closed);
  if (schema === null || typeof schema !== 'object') return schema;
  const parts = Object.fromEntries(Object.entries(schema).map(([name, part]) => [name, closed(part)]));
  return schema.type === 'object' && schema.properties ? { additionalProperties: false, ...parts } : parts;
}
