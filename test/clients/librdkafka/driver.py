"""Drives librdkafka (through confluent-kafka) for the tests: `driver.py SCENARIO BOOTSTRAP`, its arguments as JSON on standard input.

Runs one scenario and prints what it saw as one line of JSON. The tests judge; this only does and tells.
"""

import json
import sys
import threading
import time

from confluent_kafka import Consumer, ConsumerGroupTopicPartitions, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewPartitions,
    NewTopic,
    OffsetSpec,
    ResourceType,
)

PATIENCE = 30


def produce(bootstrap, topic, records, **config):
    """Sends records ({key, value, headers, partition, timestamp}, texts or null); returns [partition, offset] each, in order."""
    placed = [None] * len(records)
    producer = Producer({"bootstrap.servers": bootstrap, "linger.ms": 5, **config})

    def delivered(index):
        def done(error, message):
            placed[index] = str(error) if error else [message.partition(), message.offset()]

        return done

    for index, record in enumerate(records):
        options = {name: record[name] for name in ("partition", "timestamp") if record.get(name) is not None}
        headers = [(name, value) for name, value in record.get("headers", [])]
        producer.produce(topic, record.get("value"), record.get("key"), headers=headers, on_delivery=delivered(index), **options)
        producer.poll(0)
    producer.flush(PATIENCE)
    return placed


def seen(message):
    def text(data):
        return None if data is None else data.decode()

    return {
        "partition": message.partition(),
        "offset": message.offset(),
        "timestamp": message.timestamp()[1],
        "key": text(message.key()),
        "value": text(message.value()),
        "headers": [[name, text(value)] for name, value in message.headers() or []],
    }


def read(consumer, count, patience=PATIENCE):
    """The next `count` messages, or fewer when they do not come."""
    messages, end = [], time.monotonic() + patience
    while len(messages) < count and time.monotonic() < end:
        message = consumer.poll(0.2)
        if message is None:
            continue
        if message.error():
            raise KafkaException(message.error())
        messages.append(message)
    return messages


def group_consumer(bootstrap, group, **config):
    # Of the consumer protocol the broker sets the times.
    times = {} if config.get("group.protocol") == "consumer" else {"session.timeout.ms": 10000, "heartbeat.interval.ms": 500}
    return Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": group,
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
            **times,
            **config,
        }
    )


def round_trip(bootstrap, topic, records, config):
    """Produces records and reads as many from the start of every partition."""
    placed = produce(bootstrap, topic, records, **config)
    consumer = group_consumer(bootstrap, "none", **{"check.crcs": True})
    partitions = consumer.list_topics(topic, PATIENCE).topics[topic].partitions
    consumer.assign([TopicPartition(topic, partition, 0) for partition in partitions])
    messages = [seen(message) for message in read(consumer, len(records))]
    consumer.close()
    return {"placed": placed, "messages": messages}


class Member:
    """A group member on a thread of its own, which notes its assignment."""

    def __init__(self, bootstrap, group, topic, **config):
        self.assigned, self.events, self.stopping, self.values = [], [], False, []
        self.consumer = group_consumer(bootstrap, group, **config)
        self.cooperative = config.get("partition.assignment.strategy") == "cooperative-sticky" or config.get("group.protocol") == "consumer"
        self.consumer.subscribe([topic], on_assign=self.on_assign, on_revoke=self.on_revoke, on_lost=self.on_revoke)
        self.thread = threading.Thread(target=self.work)
        self.thread.start()

    def on_assign(self, consumer, partitions):
        numbers = sorted(p.partition for p in partitions)
        self.events.append(["assigned", numbers])
        self.assigned = sorted(self.assigned + numbers) if self.cooperative else numbers

    def on_revoke(self, consumer, partitions):
        numbers = sorted(p.partition for p in partitions)
        self.events.append(["revoked", numbers])
        self.assigned = [p for p in self.assigned if p not in numbers]

    def work(self):
        while not self.stopping:
            message = self.consumer.poll(0.05)
            if message is None or message.error():
                continue
            self.values.append(message.value().decode())
            self.consumer.commit(message, asynchronous=False)
        self.consumer.close()

    def stop(self):
        self.stopping = True
        self.thread.join()


def settle(members, partitions):
    """Waits until the members share all partitions, each its fair part."""
    end = time.monotonic() + PATIENCE
    least, most = partitions // len(members), -(-partitions // len(members))
    while time.monotonic() < end:
        owned = [list(member.assigned) for member in members]
        if sorted(sum(owned, [])) == list(range(partitions)) and all(least <= len(o) <= most for o in owned):
            return owned
        time.sleep(0.05)
    return [list(member.assigned) for member in members]


def create(bootstrap, topic, partitions):
    client = AdminClient({"bootstrap.servers": bootstrap})
    client.create_topics([NewTopic(topic, partitions, 1)])[topic].result(PATIENCE)


def rebalance(bootstrap, topic, group, partitions, strategy):
    """Three members come one by one, then one goes. The shares after each step, and what happened to the first member."""
    create(bootstrap, topic, partitions)
    config = {"group.protocol": "consumer"} if strategy == "consumer" else {"partition.assignment.strategy": strategy}
    members, shares = [], []
    for _ in range(3):
        members.append(Member(bootstrap, group, topic, **config))
        shares.append(settle(members, partitions))
    members.pop().stop()
    shares.append(settle(members, partitions))
    events = members[0].events[:]
    for member in members:
        member.stop()
    return {"shares": shares, "firstMember": events}


def sizes(bootstrap, topic, group, partitions, strategy, sizes, records):
    """As many members as each size says. After each step the shares, and what all read of new records."""
    create(bootstrap, topic, partitions)
    config = {"group.protocol": "consumer"} if strategy == "consumer" else {"partition.assignment.strategy": strategy}
    members, steps, gone = [], [], []
    for size in sizes:
        while len(members) < size:
            members.append(Member(bootstrap, group, topic, **config))
        while len(members) > size:
            gone.append(members.pop())
            gone[-1].stop()
        shares = settle(members, partitions)
        before = sum(len(member.values) for member in members + gone)
        values = [f"{size}:{partition}:{n}" for partition in range(partitions) for n in range(records)]
        produce(bootstrap, topic, [{"value": value, "partition": int(value.split(":")[1])} for value in values])
        end = time.monotonic() + PATIENCE
        while sum(len(member.values) for member in members + gone) - before < len(values) and time.monotonic() < end:
            time.sleep(0.02)
        # What would be read twice comes now.
        time.sleep(0.2)
        steps.append({"shares": shares, "values": [value for member in members + gone for value in member.values]})
        for member in members + gone:
            member.values.clear()
    for member in members:
        member.stop()
    return steps


def static_member(bootstrap, topic, group, partitions):
    """A static member that comes back within its session keeps its partitions, and the other one sees no rebalance."""
    create(bootstrap, topic, partitions)
    config = {"session.timeout.ms": 20000, "partition.assignment.strategy": "range"}
    one = Member(bootstrap, group, topic, **config, **{"group.instance.id": "one"})
    two = Member(bootstrap, group, topic, **config, **{"group.instance.id": "two"})
    before = settle([one, two], partitions)
    events = len(one.events)
    two.stop()
    again = Member(bootstrap, group, topic, **config, **{"group.instance.id": "two"})
    after = settle([one, again], partitions)
    result = {"before": before, "after": after, "otherSaw": one.events[events:]}
    one.stop()
    again.stop()
    return result


def commits(bootstrap, topic, group):
    """Reads 3 messages, commits with metadata, reads on as a new member; commits, positions and seeks."""
    produce(bootstrap, topic, [{"value": str(i), "partition": 0, "timestamp": 1700000000000 + i * 1000} for i in range(10)])
    first = group_consumer(bootstrap, group)
    first.subscribe([topic])
    values = [m.value().decode() for m in read(first, 3)]
    first.commit(offsets=[TopicPartition(topic, 0, 3, metadata="after three")], asynchronous=False)
    first.close()
    second = group_consumer(bootstrap, group)
    second.subscribe([topic])
    rest = [m.value().decode() for m in read(second, 7)]
    committed = second.committed([TopicPartition(topic, 0)], PATIENCE)[0]
    found = second.offsets_for_times([TopicPartition(topic, 0, 1700000004500)], PATIENCE)[0].offset
    late = second.offsets_for_times([TopicPartition(topic, 0, 1800000000000)], PATIENCE)[0].offset
    second.seek(TopicPartition(topic, 0, found))
    sought = read(second, 1)[0].value().decode()
    watermarks = second.get_watermark_offsets(TopicPartition(topic, 0), PATIENCE)
    second.close()
    return {
        "first": values,
        "rest": rest,
        "committed": [committed.offset, committed.metadata],
        "found": found,
        "late": late,
        "sought": sought,
        "watermarks": list(watermarks),
    }


def transactions(bootstrap, source, target, group, transactional_id):
    """Copies 10 messages in transactions of 2 with their offsets; the third transaction is aborted and done again. What a reader of committed ones sees."""
    produce(bootstrap, source, [{"value": str(i), "partition": 0} for i in range(10)])
    consumer = group_consumer(bootstrap, group, **{"isolation.level": "read_committed"})
    consumer.subscribe([source])
    values = [message.value() for message in read(consumer, 10)]
    producer = Producer({"bootstrap.servers": bootstrap, "transactional.id": transactional_id, "transaction.timeout.ms": 30000})
    producer.init_transactions(PATIENCE)
    metadata = consumer.consumer_group_metadata()
    for start, commits in ((0, True), (2, True), (4, False), (4, True), (6, True), (8, True)):
        producer.begin_transaction()
        for value in values[start : start + 2]:
            producer.produce(target, value)
        producer.send_offsets_to_transaction([TopicPartition(source, 0, start + 2)], metadata, PATIENCE)
        if commits:
            producer.commit_transaction(PATIENCE)
        else:
            producer.abort_transaction(PATIENCE)
    committed = consumer.committed([TopicPartition(source, 0)], PATIENCE)[0].offset
    consumer.close()
    fenced = None
    other = Producer({"bootstrap.servers": bootstrap, "transactional.id": transactional_id})
    other.init_transactions(PATIENCE)
    try:
        producer.begin_transaction()
        producer.produce(target, "fenced")
        producer.commit_transaction(PATIENCE)
    except KafkaException as error:
        fenced = error.args[0].fatal()
    reader = group_consumer(bootstrap, group + "-reader", **{"isolation.level": "read_committed"})
    reader.subscribe([target])
    copied = sorted(message.value().decode() for message in read(reader, 11, 3))
    reader.close()
    return {"copied": copied, "committed": committed, "fenced": fenced}


def result_of(futures):
    """What each future gave: null, or the error's name."""
    outcome = {}
    for key, future in futures.items():
        try:
            future.result(PATIENCE)
            outcome[str(key)] = None
        except KafkaException as error:
            outcome[str(key)] = error.args[0].name()
    return outcome


def values_of(admin, resource, names):
    described = next(iter(admin.describe_configs([resource]).values())).result(PATIENCE)
    return {name: described[name].value for name in names}


def admin(bootstrap, topic, group):
    """Topics, partitions, configs, records, groups, offsets through the admin client."""
    client = AdminClient({"bootstrap.servers": bootstrap})
    told = {"created": result_of(client.create_topics([NewTopic(topic, 2, 1, config={"retention.ms": "3600000"})]))[topic]}
    told["createdAgain"] = result_of(client.create_topics([NewTopic(topic, 2, 1)]))[topic]
    told["replicated"] = result_of(client.create_topics([NewTopic(topic + "-r", 1, 3)]))[topic + "-r"]
    told["badName"] = result_of(client.create_topics([NewTopic("bad name!", 1, 1)]))["bad name!"]
    told["grown"] = result_of(client.create_partitions([NewPartitions(topic, 4)]))[topic]
    told["shrunk"] = result_of(client.create_partitions([NewPartitions(topic, 1)]))[topic]
    told["partitions"] = len(client.list_topics(topic, PATIENCE).topics[topic].partitions)
    change = ConfigEntry("max.message.bytes", "65536", incremental_operation=AlterConfigOpType.SET)
    resource = ConfigResource(ResourceType.TOPIC, topic, incremental_configs=[change])
    told["altered"] = list(result_of(client.incremental_alter_configs([resource])).values())[0]
    told["configs"] = values_of(client, ConfigResource(ResourceType.TOPIC, topic), ["max.message.bytes", "retention.ms"])

    produce(bootstrap, topic, [{"value": str(i), "partition": 0} for i in range(8)])
    lows = client.delete_records([TopicPartition(topic, 0, 5)])
    told["lowWatermark"] = next(iter(lows.values())).result(PATIENCE).low_watermark
    listed = client.list_offsets({TopicPartition(topic, 0): OffsetSpec.earliest(), TopicPartition(topic, 1): OffsetSpec.latest()})
    told["offsets"] = sorted([p.partition, future.result(PATIENCE).offset] for p, future in listed.items())

    member = Member(bootstrap, group, topic)
    settle([member], 4)
    described = next(iter(client.describe_consumer_groups([group]).values())).result(PATIENCE)
    told["group"] = [described.state.name, len(described.members)]
    told["deletedWhileUsed"] = list(result_of(client.delete_consumer_groups([group])).values())[0]
    member.stop()
    altered = client.alter_consumer_group_offsets([ConsumerGroupTopicPartitions(group, [TopicPartition(topic, 0, 6)])])
    next(iter(altered.values())).result(PATIENCE)
    offsets = next(iter(client.list_consumer_group_offsets([ConsumerGroupTopicPartitions(group)]).values())).result(PATIENCE)
    told["committed"] = [[p.partition, p.offset] for p in offsets.topic_partitions]
    told["listed"] = group in [g.group_id for g in client.list_consumer_groups().result(PATIENCE).valid]
    told["groupDeleted"] = list(result_of(client.delete_consumer_groups([group])).values())[0]
    told["topicDeleted"] = result_of(client.delete_topics([topic]))[topic]
    told["topicDeletedAgain"] = result_of(client.delete_topics([topic]))[topic]
    return told


SCENARIOS = {f.__name__: f for f in (round_trip, rebalance, sizes, static_member, commits, transactions, admin)}

if __name__ == "__main__":
    scenario, bootstrap = sys.argv[1:]
    print(json.dumps(SCENARIOS[scenario](bootstrap, **json.load(sys.stdin))))
