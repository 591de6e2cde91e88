// The operators' side: gRPC calls from the published .proto files.

import { fileURLToPath } from 'node:url';

import grpc from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';

const PROTO = fileURLToPath(new URL('../../proto', import.meta.url));

/** A promise-returning client of `mud.battle.v1.BattleAdminService`. */
export class BattleAdmin {
  #client;

  constructor(server) {
    const { mud } = grpc.loadPackageDefinition(
      loadSync('mud/battle/v1/battle.proto', { includeDirs: [PROTO], longs: Number, defaults: true, keepCase: false }),
    );
    this.#client = new mud.battle.v1.BattleAdminService(server.ready.grpc, grpc.credentials.createInsecure());
  }

  /** Computes a battle again, unbroken, and compares it with what is stored. */
  verify(battleId) {
    return new Promise((resolve, reject) => {
      const deadline = new Date(Date.now() + 30_000);
      this.#client.verifyBattle({ battleId }, { deadline }, (error, answer) => (error ? reject(error) : resolve(answer)));
    });
  }

  close() {
    this.#client.close();
  }
}
