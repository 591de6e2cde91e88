// A client that cannot keep up: nobody is cut off, and nothing is lost unseen.

import { EventEmitter, once } from 'node:events';
import { test } from 'node:test';

import { Course } from '../lib/laws.js';
import { Player } from '../lib/player.js';
import { RawSocket } from '../lib/raw.js';
import { Server } from '../lib/server.js';
import { eventually, within } from '../lib/time.js';

/** A character that falls meanwhile lies still for a minute. */
const A_REVIVAL_MS = 90_000;

/** Half of what may wait; room for the answers that are still under way when the queue begins to grow, 64 at most. */
const OUTBOX_BYTES = 131_072;

test('frames a slow client would drown in come as a digest that counts as all of them', async (t) => {
  const server = await Server.start(t, { 'tick-ms': 20, limits: 'off', 'outbox-bytes': OUTBOX_BYTES });
  const player = await Player.signUp(t, server.nextUrl());
  const battle = await player.fight('1');
  player.leave();

  const course = new Course(battle, { joined: true });
  const news = new EventEmitter();
  const slow = await RawSocket.enter(server, player.token, (text) => {
    const frames = course.frames;
    follow(course, text);
    if (course.digests > 0 && course.frames > frames) news.emit('frame after a digest');
  });
  t.after(() => slow.destroy());

  await slow.fill(server);
  const collapsed = async () => (await server.metrics()).sum('gateway_frames_digested_total') > 0;
  await eventually(A_REVIVAL_MS, collapsed, () => 'frames told as one');
  const caught = once(news, 'frame after a digest');
  slow.resume();
  const where = () => JSON.stringify({ ...course, book: undefined });
  await within(A_REVIVAL_MS, caught, () => `a digest and frames after it; ${where()}`);
  t.diagnostic(`${course.frames} frames, ${course.digests} digests, at ${course.seq}`);
});

/** Applies a message of Socket.IO to the course. */
function follow(course, text) {
  if (!text.startsWith('42[')) return;
  const [event, payload] = JSON.parse(text.slice(2));
  if (event === 'battle:frame') course.frame(payload);
  else if (event === 'battle:digest' || event === 'battle:report') course.summary(payload);
}
