// What the npm clients' checks share. Each check prints one line of JSON: {"name": …, "error": … or null}.
const assert = require("node:assert/strict");

const CHECK_MS = 20000;

function limited(promise) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${CHECK_MS} ms`)), CHECK_MS);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

async function run(checks) {
  for (const [name, check] of Object.entries(checks)) {
    let error = null;
    try {
      await limited(check());
    } catch (thrown) {
      error = String(thrown?.message ?? thrown).split("\n").slice(0, 12).join(" ").slice(0, 800);
    }
    console.log(JSON.stringify({ name, error }));
  }
  process.exit(0);
}

// What `call` was refused with.
async function refusal(call) {
  try {
    await call();
  } catch (error) {
    return error;
  }
  throw new Error("expected a refusal, got an answer");
}

module.exports = { assert, run, refusal };
