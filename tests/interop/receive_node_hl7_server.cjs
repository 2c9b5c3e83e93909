// Receives over MLLP with the npm library node-hl7-server and prints one line of JSON for each message.
// usage: receive_node_hl7_server.cjs PORT
const { Server } = require("node-hl7-server");

const server = new Server({ bindAddress: "127.0.0.1" });
const inbound = server.createInbound({ port: Number(process.argv[2]) }, async (request, response) => {
  const message = request.getMessage();
  const read = (path) => (message.exists(path) ? message.get(path).toString() : "");
  const line = { type: `${read("MSH.9.1")}^${read("MSH.9.2")}`, control_id: read("MSH.10"), control: read("ORC.1"), text: message.toString() };
  await response.sendResponse("AA");
  console.log(JSON.stringify(line));
});
inbound.on("listen", () => console.log(JSON.stringify({ listening: true })));
inbound.on("data.error", (error) => console.log(JSON.stringify({ error: String(error) })));
