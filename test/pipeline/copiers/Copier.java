// Copies committed records in transactions with their offsets, as a member of a group: a copier of test/pipeline, with the Java clients.
//   java -cp 'classes:jars/*' Copier NAME=VALUE...
// Leaves when its standard input ends. What it says is told in test/pipeline/copier.ts.
import java.time.Duration;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Random;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.ApplicationRecoverableException;
import org.apache.kafka.common.errors.InvalidConfigurationException;

public class Copier {
  static final Map<String, String> given = new HashMap<>();
  static Random random;
  static volatile boolean leaving;
  static int untilDeath;

  public static void main(String[] arguments) throws Exception {
    for (String argument : arguments) {
      int equals = argument.indexOf('=');
      given.put(argument.substring(0, equals), argument.substring(equals + 1));
    }
    random = new Random(Long.parseLong(given.get("seed")));
    untilDeath = Integer.parseInt(given.getOrDefault("dieAfter", "-1"));
    Thread input = new Thread(() -> {
      try {
        while (System.in.read() >= 0);
      } catch (java.io.IOException ended) {
        // As good as its end.
      }
      leaving = true;
    });
    input.setDaemon(true);
    input.start();
    int code = 0;
    try {
      work();
    } catch (Throwable failure) {
      System.err.println(failure + (failure.getCause() == null ? "" : " because of " + failure.getCause()));
      say("failed " + failure.getClass().getSimpleName());
      code = 3;
    }
    // Neither a thread nor a close that waits may hold the end up.
    Runtime.getRuntime().halt(code);
  }

  static void work() throws Exception {
    try (KafkaConsumer<byte[], String> consumer = new KafkaConsumer<>(consumerSettings());
        KafkaProducer<byte[], String> producer = new KafkaProducer<>(producerSettings())) {
      producer.initTransactions();
      consumer.subscribe(List.of(given.get("input")), listener());
      say("ready");
      while (!leaving) {
        ConsumerRecords<byte[], String> records = consumer.poll(Duration.ofMillis(100));
        if (records.isEmpty()) continue;
        dieAt("polled");
        try {
          if (copy(consumer, producer, records)) say("copied " + records.count());
          else rewind(consumer);
          dieAt("ended");
          if (untilDeath > 0) untilDeath--;
        } catch (ApplicationRecoverableException | InvalidConfigurationException fatal) {
          throw fatal;
        } catch (KafkaException failure) {
          System.err.println("aborts because of " + failure);
          producer.abortTransaction();
          rewind(consumer);
        }
      }
    }
  }

  /** False: aborted on purpose. */
  static boolean copy(KafkaConsumer<byte[], String> consumer, KafkaProducer<byte[], String> producer, ConsumerRecords<byte[], String> records)
      throws Exception {
    String[] outputs = given.get("outputs").split(",");
    int partitions = Integer.parseInt(given.get("partitions"));
    Map<TopicPartition, OffsetAndMetadata> offsets = new HashMap<>();
    producer.beginTransaction();
    for (ConsumerRecord<byte[], String> record : records) {
      producer.send(new ProducerRecord<>(outputs[0], record.partition(), null, record.value()));
      int spread = (int) ((record.offset() + record.partition()) % partitions);
      producer.send(new ProducerRecord<>(outputs[1], spread, null, record.value()));
      offsets.put(new TopicPartition(record.topic(), record.partition()), new OffsetAndMetadata(record.offset() + 1));
    }
    if (given.getOrDefault("diePoint", "").equals("sent")) producer.flush();
    dieAt("sent");
    producer.sendOffsetsToTransaction(offsets, consumer.groupMetadata());
    dieAt("offsets");
    if (random.nextInt(12) == 0) {
      producer.abortTransaction();
      return false;
    }
    if (untilDeath == 0 && given.getOrDefault("diePoint", "").equals("ending")) {
      int patience = random.nextInt(6);
      new Thread(() -> {
        try {
          Thread.sleep(patience);
        } catch (InterruptedException impossible) {
          throw new IllegalStateException(impossible);
        }
        dieAt("ending");
      }).start();
    }
    producer.commitTransaction();
    return true;
  }

  static void rewind(KafkaConsumer<byte[], String> consumer) {
    Map<TopicPartition, OffsetAndMetadata> committed = consumer.committed(consumer.assignment());
    for (TopicPartition partition : consumer.assignment()) {
      OffsetAndMetadata offset = committed.get(partition);
      if (offset == null) consumer.seekToBeginning(List.of(partition));
      else consumer.seek(partition, offset.offset());
    }
  }

  static ConsumerRebalanceListener listener() {
    return new ConsumerRebalanceListener() {
      public void onPartitionsAssigned(Collection<TopicPartition> partitions) {
        say("assigned" + numbers(partitions));
      }

      public void onPartitionsRevoked(Collection<TopicPartition> partitions) {
        say("revoked" + numbers(partitions));
      }
    };
  }

  static String numbers(Collection<TopicPartition> partitions) {
    StringBuilder text = new StringBuilder();
    for (TopicPartition partition : partitions) text.append(' ').append(partition.partition());
    return text.toString();
  }

  static void dieAt(String point) {
    if (untilDeath != 0 || !point.equals(given.get("diePoint"))) return;
    say("died");
    Runtime.getRuntime().halt(9);
  }

  static synchronized void say(String line) {
    System.out.println(line);
    System.out.flush();
  }

  static Properties common() {
    Properties settings = new Properties();
    settings.put("bootstrap.servers", given.get("bootstrap"));
    settings.put("client.id", given.get("id"));
    settings.put("reconnect.backoff.ms", "20");
    settings.put("reconnect.backoff.max.ms", "200");
    settings.put("retry.backoff.ms", "20");
    settings.put("retry.backoff.max.ms", "200");
    settings.put("request.timeout.ms", "5000");
    return settings;
  }

  static Properties consumerSettings() {
    Properties settings = common();
    settings.put("group.id", given.get("group"));
    settings.put("group.protocol", given.get("protocol"));
    if (given.get("protocol").equals("classic")) {
      settings.put("session.timeout.ms", given.get("session"));
      settings.put("heartbeat.interval.ms", "300");
      String assignor = given.get("strategy").equals("cooperative") ? "CooperativeStickyAssignor" : "RangeAssignor";
      settings.put("partition.assignment.strategy", "org.apache.kafka.clients.consumer." + assignor);
    }
    if (given.containsKey("instance")) settings.put("group.instance.id", given.get("instance"));
    settings.put("isolation.level", "read_committed");
    settings.put("enable.auto.commit", "false");
    settings.put("auto.offset.reset", "earliest");
    settings.put("max.poll.records", given.get("records"));
    settings.put("fetch.max.wait.ms", "100");
    settings.put("key.deserializer", "org.apache.kafka.common.serialization.ByteArrayDeserializer");
    settings.put("value.deserializer", "org.apache.kafka.common.serialization.StringDeserializer");
    return settings;
  }

  static Properties producerSettings() {
    Properties settings = common();
    settings.put("transactional.id", given.get("id"));
    settings.put("transaction.timeout.ms", given.get("transaction"));
    settings.put("key.serializer", "org.apache.kafka.common.serialization.ByteArraySerializer");
    settings.put("value.serializer", "org.apache.kafka.common.serialization.StringSerializer");
    return settings;
  }
}
