// What operators can ask of the database while the server runs.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Player } from '../lib/player.js';
import { Server } from '../lib/server.js';

test('a battle is replayed and verified, and the books are sound', async (t) => {
  const server = await Server.start(t, { 'tick-ms': 20 });
  const player = await Player.signUp(t, server.nextUrl());
  await player.fight('1');
  await player.reach(50);
  await player.ask('battle:stop');

  const lines = (await server.command('replay', player.course.id)).trimEnd().split('\n');
  assert.equal(lines.length, player.course.seq + 1);
  assert.match(lines.at(-2), new RegExp(`^#${player.course.seq} .* stops: stopped$`));
  assert.equal(lines.at(-1), `${player.course.seq} frames, verified`);

  const books = await server.command('audit');
  assert.match(books, new RegExp(`^players: 1\ngold the players hold: ${player.course.gold}\n`));
  assert.match(books, /\nbooks: sound\n$/);
});

test('buf curl needs no file at hand', async (t) => {
  const server = await Server.start(t);
  const services = await server.curl('--list-methods');
  const mounted = [
    ...['user.v1.UserService', 'user.v1.UserAdminService'],
    ...['battle.v1.BattleService', 'battle.v1.BattleAdminService', 'chat.v1.ChatService'],
  ];
  for (const service of mounted) {
    assert.match(services, new RegExp(`mud\\.${service}/`));
  }
  const { dungeons } = JSON.parse(await server.curl('/mud.battle.v1.BattleService/ListDungeons', '-d', '{}'));
  assert.equal(dungeons.length, 5);
});
