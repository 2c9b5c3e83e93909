// Receives over MLLP with the npm library @medplum/hl7 and prints one line of JSON for each message.
// usage: receive_medplum.cjs PORT
const { Hl7Server } = require("@medplum/hl7");

const server = new Hl7Server((connection) => {
  connection.addEventListener("message", ({ message }) => {
    const read = (segment, field) => message.getSegment(segment)?.getField(field)?.toString() ?? "";
    connection.send(message.buildAck());
    const line = {
      type: message.header.getField(9)?.toString(),
      control_id: message.header.getField(10)?.toString(),
      control: read("ORC", 1),
      text: message.toString(),
    };
    console.log(JSON.stringify(line));
  });
});
server.start(Number(process.argv[2]));
server.server.on("listening", () => console.log(JSON.stringify({ listening: true })));
