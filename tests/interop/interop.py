"""Libraries that nobody here wrote push messages into a running gateway and receive what it sends.

Prints a line for each check and `N passed, N failed`; exits 1 when one failed. Loopback only.
"""

import argparse
import asyncio
import json
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import time

import hl7
import hl7.client
import hl7.mllp
import messages
from checks import WAIT_SECONDS, Checks, Program, expect

HERE = pathlib.Path(__file__).parent


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def answers_of(acks):
    """MSA-1 and MSA-2 of acknowledgements, as the library hl7 reads them."""
    parsed = [hl7.parse(ack.strip("\x0b\x1c\r")) for ack in acks]
    return [(str(ack.segment("MSA")(1)), str(ack.segment("MSA")(2))) for ack in parsed]


def accepted(texts):
    return [("AA", messages.control_id(text)) for text in texts]


def mllp_send(port, place, loose):
    """The command line tool of PyPI hl7, from a file."""
    texts = [messages.update() for _ in range(3)]
    file = place / "mllp_send.hl7"
    if loose:
        file.write_bytes("".join(text.replace("\r", "\r\n") for text in texts).encode())
    else:
        file.write_bytes("".join(f"\x0b{text}\x1c\r" for text in texts).encode())
    tool = pathlib.Path(sys.executable).with_name("mllp_send")
    command = [tool, "--port", str(port), "--file", file, *(["--loose"] if loose else []), "127.0.0.1"]
    output = subprocess.run(command, capture_output=True, timeout=WAIT_SECONDS, check=True).stdout.decode()
    expect(answers_of(part for part in output.split("\x1c") if "MSA" in part), accepted(texts))


def blocking_client(port):
    """hl7.client.MLLPClient: many messages over one connection."""
    texts = [messages.update() for _ in range(20)]
    with hl7.client.MLLPClient("127.0.0.1", port) as client:
        acks = [client.send_message(text).decode() for text in texts]
    expect(answers_of(acks), accepted(texts))


def parsed_message(port):
    """A message built and printed by the library itself."""
    message = hl7.parse(messages.update("O\\T\\Neill"))
    with hl7.client.MLLPClient("127.0.0.1", port) as client:
        ack = client.send_message(message).decode()
    expect(answers_of([ack]), [("AA", str(message.segment("MSH")(10)))])


def asyncio_client(port):
    """hl7.mllp.open_hl7_connection: several connections at once."""

    async def one_connection():
        texts = [messages.update() for _ in range(10)]
        reader, writer = await hl7.mllp.open_hl7_connection("127.0.0.1", port, encoding="utf-8")
        acks = []
        for text in texts:
            writer.writemessage(hl7.parse(text))
            await writer.drain()
            acks.append(str(await asyncio.wait_for(reader.readmessage(), WAIT_SECONDS)))
        writer.close()
        expect(answers_of(acks), accepted(texts))

    async def all_connections():
        await asyncio.gather(*(one_connection() for _ in range(4)))

    asyncio.run(all_connections())


def node_client(port, place, script):
    texts = [messages.update() for _ in range(5)]
    file = place / f"{script}.json"
    file.write_text(json.dumps(texts))
    command = ["node", HERE / script, str(port), file]
    ended = subprocess.run(command, capture_output=True, timeout=WAIT_SECONDS, text=True)
    if ended.returncode != 0:
        raise AssertionError(f"exit {ended.returncode}: {ended.stderr.strip()[-400:]}")
    answers = [json.loads(line) for line in ended.stdout.splitlines()]
    expect([(answer["code"], answer["control_id"]) for answer in answers], accepted(texts))


def send_referral(port, number):
    with hl7.client.MLLPClient("127.0.0.1", port) as client:
        for text in messages.referral(number):
            expect(answers_of([client.send_message(text).decode()]), accepted([text]))


def announcement(line):
    """What a receiver's library read, as the referrer would tell it."""
    kind = line["type"][:7]
    if kind == "SIU^S12":
        return "scheduled"
    return {"RR": "received", "NA": "received", "OK": "accepted"}.get(line["control"], f"{kind} {line['control']}")


def receives(receiver, number):
    """The three announcements of a referral, each once and in order."""
    heard = []
    deadline = time.monotonic() + WAIT_SECONDS
    while len(heard) < 3 and time.monotonic() < deadline:
        line = receiver.line()
        if number not in line.get("text", ""):
            raise AssertionError(f"a message about something else, or an error: {line.get('error', line.get('type'))}")
        if line["control_id"] not in [earlier["control_id"] for earlier in heard]:
            heard.append(line)
    expect([announcement(line) for line in heard], ["received", "accepted", "scheduled"])


def start_gateway(arguments, folder, ports, log):
    config = (HERE / "gateway.toml").read_text().replace("@FOLDER@", str(folder))
    for name, port in ports.items():
        config = config.replace(f"@{name}@", str(port))
    file = folder / "gateway.toml"
    file.write_text(config)
    doors = ["--admin", "127.0.0.1:0"]
    gateway = Program([arguments.gateway, "serve", "--config", file, *doors], log)
    ready = gateway.line()
    port = int(next(iter(ready["mllp"].values())).rsplit(":", 1)[1])
    return gateway, port


def checks_of(port, place, receivers):
    checks = Checks()
    checks.run("PyPI hl7: mllp_send pushes framed messages from a file", mllp_send, port, place, False)
    checks.run("PyPI hl7: mllp_send --loose pushes a file with CRLF lines", mllp_send, port, place, True)
    checks.run("PyPI hl7: MLLPClient pushes 20 messages over one connection", blocking_client, port)
    checks.run("PyPI hl7: MLLPClient pushes a message of its own making", parsed_message, port)
    checks.run("PyPI hl7: the asyncio client pushes over 4 connections at once", asyncio_client, port)
    checks.run("npm node-hl7-client pushes and reads its acks", node_client, port, place, "send_node_hl7_client.cjs")
    checks.run("npm @medplum/hl7 pushes and reads its acks", node_client, port, place, "send_medplum.cjs")
    number = f"RF{int(time.time() * 1000):016X}"
    checks.run("a referral is taken, accepted and booked", send_referral, port, number)
    for name, receiver in receivers.items():
        checks.run(f"npm {name} receives received, accepted, scheduled", receives, receiver, number)
    return checks


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--gateway", required=True)
    parser.add_argument("--place", type=pathlib.Path, required=True)
    arguments = parser.parse_args()
    folder = arguments.place / "run"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    ports = {"NODE_HL7_SERVER": free_port(), "MEDPLUM": free_port()}
    programs = []
    with open(folder / "log", "w", encoding="utf-8") as log:
        try:
            receivers = {
                "node-hl7-server": ("receive_node_hl7_server.cjs", ports["NODE_HL7_SERVER"]),
                "@medplum/hl7": ("receive_medplum.cjs", ports["MEDPLUM"]),
            }
            for name, (script, port) in receivers.items():
                receivers[name] = Program(["node", HERE / script, str(port)], log)
                programs.append(receivers[name])
                expect(receivers[name].line(), {"listening": True})
            gateway, port = start_gateway(arguments, folder, ports, log)
            programs.append(gateway)
            checks = checks_of(port, folder, receivers)
        finally:
            for program in programs:
                program.stop()
    print(f"{checks.passed} passed, {checks.failed} failed")
    if checks.failed:
        print(f"what the programs said is in {os.path.relpath(folder / 'log')}", file=sys.stderr)
    return 1 if checks.failed else 0


if __name__ == "__main__":
    sys.exit(main())
