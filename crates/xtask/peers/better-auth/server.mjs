// @better-auth/api-key as its guide sets it up, on node:http: `node server.mjs create` makes a key,
// `node server.mjs` serves from one process for each core.
//
// Both routes run the same code for the same body. The limit of requests per key, ten a day unless told
// otherwise, is off.

import cluster from "node:cluster";
import { createServer } from "node:http";
import { availableParallelism } from "node:os";

import { apiKey } from "@better-auth/api-key";
import { betterAuth } from "better-auth";
import { getMigrations } from "better-auth/db/migration";
import Database from "better-sqlite3";

const database = new Database(process.env.BENCH_DATABASE);
database.pragma("journal_mode = WAL");

const auth = betterAuth({
  baseURL: "http://127.0.0.1",
  database,
  emailAndPassword: { enabled: true },
  logger: { disabled: true },
  plugins: [apiKey({ rateLimit: { enabled: false } })],
  secret: "the secret of a measurement, long enough",
  telemetry: { enabled: false },
});

async function create() {
  await (await getMigrations(auth.options)).runMigrations();
  const account = { email: "a@example.com", name: "A", password: "of a measurement" };
  const { user } = await auth.api.signUpEmail({ body: account });
  const { key } = await auth.api.createApiKey({ body: { name: "measured", userId: user.id } });
  console.log(key);
}

function answer(response, status, body) {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}

function serve() {
  const record = database.prepare("SELECT name, start FROM apikey").get();
  const body = () => ({ name: record.name, prefix: record.start, scopes: [] });
  createServer(async (request, response) => {
    if (request.url === "/public") {
      return answer(response, 200, body());
    }
    const key = request.headers["x-api-key"];
    const { valid } = key ? await auth.api.verifyApiKey({ body: { key } }) : { valid: false };
    return valid ? answer(response, 200, body()) : answer(response, 401, {});
  }).listen(Number(process.env.PORT), "127.0.0.1");
}

if (process.argv[2] === "create") {
  await create();
} else if (cluster.isPrimary) {
  for (let worker = 0; worker < availableParallelism(); worker += 1) {
    cluster.fork();
  }
} else {
  serve();
}
