"""Copies committed records in transactions with their offsets, as a member of a group: a copier of test/pipeline, with librdkafka.

    copier.py NAME=VALUE...

Leaves when its standard input ends. What it says is told in test/pipeline/copier.ts.
"""

import logging
import os
import random
import signal
import sys
import threading
import time
import traceback

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, Producer, TopicPartition

given = dict(argument.split("=", 1) for argument in sys.argv[1:])
numbers = random.Random(int(given["seed"]))
until_death = int(given.get("dieAfter", -1))
leaving = threading.Event()
PATIENCE = 30


def say(line):
    os.write(1, (line + "\n").encode())


def complain(line):
    os.write(2, (line + "\n").encode())


def fail(failure):
    """Ends at once: nothing that waits in librdkafka may hold it up."""
    error = failure.args[0]
    call = traceback.extract_tb(failure.__traceback__)[-1].line
    complain(f"{error} at {call}")
    say(f"failed {error.name()} at {call}" + (f": {error.str()}" if error.code() == KafkaError._FATAL else ""))
    os._exit(3)


def die_at(point):
    if until_death == 0 and given.get("diePoint") == point:
        say("died")
        os.kill(os.getpid(), signal.SIGKILL)


def wait_for_the_end():
    while os.read(0, 1024):
        pass
    leaving.set()


def consumer_settings():
    settings = {
        "group.id": given["group"],
        "group.protocol": given["protocol"],
        "isolation.level": "read_committed",
        "enable.auto.commit": False,
        "auto.offset.reset": "earliest",
        "fetch.wait.max.ms": 100,
    }
    if given["protocol"] == "classic":
        settings["session.timeout.ms"] = int(given["session"])
        settings["heartbeat.interval.ms"] = 300
        settings["partition.assignment.strategy"] = "cooperative-sticky" if given["strategy"] == "cooperative" else "range"
    if "instance" in given:
        settings["group.instance.id"] = given["instance"]
    return settings


def log():
    """What librdkafka does, if somebody is to read it."""
    folder = os.environ.get("SLUICE_PIPELINE_LOGS")
    if folder is None:
        return {"log_level": 0}
    logger = logging.getLogger("librdkafka")
    logger.setLevel(logging.DEBUG)
    if not logger.handlers:
        logger.addHandler(logging.FileHandler(f"{folder}/{given['id']}.{os.getpid()}.log"))
        logger.handlers[0].setFormatter(logging.Formatter("%(asctime)s %(message)s"))
    return {"log_level": 7, "debug": "broker,cgrp,eos,protocol,topic,fetch,consumer,metadata", "logger": logger}


def common():
    return {
        **log(),
        "bootstrap.servers": given["bootstrap"],
        "client.id": given["id"],
        "reconnect.backoff.ms": 20,
        "reconnect.backoff.max.ms": 200,
        "retry.backoff.ms": 20,
        "socket.timeout.ms": 2000,
        # librdkafka 2.16.1 waits forever for a coordinator that it has put away when it began anew with its list of brokers.
        "metadata.recovery.strategy": "none",
    }


def rewind(consumer):
    assigned = consumer.assignment()
    if not assigned:
        return
    for place in consumer.committed(assigned, PATIENCE):
        if place.error:
            raise KafkaException(place.error)
        consumer.seek(TopicPartition(place.topic, place.partition, place.offset if place.offset >= 0 else OFFSET_BEGINNING))


def retried(call):
    """A call that may be told to be repeated."""
    end = time.monotonic() + PATIENCE
    while True:
        try:
            return call()
        except KafkaException as failure:
            error = failure.args[0]
            if not error.retriable() or error.fatal() or error.txn_requires_abort() or time.monotonic() > end:
                raise
            time.sleep(0.02)


def copy(consumer, producer, messages):
    """False: aborted on purpose."""
    outputs = given["outputs"].split(",")
    partitions = int(given["partitions"])
    offsets = {}
    producer.begin_transaction()
    for message in messages:
        producer.produce(outputs[0], message.value(), partition=message.partition())
        producer.produce(outputs[1], message.value(), partition=(message.offset() + message.partition()) % partitions)
        offsets[message.partition()] = message.offset() + 1
    if given.get("diePoint") == "sent" and until_death == 0:
        producer.flush(PATIENCE)
    die_at("sent")
    places = [TopicPartition(given["input"], partition, offset) for partition, offset in offsets.items()]
    retried(lambda: producer.send_offsets_to_transaction(places, consumer.consumer_group_metadata(), PATIENCE))
    die_at("offsets")
    if numbers.randrange(12) == 0:
        retried(lambda: producer.abort_transaction(PATIENCE))
        return False
    if until_death == 0 and given.get("diePoint") == "ending":
        threading.Timer(numbers.random() * 0.006, die_at, ["ending"]).start()
    retried(lambda: producer.commit_transaction(PATIENCE))
    return True


rebalanced = threading.Event()


def told(what):
    def tell(_consumer, places):
        rebalanced.set()
        say(" ".join([what, *(str(place.partition) for place in places)]))

    return tell


def work():
    global until_death
    consumer = Consumer({**common(), **consumer_settings()})
    producer = Producer({**common(), "transactional.id": given["id"], "transaction.timeout.ms": int(given["transaction"])})
    retried(lambda: producer.init_transactions(PATIENCE))
    consumer.subscribe([given["input"]], on_assign=told("assigned"), on_revoke=told("revoked"), on_lost=told("revoked"))
    say("ready")
    while not leaving.is_set():
        messages = []
        rebalanced.clear()
        for message in consumer.consume(int(given["records"]), 0.1):
            if not message.error():
                messages.append(message)
            elif message.error().code() == KafkaError._FATAL:
                # The only word of what ended the consumer, which says of itself that it is not fatal.
                raise KafkaException(message.error())
        if not messages:
            continue
        if rebalanced.is_set():
            # Some may be of the assignment before.
            rewind(consumer)
            continue
        die_at("polled")
        try:
            if copy(consumer, producer, messages):
                say(f"copied {len(messages)}")
            else:
                rewind(consumer)
            die_at("ended")
            if until_death > 0:
                until_death -= 1
        except KafkaException as failure:
            if not failure.args[0].txn_requires_abort():
                raise
            complain(f"aborts because of {failure}")
            retried(lambda: producer.abort_transaction(PATIENCE))
            rewind(consumer)
    consumer.close()


if __name__ == "__main__":
    threading.Thread(target=wait_for_the_end, daemon=True).start()
    try:
        work()
    except KafkaException as failure:
        fail(failure)
    os._exit(0)
