// A private server for one story: the real program on free ports, with a database of its own; or a cluster in its
// place.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { Cluster } from './cluster.js';
import { MUD, Program, anywhere } from './program.js';

/** Whether the stories are told of a cluster: `MUD_STORIES=cluster`. */
export const CLUSTERED = process.env.MUD_STORIES === 'cluster';

/** Why a story is left out then. */
export const ONE_PROCESS = CLUSTERED && 'of the single process';

/** A running `mud` and the directory its database lives in. */
class Single extends Program {
  #database;

  /** Starts a server and waits for its ready line. It is stopped, and its files removed, when test `t` is over. */
  static async start(t, flags = {}) {
    const directory = mkdtempSync(join(tmpdir(), 'mud-story-'));
    const server = new Single(directory, flags);
    t.after(async () => {
      await server.clear();
      rmSync(directory, { recursive: true, force: true });
    });
    await server.start();
    return server;
  }

  constructor(directory, flags) {
    const database = `sqlite://${join(directory, 'mud.db')}`;
    const usual = { ...anywhere('listen', 'grpc-listen', 'admin-listen'), 'bcrypt-cost': 4, 'database-url': database };
    super('mud', 'mud', join(directory, 'log'), { ...usual, ...flags });
    this.directory = directory;
    this.#database = database;
  }

  /** Where the next player connects: of a single server, always there. */
  nextUrl() {
    return this.url;
  }

  /** Runs another command of the program on this server's database; answers what it printed on stdout. */
  command(...words) {
    return this.output(MUD, [...words, '--database-url', this.#database]);
  }
}

export const Server = CLUSTERED ? Cluster : Single;
