// Sends the messages of a file of JSON strings with the npm library @medplum/hl7 and prints MSA-1 and MSA-2 of each
// acknowledgement as one line of JSON.
// usage: send_medplum.cjs PORT FILE
const { readFileSync } = require("node:fs");
const { Hl7Message } = require("@medplum/core");
const { Hl7Client } = require("@medplum/hl7");

async function main() {
  const [port, file] = [Number(process.argv[2]), process.argv[3]];
  const client = new Hl7Client({ host: "127.0.0.1", port });
  for (const text of JSON.parse(readFileSync(file, "utf8"))) {
    const ack = await client.sendAndWait(Hl7Message.parse(text), { timeoutMs: 10000 });
    const field = (number) => ack.getSegment("MSA").getField(number).toString();
    console.log(JSON.stringify({ code: field(1), control_id: field(2) }));
  }
  await client.close();
}

main().then(() => process.exit(0), (error) => { console.error(error); process.exit(1); });
