"""Damaged ONNX files.  Bytes are changed, cut, doubled and moved; or the file is read
as protobuf and its messages are: numbers become others, names those of neighbours,
nodes and tensors vanish, come twice or change places."""

# Messages within messages: the kind that a field of a kind holds.
INSIDE = {
    "model": {7: "graph", 8: "opset", 25: "function"},
    "graph": {1: "node", 5: "tensor", 11: "value", 12: "value", 13: "value"},
    "function": {7: "node", 9: "opset"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph"},
    "value": {2: "type"},
    "type": {1: "tensor type", 4: "sequence type", 9: "optional type"},
    "tensor type": {2: "shape"},
    "sequence type": {1: "type"},
    "optional type": {1: "type"},
    "shape": {1: "dimension"},
}
NUMBERS = (0, 1, 2, 3, 4, 6, 7, 8, 9, 11, 13, 16, 17, 64, 255, 65536, 10 ** 6,
           2 ** 31 - 1, 2 ** 31, 2 ** 32, 2 ** 40, 2 ** 62, 2 ** 63,
           2 ** 64 - 1, 2 ** 64 - 2, 2 ** 64 - 8)
FLOATS = (b"\0\0\0\0", b"\0\0\xc0\x7f", b"\0\0\x80\x7f", b"\xff\xff\x7f\x7f",
          b"\0\0\x80\xbf", b"\1\0\0\0")
BYTES = (0, 1, 0x7f, 0x80, 0xff, 0x0a, 0x12)
VARINT, FIXED64, LENGTH, FIXED32 = 0, 1, 2, 5


class Field:
    """value: an integer, bytes, or a Message."""

    def __init__(self, number, wire, value):
        self.number, self.wire, self.value = number, wire, value

    def copy(self):
        value = self.value
        return Field(self.number, self.wire,
                     value.copy() if isinstance(value, Message) else value)


class Message:
    def __init__(self, kind, fields):
        self.kind, self.fields = kind, fields

    def copy(self):
        return Message(self.kind, [f.copy() for f in self.fields])

    def places(self):
        """(message, index) of every field, at any depth."""
        for i, f in enumerate(self.fields):
            yield self, i
            if isinstance(f.value, Message):
                yield from f.value.places()


def varint(b, at):
    value = shift = 0
    while True:
        byte = b[at]
        at += 1
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return value, at


def to_varint(value):
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


def read(kind, b):
    fields, at = [], 0
    while at < len(b):
        key, at = varint(b, at)
        number, wire = key >> 3, key & 7
        if wire == VARINT:
            value, at = varint(b, at)
        else:
            n = {FIXED64: 8, FIXED32: 4}.get(wire)
            if n is None:
                n, at = varint(b, at)
            value = b[at:at + n]
            at += n
            inside = INSIDE.get(kind, {}).get(number)
            if wire == LENGTH and inside:
                value = read(inside, value)
        fields.append(Field(number, wire, value))
    return Message(kind, fields)


def written(message):
    out = []
    for f in message.fields:
        out.append(to_varint(f.number << 3 | f.wire))
        if f.wire == VARINT:
            out.append(to_varint(f.value % 2 ** 64))
            continue
        value = written(f.value) if isinstance(f.value, Message) else f.value
        if f.wire == LENGTH:
            out.append(to_varint(len(value)))
        out.append(value)
    return b"".join(out)


def change_bytes(rng, b):
    """One change of a bytearray, in place."""
    at = rng.randrange(len(b))
    kind = rng.randrange(4)
    if kind == 0:
        b[at] ^= 1 << rng.randrange(8)
    elif kind == 1:
        b[at] = rng.choice(BYTES)
    elif kind == 2:
        n = rng.randrange(min(32, len(b) - at) + 1)
        other = rng.randrange(len(b) - n + 1)
        b[at:at + n] = b[other:other + n]
    else:
        n = rng.randrange(min(64, len(b) - at) + 1)
        b[at:at] = b[at:at + n]


def like(root, message, field):
    """Fields of the same meaning, anywhere in the file."""
    return [m.fields[i] for m, i in root.places()
            if m.kind == message.kind and m.fields[i].number == field.number]


def change_leaf(rng, root, message, field):
    if field.wire == VARINT:
        field.value = rng.choice(NUMBERS + (field.value + 1, field.value - 1,
                                            2 * field.value))
    elif field.wire == FIXED32:
        field.value = rng.choice(FLOATS)
    elif rng.random() < 0.6 or not field.value:
        field.value = rng.choice(like(root, message, field)).value
    else:
        value = bytearray(field.value)
        change_bytes(rng, value)
        field.value = bytes(value)


def change_message(rng, root, message, i):
    fields, field = message.fields, message.fields[i]
    kind = rng.randrange(4)
    if kind == 0:
        del fields[i]
    elif kind == 1:
        fields.insert(rng.randrange(len(fields) + 1), field.copy())
    elif kind == 2:
        j = rng.randrange(len(fields))
        fields[i], fields[j] = fields[j], fields[i]
    else:
        fields[i] = rng.choice(like(root, message, field)).copy()


def change_structure(rng, root):
    places = list(root.places())
    # A kind of place first: most fields are the bytes of nodes' names.
    kinds = sorted({(m.kind, m.fields[i].number) for m, i in places})
    if not kinds:
        return
    kind = rng.choice(kinds)
    message, i = rng.choice([(m, i) for m, i in places
                             if (m.kind, m.fields[i].number) == kind])
    field = message.fields[i]
    if isinstance(field.value, Message) or rng.random() < 0.2:
        change_message(rng, root, message, i)
    else:
        change_leaf(rng, root, message, field)


def mutant(rng, b):
    """A damaged copy of the model in b."""
    if rng.random() < 0.75:
        root = read("model", b)
        for _ in range(rng.randint(1, 3)):
            change_structure(rng, root)
        return written(root)
    out = bytearray(b)
    for _ in range(rng.randint(1, 4)):
        change_bytes(rng, out)
    if rng.random() < 0.2:
        del out[rng.randrange(len(out)):]
    return bytes(out)
