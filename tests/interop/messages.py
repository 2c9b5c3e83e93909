"""Synthetic messages for the interoperability checks: one referral with its answer and its appointment, and updates."""

import itertools
import time

_RUN = f"{int(time.time() * 1000):x}".upper()
_NUMBERS = itertools.count(1)


def _now():
    return time.strftime("%Y%m%d%H%M%S", time.gmtime())


def control_id(message):
    """MSH-10 of a message."""
    return message.split("\r", 1)[0].split("|")[9]


def _message(sender, kind, *segments):
    header = f"MSH|^~\\&|{sender}|LOOPGATE|GATEWAY|{_now()}||{kind}|IO{_RUN}{next(_NUMBERS):04}|P|2.5.1"
    return "\r".join([header, *segments]) + "\r"


def update(family="Zgłobień"):
    """A change of a patient's demographics, with characters beyond ASCII."""
    message = _message(
        "ELMBROOK-EMR|ELMBROOK", "ADT^A08^ADT_A01", f"EVN|A08|{_now()}",
        f"PID|1||IO77001^^^ELMBROOK^MR||{family}^Änne||19610704|F|||3 Quay^^Lakeview^MN^55044^USA^H",
        "PV1|1|O|GP^^^ELMBROOK",
    )
    return message.replace("|2.5.1\r", "|2.5.1||||||UNICODE UTF-8\r", 1)


def referral(number):
    """The request, the acceptance by the other side, and the booking."""
    patient = f"PID|1||M{number}^^^ELMBROOK^MR||Testfeld^Loop^{number}||19640302|F"
    request = _message(
        "ELMBROOK-EMR|ELMBROOK", "OMG^O19^OMG_O19", patient, "PV1|1|O|GP^^^ELMBROOK",
        f"ORC|NW|{number}^ELMBROOK-EMR|||||||{_now()}|||1144^Okafor^Chidi^B^^Dr.^MD^^ELMBROOK",
        f"OBR|1|{number}^ELMBROOK-EMR||REF-CARD^Cardiology referral^L|||{_now()}",
    )
    acceptance = _message(
        "NORTHFIELD-EMR|NORTHFIELD", "OSU^O51^OSU_O51", patient,
        f"ORC|OK|{number}^ELMBROOK-EMR|F{number}^NORTHFIELD-EMR||IP||||{_now()}",
    )
    booking = _message(
        "SCHEDULER|NORTHFIELD", "SIU^S12^SIU_S12",
        f"SCH||A{number}^SCHEDULER|||||CONSULT^Consultation|NORMAL^Normal visit|30|min"
        f"|^^^20290412103000^20290412110000|||||CLERK3^Ngata^Moana||||CLERK3^Ngata^Moana|||||Booked|{number}^ELMBROOK-EMR",
        patient, "RGS|1|A", "AIS|1|A|CARDCONS^Cardiology consultation^L|20290412103000|||30|min",
    )
    return [request, acceptance, booking]
