// The operators' side: gRPC calls from the published .proto files.

import { fileURLToPath } from 'node:url';

import grpc from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';

const PROTO = fileURLToPath(new URL('../../proto', import.meta.url));

const { mud } = grpc.loadPackageDefinition(
  loadSync('mud/battle/v1/battle.proto', { includeDirs: [PROTO], longs: Number, defaults: true, keepCase: false }),
);

/** What operators ask one battle-svc. */
export class BattleTools {
  #battles;
  #admin;

  /** `server` is whatever has said where it listens. The connection is closed when test `t` is over. */
  constructor(t, { ready }) {
    const plain = grpc.credentials.createInsecure();
    this.#battles = new mud.battle.v1.BattleService(ready.grpc, plain);
    this.#admin = new mud.battle.v1.BattleAdminService(ready.grpc, plain);
    t.after(() => {
      this.#battles.close();
      this.#admin.close();
    });
  }

  /** Computes a battle again, unbroken, and compares it with what is stored. */
  verify(battleId) {
    return ask(this.#admin, 'verifyBattle', { battleId });
  }

  /** Where a battle stands, who owns it, and under which epoch. */
  battle(battleId) {
    return ask(this.#battles, 'getBattle', { battleId });
  }

  /** The next `count` frames of a battle, as a spectator's stream gives them. */
  async watch(battleId, count) {
    const stream = this.#battles.watchBattle({ battleId }, { deadline: soon() });
    const frames = [];
    for await (const { frame } of stream) {
      frames.push(frame);
      if (frames.length === count) break;
    }
    return frames;
  }
}

function ask(client, method, request) {
  return new Promise((resolve, reject) => {
    client[method](request, { deadline: soon() }, (error, answer) => (error ? reject(error) : resolve(answer)));
  });
}

function soon() {
  return new Date(Date.now() + 30_000);
}
