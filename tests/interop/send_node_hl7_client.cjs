// Sends the messages of a file of JSON strings with the npm library node-hl7-client and prints MSA-1 and MSA-2 of each
// acknowledgement as one line of JSON.
// usage: send_node_hl7_client.cjs PORT FILE
const { readFileSync } = require("node:fs");
const { Client, Message } = require("node-hl7-client");

async function main() {
  const [port, file] = [Number(process.argv[2]), process.argv[3]];
  const texts = JSON.parse(readFileSync(file, "utf8"));
  const client = new Client({ host: "127.0.0.1" });
  let answered = () => {};
  const connection = client.createConnection({ port, waitAck: true }, async (response) => {
    const ack = response.getMessage();
    console.log(JSON.stringify({ code: ack.get("MSA.1").toString(), control_id: ack.get("MSA.2").toString() }));
    answered();
  });
  connection.on("client.error", (error) => console.error(String(error)));
  for (const text of texts) {
    const answer = new Promise((resolve) => (answered = resolve));
    await connection.sendMessage(new Message({ text }));
    await answer;
  }
  await connection.close();
}

main().then(() => process.exit(0), (error) => { console.error(error); process.exit(1); });
