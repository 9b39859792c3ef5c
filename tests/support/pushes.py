"""Messages that a client gets without asking: what CLIENT TRACKING sends, told apart from replies."""

from support.resp import Push


def read_reply(client, is_subscriber=False):
    """(reply, messages before it). A subscriber of protocol 2 is asked by PING only, and answered by a pong."""
    messages = []
    while True:
        reply = client.read()
        is_message = isinstance(reply, Push) or (is_subscriber and reply[0] != b"pong")
        if not is_message:
            return reply, messages
        messages.append(reply.value if isinstance(reply, Push) else reply)


def messages_of(client, is_subscriber=False):
    """All messages that the server has sent to the client until now: what it sends comes in order, so those are all
    that stand before the next reply. CLIENT ID leaves what CLIENT CACHING said as it is."""
    client.send(*(("PING",) if is_subscriber else ("CLIENT", "ID")))
    return read_reply(client, is_subscriber)[1]


def call(client, *command):
    """(reply, messages that came with it, before or after)."""
    client.send(*command)
    reply, before = read_reply(client)
    return reply, before + messages_of(client)
