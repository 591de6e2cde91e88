// A MariaDB of a test file's own, on a socket.

import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';

import { Child } from './child.js';
import { eventually } from './time.js';

/** In memory, where there is such a place. */
const FAST = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();

const PATIENCE_MS = 60_000;

let shared;

export class MariaDb extends Child {
  #home;
  #env;
  #user = userInfo().username;
  #databases = 0;

  /** The one that all stories of a file use which do it no harm. */
  static shared() {
    shared ??= MariaDb.start(FAST);
    return shared;
  }

  /**
   * Installs and starts one. It ends with this process. One that may be killed is on a disk: a log in memory is mapped and not
   * written, and a thread that is stopped while it copies its part hides what others have committed behind it.
   */
  static async start(place = tmpdir()) {
    const home = mkdtempSync(join(place, 'mud-story-db-'));
    process.on('exit', () => rmSync(home, { recursive: true, force: true }));
    const server = new MariaDb('mariadb', join(home, 'log'));
    server.#home = home;
    // A starting server sweeps away what others have in a shared one; and the servers' directory isn't on everybody's path.
    server.#env = { ...process.env, TMPDIR: home, PATH: `${process.env.PATH}:/usr/sbin` };
    const install = [
      '--no-defaults',
      `--datadir=${home}/data`,
      `--user=${server.#user}`,
      '--auth-root-authentication-method=normal',
      '--skip-test-db',
      '--skip-name-resolve',
      '--innodb-log-file-size=4M',
    ];
    await server.output('mariadb-install-db', install, server.#env);
    await server.start();
    return server;
  }

  /** Starts it on what it kept. */
  async start() {
    const home = this.#home;
    this.launch(
      'mariadbd',
      [
        '--no-defaults',
        `--datadir=${home}/data`,
        `--user=${this.#user}`,
        `--socket=${home}/socket`,
        `--pid-file=${home}/pid`,
        '--skip-networking',
        '--skip-name-resolve',
        '--max-connections=2000',
        '--performance-schema=off',
        '--innodb-log-file-size=4M',
        '--innodb-buffer-pool-size=32M',
        // As safe as need be when the process is killed, though not the machine.
        '--innodb-flush-log-at-trx-commit=2',
        '--innodb-log-file-buffering',
      ],
      this.#env,
    );
    await eventually(PATIENCE_MS, () => this.#greets(), () => `a greeting of MariaDB; log:\n${this.log()}`);
  }

  /** The URL of an empty database. */
  database() {
    this.#databases += 1;
    const name = `story_${this.#databases}`;
    // A database of MariaDB's is a directory; so no client has to be there.
    mkdirSync(join(this.#home, 'data', name));
    return `mysql://root@localhost/${name}?socket=${this.#home}/socket`;
  }

  async #greets() {
    const socket = connect(`${this.#home}/socket`);
    try {
      await once(socket, 'data');
      return true;
    } catch {
      return false;
    } finally {
      socket.destroy();
    }
  }
}
