#!/usr/bin/python3
"""A client of RabbitMQ that shares no line with Sluice (python3-pika), for the tests to look with.

  amqp_peer.py URL get QUEUE [MOST]            takes messages, prints each as a line of JSON
  amqp_peer.py URL publish EXCHANGE KEY BODY [PROPERTIES]
  amqp_peer.py URL publish-large EXCHANGE KEY BYTES
  amqp_peer.py URL declare QUEUE ARGUMENTS     ARGUMENTS and PROPERTIES are JSON objects
  amqp_peer.py URL bind QUEUE EXCHANGE KEY
  amqp_peer.py URL unbind QUEUE EXCHANGE KEY
  amqp_peer.py URL delete QUEUE
  amqp_peer.py URL purge QUEUE                 prints how many messages there were
  amqp_peer.py URL count QUEUE
"""
import json
import sys

import pika


def shown(method, properties, body):
    return {
        "exchange": method.exchange,
        "routing_key": method.routing_key,
        "redelivered": method.redelivered,
        "body": body.decode("utf-8", "replace"),
        "bytes": len(body),
        "message_id": properties.message_id,
        "content_type": properties.content_type,
        "timestamp": properties.timestamp,
        "delivery_mode": properties.delivery_mode,
        "expiration": properties.expiration,
        "headers": {k: v for k, v in (properties.headers or {}).items() if isinstance(v, (int, str))},
    }


def main(url, action, *words):
    connection = pika.BlockingConnection(pika.URLParameters(url))
    channel = connection.channel()
    if action == "get":
        for _ in range(int(words[1]) if len(words) > 1 else 1_000_000):
            method, properties, body = channel.basic_get(words[0])
            if method is None:
                break
            print(json.dumps(shown(method, properties, body)))
            channel.basic_ack(method.delivery_tag)
    elif action == "publish":
        channel.confirm_delivery()
        properties = pika.BasicProperties(**json.loads(words[3] if len(words) > 3 else "{}"))
        channel.basic_publish(words[0], words[1], words[2].encode(), properties, mandatory=True)
    elif action == "publish-large":
        channel.confirm_delivery()
        channel.basic_publish(words[0], words[1], b"x" * int(words[2]), mandatory=True)
    elif action == "declare":
        channel.queue_declare(words[0], durable=True, arguments=json.loads(words[1]))
    elif action == "bind":
        channel.queue_bind(words[0], words[1], words[2])
    elif action == "unbind":
        channel.queue_unbind(words[0], words[1], words[2])
    elif action == "delete":
        channel.queue_delete(words[0])
    elif action == "purge":
        print(channel.queue_purge(words[0]).method.message_count)
    elif action == "count":
        print(channel.queue_declare(words[0], passive=True).method.message_count)
    else:
        sys.exit(__doc__)
    connection.close()


main(*sys.argv[1:])
